#ifndef KL_OTP_STATEM_H
#define KL_OTP_STATEM_H

#include "gen_statem_queue.h"
#include "gen_statem_step.h"
#include "gen_statem_timer.h"
#include <keel/sys.h>

// What the files of gen_statem share. The module's own data lies behind the struct.

struct kl_statem {
    const keel_gen_statem *module; // whose callbacks are made
    struct kl_statem_more *more; // what not every machine has
    keel_sys sys; // its own bytes: enum kl_statem_byte
    keel_term state; // kept
    struct kl_held_events queue; // to be handled before any message
    struct kl_held_events postponed;
    struct kl_statem_timers timers;
    struct kl_held_event *held; // the event that is being handled, if it is a held one
};

// The bytes of `sys.own`.
enum kl_statem_byte {
    KL_STATEM_STARTS, // init is done, its actions are not
    KL_STATEM_HIBERNATES,
    KL_STATEM_ENDING, // enum kl_statem_ending
    KL_STATEM_ERROR, // it ends by an error: the reason is {Reason, Stack}
};

// How far the end has come; see enum kl_ending in server.h.
enum kl_statem_ending {
    KL_STATEM_RUNS,
    KL_STATEM_SHOWS,
    KL_STATEM_TERMINATES,
    KL_STATEM_REPORTS
};

// Memory of the process, made when it is first needed.
struct kl_statem_more {
    void *data; // the module's, when a change of code has moved it
    keel_term name; // kept: {via, …} or {global, …}
    keel_duration hibernate_after; // 0: never
    keel_term actions; // kept: init's, until they are done
    const keel_gen_statem **modules; // the stack below `module`, newest last
    unsigned module_count;
    // while it ends; these lie in the memory of the callback
    keel_term reason;
    keel_term shown; // {Queue, Postponed, Timeouts, State, Data} before terminate
};

// The module's data starts at a multiple of 16.
#define KL_STATEM_BYTES ((sizeof(struct kl_statem) + 15) / 16 * 16)

static inline void *kl_statem_data(const struct kl_statem *self)
{
    const struct kl_statem_more *more = self->more;
    return more != NULL && more->data != NULL ? more->data
                                              : (char *)(uintptr_t)self + KL_STATEM_BYTES;
}

// --- gen_statem.c ---
struct kl_statem_more *kl_statem_more(struct kl_statem *self);
keel_next kl_statem_wait(struct kl_statem *self);
// What a message is to the machine; false when it is no event of its own (a held event, a
// timer's, none at all).
bool kl_statem_event_of(const keel_message *message, keel_event *ret);

// --- gen_statem_module.c ---
// The reason why `module` cannot be what a machine runs with data of `bytes`, or none.
keel_term kl_statem_module_error(const keel_gen_statem *module, size_t bytes);
// Calls the callback of the state for the event.
keel_result kl_statem_call_state(struct kl_statem *self, const keel_event *event);
// Does the actions that change the module, oldest first; an error, or none.
keel_term kl_statem_change_modules(struct kl_statem *self, keel_term actions);
keel_term kl_statem_module_name(const keel_gen_statem *module);
// The modules as a list of names, the present one first.
keel_term kl_statem_modules_term(const struct kl_statem *self);

// --- gen_statem_end.c ---
// Terminates: shows what there is, calls terminate, reports, ends. `event` may be NULL.
keel_next kl_statem_end(struct kl_statem *self, const keel_event *event, keel_term reason);
// The handler's `failed`.
keel_next kl_statem_failed(void *memory, keel_term reason, const keel_message *message);

// --- gen_statem_sys.c ---
extern const keel_sys_ops kl_statem_sys;
keel_term kl_statem_data_term(const struct kl_statem *self);
// The status through format_status; `status` is a map that has state and data.
keel_term kl_statem_format_status(const struct kl_statem *self, keel_term status);
// Tells the debug functions; call only while there are any.
void kl_statem_tell(struct kl_statem *self, keel_term event);
// The replies, inserted events and changes of modules of a plan, in the order given.
void kl_statem_tell_actions(struct kl_statem *self, struct kl_statem_plan *plan);
// The timeouts that were started, as OTP does: the last one first.
void kl_statem_tell_timers(struct kl_statem *self, keel_term newest_first);

#endif // KL_OTP_STATEM_H
