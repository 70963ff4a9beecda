#ifndef KL_SERVICE_BUNCH_H
#define KL_SERVICE_BUNCH_H

#include "entries.h"

// A bunch: the entries under one key of a table. All functions want the lock of the key's
// shard.

struct kl_slot {
    keel_pid pid;
    struct kl_entry *entry; // NULL: a hole, left by one that has gone
};

// The usual bunch has one entry and fills a cache line with all that a lookup reads. Slots
// stay in the order of registration; holes are closed when they are the greater part.
struct kl_bunch {
    struct kl_bunch *next; // in its bucket
    uint64_t hash;
    struct kl_held key;
    struct kl_slot only; // the slots while capacity is 1
    struct kl_slot *slots;
    uint32_t used; // slots that are no holes
    uint32_t filled; // slots and holes
    uint32_t capacity;
};

struct kl_entry {
    struct kl_link of_owner;
    struct kl_bunch *bunch; // once removed: the bunch if it has gone with it, else NULL
    uint64_t id;
    struct kl_held value;
    uint32_t index; // of its slot
};

struct kl_key_shard *kl_bunch_shard(struct kl_entries *table, uint64_t hash);
struct kl_bunch *kl_bunch_find(
        const struct kl_key_shard *shard, uint64_t hash, keel_term key);
// Puts `entry` under the key, making a bunch if there is none; false when there is no
// memory.
bool kl_bunch_add(struct kl_key_shard *shard, uint64_t hash, keel_term key, keel_pid pid,
        struct kl_entry *entry);
// Takes it out again; an empty bunch goes with it.
void kl_bunch_remove(struct kl_key_shard *shard, struct kl_entry *entry);
// Frees a removed entry. Without any lock: destructors may run.
void kl_entry_free(struct kl_entry *entry);

#endif // KL_SERVICE_BUNCH_H
