// What clients do with a cache, without asking its process.

#include "cache.h"
#include "options.h"

#include <keel/gen_server.h>
#include <stdlib.h>

struct entry {
    struct kl_entry entry; // first
    struct entry *newer, *older; // by use
    keel_term value; // shared
    uint32_t holders; // the table, and readers that copy the value now; atomic
};

static struct kl_directory directory = KL_DIRECTORY(struct kl_cache);

static struct entry *new_entry(keel_term key, keel_term value);
static void unref(struct entry *entry);
static void discard(struct kl_shard *shard, struct kl_entry *gone);
static int64_t look(struct kl_table *table, struct kl_shard *shard, struct kl_entry *entry,
        int64_t now);
static void drop_promises(struct kl_shard *shard);
static keel_status put(struct kl_cache *cache, keel_term key, keel_term value,
        keel_duration ttl, void *job);

static const struct kl_table_kind kind = {
        .discard = discard, .look = look, .close = drop_promises};

// --- reading ---

struct kl_cache *kl_cache_find(keel_term name)
{
    return kl_directory_find(&directory, name);
}

static void unlink_use(struct kl_shard *shard, struct entry *entry)
{
    struct entry **from_newer = entry->newer != NULL ? &entry->newer->older
                                                     : (struct entry **)&shard->newest;
    struct entry **from_older = entry->older != NULL ? &entry->older->newer
                                                     : (struct entry **)&shard->oldest;
    *from_newer = entry->older;
    *from_older = entry->newer;
}

static void link_newest(struct kl_shard *shard, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = (struct entry *)shard->newest;
    if (entry->older != NULL) {
        entry->older->newer = entry;
    } else {
        shard->oldest = &entry->entry;
    }
    shard->newest = &entry->entry;
}

// The entry of a key that has not expired; one that has leaves the table.
static struct entry *find_live(
        struct kl_cache *cache, struct kl_shard *shard, keel_term key, uint64_t hash)
{
    struct kl_entry *found = kl_shard_find(shard, key, hash);
    if (found == NULL || found->due == INT64_MAX || found->due > kl_clock()) {
        return (struct entry *)found;
    }
    shard->counts[KL_CACHE_EXPIRED]++;
    kl_shard_remove(&cache->table, shard, found);
    return NULL;
}

// Takes the value along, and copies it when the lock is gone: copying may end the caller.
static keel_term read_value(struct kl_cache *cache, keel_term key, bool counted)
{
    if (cache == NULL || keel_is_none(key)) {
        return KEEL_NONE;
    }
    uint64_t hash = keel_hash(key);
    struct kl_shard *shard = kl_table_lock(&cache->table, hash);
    if (shard == NULL) {
        return KEEL_NONE;
    }
    struct entry *entry = find_live(cache, shard, key, hash);
    if (counted) {
        shard->counts[entry != NULL ? KL_CACHE_HITS : KL_CACHE_MISSES]++;
    }
    if (entry == NULL) {
        kl_table_unlock(shard);
        return KEEL_NONE;
    }
    if (cache->shard_max != 0 && shard->newest != &entry->entry) {
        unlink_use(shard, entry);
        link_newest(shard, entry);
    }
    __atomic_fetch_add(&entry->holders, 1, __ATOMIC_RELAXED);
    kl_table_unlock(shard);
    keel_term value = keel_copy(entry->value);
    unref(entry);
    return value;
}

keel_term keel_cache_get_term(keel_term name, keel_term key)
{
    return read_value(kl_cache_find(name), key, true);
}

keel_term kl_cache_peek(struct kl_cache *cache, keel_term key)
{
    return read_value(cache, key, false);
}

bool keel_cache_ttl_term(keel_term name, keel_term key, keel_duration *ret_left)
{
    struct kl_cache *cache = kl_cache_find(name);
    uint64_t hash = keel_is_none(key) ? 0 : keel_hash(key);
    struct kl_shard *shard = cache == NULL ? NULL : kl_table_lock(&cache->table, hash);
    if (shard == NULL) {
        return false;
    }
    struct entry *entry = keel_is_none(key) ? NULL : find_live(cache, shard, key, hash);
    bool there = entry != NULL;
    int64_t due = there ? entry->entry.due : 0;
    kl_table_unlock(shard);
    if (there) {
        *ret_left = due == INT64_MAX ? KEEL_FOREVER : due - kl_clock();
    }
    return there;
}

bool keel_cache_has_term(keel_term name, keel_term key)
{
    keel_duration left;
    return keel_cache_ttl_term(name, key, &left);
}

size_t keel_cache_size_term(keel_term name)
{
    struct kl_cache *cache = kl_cache_find(name);
    return cache == NULL ? 0 : kl_table_size(&cache->table);
}

keel_term keel_cache_stats_term(keel_term name)
{
    struct kl_cache *cache = kl_cache_find(name);
    if (cache == NULL || keel_whereis(name).word == 0) {
        return KEEL_NONE;
    }
    uint64_t count[KL_SHARD_COUNTS];
    kl_table_counts(&cache->table, count);
    uint64_t looks = count[KL_CACHE_HITS] + count[KL_CACHE_MISSES];
    double rate = looks == 0 ? 0.0 : (double)count[KL_CACHE_HITS] / (double)looks;
    return keel_make("#{kind => cache, size => S, max_entries => X, hits => H, misses => M,"
                     " hit_rate => R, puts => P, deleted => D, expired => E,"
                     " evicted => V, computed => C}",
            kl_table_size(&cache->table), cache->max_entries, count[KL_CACHE_HITS],
            count[KL_CACHE_MISSES], rate, count[KL_CACHE_PUTS], count[KL_CACHE_DELETED],
            count[KL_CACHE_EXPIRED], count[KL_CACHE_EVICTED], count[KL_CACHE_COMPUTED]);
}

// --- writing ---

keel_status keel_cache_put_term(
        keel_term name, keel_term key, const keel_cache_entry *entry)
{
    struct kl_cache *cache = kl_cache_find(name);
    if (keel_is_none(key) || entry == NULL || keel_is_none(entry->value) ||
            entry->ttl < 0) {
        return KEEL_E_BADARG;
    }
    return cache == NULL ? KEEL_E_NOPROC : put(cache, key, entry->value, entry->ttl, NULL);
}

// Takes a promise for the key out of the shard: that of `job`, or any when it is NULL.
static struct kl_promise *take_promise(
        struct kl_shard *shard, keel_term key, uint64_t hash, void *job)
{
    for (struct kl_promise **at = (struct kl_promise **)&shard->extra; *at != NULL;
            at = &(*at)->next) {
        struct kl_promise *promise = *at;
        if (promise->hash == hash && (job == NULL || promise->job == job) &&
                keel_equal(promise->key, key)) {
            *at = promise->next;
            return promise;
        }
    }
    return NULL;
}

static void free_promise(struct kl_promise *promise)
{
    if (promise != NULL) {
        keel_drop_shared(promise->key);
        free(promise);
    }
}

// Puts for a client (`job` is NULL), or for a job whose promise still stands.
static keel_status put(struct kl_cache *cache, keel_term key, keel_term value,
        keel_duration ttl, void *job)
{
    struct entry *entry = new_entry(key, value);
    if (entry == NULL) {
        return KEEL_E_NOMEM;
    }
    uint64_t hash = entry->entry.hash;
    struct kl_shard *shard = kl_table_lock(&cache->table, hash);
    if (shard == NULL) {
        unref(entry);
        return KEEL_E_NOPROC;
    }
    struct kl_promise *promise = take_promise(shard, key, hash, job);
    if (job != NULL && promise == NULL) {
        kl_table_unlock(shard);
        unref(entry);
        return KEEL_E_CANCELED;
    }
    ttl = ttl == 0 ? cache->ttl : ttl;
    int64_t due = ttl == 0 ? INT64_MAX : keel_deadline_in(ttl).at;
    struct kl_entry *old = kl_shard_find(shard, key, hash);
    if (old != NULL) {
        kl_shard_remove(&cache->table, shard, old);
    } else if (cache->shard_max != 0 && shard->entries >= cache->shard_max) {
        shard->counts[KL_CACHE_EVICTED]++;
        kl_shard_remove(&cache->table, shard, shard->oldest);
    }
    entry->entry.due = due;
    bool added = kl_shard_add(shard, &entry->entry);
    if (added) {
        link_newest(shard, entry);
        shard->counts[job == NULL ? KL_CACHE_PUTS : KL_CACHE_COMPUTED]++;
    }
    kl_table_unlock(shard);
    free_promise(promise);
    if (!added) {
        unref(entry);
        return KEEL_E_NOMEM;
    }
    kl_table_hasten(&cache->table, due);
    return KEEL_OK;
}

bool keel_cache_delete_term(keel_term name, keel_term key)
{
    struct kl_cache *cache = kl_cache_find(name);
    if (cache == NULL || keel_is_none(key)) {
        return false;
    }
    uint64_t hash = keel_hash(key);
    struct kl_shard *shard = kl_table_lock(&cache->table, hash);
    if (shard == NULL) {
        return false;
    }
    struct kl_promise *promise = take_promise(shard, key, hash, NULL);
    struct entry *entry = find_live(cache, shard, key, hash);
    bool there = entry != NULL;
    if (there) {
        shard->counts[KL_CACHE_DELETED]++;
        kl_shard_remove(&cache->table, shard, &entry->entry);
    }
    kl_table_unlock(shard);
    free_promise(promise);
    return there;
}

keel_status keel_cache_clear_term(keel_term name)
{
    struct kl_cache *cache = kl_cache_find(name);
    if (cache == NULL) {
        return KEEL_E_NOPROC;
    }
    bool open = false;
    for (uint64_t i = 0; i < KL_SHARDS; i++) {
        struct kl_shard *shard = kl_table_lock(&cache->table, i << 32);
        if (shard != NULL) {
            open = true;
            shard->counts[KL_CACHE_DELETED] += shard->entries;
            kl_shard_clear(&cache->table, shard);
            drop_promises(shard);
            kl_table_unlock(shard);
        }
    }
    return open ? KEEL_OK : KEEL_E_NOPROC;
}

// --- promises ---

void *kl_cache_promised(struct kl_cache *cache, keel_term key)
{
    uint64_t hash = keel_hash(key);
    struct kl_shard *shard = kl_table_lock(&cache->table, hash);
    void *job = NULL;
    for (struct kl_promise *promise = shard == NULL ? NULL : shard->extra;
            promise != NULL && job == NULL; promise = promise->next) {
        bool same = promise->hash == hash && keel_equal(promise->key, key);
        job = same ? promise->job : NULL;
    }
    if (shard != NULL) {
        kl_table_unlock(shard);
    }
    return job;
}

keel_status kl_cache_promise(struct kl_cache *cache, keel_term key, void *job)
{
    struct kl_promise *promise = malloc(sizeof *promise);
    keel_term shared = promise == NULL ? KEEL_NONE : keel_keep_shared(key);
    if (keel_is_none(shared)) {
        free(promise);
        return KEEL_E_NOMEM;
    }
    *promise = (struct kl_promise){.key = shared, .hash = keel_hash(key), .job = job};
    struct kl_shard *shard = kl_table_lock(&cache->table, promise->hash);
    if (shard == NULL) {
        free_promise(promise);
        return KEEL_E_NOPROC;
    }
    promise->next = shard->extra;
    shard->extra = promise;
    kl_table_unlock(shard);
    return KEEL_OK;
}

void kl_cache_keep_promise(struct kl_cache *cache, keel_term key, void *job,
        keel_term value, keel_duration ttl)
{
    if (!keel_is_none(value)) {
        (void)put(cache, key, value, ttl, job);
    }
    // Broken, or not kept for want of memory.
    uint64_t hash = keel_hash(key);
    struct kl_shard *shard = kl_table_lock(&cache->table, hash);
    if (shard != NULL) {
        struct kl_promise *promise = take_promise(shard, key, hash, job);
        kl_table_unlock(shard);
        free_promise(promise);
    }
}

static void drop_promises(struct kl_shard *shard)
{
    while (shard->extra != NULL) {
        struct kl_promise *promise = shard->extra;
        shard->extra = promise->next;
        free_promise(promise);
    }
}

// --- entries ---

static struct entry *new_entry(keel_term key, keel_term value)
{
    struct entry *entry = malloc(sizeof *entry);
    if (entry == NULL) {
        return NULL;
    }
    *entry = (struct entry){.holders = 1};
    entry->entry.hash = keel_hash(key);
    entry->entry.key = keel_keep_shared(key);
    entry->value = keel_keep_shared(value);
    if (keel_is_none(entry->entry.key) || keel_is_none(entry->value)) {
        unref(entry);
        return NULL;
    }
    return entry;
}

static void unref(struct entry *entry)
{
    // Acquire and release: whoever frees it has seen all others read it.
    if (__atomic_sub_fetch(&entry->holders, 1, __ATOMIC_ACQ_REL) == 0) {
        keel_drop_shared(entry->entry.key);
        keel_drop_shared(entry->value);
        free(entry);
    }
}

static void discard(struct kl_shard *shard, struct kl_entry *gone)
{
    struct entry *entry = (struct entry *)gone;
    unlink_use(shard, entry);
    unref(entry);
}

static int64_t look(
        struct kl_table *table, struct kl_shard *shard, struct kl_entry *entry, int64_t now)
{
    (void)table;
    (void)now;
    shard->counts[KL_CACHE_EXPIRED]++;
    return entry->due;
}

// --- the table ---

static void prepare(struct kl_table *table, void *context)
{
    struct kl_cache *cache = (struct kl_cache *)table;
    const keel_cache_opts *opts = context;
    cache->ttl = opts->ttl;
    cache->max_entries = opts->max_entries;
    cache->shard_max = opts->max_entries / table->used;
}

// The order of use is kept a shard: a small cache has one, so that its limit and its order
// are exact.
struct kl_cache *kl_cache_open(const keel_cache_opts *opts)
{
    enum { LEAST_SHARE = 256 };
    uint32_t shards = KL_SHARDS;
    while (opts->max_entries != 0 && shards > 1 &&
            opts->max_entries / shards < LEAST_SHARE) {
        shards /= 2;
    }
    return (struct kl_cache *)kl_table_open(
            &directory, opts->name, &kind, shards, prepare, (void *)opts);
}
