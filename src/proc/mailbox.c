// The door and the mailbox behind it. The rules of the door stand in process.h.

#include "turn.h"

// Does at once with an envelope what the owner would do when it takes it from the chain, if
// that is no more than to put it aside. The caller owns `to`.
static inline bool take_in(struct kl_process *to, struct kl_envelope *envelope)
{
    if (envelope->generation != to->generation) {
        return false;
    }
    if (envelope->kind <= KL_CAST || envelope->kind == KL_DOWN) {
        if ((to->flags & (KL_LIMITED | KL_QUEUE_WATCHED)) != 0 ||
                (envelope->flags & KL_FIRST) != 0 ||
                (to->queue_len >= kl_runtime.config.queue_alarm - 1 &&
                        (to->flags & KL_ALARMED) == 0)) {
            return false;
        }
        if (envelope->kind == KL_DOWN) {
            return kl_down_taken_in(to, envelope);
        }
        kl_mailbox_append(to, envelope);
        return true;
    }
    if (envelope->kind == KL_REPLY && envelope->ref == to->await_ref && to->reply == NULL &&
            (envelope->flags & KL_BY_OTHER) == 0) {
        kl_call_take_reply(to, envelope);
        return true;
    }
    return false;
}

// Who sends into a mailbox that gets long has fewer steps left: others, the receiver among
// them, shall have their turn while the messages are warm.
enum { CROWD = 2 * KL_TURN_BUDGET, PRESSURE = 3, FLOOD = 16 };

// Of the process that runs here, NULL when none does.
static inline struct kl_activation *activation_here(void)
{
    const struct kl_process *self = kl_process_current();
    return self != NULL && self->stack != NULL ? kl_activation(self) : NULL;
}

static void press(void)
{
    struct kl_activation *activation = activation_here();
    if (activation != NULL) {
        activation->budget -= activation->budget < PRESSURE ? activation->budget : PRESSURE;
    }
}

// Remembers for the end of the turn whom the running process talks to on another worker.
static void note_afar(struct kl_process *to)
{
    struct kl_activation *activation = activation_here();
    if (activation != NULL) {
        if (activation->afar_to != to) {
            activation->afar_to = to;
            activation->afar = 0;
        }
        activation->afar++;
    }
}

// A process runs where it is woken. But one that was flooded from here while it was on
// another worker stays there, where those may be who have joined it.
static inline void wake(struct kl_process *to)
{
    const struct kl_activation *activation = activation_here();
    if (activation != NULL && activation->afar >= FLOOD && activation->afar_to == to) {
        kl_sched_wake_beside(&to->task, &to->task);
    } else {
        kl_sched_wake(&to->task);
    }
}

// Who replaces IDLE, by an envelope or by an empty chain, owns the process until it wakes
// it. So the usual message to one that waits need not go through the chain.
// `caller` waits for what `to` says to it, and lends it its turn if it can.
static inline bool push(struct kl_process *to, struct kl_envelope *envelope,
        struct kl_process *caller, int64_t deadline)
{
    uintptr_t old = kl_load_relaxed(&to->door);
    bool idle = false;
    if (old == KL_DOOR_IDLE) {
        // Acquire: we see what the last turn wrote; pairs with the release in may_idle().
        idle = kl_cas_acq_rel(&to->door, &old, 0);
        if (idle && take_in(to, envelope)) {
            if (caller == NULL || !kl_turn_lend(caller, to, deadline)) {
                wake(to);
            }
            return true;
        }
        old = idle ? 0 : old;
    }
    struct kl_hold hold;
    if (!idle && kl_sched_hold(&to->task, &hold)) {
        // It waits for its turn on this very worker: it is ours meanwhile. If there was
        // something in the chain, this goes behind it.
        bool in = old == 0 && kl_load_relaxed(&to->door) == 0 && take_in(to, envelope);
        bool crowded = to->queue_len > CROWD;
        kl_sched_let_go(&hold);
        if (crowded) {
            press();
        }
        if (in) {
            return true;
        }
    } else if (!idle) {
        note_afar(to);
    }
    do {
        if (old == KL_DOOR_CLOSED) {
            return false;
        }
        envelope->next = old == KL_DOOR_IDLE ? NULL : (struct kl_envelope *)old;
        // Release: pairs with the acquire of kl_take, which reads what is in the envelope.
        // Acquire when it was idle: the next turn sees what the last one wrote.
    } while (!kl_cas_acq_rel(&to->door, &old, (uintptr_t)envelope));
    if (idle || old == KL_DOOR_IDLE) {
        kl_sched_wake(&to->task);
    }
    return true;
}

static inline bool deliver(struct kl_process *process, keel_pid to,
        struct kl_envelope *envelope, struct kl_process *caller, int64_t deadline)
{
    envelope->slot = kl_pid_slot(to);
    envelope->generation = kl_pid_generation(to);
    if (process == NULL || !push(process, envelope, caller, deadline)) {
        kl_undeliverable(envelope);
        return false;
    }
    return true;
}

bool kl_deliver_to(struct kl_process *process, keel_pid to, struct kl_envelope *envelope)
{
    return deliver(process, to, envelope, NULL, 0);
}

bool kl_deliver(keel_pid to, struct kl_envelope *envelope)
{
    return deliver(kl_process_find(to), to, envelope, NULL, 0);
}

// Counts one message more against the process of this generation, if that is still there;
// gives how many there were.
static bool count_one(struct kl_extras *extras, uint32_t generation, size_t *ret_before)
{
    uint64_t count = kl_load_relaxed(&extras->mailbox_counted);
    do {
        if (count >> 32 != generation) {
            return false;
        }
    } while (!kl_cas_acq_rel(&extras->mailbox_counted, &count, count + 1));
    *ret_before = count & UINT32_MAX;
    return true;
}

// Takes one back, if it was not forgotten with the process.
static void count_off(struct kl_extras *extras, uint32_t generation)
{
    uint64_t count = kl_load_relaxed(&extras->mailbox_counted);
    while (count >> 32 == generation &&
            !kl_cas_acq_rel(&extras->mailbox_counted, &count, count - 1)) {}
}

// A limited mailbox counts what is sent to it and not yet taken out.
static keel_status count_in(
        struct kl_process *to, uint32_t generation, struct kl_envelope *envelope)
{
    struct kl_extras *extras = kl_load_acquire(&to->extras);
    size_t limit = extras == NULL ? 0 : kl_load_relaxed(&extras->mailbox_limit);
    if (limit == 0) {
        return KEEL_OK;
    }
    // Acquire: pairs with the release in kl_extras_free(). Who sees the policy of a process
    // that has ended is not counted any more.
    uint8_t policy = kl_load_acquire(&extras->mailbox_policy);
    size_t before;
    if (!count_one(extras, generation, &before)) {
        return KEEL_OK; // it has ended, which is seen at its door
    }
    if (before < limit || policy == KEEL_MAILBOX_DROP_OLD || policy == KEEL_MAILBOX_EXIT) {
        envelope->flags |= KL_COUNTED; // the owner drops the oldest, or exits
        return KEEL_OK;
    }
    count_off(extras, generation);
    kl_add_relaxed(&extras->dropped, 1);
    kl_add_relaxed(&kl_runtime.dropped, 1);
    return policy == KEEL_MAILBOX_REJECT ? KEEL_E_OVERLOAD : KEEL_E_CANCELED;
}

static inline keel_status deliver_message(keel_pid to, struct kl_envelope *envelope,
        struct kl_process *caller, int64_t deadline)
{
    struct kl_process *process = kl_process_find(to);
    if (process != NULL && kl_load_acquire(&process->task.mark)) {
        keel_status status = count_in(process, kl_pid_generation(to), envelope);
        if (status != KEEL_OK) {
            // A call that is dropped would wait for ever: its maker hears of it.
            bool call = envelope->kind == KL_CALL;
            kl_envelope_free(envelope);
            return status == KEEL_E_CANCELED && !call ? KEEL_OK : KEEL_E_OVERLOAD;
        }
    }
    bool delivered = deliver(process, to, envelope, caller, deadline);
    return delivered ? KEEL_OK : KEEL_E_NOPROC;
}

keel_status kl_deliver_message(keel_pid to, struct kl_envelope *envelope)
{
    return deliver_message(to, envelope, NULL, 0);
}

keel_status kl_deliver_call(struct kl_process *self, keel_pid to,
        struct kl_envelope *envelope, int64_t deadline)
{
    return deliver_message(to, envelope, self, deadline);
}

static void answer(struct kl_envelope *envelope, enum kl_envelope_kind kind, keel_term body)
{
    struct kl_envelope *reply = kl_envelope_new(kind, body);
    if (reply != NULL) {
        reply->from = (uint64_t)kl_pid_make(envelope->slot, envelope->generation).word;
        reply->ref = envelope->ref;
        kl_deliver((keel_pid){envelope->from}, reply);
    }
}

static keel_term exit_tuple(struct kl_envelope *envelope, keel_term reason)
{
    keel_pid dead = kl_pid_make(envelope->slot, envelope->generation);
    return keel_tuple_of(KL_ATOM(EXIT), keel_from_pid(dead), reason);
}

static keel_term down_tuple(struct kl_envelope *envelope, keel_term reason)
{
    keel_pid dead = kl_pid_make(envelope->slot, envelope->generation);
    keel_ref ref = {envelope->ref};
    keel_term tag = KL_ATOM(DOWN);
    keel_term object = keel_from_pid(dead);
    if (keel_is_tuple(envelope->body)) {
        keel_term name = keel_element(envelope->body, 0);
        keel_term own_tag = keel_element(envelope->body, 1);
        tag = keel_is_none(own_tag) ? tag : own_tag;
        object = keel_is_nil(name) ? object : name;
    }
    return keel_tuple_of(tag, keel_from_ref(ref), KL_ATOM(process), object, reason);
}

void kl_undeliverable(struct kl_envelope *envelope)
{
    keel_scope scope = keel_scope_open();
    switch ((enum kl_envelope_kind)envelope->kind) {
    case KL_CALL:
    case KL_SYSTEM:
        if (kl_is_call_ref(envelope->ref)) {
            kl_call_fail(
                    (keel_pid){envelope->from}, envelope->ref, KL_NOPROC, KL_ATOM(noproc));
        }
        break;
    case KL_LINK:
        answer(envelope, KL_LINK_EXIT, exit_tuple(envelope, KL_ATOM(noproc)));
        break;
    case KL_UNLINK:
        answer(envelope, KL_UNLINK_ACK, KEEL_NONE);
        break;
    case KL_MONITOR:
        answer(envelope, KL_DOWN, down_tuple(envelope, KL_ATOM(noproc)));
        break;
    case KL_INFO:
    case KL_PING:
    case KL_SUSPEND:
    case KL_LEADER:
    case KL_WATCH_QUEUE:
        kl_call_fail((keel_pid){envelope->from}, envelope->ref, KL_NOPROC, KL_ATOM(noproc));
        break;
    case KL_REMOTE:
        kl_remote_undeliverable(envelope);
        break;
    case KL_TIMER_NOTE:
        kl_timer_forget(envelope->ref);
        break;
    case KL_ALARM: {
        // Acquire, of what told that it came too late: the dying process has looked at its
        // alarm before it closed the door.
        struct kl_process *process = kl_table_at(envelope->slot);
        if (process != NULL) { // as it always is: the alarm had been armed by it
            (void)kl_load_acquire(&process->door);
            (void)kl_load_acquire(&process->generation);
        }
        struct kl_alarm *alarm = KL_CONTAINER(envelope, struct kl_alarm, envelope);
        kl_pool_free(alarm, sizeof *alarm);
        keel_scope_close(&scope);
        return;
    }
    default:
        break;
    }
    kl_envelope_free(envelope);
    keel_scope_close(&scope);
}

void kl_act_on(struct kl_process *self, struct kl_envelope *newest)
{
    struct kl_envelope *oldest = NULL;
    unsigned walked = 0;
    while (newest != NULL) {
        struct kl_envelope *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
        if (++walked == KL_WARM_CHAIN && (self->flags & KL_WARM) == 0) {
            kl_warm(self, newest);
        }
    }
    while (oldest != NULL) {
        struct kl_envelope *envelope = oldest;
        oldest = oldest->next;
        if (envelope->generation != self->generation) {
            kl_undeliverable(envelope); // meant for an earlier tenant of the slot
        } else if (envelope->kind <= KL_CAST) {
            kl_mailbox_append(self, envelope);
        } else {
            kl_signal(self, envelope);
        }
    }
}

bool kl_take_chain(struct kl_process *self)
{
    // Acquire: pairs with the release of push.
    uintptr_t chain = kl_exchange_acq_rel(&self->door, 0);
    if (chain == KL_DOOR_IDLE || chain == KL_DOOR_CLOSED) {
        kl_panic("a process that runs found its door idle or closed");
    }
    size_t before = self->queue_len;
    kl_act_on(self, (struct kl_envelope *)chain);
    bool watched = (self->flags & (KL_LIMITED | KL_QUEUE_WATCHED)) != 0;
    if (self->queue_len > before &&
            (watched || self->queue_len >= kl_runtime.config.queue_alarm)) {
        kl_queue_check(self, before);
    }
    return true;
}

void kl_mailbox_append_first(struct kl_process *self, struct kl_envelope *envelope)
{
    struct kl_extras *extras = kl_extras(self);
    struct kl_envelope **at = extras->first_end == NULL ? &self->head : extras->first_end;
    envelope->next = *at;
    *at = envelope;
    if (envelope->next == NULL) {
        self->tail = &envelope->next;
    }
    extras->first_end = &envelope->next;
}

struct kl_envelope *kl_mailbox_remove(struct kl_process *self, struct kl_envelope **link)
{
    struct kl_envelope *envelope = *link;
    *link = envelope->next;
    if (envelope->next == NULL) {
        self->tail = link;
    }
    struct kl_extras *extras = self->extras;
    if (extras != NULL && extras->first_end == &envelope->next) {
        extras->first_end = link == &self->head ? NULL : link;
    }
    kl_store_relaxed(&self->queue_len, self->queue_len - 1);
    if ((envelope->flags & KL_COUNTED) != 0 && extras != NULL) {
        count_off(extras, self->generation);
        envelope->flags &= (uint8_t)~KL_COUNTED;
    }
    if ((self->flags & (KL_ALARMED | KL_QUEUE_WATCHED)) != 0) {
        kl_queue_check(self, self->queue_len + 1);
    }
    return envelope;
}

void kl_mailbox_drop_all(struct kl_process *self, bool answer_calls)
{
    while (self->head != NULL) {
        struct kl_envelope *envelope = kl_mailbox_remove(self, &self->head);
        bool call = envelope->kind == KL_CALL || envelope->kind == KL_SYSTEM;
        if (answer_calls && call && kl_is_call_ref(envelope->ref)) {
            kl_call_fail((keel_pid){envelope->from}, envelope->ref, 0, self->exit_reason);
        }
        kl_envelope_free(envelope);
    }
}

keel_term kl_mailbox_view(struct kl_envelope *envelope)
{
    if (envelope->kind == KL_MESSAGE) {
        return envelope->body;
    }
    if (envelope->kind == KL_CAST) {
        return keel_tuple_of(KL_ATOM(gen_cast), envelope->body);
    }
    keel_term tag = envelope->kind == KL_SYSTEM ? KL_ATOM(system) : KL_ATOM(gen_call);
    keel_term from = keel_tuple_of((keel_term){envelope->from}, (keel_term){envelope->ref});
    return keel_tuple_of(tag, from, envelope->body);
}
