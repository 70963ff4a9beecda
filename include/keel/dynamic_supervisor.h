#ifndef KEEL_DYNAMIC_SUPERVISOR_H
#define KEEL_DYNAMIC_SUPERVISOR_H

#include <keel/supervisor.h>

// Dynamic supervisors: any number of children, started on demand and known by their pid
// alone.
//
//   keel_dynamic_supervisor_start_link(.name = keel_atom(sessions), .max_children = 5000)
//   keel_started session = keel_dynamic_supervisor_start_child(
//           "sessions", &keel_child(&session_server, user, .restart = KEEL_TEMPORARY));
//
// The strategy is always one_for_one. When it ends, all children are told at the same
// moment and then awaited, so that ten thousand take no longer than the slowest one.
//
// Use a supervisor (<keel/supervisor.h>) for children that are known beforehand or need
// an order; a registry to find these children by something else than their pid.

KEEL_BEGIN_DECLS

#define KEEL_NO_CHILDREN SIZE_MAX

/// How it works; zeroed: the defaults given here. More restarts than `intensity` within
/// `period`, all children together, end it with shutdown.
typedef struct keel_dynamic_supervisor_opts {
    size_t size; ///< of this struct; filled in by the macros
    keel_term name; ///< as keel_start_opts.name; not in keel_dynamic_supervisor_init
    int intensity; ///< 0: 3; KEEL_NO_RESTARTS: none
    keel_duration period; ///< 0: 5 s
    size_t max_children; ///< 0: no limit; KEEL_NO_CHILDREN: none at all
    /// A list that goes before each child's own arguments: the child's start function or
    /// init then gets a list of them all, its own argument last. KEEL_NONE: none.
    keel_term extra_arguments;
    keel_strategy strategy; ///< one_for_one, the only one allowed
    keel_auto_shutdown auto_shutdown; ///< never, the only one allowed
    keel_spawn_opts spawn; ///< of the supervisor; not in keel_dynamic_supervisor_init
} keel_dynamic_supervisor_opts;

#define KEEL_DYNAMIC_OPTS_(...)                                                            \
    (KEEL_OPTS(keel_dynamic_supervisor_opts, .size = sizeof(keel_dynamic_supervisor_opts), \
            __VA_ARGS__))

// --- starting ---

/// Starts one, linked to the caller; options by name, see above. Reasons of a failure:
/// {supervisor_data, Why} with Why {invalid_max_children, V} and the like, and what every
/// start gives. Elixir: DynamicSupervisor.start_link/1. @thread process @since 0.1
#define keel_dynamic_supervisor_start_link(...)                                            \
    keel_dynamic_supervisor_start_link_opt(KEEL_DYNAMIC_OPTS_(__VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_dynamic_supervisor_start_link_opt(
        const keel_dynamic_supervisor_opts *opts);

/// A dynamic supervisor as a module: a code change reads its init again. Static.
typedef struct keel_dynamic_supervisor {
    const char *name; ///< as a child its default id
    /// Returns what keel_dynamic_supervisor_init makes, {ok, Flags}, or ignore.
    keel_term (*init)(keel_term argument);
} keel_dynamic_supervisor;

/// What init returns: keel_dynamic_supervisor_init(.max_children = 10).
/// Elixir: DynamicSupervisor.init/1. @thread process @since 0.1
#define keel_dynamic_supervisor_init(...)                                                  \
    keel_dynamic_supervisor_init_opt(KEEL_DYNAMIC_OPTS_(__VA_ARGS__))
KEEL_API keel_term keel_dynamic_supervisor_init_opt(
        const keel_dynamic_supervisor_opts *opts);
/// Starts it: keel_dynamic_supervisor_start_link_module(&pool, argument, .name = …).
/// Elixir: DynamicSupervisor.start_link/3. @thread process @since 0.1
#define keel_dynamic_supervisor_start_link_module(supervisor, ...)                         \
    keel_dynamic_supervisor_start_link_module_opt(                                         \
            (supervisor), KEEL_START_OPTS_(__VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_dynamic_supervisor_start_link_module_opt(
        const keel_dynamic_supervisor *supervisor, const keel_start_opts *opts);

/// A dynamic supervisor as a child; its id is its name, so that several live in one tree:
/// keel_child_dynamic_supervisor(.name = keel_atom(sessions)). The terms in it live with
/// the callback. Elixir: DynamicSupervisor.child_spec/1. @thread any @since 0.1
#define keel_child_dynamic_supervisor(...)                                                 \
    keel_dynamic_supervisor_spec(KEEL_DYNAMIC_OPTS_(__VA_ARGS__))
KEEL_API keel_child_spec keel_dynamic_supervisor_spec(
        const keel_dynamic_supervisor_opts *opts);
/// One with a module: keel_child_dynamic_supervisor_module(&pool, keel_nil()).
#define keel_child_dynamic_supervisor_module(supervisor, ...)                              \
    KEEL_STRUCT(keel_child_spec,                                                           \
            .start_module = keel_dynamic_supervisor_start_child_module,                    \
            .module = 1 ? (supervisor) : (const keel_dynamic_supervisor *)0,               \
            .type = KEEL_SUPERVISOR, .argument = __VA_ARGS__)

// --- asking it; `supervisor` is any name of a server ---
//
// All wait as long as it takes: the supervisor may be starting a child. Which children
// there are and how many say keel_supervisor_which_children, with `undefined` as every
// child's id and `restarting` as the pid of one that waits for another attempt, and
// keel_supervisor_count_children. keel_gen_server_stop ends it.

/// Starts a child. The specification's id need not be unique. status KEEL_E_BADARG: the
/// specification is wrong, and nothing was sent: {invalid_child_spec, V}, {invalid_mfa, V},
/// {invalid_shutdown, V}, …; KEEL_E_IGNORED: the child declined, nothing is kept;
/// KEEL_E_REFUSED with max_children or what the start gave; KEEL_E_NOPROC and what else
/// keel_call gives, with the reason that keel_call_or_exit exits with.
/// Elixir: DynamicSupervisor.start_child/2. @thread any @since 0.1
#define keel_dynamic_supervisor_start_child(supervisor, spec)                              \
    keel_dynamic_supervisor_start_child_term(KEEL_TO(supervisor), (spec))
KEEL_API keel_started keel_dynamic_supervisor_start_child_term(
        keel_term supervisor, const keel_child_spec *spec);
/// Stops a child as its specification says and forgets it; KEEL_OK when it has ended,
/// KEEL_E_REFUSED (`ret_reason`: not_found) when `pid` is none of its children.
/// Elixir: DynamicSupervisor.terminate_child/2.
/// @param ret_reason  may be NULL
/// @thread any @since 0.1
#define keel_dynamic_supervisor_terminate_child(supervisor, pid, ret_reason)               \
    keel_supervisor_ask_term(KEEL_TO(supervisor), keel_atom(terminate_child),              \
            keel_from_pid(pid), (ret_reason))

// What keel_child_dynamic_supervisor_module puts into a specification.
KEEL_API keel_started keel_dynamic_supervisor_start_child_module(
        const void *supervisor, const keel_start_opts *opts);

KEEL_END_DECLS

#endif // KEEL_DYNAMIC_SUPERVISOR_H
