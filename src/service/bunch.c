// The bunches of a table, in chains from buckets.

#include "bunch.h"

static struct kl_bunch *new_bunch(struct kl_key_shard *shard, uint64_t hash, keel_term key);
static bool resize(struct kl_key_shard *shard, uint32_t buckets);
static bool make_room(struct kl_bunch *bunch);
static void close_holes(struct kl_bunch *bunch, struct kl_slot *to);
static void remove_bunch(struct kl_key_shard *shard, struct kl_bunch *bunch);

struct kl_key_shard *kl_bunch_shard(struct kl_entries *table, uint64_t hash)
{
    return &table->keys[hash >> 58];
}

struct kl_bunch *kl_bunch_find(
        const struct kl_key_shard *shard, uint64_t hash, keel_term key)
{
    if (shard->buckets == 0) {
        return NULL;
    }
    struct kl_bunch *bunch = shard->bucket[hash & (shard->buckets - 1)];
    while (bunch != NULL && (bunch->hash != hash || !keel_equal(bunch->key.term, key))) {
        bunch = bunch->next;
    }
    return bunch;
}

bool kl_bunch_add(struct kl_key_shard *shard, uint64_t hash, keel_term key, keel_pid pid,
        struct kl_entry *entry)
{
    struct kl_bunch *bunch = kl_bunch_find(shard, hash, key);
    if (bunch == NULL) {
        bunch = new_bunch(shard, hash, key);
    }
    if (bunch == NULL || !make_room(bunch)) {
        return false; // a new bunch has room: nothing empty stays behind
    }
    entry->bunch = bunch;
    entry->index = bunch->filled;
    bunch->slots[bunch->filled++] = (struct kl_slot){pid, entry};
    bunch->used++;
    shard->entries++;
    return true;
}

void kl_bunch_remove(struct kl_key_shard *shard, struct kl_entry *entry)
{
    struct kl_bunch *bunch = entry->bunch;
    bunch->slots[entry->index].entry = NULL;
    bunch->used--;
    shard->entries--;
    entry->bunch = NULL;
    if (bunch->used == 0) {
        remove_bunch(shard, bunch);
        entry->bunch = bunch;
    } else if (bunch->filled > 8 && bunch->used < bunch->filled / 2) {
        close_holes(bunch, bunch->slots);
    }
}

void kl_entry_free(struct kl_entry *entry)
{
    struct kl_bunch *bunch = entry->bunch;
    if (bunch != NULL) {
        kl_held_unref(bunch->key);
        if (bunch->slots != &bunch->only) {
            kl_free(bunch->slots, bunch->capacity * sizeof *bunch->slots);
        }
        kl_pool_free(bunch, sizeof *bunch);
    }
    kl_held_unref(entry->value);
    kl_pool_free(entry, sizeof *entry);
}

static struct kl_bunch *new_bunch(struct kl_key_shard *shard, uint64_t hash, keel_term key)
{
    enum { FIRST_BUCKETS = 4 };
    if (shard->bunches == shard->buckets) {
        uint32_t more = shard->buckets == 0 ? FIRST_BUCKETS : shard->buckets * 2;
        if (!resize(shard, more) && shard->buckets == 0) {
            return NULL; // longer chains do without more buckets
        }
    }
    struct kl_bunch *bunch = kl_pool_alloc(sizeof *bunch);
    if (bunch == NULL) {
        return NULL;
    }
    struct kl_bunch **bucket = &shard->bucket[hash & (shard->buckets - 1)];
    *bunch = (struct kl_bunch){.next = *bucket, .hash = hash, .capacity = 1};
    bunch->slots = &bunch->only;
    if (!kl_held_init(&bunch->key, key)) {
        kl_pool_free(bunch, sizeof *bunch);
        return NULL;
    }
    *bucket = bunch;
    shard->bunches++;
    return bunch;
}

static bool resize(struct kl_key_shard *shard, uint32_t buckets)
{
    struct kl_bunch **bucket = kl_alloc_zero(buckets * sizeof(struct kl_bunch *));
    if (bucket == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < shard->buckets; i++) {
        for (struct kl_bunch *bunch = shard->bucket[i], *next; bunch != NULL;
                bunch = next) {
            next = bunch->next;
            bunch->next = bucket[bunch->hash & (buckets - 1)];
            bucket[bunch->hash & (buckets - 1)] = bunch;
        }
    }
    kl_free(shard->bucket, shard->buckets * sizeof(struct kl_bunch *));
    shard->bucket = bucket;
    shard->buckets = buckets;
    return true;
}

static bool make_room(struct kl_bunch *bunch)
{
    if (bunch->filled < bunch->capacity) {
        return true;
    }
    if (bunch->used < bunch->filled && bunch->used < bunch->capacity / 2) {
        close_holes(bunch, bunch->slots);
        return true;
    }
    uint32_t capacity = bunch->capacity < 4 ? 4 : bunch->capacity * 2;
    struct kl_slot *slots = kl_alloc(capacity * sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    close_holes(bunch, slots);
    if (bunch->slots != &bunch->only) {
        kl_free(bunch->slots, bunch->capacity * sizeof *slots);
    }
    bunch->slots = slots;
    bunch->capacity = capacity;
    return true;
}

// Moves the slots that are no holes to `to`, which may be where they are.
static void close_holes(struct kl_bunch *bunch, struct kl_slot *to)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < bunch->filled; i++) {
        struct kl_slot slot = bunch->slots[i];
        if (slot.entry != NULL) {
            slot.entry->index = kept;
            to[kept++] = slot;
        }
    }
    bunch->filled = kept;
}

static void remove_bunch(struct kl_key_shard *shard, struct kl_bunch *bunch)
{
    struct kl_bunch **place = &shard->bucket[bunch->hash & (shard->buckets - 1)];
    while (*place != bunch) {
        place = &(*place)->next;
    }
    *place = bunch->next;
    if (--shard->bunches == 0) {
        kl_free(shard->bucket, shard->buckets * sizeof(struct kl_bunch *));
        shard->bucket = NULL;
        shard->buckets = 0;
    } else if (shard->buckets > 64 && shard->bunches < shard->buckets / 8) {
        (void)resize(shard, shard->buckets / 2); // without memory they just stay many
    }
}
