// Taking messages out of the mailbox, waiting for them, sleeping.

#include "process.h"

// How a receive decides; the test sees each message once.
struct wanted {
    bool (*test)(keel_term message, void *context);
    void *context;
    bool builds; // the test is the user's and may leave terms behind
};

// A call that left the mailbox, and was not answered yet.
static void owe(struct kl_process *self, const struct kl_envelope *call)
{
    kl_call_owe(self, (keel_from){{call->from}, {call->ref}}, call->flags);
}

// A message as the body sees it, no longer in the mailbox. A call is owed an answer from
// here on.
static keel_term open_message(struct kl_process *self, struct kl_envelope *envelope)
{
    struct kl_activation *activation = kl_activation(self);
    kl_store_relaxed(&self->messages_in, self->messages_in + 1);
    if (envelope->kind == KL_MESSAGE) {
        return kl_envelope_open(envelope, &activation->heap);
    }
    if (envelope->kind == KL_CAST) {
        return keel_tuple_of(
                KL_ATOM(gen_cast), kl_envelope_open(envelope, &activation->heap));
    }
    struct kl_envelope call = *envelope;
    owe(self, envelope);
    call.body = kl_envelope_open(envelope, &activation->heap);
    return kl_mailbox_view(&call);
}

static struct kl_process *receiver(keel_status *ret_status)
{
    struct kl_process *self = kl_process_current();
    *ret_status = self == NULL ? KEEL_E_OUTSIDE : KEEL_OK;
    return self;
}

keel_status keel_receive_until(keel_deadline deadline, keel_term *ret_message)
{
    keel_status status;
    struct kl_process *self = receiver(&status);
    if (self == NULL || ret_message == NULL) {
        return self == NULL ? status : KEEL_E_BADARG;
    }
    kl_observable();
    kl_step(self);
    bool late = false;
    for (;;) {
        if (self->head == NULL) {
            kl_take(self);
        }
        kl_end_if_dying(self);
        if (self->head != NULL && !self->suspended) {
            *ret_message = open_message(self, kl_mailbox_remove(self, &self->head));
            return KEEL_OK;
        }
        if (late || (deadline.at == INT64_MIN && !self->suspended)) {
            return KEEL_E_TIMEOUT;
        }
        late = !kl_wait(self, KEEL_WAIT_MESSAGE, &deadline.at);
    }
}

keel_term keel_receive(void)
{
    keel_term message = KEEL_NONE;
    keel_status status = keel_receive_until(KEEL_NEVER, &message);
    (void)status; // outside a process there is nothing to receive: none
    return message;
}

static bool is_wanted(const struct wanted *wanted, struct kl_envelope *envelope)
{
    if (!wanted->builds && envelope->kind == KL_MESSAGE) {
        return wanted->test(envelope->body, wanted->context);
    }
    keel_scope scope = keel_scope_open();
    bool take = wanted->test(kl_mailbox_view(envelope), wanted->context);
    keel_scope_close(&scope);
    return take;
}

// Looks at the messages from `*at` on, up to the one that is taken: then true.
static inline bool scan(struct kl_process *self, struct kl_envelope ***at,
        const struct wanted *wanted, struct kl_envelope **ret_envelope)
{
    while (**at != NULL) {
        struct kl_envelope *envelope = **at;
        if (is_wanted(wanted, envelope)) {
            *ret_envelope = kl_mailbox_remove(self, *at);
            return true;
        }
        *at = &envelope->next;
    }
    return false;
}

// Gives what is wanted as it was in the mailbox; the caller opens or frees it.
static inline __attribute__((always_inline)) keel_status receive_wanted(
        struct kl_process *self, const struct wanted *wanted, keel_deadline deadline,
        struct kl_envelope **ret_envelope)
{
    kl_observable();
    kl_step(self);
    struct kl_envelope **at = &self->head;
    bool late = false;
    for (;;) {
        kl_take(self);
        kl_end_if_dying(self);
        if (self->extras != NULL && self->extras->first_end != NULL) {
            at = &self->head; // priority messages go before what was looked at
        }
        if (!self->suspended) {
            if (scan(self, &at, wanted, ret_envelope)) {
                return KEEL_OK;
            }
            if (late || deadline.at == INT64_MIN) {
                return KEEL_E_TIMEOUT;
            }
        }
        late = !kl_wait(self, KEEL_WAIT_MESSAGE, &deadline.at);
    }
}

keel_status keel_receive_where(bool (*test)(keel_term message, void *context),
        void *context, keel_deadline deadline, keel_term *ret_message)
{
    keel_status status;
    struct kl_process *self = receiver(&status);
    if (self == NULL || test == NULL || ret_message == NULL) {
        return self == NULL ? status : KEEL_E_BADARG;
    }
    struct wanted wanted = {test, context, true};
    struct kl_envelope *envelope;
    status = receive_wanted(self, &wanted, deadline, &envelope);
    if (status == KEEL_OK) {
        *ret_message = open_message(self, envelope);
    }
    return status;
}

struct pattern {
    keel_pattern_site *site;
    const keel_arg *args;
    size_t count;
};

static bool matches(keel_term message, void *context)
{
    const struct pattern *pattern = context;
    return keel_match_at(pattern->site, message, pattern->args, pattern->count);
}

// Whether a capture is, or may be, part of the message that was matched.
static bool has_part_of_it(const keel_arg *args, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        switch (args[i].kind) {
        case KEEL_ARG_TO_TERM:
        case KEEL_ARG_TO_PID:
        case KEEL_ARG_TO_REF:
            if (!kl_is_immediate(*(const keel_term *)args[i].as.to)) {
                return true;
            }
            break;
        case KEEL_ARG_TO_BYTES:
        case KEEL_ARG_TO_POINTER:
            return true;
        default:
            break;
        }
    }
    return false;
}

keel_status keel_receive_match_at(
        keel_pattern_site *site, keel_deadline deadline, const keel_arg *args, size_t count)
{
    keel_status status;
    struct kl_process *self = receiver(&status);
    if (self == NULL) {
        return status;
    }
    struct pattern pattern = {site, args, count};
    struct wanted wanted = {matches, &pattern, false};
    struct kl_envelope *envelope;
    status = receive_wanted(self, &wanted, deadline, &envelope);
    if (status != KEEL_OK) {
        return status;
    }
    if (envelope->kind == KL_MESSAGE && envelope->flat && !has_part_of_it(args, count)) {
        // Nobody sees more of it than what was captured.
        kl_store_relaxed(&self->messages_in, self->messages_in + 1);
        kl_envelope_free(envelope);
        return KEEL_OK;
    }
    // Again, now that the message lies where it stays: captures may point into it.
    if (!keel_match_at(site, open_message(self, envelope), args, count)) {
        kl_panic("a message stopped matching the pattern %s", site->text);
    }
    return KEEL_OK;
}

size_t keel_queue_length(void)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL) {
        return 0;
    }
    kl_take(self);
    kl_end_if_dying(self);
    return self->queue_len;
}

size_t keel_flush(void)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL) {
        return 0;
    }
    size_t count = keel_queue_length();
    while (self->head != NULL) {
        struct kl_envelope *envelope = kl_mailbox_remove(self, &self->head);
        if (envelope->kind == KL_CALL || envelope->kind == KL_SYSTEM) {
            owe(self, envelope); // or nobody would tell the caller of our end
        }
        kl_envelope_free(envelope);
    }
    return count;
}

keel_status keel_timeout_from(keel_term milliseconds, keel_deadline *ret_deadline)
{
    int64_t value;
    if (ret_deadline == NULL) {
        return KEEL_E_BADARG;
    }
    if (keel_is(milliseconds, infinity)) {
        *ret_deadline = KEEL_NEVER;
        return KEEL_OK;
    }
    if (!keel_get_int(milliseconds, &value) || value < 0 || value > UINT32_MAX) {
        return KEEL_E_BADARG;
    }
    *ret_deadline = value == 0 ? KEEL_AT_ONCE : keel_deadline_in(KEEL_MS(value));
    return KEEL_OK;
}

void keel_sleep(keel_duration duration)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL) {
        kl_log(KL_LOG_WARNING, "keel_sleep called outside a process: returns at once");
        return;
    }
    keel_deadline deadline = keel_deadline_in(duration);
    while (!keel_deadline_passed(deadline)) {
        if (!kl_wait(self, KEEL_WAIT_SLEEP, &deadline.at)) {
            return;
        }
    }
    keel_yield();
}

void keel_hibernate(void)
{
    struct kl_process *self = kl_process_current();
    int64_t never = INT64_MAX;
    while (self != NULL && (keel_queue_length() == 0 || self->suspended)) {
        if (!kl_wait(self, KEEL_WAIT_MESSAGE, &never)) {
            return; // in a deferred function
        }
    }
}

void keel_hibernate_then(keel_body body, keel_term argument)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL || (self->flags & KL_HANDLER) != 0) {
        keel_error(KL_ATOM(badarg));
    }
    struct kl_envelope *birth = kl_envelope_new(KL_BIRTH, argument);
    if (birth == NULL) {
        kl_exit_now(self, KL_ATOM(system_limit), 0);
    }
    keel_from starter = kl_activation(self)->starter; // may still wait
    birth->from = starter.pid.word;
    birth->ref = starter.tag.word;
    birth->deadline = 0;
    kl_store_relaxed(&self->entry, (const void *)(uintptr_t)body);
    self->state = birth;
    kl_flags_drop(self, KL_BORN);
    kl_flags_add(self, KL_REPLACED);
    kl_activation(self)->again = true; // a message may be in the mailbox already
    kl_fiber_finish();
}
