#ifndef KEEL_PARTS_BATCHER_H
#define KEEL_PARTS_BATCHER_H

#include <keel/parts/retry.h>
#include <keel/supervisor.h>

// Batchers: items are gathered and handed on many at a time.
//
//   static keel_status write_rows(const keel_batch *batch) { … }
//
//   keel_child_spec children[] = {keel_batcher_child(write_rows,
//           .name = keel_atom(rows), .max_size = 100, .max_wait = KEEL_SECONDS(1))};
//   …
//   keel_batcher_add("rows", row);
//
// A batch is handed on when it has `max_size` items or its first has waited for `max_wait`,
// one batch at a time, in order. A batch that fails, or whose process ends, is handed on
// again, the same items under the same number, later and later, and those behind it wait;
// so no item is lost and none overtakes another. What was written but not told of is
// written again: `number` tells a batch that was there before. An orderly stop hands on
// what is left.

KEEL_BEGIN_DECLS

/// A batch on its way.
typedef struct keel_batch {
    keel_term items; ///< a list, oldest first
    size_t count;
    uint64_t number; ///< from 1; the same when the same batch comes again
    unsigned attempt; ///< from 1
    keel_term argument;
} keel_batch;

/// Deals with a batch, in a process of its own. KEEL_OK: done with; else it comes again.
typedef keel_status (*keel_batcher_flush)(const keel_batch *batch);

/// What a batcher is; zeroed: the defaults given here.
typedef struct keel_batcher_opts {
    keel_batcher_flush flush; ///< needed
    keel_term argument; ///< in each batch; KEEL_NONE: []
    keel_term name; ///< as keel_start_opts.name
    size_t max_size; ///< of a batch; 0: 100
    keel_duration max_wait; ///< 0: 1 s
    size_t max_pending; ///< items it holds, those under way included; who adds more waits;
                        ///< 0: 10 * max_size
    keel_backoff backoff; ///< between attempts
    unsigned attempts; ///< so often at most, then the batch is given up; 0: without end
    /// Gets what is given up, in a process of its own; NULL: it is only counted.
    void (*give_up)(const keel_batch *batch);
} keel_batcher_opts;

// --- starting ---

/// Starts a batcher linked to the caller: keel_batcher_start_link(write_rows, .max_size =
/// 50). KEEL_E_BADARG with {badarg, Option}; else as keel_gen_server_start_link.
/// @thread process @since 0.1
#define keel_batcher_start_link(...)                                                       \
    keel_batcher_start_link_opt(KEEL_OPTS(keel_batcher_opts, .flush = __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_batcher_start_link_opt(
        const keel_batcher_opts *opts);
/// A batcher as a child of a supervisor, its id its name, or batcher. It may take as long
/// as its `shutdown` says, at first 5 s, to hand on what is left. @thread any @since 0.1
#define keel_batcher_child(...)                                                            \
    keel_batcher_spec(KEEL_OPTS(keel_batcher_opts, .flush = __VA_ARGS__))
KEEL_API keel_child_spec keel_batcher_spec(const keel_batcher_opts *opts);

// --- using; `batcher` is any name of a server ---

/// Adds an item; KEEL_OK: the batcher has it. Waits up to 5 s, or until a deadline, while
/// the batcher is full. After KEEL_E_TIMEOUT the item is not in it, unless it found room at
/// that very moment.
/// @return KEEL_OK, KEEL_E_TIMEOUT, KEEL_E_NOPROC, KEEL_E_EXIT and what else keel_call
/// gives
/// @thread process @since 0.1
#define keel_batcher_add(batcher, item)                                                    \
    keel_batcher_add_term(KEEL_TO(batcher), (item), KEEL_IN(KEEL_SECONDS(5)))
#define keel_batcher_add_within(batcher, item, deadline)                                   \
    keel_batcher_add_term(KEEL_TO(batcher), (item), (deadline))
KEEL_API KEEL_MUST_USE keel_status keel_batcher_add_term(
        keel_term batcher, keel_term item, keel_deadline deadline);
/// Hands on what there is, without waiting for more, and returns when all that was added
/// before is done with. KEEL_OK, KEEL_E_TIMEOUT and what else keel_call gives.
/// @thread any @since 0.1
#define keel_batcher_drain(batcher, deadline)                                              \
    keel_batcher_drain_term(KEEL_TO(batcher), (deadline))
KEEL_API KEEL_MUST_USE keel_status keel_batcher_drain_term(
        keel_term batcher, keel_deadline deadline);

/// Figures: #{kind => batcher, pending, waiting (to add), added, done, batches, failures,
/// given_up, attempt (of the batch under way; 0: none)}; KEEL_NONE when there is none.
/// @thread any @since 0.1
#define keel_batcher_stats(batcher) keel_batcher_stats_term(KEEL_TO(batcher))
KEEL_API keel_term keel_batcher_stats_term(keel_term batcher);

KEEL_END_DECLS

#endif // KEEL_PARTS_BATCHER_H
