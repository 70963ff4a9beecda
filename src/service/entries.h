#ifndef KL_SERVICE_ENTRIES_H
#define KL_SERVICE_ENTRIES_H

#include "held.h"

// The entries of one registry: key, pid, value, found by key and by process. Any thread may
// call; every function takes and gives short locks, runs nothing of the user's but the
// destructors of terms, and never ends the calling process.
//
// Rule 1: an owner's shard is locked before a key's. With the two the other way round, a
//         registration and a cleanup could wait for each other.
// Rule 2: entries come and go only under both; what an entry points to may be read under
//         either, its value under the key's.
// Rule 3: only the process itself adds entries, so what it has seen of its own stays true,
//         unless its partition ends and removes them.

struct kl_bunch;

enum { KL_ENTRIES_KEYS = 64, KL_ENTRIES_OWNERS = 16 };

// A lock and what it guards bunch on a cache line of their own.
struct kl_key_shard {
    struct kl_lock lock;
    uint32_t bunches;
    uint32_t buckets; // a power of two, or 0
    size_t entries;
    struct kl_bunch **bucket;
} __attribute__((aligned(KL_CACHE_LINE)));

struct kl_owner_shard {
    struct kl_lock lock;
    struct kl_hash owners; // by pid
} __attribute__((aligned(KL_CACHE_LINE)));

struct kl_entries {
    bool unique;
    uint32_t partitions; // 0: closed, nothing can be added; written under all owners' locks
    uint64_t next_id;
    struct kl_key_shard keys[KL_ENTRIES_KEYS];
    struct kl_owner_shard owners[KL_ENTRIES_OWNERS];
};

// A zeroed table is closed. Opening it lets entries in, closing removes them all.
void kl_entries_open(struct kl_entries *table, bool unique, uint32_t partitions);
void kl_entries_close(struct kl_entries *table);

// Which partition a process belongs to.
uint32_t kl_entries_partition(keel_pid pid, uint32_t partitions);

// KEEL_OK; KEEL_E_TAKEN and who has the key; KEEL_E_NOMEM; KEEL_E_NOPROC: closed.
// `*ret_first` tells that the process had no entries before, whatever the status.
keel_status kl_entries_add(struct kl_entries *table, keel_pid pid, keel_term key,
        keel_term value, keel_pid *ret_holder, bool *ret_first);
// True when the process has an entry at all.
bool kl_entries_has(struct kl_entries *table, keel_pid pid);
// Removes the entries of `pid` under `key`: all, or those with one of the `ids`. Returns
// true when the process had entries and now has none.
bool kl_entries_remove(struct kl_entries *table, keel_pid pid, keel_term key,
        const uint64_t *ids, size_t count);
// Removes all that a process has.
void kl_entries_remove_owner(struct kl_entries *table, keel_pid pid);
// Removes all that the processes of one partition have.
void kl_entries_remove_partition(struct kl_entries *table, uint32_t partition);
// Puts a value in the place of another one; false when the entry is gone.
// KEEL_E_NOPROC, KEEL_E_NOMEM.
keel_status kl_entries_update(
        struct kl_entries *table, keel_pid pid, keel_term key, keel_term value);

// --- reading ---

// Who is first under a key, or none.
keel_pid kl_entries_whereis(struct kl_entries *table, keel_term key);
// The number of entries.
size_t kl_entries_count(struct kl_entries *table);

struct kl_item {
    keel_pid pid;
    uint64_t id;
    struct kl_held key, value;
};
// Entries taken along by a reader, each term with a holder more. Zeroed: none.
struct kl_items {
    struct kl_item *item;
    size_t count, capacity;
};
// Adds the entries under `key`, of `pid` only unless it is none, oldest first. The items
// bear no key. False when memory is exhausted; the items must be freed all the same.
bool kl_entries_take_key(
        struct kl_entries *table, keel_term key, keel_pid pid, struct kl_items *items);
// Adds all entries of a process, without their values.
bool kl_entries_take_owner(struct kl_entries *table, keel_pid pid, struct kl_items *items);
// Adds all entries.
bool kl_entries_take_all(struct kl_entries *table, struct kl_items *items);
// Adds an item; takes the holders over, also when it fails.
bool kl_items_add(struct kl_items *items, struct kl_item item);
void kl_items_done(struct kl_items *items);

// Writes the pids under `key`, with repetitions, oldest first, as far as there is room, and
// returns how many there are.
size_t kl_entries_pids(
        struct kl_entries *table, keel_term key, keel_pid *pids, size_t room);

#endif // KL_SERVICE_ENTRIES_H
