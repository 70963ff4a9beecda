// Tables of records that never move.

#include "slots.h"

#include "testing/harness.h"

#include <keel/alloc.h>
#include <pthread.h>
#include <string.h>

struct record {
    uint32_t index;
    uint32_t next;
    uint32_t prepared; // how often
    uint32_t taken; // atomic
    char rest[48];
};

static uint32_t *next_of(void *record)
{
    return &((struct record *)record)->next;
}

static void prepare(void *memory, uint32_t index)
{
    struct record *record = memory;
    record->index = index;
    record->prepared++;
}

static struct kl_slots table(uint32_t max)
{
    struct kl_slots slots = {.record_bytes = sizeof(struct record),
            .max = max,
            .link = next_of,
            .prepare = prepare};
    CHECK(kl_slots_start(&slots));
    return slots;
}

// A record must be nobody else's.
static struct record *take(struct kl_slots *slots)
{
    struct record *record = kl_slots_take(slots);
    if (record) {
        CHECK_INT(__atomic_fetch_add(&record->taken, 1, __ATOMIC_RELAXED), 0);
        CHECK_INT(record->prepared, 1);
    }
    return record;
}

static void give(struct kl_slots *slots, struct record *record)
{
    CHECK_INT(__atomic_fetch_sub(&record->taken, 1, __ATOMIC_RELAXED), 1);
    kl_slots_give(slots, record, record->index);
}

TEST("records are zeroed, aligned, prepared once, and found by their index")
{
    // More than the chunks hold that are allocated one by one.
    enum { COUNT = 70000 };
    struct kl_slots slots = table(COUNT + 1000);
    int64_t before = keel_memory_used();
    static struct record *records[COUNT];
    CHECK(!kl_slots_at(&slots, 0));
    for (int i = 0; i < COUNT; i++) {
        records[i] = take(&slots);
        CHECK(records[i] && (uintptr_t)records[i] % 64 == 0);
        CHECK_INT(records[i]->rest[47], 0);
        memset(records[i]->rest, 0x55, sizeof records[i]->rest);
    }
    for (int i = 0; i < COUNT; i++) { // none has moved
        CHECK(kl_slots_at(&slots, records[i]->index) == records[i]);
        CHECK_INT(records[i]->rest[0], 0x55);
    }
    CHECK(!kl_slots_at(&slots, COUNT + 1000));
    CHECK(keel_memory_used() - before < (int64_t)(COUNT * sizeof(struct record) * 3 / 2));
    kl_slots_stop(&slots);
    CHECK(keel_memory_used() < before);
    CHECK(!kl_slots_at(&slots, 0));
}

TEST("what is given is taken again, before the table grows")
{
    struct kl_slots slots = table(1000);
    struct record *records[200];
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 200; i++) {
            records[i] = take(&slots);
            CHECK(records[i]);
        }
        for (int i = 0; i < 200; i++) {
            give(&slots, records[(i * 7) % 200]);
        }
    }
    CHECK(slots.used <= 232); // those in use, and what a thread keeps
    kl_slots_stop(&slots);
}

TEST("at its limit a table has no more records, until one is given")
{
    struct kl_slots slots = table(100);
    struct record *records[100];
    for (int i = 0; i < 100; i++) {
        records[i] = take(&slots);
        CHECK(records[i]);
    }
    for (int i = 0; i < 3; i++) {
        CHECK(!kl_slots_take(&slots));
    }
    give(&slots, records[42]);
    CHECK(take(&slots) == records[42]);
    CHECK(!kl_slots_take(&slots));
    kl_slots_stop(&slots);
}

TEST("a table that is started again forgets what threads kept of it")
{
    struct kl_slots slots = table(100);
    for (int round = 0; round < 5; round++) {
        struct record *records[20];
        for (int i = 0; i < 20; i++) {
            records[i] = take(&slots);
            CHECK(records[i]);
        }
        for (int i = 0; i < 20; i++) {
            give(&slots, records[i]);
        }
        kl_slots_stop(&slots);
        CHECK(kl_slots_start(&slots));
    }
    kl_slots_stop(&slots);
}

static void *take_and_give(void *context)
{
    struct kl_slots *slots = context;
    struct record *records[60];
    for (int round = 0; round < 300; round++) {
        int count = 1 + round * 13 % 60;
        for (int i = 0; i < count; i++) {
            records[i] = take(slots);
            CHECK(records[i]);
            CHECK(kl_slots_at(slots, records[i]->index) == records[i]);
        }
        for (int i = 0; i < count; i++) {
            give(slots, records[i]);
        }
    }
    return NULL;
}

TEST("threads that take and give at once never hold the same record")
{
    struct kl_slots slots = table(2000);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        CHECK_OK(pthread_create(&threads[i], NULL, take_and_give, &slots));
    }
    for (int i = 0; i < 4; i++) {
        CHECK_OK(pthread_join(threads[i], NULL));
    }
    CHECK(slots.used <= 4 * 60 + 4 * 32);
    kl_slots_stop(&slots);
}
