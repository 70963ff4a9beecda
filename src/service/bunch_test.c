#include "bunch.h"

#include "testing/harness.h"

static struct kl_entry *add(struct kl_key_shard *shard, int key, uint64_t pid)
{
    struct kl_entry *entry = kl_pool_alloc(sizeof *entry);
    CHECK(entry != NULL);
    *entry = (struct kl_entry){.id = pid};
    CHECK(kl_bunch_add(shard, (uint64_t)key, keel_int(key), (keel_pid){pid}, entry));
    return entry;
}

static void take_out(struct kl_key_shard *shard, struct kl_entry *entry)
{
    kl_bunch_remove(shard, entry);
    kl_entry_free(entry);
}

TEST("buckets grow and shrink with the keys, and no memory stays behind the last")
{
    enum { KEYS = 2000 };
    static struct kl_entry *entry[KEYS];
    struct kl_key_shard shard = {0};
    for (int i = 0; i < KEYS; i++) {
        entry[i] = add(&shard, i, 1);
    }
    CHECK_INT(shard.bunches, KEYS);
    CHECK(shard.buckets >= KEYS);
    for (int i = 0; i < KEYS; i++) {
        CHECK(kl_bunch_find(&shard, (uint64_t)i, keel_int(i)) == entry[i]->bunch);
    }
    CHECK(kl_bunch_find(&shard, 5, keel_int(6)) == NULL); // a hash alone is no key
    for (int i = 0; i < KEYS - 1; i++) {
        take_out(&shard, entry[i]);
    }
    CHECK(shard.buckets <= 64);
    CHECK(kl_bunch_find(&shard, KEYS - 1, keel_int(KEYS - 1)) != NULL);
    take_out(&shard, entry[KEYS - 1]);
    CHECK(shard.bucket == NULL && shard.buckets == 0 && shard.entries == 0);
}

TEST("the entries of a bunch stay in order while some go and others come")
{
    enum { MANY = 100 };
    struct kl_entry *entry[MANY];
    struct kl_key_shard shard = {0};
    for (int i = 0; i < MANY; i++) {
        entry[i] = add(&shard, 7, (uint64_t)i + 1);
    }
    for (int i = 0; i < MANY; i++) {
        if (i % 4 != 0) {
            take_out(&shard, entry[i]);
            entry[i] = NULL;
        }
    }
    struct kl_entry *last = add(&shard, 7, 1000);
    struct kl_bunch *bunch = last->bunch;
    CHECK_INT(bunch->used, MANY / 4 + 1);
    CHECK(bunch->filled < MANY / 2 + 2); // holes were closed
    uint64_t before = 0;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < bunch->filled; i++) {
        if (bunch->slots[i].entry != NULL) {
            CHECK(bunch->slots[i].pid.word > before);
            CHECK_INT(bunch->slots[i].entry->index, i);
            before = bunch->slots[i].pid.word;
            seen++;
        }
    }
    CHECK_INT(seen, bunch->used);
    for (int i = 0; i < MANY; i += 4) {
        take_out(&shard, entry[i]);
    }
    take_out(&shard, last);
    CHECK_INT(shard.entries, 0);
}
