// OTP's module `timer`: functions, signals and intervals at a later time. Each of its
// timers is a small process that sleeps, so a timer can be cancelled by ending it, one
// that belongs to a process ends with it, and there is no server that could be confused.

#include "process.h"
#include <keel/keel.h>

// The argument of a timer's process: {Duration, Interval, Owner, What}, where Owner is a
// pid or name whose process ends the timer with itself, or [], and What one of
//   {apply, Fn, Argument}   {repeat, Fn, Argument}
//   {send, To, Message}   {exit, To, Reason}

static void apply_body(keel_term argument)
{
    void *fn;
    keel_term term;
    if (keel_match(argument, "{Fn, Term}", &fn, &term)) {
        ((keel_body)(uintptr_t)fn)(term);
    }
}

// Does what there is to do. A monitor of the run that must be over before the next.
static keel_ref act(keel_term what)
{
    void *fn;
    keel_term to;
    keel_term term;
    keel_ref run = {0};
    if (keel_match(what, "{apply, Fn, Term}", &fn, &term)) {
        keel_spawn(apply_body, keel_make("{Fn, Term}", keel_pointer(fn), term));
    } else if (keel_match(what, "{repeat, Fn, Term}", &fn, &term)) {
        keel_spawn_monitor(
                apply_body, keel_make("{Fn, Term}", keel_pointer(fn), term), &run);
    } else if (keel_match(what, "{send, To, Term}", &to, &term)) {
        keel_send_term(to, term);
    } else if (keel_match(what, "{exit, To, Term}", &to, &term)) {
        keel_pid pid = keel_whereis_term(to);
        if (pid.word != 0) {
            keel_process_exit(pid, term);
        }
    }
    return run;
}

// True for a request to cancel the timer, which is answered: whoever cancelled hears
// nothing of the timer afterwards.
static bool is_cancelled(keel_term message, keel_ref alias)
{
    keel_term from;
    if (!keel_match(message, "{'$gen_call', From, {cancel, ^Alias}}", &from, alias)) {
        return false;
    }
    keel_gen_reply(keel_from_of_term(from), keel_atom(ok));
    return true;
}

static bool is_down_of(keel_ref monitor, keel_term message)
{
    return monitor.word != 0 &&
           keel_match(message, "{'DOWN', ^Ref, process, _, _}", monitor);
}

// Waits until `due`, or the end of `run`. True when the timer was cancelled, or its owner
// has ended. Whatever else is sent to the process is none of its business and dropped.
static bool ends_before(keel_deadline due, keel_ref run, keel_ref alias, keel_ref owner)
{
    for (;;) {
        keel_scope scope = keel_scope_open();
        keel_term message;
        bool go_on = keel_receive_until(due, &message) != KEEL_OK ||
                     is_down_of(run, message);
        bool ended = !go_on && (is_cancelled(message, alias) || is_down_of(owner, message));
        keel_scope_close(&scope);
        if (go_on || ended) {
            return ended;
        }
    }
}

static void timer_body(keel_term argument)
{
    int64_t duration;
    bool interval;
    keel_term owner;
    keel_term what;
    if (!keel_match(argument, "{Duration, Interval, Owner, What}", &duration, &interval,
                &owner, &what)) {
        keel_exit(keel_atom(badarg));
    }
    keel_ref alias = kl_alias_for_timer();
    keel_ref monitor = keel_is_nil(owner) ? (keel_ref){0} : keel_monitor(owner);
    keel_deadline due = keel_deadline_in(duration);
    keel_gen_ack(keel_from_ref(alias));
    do {
        if (ends_before(due, (keel_ref){0}, alias, monitor)) {
            return;
        }
        keel_scope scope = keel_scope_open();
        keel_ref run = act(what);
        keel_scope_close(&scope);
        if (run.word != 0 && ends_before(KEEL_NEVER, run, alias, monitor)) {
            return;
        }
        due = keel_deadline_at(due.at + duration);
    } while (interval);
}

// `owner` and `what` as in the argument of the timer's process; no `what` is refused.
static keel_status start_timer(keel_duration duration, bool interval, keel_term owner,
        keel_term what, keel_ref *ret_timer)
{
    if (duration < 0 || (interval && duration == 0) || keel_is_none(what)) {
        return KEEL_E_BADARG;
    }
    keel_spawn_opts opts = {.entry = "timer"};
    keel_term ack;
    keel_status status = keel_start_body(timer_body,
            keel_make("{Duration, Interval, Owner, What}", duration, interval, owner, what),
            &opts, KEEL_NEVER, NULL, NULL, &ack);
    if (status == KEEL_OK && ret_timer != NULL) {
        *ret_timer = keel_to_ref(ack);
    }
    return status;
}

// Whoever is to get a message, by pid, name or {Name, Node}.
static bool is_destination(keel_term to)
{
    return keel_is_pid(to) || keel_is_atom(to) ||
           (keel_tuple_size(to) == 2 && keel_is_atom(keel_element(to, 0)) &&
                   keel_is_atom(keel_element(to, 1)));
}

// The caller, with whom its own intervals end.
static keel_term caller(void)
{
    return keel_in_process() ? keel_from_pid(keel_self()) : keel_nil();
}

// None when there is nothing to run.
static keel_term run_of(keel_term how, keel_body fn, keel_term argument)
{
    if (fn == NULL || keel_is_none(argument)) {
        return KEEL_NONE;
    }
    return keel_tuple_of(how, keel_pointer((void *)(uintptr_t)fn), argument);
}

keel_status keel_apply_after(
        keel_duration duration, keel_body fn, keel_term argument, keel_ref *ret_timer)
{
    keel_term what = run_of(keel_atom(apply), fn, argument);
    return start_timer(duration, false, keel_nil(), what, ret_timer);
}

keel_status keel_apply_interval(
        keel_duration duration, keel_body fn, keel_term argument, keel_ref *ret_timer)
{
    keel_term what = run_of(keel_atom(apply), fn, argument);
    return start_timer(duration, true, caller(), what, ret_timer);
}

keel_status keel_apply_repeatedly(
        keel_duration duration, keel_body fn, keel_term argument, keel_ref *ret_timer)
{
    keel_term what = run_of(keel_atom(repeat), fn, argument);
    return start_timer(duration, true, caller(), what, ret_timer);
}

keel_status keel_send_interval(
        keel_duration duration, keel_term to, keel_term message, keel_ref *ret_timer)
{
    if (!is_destination(to) || keel_is_none(message)) {
        return KEEL_E_BADARG;
    }
    return start_timer(
            duration, true, to, keel_make("{send, To, Message}", to, message), ret_timer);
}

keel_status keel_exit_after(
        keel_duration duration, keel_term to, keel_term reason, keel_ref *ret_timer)
{
    if ((!keel_is_pid(to) && !keel_is_atom(to)) || keel_is_none(reason)) {
        return KEEL_E_BADARG;
    }
    return start_timer(duration, false, keel_nil(),
            keel_make("{exit, To, Reason}", to, reason), ret_timer);
}

keel_status keel_kill_after(keel_duration duration, keel_term to, keel_ref *ret_timer)
{
    return keel_exit_after(duration, to, keel_atom(kill), ret_timer);
}

keel_status keel_timer_cancel(keel_term timer)
{
    if (!keel_is_ref(timer)) {
        return KEEL_E_BADARG;
    }
    keel_ref ref = keel_to_ref(timer);
    keel_pid pid = keel_cancel_timer(ref, NULL) ? (keel_pid){0} : kl_alias_timer(ref);
    if (pid.word != 0) {
        // Who ended before the answer does nothing any more either.
        keel_term ok;
        (void)!keel_gen_call(
                keel_from_pid(pid), keel_make("{cancel, Timer}", timer), KEEL_NEVER, &ok);
    }
    return KEEL_OK;
}
