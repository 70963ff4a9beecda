// Timers that send a message: the public functions. timer_table.c has the timers.

#include "process.h"
#include "timer_table.h"

static keel_status arm(
        int64_t at, keel_term to, keel_term message, bool wrap, keel_ref *ret_timer)
{
    bool local = kl_pid_is_local((keel_pid){to.word});
    if ((!local && !keel_is_atom(to)) || keel_is_none(message)) {
        return KEEL_E_BADARG;
    }
    if (!kl_runtime.running) {
        return KEEL_E_STOPPED;
    }
    keel_status status = kl_timer_table_arm(at, to, message, wrap, ret_timer);
    kl_observable();
    return status;
}

static keel_ref arm_in(keel_duration duration, keel_term to, keel_term message, bool wrap)
{
    keel_ref ref = {0};
    if (duration >= 0) {
        keel_status status = arm(keel_deadline_in(duration).at, to, message, wrap, &ref);
        (void)status; // none says it
    }
    return ref;
}

keel_ref keel_send_after_term(keel_duration duration, keel_term to, keel_term message)
{
    return arm_in(duration, to, message, false);
}

keel_ref keel_start_timer(keel_duration duration, keel_term to, keel_term message)
{
    return arm_in(duration, to, message, true);
}

static keel_ref arm_at(keel_deadline when, keel_term to, keel_term message, bool wrap)
{
    keel_ref ref = {0};
    keel_status status = arm(when.at, to, message, wrap, &ref);
    (void)status;
    return ref;
}

keel_ref keel_send_at(keel_deadline when, keel_term to, keel_term message)
{
    return arm_at(when, to, message, false);
}

keel_ref keel_start_timer_at(keel_deadline when, keel_term to, keel_term message)
{
    return arm_at(when, to, message, true);
}

// OTP's options: a list of {abs, Bool}.
static bool read_options(keel_term options, bool *ret_absolute)
{
    keel_term item;
    *ret_absolute = false;
    while (keel_list_next(&options, &item)) {
        if (keel_tuple_size(item) != 2 || !keel_is(keel_element(item, 0), abs) ||
                !keel_is_bool(keel_element(item, 1))) {
            return false;
        }
        *ret_absolute = keel_to_bool(keel_element(item, 1));
    }
    return keel_is_nil(options);
}

static keel_status arm_opt(keel_term milliseconds, keel_term to, keel_term message,
        keel_term options, bool wrap, keel_ref *ret_timer)
{
    // So far ahead that no clock of ours reaches it: 2^63 ns are 292 years.
    const int64_t most = INT64_MAX / 1000000 / 2;
    bool absolute;
    int64_t value;
    if (ret_timer == NULL || !read_options(options, &absolute) ||
            !keel_get_int(milliseconds, &value) || value > most || value < -most ||
            (!absolute && value < 0)) {
        return KEEL_E_BADARG;
    }
    int64_t at = absolute ? value * 1000000 : keel_deadline_in(KEEL_MS(value)).at;
    return arm(at, to, message, wrap, ret_timer);
}

keel_status keel_send_after_opt(keel_term milliseconds, keel_term to, keel_term message,
        keel_term options, keel_ref *ret_timer)
{
    return arm_opt(milliseconds, to, message, options, false, ret_timer);
}

keel_status keel_start_timer_opt(keel_term milliseconds, keel_term to, keel_term message,
        keel_term options, keel_ref *ret_timer)
{
    return arm_opt(milliseconds, to, message, options, true, ret_timer);
}

bool keel_cancel_timer(keel_ref ref, keel_duration *ret_left)
{
    if (!kl_runtime.running) {
        return false;
    }
    kl_observable();
    return kl_timer_table_cancel(ref, ret_left);
}

bool keel_read_timer(keel_ref ref, keel_duration *ret_left)
{
    return kl_runtime.running && kl_timer_table_read(ref, ret_left);
}

// {Tag, Ref, MillisecondsOrFalse} to the caller.
static keel_status answer(keel_term tag, keel_ref ref, bool found, keel_duration left)
{
    keel_term result = found ? keel_int((left + 999999) / 1000000) : keel_bool(false);
    return keel_send(keel_self(), keel_tuple_of(tag, keel_from_ref(ref), result));
}

keel_status keel_cancel_timer_async(keel_ref ref, bool info)
{
    if (!keel_is_ref(keel_from_ref(ref))) {
        return KEEL_E_BADARG;
    }
    if (kl_process_current() == NULL) {
        return KEEL_E_OUTSIDE;
    }
    keel_duration left = 0;
    bool found = keel_cancel_timer(ref, &left);
    return info ? answer(KL_ATOM(cancel_timer), ref, found, left) : KEEL_OK;
}

keel_status keel_read_timer_async(keel_ref ref)
{
    if (!keel_is_ref(keel_from_ref(ref))) {
        return KEEL_E_BADARG;
    }
    if (kl_process_current() == NULL) {
        return KEEL_E_OUTSIDE;
    }
    keel_duration left = 0;
    bool found = keel_read_timer(ref, &left);
    return answer(KL_ATOM(read_timer), ref, found, left);
}
