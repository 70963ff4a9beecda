#ifndef KEEL_PARTS_WORKER_POOL_H
#define KEEL_PARTS_WORKER_POOL_H

#include <keel/supervisor.h>

// Worker pools: several servers of one kind, and calls that go to whichever is free.
//
//   keel_child_spec children[] = {keel_worker_pool_child(&resizer,
//           .name = keel_atom(resizers), .size = 4)};
//   …
//   keel_status status = keel_worker_pool_call("resizers", image, &thumbnail);
//
// Use one when each call takes long and the workers keep something that is dear to make; a
// task (<keel/task.h>) for each call when they do not, a partition supervisor when calls
// about the same thing must reach the same server.
//
// A worker has one call at a time; calls that find none free wait in order. A worker that
// ends is started anew, and the call it had fails with its reason.

KEEL_BEGIN_DECLS

/// What a pool is; zeroed: the defaults given here.
typedef struct keel_worker_pool_opts {
    const keel_gen_server *worker; ///< needed
    keel_term argument; ///< of its init; KEEL_NONE: []
    keel_term name; ///< as keel_start_opts.name
    unsigned size; ///< 0: 10
    size_t queue_limit; ///< most calls that wait; 0: no limit
    unsigned intensity; ///< more workers than that ended within `period`, and the pool ends
                        ///< with shutdown; 0: 3 for each worker
    keel_duration period; ///< 0: 5 s
} keel_worker_pool_opts;

/// Starts a pool and its workers, linked to the caller:
/// keel_worker_pool_start_link(&resizer, .size = 4). Fails with the reason of a worker that
/// does not start; KEEL_E_BADARG with {badarg, Option}. @thread process @since 0.1
#define keel_worker_pool_start_link(...)                                                   \
    keel_worker_pool_start_link_opt(KEEL_OPTS(keel_worker_pool_opts, .worker = __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_worker_pool_start_link_opt(
        const keel_worker_pool_opts *opts);
/// A pool as a child of a supervisor, its id its name, or worker_pool.
/// @thread any @since 0.1
#define keel_worker_pool_child(...)                                                        \
    keel_worker_pool_spec(KEEL_OPTS(keel_worker_pool_opts, .worker = __VA_ARGS__))
KEEL_API keel_child_spec keel_worker_pool_spec(const keel_worker_pool_opts *opts);

/// Has a worker answer `request`, as keel_call does; up to 5 s, or until a deadline, for
/// waiting and answering together. Who gives up while it waits reaches no worker.
/// @param ret_reply  KEEL_OK: the reply; KEEL_E_EXIT: the reason the worker (or the pool)
///                   ended with
/// @return KEEL_OK, KEEL_E_EXIT, KEEL_E_TIMEOUT, KEEL_E_OVERLOAD (the queue is full),
///         KEEL_E_NOPROC and what else keel_call gives @thread any @since 0.1
#define keel_worker_pool_call(pool, request, ret_reply)                                    \
    keel_worker_pool_call_term(                                                            \
            KEEL_TO(pool), (request), KEEL_IN(KEEL_SECONDS(5)), (ret_reply))
#define keel_worker_pool_call_within(pool, request, deadline, ret_reply)                   \
    keel_worker_pool_call_term(KEEL_TO(pool), (request), (deadline), (ret_reply))
KEEL_API KEEL_MUST_USE keel_status keel_worker_pool_call_term(
        keel_term pool, keel_term request, keel_deadline deadline, keel_term *ret_reply);

/// Figures: #{kind => worker_pool, size, idle, busy, waiting, calls, timeouts (of callers
/// that gave up while they waited), refused, ended (workers)}; KEEL_NONE when there is
/// none.
/// @thread any @since 0.1
#define keel_worker_pool_stats(pool) keel_worker_pool_stats_term(KEEL_TO(pool))
KEEL_API keel_term keel_worker_pool_stats_term(keel_term pool);

KEEL_END_DECLS

#endif // KEEL_PARTS_WORKER_POOL_H
