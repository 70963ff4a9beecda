// Stopping children, one or all at once: everybody is told before anybody is awaited.

#include "dynamic.h"
#include <keel/timer.h>

static void begin(struct kl_dynamic_child *child);
static void sweep_exits(struct kl_dynamic *self);
static void tell_all(struct kl_dynamic *self, keel_term *ret_timers);
static void kill_late(struct kl_dynamic *self, keel_duration limit);
static void await_all(struct kl_dynamic *self, size_t awaited);
static void cancel_timers(keel_term timers);

static struct kl_dynamic_child *next_child(
        const struct kl_dynamic *self, const struct kl_dynamic_child *child)
{
    struct kl_link *at = child == NULL ? self->order.next : child->order.next;
    return at == &self->order ? NULL : KL_CONTAINER(at, struct kl_dynamic_child, order);
}

void kl_dynamic_stop(struct kl_dynamic *self, struct kl_dynamic_child *only)
{
    keel_scope scope = keel_scope_open();
    size_t awaited = 0;
    struct kl_dynamic_child *child = only != NULL ? only : next_child(self, NULL);
    while (child != NULL) {
        struct kl_dynamic_child *next = only != NULL ? NULL : next_child(self, child);
        if (child->status == KL_DYNAMIC_UP) {
            begin(child);
            awaited++;
        } else {
            kl_dynamic_remove(self, child); // waiting for an attempt: nobody to stop
        }
        child = next;
    }
    if (awaited > 0) {
        keel_term timers = keel_nil();
        sweep_exits(self);
        tell_all(self, &timers);
        await_all(self, awaited);
        cancel_timers(timers);
    }
    keel_scope_close(&scope);
}

// The monitor tells of its end from now on. The link stays until it has been told: a
// supervisor that is killed before that leaves nobody behind.
static void begin(struct kl_dynamic_child *child)
{
    child->status = KL_DYNAMIC_STOPPING;
    keel_monitor(child->pid);
}

static bool is_exit_of_stopping(keel_term message, void *context)
{
    if (keel_tuple_size(message) != 3 || !keel_is(keel_element(message, 0), EXIT)) {
        return false;
    }
    const struct kl_dynamic_child *child = kl_dynamic_find(
            context, keel_to_pid(keel_element(message, 1)));
    return child != NULL && child->status == KL_DYNAMIC_STOPPING;
}

// Those that had ended before they were told left an EXIT with the true reason; the
// monitor then only says noproc.
static void sweep_exits(struct kl_dynamic *self)
{
    for (;;) {
        keel_scope scope = keel_scope_open();
        keel_term message = KEEL_NONE;
        keel_status status = keel_receive_where(
                is_exit_of_stopping, self, KEEL_AT_ONCE, &message);
        if (status == KEEL_OK) {
            struct kl_dynamic_child *child = kl_dynamic_find(
                    self, keel_to_pid(keel_element(message, 1)));
            keel_set(&child->ended, keel_element(message, 2));
        }
        keel_scope_close(&scope);
        if (status != KEEL_OK) {
            return;
        }
    }
}

// One timer for each time limit that occurs, whatever the number of children.
static keel_term arm(keel_term timers, keel_duration limit)
{
    keel_term rest = timers;
    keel_term timer;
    while (keel_list_next(&rest, &timer)) {
        if (keel_to_int(keel_element(timer, 1)) == limit) {
            return timers;
        }
    }
    keel_ref ref = keel_start_timer(limit, keel_from_pid(keel_self()),
            keel_tuple_of(keel_atom_text("$gen_kill"), keel_int(limit)));
    return keel_cons(keel_tuple_of(keel_from_ref(ref), keel_int(limit)), timers);
}

static void tell_all(struct kl_dynamic *self, keel_term *ret_timers)
{
    bool some_have_no_time = false;
    struct kl_dynamic_child *child = next_child(self, NULL);
    for (; child != NULL; child = next_child(self, child)) {
        if (child->status != KL_DYNAMIC_STOPPING || !keel_is_none(child->ended)) {
            continue;
        }
        bool kill = child->shutdown == KEEL_BRUTAL_KILL;
        keel_process_exit(child->pid, kill ? keel_atom(kill) : keel_atom(shutdown));
        keel_unlink(child->pid); // an EXIT that has come by now is nobody's: it is ignored
        some_have_no_time |= child->shutdown == 0;
        if (child->shutdown > 0 && child->shutdown != KEEL_FOREVER) {
            *ret_timers = arm(*ret_timers, child->shutdown);
        }
    }
    if (some_have_no_time) {
        kill_late(self, 0);
    }
}

static bool is_wanted(keel_term message, void *context)
{
    if (keel_tuple_size(message) == 5 && keel_is(keel_element(message, 0), DOWN)) {
        const struct kl_dynamic_child *child = kl_dynamic_find(
                context, keel_to_pid(keel_element(message, 3)));
        return child != NULL && child->status == KL_DYNAMIC_STOPPING;
    }
    return keel_match(message, "{timeout, _, {'$gen_kill', _}}");
}

static void kill_late(struct kl_dynamic *self, keel_duration limit)
{
    struct kl_dynamic_child *child = next_child(self, NULL);
    for (; child != NULL; child = next_child(self, child)) {
        if (child->status == KL_DYNAMIC_STOPPING && child->shutdown == limit) {
            keel_process_exit(child->pid, keel_atom(kill));
        }
    }
}

// Whether a child that was stopped ended in a way that needs no report. Of one that had
// ended before it was told Elixir passes over a normal end alone.
static bool ended_as_told(const struct kl_dynamic_child *child, keel_term reason)
{
    if (!keel_is_none(child->ended)) {
        return keel_is(reason, normal) && child->restart != KEEL_PERMANENT;
    }
    if (child->shutdown == KEEL_BRUTAL_KILL) {
        return keel_is(reason, killed);
    }
    bool tuple = keel_tuple_size(reason) == 2 && keel_is(keel_element(reason, 0), shutdown);
    return tuple || keel_is(reason, shutdown) ||
           (keel_is(reason, normal) && child->restart != KEEL_PERMANENT);
}

static void bury(struct kl_dynamic *self, struct kl_dynamic_child *child, keel_term reason)
{
    keel_term truth = keel_is_none(child->ended) ? reason : child->ended;
    if (self->stopped != NULL) {
        self->stopped(self, child, truth);
    } else if (!ended_as_told(child, truth)) {
        kl_dynamic_report(self, keel_atom(shutdown_error), truth, child, KEEL_NONE);
    }
    kl_dynamic_remove(self, child);
}

static void await_all(struct kl_dynamic *self, size_t awaited)
{
    while (awaited > 0) {
        keel_scope scope = keel_scope_open();
        keel_term message = KEEL_NONE;
        int64_t limit;
        keel_status status = keel_receive_where(is_wanted, self, KEEL_NEVER, &message);
        if (status != KEEL_OK) {
            keel_exit(keel_atom(shutdown)); // the runtime stops
        }
        if (keel_match(message, "{timeout, _, {'$gen_kill', Limit}}", &limit)) {
            kill_late(self, limit);
        } else {
            struct kl_dynamic_child *child = kl_dynamic_find(
                    self, keel_to_pid(keel_element(message, 3)));
            bury(self, child, keel_element(message, 4));
            awaited--;
        }
        keel_scope_close(&scope);
    }
}

static void cancel_timers(keel_term timers)
{
    keel_term timer;
    while (keel_list_next(&timers, &timer)) {
        keel_ref ref = keel_to_ref(keel_element(timer, 0));
        if (!keel_cancel_timer(ref, NULL)) {
            // It fired meanwhile; its message may be there. None when it was handled.
            keel_status status = keel_receive_match(
                    KEEL_AT_ONCE, "{timeout, ^Timer, _}", ref);
            (void)status;
        }
    }
}
