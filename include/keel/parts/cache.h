#ifndef KEEL_PARTS_CACHE_H
#define KEEL_PARTS_CACHE_H

#include <keel/supervisor.h>

// Caches: terms by key, for a while.
//
//   keel_child_spec children[] = {keel_cache_child(.name = keel_atom(pages),
//           .ttl = KEEL_MINUTES(5), .max_entries = 10000)};
//   …
//   keel_cache_put("pages", keel_string("/"), page);
//   keel_term page = keel_cache_get("pages", keel_string("/"));     // KEEL_NONE: a miss
//   keel_cache_fetch("pages", keel_string("/"), &page, render, .ttl = KEEL_SECONDS(30));
//
// A cache is known by its name, an atom or a C string. Its entries lie in a table that
// every process and thread reads and writes under short locks, so that reading asks no
// process. What is due goes by itself, at a cost of what is due. When the cache's process
// ends, its entries go; while it does not run every look is a miss.
//
// Keys are compared exactly: 1 and 1.0 are two. What is put is copied, and so is what is
// got.

KEEL_BEGIN_DECLS

/// Makes the value of a key that is missed. KEEL_NONE: there is none.
typedef keel_term (*keel_cache_compute)(keel_term key, keel_term argument);

/// What a cache is; zeroed: the defaults given here.
typedef struct keel_cache_opts {
    keel_term name; ///< an atom, needed
    keel_duration ttl; ///< how long an entry stays that is put without one; 0: for good
    /// Beyond so many entries the one that was not used for longest makes room; 0: no
    /// limit. Large caches keep that order in parts, each with its share of the limit.
    size_t max_entries;
    /// Fills the cache: called in a process of its own when the cache has started and then
    /// every `warm_every`, with the cache's name; not while it still runs. NULL: nobody
    /// does.
    void (*warm)(keel_term cache, keel_term argument);
    keel_duration warm_every; ///< 0: only once
    keel_term warm_argument;
} keel_cache_opts;

// --- starting ---

/// Starts a cache linked to the caller: keel_cache_start_link(.name = keel_atom(pages)).
/// KEEL_E_BADARG: an option is wrong, {badarg, Option}; else as keel_gen_server_start_link.
/// @thread process @since 0.1
#define keel_cache_start_link(...)                                                         \
    keel_cache_start_link_opt(KEEL_OPTS(keel_cache_opts, __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_cache_start_link_opt(const keel_cache_opts *opts);
/// A cache as a child of a supervisor, with its name as id. @thread any @since 0.1
#define keel_cache_child(...) keel_cache_spec(KEEL_OPTS(keel_cache_opts, __VA_ARGS__))
KEEL_API keel_child_spec keel_cache_spec(const keel_cache_opts *opts);

// --- using ---

/// The value of `key`, or KEEL_NONE; counted as a hit or a miss. @thread any @since 0.1
#define keel_cache_get(cache, key) keel_cache_get_term(KEEL_TO(cache), (key))
KEEL_API keel_term keel_cache_get_term(keel_term cache, keel_term key);
/// True when there is a value; not counted. @thread any @since 0.1
#define keel_cache_has(cache, key) keel_cache_has_term(KEEL_TO(cache), (key))
KEEL_API bool keel_cache_has_term(keel_term cache, keel_term key);

/// What is put; the macro takes the value first and the rest by name.
typedef struct keel_cache_entry {
    keel_term value;
    keel_duration ttl; ///< 0: the cache's; KEEL_FOREVER: for good
} keel_cache_entry;
/// Sets the value of `key`: keel_cache_put("pages", key, page, .ttl = KEEL_SECONDS(30)).
/// @return KEEL_OK, KEEL_E_NOPROC (no such cache), KEEL_E_NOMEM, KEEL_E_BADARG
/// @thread any @since 0.1
#define keel_cache_put(cache, key, ...)                                                    \
    keel_cache_put_term(                                                                   \
            KEEL_TO(cache), (key), KEEL_OPTS(keel_cache_entry, .value = __VA_ARGS__))
KEEL_API keel_status keel_cache_put_term(
        keel_term cache, keel_term key, const keel_cache_entry *entry);
/// Removes `key`, also what a fetch computes for it at this moment: that is given to those
/// who wait but not kept. True when there was a value. @thread any @since 0.1
#define keel_cache_delete(cache, key) keel_cache_delete_term(KEEL_TO(cache), (key))
KEEL_API bool keel_cache_delete_term(keel_term cache, keel_term key);
/// Removes everything. KEEL_OK, KEEL_E_NOPROC. @thread any @since 0.1
#define keel_cache_clear(cache) keel_cache_clear_term(KEEL_TO(cache))
KEEL_API keel_status keel_cache_clear_term(keel_term cache);

/// How a missed value comes to be; the macro takes `compute` first and the rest by name.
typedef struct keel_cache_source {
    keel_cache_compute compute;
    keel_term argument; ///< of compute; KEEL_NONE: []
    keel_duration ttl; ///< as in keel_cache_put
    keel_duration timeout; ///< how long the caller waits; 0: 5 s; KEEL_FOREVER
} keel_cache_source;
/// The value of `key`, computed when it is missed: once, in a process of its own, however
/// many ask meanwhile. It goes on when those who wait give up.
///   keel_cache_fetch("pages", key, &page, render, .argument = user)
/// @param ret_value  KEEL_OK: the value; KEEL_E_EXIT: the reason `compute` ended with
/// @return KEEL_OK; KEEL_E_REFUSED: compute gave KEEL_NONE; KEEL_E_EXIT, KEEL_E_TIMEOUT,
///         KEEL_E_NOPROC and what keel_call gives
/// @thread any @since 0.1
#define keel_cache_fetch(cache, key, ret_value, ...)                                       \
    keel_cache_fetch_term(KEEL_TO(cache), (key), (ret_value),                              \
            KEEL_OPTS(keel_cache_source, .compute = __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_status keel_cache_fetch_term(keel_term cache, keel_term key,
        keel_term *ret_value, const keel_cache_source *source);

// --- looking ---

/// The number of entries. @thread any @since 0.1
#define keel_cache_size(cache) keel_cache_size_term(KEEL_TO(cache))
KEEL_API size_t keel_cache_size_term(keel_term cache);
/// True and how long the value of `key` has left, KEEL_FOREVER when it stays.
/// @thread any @since 0.1
#define keel_cache_ttl(cache, key, ret_left)                                               \
    keel_cache_ttl_term(KEEL_TO(cache), (key), (ret_left))
KEEL_API bool keel_cache_ttl_term(keel_term cache, keel_term key, keel_duration *ret_left);
/// Figures since the start: #{kind => cache, size, max_entries, hits, misses, hit_rate,
/// puts, deleted, expired, evicted, computed}; KEEL_NONE when there is no such cache.
/// @thread any @since 0.1
#define keel_cache_stats(cache) keel_cache_stats_term(KEEL_TO(cache))
KEEL_API keel_term keel_cache_stats_term(keel_term cache);

KEEL_END_DECLS

#endif // KEEL_PARTS_CACHE_H
