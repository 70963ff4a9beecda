#ifndef KL_SCHED_WHEEL_H
#define KL_SCHED_WHEEL_H

#include "sched.h"

#include "base/base.h"

enum {
    KL_WHEEL_TICK_BITS = 15, // a tick is 2^15 ns, 33 us
    KL_WHEEL_LEVELS = 8,
    KL_WHEEL_SLOTS = 64, // 8 levels of 6 bits and the tick's 15: all 63 bits of a time
};

// The armed timers of one worker, in slots by time. A timer lies on the level of the
// highest digit (of six bits) in which its tick differs from `position`, in the slot of
// that digit; when the position enters the slot it moves to a lower level. So every timer
// of a level comes before those of the next, and within a level those of a lower slot
// before those of a higher one.
//
// The lock is there because any thread may cancel; it is nearly always free.
struct kl_wheel {
    struct kl_lock lock;
    int64_t next; // no timer is due before; read without the lock
    uint64_t position; // ticks; everything before it has fired
    size_t count;
    uint64_t occupied[KL_WHEEL_LEVELS]; // a bit per slot
    struct kl_link slots[KL_WHEEL_LEVELS][KL_WHEEL_SLOTS];
};

void kl_wheel_init(struct kl_wheel *wheel, int64_t now);
// Forgets all armed timers.
void kl_wheel_clear(struct kl_wheel *wheel);

// Adds `timer`; true when it is now the earliest, so that a sleeper must look again.
bool kl_wheel_add(struct kl_wheel *wheel, struct kl_timer *timer, int64_t at);
// Removes `timer` if it is still in `wheel`.
bool kl_wheel_remove(struct kl_wheel *wheel, struct kl_timer *timer);

// Takes up to `max` timers that are due at `now` out into the ring `due`, in order of
// their times, those armed first before others of the same time. Returns their number.
size_t kl_wheel_collect(
        struct kl_wheel *wheel, int64_t now, size_t max, struct kl_link *due);
// The exact time of the earliest timer, INT64_MAX if none.
int64_t kl_wheel_earliest(struct kl_wheel *wheel);

#endif // KL_SCHED_WHEEL_H
