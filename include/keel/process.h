#ifndef KEEL_PROCESS_H
#define KEEL_PROCESS_H

#include <keel/term.h>
#include <keel/time.h>

// Processes: spawning, ending, what belongs to one.
//
// A process runs a body (a C function) on a stack of its own, or is a handler
// (<keel/gen.h>) that holds no stack between messages. Functions marked "process" may be
// called only from inside one; elsewhere they give KEEL_E_OUTSIDE, none or nothing.

KEEL_BEGIN_DECLS

/// What a spawned process does; when it returns the process ends with `normal`.
/// `argument` is a copy of its own and lives as long as the body runs.
typedef void (*keel_body)(keel_term argument);

/// What happens to a message for a mailbox at its limit. Signals (exits, links, monitors,
/// system messages, replies to a waiting call) are never counted and never dropped.
typedef enum keel_mailbox_policy {
    KEEL_MAILBOX_REJECT, ///< the sender gets KEEL_E_OVERLOAD
    KEEL_MAILBOX_DROP_NEW, ///< it is dropped and counted; the sender sees KEEL_OK
    KEEL_MAILBOX_DROP_OLD, ///< the oldest message is dropped and counted
    KEEL_MAILBOX_EXIT, ///< the receiver ends with reason `mailbox_overflow`
} keel_mailbox_policy;

typedef enum keel_priority {
    KEEL_NORMAL_PRIORITY,
    KEEL_LOW_PRIORITY,
    KEEL_HIGH_PRIORITY,
    KEEL_MAX_PRIORITY,
} keel_priority;

/// How a monitor's reference also serves as an alias. OTP: erlang:monitor/3.
typedef enum keel_alias_mode {
    KEEL_ALIAS_NONE, ///< the reference is no alias
    KEEL_ALIAS_EXPLICIT_UNALIAS, ///< until keel_unalias
    KEEL_ALIAS_DEMONITOR, ///< until demonitor or DOWN
    KEEL_ALIAS_REPLY_DEMONITOR, ///< until demonitor, DOWN or the first message through it
} keel_alias_mode;

/// Options of a monitor; zeroed: the defaults.
typedef struct keel_monitor_opts {
    keel_alias_mode alias;
    keel_term tag; ///< takes the place of 'DOWN' in the message; KEEL_NONE: 'DOWN'
    bool priority; ///< DOWN goes before ordinary messages (see keel_alias_priority)
} keel_monitor_opts;

/// Which replies to a spawn request are sent. OTP: the option reply of spawn_request/5.
typedef enum keel_spawn_reply {
    KEEL_SPAWN_REPLY, ///< all
    KEEL_SPAWN_REPLY_NO, ///< none
    KEEL_SPAWN_REPLY_ERROR_ONLY,
    KEEL_SPAWN_REPLY_SUCCESS_ONLY,
} keel_spawn_reply;

/// Options of a spawn; zeroed: the defaults. OTP: erlang:spawn_opt/4.
typedef struct keel_spawn_opts {
    bool link;
    bool monitor;
    keel_monitor_opts monitor_opts;
    keel_priority priority;
    keel_term name; ///< registered before it runs; KEEL_E_TAKEN when it is taken
    keel_term label; ///< see keel_process_set_label
    size_t stack_bytes; ///< 0: the runtime's default; at most 1 GiB
    size_t max_memory; ///< bytes of its terms and allocations; beyond: it is killed; 0: no
                       ///< limit
    size_t mailbox_limit; ///< messages; 0: no limit
    keel_mailbox_policy mailbox_policy;
    const char
            *entry; ///< its name in inspection; static; NULL: found from the body's address
    keel_spawn_reply reply; ///< keel_spawn_request only
} keel_spawn_opts;

/// Spawns a process. It does not run before this returns on the same worker, and a
/// message sent to it at once is not lost. A NULL body makes a process that ends with
/// {undef, Stack}. Never returns none inside a process: when there can be no more
/// processes the caller exits with `system_limit`; outside it returns none.
/// @param argument  @borrows: copied for the new process
/// @thread any
/// @since 0.1
KEEL_API keel_pid keel_spawn(keel_body body, keel_term argument);
/// The same, linked to the caller before it runs. @thread process @since 0.1
KEEL_API keel_pid keel_spawn_link(keel_body body, keel_term argument);
/// The same, monitored by the caller before it runs. @thread process @since 0.1
KEEL_API keel_pid keel_spawn_monitor(
        keel_body body, keel_term argument, keel_ref *ret_monitor);
/// The same with options.
/// @param opts         NULL: defaults
/// @param ret_monitor  written when opts->monitor; may be NULL otherwise
/// @return KEEL_OK, KEEL_E_BADARG (an option out of range), KEEL_E_TAKEN,
///         KEEL_E_SYSTEM_LIMIT, KEEL_E_NOMEM, KEEL_E_STOPPED, KEEL_E_OUTSIDE (link or
///         monitor from outside)
/// @thread any
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_spawn_opt(keel_body body, keel_term argument,
        const keel_spawn_opts *opts, keel_pid *ret_pid, keel_ref *ret_monitor);

/// Asynchronous spawn: returns at once; later the caller gets {Tag, Ref, ok, Pid} or
/// {Tag, Ref, error, Reason} (badopt, system_limit), unless opts->reply does not want it.
/// With opts->monitor, Ref is the monitor too. OTP: erlang:spawn_request/5.
/// @param tag        KEEL_NONE: spawn_reply
/// @param ret_request  the reference
/// @return KEEL_OK, KEEL_E_OUTSIDE
/// @thread process
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_spawn_request(keel_body body, keel_term argument,
        const keel_spawn_opts *opts, keel_term tag, keel_ref *ret_request);
/// True when a request was still unanswered and its reply will not come.
/// OTP: erlang:spawn_request_abandon/1. @thread process @since 0.1
KEEL_API bool keel_spawn_request_abandon(keel_ref request);

/// The calling process, none outside. @thread any @since 0.1
KEEL_API keel_pid keel_self(void);
/// True inside a process. @thread any @since 0.1
KEEL_API bool keel_in_process(void);

/// Ends the calling process with `reason`, from any depth: nothing of its C frames is
/// unwound, but keel_defer functions run and its memory is given back. Outside a process
/// it is a mistake of the program that is logged, and the calling thread ends. With no term
/// the reason is {badarg, Stack}, here and in keel_error. OTP: exit/1. @thread process
/// @since 0.1
KEEL_API KEEL_NORETURN void keel_exit(keel_term reason);
/// Ends it as a runtime error does: with {reason, Stack}. OTP: error/1.
/// @thread process @since 0.1
KEEL_API KEEL_NORETURN void keel_error(keel_term reason);
/// Runs fn(context): keel_exit, keel_error and a failed assertion in it end only this run,
/// from any depth. Nothing of its frames is unwound; what it allocated stays until the
/// process ends. Runs nest. Exit signals, kill and faults are not caught. OTP: try … catch.
/// @param ret_reason  with KEEL_E_EXIT: what the process would have ended with
/// @return KEEL_OK, KEEL_E_EXIT, KEEL_E_OUTSIDE (fn was not run), KEEL_E_BADARG
/// @thread process
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_try(
        void (*fn)(void *context), void *context, keel_term *ret_reason);
/// Ends the calling process with {{assertion, Text, File, Line}, Stack} when `condition`
/// is false. @thread process @since 0.1
#define KEEL_ASSERT(condition)                                                             \
    ((condition) ? (void)0 : keel_assert_failed(#condition, __FILE__, __LINE__))
KEEL_API KEEL_NORETURN void keel_assert_failed(
        const char *text, const char *file, int line);

/// Sends `pid` the exit signal `reason` and returns at once; a dead pid is fine.
/// `normal` from another process ends nobody, `kill` cannot be trapped.
/// OTP: exit/2. @return KEEL_OK, KEEL_E_BADARG (no pid or no reason)
/// @thread any (outside: the signal comes from no process) @since 0.1
KEEL_API keel_status keel_process_exit(keel_pid pid, keel_term reason);

/// True while `pid` has not ended. Ordered after the caller's own signals to it.
/// @thread any @since 0.1
KEEL_API bool keel_process_alive(keel_pid pid);
/// Lists the pids of all processes alive. @thread any @since 0.1
KEEL_API keel_term keel_process_list(void);

/// Decides whether exit signals arrive as {'EXIT', From, Reason} messages; returns the
/// old value (at first false). OTP: process_flag(trap_exit, _). @thread process @since 0.1
KEEL_API bool keel_trap_exit(bool trap);
/// Sets a flag by name: trap_exit (a bool), priority (low, normal, high, max),
/// max_heap_size (bytes; 0: none), message_queue_limit.
/// @param ret_old  may be NULL
/// @return KEEL_OK, KEEL_E_BADARG (unknown flag or bad value; nothing changes),
///         KEEL_E_OUTSIDE. OTP: process_flag/2
/// @thread process
/// @since 0.1
KEEL_API keel_status keel_process_flag(keel_term flag, keel_term value, keel_term *ret_old);
/// Changes the limit of the caller's mailbox. @thread process @since 0.1
KEEL_API keel_status keel_process_mailbox(size_t limit, keel_mailbox_policy policy);

/// Gives other processes a turn; also where a long computation notices an exit signal.
/// OTP: erlang:yield/0. @thread process @since 0.1
KEEL_API void keel_yield(void);
/// Waits for `duration`, of any length; takes no message. OTP: timer:sleep/1.
/// @thread process @since 0.1
KEEL_API void keel_sleep(keel_duration duration);

/// Gives memory back and waits until a message is there; does not take it.
/// OTP: erlang:hibernate/0. @thread process @since 0.1
KEEL_API void keel_hibernate(void);
/// Gives the stack and everything received or built back, waits until a message is there
/// and continues in `body` with `argument`, as if spawned so. OTP: erlang:hibernate/3.
/// @thread process; in a body, not in a handler's callback @since 0.1
KEEL_API KEEL_NORETURN void keel_hibernate_then(keel_body body, keel_term argument);

/// Stops a process from executing until resumed as many times; messages are queued. What it
/// waits for with a timeout, and timers for its pid, stand still meanwhile. Ends with the
/// caller. Returns when it has stopped. OTP: erlang:suspend_process/1 (29 for the timers).
/// @return KEEL_OK, KEEL_E_BADARG (self or no pid), KEEL_E_NOPROC, KEEL_E_OUTSIDE
/// @thread process
/// @since 0.1
KEEL_API keel_status keel_process_suspend(keel_pid pid);
KEEL_API keel_status keel_process_resume(keel_pid pid);

// --- what belongs to a process ---

/// Memory that is given back when the process ends; outside a process plain memory of
/// the program. Zeroed; aligned to 16 bytes. In a process that has no more memory it ends
/// with `system_limit`; outside NULL. @thread any @since 0.1
KEEL_API void *keel_alloc(size_t bytes);
/// As realloc, for memory of keel_alloc; what is added is zeroed. @thread as keel_alloc
/// @since 0.1
KEEL_API void *keel_realloc(void *memory, size_t bytes);
/// NULL is fine. @thread as keel_alloc @since 0.1
KEEL_API void keel_free(void *memory);
/// Runs fn(arg) when the calling process ends, whatever ends it; the last deferred runs
/// first. It may send and cast but not wait; a fault in it skips it.
/// @return KEEL_OK, KEEL_E_OUTSIDE, KEEL_E_BADARG @thread process @since 0.1
KEEL_API keel_status keel_defer(void (*fn)(void *arg), void *arg);
/// Takes back the newest keel_defer of the same pair: false when there is none.
/// @thread process @since 0.1
KEEL_API bool keel_undefer(void (*fn)(void *arg), void *arg);

/// The process dictionary. put returns the old value or KEEL_NONE, get the value or
/// KEEL_NONE, erase what was removed or KEEL_NONE. Results live as terms do.
/// OTP: put/2, get/1, erase/1, get/0. @thread process @since 0.1
KEEL_API keel_term keel_process_put(keel_term key, keel_term value);
KEEL_API keel_term keel_process_get(keel_term key);
KEEL_API keel_term keel_process_erase(keel_term key);
/// A list of {Key, Value}. @thread process @since 0.1
KEEL_API keel_term keel_process_dictionary(void);
/// The list of keys whose value is `value`, all when KEEL_NONE. @thread process @since 0.1
KEEL_API keel_term keel_process_keys(keel_term value);

/// Any term that tells people what the process is; shown by inspection and in reports.
/// OTP: proc_lib:set_label/1, get_label/1 (KEEL_NONE when unset or dead).
/// @thread process; any @since 0.1
KEEL_API keel_status keel_process_set_label(keel_term label);
KEEL_API keel_term keel_process_get_label(keel_pid pid);

/// The group leader, inherited from the spawner; none for a root.
/// OTP: group_leader/0, /2. set: KEEL_E_BADARG for a dead process. @thread any @since 0.1
KEEL_API keel_pid keel_group_leader(void);
KEEL_API keel_status keel_group_leader_set(keel_pid leader, keel_pid pid);
/// Who spawned the caller; none for a process started from outside. @thread process
/// @since 0.1
KEEL_API keel_pid keel_parent(void);
/// The pids or names of parent, grandparent, … . OTP: $ancestors. @thread process
/// @since 0.1
KEEL_API keel_term keel_ancestors(void);

KEEL_END_DECLS

#endif // KEEL_PROCESS_H
