#ifndef KEEL_SUPERVISOR_H
#define KEEL_SUPERVISOR_H

#include <keel/gen_server.h>

// Supervisors: processes that start others, watch them, and start them anew when they end.
//
//   keel_child_spec children[] = {
//       keel_child(&counter, keel_int(0), .name = keel_atom(counter)),
//       keel_child_fn(cache_start_link, keel_nil()),
//   };
//   keel_supervisor_start_link(children, KEEL_COUNT(children), .strategy =
//   KEEL_ONE_FOR_ALL)
//
// Children start in the order of the list and stop in the reverse order.

KEEL_BEGIN_DECLS

typedef enum keel_restart {
    KEEL_PERMANENT, ///< always started anew
    KEEL_TRANSIENT, ///< unless it ended with normal, shutdown or {shutdown, _}
    KEEL_TEMPORARY, ///< never; forgotten when it ends
} keel_restart;

typedef enum keel_child_type { KEEL_WORKER, KEEL_SUPERVISOR } keel_child_type;

#define KEEL_BRUTAL_KILL ((keel_duration)-1)
/// A `shutdown` of no time: the child is told and, unless that ends it, killed right after.
#define KEEL_NO_TIME ((keel_duration)-2)

/// How to start, restart and stop one child; zeroed fields: the defaults given here. (C++
/// wants fields that are given by name in this order.)
typedef struct keel_child_spec {
    keel_start_function start; ///< how it is started: this …
    const char *function; ///< (what `start` is called; keel_child_fn fills it in)
    keel_start_module start_module; ///< … or this, with `module`
    const void *module;
    keel_child_type type; ///< worker
    keel_term argument; ///< of the start function, or of init
    keel_term id; ///< any term, its own among its siblings; KEEL_NONE: the name of the
                  ///< module or function
    keel_term name; ///< registers it, if started by start_module
    keel_restart restart; ///< permanent
    keel_duration shutdown; ///< time to end in, then it is killed; KEEL_BRUTAL_KILL: at
                            ///< once; KEEL_NO_TIME; KEEL_FOREVER; 0: 5 s for workers,
                            ///< KEEL_FOREVER for supervisors
    bool significant; ///< see keel_auto_shutdown; not for permanent children
    keel_term modules; ///< a list of atoms, or dynamic; KEEL_NONE: the module's name alone
    keel_term term; ///< if given, OTP's own form (a map or a tuple of six) and nothing else
                    ///< counts; its start names what keel_start_register knows
} keel_child_spec;

/// A server as a child: `keel_child(&counter, keel_int(0), .restart = KEEL_TRANSIENT)`.
#define keel_child(server, ...)                                                            \
    KEEL_STRUCT(keel_child_spec, .start_module = keel_gen_server_start_child,              \
            .module = 1 ? (server) : (const keel_gen_server *)0, .argument = __VA_ARGS__)
/// A child with a start function of its own: `keel_child_fn(cache_start_link, keel_nil())`.
#define keel_child_fn(start_function, ...)                                                 \
    KEEL_STRUCT(keel_child_spec, .start = (start_function), .function = #start_function,   \
            .argument = __VA_ARGS__)
/// A supervisor as a child: `keel_child_supervisor(&tree, keel_nil())`.
#define keel_child_supervisor(supervisor, ...)                                             \
    KEEL_STRUCT(keel_child_spec, .start_module = keel_supervisor_start_child_module,       \
            .module = 1 ? (supervisor) : (const keel_supervisor *)0,                       \
            .type = KEEL_SUPERVISOR, .argument = __VA_ARGS__)
/// A child in OTP's own notation: a term of {Id, …} or #{id => …}.
#define keel_child_term(spec) KEEL_STRUCT(keel_child_spec, .term = (spec))

typedef enum keel_strategy {
    KEEL_ONE_FOR_ONE, ///< only the child that ended
    KEEL_ONE_FOR_ALL, ///< all: the others are stopped first
    KEEL_REST_FOR_ONE, ///< it and those started after it
    /// One specification, any number of children: keel_supervisor_start_child_of starts one
    /// with further arguments. For OTP's own clients; in C a dynamic supervisor
    /// (<keel/dynamic_supervisor.h>) does the same with a specification for each child.
    KEEL_SIMPLE_ONE_FOR_ONE,
} keel_strategy;

/// Whether the end of significant children ends the supervisor, with shutdown.
typedef enum keel_auto_shutdown {
    KEEL_NEVER_SHUTDOWN,
    KEEL_ANY_SIGNIFICANT, ///< when one has ended by itself
    KEEL_ALL_SIGNIFICANT, ///< when the last one has
} keel_auto_shutdown;

enum { KEEL_NO_RESTARTS = -1 };

/// How a supervisor works; zeroed: the defaults given here. More restarts than `intensity`
/// within `period` end it with shutdown, and its own supervisor decides.
typedef struct keel_supervisor_opts {
    size_t count; ///< of children
    keel_strategy strategy; ///< one_for_one
    int intensity; ///< 0: 3; KEEL_NO_RESTARTS: none
    keel_duration period; ///< whole seconds; 0: 5 s
    keel_auto_shutdown auto_shutdown; ///< never
    keel_duration hibernate_after; ///< idle time; 0: 1 s; KEEL_FOREVER: never
    /// Beyond OTP: a child that ends again within `period` waits `backoff` before it is
    /// started anew, twice as long each further time, up to `backoff_max` (0: 16 times
    /// `backoff`). 0: at once, as in OTP.
    keel_duration backoff, backoff_max;
    keel_term name; ///< as keel_start_opts.name; not in keel_supervisor_init
} keel_supervisor_opts;

// --- starting ---

/// Starts a supervisor linked to the caller, and its children: the first is an array of
/// keel_child_spec, the second its length; options follow by name. Reasons of a failure:
/// {shutdown, {failed_to_start_child, Id, R}}, {start_spec, Why}, {supervisor_data, Why}.
/// The specifications are copied. OTP: supervisor:start_link. @thread process @since 0.1
#define keel_supervisor_start_link(children, ...)                                          \
    keel_supervisor_start_link_opt(                                                        \
            (children), KEEL_OPTS(keel_supervisor_opts, .count = __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_supervisor_start_link_opt(
        const keel_child_spec *children, const keel_supervisor_opts *opts);

/// A supervisor as a module: its init is read again by a code change. Static.
typedef struct keel_supervisor {
    const char *name; ///< as a child its default id
    /// Returns what keel_supervisor_init makes, {ok, {Flags, Specs}}, or ignore.
    keel_term (*init)(keel_term argument);
} keel_supervisor;

/// What init returns: keel_supervisor_init(children, KEEL_COUNT(children), .intensity = 5).
/// @thread process @since 0.1
#define keel_supervisor_init(children, ...)                                                \
    keel_supervisor_init_opt(                                                              \
            (children), KEEL_OPTS(keel_supervisor_opts, .count = __VA_ARGS__))
KEEL_API keel_term keel_supervisor_init_opt(
        const keel_child_spec *children, const keel_supervisor_opts *opts);
/// Starts it: keel_supervisor_start_link_module(&tree, argument, .name = keel_atom(tree)).
/// @thread process @since 0.1
#define keel_supervisor_start_link_module(supervisor, ...)                                 \
    keel_supervisor_start_link_module_opt((supervisor), KEEL_START_OPTS_(__VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_supervisor_start_link_module_opt(
        const keel_supervisor *supervisor, const keel_start_opts *opts);

// --- asking it; `supervisor` is any name of a server ---
//
// All wait as long as it takes: a supervisor may be starting a child. They give KEEL_OK,
// KEEL_E_REFUSED with the answer's reason (not_found, running, restarting, …), or what
// keel_gen_call gives. @thread any

/// Adds a child, last in order, and starts it. status KEEL_E_IGNORED: it declined, and is
/// kept without a process unless temporary. reason: already_present, {already_started,
/// Pid}, {R, Child}, or what is wrong with the specification. @thread any @since 0.1
#define keel_supervisor_start_child(supervisor, spec)                                      \
    keel_supervisor_start_child_term(KEEL_TO(supervisor), (spec))
KEEL_API keel_started keel_supervisor_start_child_term(
        keel_term supervisor, const keel_child_spec *spec);
/// With KEEL_SIMPLE_ONE_FOR_ONE: starts a child. Its start function, or init, gets a list:
/// the specification's argument, if it has one, then those of the list `arguments`.
/// @thread any @since 0.1
#define keel_supervisor_start_child_of(supervisor, arguments)                              \
    keel_supervisor_start_child_of_term(KEEL_TO(supervisor), (arguments))
KEEL_API keel_started keel_supervisor_start_child_of_term(
        keel_term supervisor, keel_term arguments);
/// Starts a terminated child again. reason: running, restarting, not_found, or R.
/// @thread any @since 0.1
#define keel_supervisor_restart_child(supervisor, id)                                      \
    keel_supervisor_restart_child_term(KEEL_TO(supervisor), (id))
KEEL_API keel_started keel_supervisor_restart_child_term(
        keel_term supervisor, keel_term id);
/// Stops a child; its specification stays, unless temporary. @param ret_reason may be NULL
/// @thread any @since 0.1
#define keel_supervisor_terminate_child(supervisor, id, ret_reason)                        \
    keel_supervisor_ask_term(                                                              \
            KEEL_TO(supervisor), keel_atom(terminate_child), (id), (ret_reason))
/// Forgets a terminated child. @param ret_reason may be NULL @thread any @since 0.1
#define keel_supervisor_delete_child(supervisor, id, ret_reason)                           \
    keel_supervisor_ask_term(                                                              \
            KEEL_TO(supervisor), keel_atom(delete_child), (id), (ret_reason))
/// The full specification as a map. @thread any @since 0.1
#define keel_supervisor_get_childspec(supervisor, id, ret_spec)                            \
    keel_supervisor_ask_term(                                                              \
            KEEL_TO(supervisor), keel_atom(get_childspec), (id), (ret_spec))
/// {Id, Pid | undefined | restarting, Type, Modules}. @thread any @since 0.1
#define keel_supervisor_which_child(supervisor, id, ret_child)                             \
    keel_supervisor_ask_term(KEEL_TO(supervisor), keel_atom(which_child), (id), (ret_child))
KEEL_API keel_status keel_supervisor_ask_term(
        keel_term supervisor, keel_term what, keel_term id, keel_term *ret_answer);
/// A list of such, the child started last first. @thread any @since 0.1
#define keel_supervisor_which_children(supervisor, ret_children)                           \
    keel_call_within((supervisor), keel_atom(which_children), KEEL_NEVER, (ret_children))

/// How many children it has, and of them processes alive, supervisors, workers. OTP:
/// supervisor:count_children/1. @thread any @since 0.1
typedef struct keel_child_counts {
    size_t specs, active, supervisors, workers;
} keel_child_counts;
#define keel_supervisor_count_children(supervisor, ret_counts)                             \
    keel_supervisor_count_children_term(KEEL_TO(supervisor), (ret_counts))
KEEL_API KEEL_MUST_USE keel_status keel_supervisor_count_children_term(
        keel_term supervisor, keel_child_counts *ret_counts);

/// Checks specifications without starting anything; `ret_reason` as start_link would give
/// it, without start_spec around it. OTP: supervisor:check_childspecs/2. @thread any
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_supervisor_check(const keel_child_spec *children,
        const keel_supervisor_opts *opts, keel_term *ret_reason);
/// The specification as a map, with defaults filled in: what the wire carries.
/// @thread any @since 0.1
KEEL_API keel_term keel_child_spec_to_term(const keel_child_spec *spec);

// What keel_child_supervisor puts into a specification.
KEEL_API keel_started keel_supervisor_start_child_module(
        const void *supervisor, const keel_start_opts *opts);

KEEL_END_DECLS

#endif // KEEL_SUPERVISOR_H
