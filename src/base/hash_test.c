#include "base/hash.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/exhausted_testing.h"
#include "base/pool.h"
#include "testing/harness.h"

#include <keel/alloc.h>

#include <stdlib.h>

enum { MODEL_KEYS = 3000 };

// Values are never looked into: any address serves.
static char cells[MODEL_KEYS * 2];

TEST("an empty map finds nothing, removes nothing and owns no memory")
{
    struct kl_hash hash = {0};
    struct kl_hash_cursor at = {0};
    CHECK(kl_hash_get(&hash, 0) == NULL);
    CHECK(kl_hash_remove(&hash, 0) == NULL);
    CHECK(!kl_hash_each(&hash, &at));
    kl_hash_done(&hash);
    kl_hash_init(&hash);
    CHECK(kl_hash_put(&hash, 0, &cells[0]));
    CHECK(kl_hash_get(&hash, 0) == &cells[0]);
    CHECK(kl_hash_remove(&hash, 0) == &cells[0]);
    CHECK_INT(hash.count, 0);
    CHECK_INT(kl_pool_trim(), 0);
}

TEST("putting a key again replaces its value")
{
    struct kl_hash hash = {0};
    CHECK(kl_hash_put(&hash, UINT64_MAX, &cells[1]));
    CHECK(kl_hash_put(&hash, UINT64_MAX, &cells[2]));
    CHECK_INT(hash.count, 1);
    CHECK(kl_hash_get(&hash, UINT64_MAX) == &cells[2]);
    kl_hash_done(&hash);
    CHECK_INT(kl_pool_trim(), 0);
}

static uint64_t key_of(uint64_t i, unsigned pattern)
{
    switch (pattern) {
    case 0:
        return i;
    case 1:
        return i << 32;
    case 2:
        return i << 48 | i;
    default:
        return i * UINT64_C(0x9e3779b97f4a7c15);
    }
}

TEST("a map holds what a plain array of the same history holds", .seeded = true)
{
    uint64_t random = kl_test_seed();
    for (unsigned pattern = 0; pattern < 4; pattern++) {
        struct kl_hash hash = {0};
        void *model[MODEL_KEYS] = {0};
        uint32_t count = 0;
        for (int step = 0; step < 30000; step++) {
            // First mostly more, then mostly less, so that it grows and shrinks.
            bool add = kl_random_next(&random) % 10 < (step < 15000 ? 7u : 3u);
            size_t i = kl_random_next(&random) % MODEL_KEYS;
            uint64_t key = key_of(i, pattern);
            CHECK(kl_hash_get(&hash, key) == model[i]);
            if (add) {
                count += model[i] == NULL;
                model[i] = &cells[kl_random_next(&random) % sizeof cells];
                CHECK(kl_hash_put(&hash, key, model[i]));
            } else {
                count -= model[i] != NULL;
                CHECK(kl_hash_remove(&hash, key) == model[i]);
                model[i] = NULL;
            }
            CHECK_INT(hash.count, count);
        }
        for (size_t i = 0; i < MODEL_KEYS; i++) {
            CHECK(kl_hash_get(&hash, key_of(i, pattern)) == model[i]);
        }
        kl_hash_done(&hash);
    }
    CHECK_INT(kl_pool_trim(), 0);
}

TEST("a walk meets every entry once, whichever of them it removes", .seeded = true)
{
    uint64_t random = kl_test_seed();
    for (int round = 0; round < 200; round++) {
        struct kl_hash hash = {0};
        unsigned pattern = (unsigned)(kl_random_next(&random) % 4);
        size_t keys = kl_random_next(&random) % 100;
        uint64_t percent = kl_random_next(&random) % 101;
        char left[100] = {0};
        int seen[100] = {0};
        for (size_t i = 0; i < keys; i++) {
            CHECK(kl_hash_put(&hash, key_of(i, pattern), &cells[i]));
            left[i] = 1;
        }
        struct kl_hash_cursor at = {0};
        while (kl_hash_each(&hash, &at)) {
            size_t i = (size_t)((char *)at.value - cells);
            CHECK(at.key == key_of(i, pattern));
            seen[i]++;
            if (kl_random_next(&random) % 100 < percent) {
                CHECK(kl_hash_remove(&hash, at.key) == at.value);
                left[i] = 0;
            }
        }
        for (size_t i = 0; i < keys; i++) {
            CHECK_INT(seen[i], 1);
            CHECK((kl_hash_get(&hash, key_of(i, pattern)) != NULL) == left[i]);
        }
        kl_hash_done(&hash);
    }
    CHECK_INT(kl_pool_trim(), 0);
}

TEST("a walk that is left early does no harm")
{
    struct kl_hash hash = {0};
    for (uint64_t i = 0; i < 1000; i++) {
        CHECK(kl_hash_put(&hash, i, &cells[i]));
    }
    struct kl_hash_cursor at = {0};
    CHECK(kl_hash_each(&hash, &at));
    for (uint64_t i = 0; i < 990; i++) {
        CHECK(kl_hash_remove(&hash, i) == &cells[i]);
    }
    CHECK(kl_hash_put(&hash, 5000, &cells[5000]));
    CHECK(kl_hash_remove(&hash, 5000) != NULL);
    CHECK_INT(hash.count, 10);
    CHECK(hash.bits <= 7); // it has shrunk again
    for (uint64_t i = 990; i < 1000; i++) {
        CHECK(kl_hash_remove(&hash, i) == &cells[i]);
    }
    CHECK_INT(kl_pool_trim(), 0);
}

TEST("a map gives memory back as it empties")
{
    struct kl_hash hash = {0};
    for (uint64_t i = 0; i < 5000; i++) {
        CHECK(kl_hash_put(&hash, i << 20, &cells[i]));
    }
    unsigned bits = hash.bits;
    for (uint64_t i = 0; i < 4990; i++) {
        CHECK(kl_hash_remove(&hash, i << 20) == &cells[i]);
    }
    CHECK(hash.bits < bits - 5);
    for (uint64_t i = 4990; i < 5000; i++) {
        CHECK(kl_hash_get(&hash, i << 20) == &cells[i]);
    }
    kl_hash_done(&hash);
    CHECK_INT(kl_pool_trim(), 0);
}

// --- an exhausted machine ---

TEST("a map that cannot grow or shrink keeps what it has")
{
    CHECK_OK(keel_allocator_set(&exhaustible));
    struct kl_hash hash = {0};
    exhausted = true;
    CHECK(!kl_hash_put(&hash, 1, &cells[1]));
    CHECK_INT(hash.count, 0);
    exhausted = false;
    // Beyond 1,024 bytes a table is an allocation of its own, which fails at once.
    uint64_t count = 0;
    while (count < 200) {
        CHECK(kl_hash_put(&hash, count, &cells[count]));
        count++;
    }
    exhausted = true;
    while (kl_hash_put(&hash, count, &cells[count])) {
        count++;
        CHECK(count < 1000);
    }
    CHECK_INT(hash.count, count);
    for (uint64_t i = 0; i < count; i++) {
        CHECK(kl_hash_get(&hash, i) == &cells[i]);
    }
    CHECK(kl_hash_get(&hash, count) == NULL);
    for (uint64_t i = 0; i < count; i++) {
        CHECK(kl_hash_remove(&hash, i) == &cells[i]);
    }
    exhausted = false;
    CHECK_INT(kl_pool_trim(), 0);
}
