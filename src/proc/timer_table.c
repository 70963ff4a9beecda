// The table of timers that send a message. A timer's reference names its record, with a
// generation that tells its tenants apart, so that any thread finds it without a search.
//
// A record belongs to who takes it out of its wheel: the worker that fires it, or whoever
// cancels it; the lock of the wheel decides. While it is armed nobody writes to it. Two
// kinds of timers differ in who gives the record back:
// - one that is on the list of its receiver, so that it ends with it, is taken from there
//   and given back by the receiver alone. Who has fired or cancelled it tells the receiver
//   with the timer's own envelope. If the receiver ends meanwhile it finds the record on
//   its list; who exchanges the envelope for NULL last gives the record back.
// - any other (to a name, or by another process before the receiver has heard of it) is
//   given back by who took it out of the wheel.

#include "timer_table.h"
#include "slots.h"

struct user_timer {
    struct kl_timer timer;
    struct kl_envelope *envelope; // the message; kind KL_TIMER
    keel_term to; // local pid or atom; written while nobody knows the reference
    uint32_t index;
    uint32_t generation; // 31 bits; changes when the timer is gone
    uint32_t next, prev; // index + 1 of others on the receiver's list; next free one
    bool listed; // is on that list
    bool paused; // its receiver is suspended: its time is AFAR and what it has left
};

// So far ahead, 146 years, that nothing ordinary is armed for then.
#define AFAR (INT64_MAX / 2)

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
    return &((struct user_timer *)record)->next;
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
    uint64_t generation = timer->generation;
    return kl_ref_make((uint64_t)1 << 59 | generation << 28 | timer->index);
}

static uint32_t generation_of(keel_ref ref)
{
    return (uint32_t)(kl_ref_number(ref) >> 28) & 0x7fffffff;
}

static struct user_timer *find(keel_ref ref)
{
    if (!kl_ref_is_local(ref) || ref.word >> 63 == 0) {
        return NULL;
    }
    return kl_slots_at(&table, (uint32_t)(kl_ref_number(ref) & 0xfffffff));
}

// Gives the record back.
static void retire(struct user_timer *timer)
{
    // Who holds an old reference reads it at any time.
    kl_store_relaxed(&timer->generation, (timer->generation + 1) & 0x7fffffff);
    kl_slots_give(&table, timer, timer->index);
}

// --- the list of a receiver; by the receiver alone ---

static void list(struct kl_process *self, struct user_timer *timer)
{
    timer->listed = true;
    timer->prev = 0;
    timer->next = self->timers;
    if (timer->next != 0) {
        ((struct user_timer *)kl_slots_at(&table, timer->next - 1))->prev = timer->index +
                                                                            1;
    }
    self->timers = timer->index + 1;
}

static void unlist(struct kl_process *self, struct user_timer *timer)
{
    if (timer->prev != 0) {
        ((struct user_timer *)kl_slots_at(&table, timer->prev - 1))->next = timer->next;
    } else {
        self->timers = timer->next;
    }
    if (timer->next != 0) {
        ((struct user_timer *)kl_slots_at(&table, timer->next - 1))->prev = timer->prev;
    }
}

// --- firing ---

// Tells the receiver of a listed timer that was taken out of its wheel.
static void tell_receiver(struct user_timer *timer, enum kl_envelope_kind kind)
{
    keel_pid to = {timer->to.word};
    // Acquire and release: pairs with the same in kl_timers_forget().
    struct kl_envelope *envelope = kl_exchange_acq_rel(&timer->envelope, NULL);
    if (envelope == NULL) {
        retire(timer); // the receiver has ended
        return;
    }
    envelope->kind = (uint8_t)kind;
    kl_deliver(to, envelope);
}

static void fired(struct kl_timer *base)
{
    struct user_timer *timer = KL_CONTAINER(base, struct user_timer, timer);
    if (timer->listed) {
        tell_receiver(timer, KL_TIMER);
        return;
    }
    struct kl_envelope *envelope = timer->envelope;
    keel_term to = timer->to;
    kl_store_relaxed(&timer->envelope, NULL);
    retire(timer);
    keel_pid pid = keel_is_atom(to) ? keel_whereis_term(to) : (keel_pid){to.word};
    if (pid.word == 0) {
        kl_envelope_free(envelope);
        return;
    }
    kl_deliver(pid, envelope);
}

// The record of a timer that `self` hears of, if it is on its list.
static struct user_timer *find_listed(const struct kl_envelope *envelope)
{
    keel_ref ref = {envelope->ref};
    struct user_timer *timer = find(ref);
    // With this generation it was not given back, so it was on the list when it fired.
    bool ours = timer != NULL && kl_load_relaxed(&timer->generation) == generation_of(ref);
    return ours ? timer : NULL;
}

void kl_timer_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    struct user_timer *timer = find_listed(envelope);
    if (timer != NULL) {
        unlist(self, timer);
        retire(timer);
    }
    if (envelope->kind == KL_TIMER_GONE) {
        kl_envelope_free(envelope);
        return;
    }
    envelope->kind = KL_MESSAGE;
    kl_mailbox_append(self, envelope);
}

// --- standing still with a receiver that is suspended ---

static int64_t pause_at(struct kl_timer *base, void *now)
{
    struct user_timer *timer = KL_CONTAINER(base, struct user_timer, timer);
    int64_t left = base->at > *(int64_t *)now ? base->at - *(int64_t *)now : 0;
    if (timer->paused || left >= AFAR) {
        return base->at;
    }
    timer->paused = true;
    return AFAR + left;
}

static int64_t go_on_at(struct kl_timer *base, void *now)
{
    struct user_timer *timer = KL_CONTAINER(base, struct user_timer, timer);
    if (!timer->paused) {
        return base->at;
    }
    timer->paused = false;
    return *(int64_t *)now + (base->at - AFAR);
}

static void move_all(
        struct kl_process *self, int64_t (*to)(struct kl_timer *timer, void *context))
{
    int64_t now = kl_now_exact();
    for (uint32_t at = self->timers; at != 0;) {
        struct user_timer *timer = kl_slots_at(&table, at - 1);
        kl_timer_move(&timer->timer, to, &now); // unless it is on its way already
        at = timer->next;
    }
}

void kl_timers_pause(struct kl_process *self)
{
    move_all(self, pause_at);
}

void kl_timers_go_on(struct kl_process *self)
{
    move_all(self, go_on_at);
}

static void list_armed(struct kl_timer *base, void *self)
{
    list(self, KL_CONTAINER(base, struct user_timer, timer));
}

void kl_timer_noted(struct kl_process *self, struct kl_envelope *envelope)
{
    keel_ref ref = {envelope->ref};
    struct user_timer *timer = find(ref);
    if (timer != NULL) { // if it has not fired and was not cancelled meanwhile
        bool armed = kl_timer_while_armed(
                &timer->timer, &timer->generation, generation_of(ref), list_armed, self);
        if (armed && self->suspended) {
            int64_t now = kl_now_exact();
            kl_timer_move(&timer->timer, pause_at, &now); // listed, it is this one still
        }
    }
    kl_envelope_free(envelope);
}

void kl_timers_forget(struct kl_process *self)
{
    while (self->timers != 0) {
        struct user_timer *timer = kl_slots_at(&table, self->timers - 1);
        self->timers = timer->next;
        bool taken = kl_timer_cancel(&timer->timer);
        // Acquire and release: pairs with the same in tell_receiver(), of who has taken it
        // out of its wheel.
        struct kl_envelope *envelope = kl_exchange_acq_rel(&timer->envelope, NULL);
        if (envelope != NULL) {
            kl_envelope_free(envelope);
        }
        if (taken || envelope == NULL) {
            retire(timer);
        }
    }
}

// --- arming, cancelling, reading ---

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

// A timer to another process: that hears of it, to have it end with itself.
static void note(keel_pid to, keel_ref ref)
{
    struct kl_envelope *envelope = kl_envelope_new(KL_TIMER_NOTE, KEEL_NONE);
    if (envelope != NULL) { // else it waits for its time in vain
        envelope->ref = ref.word;
        kl_deliver(to, envelope);
    }
}

keel_status kl_timer_table_arm(
        int64_t at, keel_term to, keel_term message, bool wrap, keel_ref *ret_timer)
{
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
    *ret_timer = ref;
    struct kl_process *self = kl_process_current();
    bool own = self != NULL && to.word == kl_process_pid(self).word;
    if (!own && !has_receiver(to)) {
        kl_envelope_free(envelope);
        retire(timer);
        return KEEL_OK;
    }
    envelope->ref = ref.word;
    kl_store_relaxed(&timer->envelope, envelope);
    kl_store_relaxed(&timer->to.word, to.word);
    timer->timer.fire = fired;
    timer->listed = false;
    timer->paused = false;
    if (own) {
        list(self, timer);
    }
    kl_timer_arm(&timer->timer, at);
    if (!own && !keel_is_atom(to)) {
        note((keel_pid){to.word}, ref);
    }
    return KEEL_OK;
}

struct time_left {
    int64_t at;
    bool paused;
};

static void read_time(struct kl_timer *base, void *ret_time)
{
    struct user_timer *timer = KL_CONTAINER(base, struct user_timer, timer);
    *(struct time_left *)ret_time = (struct time_left){base->at, timer->paused};
}

static keel_duration left_of(const struct time_left *time)
{
    int64_t left = time->at - (time->paused ? AFAR : kl_now_exact());
    return left > 0 ? left : 0;
}

bool kl_timer_table_cancel(keel_ref ref, keel_duration *ret_left)
{
    struct user_timer *timer = find(ref);
    if (timer == NULL ||
            !kl_timer_cancel_if(&timer->timer, &timer->generation, generation_of(ref))) {
        return false;
    }
    keel_term to = timer->to;
    struct time_left time;
    read_time(&timer->timer, &time);
    struct kl_process *self = kl_process_current();
    bool own = self != NULL && to.word == kl_process_pid(self).word;
    bool running = own || has_receiver(to);
    if (timer->listed && !own) {
        tell_receiver(timer, KL_TIMER_GONE);
    } else {
        if (timer->listed) {
            unlist(self, timer);
        }
        kl_envelope_free(timer->envelope);
        kl_store_relaxed(&timer->envelope, NULL);
        retire(timer);
    }
    if (running && ret_left != NULL) {
        *ret_left = left_of(&time);
    }
    return running;
}

void kl_timer_forget(uint64_t word)
{
    kl_timer_table_cancel((keel_ref){word}, NULL);
}

bool kl_timer_table_read(keel_ref ref, keel_duration *ret_left)
{
    struct user_timer *timer = find(ref);
    if (timer == NULL) {
        return false;
    }
    // If the timer is still armed below, this was its receiver.
    keel_term to = {kl_load_relaxed(&timer->to.word)};
    struct time_left time = {0, false};
    if (!kl_timer_while_armed(
                &timer->timer, &timer->generation, generation_of(ref), read_time, &time) ||
            !has_receiver(to)) {
        return false;
    }
    if (ret_left != NULL) {
        *ret_left = left_of(&time);
    }
    return true;
}

size_t kl_timers_pending(void)
{
    size_t count = 0;
    for (uint32_t i = 0; i < kl_load_acquire(&table.used); i++) {
        struct user_timer *timer = kl_slots_at(&table, i);
        // Acquire: pairs with the release of who has armed it.
        bool armed = kl_load_acquire(&timer->timer.wheel) != NULL;
        count += armed && has_receiver((keel_term){kl_load_relaxed(&timer->to.word)});
    }
    return count;
}
