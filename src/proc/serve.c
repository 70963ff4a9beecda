// What runs on the stack of a process: a body, or a handler's callbacks one after another.

#include "turn.h"

// Takes what the process was born with.
static keel_term be_born(struct kl_process *self, struct kl_activation *activation)
{
    struct kl_envelope *birth = self->state;
    activation->starter.pid.word = birth->from;
    activation->starter.tag.word = birth->ref;
    if (birth->deadline != 0) {
        kl_extras(self)->stack_bytes = (size_t)birth->deadline;
    }
    self->state = NULL;
    kl_flags_add(self, KL_BORN);
    kl_flags_drop(self, KL_REPLACED);
    return kl_envelope_open(birth, &activation->heap);
}

void kl_body_main(void *argument)
{
    struct kl_activation *activation = argument;
    struct kl_process *self = activation->process;
    keel_term term = be_born(self, activation);
    keel_body body = (keel_body)(uintptr_t)self->entry;
    if (body == NULL) {
        keel_error(KL_ATOM(undef));
    }
    body(term);
}

// Carries out what a callback returned.
static inline void follow(struct kl_process *self, keel_next next)
{
    if ((self->flags & (KL_AGAIN | KL_HANDLER_SUSPENDED)) != 0) {
        kl_flags_drop(self, KL_AGAIN | KL_HANDLER_SUSPENDED);
    }
    if (__builtin_expect(next.action == KEEL_NEXT_WAIT, 1)) {
        self->deadline = next.until.at;
        return;
    }
    self->deadline = INT64_MAX;
    switch (next.action) {
    case KEEL_NEXT_EXIT:
        if (keel_is_none(next.reason)) {
            keel_error(KL_ATOM(badarg));
        }
        kl_exit_now(self, next.reason, 0);
    case KEEL_NEXT_AGAIN:
        kl_flags_add(self, KL_AGAIN);
        return;
    case KEEL_NEXT_SUSPENDED:
        kl_flags_add(self, KL_HANDLER_SUSPENDED);
        return;
    case KEEL_NEXT_HIBERNATE: // a handler that waits holds no memory anyway
        self->deadline = next.until.at;
        return;
    default:
        keel_error(keel_make("{bad_return_value, {keel_next, N}}", next.action));
    }
}

keel_pid kl_gen_parent(const struct kl_process *self)
{
    bool linked = (self->flags & KL_LINKED_START) != 0 && self->ancestors != NULL;
    return linked ? self->ancestors->pid : kl_process_pid(self);
}

keel_pid keel_gen_parent(void)
{
    struct kl_process *self = kl_process_current();
    return self == NULL ? (keel_pid){0} : kl_gen_parent(self);
}

// Which link of the mailbox holds what the handler takes next.
static struct kl_envelope **next_link(struct kl_process *self)
{
    struct kl_envelope **link = &self->head;
    if ((self->flags & KL_HANDLER_SUSPENDED) == 0) {
        return link;
    }
    keel_pid parent = kl_gen_parent(self);
    for (; *link != NULL; link = &(*link)->next) {
        struct kl_envelope *envelope = *link;
        keel_term body = envelope->body;
        if (envelope->kind == KL_SYSTEM) {
            break;
        }
        if (envelope->kind == KL_MESSAGE && keel_tuple_size(body) == 3) {
            keel_term tag = keel_element(body, 0);
            if (keel_is(tag, system) ||
                    (keel_is(tag, EXIT) && keel_element(body, 1).word == parent.word)) {
                break;
            }
        }
    }
    return link;
}

// Whether a plain term is worth classifying.
static inline bool may_be_special(keel_term body)
{
    size_t words = kl_is_immediate(body) ? 0 : kl_flat_words(body);
    if (words != 3 && words != 4) {
        return false;
    }
    uint64_t tag = ((const uint64_t *)(uintptr_t)body.word)[1];
    return tag == KL_ATOM(gen_cast).word || tag == KL_ATOM(gen_call).word ||
           tag == KL_ATOM(system).word || tag == KL_ATOM(EXIT).word;
}

// What kind of message a plain term is to a handler.
static void classify(struct kl_process *self, keel_message *message)
{
    keel_term body = message->body;
    size_t size = keel_tuple_size(body);
    if (size != 2 && size != 3) {
        return;
    }
    keel_term tag = keel_element(body, 0);
    if (size == 2) {
        if (tag.word == KL_ATOM(gen_cast).word) {
            message->kind = KEEL_MESSAGE_CAST;
            message->body = keel_element(body, 1);
        }
        return;
    }
    keel_term second = keel_element(body, 1);
    if (keel_is(tag, EXIT)) {
        if (second.word == kl_gen_parent(self).word) {
            message->kind = KEEL_MESSAGE_PARENT_EXIT;
            message->body = keel_element(body, 2);
        }
        return;
    }
    bool call = tag.word == KL_ATOM(gen_call).word;
    if ((call || keel_is(tag, system)) && keel_tuple_size(second) == 2 &&
            keel_is_pid(keel_element(second, 0))) {
        message->kind = call ? KEEL_MESSAGE_CALL : KEEL_MESSAGE_SYSTEM;
        message->from = keel_from_of_term(second);
        message->body = keel_element(body, 2);
    }
}

static void fill_message(struct kl_process *self, struct kl_activation *activation,
        struct kl_envelope *envelope, keel_message *message)
{
    static const keel_message_kind kinds[] = {
            KEEL_MESSAGE_INFO, KEEL_MESSAGE_CALL, KEEL_MESSAGE_SYSTEM, KEEL_MESSAGE_CAST};
    uint8_t kind = envelope->kind;
    message->kind = kinds[kind];
    message->body = envelope->body;
    if (kind == KL_CALL || kind == KL_SYSTEM) {
        message->from.pid.word = envelope->from;
        message->from.tag.word = envelope->ref;
        activation->serving = message->from;
        activation->serving_deadline = envelope->deadline;
        activation->serving_flags = envelope->flags;
    } else {
        message->from = (keel_from){{0}, {0}};
        if (kind == KL_MESSAGE && may_be_special(message->body)) {
            classify(self, message);
            activation->serving = message->from; // a call of another node's, or none
        }
    }
    if (envelope->body_bytes > 0) {
        activation->message = envelope;
    } else {
        kl_envelope_free(envelope);
    }
}

// Takes the next message of a handler into `message`; false when there is none now.
static inline bool next_message(
        struct kl_process *self, struct kl_activation *activation, keel_message *message)
{
    if ((self->flags & KL_AGAIN) != 0) {
        *message = (keel_message){KEEL_MESSAGE_AGAIN, KEEL_NONE, {{0}, {0}}};
        return true;
    }
    if (self->head == NULL) {
        kl_take(self);
        if ((self->flags & KL_DYING) != 0 || self->suspended) {
            return false;
        }
    }
    struct kl_envelope **link = next_link(self);
    if (*link != NULL) {
        struct kl_envelope *envelope = link == &self->head ? kl_mailbox_pop(self)
                                                           : kl_mailbox_remove(self, link);
        kl_store_relaxed(&self->messages_in, self->messages_in + 1);
        fill_message(self, activation, envelope, message);
        return true;
    }
    *message = (keel_message){KEEL_MESSAGE_TIMEOUT, KEEL_NONE, {{0}, {0}}};
    return (self->flags & KL_TIMED_OUT) != 0;
}

// Expires what a callback received and built; its heap was empty up to `clean` before, in
// the chunk that a stack lends.
static inline void expire(
        struct kl_activation *activation, uint8_t *clean, const struct kl_chunk *lent)
{
    if (activation->message != NULL) {
        kl_envelope_free(activation->message);
        activation->message = NULL;
    }
    if (!kl_heap_try_rewind(&activation->heap, clean, lent)) {
        kl_heap_reset(&activation->heap);
    }
}

// A mailbox that grows gets cold: who has many messages waiting may handle more of them in
// one turn, while that is still a short time to the others.
static bool may_stay(const struct kl_process *self, struct kl_activation *activation)
{
    enum { STAY_NS = 20000 };
    if (self->queue_len < KL_TURN_BUDGET || activation->stays == KL_TURN_STAYS ||
            kl_now_exact() - kl_now() >= STAY_NS) {
        return false;
    }
    activation->stays++;
    return true;
}

// The first turn of a handler: its start.
static void start_handler(struct kl_process *self, struct kl_activation *activation)
{
    const keel_handler *handler = self->entry;
    keel_term term = be_born(self, activation);
    activation->handling = false;
    self->state = kl_pool_alloc(handler->state_bytes);
    if (self->state == NULL && handler->state_bytes != 0) {
        kl_exit_now(self, KL_ATOM(system_limit), 0);
    }
    __builtin_memset(self->state, 0, handler->state_bytes);
    follow(self, handler->start(self->state, term));
    keel_gen_ack(KL_ATOM(ok)); // for a start that acknowledged nothing itself
    kl_heap_reset(&activation->heap);
}

void kl_serve(struct kl_process *self, struct kl_activation *activation)
{
    const keel_handler *handler = self->entry;
    if ((self->flags & KL_BORN) == 0) {
        start_handler(self, activation);
    }
    uint8_t *clean = activation->heap.next;
    const struct kl_chunk *lent = activation->heap.chunks;
    keel_message *message = &activation->handled;
    activation->handling = true;
    if (self->queue_len >= KL_WARM_MAILBOX && (self->flags & KL_WARM) == 0) {
        kl_warm(self, self->head);
    }
    while (next_message(self, activation, message)) {
        if ((self->flags & (KL_TIMED_OUT | KL_AGAIN)) != 0) {
            kl_flags_drop(self, KL_TIMED_OUT | KL_AGAIN);
        }
        keel_next next = handler->receive(self->state, message);
        if (activation->serving.tag.word != 0) {
            kl_call_defer(self, activation);
        }
        activation->serving_deadline = INT64_MAX;
        follow(self, next);
        expire(activation, clean, lent);
        if (self->suspended) {
            break;
        }
        kl_store_relaxed(&self->reductions, self->reductions + 1);
        if (activation->budget == 0) {
            if (!may_stay(self, activation)) {
                activation->again = true;
                break;
            }
            activation->budget = KL_TURN_BUDGET;
        }
        activation->budget--;
        kl_observable();
    }
    kl_flags_drop(self, KL_CHANGED);
}

void kl_handler_main(void *argument)
{
    kl_fiber_work(kl_turn_serve, argument);
}

void kl_turn_enter(
        struct kl_process *self, const keel_handler *handler, void *state, keel_next first)
{
    // The body's frames end here; the state and the reason to go on are all that is left.
    kl_store_relaxed(&self->entry, (const void *)handler); // before the flag: see inspect.c
    self->state = state;
    kl_flags_add(self, KL_HANDLER | KL_ENTERED);
    follow(self, first);
    kl_activation(self)->again = true; // what came while it was a body waits in the mailbox
    kl_fiber_finish();
}

void kl_failed_main(void *argument)
{
    struct kl_activation *activation = argument;
    struct kl_process *self = activation->process;
    const keel_handler *handler = self->entry;
    const keel_message *message = activation->handling ? &activation->handled : NULL;
    keel_next next = handler->failed(self->state, self->exit_reason, message);
    if (next.action != KEEL_NEXT_EXIT) {
        kl_flags_drop(self, KL_ERROR | KL_FAULT);
    }
    if (activation->serving.tag.word != 0) {
        kl_call_defer(self, activation);
    }
    activation->serving_deadline = INT64_MAX;
    follow(self, next);
    keel_gen_ack(KL_ATOM(ok));
    activation->failures = 0;
    if (activation->message != NULL) {
        kl_envelope_free(activation->message);
        activation->message = NULL;
    }
    kl_heap_reset(&activation->heap);
    kl_serve(self, activation);
}
