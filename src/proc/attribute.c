// What a process says of itself: dictionary, label, group leader, flags, ancestors.

#include "proc.h"
#include "process.h"

// One entry of the dictionary; key and value are kept.
struct kl_pair {
    struct kl_pair *next;
    keel_term key, value;
};

static struct kl_pair **find(struct kl_process *self, keel_term key)
{
    struct kl_pair **link = &self->extras->dictionary;
    while (*link != NULL && !keel_equal((*link)->key, key)) {
        link = &(*link)->next;
    }
    return link;
}

// A kept term about to be dropped, as one that lives as long as others do.
static keel_term lend(keel_term kept)
{
    keel_term copy = kl_heap_copy(kl_heap_current(), kept);
    keel_drop(kept);
    return copy;
}

keel_term keel_process_put(keel_term key, keel_term value)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL || keel_is_none(key) || keel_is_none(value)) {
        return KEEL_NONE;
    }
    kl_extras(self);
    struct kl_pair **link = find(self, key);
    if (*link != NULL) {
        keel_term old = lend((*link)->value);
        (*link)->value = keel_keep(value);
        return old;
    }
    struct kl_pair *pair = keel_alloc(sizeof *pair);
    pair->key = keel_keep(key);
    pair->value = keel_keep(value);
    pair->next = NULL;
    *link = pair;
    return KEEL_NONE;
}

keel_term keel_process_get(keel_term key)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL || self->extras == NULL) {
        return KEEL_NONE;
    }
    struct kl_pair *pair = *find(self, key);
    return pair == NULL ? KEEL_NONE : kl_heap_copy(kl_heap_current(), pair->value);
}

keel_term keel_process_erase(keel_term key)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL || self->extras == NULL) {
        return KEEL_NONE;
    }
    struct kl_pair **link = find(self, key);
    struct kl_pair *pair = *link;
    if (pair == NULL) {
        return KEEL_NONE;
    }
    *link = pair->next;
    keel_term old = lend(pair->value);
    keel_drop(pair->key);
    keel_free(pair);
    return old;
}

keel_term kl_dictionary(struct kl_process *self)
{
    keel_term list = keel_nil();
    struct kl_pair *pair = self->extras == NULL ? NULL : self->extras->dictionary;
    for (; pair != NULL; pair = pair->next) {
        struct kl_heap *heap = kl_heap_current();
        keel_term key = kl_heap_copy(heap, pair->key);
        list = keel_cons(keel_tuple_of(key, kl_heap_copy(heap, pair->value)), list);
    }
    return keel_list_reverse(list);
}

keel_term kl_dictionary_get(struct kl_process *self, keel_term key)
{
    struct kl_pair *pair = self->extras == NULL ? NULL : *find(self, key);
    return pair == NULL ? KL_ATOM(undefined) : pair->value;
}

keel_term keel_process_dictionary(void)
{
    struct kl_process *self = kl_process_current();
    return self == NULL ? KEEL_NONE : kl_dictionary(self);
}

keel_term keel_process_keys(keel_term value)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL) {
        return KEEL_NONE;
    }
    keel_term list = keel_nil();
    struct kl_pair *pair = self->extras == NULL ? NULL : self->extras->dictionary;
    for (; pair != NULL; pair = pair->next) {
        if (keel_is_none(value) || keel_equal(pair->value, value)) {
            list = keel_cons(kl_heap_copy(kl_heap_current(), pair->key), list);
        }
    }
    return keel_list_reverse(list);
}

// --- label ---

keel_status keel_process_set_label(keel_term label)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL) {
        return KEEL_E_OUTSIDE;
    }
    if (keel_is_none(label)) {
        return KEEL_E_BADARG;
    }
    keel_set(&kl_extras(self)->label, label);
    return KEEL_OK;
}

keel_term keel_process_get_label(keel_pid pid)
{
    struct kl_process *self = kl_process_current();
    if (self != NULL && pid.word == kl_process_pid(self).word) {
        bool set = self->extras != NULL && !keel_is_none(self->extras->label);
        return set ? kl_heap_copy(kl_heap_current(), self->extras->label) : KEEL_NONE;
    }
    keel_term info;
    if (keel_process_info(pid, keel_atom(label), &info) != KEEL_OK ||
            !keel_is_tuple(info)) {
        return KEEL_NONE;
    }
    keel_term label = keel_element(info, 1);
    return keel_is(label, undefined) ? KEEL_NONE : label;
}

// --- group leader, parent, ancestors ---

keel_pid keel_group_leader(void)
{
    struct kl_process *self = kl_process_current();
    keel_pid none = {0};
    return self == NULL || (self->flags & KL_HAS_LEADER) == 0 ? none : self->extras->leader;
}

// A pid of another node is kept by each process that has it as leader.
void kl_leader_set(struct kl_process *self, keel_pid leader)
{
    struct kl_extras *extras = kl_extras(self);
    keel_pid old = extras->leader;
    extras->leader = kl_pid_is_local(leader)
                             ? leader
                             : (keel_pid){kl_keep_for(self, keel_from_pid(leader)).word};
    if ((self->flags & KL_HAS_LEADER) != 0 && !kl_pid_is_local(old)) {
        kl_drop_for(self, keel_from_pid(old));
    }
    kl_flags_add(self, KL_HAS_LEADER);
}

keel_status keel_group_leader_set(keel_pid leader, keel_pid pid)
{
    struct kl_process *self = kl_process_current();
    if (!keel_is_pid(keel_from_pid(pid)) || !keel_is_pid(keel_from_pid(leader))) {
        return KEEL_E_BADARG;
    }
    if (self == NULL) {
        return KEEL_E_OUTSIDE;
    }
    if (!kl_pid_is_local(pid)) {
        if (kl_route != NULL) {
            kl_route->leader(leader, pid);
        }
        return KEEL_OK;
    }
    if (pid.word == kl_process_pid(self).word) {
        kl_leader_set(self, leader);
        return KEEL_OK;
    }
    struct kl_envelope *reply;
    keel_status status = kl_ask(self, pid, KL_LEADER, keel_from_pid(leader), 0, &reply);
    if (status == KEEL_OK) {
        kl_envelope_free(reply);
    }
    return status == KEEL_E_NOPROC ? KEEL_E_BADARG : status;
}

keel_pid keel_parent(void)
{
    struct kl_process *self = kl_process_current();
    keel_pid none = {0};
    return self == NULL || self->ancestors == NULL ? none : self->ancestors->pid;
}

keel_term kl_ancestors(const struct kl_process *self)
{
    keel_term list = keel_nil();
    for (struct kl_ancestor *at = self->ancestors; at != NULL; at = at->next) {
        keel_term name = {(uint64_t)(at->name - 1) << 8 | 4};
        list = keel_cons(at->name != 0 ? name : keel_from_pid(at->pid), list);
    }
    return keel_list_reverse(list);
}

keel_term keel_ancestors(void)
{
    struct kl_process *self = kl_process_current();
    return self == NULL ? keel_nil() : kl_ancestors(self);
}

// --- flags ---

bool keel_trap_exit(bool trap)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL) {
        return false;
    }
    kl_observable();
    bool old = (self->flags & KL_TRAP_EXIT) != 0;
    if (trap) {
        kl_flags_add(self, KL_TRAP_EXIT);
    } else {
        kl_flags_drop(self, KL_TRAP_EXIT);
    }
    return old;
}

keel_term kl_priority_atom(const struct kl_process *self)
{
    switch (self->extras == NULL ? KEEL_NORMAL_PRIORITY : self->extras->priority) {
    case KEEL_LOW_PRIORITY:
        return KL_ATOM(low);
    case KEEL_HIGH_PRIORITY:
        return KL_ATOM(high);
    case KEEL_MAX_PRIORITY:
        return KL_ATOM(max);
    default:
        return KL_ATOM(normal);
    }
}

static keel_status set_priority(
        struct kl_process *self, keel_term value, keel_term *ret_old)
{
    keel_priority priority;
    if (keel_is(value, normal)) {
        priority = KEEL_NORMAL_PRIORITY;
    } else if (keel_is(value, low)) {
        priority = KEEL_LOW_PRIORITY;
    } else if (keel_is(value, high)) {
        priority = KEEL_HIGH_PRIORITY;
    } else if (keel_is(value, max)) {
        priority = KEEL_MAX_PRIORITY;
    } else {
        return KEEL_E_BADARG;
    }
    *ret_old = kl_priority_atom(self);
    kl_extras(self)->priority = priority; // the queue hears of it when it next gives way
    return KEEL_OK;
}

static keel_status set_size(size_t *at, keel_term value, keel_term *ret_old)
{
    uint64_t size;
    if (!keel_get_uint(value, &size)) {
        return KEEL_E_BADARG;
    }
    *ret_old = keel_uint(*at);
    *at = size;
    return KEEL_OK;
}

keel_status keel_process_flag(keel_term flag, keel_term value, keel_term *ret_old)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL) {
        return KEEL_E_OUTSIDE;
    }
    keel_term old;
    keel_status status = KEEL_E_BADARG;
    if (keel_is(flag, trap_exit) && keel_is_bool(value)) {
        old = keel_bool(keel_trap_exit(keel_to_bool(value)));
        status = KEEL_OK;
    } else if (keel_is(flag, priority)) {
        status = set_priority(self, value, &old);
    } else if (keel_is(flag, max_heap_size)) {
        status = set_size(&kl_extras(self)->max_memory, value, &old);
        kl_activation(self)->heap.max_bytes = self->extras->max_memory;
    } else if (keel_is(flag, message_queue_limit)) {
        uint64_t limit;
        old = keel_uint(self->extras == NULL ? 0 : self->extras->mailbox_limit);
        if (keel_get_uint(value, &limit)) {
            status = keel_process_mailbox(
                    limit, self->extras == NULL
                                   ? KEEL_MAILBOX_REJECT
                                   : (keel_mailbox_policy)self->extras->mailbox_policy);
        }
    }
    if (status == KEEL_OK && ret_old != NULL) {
        *ret_old = old;
    }
    return status;
}
