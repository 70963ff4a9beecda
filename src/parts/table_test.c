// Tables: finding, growing, what is due, closing.

#include "proc/proc_testing.h"
#include "table.h"
#include <stdlib.h>

struct table {
    struct kl_table table;
    int discarded, looked;
};
static struct kl_directory directory = KL_DIRECTORY(struct table);

static void discard(struct kl_shard *shard, struct kl_entry *entry)
{
    shard->counts[0]++;
    keel_drop_shared(entry->key);
    free(entry);
}

// The first look at an even key puts it off by a second.
static int64_t look(
        struct kl_table *table, struct kl_shard *shard, struct kl_entry *entry, int64_t now)
{
    (void)table;
    shard->counts[1]++;
    bool put_off = keel_to_int(entry->key) % 2 == 0 && shard->extra == NULL;
    shard->extra = put_off ? entry : NULL;
    return put_off ? now + KEEL_SECONDS(1) : entry->due;
}

static const struct kl_table_kind kind = {.discard = discard, .look = look};

static void prepare(struct kl_table *table, void *context)
{
    (void)table;
    (void)context;
}

static void add(struct kl_table *table, int64_t number, int64_t due)
{
    struct kl_entry *entry = calloc(1, sizeof *entry);
    entry->key = keel_keep_shared(keel_int(number));
    entry->hash = keel_hash(entry->key);
    entry->due = due;
    struct kl_shard *shard = kl_table_lock(table, entry->hash);
    CHECK(shard != NULL);
    CHECK(kl_shard_find(shard, entry->key, entry->hash) == NULL);
    CHECK(kl_shard_add(shard, entry));
    CHECK(kl_shard_find(shard, entry->key, entry->hash) == entry);
    kl_table_unlock(shard);
    kl_table_hasten(table, due);
}

static void own(keel_term probe)
{
    struct kl_table *table = kl_table_open(
            &directory, keel_atom(sample), &kind, 4, prepare, NULL);
    CHECK(table != NULL);
    keel_send(probe, keel_atom(open));
    keel_ref timer = {0};
    while (!keel_is(keel_receive(), stop)) {
        kl_table_sweep(table, &timer);
    }
}

SIMULATED_TEST("what is due goes in its time, and all of it when the owner ends")
{
    keel_ref monitor;
    keel_pid owner = keel_spawn_monitor(own, keel_from_pid(keel_self()), &monitor);
    EXPECT_NEXT("open");
    struct kl_table *table = kl_directory_find(&directory, keel_atom(sample));
    int64_t now = keel_deadline_in(0).at;
    for (int i = 0; i < 100; i++) {
        add(table, 2 * i + 1, now + KEEL_SECONDS(1 + i * 37 % 100));
    }
    add(table, 1000, INT64_MAX);
    keel_sleep(KEEL_MS(500));
    for (int i = 0; i <= 100; i++) {
        CHECK_INT(kl_table_size(table), 101 - i);
        keel_sleep(KEEL_SECONDS(1));
    }
    uint64_t counts[KL_SHARD_COUNTS];
    kl_table_counts(table, counts);
    CHECK_INT(counts[0], 100);
    CHECK_INT(counts[1], 100);
    keel_send(owner, keel_atom(stop));
    CHECK_TERM(await_down(monitor), "normal");
    CHECK_INT(kl_table_size(table), 0);
    CHECK(kl_table_lock(table, 0) == NULL);
}

SIMULATED_TEST("what is looked at and not yet over is looked at again")
{
    keel_ref monitor;
    keel_pid owner = keel_spawn_monitor(own, keel_from_pid(keel_self()), &monitor);
    EXPECT_NEXT("open");
    struct kl_table *table = kl_directory_find(&directory, keel_atom(sample));
    add(table, 2, keel_deadline_in(KEEL_SECONDS(5)).at);
    add(table, 4, keel_deadline_in(KEEL_SECONDS(9)).at);
    keel_sleep(KEEL_MS(5500));
    CHECK_INT(kl_table_size(table), 2);
    keel_sleep(KEEL_SECONDS(1));
    CHECK_INT(kl_table_size(table), 1);
    keel_sleep(KEEL_SECONDS(5));
    CHECK_INT(kl_table_size(table), 0);
    add(table, 1, keel_deadline_in(KEEL_SECONDS(90)).at); // sooner than nothing
    add(table, 3, keel_deadline_in(KEEL_SECONDS(1)).at); // sooner than that
    keel_sleep(KEEL_SECONDS(2));
    CHECK_INT(kl_table_size(table), 1);
    keel_send(owner, keel_atom(stop));
    CHECK_TERM(await_down(monitor), "normal");
}

PROCESS_TEST("dues may change, in any order")
{
    enum { ENTRIES = 200 };
    struct kl_shard shard = {.open = true};
    static struct kl_entry entries[ENTRIES];
    for (int i = 0; i < ENTRIES; i++) {
        entries[i] = (struct kl_entry){
                .key = keel_int(i), .hash = (uint64_t)i, .due = i * 7 % 50};
        CHECK(kl_shard_add(&shard, &entries[i]));
    }
    for (int round = 0; round < 5000; round++) {
        struct kl_entry *entry = &entries[keel_random() % ENTRIES];
        uint64_t due = keel_random() % 60;
        CHECK(kl_shard_set_due(&shard, entry, due == 0 ? INT64_MAX : (int64_t)due));
        int64_t least = INT64_MAX;
        for (int i = 0; i < ENTRIES; i++) {
            least = entries[i].due < least ? entries[i].due : least;
            CHECK((entries[i].place == 0) == (entries[i].due == INT64_MAX));
            CHECK(entries[i].place == 0 || shard.heap[entries[i].place - 1] == &entries[i]);
        }
        CHECK_INT(shard.heap[0]->due, least);
    }
    free(shard.bucket);
    free(shard.heap);
}
