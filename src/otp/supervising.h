#ifndef KL_OTP_SUPERVISING_H
#define KL_OTP_SUPERVISING_H

#include "child_table.h"
#include "restart.h"
#include "strategy.h"
#include <keel/report.h>
#include <keel/sys.h>

// What the files of the supervisor share. It is a gen_server like any other: this is its
// state, and supervisor.c its callbacks.

struct kl_supervisor {
    struct kl_child_table children;
    struct kl_supervisor_flags flags;
    struct kl_restarts restarts;
    const keel_supervisor *module; // NULL: started with a list of children
    const keel_supervisor *previous; // before an upgrade, for the way back
    keel_term argument; // kept: of the module's init, or {Flags, Specs}
    keel_term name; // kept: {local, Name}, {global, Name}, {via, …}, {Pid, Module}
    struct kl_simple *simple; // with simple_one_for_one: its children; else NULL
};

// --- supervisor.c ---
extern const keel_gen_server kl_supervisor_module;

// --- supervisor_children.c: doing things to children ---

// Starts a child that is down. Returns {ok, Pid}, {ok, Pid, Info}, {ok, undefined} or
// {error, Reason}; the child's status follows.
keel_term kl_child_start(
        struct kl_supervisor *self, struct kl_child *child, keel_report_level level);
// Starts all children from `first` on (NULL: from the first) that are down. Returns NULL,
// or the child that failed, with the reason.
struct kl_child *kl_children_start(
        struct kl_supervisor *self, struct kl_child *first, keel_term *ret_reason);
// Stops a child that runs, as its specification says, and waits for its end.
void kl_child_stop(struct kl_supervisor *self, struct kl_child *child);
// Whether the end of a child that was stopped must be reported: not the one it was told,
// nor one that says the same. `late`: it was killed in the end.
bool kl_child_stop_failed(
        keel_restart restart, keel_duration shutdown, keel_term reason, bool late);
// Stops all children behind `before` (NULL: all), in reverse order; temporary ones are
// forgotten.
void kl_children_stop(struct kl_supervisor *self, const struct kl_child *before);
// A child has ended by itself, with `reason`. Returns false when the supervisor must stop.
bool kl_child_ended(struct kl_supervisor *self, struct kl_child *child, keel_term reason);
// Tries to restart a child once more. Returns false when the supervisor must stop.
bool kl_child_try_again(struct kl_supervisor *self, struct kl_child *child);

// --- supervisor_simple.c: simple_one_for_one ---

// Checks the specifications, of which there must be one. Returns KEEL_NONE, or the reason
// the start fails with.
keel_term kl_simple_init(struct kl_supervisor *self, keel_term specs);
keel_term kl_simple_answer(struct kl_simple *simple, keel_term request);
// Messages and casts. False: the supervisor must stop.
bool kl_simple_ended(struct kl_simple *simple, keel_pid pid, keel_term reason);
bool kl_simple_try_again(struct kl_simple *simple, keel_pid pid);
void kl_simple_stop_all(struct kl_simple *simple);
// New flags and specifications. Returns KEEL_NONE or what is wrong.
keel_term kl_simple_change(struct kl_supervisor *self,
        const struct kl_supervisor_flags *flags, keel_term specs);
keel_term kl_simple_state(const struct kl_simple *simple);

// --- supervisor_requests.c ---
keel_term kl_supervisor_answer(struct kl_supervisor *self, keel_term request);

// --- supervisor_report.c ---
void kl_supervisor_report(const struct kl_supervisor *self, keel_term context,
        keel_term reason, const struct kl_child *child);
void kl_supervisor_progress(const struct kl_supervisor *self, const struct kl_child *child,
        keel_report_level level);
// The record of a child, in the error of start_child.
keel_term kl_child_record(const struct kl_child *child);
// Its pid, undefined or {restarting, Before}, as reports and records have it.
keel_term kl_child_pid_term(const struct kl_child *child);

#endif // KL_OTP_SUPERVISING_H
