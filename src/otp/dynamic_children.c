// A dynamic supervisor's children: starting and restarting them. How they are stopped is
// in dynamic_stop.c.

#include "dynamic.h"
#include "ending.h"
#include "report.h"
#include <keel/runtime_event.h>

static void release(void *table);

void kl_dynamic_init_children(struct kl_dynamic *self)
{
    kl_ring_init(&self->order);
    kl_hash_init(&self->by_pid);
    self->flags.extra = keel_nil();
    if (keel_defer(release, &self->by_pid) != KEEL_OK) {
        keel_exit(keel_atom(system_limit));
    }
}

// The index is no memory of the process.
static void release(void *table)
{
    kl_hash_done(table);
}

struct kl_dynamic_child *kl_dynamic_find(const struct kl_dynamic *self, keel_pid pid)
{
    keel_term term = keel_from_pid(pid);
    if (keel_is_none(term)) {
        return NULL;
    }
    struct kl_dynamic_child *child = kl_hash_get(&self->by_pid, keel_hash(term));
    while (child != NULL && !keel_equal(keel_from_pid(child->pid), term)) {
        child = child->next;
    }
    return child;
}

// --- the index by pid ---

static void put_pid(struct kl_dynamic *self, struct kl_dynamic_child *child, keel_pid pid)
{
    keel_term term = keel_keep(keel_from_pid(pid));
    child->pid = keel_to_pid(term);
    child->hash = keel_hash(term);
    child->next = kl_hash_get(&self->by_pid, child->hash);
    if (!kl_hash_put(&self->by_pid, child->hash, child)) {
        keel_exit(keel_atom(system_limit));
    }
}

static void remove_pid(struct kl_dynamic *self, struct kl_dynamic_child *child)
{
    struct kl_dynamic_child *first = kl_hash_get(&self->by_pid, child->hash);
    if (first == child && child->next == NULL) {
        kl_hash_remove(&self->by_pid, child->hash);
    } else if (first == child) {
        // In place of an entry that is there: cannot fail.
        (void)kl_hash_put(&self->by_pid, child->hash, child->next);
    } else {
        while (first->next != child) {
            first = first->next;
        }
        first->next = child->next;
    }
    keel_drop(keel_from_pid(child->pid));
}

// --- starting ---

// The supervisor's own arguments go before the child's.
static keel_started run_attempt(
        const struct kl_dynamic *self, const struct kl_child_spec *spec)
{
    bool exited;
    keel_term extra = self->flags.extra;
    keel_term argument = keel_is_nil(extra)
                                 ? kl_child_argument(spec)
                                 : keel_list_append(extra, keel_element(spec->mfa, 2));
    keel_started started = kl_child_try_start(spec, argument, &exited);
    return exited && self->pattern != NULL
                   ? keel_started_failed(keel_make("{'EXIT', Reason}", started.reason))
                   : started;
}

static keel_term retained(const struct kl_child_spec *spec)
{
    if (spec->restart != KEEL_TEMPORARY) {
        return keel_keep(spec->term);
    }
    keel_term mfa = keel_tuple_of(
            keel_element(spec->mfa, 0), keel_element(spec->mfa, 1), keel_atom(undefined));
    return keel_keep(keel_tuple_of(mfa, spec->modules));
}

keel_term kl_dynamic_start_child(struct kl_dynamic *self, const struct kl_child_spec *spec)
{
    keel_started started = run_attempt(self, spec);
    if (started.status == KEEL_OK) {
        struct kl_dynamic_child *child = keel_alloc(sizeof *child);
        child->spec = retained(spec);
        child->shutdown = spec->shutdown;
        child->restart = (uint8_t)spec->restart;
        child->type = (uint8_t)spec->type;
        put_pid(self, child, started.pid);
        kl_ring_append(&self->order, &child->order);
        self->count++;
    }
    return keel_started_to_term(started);
}

void kl_dynamic_remove(struct kl_dynamic *self, struct kl_dynamic_child *child)
{
    remove_pid(self, child);
    kl_ring_remove(&child->order);
    self->count--;
    keel_drop(child->spec);
    keel_drop(child->ended);
    keel_free(child);
}

// --- ends and restarts ---

bool kl_dynamic_ended(
        struct kl_dynamic *self, struct kl_dynamic_child *child, keel_term reason)
{
    bool abnormal = kl_end_is_abnormal(reason);
    if (abnormal || child->restart == KEEL_PERMANENT) {
        kl_dynamic_report(self, keel_atom(child_terminated), reason, child, KEEL_NONE);
    }
    bool again = child->restart == KEEL_PERMANENT ||
                 (child->restart == KEEL_TRANSIENT && abnormal);
    if (!again) {
        kl_dynamic_remove(self, child);
        return true;
    }
    return kl_dynamic_restart(self, child);
}

static keel_term restarting(const struct kl_dynamic_child *child)
{
    return keel_tuple_of(keel_atom(restarting), keel_from_pid(child->pid));
}

// How reports call a child that is down: OTP tells one whose last attempt has failed from
// one that has just ended, Elixir does not.
static keel_term last_pid(
        const struct kl_dynamic *self, const struct kl_dynamic_child *child)
{
    return self->pattern != NULL && child->status == KL_DYNAMIC_RESTARTING
                   ? restarting(child)
                   : keel_from_pid(child->pid);
}

// An attempt that fails is made again after whatever waits in the mailbox, so that a
// supervisor whose child cannot start still answers, and can be stopped. The child is found
// by its last pid until then.
bool kl_dynamic_restart(struct kl_dynamic *self, struct kl_dynamic_child *child)
{
    if (!kl_child_may_restart(&self->restarts)) {
        kl_dynamic_report(self, keel_atom(shutdown),
                keel_atom(reached_max_restart_intensity), child, last_pid(self, child));
        kl_dynamic_remove(self, child);
        return false;
    }
    keel_runtime_event_restart(keel_from_pid(child->pid)); // it has no id
    struct kl_child_spec spec = kl_child_spec_read(child->spec);
    keel_started started = run_attempt(self, &spec);
    if (started.status == KEEL_OK) {
        remove_pid(self, child);
        put_pid(self, child, started.pid);
        child->status = KL_DYNAMIC_UP;
        return true;
    }
    if (started.status == KEEL_E_IGNORED) {
        kl_dynamic_remove(self, child);
        return true;
    }
    keel_term pid = keel_from_pid(child->pid);
    kl_dynamic_report(self, keel_atom(start_error), started.reason, child,
            self->pattern != NULL ? last_pid(self, child) : restarting(child));
    child->status = KL_DYNAMIC_RESTARTING;
    keel_cast(keel_self(), keel_tuple_of(keel_atom_text("$gen_restart"), pid));
    return true;
}

// --- what is shown of them ---

keel_term kl_dynamic_mfa(const struct kl_dynamic_child *child)
{
    return child->restart == KEEL_TEMPORARY ? keel_element(child->spec, 0)
                                            : keel_map_get(child->spec, keel_atom(start));
}

keel_term kl_dynamic_modules(const struct kl_dynamic_child *child)
{
    return child->restart == KEEL_TEMPORARY ? keel_element(child->spec, 1)
                                            : keel_map_get(child->spec, keel_atom(modules));
}

// The arguments as the child got them, the supervisor's own first.
static keel_term whole_mfa(
        const struct kl_dynamic *self, const struct kl_dynamic_child *child)
{
    keel_term mfa = kl_dynamic_mfa(child);
    keel_term arguments = keel_element(mfa, 2);
    return keel_is_list(arguments) ? keel_set_element(mfa, 2,
                                             keel_list_append(self->flags.extra, arguments))
                                   : mfa;
}

void kl_dynamic_report(const struct kl_dynamic *self, keel_term context, keel_term reason,
        const struct kl_dynamic_child *child, keel_term shown_pid)
{
    if (!kl_report_wanted(KEEL_REPORT_ERROR)) {
        return;
    }
    keel_term pid = keel_is_none(shown_pid) ? keel_from_pid(child->pid) : shown_pid;
    keel_term restart = kl_restart_term((keel_restart)child->restart);
    keel_term rest = keel_make("[{shutdown, Shutdown}, {child_type, Type}]",
            kl_shutdown_term(child->shutdown),
            kl_child_type_term((keel_child_type)child->type));
    bool otp = self->pattern != NULL;
    if (otp) {
        rest = keel_cons(keel_make("{significant, false}"), rest);
    }
    keel_term offender = keel_list_append(
            keel_make("[{pid, Pid}, {id, Id}, {mfargs, Start}, {restart_type, Restart}]",
                    pid, otp ? self->pattern->id : keel_atom(undefined),
                    whole_mfa(self, child), restart),
            rest);
    keel_report(KEEL_REPORT_ERROR,
            keel_make("#{label => {supervisor, Context}, report => [{supervisor, Name}, "
                      "{errorContext, Context}, {reason, Reason}, {offender, Child}]}",
                    context, self->name, reason, offender));
}
