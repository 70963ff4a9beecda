#ifndef KEEL_PARTS_PERIODIC_H
#define KEEL_PARTS_PERIODIC_H

#include <keel/supervisor.h>

// Periodic tasks: a function that is run again and again.
//
//   static keel_term release_expired(keel_term unused) { … return keel_int(count); }
//
//   keel_child_spec children[] = {keel_periodic_child(release_expired,
//           .name = keel_atom(tokens), .every = KEEL_SECONDS(30))};
//   …
//   keel_periodic_run("tokens", &count);     // now, and what it returned
//
// Each run has a process of its own, one at a time; one that fails is reported and the next
// comes in its time. Runs begin at whole multiples of `every` after the start; one that
// would begin while the last still runs is left out.

KEEL_BEGIN_DECLS

typedef keel_term (*keel_periodic_function)(keel_term argument);

/// What is run and when; zeroed: the defaults given here.
typedef struct keel_periodic_opts {
    keel_periodic_function function; ///< needed
    keel_term argument; ///< of it; KEEL_NONE: []
    keel_term name; ///< as keel_start_opts.name
    keel_duration every; ///< needed
    bool at_once; ///< the first run at the start, not `every` after it
    keel_duration jitter; ///< each run begins up to so much later, by chance
    keel_duration timeout; ///< a run that takes longer is killed; 0: no limit
} keel_periodic_opts;

/// Starts one linked to the caller: keel_periodic_start_link(release_expired, .every =
/// KEEL_SECONDS(30)). KEEL_E_BADARG with {badarg, Option}; else as
/// keel_gen_server_start_link. @thread process @since 0.1
#define keel_periodic_start_link(...)                                                      \
    keel_periodic_start_link_opt(KEEL_OPTS(keel_periodic_opts, .function = __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_periodic_start_link_opt(
        const keel_periodic_opts *opts);
/// One as a child of a supervisor, its id its name, or periodic. @thread any @since 0.1
#define keel_periodic_child(...)                                                           \
    keel_periodic_spec(KEEL_OPTS(keel_periodic_opts, .function = __VA_ARGS__))
KEEL_API keel_child_spec keel_periodic_spec(const keel_periodic_opts *opts);

/// Runs it now, or waits for the run under way, up to 5 s or until a deadline; the schedule
/// stays as it is. `server` is any name of a server.
/// @param ret_result  KEEL_OK: what the function returned; KEEL_E_EXIT: the reason the run
///                    (or the server) ended with
/// @return KEEL_OK, KEEL_E_EXIT and what keel_call gives @thread any @since 0.1
#define keel_periodic_run(server, ret_result)                                              \
    keel_periodic_run_term(KEEL_TO(server), KEEL_IN(KEEL_SECONDS(5)), (ret_result))
#define keel_periodic_run_within(server, deadline, ret_result)                             \
    keel_periodic_run_term(KEEL_TO(server), (deadline), (ret_result))
KEEL_API KEEL_MUST_USE keel_status keel_periodic_run_term(
        keel_term server, keel_deadline deadline, keel_term *ret_result);

/// Figures: #{kind => periodic, every_ms, running, runs, failed, left_out, last_ms (how
/// long the last run took), last (what it gave: {ok, Result}, {error, Reason} or none),
/// next_ms}. KEEL_NONE when there is none. @thread any @since 0.1
#define keel_periodic_stats(server) keel_periodic_stats_term(KEEL_TO(server))
KEEL_API keel_term keel_periodic_stats_term(keel_term server);

KEEL_END_DECLS

#endif // KEEL_PARTS_PERIODIC_H
