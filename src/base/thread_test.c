#include "base/thread.h"

#include "base/alloc.h"
#include "base/pool.h"
#include "testing/harness.h"

#include <keel/alloc.h>

#include <pthread.h>
#include <string.h>

static struct kl_thread *get_record(void)
{
    return kl_thread_get();
}

static void *tell_record(void *ret_record)
{
    *(struct kl_thread **)ret_record = get_record();
    CHECK(get_record() == *(struct kl_thread **)ret_record);
    return NULL;
}

static void run_on_thread(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, body, argument), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
}

TEST("each thread has one record, and another thread another one")
{
    struct kl_thread *here = get_record();
    CHECK(here != NULL);
    CHECK(get_record() == here);
    struct kl_thread *there = NULL;
    run_on_thread(tell_record, &there);
    CHECK(there != NULL);
    CHECK(there != here);
}

static void *use_pool(void *unused)
{
    (void)unused;
    void *blocks[500];
    for (int i = 0; i < 500; i++) {
        blocks[i] = kl_pool_alloc(40);
    }
    for (int i = 0; i < 500; i++) {
        kl_pool_free(blocks[i], 40);
    }
    return NULL;
}

TEST("a thread that ends leaves its free blocks to others, and no record")
{
    get_record();
    int64_t before = keel_memory_used();
    for (int i = 0; i < 50; i++) {
        run_on_thread(use_pool, NULL);
    }
    CHECK_INT(kl_pool_trim(), 0);
    CHECK_INT(keel_memory_used(), before);
    CHECK_INT(kl_thread_sum_cached(kl_depot_class(40)), 0);
}

// --- memory used by destructors that run after ours ---

static pthread_key_t late_key;
static void *late_block;
static int late_rounds;
static bool saw_no_record;

// A destructor that sets its key again is called again, after those of all other keys.
static void free_late(void *block)
{
    kl_pool_free(block, 80);
    late_rounds++;
    if (late_rounds < 3) {
        void *next = kl_pool_alloc(80);
        CHECK(next != NULL);
        memset(next, 7, 80);
        CHECK_INT(pthread_setspecific(late_key, next), 0);
        kl_free(kl_alloc(123), 123);
        saw_no_record = kl_here()->thread == NULL;
    }
}

static void *end_with_late_destructor(void *unused)
{
    (void)unused;
    late_block = kl_pool_alloc(80);
    CHECK_INT(pthread_setspecific(late_key, late_block), 0);
    return NULL;
}

TEST("a thread may still allocate and free after its record is gone")
{
    CHECK_INT(pthread_key_create(&late_key, free_late), 0);
    get_record();
    int64_t before = keel_memory_used();
    run_on_thread(end_with_late_destructor, NULL);
    CHECK_INT(late_rounds, 3);
    CHECK(saw_no_record);
    CHECK_INT(kl_pool_trim(), 0);
    CHECK_INT(keel_memory_used(), before);
}
