// How long a mailbox may grow, and who is told.

#include "event.h"
#include "process.h"

// Somebody who watches the length of a mailbox; hears of each crossing once.
struct kl_queue_watch {
    struct kl_queue_watch *next;
    keel_pid watcher;
    uint64_t ref;
    uint32_t high, low;
    bool above;
};

static void tell(struct kl_process *self, struct kl_queue_watch *watch, bool above)
{
    keel_scope scope = keel_scope_open();
    keel_term ref = {watch->ref};
    struct kl_envelope *envelope = kl_envelope_new(KL_MESSAGE,
            keel_tuple_of(keel_atom(QUEUE), ref, keel_from_pid(kl_process_pid(self)),
                    above ? keel_atom(high) : keel_atom(low), keel_uint(self->queue_len)));
    keel_scope_close(&scope);
    if (envelope != NULL) {
        kl_deliver(watch->watcher, envelope);
    }
}

static void check_watches(struct kl_process *self)
{
    struct kl_queue_watch *watch = self->extras->queue_watches;
    for (; watch != NULL; watch = watch->next) {
        if (!watch->above && self->queue_len >= watch->high) {
            watch->above = true;
            tell(self, watch, true);
        } else if (watch->above && self->queue_len <= watch->low) {
            watch->above = false;
            tell(self, watch, false);
        }
    }
}

static void check_alarm(struct kl_process *self)
{
    size_t alarm = kl_runtime.config.queue_alarm;
    if ((self->flags & KL_ALARMED) == 0 && self->queue_len >= alarm) {
        kl_flags_add(self, KL_ALARMED);
        kl_event_tell(&(keel_runtime_event){.kind = KEEL_RUNTIME_EVENT_OVERLOAD,
                .pid = kl_process_pid(self),
                .number = self->queue_len,
                .entry = kl_process_entry_name(self)});
        kl_log(KL_LOG_WARNING, "the mailbox of <0.%u.%u> (%s) has grown to %u messages",
                self->slot, self->generation, kl_process_entry_name(self), self->queue_len);
    } else if ((self->flags & KL_ALARMED) != 0 && self->queue_len < alarm / 2) {
        kl_flags_drop(self, KL_ALARMED);
    }
}

static void drop_oldest(struct kl_process *self)
{
    struct kl_envelope *envelope = kl_mailbox_remove(self, &self->head);
    if ((envelope->kind == KL_CALL || envelope->kind == KL_SYSTEM) &&
            kl_is_call_ref(envelope->ref)) {
        kl_call_fail((keel_pid){envelope->from}, envelope->ref, 0, keel_atom(overload));
    }
    kl_envelope_free(envelope);
    kl_add_relaxed(&self->extras->dropped, 1);
    kl_add_relaxed(&kl_runtime.dropped, 1);
}

static void check_limit(struct kl_process *self)
{
    size_t limit = self->extras->mailbox_limit;
    if (limit == 0 || self->queue_len <= limit) {
        return;
    }
    if (self->extras->mailbox_policy == KEEL_MAILBOX_EXIT) {
        kl_exit_begin(self, keel_atom(mailbox_overflow), NULL);
    } else if (self->extras->mailbox_policy == KEEL_MAILBOX_DROP_OLD) {
        while (self->queue_len > limit) {
            drop_oldest(self);
        }
    }
}

void kl_queue_check(struct kl_process *self, size_t before)
{
    if ((self->flags & KL_LIMITED) != 0 && self->queue_len > before) {
        check_limit(self);
    }
    if ((self->flags & KL_QUEUE_WATCHED) != 0) {
        check_watches(self);
    }
    check_alarm(self);
}

void kl_queue_watch_add(struct kl_process *self, struct kl_envelope *envelope)
{
    struct kl_queue_watch *watch = kl_owned_alloc(self, sizeof *watch);
    if (watch == NULL) {
        kl_undeliverable(envelope);
        return;
    }
    struct kl_extras *extras = kl_extras(self);
    *watch = (struct kl_queue_watch){.next = extras->queue_watches,
            .watcher = {envelope->from},
            .ref = (uint64_t)keel_element(envelope->body, 0).word,
            .high = (uint32_t)((uint64_t)envelope->deadline >> 32),
            .low = (uint32_t)envelope->deadline};
    extras->queue_watches = watch;
    kl_flags_add(self, KL_QUEUE_WATCHED);
    struct kl_envelope *reply = kl_envelope_new(KL_REPLY, KL_ATOM(true));
    if (reply != NULL) {
        reply->ref = envelope->ref;
        kl_deliver(watch->watcher, reply);
    }
    kl_envelope_free(envelope);
    check_watches(self);
}

void kl_queue_watch_remove(struct kl_process *self, uint64_t ref)
{
    struct kl_queue_watch **link = &self->extras->queue_watches;
    while (*link != NULL && (*link)->ref != ref) {
        link = &(*link)->next;
    }
    struct kl_queue_watch *watch = *link;
    if (watch != NULL) {
        *link = watch->next;
        kl_owned_free(self, watch);
    }
    if (self->extras->queue_watches == NULL) {
        kl_flags_drop(self, KL_QUEUE_WATCHED);
    }
}

keel_status keel_monitor_queue(keel_pid pid, size_t high, size_t low, keel_ref *ret_monitor)
{
    struct kl_process *self = kl_process_current();
    if (!kl_pid_is_local(pid) || low >= high || high > UINT32_MAX || ret_monitor == NULL) {
        return KEEL_E_BADARG;
    }
    if (self == NULL) {
        return KEEL_E_OUTSIDE;
    }
    keel_ref ref = keel_make_ref();
    keel_term body = keel_tuple_of(keel_from_ref(ref));
    int64_t bounds = (int64_t)((uint64_t)high << 32 | low);
    struct kl_envelope *reply;
    keel_status status = kl_ask(self, pid, KL_WATCH_QUEUE, body, bounds, &reply);
    if (status != KEEL_OK) {
        return status;
    }
    kl_envelope_free(reply);
    struct kl_relation *monitor = kl_relation_add(self, ref.word, KL_REL_MONITOR, pid);
    if (monitor == NULL) {
        kl_exit_now(self, KL_ATOM(system_limit), 0);
    }
    monitor->flags = KL_REL_QUEUE;
    *ret_monitor = ref;
    return KEEL_OK;
}

keel_status keel_process_mailbox(size_t limit, keel_mailbox_policy policy)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL) {
        return KEEL_E_OUTSIDE;
    }
    if (policy > KEEL_MAILBOX_EXIT) {
        return KEEL_E_BADARG;
    }
    struct kl_extras *extras = kl_extras(self);
    if ((self->flags & KL_LIMITED) == 0) {
        kl_store_relaxed(&extras->mailbox_counted, kl_mailbox_count_of(self->generation));
    }
    kl_store_relaxed(&extras->mailbox_policy, (uint8_t)policy);
    kl_store_relaxed(&extras->mailbox_limit, limit);
    // Stays set for good: a sender may be looking at the extras.
    kl_flags_add(self, KL_LIMITED);
    // Release: the extras are there for who sees it; pairs with deliver_message().
    kl_store_release(&self->task.mark, true);
    return KEEL_OK;
}
