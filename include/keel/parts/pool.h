#ifndef KEEL_PARTS_POOL_H
#define KEEL_PARTS_POOL_H

#include <keel/parts/retry.h>
#include <keel/supervisor.h>

// Pools of connections, or of whatever else is dear to open and used by one at a time.
//
//   static const keel_pool_kind database = {.name = "database", .open = connect,
//           .close = disconnect, .check = ping};
//
//   keel_child_spec children[] = {keel_pool_child(&database, .name = keel_atom(db),
//           .size = 10)};
//   …
//   keel_status status = keel_pool_with("db", select_user, &user);
//
// or, where one function will not do,
//
//   keel_lease lease;
//   if (keel_pool_checkout("db", KEEL_IN(KEEL_SECONDS(1)), &lease) == KEEL_OK) {
//       query(lease.connection);
//       keel_pool_checkin(&lease);
//   }
//
// Who borrows waits in a queue until its deadline. A borrower that ends gives back what it
// had: it is reset, or closed and replaced. Connections are opened, checked and reset in
// processes of their own, so the pool is never held up by them; when opening fails it is
// tried again, later and later. When the pool ends, idle connections are closed, and lent
// ones when their borrower gives them back or ends: no connection is ever lent twice, none
// is left open.

KEEL_BEGIN_DECLS

/// A kind of connection. Static: it must outlive its pools and connections.
typedef struct keel_pool_kind {
    const char *name;
    /// Opens one; NULL: it failed, and `*ret_reason` may say why. In a process of its own;
    /// may wait and block as any process may.
    void *(*open)(keel_term argument, keel_term *ret_reason);
    /// Closes one, exactly once, on any thread, when nobody uses it any more. May not call
    /// Keel.
    void (*close)(void *connection);
    /// Whether one that has been idle still works; NULL: it is taken for granted. In a
    /// process of its own.
    bool (*check)(void *connection);
    /// Makes one fit for the next borrower after one has ended while it had it; false: it
    /// cannot be. NULL: such a connection is closed. In a process of its own.
    bool (*reset)(void *connection);
} keel_pool_kind;

/// What a pool is; zeroed: the defaults given here.
typedef struct keel_pool_opts {
    const keel_pool_kind *kind; ///< needed
    keel_term argument; ///< of open; KEEL_NONE: []
    keel_term name; ///< as keel_start_opts.name
    unsigned size; ///< connections that are kept; 0: 10
    unsigned overflow; ///< so many more while all are lent; closed when given back
    bool lazy; ///< opens them when they are needed, not at the start
    size_t queue_limit; ///< most borrowers that wait; 0: no limit
    keel_duration check_every; ///< checks those idle for so long; 0: 30 s
    keel_backoff backoff; ///< of opening
} keel_pool_opts;

// --- starting ---

/// Starts a pool linked to the caller; does not wait for connections:
/// keel_pool_start_link(&database, .size = 5). KEEL_E_BADARG with {badarg, Option}; else as
/// keel_gen_server_start_link. @thread process @since 0.1
#define keel_pool_start_link(...)                                                          \
    keel_pool_start_link_opt(KEEL_OPTS(keel_pool_opts, .kind = __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_pool_start_link_opt(const keel_pool_opts *opts);
/// A pool as a child of a supervisor, its id its name, or pool. @thread any @since 0.1
#define keel_pool_child(...) keel_pool_spec(KEEL_OPTS(keel_pool_opts, .kind = __VA_ARGS__))
KEEL_API keel_child_spec keel_pool_spec(const keel_pool_opts *opts);

// --- borrowing; `pool` is any name of a server ---

/// A connection on loan.
typedef struct keel_lease {
    void *connection; ///< NULL: none
    keel_term handle; // keeps it open
    keel_pid pool;
    uint64_t loan;
} keel_lease;

/// Borrows a connection for the calling process.
/// @param ret_lease  to be given back with keel_pool_checkin or keel_pool_discard
/// @return KEEL_OK, KEEL_E_TIMEOUT, KEEL_E_OVERLOAD (the queue is full), KEEL_E_OUTSIDE,
///         KEEL_E_NOPROC, KEEL_E_EXIT and what else keel_call gives
/// @thread process @since 0.1
#define keel_pool_checkout(pool, deadline, ret_lease)                                      \
    keel_pool_checkout_term(KEEL_TO(pool), (deadline), (ret_lease))
KEEL_API KEEL_MUST_USE keel_status keel_pool_checkout_term(
        keel_term pool, keel_deadline deadline, keel_lease *ret_lease);
/// Gives it back; a lease that was given back already is fine. @thread process @since 0.1
KEEL_API void keel_pool_checkin(keel_lease *lease);
/// Gives it back as broken: it is closed, and replaced. @thread process @since 0.1
KEEL_API void keel_pool_discard(keel_lease *lease);

/// Runs fn(connection, context) with a borrowed connection, waiting for one up to 5 s or
/// until a deadline. An exit of fn discards the connection and goes on.
/// @return what fn gave, or what keel_pool_checkout gives @thread process @since 0.1
#define keel_pool_with(pool, fn, context)                                                  \
    keel_pool_with_term(KEEL_TO(pool), KEEL_IN(KEEL_SECONDS(5)), (fn), (context))
#define keel_pool_with_within(pool, deadline, fn, context)                                 \
    keel_pool_with_term(KEEL_TO(pool), (deadline), (fn), (context))
KEEL_API KEEL_MUST_USE keel_status keel_pool_with_term(keel_term pool,
        keel_deadline deadline, keel_status (*fn)(void *connection, void *context),
        void *context);

/// Figures: #{kind => pool, resource (the kind's name), size, open, idle, lent, opening,
/// checking, waiting, checkouts, timeouts (borrowers that gave up), refused, reclaimed
/// (from borrowers that ended), opened, closed, failed (to open)}; KEEL_NONE when there is
/// none.
/// @thread any @since 0.1
#define keel_pool_stats(pool) keel_pool_stats_term(KEEL_TO(pool))
KEEL_API keel_term keel_pool_stats_term(keel_term pool);

KEEL_END_DECLS

#endif // KEEL_PARTS_POOL_H
