#include "base/depot.h"

#include "base/alloc.h"
#include "base/exhausted_testing.h"
#include "base/pool.h"
#include "testing/harness.h"

#include <keel/alloc.h>

#include <stdlib.h>
#include <string.h>

TEST("every size has a class whose blocks hold it, with little to spare")
{
    unsigned last = 0;
    for (size_t bytes = 1; bytes <= KL_POOL_MAX; bytes++) {
        unsigned size_class = kl_depot_class(bytes);
        size_t room = kl_depot_class_bytes(size_class);
        CHECK(size_class == last || size_class == last + 1);
        CHECK(room >= bytes);
        CHECK(room - bytes < (bytes <= 256 ? 16u : 64u));
        CHECK_INT(room % 16, 0);
        last = size_class;
    }
    CHECK_INT(last, KL_DEPOT_CLASSES - 1);
    CHECK_INT(kl_depot_class(0), 0);
}

static void need_depot(void)
{
    if (kl_depot_is_plain()) {
        kl_test_skip("here every block is allocated by itself");
    }
}

TEST("what one cache drains another is filled with, in the same order")
{
    need_depot();
    static struct kl_depot_cache here, there;
    unsigned size_class = kl_depot_class(64);
    CHECK(kl_depot_fill(size_class, &here));
    CHECK(here.count > 1);
    CHECK_INT(kl_depot_blocks_out(size_class), here.count);
    uint32_t count = here.count;
    void *blocks[KL_DEPOT_SLOTS];
    memcpy(blocks, here.slots, sizeof blocks);
    kl_depot_drain(size_class, &here, KL_DEPOT_SLOTS);
    CHECK_INT(here.count, 0);
    CHECK_INT(kl_depot_blocks_out(size_class), 0);
    CHECK(kl_depot_fill(size_class, &there));
    CHECK_INT(there.count, count);
    CHECK(memcmp(blocks, there.slots, count * sizeof blocks[0]) == 0);
}

TEST("a thread without a cache gets single blocks, all different")
{
    need_depot();
    void *blocks[300];
    unsigned size_class = kl_depot_class(200);
    for (int i = 0; i < 300; i++) {
        blocks[i] = kl_depot_take_one(size_class);
        CHECK(blocks[i] != NULL);
        memset(blocks[i], i & 0xff, 200);
        CHECK_INT(kl_depot_blocks_out(size_class), i + 1);
    }
    for (int i = 0; i < 300; i++) {
        CHECK_INT(((unsigned char *)blocks[i])[0], i & 0xff);
        CHECK_INT(((unsigned char *)blocks[i])[199], i & 0xff);
        kl_depot_give_one(size_class, blocks[i]);
    }
    CHECK_INT(kl_depot_blocks_out(size_class), 0);
}

// --- an exhausted machine ---

TEST("giving blocks back needs no memory, and they can be had again")
{
    need_depot();
    CHECK_OK(keel_allocator_set(&exhaustible));
    static struct kl_depot_cache cache;
    unsigned size_class = kl_depot_class(32);
    CHECK(kl_depot_fill(size_class, &cache));
    CHECK(cache.carrier == NULL); // carved blocks came without one
    uint32_t count = cache.count;
    exhausted = true;
    kl_depot_drain(size_class, &cache, count);
    CHECK_INT(cache.count, 0);
    CHECK_INT(kl_depot_blocks_out(size_class), 0);
    uint32_t again = 0;
    while (kl_depot_fill(size_class, &cache)) {
        again += cache.count;
        cache.count = 0;
    }
    CHECK(again >= count); // the rest of the slab is there as well
    kl_depot_trim(); // finds no memory to sort slabs in, and leaves everything as it is
    CHECK_INT(kl_depot_blocks_out(size_class), again);
}

TEST("blocks that lie loose are freed with their slab")
{
    need_depot();
    CHECK_OK(keel_allocator_set(&exhaustible));
    kl_free(kl_alloc(1), 1); // makes this thread's record, which stays
    int64_t before = keel_memory_used();
    static struct kl_depot_cache cache;
    unsigned size_class = kl_depot_class(32);
    CHECK(kl_depot_fill(size_class, &cache));
    CHECK(keel_memory_used() > before);
    exhausted = true;
    kl_depot_drain(size_class, &cache, cache.count);
    exhausted = false;
    kl_depot_trim();
    CHECK_INT(keel_memory_used(), before);
    CHECK(kl_depot_fill(size_class, &cache)); // and it begins anew, with a new slab
    CHECK(keel_memory_used() > before);
}
