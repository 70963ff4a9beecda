#include "hash.h"

#include "panic.h"
#include "pool.h"

#include <string.h>

// A free slot has no value. Linear probing; at most three quarters of the slots are in
// use, so there is always a free one where a search ends.
struct kl_hash_entry {
    uint64_t key;
    void *value;
};

enum { BITS_LEAST = 2, BITS_MOST = 31 };

static uint32_t slots_of(const struct kl_hash *hash);
static uint32_t home_of(const struct kl_hash *hash, uint64_t key);
static struct kl_hash_entry *find(const struct kl_hash *hash, uint64_t key);
static void close_gap(struct kl_hash *hash, uint32_t gap);
static bool resize(struct kl_hash *hash, unsigned bits);
static void release_table(struct kl_hash_entry *entries, unsigned bits);
static void shrink_when_sparse(struct kl_hash *hash);

void kl_hash_init(struct kl_hash *hash)
{
    *hash = (struct kl_hash){0};
}

void kl_hash_done(struct kl_hash *hash)
{
    release_table(hash->entries, hash->bits);
    *hash = (struct kl_hash){0};
}

bool kl_hash_put(struct kl_hash *hash, uint64_t key, void *value)
{
    KL_ASSERT(value != NULL);
    hash->walking = false;
    struct kl_hash_entry *entry = find(hash, key);
    if (entry != NULL && entry->value != NULL) {
        entry->value = value;
        return true;
    }
    uint64_t slots = hash->entries != NULL ? slots_of(hash) : 0;
    if ((hash->count + UINT64_C(1)) * 4 > slots * 3) {
        unsigned bits = hash->entries != NULL ? hash->bits + 1u : BITS_LEAST;
        if (!resize(hash, bits)) {
            return false;
        }
        entry = find(hash, key);
    }
    *entry = (struct kl_hash_entry){key, value};
    hash->count++;
    return true;
}

void *kl_hash_get(const struct kl_hash *hash, uint64_t key)
{
    struct kl_hash_entry *entry = find(hash, key);
    return entry != NULL ? entry->value : NULL;
}

void *kl_hash_remove(struct kl_hash *hash, uint64_t key)
{
    struct kl_hash_entry *entry = find(hash, key);
    if (entry == NULL || entry->value == NULL) {
        return NULL;
    }
    void *value = entry->value;
    close_gap(hash, (uint32_t)(entry - hash->entries));
    hash->count--;
    shrink_when_sparse(hash);
    return value;
}

// Visits the slots backwards, beginning at one before a free one. Removing an entry pulls
// entries from further along its run into the gap; those have been visited by then, and no
// run reaches across the free slot the walk began at.
bool kl_hash_each(struct kl_hash *hash, struct kl_hash_cursor *cursor)
{
    if (hash->count > 0) {
        uint32_t slots = slots_of(hash);
        if (!cursor->begun) {
            cursor->begun = true;
            cursor->left = slots;
            while (hash->entries[cursor->start].value != NULL) {
                cursor->start++;
            }
            hash->walking = true;
        }
        while (cursor->left > 0) {
            cursor->left--;
            uint32_t slot = (cursor->start + cursor->left) & (slots - 1);
            if (hash->entries[slot].value != NULL) {
                cursor->key = hash->entries[slot].key;
                cursor->value = hash->entries[slot].value;
                return true;
            }
        }
    }
    hash->walking = false;
    shrink_when_sparse(hash);
    return false;
}

static uint32_t slots_of(const struct kl_hash *hash)
{
    return UINT32_C(1) << hash->bits;
}

static uint32_t home_of(const struct kl_hash *hash, uint64_t key)
{
    // Keys are counters in shifted fields: fold the high half down, then take the top
    // bits of a product with 2^64 divided by the golden ratio.
    uint64_t mixed = (key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mixed >> (64 - hash->bits));
}

// The slot that holds `key`, else the free one where it would go; NULL without a table.
static struct kl_hash_entry *find(const struct kl_hash *hash, uint64_t key)
{
    if (hash->entries == NULL) {
        return NULL;
    }
    uint32_t mask = slots_of(hash) - 1;
    uint32_t slot = home_of(hash, key);
    while (hash->entries[slot].value != NULL && hash->entries[slot].key != key) {
        slot = (slot + 1) & mask;
    }
    return &hash->entries[slot];
}

// Frees the slot and moves later entries of its run up, where their home allows it.
static void close_gap(struct kl_hash *hash, uint32_t gap)
{
    uint32_t mask = slots_of(hash) - 1;
    uint32_t slot = gap;
    for (;;) {
        slot = (slot + 1) & mask;
        struct kl_hash_entry *entry = &hash->entries[slot];
        if (entry->value == NULL) {
            break;
        }
        uint32_t distance = (slot - home_of(hash, entry->key)) & mask;
        if (distance >= ((slot - gap) & mask)) {
            hash->entries[gap] = *entry;
            gap = slot;
        }
    }
    hash->entries[gap] = (struct kl_hash_entry){0};
}

static bool resize(struct kl_hash *hash, unsigned bits)
{
    if (bits > BITS_MOST) {
        return false;
    }
    size_t bytes = sizeof(struct kl_hash_entry) << bits;
    struct kl_hash_entry *entries = kl_pool_alloc(bytes);
    if (entries == NULL) {
        return false;
    }
    memset(entries, 0, bytes);
    struct kl_hash old = *hash;
    hash->entries = entries;
    hash->bits = (uint8_t)bits;
    for (uint32_t i = 0; old.entries != NULL && i < slots_of(&old); i++) {
        if (old.entries[i].value != NULL) {
            *find(hash, old.entries[i].key) = old.entries[i];
        }
    }
    release_table(old.entries, old.bits);
    return true;
}

static void release_table(struct kl_hash_entry *entries, unsigned bits)
{
    kl_pool_free(entries, sizeof *entries << bits);
}

// An empty map gives its table back; one that is an eighth full halves it. A table that
// cannot be had is no misfortune here: the old one serves as well.
static void shrink_when_sparse(struct kl_hash *hash)
{
    if (hash->entries == NULL || hash->walking) {
        return;
    }
    if (hash->count == 0) {
        kl_hash_done(hash);
    } else if (hash->bits > BITS_LEAST && hash->count < slots_of(hash) / 8) {
        unsigned bits = hash->bits - 1u;
        while (bits > BITS_LEAST && hash->count < (UINT32_C(1) << bits) / 8) {
            bits--;
        }
        (void)resize(hash, bits);
    }
}
