#ifndef KL_OTP_GEN_STATEM_TIMER_H
#define KL_OTP_GEN_STATEM_TIMER_H

#include "gen_statem_queue.h"
#include "gen_statem_step.h"

// The timeouts of a state machine that run: at most one of each type and name. Each is a
// timer of the runtime, whose message takes its place in the mailbox as any other, except
// for those of no time at all: they wait here, in order, until the queue is empty.

struct kl_statem_timer;
struct kl_statem_timers { // zeroed: none
    struct kl_statem_timer *first; // oldest first
    bool used; // ever: then messages may come, also late ones
};

// Does what an action about a timeout says.
void kl_statem_timers_do(struct kl_statem_timers *timers, const struct kl_timeout *timeout);
// Ends one that runs, if it does.
void kl_statem_timers_cancel(
        struct kl_statem_timers *timers, keel_event_type type, keel_term name);
// True when `message` is that of one of these timers. `*ret_event` is the caller's to free;
// NULL when the timer was cancelled after its message had left.
bool kl_statem_timers_message(struct kl_statem_timers *timers, keel_term message,
        struct kl_held_event **ret_event);
// The event of the first one of no time at all, or NULL.
struct kl_held_event *kl_statem_timers_due(struct kl_statem_timers *timers);
// [{Type, Content}, …], and how many.
keel_term kl_statem_timers_term(const struct kl_statem_timers *timers, size_t *ret_count);

#endif // KL_OTP_GEN_STATEM_TIMER_H
