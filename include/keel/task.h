#ifndef KEEL_TASK_H
#define KEEL_TASK_H

#include <keel/supervisor.h>

// Tasks: processes that run one function and then end; their result can be awaited.
//
//   keel_task task = keel_task_async(fetch, url);
//   … something else meanwhile …
//   keel_term page = keel_task_await_or_exit(task);
//
// Who made a task owns it, and only the owner may wait for it. The task is linked to its
// owner: one takes the other down. Tasks that may fail alone run under a supervisor of
// their own (<keel/task_supervisor.h>).
//
// An owner that does not wait gets two messages: {Ref, Result}, then {'DOWN', Ref, process,
// Pid, normal}; a task that fails sends only the second, with its reason.
//
// A task sees who it works for in its dictionary: '$callers' is the list of the process
// that made it and that process's own callers. Use a server for what lives on; a task that
// nobody awaits and that must not be lost belongs under a supervisor.

KEEL_BEGIN_DECLS

/// What a task runs; what it returns is the result. It may wait, call and block (see
/// keel_blocking).
typedef keel_term (*keel_task_function)(keel_term argument);

/// A task as its owner knows it; a value.
typedef struct keel_task {
    keel_pid pid; ///< none: completed
    keel_ref ref; ///< of its result, and its monitor
    keel_pid owner;
    const char *name; ///< of its function
} keel_task;

/// How a task ended, or that it has not.
typedef struct keel_task_outcome {
    keel_status status; ///< KEEL_OK, KEEL_E_EXIT, KEEL_E_TIMEOUT: no result yet
    keel_term value; ///< the result, the reason, none
} keel_task_outcome;

// --- starting; the function's name is taken from how it is written here ---
//
// A task whose function is NULL ends with undef, as if it had called one that is none.

/// Runs function(argument) in a process linked to the caller. Elixir: Task.async/1.
/// @param argument  @borrows: copied for the task
/// @thread process @since 0.1
#define keel_task_async(function, argument)                                                \
    keel_task_async_named((function), (argument), #function)
KEEL_API KEEL_MUST_USE keel_task keel_task_async_named(
        keel_task_function function, keel_term argument, const char *name);
/// Runs it without a link, and without telling the result. Elixir: Task.start/1.
/// @thread any @since 0.1
#define keel_task_start(function, argument)                                                \
    keel_task_start_named((function), (argument), #function)
KEEL_API keel_pid keel_task_start_named(
        keel_task_function function, keel_term argument, const char *name);
/// The same, linked to the caller. Elixir: Task.start_link/1. @thread process @since 0.1
#define keel_task_start_link(function, argument)                                           \
    keel_task_start_link_named((function), (argument), #function)
KEEL_API keel_pid keel_task_start_link_named(
        keel_task_function function, keel_term argument, const char *name);
/// A task that has its result already and no process. Elixir: Task.completed/1.
/// @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_task keel_task_completed(keel_term value);
/// A task as a child of a supervisor: temporary, its id the function's name. Further fields
/// are set on what this gives. Elixir: Task.child_spec/1. @thread any @since 0.1
#define keel_child_task(function, argument)                                                \
    keel_task_spec((function), (argument), #function)
KEEL_API keel_child_spec keel_task_spec(
        keel_task_function function, keel_term argument, const char *name);

// --- waiting: only the owner may ---
//
// All give KEEL_E_BADARG, and leave the task alone, when the caller is not the owner, and
// KEEL_E_NODEDOWN with {nodedown, Node} when the connection to the task's node is lost.

/// Waits up to 5 s for the result. After KEEL_E_TIMEOUT the result will never come.
/// @param ret_result  KEEL_OK: the result; KEEL_E_EXIT: the reason the task ended with
/// Elixir: Task.await/2, without its exits. @thread process @since 0.1
#define keel_task_await(task, ret_result)                                                  \
    keel_task_await_within((task), KEEL_ABOUT(KEEL_SECONDS(5)), (ret_result))
KEEL_API KEEL_MUST_USE keel_status keel_task_await_within(
        keel_task task, keel_deadline deadline, keel_term *ret_result);
/// The result; else the caller exits with {Reason, {'Elixir.Task', await, [Task,
/// Timeout]}}, Reason being what the task ended with, timeout or {nodedown, Node}, or fails
/// with {badarg, {not_owner, Task, Caller}}. Elixir: Task.await/2. @thread process @since
/// 0.1
#define keel_task_await_or_exit(task)                                                      \
    keel_task_await_or_exit_within((task), KEEL_SECONDS(5))
KEEL_API keel_term keel_task_await_or_exit_within(keel_task task, keel_duration timeout);

/// Waits for the result; KEEL_E_TIMEOUT keeps the task, so that the owner may wait again.
/// Elixir: Task.yield/2. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_task_yield(
        keel_task task, keel_deadline deadline, keel_term *ret_result);
/// Ends the task: unlinks it and sends it shutdown, and kill when it has not ended in time.
/// Of one that had ended before, an EXIT message that the owner has trapped stays. One that
/// never had a process is as in keel_task_ignore.
/// @param time  to end in; KEEL_FOREVER; KEEL_BRUTAL_KILL: kill at once
/// @return KEEL_E_CANCELED: it has ended as told; KEEL_OK: it had a result; KEEL_E_EXIT: it
///         ended otherwise, killed when its time was over
/// Elixir: Task.shutdown/2. @thread process @since 0.1
KEEL_API keel_status keel_task_shutdown(
        keel_task task, keel_duration time, keel_term *ret_result);
/// Gives up a task without ending it: unlinks it, its result will never come.
/// @return KEEL_E_CANCELED: it was running; KEEL_OK, KEEL_E_EXIT: it has ended
/// Elixir: Task.ignore/1. @thread process @since 0.1
KEEL_API keel_status keel_task_ignore(keel_task task, keel_term *ret_result);

/// Waits for all of them until one deadline. Any that fails makes it return at once; the
/// others go on running, but their results will never come.
/// @param results     `count` entries, in the order of the tasks; all there on KEEL_OK only
/// @param ret_reason  KEEL_E_EXIT: what the failing task ended with; may be NULL
/// Elixir: Task.await_many/2, without its exits. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_task_await_many(const keel_task *tasks,
        size_t count, keel_deadline deadline, keel_term *results, keel_term *ret_reason);
/// The list of the results; else exits as keel_task_await_or_exit does, with await_many and
/// the list of tasks. @param timeout KEEL_FOREVER for none @thread process @since 0.1
KEEL_API keel_term keel_task_await_many_or_exit(
        const keel_task *tasks, size_t count, keel_duration timeout);

/// What becomes of tasks that have not ended in time.
typedef enum keel_task_late {
    KEEL_TASK_KEEP, ///< they go on, and the owner may wait again; also when a limit is
                    ///< reached before the time is over
    KEEL_TASK_KILL, ///< they are killed, and have ended when this returns
    KEEL_TASK_IGNORE, ///< they go on, unlinked, and their results never come
} keel_task_late;
/// Options of keel_task_yield_many; zeroed: the defaults given here.
typedef struct keel_task_yield_opts {
    size_t count; ///< of tasks
    keel_duration timeout; ///< for all together; 0: 5 s; KEEL_FOREVER
    size_t limit; ///< return when so many have ended; 0: all
    keel_task_late on_timeout;
} keel_task_yield_opts;
/// Waits for several tasks; after their number options by name:
///   keel_task_yield_many(tasks, outcomes, 3, .on_timeout = KEEL_TASK_KILL)
/// @param outcomes  as many as tasks, in their order
/// @return KEEL_OK, KEEL_E_BADARG, KEEL_E_NODEDOWN
/// Elixir: Task.yield_many/2. @thread process @since 0.1
#define keel_task_yield_many(tasks, outcomes, ...)                                         \
    keel_task_yield_many_opt(                                                              \
            (tasks), (outcomes), KEEL_OPTS(keel_task_yield_opts, .count = __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_status keel_task_yield_many_opt(const keel_task *tasks,
        keel_task_outcome *outcomes, const keel_task_yield_opts *opts);

/// The task as Elixir's struct: #{'__struct__' => 'Elixir.Task', mfa, owner, pid, ref}.
/// @thread any @since 0.1
KEEL_API keel_term keel_task_to_term(keel_task task);

KEEL_END_DECLS

#endif // KEEL_TASK_H
