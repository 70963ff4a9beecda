#include "wheel.h"

enum {
    DIGIT_BITS = 6,
    DIGIT_MASK = KL_WHEEL_SLOTS - 1,
    // To tell the exact time of the earliest timer its whole slot must be looked at. A
    // sleeper may as well wake when a crowded slot begins and ask again.
    SCAN_MAX = 16,
};

static void place(struct kl_wheel *wheel, struct kl_timer *timer, bool keep_sorted);
static void take_out(struct kl_wheel *wheel, struct kl_timer *timer);
static bool find_slot(
        const struct kl_wheel *wheel, unsigned *ret_level, unsigned *ret_slot);
static uint64_t start_of(const struct kl_wheel *wheel, unsigned level, unsigned slot);
static void enter(struct kl_wheel *wheel, unsigned level, unsigned slot);
static int64_t earliest(const struct kl_wheel *wheel, size_t scan_max);
static void sort_slot(struct kl_link *head);

static struct kl_timer *timer_of(struct kl_link *link)
{
    return KL_CONTAINER(link, struct kl_timer, link);
}

static struct kl_link *current_slot(struct kl_wheel *wheel)
{
    return &wheel->slots[0][wheel->position & DIGIT_MASK];
}

void kl_wheel_init(struct kl_wheel *wheel, int64_t now)
{
    wheel->lock = (struct kl_lock){0};
    wheel->position = (uint64_t)now >> KL_WHEEL_TICK_BITS;
    wheel->next = INT64_MAX;
    wheel->count = 0;
    for (unsigned level = 0; level < KL_WHEEL_LEVELS; level++) {
        wheel->occupied[level] = 0;
        for (unsigned slot = 0; slot < KL_WHEEL_SLOTS; slot++) {
            kl_ring_init(&wheel->slots[level][slot]);
        }
    }
}

void kl_wheel_clear(struct kl_wheel *wheel)
{
    kl_lock_take(&wheel->lock);
    for (unsigned level = 0; level < KL_WHEEL_LEVELS; level++) {
        while (wheel->occupied[level]) {
            unsigned slot = (unsigned)__builtin_ctzll(wheel->occupied[level]);
            take_out(wheel, timer_of(wheel->slots[level][slot].next));
        }
    }
    kl_store_relaxed(&wheel->next, INT64_MAX);
    kl_lock_give(&wheel->lock);
}

bool kl_wheel_add(struct kl_wheel *wheel, struct kl_timer *timer, int64_t at)
{
    kl_lock_take(&wheel->lock);
    timer->at = at;
    place(wheel, timer, true);
    kl_store_relaxed(&wheel->count, wheel->count + 1);
    // Release: whoever reads the pointer without the lock takes the lock next.
    kl_store_release(&timer->wheel, wheel);
    bool first = at < wheel->next;
    if (first) {
        // Read without the lock by the worker and by whoever would wake it.
        kl_store_relaxed(&wheel->next, at);
    }
    kl_lock_give(&wheel->lock);
    return first;
}

bool kl_wheel_remove(struct kl_wheel *wheel, struct kl_timer *timer)
{
    kl_lock_take(&wheel->lock);
    bool mine = kl_load_relaxed(&timer->wheel) == wheel;
    if (mine) {
        take_out(wheel, timer);
    }
    kl_lock_give(&wheel->lock);
    return mine;
}

size_t kl_wheel_collect(
        struct kl_wheel *wheel, int64_t now, size_t max, struct kl_link *due)
{
    uint64_t target = (uint64_t)now >> KL_WHEEL_TICK_BITS;
    size_t taken = 0;
    kl_lock_take(&wheel->lock);
    for (;;) {
        // The slot of the present position is kept sorted.
        struct kl_link *slot = current_slot(wheel);
        while (taken < max && !kl_ring_empty(slot) && timer_of(slot->next)->at <= now) {
            struct kl_timer *timer = timer_of(slot->next);
            take_out(wheel, timer);
            kl_ring_append(due, &timer->link);
            taken++;
        }
        unsigned level, index;
        if (!kl_ring_empty(slot) || !find_slot(wheel, &level, &index)) {
            break;
        }
        if (start_of(wheel, level, index) > target) {
            break;
        }
        enter(wheel, level, index);
    }
    if (kl_ring_empty(current_slot(wheel)) && target > wheel->position) {
        // Nothing lies between: find_slot() has seen the next one behind the target.
        wheel->position = target;
    }
    kl_store_relaxed(&wheel->next, earliest(wheel, SCAN_MAX));
    kl_lock_give(&wheel->lock);
    return taken;
}

int64_t kl_wheel_earliest(struct kl_wheel *wheel)
{
    kl_lock_take(&wheel->lock);
    int64_t at = earliest(wheel, SIZE_MAX);
    kl_lock_give(&wheel->lock);
    return at;
}

static void place(struct kl_wheel *wheel, struct kl_timer *timer, bool keep_sorted)
{
    uint64_t tick = timer->at < 0 ? 0 : (uint64_t)timer->at >> KL_WHEEL_TICK_BITS;
    if (tick < wheel->position) {
        tick = wheel->position;
    }
    uint64_t differing = tick ^ wheel->position;
    unsigned level = 0;
    if (differing) {
        level = (63 - (unsigned)__builtin_clzll(differing)) / DIGIT_BITS;
    }
    unsigned slot = (unsigned)(tick >> (level * DIGIT_BITS)) & DIGIT_MASK;
    struct kl_link *before = wheel->slots[level][slot].prev;
    if (!differing && keep_sorted) {
        while (before != &wheel->slots[level][slot] && timer_of(before)->at > timer->at) {
            before = before->prev;
        }
    }
    // Appending to a ring whose head is the link behind `before` puts it in between.
    kl_ring_append(before->next, &timer->link);
    wheel->occupied[level] |= UINT64_C(1) << slot;
}

static void take_out(struct kl_wheel *wheel, struct kl_timer *timer)
{
    if (timer->link.next == timer->link.prev) {
        // The only one: its neighbour on both sides is the slot itself.
        size_t number = (size_t)(timer->link.next - &wheel->slots[0][0]);
        wheel->occupied[number / KL_WHEEL_SLOTS] &= ~(
                UINT64_C(1) << number % KL_WHEEL_SLOTS);
    }
    kl_ring_remove(&timer->link);
    kl_store_relaxed(&wheel->count, wheel->count - 1);
    kl_store_release(&timer->wheel, NULL);
}

// The first occupied slot behind the present position.
static bool find_slot(const struct kl_wheel *wheel, unsigned *ret_level, unsigned *ret_slot)
{
    for (unsigned level = 0; level < KL_WHEEL_LEVELS; level++) {
        uint64_t occupied = wheel->occupied[level];
        if (level == 0) {
            occupied &= ~(UINT64_C(1) << (wheel->position & DIGIT_MASK));
        }
        if (occupied) {
            *ret_level = level;
            *ret_slot = (unsigned)__builtin_ctzll(occupied);
            return true;
        }
    }
    return false;
}

// The first tick of a slot.
static uint64_t start_of(const struct kl_wheel *wheel, unsigned level, unsigned slot)
{
    unsigned shift = level * DIGIT_BITS;
    uint64_t above = wheel->position >> (shift + DIGIT_BITS) << (shift + DIGIT_BITS);
    return above | (uint64_t)slot << shift;
}

// Moves the position to the start of a slot, whose timers go to lower levels.
static void enter(struct kl_wheel *wheel, unsigned level, unsigned slot)
{
    wheel->position = start_of(wheel, level, slot);
    if (level > 0) {
        struct kl_link *head = &wheel->slots[level][slot];
        wheel->occupied[level] &= ~(UINT64_C(1) << slot);
        while (!kl_ring_empty(head)) {
            struct kl_timer *timer = timer_of(head->next);
            kl_ring_remove(&timer->link);
            place(wheel, timer, false);
        }
    }
    sort_slot(current_slot(wheel));
}

// A lower bound of the earliest time; exact when no more than `scan_max` timers have to be
// looked at for it.
static int64_t earliest(const struct kl_wheel *wheel, size_t scan_max)
{
    const struct kl_link *current = &wheel->slots[0][wheel->position & DIGIT_MASK];
    if (!kl_ring_empty(current)) {
        return timer_of(current->next)->at;
    }
    unsigned level, slot;
    if (!find_slot(wheel, &level, &slot)) {
        return INT64_MAX;
    }
    int64_t at = INT64_MAX;
    const struct kl_link *head = &wheel->slots[level][slot];
    for (struct kl_link *link = head->next; link != head; link = link->next) {
        if (scan_max-- == 0) {
            return (int64_t)(start_of(wheel, level, slot) << KL_WHEEL_TICK_BITS);
        }
        at = timer_of(link)->at < at ? timer_of(link)->at : at;
    }
    return at;
}

// Merges two chains (by `next`) that are sorted; of equals those of `a` come first.
static struct kl_link *merge(struct kl_link *a, struct kl_link *b)
{
    struct kl_link *head = NULL, **end = &head;
    while (a && b) {
        struct kl_link **from = timer_of(b)->at < timer_of(a)->at ? &b : &a;
        *end = *from;
        end = &(*from)->next;
        *from = (*from)->next;
    }
    *end = a ? a : b;
    return head;
}

// Sorts a slot by time, keeping the order of equals. It nearly always is sorted already.
static void sort_slot(struct kl_link *head)
{
    struct kl_link *link = head->next;
    while (link != head && link->next != head &&
            timer_of(link)->at <= timer_of(link->next)->at) {
        link = link->next;
    }
    if (link == head || link->next == head) {
        return;
    }
    // chains[i] is empty or holds 2^i timers, all armed before those of lower chains.
    struct kl_link *chains[64] = {NULL};
    head->prev->next = NULL;
    for (struct kl_link *rest = head->next; rest;) {
        struct kl_link *one = rest;
        rest = rest->next;
        one->next = NULL;
        unsigned i = 0;
        for (; chains[i]; i++) {
            one = merge(chains[i], one);
            chains[i] = NULL;
        }
        chains[i] = one;
    }
    struct kl_link *sorted = NULL;
    for (unsigned i = 0; i < 64; i++) {
        sorted = chains[i] ? merge(chains[i], sorted) : sorted;
    }
    kl_ring_init(head);
    while (sorted) {
        struct kl_link *next = sorted->next;
        kl_ring_append(head, sorted);
        sorted = next;
    }
}
