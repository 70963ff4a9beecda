#ifndef KEEL_INSPECT_H
#define KEEL_INSPECT_H

#include <keel/process.h>

// Looking at what runs, while it runs. keel_process_info asks the process (ordered after
// the caller's own signals to it, as OTP's does); the views read records and stop nobody.

KEEL_BEGIN_DECLS

/// The value of one item, or `undefined` when `pid` is dead. Items: registered_name,
/// message_queue_len, messages, status, links, monitors, monitored_by, trap_exit,
/// group_leader, priority, dictionary, {dictionary, Key}, current_function, initial_call,
/// reductions, memory, total_heap_size, parent, label, current_stacktrace, suspending.
/// @param item     an atom, {dictionary, Key}, or a list of them (gives a list)
/// @param ret_info {Item, Value}, a list of those, or undefined; registered_name of a
///                 process without one is []
/// @return KEEL_OK, KEEL_E_BADARG (no pid, unknown item). OTP: process_info/2
/// @thread process, or outside when `pid` is dead or idle
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_process_info(
        keel_pid pid, keel_term item, keel_term *ret_info);

typedef enum keel_state {
    KEEL_STATE_WAITING, ///< for a message, a reply, a timer, a descriptor
    KEEL_STATE_RUNNABLE, ///< waits for a worker
    KEEL_STATE_RUNNING,
    KEEL_STATE_SUSPENDED,
    KEEL_STATE_EXITING,
} keel_state;

typedef enum keel_wait {
    KEEL_WAIT_NOTHING,
    KEEL_WAIT_MESSAGE, ///< a handler between messages, or a receive
    KEEL_WAIT_REPLY, ///< of `waiting_for`
    KEEL_WAIT_START, ///< of a child it starts
    KEEL_WAIT_SLEEP,
    KEEL_WAIT_DESCRIPTOR,
    KEEL_WAIT_BLOCKING, ///< a thread of the blocking pool works for it
    KEEL_WAIT_PROCESS, ///< an answer about another process
} keel_wait;

/// One process at a glance; each field is read in constant time and may be a moment old.
typedef struct keel_process_view {
    keel_pid pid;
    keel_pid parent; ///< none for a root
    keel_term name; ///< atom, or KEEL_NONE
    const char *entry; ///< handler's name or the body's function; static
    keel_state state;
    keel_wait wait;
    keel_pid waiting_for; ///< the server of the call it waits for, or none
    int64_t waiting_since; ///< keel_now() when it began to wait; 0: it does not
    size_t queue; ///< messages
    uint64_t messages_in; ///< ever taken out of its mailbox
    uint64_t reductions; ///< turns' work: messages handled and sent, yields
    int64_t run_ns; ///< time spent running, to the resolution of a turn
    size_t memory; ///< bytes: record, stack if held, allocations, terms, messages
    size_t stack; ///< bytes of the stack it holds now; 0: none
    uint64_t dropped; ///< messages its mailbox limit refused or dropped
    bool trap_exit;
} keel_process_view;

/// False when `pid` is dead or of another node. @thread any @since 0.1
KEEL_API bool keel_inspect_process(keel_pid pid, keel_process_view *ret_view);
/// The process alive whose pid is printed as `text`, such as "<0.12.1>"; none when there is
/// none. For what people type. OTP: list_to_pid/1. @thread any @since 0.1
KEEL_API keel_pid keel_inspect_pid(const char *text);
/// Calls `visit` for processes alive until it returns false; visits every one that lives
/// throughout. Stops nobody. @thread any @since 0.1
KEEL_API void keel_inspect_each(
        bool (*visit)(const keel_process_view *view, void *context), void *context);
/// Writes the symbolised stack of a waiting process, one frame a line, as far as it can
/// be read without stopping it; "" for one that holds no stack. @thread any @since 0.1
KEEL_API size_t keel_inspect_stack(keel_pid pid, char *buffer, size_t size);

/// The runtime at a glance.
typedef struct keel_runtime_view {
    unsigned workers, spare_threads, blocking_busy, blocking_threads;
    size_t blocking_queue;
    size_t processes, processes_max; ///< alive; limit
    uint64_t spawned; ///< ever
    size_t atoms, atoms_max;
    size_t timers;
    size_t runnable; ///< processes waiting for a worker
    size_t stacks, stacks_idle, stack_bytes; ///< in use; kept; mapped
    size_t memory; ///< bytes allocated
    uint64_t messages_dropped;
    int64_t uptime_ns;
} keel_runtime_view;
/// @thread any @since 0.1
KEEL_API void keel_inspect_runtime(keel_runtime_view *ret_view);

/// Worker `index` (from 0); false when there is none. @thread any @since 0.1
typedef struct keel_worker_view {
    uint64_t turns, given, taken, parks, stuck;
    int64_t busy_ns;
    size_t queued;
    keel_pid running; ///< none when idle
    int64_t running_ns;
} keel_worker_view;
KEEL_API bool keel_inspect_worker(unsigned index, keel_worker_view *ret_view);

/// How deep the stacks of one kind of process have been.
typedef struct keel_stack_view {
    const char *entry;
    size_t uses, deepest_bytes;
} keel_stack_view;
/// Fills up to `max` entries, deepest first; returns how many there are.
/// @thread any @since 0.1
KEEL_API size_t keel_inspect_stacks(keel_stack_view *ret_views, size_t max);

KEEL_END_DECLS

#endif // KEEL_INSPECT_H
