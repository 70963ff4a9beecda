#ifndef KL_SCHED_WHEEL_H
#define KL_SCHED_WHEEL_H

#include "sched.h"

#include "base/base.h"

enum {
    KL_WHEEL_TICK_BITS = 15, // a tick is 2^15 ns, 33 us
    KL_WHEEL_LEVELS = 8, // a unit of each is 64 of the one below; of the lowest, a tick
    KL_WHEEL_SLOTS = 128, // twice 64: the units that have begun, and the next 64 whole
};

// The armed timers of one worker, in slots by time. A timer lies on the lowest level on
// which its unit is less than 128 units away from the present one, in the slot of that
// unit modulo 128. Before the position enters a unit of a higher level, the timers of that
// unit must have moved to lower ones. As they have their places there as soon as the
// position is in the unit before, they are moved a few at a time, and nobody has to wait
// while thousands are moved.
//
// The lock is there because any thread may cancel; it is nearly always free.
struct kl_wheel {
    struct kl_lock lock;
    uint32_t behind; // timers of coming units wait to be moved; read without the lock
    int64_t next; // no timer is due before; read without the lock
    uint64_t position; // ticks; everything before it has fired
    size_t count;
    uint64_t occupied[KL_WHEEL_LEVELS][KL_WHEEL_SLOTS / 64];
    struct kl_link slots[KL_WHEEL_LEVELS][KL_WHEEL_SLOTS];
};

void kl_wheel_init(struct kl_wheel *wheel, int64_t now);
// Forgets all armed timers.
void kl_wheel_clear(struct kl_wheel *wheel);

// Adds `timer`; true when it is now the earliest, so that a sleeper must look again.
bool kl_wheel_add(struct kl_wheel *wheel, struct kl_timer *timer, int64_t at);
// Removes `timer` if it is still in `wheel`.
bool kl_wheel_remove(struct kl_wheel *wheel, struct kl_timer *timer);
// The same, if `*word` is `expected` too; see kl_timer_cancel_if().
bool kl_wheel_remove_if(struct kl_wheel *wheel, struct kl_timer *timer,
        const uint32_t *word, uint32_t expected);
// Moves `timer` to the time that `to` gives, if it is still in `wheel`. `ret_first` as the
// result of kl_wheel_add().
bool kl_wheel_move(struct kl_wheel *wheel, struct kl_timer *timer,
        int64_t (*to)(struct kl_timer *timer, void *context), void *context,
        bool *ret_first);
// Whether it is in `wheel` and `*word` as expected. The lock is held.
static inline bool kl_wheel_has(const struct kl_wheel *wheel, const struct kl_timer *timer,
        const uint32_t *word, uint32_t expected)
{
    return kl_load_relaxed(&timer->wheel) == wheel && kl_load_relaxed(word) == expected;
}

// Takes up to `max` timers that are due at `now` out into the ring `due`, in order of
// their times, those armed first before others of the same time. Returns their number.
size_t kl_wheel_collect(
        struct kl_wheel *wheel, int64_t now, size_t max, struct kl_link *due);
// Moves up to `max` timers of coming units to lower levels. True when more are left.
bool kl_wheel_prepare(struct kl_wheel *wheel, size_t max);
// The exact time of the earliest timer, INT64_MAX if none.
int64_t kl_wheel_earliest(struct kl_wheel *wheel);

#endif // KL_SCHED_WHEEL_H
