// A supervisor's children: starting, stopping, restarting them.

#include "copy.h"
#include "ending.h"
#include "supervising.h"
#include <keel/runtime_event.h>
#include <keel/timer.h>

static bool restart(struct kl_supervisor *self, struct kl_child *child);
static void sweep_exits(struct kl_supervisor *self, const struct kl_child *before);
static void try_later(
        struct kl_supervisor *self, struct kl_child *child, keel_duration delay);

// --- starting ---

keel_term kl_child_start(
        struct kl_supervisor *self, struct kl_child *child, keel_report_level level)
{
    bool exited;
    keel_started started = kl_child_try_start(
            &child->spec, kl_child_argument(&child->spec), &exited);
    if (exited) {
        return keel_make("{error, {'EXIT', Reason}}", started.reason);
    }
    if (started.status == KEEL_E_IGNORED) {
        kl_child_table_set_down(&self->children, child);
        return keel_make("{ok, undefined}");
    }
    if (started.status == KEEL_OK) {
        child->started_at = self->flags.backoff > 0 ? keel_now() : 0;
        if (!kl_child_table_set_up(&self->children, child, started.pid)) {
            keel_exit(keel_atom(system_limit));
        }
        kl_supervisor_progress(self, child, level);
    }
    return keel_started_to_term(started);
}

// One scope a child: ten thousand starts need no more memory than one.
struct kl_child *kl_children_start(
        struct kl_supervisor *self, struct kl_child *first, keel_term *ret_reason)
{
    struct kl_child *child = first != NULL ? first
                                           : kl_child_table_next(&self->children, NULL);
    for (; child != NULL; child = kl_child_table_next(&self->children, child)) {
        if (child->status != KL_CHILD_DOWN) {
            continue;
        }
        keel_scope scope = keel_scope_open();
        keel_term result = kl_child_start(self, child, KEEL_REPORT_INFO);
        bool failed = keel_is(keel_element(result, 0), error);
        if (failed) {
            kl_supervisor_report(
                    self, keel_atom(start_error), keel_element(result, 1), child);
            *ret_reason = keel_scope_close_with(&scope, keel_element(result, 1));
            return child;
        }
        bool forget = child->spec.restart == KEEL_TEMPORARY &&
                      child->status == KL_CHILD_DOWN;
        keel_scope_close(&scope);
        if (forget) {
            struct kl_child *gone = child;
            child = kl_child_table_previous(&self->children, child);
            kl_child_table_remove(&self->children, gone);
            if (child == NULL) {
                return kl_children_start(self, NULL, ret_reason);
            }
        }
    }
    return NULL;
}

// --- stopping ---

bool kl_child_stop_failed(
        keel_restart restart, keel_duration shutdown, keel_term reason, bool late)
{
    bool tuple = keel_tuple_size(reason) == 2 && keel_is(keel_element(reason, 0), shutdown);
    struct kl_shutdown_end end = {
            .restart = restart,
            .told_to_die = shutdown == KEEL_BRUTAL_KILL,
            .ran_out_of_time = late,
            .how = keel_is(reason, normal)     ? KL_END_NORMAL
                   : keel_is(reason, shutdown) ? KL_END_SHUTDOWN
                   : tuple                     ? KL_END_SHUTDOWN_TERM
                   : keel_is(reason, killed)   ? KL_END_KILLED
                                               : KL_END_OTHER,
    };
    return kl_strategy_shutdown_failed(end);
}

static void tell(const struct kl_supervisor *self, const struct kl_child *child,
        keel_term reason, bool late)
{
    if (kl_child_stop_failed(child->spec.restart, child->spec.shutdown, reason, late)) {
        kl_supervisor_report(self, keel_atom(shutdown_error), reason, child);
    }
}

// Why it ended, if not `reason` of its monitor: one that was dead already left an EXIT.
static keel_term true_reason(const struct kl_child *child, keel_term reason)
{
    keel_term exit = KEEL_NONE;
    keel_unlink(child->pid);
    keel_status status = keel_receive_match(
            KEEL_AT_ONCE, "{'EXIT', ^Pid, Exit}", keel_from_pid(child->pid), &exit);
    if (!keel_is(reason, noproc)) {
        return reason;
    }
    return !keel_is_none(child->ended) ? child->ended : status == KEEL_OK ? exit : reason;
}

void kl_child_stop(struct kl_supervisor *self, struct kl_child *child)
{
    if (child->status != KL_CHILD_UP) {
        kl_child_table_set_down(&self->children, child);
        return;
    }
    keel_scope scope = keel_scope_open();
    bool late = false;
    keel_term reason = KEEL_NONE;
    keel_ref monitor = keel_monitor(child->pid);
    keel_duration time = child->spec.shutdown;
    bool kill = time == KEEL_BRUTAL_KILL;
    keel_process_exit(child->pid, kill ? keel_atom(kill) : keel_atom(shutdown));
    // With no time at all nothing is awaited, not even a turn of others: the kill follows
    // the shutdown at once, and a child that is on no other worker gets both together.
    keel_deadline deadline = kill || time == KEEL_FOREVER ? KEEL_NEVER
                             : time == 0                  ? KEEL_AT_ONCE
                                                          : KEEL_IN(time);
    keel_status status = keel_receive_match(
            deadline, "{'DOWN', ^Monitor, process, _, Reason}", monitor, &reason);
    if (status != KEEL_OK) {
        late = true;
        keel_process_exit(child->pid, keel_atom(kill));
        status = keel_receive_match(
                KEEL_NEVER, "{'DOWN', ^Monitor, process, _, Reason}", monitor, &reason);
    }
    if (status == KEEL_OK) {
        tell(self, child, true_reason(child, reason), late);
    }
    kl_child_table_set_down(&self->children, child);
    keel_scope_close(&scope);
}

void kl_children_stop(struct kl_supervisor *self, const struct kl_child *before)
{
    sweep_exits(self, before);
    struct kl_child *child = kl_child_table_previous(&self->children, NULL);
    while (child != before && child != NULL) {
        struct kl_child *next = kl_child_table_previous(&self->children, child);
        kl_child_stop(self, child);
        if (child->spec.restart == KEEL_TEMPORARY) {
            kl_child_table_remove(&self->children, child);
        }
        child = next;
    }
}

static bool is_exit_of_stopping(keel_term message, void *context)
{
    const struct kl_supervisor *self = context;
    if (keel_tuple_size(message) != 3 || !keel_is(keel_element(message, 0), EXIT)) {
        return false;
    }
    const struct kl_child *child = kl_child_table_find_pid(
            &self->children, keel_to_pid(keel_element(message, 1)));
    return child != NULL && child->stopping;
}

// Reads ahead which of the children behind `before` have ended already. When many end at
// once, each stop would else search a mailbox that is full of their exits. The exit of one
// that is not to be stopped stays where it is: it is still to be acted upon.
static void sweep_exits(struct kl_supervisor *self, const struct kl_child *before)
{
    struct kl_child *marked = kl_child_table_previous(&self->children, NULL);
    for (; marked != before && marked != NULL;
            marked = kl_child_table_previous(&self->children, marked)) {
        marked->stopping = true;
    }
    for (;;) {
        keel_scope scope = keel_scope_open();
        keel_term message = KEEL_NONE;
        keel_status status = keel_receive_where(
                is_exit_of_stopping, self, KEEL_AT_ONCE, &message);
        if (status == KEEL_OK) {
            struct kl_child *child = kl_child_table_find_pid(
                    &self->children, keel_to_pid(keel_element(message, 1)));
            keel_set(&child->ended, keel_element(message, 2));
        }
        keel_scope_close(&scope);
        if (status != KEEL_OK) {
            return;
        }
    }
}

// --- ends and restarts ---

static bool other_significant_runs(
        const struct kl_supervisor *self, const struct kl_child *child)
{
    struct kl_child *other = kl_child_table_next(&self->children, NULL);
    for (; other != NULL; other = kl_child_table_next(&self->children, other)) {
        if (other != child && other->spec.significant && other->status != KL_CHILD_DOWN) {
            return true;
        }
    }
    return false;
}

bool kl_child_ended(struct kl_supervisor *self, struct kl_child *child, keel_term reason)
{
    bool significant = child->spec.significant;
    struct kl_child_verdict verdict = kl_strategy_child_ended((struct kl_child_end){
            .restart = child->spec.restart,
            .abnormal = kl_end_is_abnormal(reason),
            .significant = significant,
            .last_significant = significant && !other_significant_runs(self, child),
            .auto_shutdown = self->flags.auto_shutdown,
    });
    if (verdict.report) {
        kl_supervisor_report(self, keel_atom(child_terminated), reason, child);
    }
    if (verdict.forget) {
        kl_child_table_remove(&self->children, child);
    } else if (!verdict.restart) {
        kl_child_table_set_down(&self->children, child);
    }
    if (!verdict.restart) {
        return !verdict.shut_down;
    }
    bool short_lived = self->flags.backoff > 0 &&
                       keel_now() - child->started_at < self->flags.period;
    child->tries = short_lived ? child->tries + 1 : 0;
    if (child->tries > 1) {
        kl_child_table_set_restarting(&self->children, child, keel_from_pid(child->pid));
        try_later(self, child,
                kl_restart_delay(
                        self->flags.backoff, self->flags.backoff_max, child->tries - 2));
        return true;
    }
    return restart(self, child);
}

bool kl_child_try_again(struct kl_supervisor *self, struct kl_child *child)
{
    return child->status != KL_CHILD_RESTARTING || restart(self, child);
}

// An attempt that fails is made again after whatever waits in the mailbox, so that a
// supervisor whose child cannot start still answers, and can be stopped.
static bool restart(struct kl_supervisor *self, struct kl_child *child)
{
    if (!kl_child_may_restart(&self->restarts)) {
        kl_supervisor_report(
                self, keel_atom(shutdown), keel_atom(reached_max_restart_intensity), child);
        kl_child_table_set_down(&self->children, child);
        if (child->spec.restart == KEEL_TEMPORARY) {
            kl_child_table_remove(&self->children, child);
        }
        return false;
    }
    keel_runtime_event_restart(child->spec.id);
    keel_term before = kl_copy_here(
            child->status == KL_CHILD_UP ? keel_from_pid(child->pid) : child->before);
    keel_term reason = KEEL_NONE;
    struct kl_child *failed = NULL;
    switch (kl_strategy_scope(self->flags.strategy)) {
    case KL_SCOPE_ALL:
        kl_child_table_set_down(&self->children, child);
        kl_children_stop(self, NULL);
        failed = kl_children_start(self, NULL, &reason);
        break;
    case KL_SCOPE_LATER:
        kl_child_table_set_down(&self->children, child);
        kl_children_stop(self, child);
        failed = kl_children_start(self, child, &reason);
        break;
    case KL_SCOPE_CHILD: {
        keel_term result = kl_child_start(self, child, KEEL_REPORT_INFO);
        if (keel_is(keel_element(result, 0), error)) {
            kl_supervisor_report(
                    self, keel_atom(start_error), keel_element(result, 1), child);
            failed = child;
        }
        break;
    }
    }
    if (failed != NULL) {
        kl_child_table_set_restarting(
                &self->children, failed, failed == child ? before : KEEL_NONE);
        failed->tries++;
        keel_duration delay = self->flags.backoff == 0
                                      ? 0
                                      : kl_restart_delay(self->flags.backoff,
                                                self->flags.backoff_max, failed->tries - 1);
        try_later(self, failed, delay);
    }
    return true;
}

static void try_later(
        struct kl_supervisor *self, struct kl_child *child, keel_duration delay)
{
    (void)self;
    keel_term again = keel_tuple_of(keel_atom(try_again_restart), child->spec.id);
    if (delay == 0) {
        keel_cast(keel_self(), again);
    } else {
        keel_send_after(
                delay, keel_self(), keel_tuple_of(keel_atom_text("$gen_cast"), again));
    }
}
