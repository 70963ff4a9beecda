// What OTP's process_info tells: asked of the process itself, through its door.

#include "process.h"
#include <string.h>

static keel_term relations_of(struct kl_process *self, enum kl_relation_kind kind)
{
    keel_term list = keel_nil();
    for (struct kl_relation *at = self->relations; at != NULL; at = at->next) {
        if (at->kind != kind || (at->flags & (KL_REL_INACTIVE | KL_REL_QUEUE)) != 0) {
            continue;
        }
        keel_term item = keel_from_pid(at->pid);
        if (kind == KL_REL_MONITOR) {
            keel_term object = keel_is_none(at->object) ? item : at->object;
            item = keel_tuple_of(KL_ATOM(process), object);
        }
        list = keel_cons(item, list);
    }
    return list;
}

static keel_term messages_of(struct kl_process *self)
{
    keel_term list = keel_nil();
    for (struct kl_envelope *at = self->head; at != NULL; at = at->next) {
        list = keel_cons(kl_mailbox_view(at), list);
    }
    return keel_list_reverse(list);
}

static keel_term status_of(struct kl_process *self)
{
    if (self == kl_process_current()) {
        return KL_ATOM(running);
    }
    if (self->suspended) {
        return KL_ATOM(suspended);
    }
    // This is its own turn: it waits, unless it has something to do.
    bool unborn = (self->flags & (KL_BORN | KL_REPLACED)) == 0; // not one that hibernates
    bool busy = self->stack == NULL ? unborn || self->head != NULL
                                    : self->wait == KEEL_WAIT_NOTHING;
    return busy ? KL_ATOM(runnable) : KL_ATOM(waiting);
}

static keel_term name_of(struct kl_process *self)
{
    uint32_t name = kl_load_relaxed(&self->name);
    return name == 0 ? keel_nil() : (keel_term){(uint64_t)(name - 1) << 8 | 4};
}

static keel_term leader_of(struct kl_process *self)
{
    bool has = (self->flags & KL_HAS_LEADER) != 0 && self->extras->leader.word != 0;
    return has ? keel_from_pid(self->extras->leader) : KL_ATOM(undefined);
}

static keel_term label_of(struct kl_process *self)
{
    bool set = self->extras != NULL && !keel_is_none(self->extras->label);
    return set ? self->extras->label : KL_ATOM(undefined);
}

static keel_term parent_of(struct kl_process *self)
{
    return self->ancestors == NULL ? KL_ATOM(undefined)
                                   : keel_from_pid(self->ancestors->pid);
}

static keel_term entry_of(struct kl_process *self)
{
    return keel_string(kl_process_entry_name(self));
}

static keel_term trap_of(struct kl_process *self)
{
    return keel_bool((self->flags & KL_TRAP_EXIT) != 0);
}

static keel_term queue_len_of(struct kl_process *self)
{
    return keel_uint(self->queue_len);
}

static keel_term reductions_of(struct kl_process *self)
{
    return keel_uint(self->reductions + self->messages_in);
}

static keel_term memory_of(struct kl_process *self)
{
    return keel_uint(kl_process_memory(self));
}

static keel_term links_of(struct kl_process *self)
{
    return relations_of(self, KL_REL_LINK);
}

static keel_term monitors_of(struct kl_process *self)
{
    return relations_of(self, KL_REL_MONITOR);
}

static keel_term monitored_by_of(struct kl_process *self)
{
    return relations_of(self, KL_REL_WATCHER);
}

static keel_term priority_of(struct kl_process *self)
{
    return kl_priority_atom(self);
}

static keel_term stacktrace_of(struct kl_process *self)
{
    char text[4096];
    keel_inspect_stack(kl_process_pid(self), text, sizeof text);
    keel_term list = keel_nil();
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
            line = strtok_r(NULL, "\n", &save)) {
        list = keel_cons(keel_string(line), list);
    }
    return keel_list_reverse(list);
}

static const struct item {
    const char *name;
    keel_term (*get)(struct kl_process *self);
} items[] = {
        {"registered_name", name_of},
        {"message_queue_len", queue_len_of},
        {"messages", messages_of},
        {"status", status_of},
        {"links", links_of},
        {"monitors", monitors_of},
        {"monitored_by", monitored_by_of},
        {"trap_exit", trap_of},
        {"group_leader", leader_of},
        {"priority", priority_of},
        {"dictionary", kl_dictionary},
        {"current_function", entry_of},
        {"initial_call", entry_of},
        {"reductions", reductions_of},
        {"memory", memory_of},
        {"total_heap_size", memory_of},
        {"parent", parent_of},
        {"label", label_of},
        {"current_stacktrace", stacktrace_of},
        {"suspending", kl_suspending},
};

static const struct item *find_item(keel_term name)
{
    const char *text = keel_atom_name(name);
    for (size_t i = 0; text != NULL && i < sizeof items / sizeof *items; i++) {
        if (strcmp(items[i].name, text) == 0) {
            return &items[i];
        }
    }
    return NULL;
}

static bool is_dictionary_key(keel_term item)
{
    return keel_tuple_size(item) == 2 && keel_is(keel_element(item, 0), dictionary);
}

static bool valid(keel_term item)
{
    return is_dictionary_key(item) || (keel_is_atom(item) && find_item(item) != NULL);
}

static keel_term one(struct kl_process *self, keel_term item)
{
    if (is_dictionary_key(item)) {
        return keel_tuple_of(item, kl_dictionary_get(self, keel_element(item, 1)));
    }
    return keel_tuple_of(item, find_item(item)->get(self));
}

static keel_term collect(struct kl_process *self, keel_term wanted)
{
    if (!keel_is_list(wanted)) {
        return one(self, wanted);
    }
    keel_term list = keel_nil();
    keel_term item;
    while (keel_list_next(&wanted, &item)) {
        list = keel_cons(one(self, item), list);
    }
    return keel_list_reverse(list);
}

// In the turn of the process that was asked.
void kl_info_answer(struct kl_process *self, struct kl_envelope *envelope)
{
    struct kl_heap heap;
    kl_heap_init(&heap, NULL, 0);
    struct kl_heap *before = kl_heap_use(&heap);
    struct kl_envelope *reply = kl_envelope_new(KL_REPLY, collect(self, envelope->body));
    kl_heap_use(before);
    if (reply != NULL) {
        reply->ref = envelope->ref;
        kl_deliver((keel_pid){envelope->from}, reply);
    }
    kl_heap_done(&heap);
    kl_envelope_free(envelope);
}

static bool all_valid(keel_term item)
{
    if (!keel_is_list(item)) {
        return valid(item);
    }
    keel_term each;
    while (keel_list_next(&item, &each)) {
        if (!valid(each)) {
            return false;
        }
    }
    return keel_is_nil(item);
}

// As OTP: the name alone, when there is none, is [] without its item.
static keel_term bare_name(keel_term info)
{
    keel_term name;
    bool unnamed = keel_match(info, "{registered_name, Name}", &name) && keel_is_nil(name);
    return unnamed ? name : info;
}

keel_status keel_process_info(keel_pid pid, keel_term item, keel_term *ret_info)
{
    if (!kl_pid_is_local(pid) || ret_info == NULL || !all_valid(item)) {
        return KEEL_E_BADARG;
    }
    struct kl_process *self = kl_process_current();
    if (kl_process_find(pid) == NULL) {
        *ret_info = KL_ATOM(undefined);
        return KEEL_OK;
    }
    if (self == NULL) {
        return KEEL_E_OUTSIDE;
    }
    kl_observable();
    if (pid.word == kl_process_pid(self).word) {
        keel_queue_length(); // takes what is behind the door
        *ret_info = bare_name(kl_heap_copy(kl_heap_current(), collect(self, item)));
        return KEEL_OK;
    }
    struct kl_envelope *reply;
    if (kl_ask(self, pid, KL_INFO, item, 0, &reply) != KEEL_OK) {
        *ret_info = KL_ATOM(undefined);
        return KEEL_OK;
    }
    *ret_info = bare_name(kl_envelope_open(reply, &kl_activation(self)->heap));
    return KEEL_OK;
}
