#ifndef KEEL_TASK_SUPERVISOR_H
#define KEEL_TASK_SUPERVISOR_H

#include <keel/dynamic_supervisor.h>
#include <keel/task.h>

// Task supervisors: tasks that belong to a supervision tree, and may fail without taking
// their owner along.
//
//   keel_child_spec children[] = {keel_child_task_supervisor(.name = keel_atom(jobs))};
//   …
//   keel_task task = keel_task_supervisor_async_nolink("jobs", resize, image);
//   keel_status status = keel_task_await(task, &thumbnail);
//
// A task supervisor is a dynamic supervisor: its options, the requests for its children and
// the way it ends are those of <keel/dynamic_supervisor.h>. When it ends, so do the tasks.

KEEL_BEGIN_DECLS

/// Starts one, linked to the caller, with the options of a dynamic supervisor:
/// keel_task_supervisor_start_link(.name = keel_atom(jobs), .max_children = 100).
/// Elixir: Task.Supervisor.start_link/1. @thread process @since 0.1
#define keel_task_supervisor_start_link(...)                                               \
    keel_dynamic_supervisor_start_link_opt(KEEL_DYNAMIC_OPTS_(__VA_ARGS__))
/// One as a child; its id is its name. Elixir: Task.Supervisor.child_spec/1.
/// @thread any @since 0.1
#define keel_child_task_supervisor(...)                                                    \
    keel_task_supervisor_spec(KEEL_DYNAMIC_OPTS_(__VA_ARGS__))
KEEL_API keel_child_spec keel_task_supervisor_spec(
        const keel_dynamic_supervisor_opts *opts);

/// Whether a task nobody waits for is run anew when it ends.
typedef enum keel_task_restart {
    KEEL_TASK_TEMPORARY, ///< never
    KEEL_TASK_TRANSIENT, ///< unless it ended with normal, shutdown or {shutdown, _}
    KEEL_TASK_PERMANENT, ///< always
} keel_task_restart;

/// Options of a supervised task; zeroed: the defaults given here.
typedef struct keel_supervised_task_opts {
    keel_term argument; ///< of the function; copied
    keel_duration shutdown; ///< as in a child's specification; 0: 5 s
    keel_task_restart restart; ///< temporary; only of keel_task_supervisor_start_child
} keel_supervised_task_opts;
#define KEEL_SUPERVISED_TASK_(...)                                                         \
    (KEEL_OPTS(keel_supervised_task_opts, .argument = __VA_ARGS__))

/// A task under the supervisor, linked to the caller as well, who owns it; after the
/// argument options by name: keel_task_supervisor_async("jobs", f, x, .shutdown = …).
/// When there is no such supervisor the caller exits with {noproc, _}; when it has
/// max_children tasks the caller fails with {{max_children, Supervisor}, Stack}.
/// Elixir: Task.Supervisor.async/3. @thread process @since 0.1
#define keel_task_supervisor_async(supervisor, function, ...)                              \
    keel_task_supervisor_async_opt(KEEL_TO(supervisor), (function), #function, true,       \
            KEEL_SUPERVISED_TASK_(__VA_ARGS__))
/// The same without the link: the caller survives the task's failure.
/// Elixir: Task.Supervisor.async_nolink/3. @thread process @since 0.1
#define keel_task_supervisor_async_nolink(supervisor, function, ...)                       \
    keel_task_supervisor_async_opt(KEEL_TO(supervisor), (function), #function, false,      \
            KEEL_SUPERVISED_TASK_(__VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_task keel_task_supervisor_async_opt(keel_term supervisor,
        keel_task_function function, const char *name, bool link,
        const keel_supervised_task_opts *opts);
/// A task nobody waits for. Results as keel_dynamic_supervisor_start_child gives them.
/// Elixir: Task.Supervisor.start_child/3. @thread any @since 0.1
#define keel_task_supervisor_start_child(supervisor, function, ...)                        \
    keel_task_supervisor_start_child_opt(KEEL_TO(supervisor), (function), #function,       \
            KEEL_SUPERVISED_TASK_(__VA_ARGS__))
KEEL_API keel_started keel_task_supervisor_start_child_opt(keel_term supervisor,
        keel_task_function function, const char *name,
        const keel_supervised_task_opts *opts);

/// Lists the pids of the tasks that run; those waiting to be run anew are left out.
/// @return as keel_call, without a time limit
/// Elixir: Task.Supervisor.children/1. @thread any @since 0.1
#define keel_task_supervisor_children(supervisor, ret_pids)                                \
    keel_task_supervisor_children_term(KEEL_TO(supervisor), (ret_pids))
KEEL_API KEEL_MUST_USE keel_status keel_task_supervisor_children_term(
        keel_term supervisor, keel_term *ret_pids);
/// Ends a task; KEEL_E_REFUSED when `pid` is none of them.
/// Elixir: Task.Supervisor.terminate_child/2. @thread any @since 0.1
#define keel_task_supervisor_terminate_child(supervisor, pid)                              \
    keel_dynamic_supervisor_terminate_child((supervisor), (pid), NULL)

KEEL_END_DECLS

#endif // KEEL_TASK_SUPERVISOR_H
