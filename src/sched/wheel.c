#include "wheel.h"

enum {
    UNIT_BITS = 6,
    SLOT_MASK = KL_WHEEL_SLOTS - 1,
    // To tell the exact time of the earliest timer its whole slot must be looked at. A
    // sleeper may as well wake when a crowded slot begins and ask again.
    SCAN_MAX = 16,
    PREPARE_MAX = 16, // timers moved ahead with every collection
};

static void place(struct kl_wheel *wheel, struct kl_timer *timer);
static void put_into(struct kl_wheel *wheel, unsigned level, uint64_t unit,
        struct kl_timer *timer, struct kl_link *before);
static void take_out(struct kl_wheel *wheel, struct kl_timer *timer);
static void remove_from_slot(struct kl_wheel *wheel, struct kl_link *link);
static bool first_unit(const struct kl_wheel *wheel, unsigned level, uint64_t *ret_unit);
static bool next_tick(const struct kl_wheel *wheel, uint64_t *ret_tick);
static void enter(struct kl_wheel *wheel, uint64_t tick);
static bool prepare(struct kl_wheel *wheel, size_t max);
static int64_t earliest(const struct kl_wheel *wheel, size_t scan_max);
static void sort_slot(struct kl_link *head);

static struct kl_timer *timer_of(struct kl_link *link)
{
    return KL_CONTAINER(link, struct kl_timer, link);
}

static struct kl_link *slot_of(struct kl_wheel *wheel, unsigned level, uint64_t unit)
{
    return &wheel->slots[level][unit & SLOT_MASK];
}

static struct kl_link *current_slot(struct kl_wheel *wheel)
{
    return slot_of(wheel, 0, wheel->position);
}

void kl_wheel_init(struct kl_wheel *wheel, int64_t now)
{
    *wheel = (struct kl_wheel){
            .position = (uint64_t)now >> KL_WHEEL_TICK_BITS,
            .next = INT64_MAX,
    };
    for (unsigned level = 0; level < KL_WHEEL_LEVELS; level++) {
        for (unsigned slot = 0; slot < KL_WHEEL_SLOTS; slot++) {
            kl_ring_init(&wheel->slots[level][slot]);
        }
    }
}

void kl_wheel_clear(struct kl_wheel *wheel)
{
    kl_lock_take(&wheel->lock);
    for (unsigned level = 0; level < KL_WHEEL_LEVELS; level++) {
        for (unsigned slot = 0; slot < KL_WHEEL_SLOTS; slot++) {
            while (!kl_ring_empty(&wheel->slots[level][slot])) {
                take_out(wheel, timer_of(wheel->slots[level][slot].next));
            }
        }
    }
    kl_store_relaxed(&wheel->next, INT64_MAX);
    kl_lock_give(&wheel->lock);
}

bool kl_wheel_add(struct kl_wheel *wheel, struct kl_timer *timer, int64_t at)
{
    kl_lock_take(&wheel->lock);
    timer->at = at;
    place(wheel, timer);
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

bool kl_wheel_remove_if(struct kl_wheel *wheel, struct kl_timer *timer,
        const uint32_t *word, uint32_t expected)
{
    kl_lock_take(&wheel->lock);
    bool mine = kl_wheel_has(wheel, timer, word, expected);
    if (mine) {
        take_out(wheel, timer);
    }
    kl_lock_give(&wheel->lock);
    return mine;
}

bool kl_wheel_move(struct kl_wheel *wheel, struct kl_timer *timer,
        int64_t (*to)(struct kl_timer *timer, void *context), void *context,
        bool *ret_first)
{
    kl_lock_take(&wheel->lock);
    bool mine = kl_load_relaxed(&timer->wheel) == wheel;
    *ret_first = false;
    if (mine) {
        remove_from_slot(wheel, &timer->link);
        timer->at = to(timer, context);
        place(wheel, timer);
        *ret_first = timer->at < wheel->next;
    }
    if (*ret_first) {
        kl_store_relaxed(&wheel->next, timer->at); // as in kl_wheel_add()
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
        uint64_t tick;
        if (!kl_ring_empty(slot) || !next_tick(wheel, &tick) || tick > target) {
            break;
        }
        enter(wheel, tick);
    }
    if (kl_ring_empty(current_slot(wheel)) && target > wheel->position) {
        wheel->position = target; // nothing lies between
    }
    kl_store_relaxed(&wheel->behind, prepare(wheel, PREPARE_MAX));
    kl_store_relaxed(&wheel->next, earliest(wheel, SCAN_MAX));
    kl_lock_give(&wheel->lock);
    return taken;
}

bool kl_wheel_prepare(struct kl_wheel *wheel, size_t max)
{
    kl_lock_take(&wheel->lock);
    bool behind = prepare(wheel, max);
    kl_store_relaxed(&wheel->behind, behind);
    if (!behind) {
        kl_store_relaxed(&wheel->next, earliest(wheel, SCAN_MAX));
    }
    kl_lock_give(&wheel->lock);
    return behind;
}

int64_t kl_wheel_earliest(struct kl_wheel *wheel)
{
    kl_lock_take(&wheel->lock);
    int64_t at = earliest(wheel, SIZE_MAX);
    kl_lock_give(&wheel->lock);
    return at;
}

// The tick a timer belongs to: that of its time, but none that has passed.
static uint64_t tick_of(const struct kl_wheel *wheel, const struct kl_timer *timer)
{
    uint64_t tick = timer->at < 0 ? 0 : (uint64_t)timer->at >> KL_WHEEL_TICK_BITS;
    return tick > wheel->position ? tick : wheel->position;
}

// Gives a timer its slot, behind those of the same time that were armed before it.
static void place(struct kl_wheel *wheel, struct kl_timer *timer)
{
    uint64_t tick = tick_of(wheel, timer);
    uint64_t unit = tick, present = wheel->position;
    unsigned level = 0;
    while (unit - present >= KL_WHEEL_SLOTS) {
        unit >>= UNIT_BITS;
        present >>= UNIT_BITS;
        level++;
    }
    struct kl_link *head = slot_of(wheel, level, unit);
    struct kl_link *before = head->prev;
    if (tick == wheel->position) {
        while (before != head && timer_of(before)->at > timer->at) {
            before = before->prev; // this slot is sorted
        }
    }
    put_into(wheel, level, unit, timer, before);
}

static void put_into(struct kl_wheel *wheel, unsigned level, uint64_t unit,
        struct kl_timer *timer, struct kl_link *before)
{
    // Appending to a ring whose head is the link behind `before` puts it in between.
    kl_ring_append(before->next, &timer->link);
    size_t slot = unit & SLOT_MASK;
    wheel->occupied[level][slot / 64] |= UINT64_C(1) << slot % 64;
}

static void take_out(struct kl_wheel *wheel, struct kl_timer *timer)
{
    // Its neighbours are written to in a moment, and lie anywhere among all timers: a store
    // that waits for its line holds up every store after it. Where the oldest are cancelled
    // first, as time-outs mostly are, the one behind was fetched by the second line, when
    // the one before `timer` left the slot.
    __builtin_prefetch(timer->link.prev, 1);
    __builtin_prefetch(timer->link.next->next, 1);
    remove_from_slot(wheel, &timer->link);
    kl_store_relaxed(&wheel->count, wheel->count - 1);
    kl_store_release(&timer->wheel, NULL);
}

static void remove_from_slot(struct kl_wheel *wheel, struct kl_link *link)
{
    if (link->next == link->prev) {
        // The only one: its neighbour on both sides is the slot itself.
        size_t number = (size_t)(link->next - &wheel->slots[0][0]);
        size_t slot = number % KL_WHEEL_SLOTS;
        wheel->occupied[number / KL_WHEEL_SLOTS][slot / 64] &= ~(UINT64_C(1) << slot % 64);
    }
    kl_ring_remove(link);
}

// The first unit of a level that has timers, from the present one on.
static bool first_unit(const struct kl_wheel *wheel, unsigned level, uint64_t *ret_unit)
{
    uint64_t low = wheel->occupied[level][0], high = wheel->occupied[level][1];
    if (!(low | high)) {
        return false;
    }
    uint64_t present = wheel->position >> level * UNIT_BITS;
    unsigned shift = present & SLOT_MASK;
    // Turned so that the present unit is bit 0.
    if (shift >= 64) {
        uint64_t swap = low;
        low = high;
        high = swap;
        shift -= 64;
    }
    if (shift > 0) {
        uint64_t turned = low >> shift | high << (64 - shift);
        high = high >> shift | low << (64 - shift);
        low = turned;
    }
    *ret_unit = present +
                (unsigned)(low ? __builtin_ctzll(low) : 64 + __builtin_ctzll(high));
    return true;
}

// The tick at which the first slot behind the present one begins that has timers.
static bool next_tick(const struct kl_wheel *wheel, uint64_t *ret_tick)
{
    uint64_t best = UINT64_MAX;
    for (unsigned level = 0; level < KL_WHEEL_LEVELS; level++) {
        uint64_t unit;
        if (first_unit(wheel, level, &unit) && unit << level * UNIT_BITS < best) {
            best = unit << level * UNIT_BITS;
        }
    }
    *ret_tick = best;
    return best != UINT64_MAX;
}

// Moves up to `max` timers of a unit one level down; returns how many. They were armed
// before all that lie there already: these were nearer when they were armed. So that those
// of one time stay in order, the last one goes first, to the front.
static size_t move_down(struct kl_wheel *wheel, unsigned level, uint64_t unit, size_t max)
{
    struct kl_link *from = slot_of(wheel, level, unit);
    size_t moved = 0;
    while (moved < max && !kl_ring_empty(from)) {
        struct kl_timer *timer = timer_of(from->prev);
        __builtin_prefetch(timer->link.prev);
        remove_from_slot(wheel, &timer->link);
        uint64_t to = tick_of(wheel, timer) >> (level - 1) * UNIT_BITS;
        put_into(wheel, level - 1, to, timer, slot_of(wheel, level - 1, to));
        moved++;
    }
    return moved;
}

// Moves the position to a tick before which there are no timers. What is left in the units
// that begin with it has to move down now.
static void enter(struct kl_wheel *wheel, uint64_t tick)
{
    wheel->position = tick;
    for (unsigned level = KL_WHEEL_LEVELS - 1; level > 0; level--) {
        move_down(wheel, level, tick >> level * UNIT_BITS, SIZE_MAX);
    }
    sort_slot(current_slot(wheel));
}

// Moves timers of the unit behind the present one down, of each level. True when more are
// left.
static bool prepare(struct kl_wheel *wheel, size_t max)
{
    for (unsigned level = 1; level < KL_WHEEL_LEVELS; level++) {
        uint64_t unit = (wheel->position >> level * UNIT_BITS) + 1;
        max -= move_down(wheel, level, unit, max);
        if (!kl_ring_empty(slot_of(wheel, level, unit))) {
            return true;
        }
    }
    return false;
}

// A lower bound of the earliest time; exact when no more than `scan_max` timers have to be
// looked at for it.
static int64_t earliest(const struct kl_wheel *wheel, size_t scan_max)
{
    int64_t best = INT64_MAX;
    for (unsigned level = 0; level < KL_WHEEL_LEVELS; level++) {
        uint64_t unit;
        if (!first_unit(wheel, level, &unit)) {
            continue;
        }
        int64_t start = (int64_t)(unit << level * UNIT_BITS << KL_WHEEL_TICK_BITS);
        if (start >= best) {
            continue;
        }
        const struct kl_link *head = &wheel->slots[level][unit & SLOT_MASK];
        const struct kl_link *link = head->next;
        if (level == 0 && unit == wheel->position) {
            return timer_of(head->next)->at; // sorted, and before all others
        }
        for (; link != head && scan_max > 0; link = link->next, scan_max--) {
            int64_t at = timer_of((struct kl_link *)(uintptr_t)link)->at;
            best = at < best ? at : best;
        }
        if (link != head) {
            // Crowded: time to begin moving its timers is one unit earlier.
            bool coming = level > 0 && unit > (wheel->position >> level * UNIT_BITS) + 1;
            int64_t before = INT64_C(1) << (level * UNIT_BITS + KL_WHEEL_TICK_BITS);
            best = coming ? start - before : start;
        }
    }
    return best;
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
