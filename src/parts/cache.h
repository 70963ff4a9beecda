#ifndef KL_PARTS_CACHE_H
#define KL_PARTS_CACHE_H

#include "table.h"
#include <keel/parts/cache.h>

// The table of a cache; its process is in cache.c, what clients do in cache_entries.c.

enum { // shard->counts
    KL_CACHE_HITS,
    KL_CACHE_MISSES,
    KL_CACHE_PUTS,
    KL_CACHE_DELETED,
    KL_CACHE_EXPIRED,
    KL_CACHE_EVICTED,
    KL_CACHE_COMPUTED,
};

struct kl_cache {
    struct kl_table table; // first
    keel_duration ttl;
    size_t max_entries, shard_max; // 0: no limit
};

// A value that is being computed. Whoever puts or deletes the key meanwhile takes the
// promise out of its shard, and what was computed is then out of date.
struct kl_promise {
    struct kl_promise *next; // shard->extra
    keel_term key; // shared
    uint64_t hash;
    void *job; // the process's
};

struct kl_cache *kl_cache_find(keel_term name);
// Opens the table of the calling process; NULL: no memory.
struct kl_cache *kl_cache_open(const keel_cache_opts *opts);

// What is computed for `key` now: a job, or NULL.
void *kl_cache_promised(struct kl_cache *cache, keel_term key);
// Promises `key` for a job. KEEL_OK, KEEL_E_NOMEM.
keel_status kl_cache_promise(struct kl_cache *cache, keel_term key, void *job);
// Keeps the promise, or breaks it when `value` is none. Nothing when it is out of date.
void kl_cache_keep_promise(struct kl_cache *cache, keel_term key, void *job,
        keel_term value, keel_duration ttl);
// The value without counting.
keel_term kl_cache_peek(struct kl_cache *cache, keel_term key);

#endif // KL_PARTS_CACHE_H
