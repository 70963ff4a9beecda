#include "base/pool.h"

#include "base/alloc.h"
#include "base/atomic.h"
#include "base/clock.h"
#include "base/depot.h"
#include "base/exhausted_testing.h"
#include "testing/harness.h"

#include <keel/alloc.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4 };

static void need_caches(void)
{
    if (kl_depot_is_plain()) {
        kl_test_skip("here every block is allocated by itself");
    }
}

// A block that tells its own size, and whether somebody else has written to it.
static unsigned char *make_marked(size_t bytes, unsigned char mark)
{
    unsigned char *block = kl_pool_alloc(bytes);
    CHECK(block != NULL);
    CHECK_INT((uintptr_t)block % 16, 0);
    memset(block, mark, bytes);
    return block;
}

static void free_marked(unsigned char *block, size_t bytes, unsigned char mark)
{
    for (size_t i = 0; i < bytes; i++) {
        CHECK_INT(block[i], mark);
    }
    memset(block, 0xdd, bytes);
    kl_pool_free(block, bytes);
}

TEST("blocks of all sizes are aligned and do not overlap", .seeded = true)
{
    enum { BLOCKS = 2000 };
    static struct {
        unsigned char *block;
        size_t bytes;
    } live[BLOCKS];
    uint64_t random = kl_test_seed();
    for (int step = 0; step < 20000; step++) {
        int i = (int)(kl_random_next(&random) % BLOCKS);
        if (live[i].block != NULL) {
            free_marked(live[i].block, live[i].bytes, (unsigned char)i);
            live[i].block = NULL;
        } else {
            // One in eight is too large for the caches.
            size_t most = kl_random_next(&random) % 8 == 0 ? 3000 : KL_POOL_MAX;
            live[i].bytes = kl_random_next(&random) % (most + 1);
            live[i].block = make_marked(live[i].bytes, (unsigned char)i);
        }
    }
    for (int i = 0; i < BLOCKS; i++) {
        if (live[i].block != NULL) {
            free_marked(live[i].block, live[i].bytes, (unsigned char)i);
            live[i].block = NULL; // the next seed runs in the same process
        }
    }
    CHECK_INT(kl_pool_trim(), 0);
}

TEST("trimming tells how many bytes are handed out")
{
    void *small = kl_pool_alloc(48);
    CHECK_INT(kl_pool_trim(), 48);
    void *large = kl_pool_alloc(KL_POOL_MAX + 1);
    CHECK_INT(kl_pool_trim(), 48 + KL_POOL_MAX + 1);
    kl_pool_free(small, 48);
    CHECK_INT(kl_pool_trim(), KL_POOL_MAX + 1);
    kl_pool_free(large, KL_POOL_MAX + 1);
    kl_pool_free(NULL, 48);
    CHECK_INT(kl_pool_trim(), 0);
}

TEST("expecting a block takes none, whatever its size, and leaves its bytes alone")
{
    static const size_t sizes[] = {0, 1, 64, 1000, KL_POOL_MAX, KL_POOL_MAX + 1, 1 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        kl_pool_expect(sizes[i]); // none is at hand
        void *held = make_marked(sizes[i], 7);
        void *given = make_marked(sizes[i], 9);
        free_marked(given, sizes[i], 9);
        kl_pool_expect(sizes[i]); // one is
        free_marked(held, sizes[i], 7);
    }
    CHECK_INT(kl_pool_trim(), 0);
}

TEST("trimming gives back all memory when no block is in use")
{
    kl_free(kl_alloc(1), 1); // makes this thread's record, which stays
    int64_t before = keel_memory_used();
    enum { BLOCKS = 10000 };
    static void *blocks[BLOCKS];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            blocks[i] = kl_pool_alloc(100);
        }
        CHECK(keel_memory_used() >= before + BLOCKS * 100);
        for (int i = 0; i < BLOCKS; i++) {
            kl_pool_free(blocks[i], 100);
        }
        CHECK_INT(kl_pool_trim(), 0);
        CHECK_INT(keel_memory_used(), before);
    }
}

TEST("trimming spares slabs with a block in use, and their idle blocks serve again")
{
    need_caches();
    enum { BLOCKS = 20000, KEPT_EVERY = 1000 };
    static unsigned char *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = make_marked(100, (unsigned char)i);
    }
    int64_t most = keel_memory_used();
    for (int i = 0; i < BLOCKS; i++) {
        if (i >= BLOCKS / 2 || i % KEPT_EVERY != 0) {
            free_marked(blocks[i], 100, (unsigned char)i);
            blocks[i] = NULL;
        }
    }
    size_t kept = BLOCKS / 2 / KEPT_EVERY;
    CHECK_INT(kl_pool_trim(), kept * kl_depot_class_bytes(kl_depot_class(100)));
    CHECK(keel_memory_used() < most);
    for (int i = 0; i < BLOCKS; i++) {
        if (blocks[i] == NULL) {
            blocks[i] = make_marked(100, (unsigned char)i);
        }
    }
    for (int i = 0; i < BLOCKS; i++) {
        free_marked(blocks[i], 100, (unsigned char)i);
    }
    CHECK_INT(kl_pool_trim(), 0);
}

TEST("after trimming, a slab that stayed is used to its end")
{
    need_caches();
    void *kept = kl_pool_alloc(112);
    CHECK_INT(kl_pool_trim(), 112);
    int64_t before = keel_memory_used();
    void *blocks[120]; // with the one above, fewer than the first slab has
    for (int i = 0; i < 120; i++) {
        blocks[i] = kl_pool_alloc(112);
    }
    CHECK_INT(keel_memory_used(), before);
    for (int i = 0; i < 120; i++) {
        kl_pool_free(blocks[i], 112);
    }
    kl_pool_free(kept, 112);
    CHECK_INT(kl_pool_trim(), 0);
}

TEST("a freed block is the next one handed out")
{
    need_caches();
    void *block = kl_pool_alloc(64);
    kl_pool_free(block, 64);
    CHECK(kl_pool_alloc(50) == block); // of the same class
}

TEST("memory that was given back in time is used again, not new memory")
{
    need_caches();
    int64_t peak = 0;
    for (int round = 0; round < 2000; round++) {
        void *blocks[200];
        for (int i = 0; i < 200; i++) {
            blocks[i] = kl_pool_alloc(256);
        }
        for (int i = 0; i < 200; i++) {
            kl_pool_free(blocks[i], 256);
        }
        if (round == 0) {
            peak = keel_memory_used();
        }
    }
    CHECK(keel_memory_used() <= peak + 16 * 1024);
}

// --- several threads ---

// Every thread allocates, and frees what its neighbour has allocated.
struct ring {
    void *slots[256];
    uint32_t head __attribute__((aligned(KL_CACHE_LINE))); // written by the consumer
    uint32_t tail __attribute__((aligned(KL_CACHE_LINE))); // written by the producer
};
static struct ring rings[THREADS];
enum { PASSED_ON = 20000 };

static size_t size_of(uint32_t number)
{
    return 16 + number * 7 % 300;
}

static void *produce_and_consume(void *number)
{
    unsigned self = (unsigned)(uintptr_t)number;
    struct ring *out = &rings[self];
    struct ring *in = &rings[(self + 1) % THREADS];
    uint32_t sent = 0;
    uint32_t received = 0;
    while (sent < PASSED_ON || received < PASSED_ON) {
        // Acquire pairs with the neighbour's release below, in both directions.
        while (sent < PASSED_ON && sent - kl_load_acquire(&out->head) < 256) {
            out->slots[sent % 256] = make_marked(size_of(sent), (unsigned char)sent);
            kl_store_release(&out->tail, ++sent);
        }
        while (received < kl_load_acquire(&in->tail)) {
            void *block = in->slots[received % 256];
            free_marked(block, size_of(received), (unsigned char)received);
            kl_store_release(&in->head, ++received);
        }
        sched_yield();
    }
    return NULL;
}

TEST("blocks allocated on one thread and freed on another are never handed out twice")
{
    kl_free(kl_alloc(1), 1);
    int64_t before = keel_memory_used();
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        CHECK_INT(pthread_create(&threads[i], NULL, produce_and_consume, (void *)i), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    }
    CHECK_INT(kl_pool_trim(), 0);
    CHECK_INT(keel_memory_used(), before);
}

static uint32_t stop;

static void *churn(void *seed)
{
    uint64_t random = (uint64_t)(uintptr_t)seed;
    unsigned char *blocks[300] = {0};
    // Relaxed: only tells when to end, the join does the rest.
    while (!kl_load_relaxed(&stop)) {
        size_t i = kl_random_next(&random) % 300;
        if (blocks[i] != NULL) {
            free_marked(blocks[i], 64 + i % 2 * 800, (unsigned char)i);
            blocks[i] = NULL;
        } else {
            blocks[i] = make_marked(64 + i % 2 * 800, (unsigned char)i);
        }
        if (kl_random_next(&random) % 512 == 0) {
            kl_pool_flush(); // so that the depot has something to trim
        } else if (kl_random_next(&random) % 2048 == 0) {
            kl_pool_trim();
        }
    }
    for (size_t i = 0; i < 300; i++) {
        if (blocks[i] != NULL) {
            free_marked(blocks[i], 64 + i % 2 * 800, (unsigned char)i);
        }
    }
    return NULL;
}

TEST("trimming while others allocate and free takes nothing from them")
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        CHECK_INT(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)), 0);
    }
    for (int i = 0; i < 300; i++) {
        kl_pool_trim();
        sched_yield();
    }
    kl_store_relaxed(&stop, 1);
    for (int i = 0; i < THREADS; i++) {
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    }
    CHECK_INT(kl_pool_trim(), 0);
}

// --- an exhausted machine ---

TEST("exhausted memory gives NULL, and the pool recovers when there is some again")
{
    CHECK_OK(keel_allocator_set(&exhaustible));
    exhausted = true;
    CHECK(kl_pool_alloc(64) == NULL); // not even a record for the thread
    exhausted = false;
    unsigned char *first = make_marked(64, 1);
    exhausted = true;
    enum { BLOCKS = 1000 };
    static unsigned char *blocks[BLOCKS];
    int count = 0;
    while (count < BLOCKS && (blocks[count] = kl_pool_alloc(64)) != NULL) {
        memset(blocks[count++], 2, 64);
    }
    CHECK(count < BLOCKS); // the slab ran out
    CHECK(kl_pool_alloc(KL_POOL_MAX + 1) == NULL);
    for (int i = 0; i < count; i++) {
        free_marked(blocks[i], 64, 2);
    }
    exhausted = false;
    free_marked(first, 64, 1);
    free_marked(make_marked(700, 3), 700, 3);
    CHECK_INT(kl_pool_trim(), 0);
}
