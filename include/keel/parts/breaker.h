#ifndef KEEL_PARTS_BREAKER_H
#define KEEL_PARTS_BREAKER_H

#include <keel/supervisor.h>

// Circuit breakers: what keeps failing is left alone for a while.
//
//   keel_child_spec children[] = {keel_breaker_child(.name = keel_atom(payments))};
//   …
//   keel_status status = keel_breaker_run("payments", charge, &order);
//
//   closed ──(failures)──▸ open ──(reset_after)──▸ half open ──(a trial succeeds)──▸ closed
//                           ▴────(a trial fails)────────┘
//
// Closed, everybody is let through. Open, everybody is refused at once. Half open, one at a
// time is let through, to try. A breaker is known by its name; asking it is one look at
// memory, no message.

KEEL_BEGIN_DECLS

/// What a breaker is; zeroed: the defaults given here.
typedef struct keel_breaker_opts {
    keel_term name; ///< an atom, needed
    unsigned failures; ///< so many open it; 0: 5
    keel_duration within; ///< counts failures in so long a time; 0: failures in a row
    keel_duration reset_after; ///< how long it stays open; 0: 30 s
    unsigned successes; ///< so many trials in a row close it; 0: 1
    keel_term pubsub; ///< a publisher that tells each change to the topic of the breaker's
                      ///< name: {breaker, Name, closed | open | half_open}; KEEL_NONE: none
} keel_breaker_opts;

// --- starting ---

/// Starts a breaker linked to the caller: keel_breaker_start_link(.name =
/// keel_atom(payments), .failures = 3). KEEL_E_BADARG with {badarg, Option}; else as
/// keel_gen_server_start_link. @thread process @since 0.1
#define keel_breaker_start_link(...)                                                       \
    keel_breaker_start_link_opt(KEEL_OPTS(keel_breaker_opts, __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_breaker_start_link_opt(
        const keel_breaker_opts *opts);
/// A breaker as a child of a supervisor, with its name as id. @thread any @since 0.1
#define keel_breaker_child(...) keel_breaker_spec(KEEL_OPTS(keel_breaker_opts, __VA_ARGS__))
KEEL_API keel_child_spec keel_breaker_spec(const keel_breaker_opts *opts);

// --- using ---

/// Runs fn(context) in the caller if the breaker lets it. Anything but KEEL_OK is a
/// failure, and so is an exit, which goes on after it was counted.
/// @return what fn gave; KEEL_E_REFUSED: the breaker is open; KEEL_E_NOPROC: there is none
/// @thread any @since 0.1
#define keel_breaker_run(breaker, fn, context)                                             \
    keel_breaker_run_term(KEEL_TO(breaker), (fn), (context))
KEEL_API KEEL_MUST_USE keel_status keel_breaker_run_term(
        keel_term breaker, keel_status (*fn)(void *context), void *context);

/// For what is no single function: a permission, to be reported on once. Reports on one
/// that was given before the breaker changed count nothing; a trial that nobody reports on
/// counts as failed after `reset_after`.
typedef struct keel_permit {
    void *breaker;
    uint64_t turn;
} keel_permit;
/// KEEL_OK, KEEL_E_REFUSED, KEEL_E_NOPROC. @thread any @since 0.1
#define keel_breaker_ask(breaker, ret_permit)                                              \
    keel_breaker_ask_term(KEEL_TO(breaker), (ret_permit))
KEEL_API KEEL_MUST_USE keel_status keel_breaker_ask_term(
        keel_term breaker, keel_permit *ret_permit);
/// Tells how it went. @thread any @since 0.1
KEEL_API void keel_breaker_report(keel_permit permit, bool success);

/// Closes it, or opens it for `reset_after`, whatever was. KEEL_OK, KEEL_E_NOPROC.
/// @thread any @since 0.1
#define keel_breaker_close(breaker) keel_breaker_set_term(KEEL_TO(breaker), false)
#define keel_breaker_open(breaker) keel_breaker_set_term(KEEL_TO(breaker), true)
KEEL_API keel_status keel_breaker_set_term(keel_term breaker, bool open);

/// The atom closed, open or half_open; KEEL_NONE when there is no such breaker.
/// @thread any @since 0.1
#define keel_breaker_state(breaker) keel_breaker_state_term(KEEL_TO(breaker))
KEEL_API keel_term keel_breaker_state_term(keel_term breaker);
/// Figures since the start: #{kind => breaker, state, failures (that count at present),
/// succeeded, failed, refused, opened, retry_after_ms}; KEEL_NONE when there is no such
/// breaker. @thread any @since 0.1
#define keel_breaker_stats(breaker) keel_breaker_stats_term(KEEL_TO(breaker))
KEEL_API keel_term keel_breaker_stats_term(keel_term breaker);

KEEL_END_DECLS

#endif // KEEL_PARTS_BREAKER_H
