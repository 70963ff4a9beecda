// Timers that send a message. A timer's reference names its record in a table, with a
// generation that tells its tenants apart, so that any thread may cancel or read it.

#include "process.h"
#include "slots.h"

// The states of a record. ARMED -> FIRING by the wheel, ARMED -> FREE by who cancels:
// kl_timer_cancel decides which of them it is.
struct user_timer {
    struct kl_timer timer;
    struct kl_envelope *envelope; // the message; kind KL_TIMER
    keel_term to; // local pid or atom
    uint32_t index;
    uint32_t generation; // atomic; changes when the timer is gone
    uint32_t next_free;
    struct kl_lock lock; // guards against a reuse while somebody cancels
};

static uint32_t *free_link(void *record);
static void prepare(void *record, uint32_t index);

static struct kl_slots table = {
        .record_bytes = sizeof(struct user_timer),
        .max = 1u << 27,
        .link = free_link,
        .prepare = prepare,
        .number = 1,
};

static uint32_t *free_link(void *record)
{
    return &((struct user_timer *)record)->next_free;
}

static void prepare(void *record, uint32_t index)
{
    struct user_timer *timer = record;
    timer->index = index;
    timer->generation = 1;
}

bool kl_timers_start(void)
{
    return kl_slots_start(&table);
}

void kl_timers_stop(void)
{
    for (uint32_t i = 0; i < kl_load_acquire(&table.used); i++) {
        struct user_timer *timer = kl_slots_at(&table, i);
        if (timer->envelope != NULL) {
            kl_envelope_free(timer->envelope); // armed when the runtime stopped
            timer->envelope = NULL;
        }
    }
    kl_slots_stop(&table);
}

// Bit 63 of the word marks a timer, below it 31 bits of generation and 28 of index.
static keel_ref ref_of(const struct user_timer *timer)
{
    uint64_t generation = timer->generation & 0x7fffffff;
    return kl_ref_make((uint64_t)1 << 59 | generation << 28 | timer->index);
}

static struct user_timer *find(keel_ref ref)
{
    if (!kl_ref_is_local(ref) || ref.word >> 63 == 0) {
        return NULL;
    }
    return kl_slots_at(&table, (uint32_t)(kl_ref_number(ref) & 0xfffffff));
}

static bool is_current(const struct user_timer *timer, keel_ref ref)
{
    return ref_of(timer).word == ref.word;
}

// Takes the message out of a record that nobody else can fire any more, and frees it.
// Called with its lock held; gives it.
static struct kl_envelope *retire(struct user_timer *timer)
{
    struct kl_envelope *envelope = timer->envelope;
    timer->envelope = NULL;
    kl_store_relaxed(&timer->generation, timer->generation + 1);
    kl_lock_give(&timer->lock);
    kl_slots_give(&table, timer, timer->index);
    return envelope;
}

static void fired(struct kl_timer *base)
{
    struct user_timer *timer = KL_CONTAINER(base, struct user_timer, timer);
    kl_lock_take(&timer->lock);
    keel_term to = timer->to;
    struct kl_envelope *envelope = retire(timer);
    keel_pid pid = keel_is_atom(to) ? keel_whereis_term(to) : (keel_pid){to.word};
    if (pid.word == 0) {
        kl_envelope_free(envelope);
        return;
    }
    kl_deliver(pid, envelope);
}

void kl_timer_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    struct kl_relation *own = kl_relation_find(self, envelope->ref);
    if (own != NULL && own->kind == KL_REL_TIMER) {
        kl_relation_remove(self, own);
    }
    envelope->kind = KL_MESSAGE;
    kl_mailbox_append(self, envelope);
}

// A timer is gone when its receiver is, even if its record still waits for its time.
static bool has_receiver(keel_term to)
{
    if (keel_is_atom(to)) {
        return true;
    }
    keel_pid pid = {to.word};
    struct kl_process *process = kl_process_find(pid);
    return process != NULL && kl_load_acquire(&process->door) != KL_DOOR_CLOSED &&
           kl_load_relaxed(&process->generation) == kl_pid_generation(pid);
}

// Cancels. False when it is not running.
static bool stop_timer(keel_ref ref, int64_t *ret_left)
{
    struct user_timer *timer = find(ref);
    if (timer == NULL) {
        return false;
    }
    kl_lock_take(&timer->lock);
    if (!is_current(timer, ref) || !kl_timer_cancel(&timer->timer)) {
        kl_lock_give(&timer->lock);
        return false;
    }
    int64_t left = timer->timer.at - kl_now_exact();
    bool running = has_receiver(timer->to);
    kl_envelope_free(retire(timer));
    if (running && ret_left != NULL) {
        *ret_left = left > 0 ? left : 0;
    }
    return running;
}

size_t kl_timers_pending(void)
{
    size_t count = 0;
    for (uint32_t i = 0; i < kl_load_acquire(&table.used); i++) {
        struct user_timer *timer = kl_slots_at(&table, i);
        kl_lock_take(&timer->lock);
        count += timer->envelope != NULL && has_receiver(timer->to);
        kl_lock_give(&timer->lock);
    }
    return count;
}

void kl_timer_forget(uint64_t word)
{
    stop_timer((keel_ref){word}, NULL);
}

static void note_own(struct kl_process *self, keel_term to, keel_ref ref)
{
    if (self != NULL && to.word == kl_process_pid(self).word &&
            kl_relation_add(self, ref.word, KL_REL_TIMER, kl_process_pid(self)) == NULL) {
        kl_exit_now(self, KL_ATOM(system_limit), 0);
    }
}

static struct kl_envelope *message_for(keel_term message, keel_ref ref, bool wrap)
{
    if (!wrap) {
        return kl_envelope_new(KL_TIMER, message);
    }
    keel_scope scope = keel_scope_open();
    struct kl_envelope *envelope = kl_envelope_new(
            KL_TIMER, keel_tuple_of(KL_ATOM(timeout), keel_from_ref(ref), message));
    keel_scope_close(&scope);
    return envelope;
}

static keel_status arm(
        int64_t at, keel_term to, keel_term message, bool wrap, keel_ref *ret_timer)
{
    bool local = kl_pid_is_local((keel_pid){to.word});
    if ((!local && !keel_is_atom(to)) || keel_is_none(message)) {
        return KEEL_E_BADARG;
    }
    if (!kl_runtime.running) {
        return KEEL_E_STOPPED;
    }
    struct user_timer *timer = kl_slots_take(&table);
    if (timer == NULL) {
        return KEEL_E_SYSTEM_LIMIT;
    }
    keel_ref ref = ref_of(timer);
    struct kl_envelope *envelope = message_for(message, ref, wrap);
    if (envelope == NULL) {
        kl_slots_give(&table, timer, timer->index);
        return KEEL_E_NOMEM;
    }
    envelope->ref = ref.word;
    timer->envelope = envelope;
    timer->to = to;
    timer->timer = (struct kl_timer){.fire = fired};
    *ret_timer = ref;
    if (!has_receiver(to)) {
        kl_lock_take(&timer->lock);
        kl_envelope_free(retire(timer));
        return KEEL_OK;
    }
    note_own(kl_process_current(), to, ref);
    kl_timer_arm(&timer->timer, at);
    kl_observable();
    return KEEL_OK;
}

static keel_ref arm_in(keel_duration duration, keel_term to, keel_term message, bool wrap)
{
    keel_ref ref = {0};
    if (duration >= 0) {
        keel_status status = arm(keel_deadline_in(duration).at, to, message, wrap, &ref);
        (void)status; // none says it
    }
    return ref;
}

keel_ref keel_send_after_term(keel_duration duration, keel_term to, keel_term message)
{
    return arm_in(duration, to, message, false);
}

keel_ref keel_start_timer(keel_duration duration, keel_term to, keel_term message)
{
    return arm_in(duration, to, message, true);
}

static keel_ref arm_at(keel_deadline when, keel_term to, keel_term message, bool wrap)
{
    keel_ref ref = {0};
    keel_status status = arm(when.at, to, message, wrap, &ref);
    (void)status;
    return ref;
}

keel_ref keel_send_at(keel_deadline when, keel_term to, keel_term message)
{
    return arm_at(when, to, message, false);
}

keel_ref keel_start_timer_at(keel_deadline when, keel_term to, keel_term message)
{
    return arm_at(when, to, message, true);
}

// OTP's options: a list of {abs, Bool}.
static bool read_options(keel_term options, bool *ret_absolute)
{
    keel_term item;
    *ret_absolute = false;
    while (keel_list_next(&options, &item)) {
        if (keel_tuple_size(item) != 2 || !keel_is(keel_element(item, 0), abs) ||
                !keel_is_bool(keel_element(item, 1))) {
            return false;
        }
        *ret_absolute = keel_to_bool(keel_element(item, 1));
    }
    return keel_is_nil(options);
}

static keel_status arm_opt(keel_term milliseconds, keel_term to, keel_term message,
        keel_term options, bool wrap, keel_ref *ret_timer)
{
    // So far ahead that no clock of ours reaches it: 2^63 ns are 292 years.
    const int64_t most = INT64_MAX / 1000000 / 2;
    bool absolute;
    int64_t value;
    if (ret_timer == NULL || !read_options(options, &absolute) ||
            !keel_get_int(milliseconds, &value) || value > most || value < -most ||
            (!absolute && value < 0)) {
        return KEEL_E_BADARG;
    }
    int64_t at = absolute ? value * 1000000 : keel_deadline_in(KEEL_MS(value)).at;
    return arm(at, to, message, wrap, ret_timer);
}

keel_status keel_send_after_opt(keel_term milliseconds, keel_term to, keel_term message,
        keel_term options, keel_ref *ret_timer)
{
    return arm_opt(milliseconds, to, message, options, false, ret_timer);
}

keel_status keel_start_timer_opt(keel_term milliseconds, keel_term to, keel_term message,
        keel_term options, keel_ref *ret_timer)
{
    return arm_opt(milliseconds, to, message, options, true, ret_timer);
}

bool keel_cancel_timer(keel_ref ref, keel_duration *ret_left)
{
    if (!kl_runtime.running) {
        return false;
    }
    kl_observable();
    struct kl_process *self = kl_process_current();
    if (self != NULL) {
        struct kl_relation *own = kl_relation_find(self, ref.word);
        if (own != NULL && own->kind == KL_REL_TIMER) {
            kl_relation_remove(self, own);
        }
    }
    return stop_timer(ref, ret_left);
}

bool keel_read_timer(keel_ref ref, keel_duration *ret_left)
{
    struct user_timer *timer = kl_runtime.running ? find(ref) : NULL;
    if (timer == NULL) {
        return false;
    }
    kl_lock_take(&timer->lock);
    bool running = is_current(timer, ref) && timer->envelope != NULL;
    int64_t left = timer->timer.at - kl_now_exact();
    keel_term to = timer->to;
    kl_lock_give(&timer->lock);
    if (!running || !has_receiver(to)) {
        return false;
    }
    if (ret_left != NULL) {
        *ret_left = left > 0 ? left : 0;
    }
    return true;
}

// {Tag, Ref, MillisecondsOrFalse} to the caller.
static keel_status answer(keel_term tag, keel_ref ref, bool found, keel_duration left)
{
    keel_term result = found ? keel_int((left + 999999) / 1000000) : keel_bool(false);
    return keel_send(keel_self(), keel_tuple_of(tag, keel_from_ref(ref), result));
}

keel_status keel_cancel_timer_async(keel_ref ref, bool info)
{
    if (!keel_is_ref(keel_from_ref(ref))) {
        return KEEL_E_BADARG;
    }
    if (kl_process_current() == NULL) {
        return KEEL_E_OUTSIDE;
    }
    keel_duration left = 0;
    bool found = keel_cancel_timer(ref, &left);
    return info ? answer(KL_ATOM(cancel_timer), ref, found, left) : KEEL_OK;
}

keel_status keel_read_timer_async(keel_ref ref)
{
    if (!keel_is_ref(keel_from_ref(ref))) {
        return KEEL_E_BADARG;
    }
    if (kl_process_current() == NULL) {
        return KEEL_E_OUTSIDE;
    }
    keel_duration left = 0;
    bool found = keel_read_timer(ref, &left);
    return answer(KL_ATOM(read_timer), ref, found, left);
}
