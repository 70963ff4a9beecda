#ifndef KEEL_PARTS_LIMITER_H
#define KEEL_PARTS_LIMITER_H

#include <keel/supervisor.h>

// Rate limiters: how often something may happen, for each key.
//
//   keel_child_spec children[] = {keel_limiter_child(
//           .name = keel_atom(logins), .limit = 5, .per = KEEL_MINUTES(1))};
//   …
//   keel_duration wait;
//   if (keel_limiter_check("logins", address, &wait) == KEEL_E_OVERLOAD) …
//
// A limiter is known by its name, an atom or a C string; its keys lie in a table that every
// process and thread changes under short locks, so that checking asks no process. A key
// takes memory from its first use until it has been idle for a second, that is until it may
// again do all it ever may; then it goes by itself. When the limiter's process ends, all
// keys are as new.

KEEL_BEGIN_DECLS

typedef enum keel_limiter_kind {
    /// A key has a bucket of `burst` tokens, at first full, that fills at `limit` tokens in
    /// `per`: smooth, 8 bytes a key beside the key itself.
    KEEL_TOKEN_BUCKET,
    /// In any stretch of time as long as `per` no more than `limit`: remembers when each
    /// was.
    KEEL_SLIDING_WINDOW,
} keel_limiter_kind;

/// What a limiter is; zeroed: the defaults given here.
typedef struct keel_limiter_opts {
    keel_term name; ///< an atom, needed
    keel_limiter_kind kind; ///< token bucket
    uint32_t limit; ///< at least 1; needed
    keel_duration per; ///< 0: 1 s
    uint32_t burst; ///< of a token bucket; 0: `limit`
} keel_limiter_opts;

// --- starting ---

/// Starts a limiter linked to the caller: keel_limiter_start_link(.name =
/// keel_atom(logins), .limit = 5, .per = KEEL_MINUTES(1)). KEEL_E_BADARG with {badarg,
/// Option}; else as keel_gen_server_start_link. @thread process @since 0.1
#define keel_limiter_start_link(...)                                                       \
    keel_limiter_start_link_opt(KEEL_OPTS(keel_limiter_opts, __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_limiter_start_link_opt(
        const keel_limiter_opts *opts);
/// A limiter as a child of a supervisor, with its name as id. @thread any @since 0.1
#define keel_limiter_child(...) keel_limiter_spec(KEEL_OPTS(keel_limiter_opts, __VA_ARGS__))
KEEL_API keel_child_spec keel_limiter_spec(const keel_limiter_opts *opts);

// --- using ---

/// Takes one for `key`, or `cost` at once. What is refused takes nothing.
/// @param ret_retry_after  KEEL_E_OVERLOAD: when it would be allowed, in whole
/// milliseconds;
///                         0: never, `cost` is too much at once; else 0. May be NULL
/// @return KEEL_OK: allowed; KEEL_E_OVERLOAD: refused; KEEL_E_NOPROC (no such limiter),
///         KEEL_E_NOMEM, KEEL_E_BADARG (no key)
/// @thread any @since 0.1
#define keel_limiter_check(limiter, key, ret_retry_after)                                  \
    keel_limiter_check_term(KEEL_TO(limiter), (key), 1, (ret_retry_after))
#define keel_limiter_check_cost(limiter, key, cost, ret_retry_after)                       \
    keel_limiter_check_term(KEEL_TO(limiter), (key), (cost), (ret_retry_after))
KEEL_API KEEL_MUST_USE keel_status keel_limiter_check_term(
        keel_term limiter, keel_term key, uint32_t cost, keel_duration *ret_retry_after);

/// How many `key` may take at this moment; takes none. KEEL_OK, KEEL_E_NOPROC,
/// KEEL_E_BADARG. @thread any @since 0.1
#define keel_limiter_left(limiter, key, ret_left)                                          \
    keel_limiter_left_term(KEEL_TO(limiter), (key), (ret_left))
KEEL_API KEEL_MUST_USE keel_status keel_limiter_left_term(
        keel_term limiter, keel_term key, uint32_t *ret_left);
/// Makes `key` as new. KEEL_OK, KEEL_E_NOPROC, KEEL_E_BADARG. @thread any @since 0.1
#define keel_limiter_reset(limiter, key) keel_limiter_reset_term(KEEL_TO(limiter), (key))
KEEL_API keel_status keel_limiter_reset_term(keel_term limiter, keel_term key);

/// The number of keys that take memory now. @thread any @since 0.1
#define keel_limiter_size(limiter) keel_limiter_size_term(KEEL_TO(limiter))
KEEL_API size_t keel_limiter_size_term(keel_term limiter);
/// Figures since the start: #{kind => limiter, algorithm => token_bucket | sliding_window,
/// limit, per_ms, keys, allowed, refused, dropped} (dropped: keys that went idle);
/// KEEL_NONE when there is no such limiter. @thread any @since 0.1
#define keel_limiter_stats(limiter) keel_limiter_stats_term(KEEL_TO(limiter))
KEEL_API keel_term keel_limiter_stats_term(keel_term limiter);

KEEL_END_DECLS

#endif // KEEL_PARTS_LIMITER_H
