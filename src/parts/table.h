#ifndef KL_PARTS_TABLE_H
#define KL_PARTS_TABLE_H

#include "directory.h"
#include <keel/process.h>

// A table that a part's clients read and write themselves: a hash map from terms to
// entries, in shards, each under a lock that is held for a handful of instructions. The
// part's process only owns its life: it opens the table under its name, sweeps out what is
// due, and the table closes with it.
//
// Rule 1: nothing that may wait, send, or end the caller runs under a shard's lock, or the
//         shard would stay locked. Keys are copied before and values after.
// Rule 2: entries belong to their shard; what outlives the lock is counted by the part.
//
// Every shard keeps its entries in a heap by when they are due, so that sweeping costs as
// much as there is to sweep.

struct kl_entry {
    keel_term key; // of keel_keep_shared
    uint64_t hash;
    struct kl_entry *next; // of its bucket
    int64_t due; // when the sweep looks at it; INT64_MAX: never
    uint32_t place; // in the heap, counted from 1; 0: not there
};

enum { KL_SHARDS = 64, KL_SHARD_COUNTS = 8 };

struct kl_shard {
    pthread_mutex_t lock;
    bool open;
    uint32_t buckets; // a power of two, or 0
    struct kl_entry **bucket;
    size_t entries;
    struct kl_entry **heap; // heap[0] is due first
    uint32_t heaped, heap_room;
    struct kl_entry *newest, *oldest; // for a part that knows the order of use
    void *extra; // the part's
    uint64_t counts[KL_SHARD_COUNTS]; // the part's
} __attribute__((aligned(64)));

struct kl_table;

// What a part does with its entries.
struct kl_table_kind {
    // An entry has left the table, or the table was closed: frees it. Under the lock.
    void (*discard)(struct kl_shard *shard, struct kl_entry *entry);
    // An entry is due: returns when to look again, or `now` or less to discard it.
    int64_t (*look)(struct kl_table *table, struct kl_shard *shard, struct kl_entry *entry,
            int64_t now);
    // The table is being closed: frees `extra`. May be NULL.
    void (*close)(struct kl_shard *shard);
};

struct kl_table {
    struct kl_slot slot; // first
    bool prepared; // its locks are; written by the first owner
    const struct kl_table_kind *kind;
    keel_pid owner;
    uint32_t used; // shards in use, a power of two
    int64_t next_due; // what the owner waits for; changed atomically by whoever adds
    struct kl_shard shard[KL_SHARDS];
};

// Opens the table of `name` for the calling process, until it ends. NULL: no memory.
// @param prepare  sets the part's own fields before anybody sees the table open
struct kl_table *kl_table_open(struct kl_directory *directory, keel_term name,
        const struct kl_table_kind *kind, uint32_t shards,
        void (*prepare)(struct kl_table *table, void *context), void *context);

// The shard of a key, locked; NULL when the table is closed.
struct kl_shard *kl_table_lock(struct kl_table *table, uint64_t hash);
void kl_table_unlock(struct kl_shard *shard);

struct kl_entry *kl_shard_find(struct kl_shard *shard, keel_term key, uint64_t hash);
// Adds an entry whose key is not there; false: no memory, and nothing has changed.
bool kl_shard_add(struct kl_shard *shard, struct kl_entry *entry);
// Sets when an entry of the shard is due; false: no memory, it stays as it was.
bool kl_shard_set_due(struct kl_shard *shard, struct kl_entry *entry, int64_t due);
// Takes an entry out and discards it.
void kl_shard_remove(
        struct kl_table *table, struct kl_shard *shard, struct kl_entry *entry);
// Takes all of them out.
void kl_shard_clear(struct kl_table *table, struct kl_shard *shard);

// Tells the owner that something is due earlier than what it waits for. Without a lock.
void kl_table_hasten(struct kl_table *table, int64_t due);
// By the owner, for the messages `sweep`: sweeps if something is due, and has the next
// `sweep` sent. `timer` is the owner's.
void kl_table_sweep(struct kl_table *table, keel_ref *timer);

// Of all shards together.
size_t kl_table_size(struct kl_table *table);
void kl_table_counts(struct kl_table *table, uint64_t counts[KL_SHARD_COUNTS]);

#endif // KL_PARTS_TABLE_H
