#ifndef KEEL_TASK_STREAM_H
#define KEEL_TASK_STREAM_H

#include <keel/task_supervisor.h>

// Streams of tasks: one function over many inputs, several at a time.
//
//   keel_task_stream *pages = keel_task_stream_open(fetch, urls, .max_concurrency = 8);
//   keel_term item;
//   while (keel_task_stream_next(pages, &item)) {
//       if (keel_match(item, "{ok, Page}", &page)) …
//   }
//   keel_task_stream_close(pages);
//
// Each item is {ok, Result}, or {exit, Reason} of a task that ended without one: with the
// link between tasks and caller in place that is seen only by callers that trap exits, or
// with `nolink` under a task supervisor. Inputs are taken only when there is room for a
// task. Whoever opens a stream also reads and closes it.

KEEL_BEGIN_DECLS

/// Options of a stream; zeroed: the defaults given here.
typedef struct keel_task_stream_opts {
    keel_term inputs; ///< a list; it and `argument` are borrowed until the stream is closed
    /// In place of a list: gives the next input, or false at the end. What it fails with
    /// ends the stream's tasks and then the caller.
    bool (*next)(void *context, keel_term *ret_input);
    void *context; ///< of `next`
    keel_term argument; ///< the function gets {Input, Argument}; KEEL_NONE: the input
    int max_concurrency; ///< tasks at a time; 0: one per worker of the runtime
    bool unordered; ///< items in the order in which the tasks end
    keel_duration timeout; ///< of each task, from its start; 0: 5 s; KEEL_FOREVER
    keel_task_late on_timeout; ///< KEEL_TASK_KILL: the item is {exit, timeout}; else the
                               ///< caller exits with {timeout, {'Elixir.Task.Supervised',
                               ///< stream, [Timeout]}}
    bool zip_input_on_exit; ///< items of failed tasks are {exit, {Input, Reason}}
    keel_term supervisor; ///< a task supervisor to run them; KEEL_NONE: none
    bool nolink; ///< with a supervisor: the tasks are not linked to the caller
    keel_duration shutdown; ///< with a supervisor: as in keel_supervised_task_opts
} keel_task_stream_opts;

typedef struct keel_task_stream keel_task_stream;

/// Opens a stream; nothing is started yet. An option out of range makes the caller fail
/// with {badarg, {Option, Value}}; no options at all are {inputs, undefined}.
/// Elixir: Task.async_stream/3, Task.Supervisor.async_stream/4, async_stream_nolink/4.
/// @thread process @since 0.1
#define keel_task_stream_open(function, ...)                                               \
    keel_task_stream_open_opt((function), #function,                                       \
            KEEL_OPTS(keel_task_stream_opts, .inputs = __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_task_stream *keel_task_stream_open_opt(
        keel_task_function function, const char *name, const keel_task_stream_opts *opts);
/// Waits for the next item: true while there is one.
/// @param ret_item  valid until the next call for this stream
/// @thread process @since 0.1
KEEL_API bool keel_task_stream_next(keel_task_stream *stream, keel_term *ret_item);
/// Ends the tasks that still run; nothing of them is left in the mailbox. NULL is fine.
/// @thread process @since 0.1
KEEL_API void keel_task_stream_close(keel_task_stream *stream);
/// The whole of a stream as a list of its items; arguments as keel_task_stream_open.
/// @thread process @since 0.1
#define keel_task_stream_all(function, ...)                                                \
    keel_task_stream_all_opt((function), #function,                                        \
            KEEL_OPTS(keel_task_stream_opts, .inputs = __VA_ARGS__))
KEEL_API keel_term keel_task_stream_all_opt(
        keel_task_function function, const char *name, const keel_task_stream_opts *opts);

KEEL_END_DECLS

#endif // KEEL_TASK_STREAM_H
