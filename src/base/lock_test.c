#include "base/lock.h"

#include "base/atomic.h"
#include "base/clock.h"
#include "testing/harness.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

enum { THREADS = 4, ROUNDS = 50000 };

static struct kl_lock lock;
static int64_t count;
static int64_t twice; // of `count`, always, while nobody holds the lock

static void *add_under_lock(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        kl_lock_take(&lock);
        CHECK_INT(twice, 2 * count);
        count++;
        if (i % 1000 == 0) {
            sched_yield(); // now and then somebody has to sleep
        }
        twice += 2;
        kl_lock_give(&lock);
    }
    return NULL;
}

TEST("only one thread at a time is behind a lock, and all get their turn")
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CHECK_INT(pthread_create(&threads[i], NULL, add_under_lock, NULL), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    }
    CHECK_INT(count, THREADS * ROUNDS);
    CHECK_INT(lock.state, 0);
}

TEST("trying a lock succeeds only when it is free")
{
    struct kl_lock own = {0};
    CHECK(kl_lock_try(&own));
    CHECK(!kl_lock_try(&own));
    kl_lock_give(&own);
    CHECK(kl_lock_try(&own));
    kl_lock_give(&own);
    kl_lock_take(&own);
    CHECK(!kl_lock_try(&own));
}

TEST("a wait returns at once when the word has changed already")
{
    uint32_t word = 1;
    kl_futex_wait(&word, 0, -1); // else this would never come back
}

TEST("a wait ends when its time is over, and leaves errno alone")
{
    uint32_t word = 0;
    errno = EXDEV;
    int64_t begun = kl_clock_monotonic();
    kl_futex_wait(&word, 0, 30 * 1000 * 1000);
    CHECK(kl_clock_monotonic() - begun >= 29 * 1000 * 1000);
    CHECK_INT(errno, EXDEV);
}

static uint32_t door;
static uint32_t looks;

static void *wait_for_door(void *unused)
{
    (void)unused;
    // Acquire: pairs with the release of whoever opens.
    while (kl_load_acquire(&door) == 0) {
        kl_add_relaxed(&looks, 1);
        kl_futex_wait(&door, 0, -1);
    }
    return NULL;
}

TEST("those who wait on a word without a limit sleep until a wake reaches them")
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CHECK_INT(pthread_create(&threads[i], NULL, wait_for_door, NULL), 0);
    }
    int64_t begun = kl_clock_monotonic();
    while (kl_clock_monotonic() - begun < 20 * 1000 * 1000) {
        sched_yield();
    }
    CHECK(kl_load_relaxed(&looks) < 100); // asleep, not turning round and round
    kl_store_release(&door, 1);
    kl_futex_wake(&door, THREADS);
    for (int i = 0; i < THREADS; i++) {
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    }
}
