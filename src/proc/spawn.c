// How a process begins.

#include "event.h"
#include "proc.h"
#include "process.h"
#include <string.h>

static const keel_spawn_opts no_opts;

// How many references a parent counts at once, so that only the end of each child, which
// may be on any thread, costs an atomic operation.
enum { ANCESTOR_SPARE = 256 };

struct kl_ancestor *kl_ancestor_of(struct kl_process *parent)
{
    struct kl_extras *extras = kl_extras(parent);
    struct kl_ancestor *ancestor = extras->as_ancestor;
    if (ancestor != NULL && ancestor->name != kl_load_relaxed(&parent->name)) {
        // It got or lost its name meanwhile.
        kl_ancestor_unref(ancestor, extras->ancestor_spare + 1);
        extras->ancestor_spare = 0;
        ancestor = NULL;
    }
    if (ancestor == NULL) {
        ancestor = kl_pool_alloc(sizeof *ancestor);
        extras->as_ancestor = ancestor;
        if (ancestor == NULL) {
            return NULL;
        }
        *ancestor = (struct kl_ancestor){.refs = 1,
                .name = kl_load_relaxed(&parent->name),
                .pid = kl_process_pid(parent),
                .next = parent->ancestors};
        if (ancestor->next != NULL) {
            kl_add_relaxed(&ancestor->next->refs, 1);
        }
    }
    if (extras->ancestor_spare == 0) {
        kl_add_relaxed(&ancestor->refs, ANCESTOR_SPARE);
        extras->ancestor_spare = ANCESTOR_SPARE;
    }
    extras->ancestor_spare--;
    return ancestor;
}

void kl_ancestor_unref(struct kl_ancestor *ancestor, uint32_t references)
{
    while (ancestor != NULL && kl_add_acq_rel(&ancestor->refs, -references) == references) {
        struct kl_ancestor *next = ancestor->next;
        kl_pool_free(ancestor, sizeof *ancestor);
        ancestor = next;
        references = 1;
    }
}

static bool valid(const keel_spawn_opts *opts)
{
    bool name_ok = keel_is_none(opts->name) || keel_is_atom(opts->name);
    return name_ok && opts->priority <= KEEL_MAX_PRIORITY &&
           opts->mailbox_policy <= KEEL_MAILBOX_EXIT &&
           opts->monitor_opts.alias <= KEEL_ALIAS_REPLY_DEMONITOR &&
           opts->reply <= KEEL_SPAWN_REPLY_SUCCESS_ONLY &&
           opts->stack_bytes <= (size_t)1 << 30;
}

// What few spawns ask for.
static void apply_rare(struct kl_process *child, const keel_spawn_opts *opts)
{
    struct kl_extras *extras = kl_extras(child);
    kl_store_relaxed(&extras->mailbox_policy, (uint8_t)opts->mailbox_policy);
    extras->max_memory = opts->max_memory;
    extras->priority = opts->priority;
    if (opts->mailbox_limit != 0) {
        kl_store_relaxed(&extras->mailbox_counted, kl_mailbox_count_of(child->generation));
        kl_store_relaxed(&extras->mailbox_limit, opts->mailbox_limit);
        kl_flags_add(child, KL_LIMITED);
        kl_store_relaxed(&child->task.mark, true);
    }
    if (!keel_is_none(opts->label)) {
        extras->label = kl_keep_for(child, opts->label);
    }
    static const uint8_t order[] = {
            KL_PRIORITY_NORMAL, KL_PRIORITY_LOW, KL_PRIORITY_HIGH, KL_PRIORITY_MAX};
    child->task.priority = order[opts->priority];
}

static bool has_rare(const keel_spawn_opts *opts)
{
    return opts->mailbox_limit != 0 || opts->max_memory != 0 || opts->priority != 0 ||
           !keel_is_none(opts->label);
}

static struct kl_process *record_new(const void *entry, uint32_t flags)
{
    struct kl_process *child = kl_table_take();
    if (child == NULL) {
        return NULL;
    }
    // Others may look at the record at any time: no plain writes where they read.
    child->task.next = NULL;
    child->task.run = kl_turn;
    child->task.priority = KL_PRIORITY_NORMAL;
    child->task.talk = KL_NEWBORN;
    child->task.expecting = false;
    kl_store_relaxed(&child->task.mark, false);
    kl_store_relaxed(&child->task.home, (uint16_t)0); // a hint: kl_task_is_queued
    kl_store_relaxed(&child->flags, flags);
    child->head = NULL;
    child->tail = &child->head;
    kl_store_relaxed(&child->stack, NULL);
    kl_store_release(&child->entry, entry); // after the last tenant's end: see inspect.c
    kl_store_relaxed(&child->parent.word, (uint64_t)0);
    child->state = NULL;
    child->relations = NULL;
    child->owned = NULL;
    kl_store_relaxed(&child->owned_bytes, 0);
    kl_store_relaxed(&child->await_ref, 0);
    child->reply = NULL;
    child->deadline = INT64_MAX;
    child->alarm = NULL;
    kl_store_relaxed(&child->waiting_for.word, (uint64_t)0);
    child->ancestors = NULL;
    kl_store_relaxed(&child->queue_len, 0);
    kl_store_relaxed(&child->name, 0);
    kl_store_relaxed(&child->messages_in, 0);
    kl_store_relaxed(&child->reductions, 0);
    kl_store_relaxed(&child->run_ns, 0);
    child->turns = 1;
    child->exit_envelope = NULL;
    kl_store_relaxed(&child->waiting_since, 0);
    kl_store_relaxed(&child->wait, KEEL_WAIT_NOTHING);
    child->suspended = false;
    child->relation_count = 0;
    child->timers = 0;
    kl_store_relaxed(&child->heap_bytes, 0);
    return child;
}

static struct kl_envelope *birth_new(
        keel_term argument, const keel_spawn_opts *opts, keel_from starter)
{
    struct kl_envelope *birth = kl_envelope_new(KL_BIRTH, argument);
    if (birth != NULL) {
        birth->from = starter.pid.word;
        birth->ref = starter.tag.word;
        birth->deadline = (int64_t)opts->stack_bytes;
    }
    return birth;
}

static void inherit(struct kl_process *child, struct kl_process *parent)
{
    child->ancestors = kl_ancestor_of(parent);
    kl_store_relaxed(&child->parent.word, kl_process_pid(parent).word);
    if ((parent->flags & KL_HAS_LEADER) != 0) {
        kl_leader_set(child, kl_extras(parent)->leader);
    }
}

static bool tie_link(struct kl_process *child, struct kl_process *parent)
{
    keel_pid child_pid = kl_process_pid(child);
    keel_pid parent_pid = kl_process_pid(parent);
    return kl_relation_add(child, parent_pid.word, KL_REL_LINK, parent_pid) != NULL &&
           kl_relation_add(parent, child_pid.word, KL_REL_LINK, child_pid) != NULL;
}

static bool tie_monitor(struct kl_process *child, struct kl_process *parent,
        const keel_monitor_opts *opts, keel_ref ref)
{
    struct kl_relation *watcher = kl_relation_add(
            child, ref.word, KL_REL_WATCHER, kl_process_pid(parent));
    struct kl_relation *monitor = kl_relation_add(
            parent, ref.word, KL_REL_MONITOR, kl_process_pid(child));
    if (watcher == NULL || monitor == NULL) {
        return false;
    }
    if (!keel_is_none(opts->tag)) {
        watcher->tag = kl_keep_for(child, opts->tag);
    }
    monitor->alias = (uint8_t)opts->alias;
    monitor->flags = opts->priority ? KL_REL_FIRST : 0;
    return opts->alias == KEEL_ALIAS_NONE ||
           kl_alias_make(parent, ref, (uint8_t)opts->alias, opts->priority) == KEEL_OK;
}

static void discard(struct kl_process *child)
{
    kl_envelope_free(child->state);
    child->state = NULL;
    while (child->relations != NULL) {
        kl_relation_remove(child, child->relations);
    }
    kl_owned_free_all(child);
    kl_extras_free(child);
    kl_ancestor_unref(child->ancestors, 1);
    kl_store_relaxed(&child->status, KL_FREE);
    kl_store_release(&child->generation, child->generation + 1);
    kl_table_give_back(child);
}

// Makes a process that is complete but not yet in a run queue.
static keel_status prepare(const void *entry, uint32_t flags, keel_term argument,
        const keel_spawn_opts *opts, keel_ref monitor, keel_from starter, keel_pid *ret_pid,
        struct kl_process **ret_child)
{
    struct kl_process *parent = kl_process_current();
    opts = opts != NULL ? opts : &no_opts;
    if (!kl_runtime.running || kl_runtime.stopping) {
        return KEEL_E_STOPPED;
    }
    if (!valid(opts)) {
        return KEEL_E_BADARG;
    }
    if (parent == NULL && (opts->link || opts->monitor)) {
        return KEEL_E_OUTSIDE;
    }
    struct kl_envelope *birth = birth_new(argument, opts, starter);
    if (birth == NULL) {
        return KEEL_E_NOMEM;
    }
    struct kl_process *child = record_new(
            entry, opts->link ? flags | KL_LINKED_START : flags);
    if (child == NULL) {
        kl_envelope_free(birth);
        return KEEL_E_SYSTEM_LIMIT;
    }
    child->state = birth;
    keel_pid pid = kl_process_pid(child);
    kl_store_relaxed(&child->entry_name, opts->entry);
    if (has_rare(opts)) {
        apply_rare(child, opts);
    }
    if (parent != NULL && (parent->flags & KL_STAND_IN) == 0) {
        inherit(child, parent);
    }
    // Visible from here on: the door is open, but not idle, so nobody else wakes it.
    kl_store_relaxed(&child->status, KL_RUNNABLE);
    kl_store_release(&child->door, 0);
    if (!keel_is_none(opts->name)) {
        keel_status status = keel_register(opts->name, pid);
        if (status != KEEL_OK) {
            __atomic_store_n(&child->door, KL_DOOR_CLOSED, __ATOMIC_SEQ_CST);
            discard(child);
            return status;
        }
    }
    bool tied = (!opts->link || tie_link(child, parent)) &&
                (!opts->monitor ||
                        tie_monitor(child, parent, &opts->monitor_opts, monitor));
    if (!tied) {
        kl_exit_begin(child, KL_ATOM(system_limit), NULL);
    }
    *ret_pid = pid;
    *ret_child = child;
    return KEEL_OK;
}

void kl_spawn_release(struct kl_process *child)
{
    if (kl_event_wanted()) {
        kl_event_tell_start(child); // before it may end
    }
    kl_sched_wake(&child->task);
}

keel_status kl_spawn(const void *entry, uint32_t flags, keel_term argument,
        const keel_spawn_opts *opts, keel_ref monitor, keel_from starter, keel_pid *ret_pid)
{
    struct kl_process *child;
    keel_status status = prepare(
            entry, flags, argument, opts, monitor, starter, ret_pid, &child);
    if (status == KEEL_OK) {
        kl_spawn_release(child);
        kl_observable();
        struct kl_process *self = kl_process_current();
        if (self != NULL) {
            kl_step(self);
        }
    }
    return status;
}

keel_status kl_spawn_held(const void *entry, keel_term argument,
        const keel_spawn_opts *opts, keel_ref monitor, keel_pid *ret_pid,
        struct kl_process **ret_child)
{
    keel_from nobody = {{0}, {0}};
    return prepare(entry, 0, argument, opts, monitor, nobody, ret_pid, ret_child);
}

keel_status keel_spawn_opt(keel_body body, keel_term argument, const keel_spawn_opts *opts,
        keel_pid *ret_pid, keel_ref *ret_monitor)
{
    keel_ref ref = {0};
    if (opts != NULL && opts->monitor) {
        ref = keel_make_ref();
    }
    keel_pid pid;
    keel_status status = kl_spawn((const void *)(uintptr_t)body, 0, argument, opts, ref,
            (keel_from){{0}, {0}}, &pid);
    if (status == KEEL_OK) {
        if (ret_pid != NULL) {
            *ret_pid = pid;
        }
        if (ret_monitor != NULL && ref.word != 0) {
            *ret_monitor = ref;
        }
    }
    return status;
}

keel_status keel_spawn_handler(const keel_handler *handler, keel_term argument,
        const keel_spawn_opts *opts, keel_pid *ret_pid, keel_ref *ret_monitor)
{
    if (handler == NULL || handler->start == NULL || handler->receive == NULL ||
            ret_pid == NULL) {
        return KEEL_E_BADARG;
    }
    keel_ref ref = {0};
    if (opts != NULL && opts->monitor) {
        ref = keel_make_ref();
    }
    keel_status status = kl_spawn(
            handler, KL_HANDLER, argument, opts, ref, (keel_from){{0}, {0}}, ret_pid);
    if (status == KEEL_OK && ret_monitor != NULL && ref.word != 0) {
        *ret_monitor = ref;
    }
    return status;
}

static keel_pid spawn_or_exit(keel_body body, keel_term argument,
        const keel_spawn_opts *opts, keel_ref *ret_monitor)
{
    keel_pid pid = {0};
    keel_status status = keel_spawn_opt(body, argument, opts, &pid, ret_monitor);
    struct kl_process *self = kl_process_current();
    if (status != KEEL_OK && self != NULL) {
        keel_error(KL_ATOM(system_limit));
    }
    return pid;
}

keel_pid keel_spawn(keel_body body, keel_term argument)
{
    return spawn_or_exit(body, argument, NULL, NULL);
}

keel_pid keel_spawn_link(keel_body body, keel_term argument)
{
    keel_spawn_opts opts = {.link = true};
    return spawn_or_exit(body, argument, &opts, NULL);
}

keel_pid keel_spawn_monitor(keel_body body, keel_term argument, keel_ref *ret_monitor)
{
    keel_spawn_opts opts = {.monitor = true};
    return spawn_or_exit(body, argument, &opts, ret_monitor);
}

keel_pid keel_self(void)
{
    struct kl_process *self = kl_process_current();
    return self == NULL ? (keel_pid){0} : kl_process_pid(self);
}

bool keel_in_process(void)
{
    return kl_process_current() != NULL;
}

keel_term keel_process_list(void)
{
    keel_term list = keel_nil();
    for (uint32_t slot = kl_table_end(); slot-- > 0;) {
        struct kl_process *process = kl_table_at(slot);
        uint32_t generation = kl_load_acquire(&process->generation);
        uint8_t status = kl_load_relaxed(&process->status);
        if (status != KL_FREE && kl_load_acquire(&process->door) != KL_DOOR_CLOSED) {
            list = keel_cons(keel_from_pid(kl_pid_make(slot, generation)), list);
        }
    }
    return list;
}
