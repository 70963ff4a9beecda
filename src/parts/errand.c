#include "errand.h"
#include "options.h"

// The body of {Server, Function, Argument}. The result is the reason it ends with, so that
// one DOWN tells everything; the link would tell it a second time.
static void run(keel_term plan)
{
    kl_errand_function function = keel_to_function(
            kl_errand_function, keel_element(plan, 1));
    keel_term result = kl_some(function(keel_element(plan, 2)));
    keel_unlink(keel_to_pid(keel_element(plan, 0)));
    keel_exit(keel_make("{shutdown, {errand, Result}}", result));
}

keel_pid kl_errand_start(
        const char *entry, kl_errand_function function, keel_term argument, keel_term tag)
{
    return kl_errand_start_on(0, entry, function, argument, tag);
}

keel_pid kl_errand_start_on(size_t stack_bytes, const char *entry,
        kl_errand_function function, keel_term argument, keel_term tag)
{
    keel_spawn_opts opts = {.link = true,
            .monitor = true,
            .monitor_opts.tag = keel_tuple_of(keel_atom(errand), tag),
            .stack_bytes = stack_bytes,
            .entry = entry};
    keel_term plan = keel_tuple_of(
            keel_from_pid(keel_self()), keel_function(function), kl_some(argument));
    keel_pid pid = {0};
    keel_ref monitor;
    return keel_spawn_opt(run, plan, &opts, &pid, &monitor) == KEEL_OK ? pid
                                                                       : (keel_pid){0};
}

bool kl_errand_ended(keel_term message, keel_term *ret_tag, keel_status *ret_status,
        keel_term *ret_value)
{
    keel_term reason;
    if (!keel_match(message, "{{errand, Tag}, _, process, _, Reason}", ret_tag, &reason)) {
        return false;
    }
    bool done = keel_match(reason, "{shutdown, {errand, Result}}", ret_value);
    *ret_status = done ? KEEL_OK : KEEL_E_EXIT;
    *ret_value = done ? *ret_value : reason;
    return true;
}

void kl_callers_add(struct kl_caller **callers, keel_from from)
{
    struct kl_caller *caller = keel_alloc(sizeof *caller);
    caller->from = (keel_from){from.pid, keel_keep(from.tag)};
    caller->next = *callers;
    *callers = caller;
}

void kl_callers_answer(struct kl_caller **callers, keel_term reply)
{
    while (*callers != NULL) {
        struct kl_caller *caller = *callers;
        *callers = caller->next;
        keel_reply_to(caller->from, reply);
        keel_drop(caller->from.tag);
        keel_free(caller);
    }
}

keel_term kl_errand_reply(keel_status status, keel_term value)
{
    return keel_tuple_of(status == KEEL_OK ? keel_atom(ok) : keel_atom(error), value);
}

keel_status kl_errand_outcome(keel_status status, keel_term reply, keel_term *ret_value)
{
    if (status == KEEL_OK) {
        *ret_value = keel_element(reply, 1);
        return keel_is(keel_element(reply, 0), ok) ? KEEL_OK : KEEL_E_EXIT;
    }
    if (status == KEEL_E_EXIT) {
        *ret_value = reply;
    }
    return status;
}
