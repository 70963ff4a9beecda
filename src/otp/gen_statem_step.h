#ifndef KL_OTP_GEN_STATEM_STEP_H
#define KL_OTP_GEN_STATEM_STEP_H

#include <keel/gen_statem.h>

// What a state machine's callback has asked for, decided without doing any of it: a result
// and its actions become a plan, which the enter callback that follows may add to.

enum kl_statem_phase { KL_STATEM_INIT, KL_STATEM_EVENT, KL_STATEM_ENTER };

enum kl_statem_verdict {
    KL_STATEM_GO_ON, // as the plan says
    KL_STATEM_STOP, // with the plan's reason, after its replies
    KL_STATEM_IGNORE, // init: the start is declined
    KL_STATEM_FAIL, // init: the start fails, the process ends normally
    KL_STATEM_UNEXPECTED, // no clause took the event
    KL_STATEM_BAD, // an error: the plan's reason, after the replies before it
};

// Lists are newest first; none: empty.
struct kl_statem_plan {
    keel_term state; // to be in; at first the present one
    unsigned modules; // how many are on the stack
    bool enter; // the state is to be told that it is entered
    bool postpone, hibernate;
    keel_term replies; // {reply, From, Reply}
    keel_term events; // {next_event, Type, Content}
    keel_term timeouts; // actions that kl_statem_timeout takes
    keel_term changes; // of modules
    bool traced; // somebody hears what happens: …
    keel_term told; // … all replies, events and changes, as they were given
    keel_term reason;
};

struct kl_statem_plan kl_statem_plan(keel_term state, unsigned modules);
enum kl_statem_verdict kl_statem_decide(
        struct kl_statem_plan *plan, enum kl_statem_phase phase, const keel_result *result);
// The result as a term, for {bad_return_from_state_function, X}.
keel_term kl_statem_result_term(const keel_result *result);

// What an action about a timeout means.
struct kl_timeout {
    keel_event_type type;
    keel_term name; // of a named one
    enum { KL_TIMEOUT_AFTER, KL_TIMEOUT_AT, KL_TIMEOUT_UPDATE, KL_TIMEOUT_CANCEL } what;
    int64_t time; // a duration, or a point
    keel_term content;
};
// False when `action` is none.
bool kl_statem_timeout(keel_term action, struct kl_timeout *ret);
// Whether one of these is about the same timer.
bool kl_statem_overrides(keel_term actions, const struct kl_timeout *timeout);
// The items of such a list, oldest first.
keel_term kl_statem_in_order(keel_term newest_first);
// The same state. Most are atoms, which need no comparison.
static inline bool kl_statem_same(keel_term one, keel_term other)
{
    return one.word == other.word || (!keel_is_atom(one) && keel_equal(one, other));
}
// Type and, for calls and named timeouts, what belongs to it; false when `type` is none
// that can be inserted.
bool kl_statem_event_type(keel_term type, keel_event *ret);

#endif // KL_OTP_GEN_STATEM_STEP_H
