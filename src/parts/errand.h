#ifndef KL_PARTS_ERRAND_H
#define KL_PARTS_ERRAND_H

#include <keel/gen_server.h>

// Errands: what a server has done in a process of its own, so that it goes on meanwhile.
// The process is linked, so it ends with the server, which traps exits; and the server
// hears of it once, by one message, whichever way it ended.

typedef keel_term (*kl_errand_function)(keel_term argument);

// Starts one; `tag` comes back with the message. None: no more processes.
keel_pid kl_errand_start(
        const char *entry, kl_errand_function function, keel_term argument, keel_term tag);
// The same on a stack of another size.
keel_pid kl_errand_start_on(size_t stack_bytes, const char *entry,
        kl_errand_function function, keel_term argument, keel_term tag);
// True when `message` is that of an errand: KEEL_OK and what the function returned, or
// KEEL_E_EXIT and the reason it ended with.
bool kl_errand_ended(keel_term message, keel_term *ret_tag, keel_status *ret_status,
        keel_term *ret_value);

// Callers that wait for the same answer.
struct kl_caller {
    struct kl_caller *next;
    keel_from from; // its tag kept
};
void kl_callers_add(struct kl_caller **callers, keel_from from);
void kl_callers_answer(struct kl_caller **callers, keel_term reply);

// What clients get for an errand's outcome: {ok, Value} or {error, Reason}, and back.
keel_term kl_errand_reply(keel_status status, keel_term value);
// @param status  of the call that gave `reply`
keel_status kl_errand_outcome(keel_status status, keel_term reply, keel_term *ret_value);

#endif // KL_PARTS_ERRAND_H
