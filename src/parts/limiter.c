// Rate limiters: a table of keys, and a process that sweeps the idle ones out.

#include "options.h"
#include "rate.h"
#include "table.h"

#include <keel/gen_server.h>
#include <keel/parts/limiter.h>
#include <stdlib.h>

enum { ALLOWED, REFUSED, DROPPED }; // shard->counts

struct limiter {
    struct kl_table table; // first
    keel_limiter_opts opts;
    struct kl_bucket_rate rate;
};

// One key. Entries of buckets are allocated without room for a window.
struct key {
    struct kl_entry entry; // first
    union {
        struct kl_bucket bucket;
        struct kl_window window;
    };
};

struct state {
    struct limiter *limiter;
    keel_ref sweep; // a timer
};

static keel_result init(keel_term argument, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_info(keel_term message, void *state);
static void discard_bucket(struct kl_shard *shard, struct kl_entry *entry);
static void discard_window(struct kl_shard *shard, struct kl_entry *entry);
static int64_t look(struct kl_table *table, struct kl_shard *shard, struct kl_entry *entry,
        int64_t now);

static struct kl_directory directory = KL_DIRECTORY(struct limiter);
static const struct kl_table_kind buckets = {.discard = discard_bucket, .look = look};
static const struct kl_table_kind windows = {.discard = discard_window, .look = look};
static const keel_gen_server limiter_server = {
        .name = "limiter",
        .state = {.bytes = sizeof(struct state)},
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};
static const struct kl_options layout = KL_OPTIONS(
        keel_limiter_opts, offsetof(keel_limiter_opts, name));

// --- the process ---

keel_started keel_limiter_start_link_opt(const keel_limiter_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_limiter_opts){0};
    keel_term wrong = !keel_is_atom(opts->name) ? keel_atom(name)
                      : opts->limit == 0        ? keel_atom(limit)
                      : opts->per < 0           ? keel_atom(per)
                                                : KEEL_NONE;
    if (!keel_is_none(wrong)) {
        return (keel_started){
                .status = KEEL_E_BADARG, .reason = keel_tuple_of(keel_atom(badarg), wrong)};
    }
    return keel_gen_server_start_link(
            &limiter_server, kl_options_pack(&layout, opts), .name = opts->name);
}

static keel_started start_child(keel_term packed)
{
    keel_limiter_opts opts;
    return kl_options_unpack(&layout, packed, &opts)
                   ? keel_limiter_start_link_opt(&opts)
                   : keel_started_failed(keel_atom(badarg));
}

keel_child_spec keel_limiter_spec(const keel_limiter_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_limiter_opts){0};
    return (keel_child_spec){.id = opts->name,
            .start = start_child,
            .argument = kl_options_pack(&layout, opts)};
}

static void prepare(struct kl_table *table, void *context)
{
    struct limiter *limiter = (struct limiter *)table;
    const keel_limiter_opts *opts = context;
    limiter->opts = *opts;
    limiter->rate = kl_bucket_rate(opts->limit, opts->per, opts->burst);
}

static keel_result init(keel_term argument, void *at)
{
    struct state *state = at;
    keel_limiter_opts opts;
    kl_options_unpack(&layout, argument, &opts);
    opts.per = kl_or(opts.per, KEEL_SECONDS(1));
    opts.burst = (uint32_t)kl_or(opts.burst, opts.limit);
    state->limiter = (struct limiter *)kl_table_open(&directory, opts.name,
            opts.kind == KEEL_SLIDING_WINDOW ? &windows : &buckets, KL_SHARDS, prepare,
            &opts);
    return state->limiter != NULL ? keel_ok() : keel_stop_with(keel_atom(system_limit));
}

static keel_result handle_call(keel_term request, keel_from from, void *at)
{
    (void)from;
    struct state *state = at;
    if (keel_is(request, stats)) {
        return keel_reply(keel_limiter_stats_term(state->limiter->opts.name));
    }
    return keel_unexpected(request);
}

static keel_result handle_info(keel_term message, void *at)
{
    struct state *state = at;
    if (keel_is(message, sweep)) {
        kl_table_sweep(&state->limiter->table, &state->sweep);
        return keel_noreply();
    }
    return keel_unexpected(message);
}

// --- keys ---

static bool is_window(const struct limiter *limiter)
{
    return limiter->opts.kind == KEEL_SLIDING_WINDOW;
}

static struct key *new_key(const struct limiter *limiter, keel_term term, uint64_t hash)
{
    // A bucket's key is as long as its entry and the bucket.
    size_t bytes = is_window(limiter)
                           ? sizeof(struct key)
                           : offsetof(struct key, bucket) + sizeof(struct kl_bucket);
    struct key *key = calloc(1, bytes);
    keel_term shared = key == NULL ? KEEL_NONE : keel_keep_shared(term);
    if (keel_is_none(shared)) {
        free(key);
        return NULL;
    }
    key->entry.key = shared;
    key->entry.hash = hash;
    return key;
}

static void discard_bucket(struct kl_shard *shard, struct kl_entry *entry)
{
    (void)shard;
    keel_drop_shared(entry->key);
    free(entry);
}

static void discard_window(struct kl_shard *shard, struct kl_entry *entry)
{
    kl_window_done(&((struct key *)entry)->window);
    discard_bucket(shard, entry);
}

// When a key may do all that it ever may.
static int64_t idle_at(const struct limiter *limiter, const struct key *key)
{
    return is_window(limiter) ? kl_window_idle_at(&key->window, limiter->opts.per)
                              : key->bucket.full_at;
}

// A key is looked at when it would have been idle for a while had it not been used since;
// so using one does not have to move it. A bucket of many tokens is full again in less than
// a microsecond: without the while its key would be made and swept out at every use.
static int64_t to_be_looked_at(int64_t idle_at)
{
    static const int64_t linger = KEEL_SECONDS(1);
    return idle_at > INT64_MAX - linger ? INT64_MAX : idle_at + linger;
}

static int64_t look(
        struct kl_table *table, struct kl_shard *shard, struct kl_entry *entry, int64_t now)
{
    int64_t at = idle_at((struct limiter *)table, (struct key *)entry);
    shard->counts[DROPPED] += at <= now;
    return at <= now ? at : to_be_looked_at(at);
}

// Takes from a key of the shard: 0, how long to wait, INT64_MAX, or -1: no memory.
static int64_t take(const struct limiter *limiter, struct key *key, uint32_t cost)
{
    int64_t now = kl_clock();
    return is_window(limiter) ? kl_window_take(&key->window, limiter->opts.limit,
                                        limiter->opts.per, cost, now)
                              : kl_bucket_take(&key->bucket, &limiter->rate, cost, now);
}

// Adds a key that was not there and takes from it; `*ret_due` when the sweep is to look.
static int64_t take_first(struct limiter *limiter, struct kl_shard *shard, struct key *key,
        uint32_t cost, int64_t *ret_due)
{
    int64_t wait = take(limiter, key, cost);
    if (wait != 0) {
        return wait;
    }
    key->entry.due = to_be_looked_at(idle_at(limiter, key));
    if (!kl_shard_add(shard, &key->entry)) {
        return -1;
    }
    *ret_due = key->entry.due;
    return 0;
}

keel_status keel_limiter_check_term(
        keel_term name, keel_term term, uint32_t cost, keel_duration *ret_retry_after)
{
    struct limiter *limiter = kl_directory_find(&directory, name);
    if (keel_is_none(term)) {
        return KEEL_E_BADARG;
    }
    uint64_t hash = keel_hash(term);
    struct kl_shard *shard = limiter == NULL ? NULL : kl_table_lock(&limiter->table, hash);
    if (shard == NULL) {
        return KEEL_E_NOPROC;
    }
    struct key *key = (struct key *)kl_shard_find(shard, term, hash);
    int64_t due = INT64_MAX;
    int64_t wait;
    if (key != NULL) {
        wait = take(limiter, key, cost);
    } else if (key = new_key(limiter, term, hash), key == NULL) {
        wait = -1;
    } else {
        wait = take_first(limiter, shard, key, cost, &due);
        if (wait != 0) {
            limiter->table.kind->discard(shard, &key->entry);
        }
    }
    shard->counts[ALLOWED] += wait == 0;
    shard->counts[REFUSED] += wait > 0;
    kl_table_unlock(shard);
    kl_table_hasten(&limiter->table, due);
    if (ret_retry_after != NULL) {
        int64_t whole = wait / KEEL_MS(1) + (wait % KEEL_MS(1) != 0);
        *ret_retry_after = wait <= 0 || wait == INT64_MAX ? 0 : KEEL_MS(whole);
    }
    return wait == 0 ? KEEL_OK : wait < 0 ? KEEL_E_NOMEM : KEEL_E_OVERLOAD;
}

// Finds a key under its shard's lock. KEEL_OK with `*ret_key` NULL: it is as new.
static keel_status find(struct limiter *limiter, keel_term term,
        struct kl_shard **ret_shard, struct key **ret_key)
{
    if (keel_is_none(term)) {
        return KEEL_E_BADARG;
    }
    uint64_t hash = keel_hash(term);
    *ret_shard = limiter == NULL ? NULL : kl_table_lock(&limiter->table, hash);
    if (*ret_shard == NULL) {
        return KEEL_E_NOPROC;
    }
    *ret_key = (struct key *)kl_shard_find(*ret_shard, term, hash);
    return KEEL_OK;
}

keel_status keel_limiter_left_term(keel_term name, keel_term term, uint32_t *ret_left)
{
    struct limiter *limiter = kl_directory_find(&directory, name);
    struct kl_shard *shard;
    struct key *key;
    keel_status status = find(limiter, term, &shard, &key);
    if (status != KEEL_OK) {
        return status;
    }
    const keel_limiter_opts *opts = &limiter->opts;
    uint32_t left = is_window(limiter) ? opts->limit : opts->burst;
    if (key != NULL) {
        left = is_window(limiter)
                       ? kl_window_left(&key->window, opts->limit, opts->per, kl_clock())
                       : kl_bucket_left(&key->bucket, &limiter->rate, kl_clock());
    }
    kl_table_unlock(shard);
    *ret_left = left;
    return KEEL_OK;
}

keel_status keel_limiter_reset_term(keel_term name, keel_term term)
{
    struct limiter *limiter = kl_directory_find(&directory, name);
    struct kl_shard *shard;
    struct key *key;
    keel_status status = find(limiter, term, &shard, &key);
    if (status != KEEL_OK) {
        return status;
    }
    if (key != NULL) {
        kl_shard_remove(&limiter->table, shard, &key->entry);
    }
    kl_table_unlock(shard);
    return KEEL_OK;
}

size_t keel_limiter_size_term(keel_term name)
{
    struct limiter *limiter = kl_directory_find(&directory, name);
    return limiter == NULL ? 0 : kl_table_size(&limiter->table);
}

keel_term keel_limiter_stats_term(keel_term name)
{
    struct limiter *limiter = kl_directory_find(&directory, name);
    if (limiter == NULL || keel_whereis(name).word == 0) {
        return KEEL_NONE;
    }
    uint64_t count[KL_SHARD_COUNTS];
    kl_table_counts(&limiter->table, count);
    return keel_make(
            "#{kind => limiter, algorithm => G, limit => L, per_ms => P, keys => K,"
            " allowed => A, refused => R, dropped => D}",
            is_window(limiter) ? keel_atom(sliding_window) : keel_atom(token_bucket),
            limiter->opts.limit, limiter->opts.per / KEEL_MS(1),
            kl_table_size(&limiter->table), count[ALLOWED], count[REFUSED], count[DROPPED]);
}
