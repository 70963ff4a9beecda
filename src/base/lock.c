#include "lock.h"

#include "atomic.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { FREE, HELD, CONTENDED };

// A holder is gone after some ten nanoseconds, unless it was preempted; a sleep and its
// wake cost tens of microseconds. So look a while before sleeping.
enum { SPINS = 100 };

// How long a sleeper may be forgotten, see kl_lock_give().
enum { FORGOTTEN_NS = 100000 };

static void take_slowly(struct kl_lock *lock);

void kl_lock_take(struct kl_lock *lock)
{
    uint32_t expected = FREE;
    // Acquire: pairs with the release in kl_lock_give().
    if (!kl_cas_acq_rel(&lock->state, &expected, HELD)) {
        take_slowly(lock);
    }
}

bool kl_lock_try(struct kl_lock *lock)
{
    uint32_t expected = FREE;
    return kl_cas_acq_rel(&lock->state, &expected, HELD);
}

void kl_lock_give(struct kl_lock *lock)
{
    // Two steps where an exchange would be exact. That waits until all that was written
    // before has reached the memory, which is what most of a lock costs. Who goes to sleep
    // between the two is not seen here: it looks again by itself after FORGOTTEN_NS.
    bool awaited = kl_load_relaxed(&lock->state) == CONTENDED;
    // Release: pairs with whoever takes the lock next.
    kl_store_release(&lock->state, FREE);
    if (__builtin_expect(awaited, 0)) {
        kl_futex_wake(&lock->state, 1);
    }
}

void kl_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns)
{
    int saved = errno;
    struct timespec timeout = {
            .tv_sec = (time_t)(timeout_ns / 1000000000),
            .tv_nsec = (long)(timeout_ns % 1000000000),
    };
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout_ns < 0 ? NULL : &timeout,
            NULL, 0);
    errno = saved;
}

void kl_futex_wake(uint32_t *word, int count)
{
    int saved = errno;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
    errno = saved;
}

static void take_slowly(struct kl_lock *lock)
{
    for (int i = 0; i < SPINS; i++) {
        // Look before trying: a read leaves the line with its owner.
        if (kl_load_relaxed(&lock->state) == FREE && kl_lock_try(lock)) {
            return;
        }
        kl_cpu_relax();
    }
    // From here on the lock is taken as contended, though perhaps nobody else waits: one
    // wake too many is harmless, one too few is a hang.
    while (kl_exchange_acq_rel(&lock->state, CONTENDED) != FREE) {
        kl_futex_wait(&lock->state, CONTENDED, FORGOTTEN_NS);
    }
}
