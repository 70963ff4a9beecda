#ifndef KEEL_TRACKER_H
#define KEEL_TRACKER_H

#include <keel/gen_server.h>
#include <keel/pubsub.h>

// Presences: which processes are there, under which keys of which topics, on all nodes, as
// Phoenix.Tracker keeps them. A tracker runs on each node; they tell each other through an
// instance of publish and subscribe, and none of them is in charge.
//
//   keel_tracker_start_link(&room_tracker, .name = keel_atom(rooms), .pubsub = news);
//   keel_tracker_track(rooms, keel_string("lobby"), keel_string("ann"));     // the caller
//   keel_term there = keel_tracker_list(rooms, keel_string("lobby"));
//
//   callback      called for                                       may return
//   init          the start of each shard                          as of a gen_server
//   handle_diff   presences that came and went, here or elsewhere  keel_ok
//   handle_info   any other message to a shard                     noreply, stop_with
//
// A diff is a map from topics to {Joins, Leaves}, both lists of {Key, Meta}. A meta that
// changes leaves and joins in the same diff.
//
// Topics and keys are any terms, compared exactly. A meta is a map; the tracker adds the
// keys phx_ref, a binary of its own for each meta, and after an update phx_ref_prev, that
// of the meta before.
//
// Trackers of the same name on several nodes are one. Between nodes they speak words of
// their own: a Phoenix.Tracker of that name on a BEAM node does not hear them.

KEEL_BEGIN_DECLS

/// A kind of tracker: its callbacks. Static. Each shard has a state of its own.
typedef struct keel_tracker {
    const char *name; ///< what it is called in reports; as a child its default id
    keel_state_layout state;
    keel_result (*init)(keel_term argument, void *state); ///< NULL: keel_ok()
    keel_result (*handle_diff)(keel_term diff, void *state); ///< NULL: nobody hears of it
    keel_result (*handle_info)(keel_term message, void *state);
} keel_tracker;

/// What a tracker is; zeroed: the defaults given.
typedef struct keel_tracker_opts {
    keel_term name; ///< an atom, needed; its supervisor is Name.Supervisor, its shards
                    ///< Name_shard0 and so on
    keel_term pubsub; ///< the instance by which the nodes speak, needed
    keel_term argument; ///< of init; KEEL_NONE: []
    int pool_size; ///< shards, the same number on all nodes; 0: 1
    keel_duration broadcast_period; ///< how often changes are told to others; 0: 1.5 s
    int max_silent_periods; ///< after so many without a change a tracker says that it is
                            ///< there; 0: 10; KEEL_TRACKER_NEVER_SILENT: always
    keel_duration down_period; ///< who is silent for so long is taken for gone, and comes
                               ///< back when heard again; at least two broadcast periods;
                               ///< 0: 2 * max_silent_periods of them
    keel_duration permdown_period; ///< after so long forgotten; at least down_period; 0:
                                   ///< 20 minutes, or down_period if that is longer
    int clock_sample_periods; ///< how often, in periods, is asked for what was missed; 0: 2
    int max_delta_sizes[3]; ///< how many changes are kept together for those who missed a
                            ///< few, in growing lots; zeroed: 100, 1,000, 10,000
} keel_tracker_opts;
#define KEEL_TRACKER_NEVER_SILENT (-1)

// --- starting ---

/// Starts a tracker linked to the caller. KEEL_E_BADARG with a reason {badarg, {Option,
/// Value}} for options that are not in order. Elixir: Phoenix.Tracker.start_link/3.
/// @thread process @since 0.1
#define keel_tracker_start_link(tracker, ...)                                              \
    keel_tracker_start_link_opt((tracker), KEEL_OPTS(keel_tracker_opts, __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_tracker_start_link_opt(
        const keel_tracker *tracker, const keel_tracker_opts *opts);
/// A tracker as a child of a supervisor, behind the instance of publish and subscribe. The
/// id is its name. Elixir: Phoenix.Tracker.child_spec/1. @thread any @since 0.1
#define keel_tracker_child(tracker, ...)                                                   \
    keel_tracker_child_opt((tracker), KEEL_OPTS(keel_tracker_opts, __VA_ARGS__))
KEEL_API keel_child_spec keel_tracker_child_opt(
        const keel_tracker *tracker, const keel_tracker_opts *opts);

// --- presences; `tracker` is the name ---

/// Whose presence; the macros take topic and key first and the rest by name.
typedef struct keel_presence {
    keel_term topic, key;
    keel_pid pid; ///< none: the caller
    keel_term meta; ///< a map; KEEL_NONE: an empty one
    keel_term (*change)(keel_term meta, keel_term argument); ///< of an update: the new meta
                                                             ///< made of the one before, in
                                                             ///< the shard's process; NULL:
                                                             ///< `meta` is the new one
    keel_term argument; ///< of change
    keel_term *ret_ref; ///< gets phx_ref; may be NULL
} keel_presence;
#define KEEL_PRESENCE_(topic_, ...)                                                        \
    (KEEL_OPTS(keel_presence, .topic = (topic_), .key = __VA_ARGS__))

/// Tracks a process under a key of a topic until it is untracked or ends. It is linked to
/// the tracker: when this one ends unexpectedly, so does who believes to be tracked.
///   keel_tracker_track(rooms, topic, key, .meta = keel_make("#{typing => false}"))
/// @return KEEL_OK; KEEL_E_TAKEN: it is already (Elixir: already_tracked); KEEL_E_BADARG;
///         what keel_call gives
/// Elixir: Phoenix.Tracker.track/5. @thread any: outside with .pid @since 0.1
#define keel_tracker_track(tracker, topic, ...)                                            \
    keel_tracker_track_opt((tracker), KEEL_PRESENCE_(topic, __VA_ARGS__))
KEEL_API keel_status keel_tracker_track_opt(
        keel_term tracker, const keel_presence *presence);
/// Changes the meta of a presence.
/// @return KEEL_OK; KEEL_E_REFUSED: there is none (Elixir: nopresence); KEEL_E_BADARG; what
///         keel_call gives
/// Elixir: Phoenix.Tracker.update/5. @thread any: outside with .pid @since 0.1
#define keel_tracker_update(tracker, topic, ...)                                           \
    keel_tracker_update_opt((tracker), KEEL_PRESENCE_(topic, __VA_ARGS__))
KEEL_API keel_status keel_tracker_update_opt(
        keel_term tracker, const keel_presence *presence);
/// Ends a presence; there need be none. KEEL_OK, KEEL_E_BADARG, what keel_call gives.
/// Elixir: Phoenix.Tracker.untrack/4. @thread any: outside with .pid @since 0.1
#define keel_tracker_untrack(tracker, topic, ...)                                          \
    keel_tracker_untrack_opt((tracker), KEEL_PRESENCE_(topic, __VA_ARGS__))
KEEL_API keel_status keel_tracker_untrack_opt(
        keel_term tracker, const keel_presence *presence);
/// Ends all presences of a process. Elixir: Phoenix.Tracker.untrack/2. @thread any
/// @since 0.1
KEEL_API keel_status keel_tracker_untrack_all(keel_term tracker, keel_pid pid);

/// The presences of a topic on all nodes, a list of {Key, Meta}, in no order. KEEL_NONE
/// when the tracker does not answer. Elixir: Phoenix.Tracker.list/2. @thread any @since 0.1
KEEL_API keel_term keel_tracker_list(keel_term tracker, keel_term topic);
/// Those under one key, a list of {Pid, Meta}. Elixir: Phoenix.Tracker.get_by_key/3.
/// @thread any @since 0.1
KEEL_API keel_term keel_tracker_get_by_key(
        keel_term tracker, keel_term topic, keel_term key);

/// Stops a tracker and tells the other nodes, which forget its presences at once instead
/// of waiting until it has been silent for long. KEEL_OK, and what keel_gen_server_stop
/// gives. Elixir: Phoenix.Tracker.graceful_permdown/1. @thread process @since 0.1
KEEL_API keel_status keel_tracker_graceful_permdown(keel_term tracker);

KEEL_END_DECLS

#endif // KEEL_TRACKER_H
