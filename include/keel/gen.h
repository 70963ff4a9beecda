#ifndef KEEL_GEN_H
#define KEEL_GEN_H

#include <keel/link.h>

// For people who write behaviours of their own: handler processes, the synchronous start,
// the call protocol. OTP: the modules gen and proc_lib.
//
// A handler is a state and a function. Between messages the process holds no stack; when
// one comes, the function runs on a stack from the pool and may wait there as a body may.

KEEL_BEGIN_DECLS

/// Who made a call: pass it to keel_gen_reply, now or later, here or in any process.
/// `tag` follows the lifetime rule: keep it with keel_keep when it outlives the callback.
typedef struct keel_from {
    keel_pid pid;
    keel_term tag;
} keel_from;

/// {Pid, Tag}, as OTP passes it. @thread any @since 0.1
KEEL_API keel_term keel_from_to_term(keel_from from);
/// The other way; a zeroed from when `term` is not {Pid, Tag}. @thread any @since 0.1
KEEL_API keel_from keel_from_of_term(keel_term term);

typedef enum keel_message_kind {
    KEEL_MESSAGE_INFO, ///< any other message; body: the message
    KEEL_MESSAGE_CALL, ///< {'$gen_call', From, Request}; body: the request
    KEEL_MESSAGE_CAST, ///< {'$gen_cast', Request}; body: the request
    KEEL_MESSAGE_SYSTEM, ///< {system, From, Request}; body: the request
    KEEL_MESSAGE_PARENT_EXIT, ///< {'EXIT', Parent, Reason}, trapped; body: Reason;
                              ///< see keel_gen_parent
    KEEL_MESSAGE_TIMEOUT, ///< the time given with KEEL_NEXT_WAIT has passed; body: none
    KEEL_MESSAGE_AGAIN, ///< keel_next_again() was returned; body: none
} keel_message_kind;

/// A message as a handler sees it. Terms in it live until the callback returns.
typedef struct keel_message {
    keel_message_kind kind;
    keel_term body;
    keel_from from; ///< of calls and system messages
} keel_message;

/// What a handler does next; made by the functions below.
typedef struct keel_next {
    int action;
    keel_deadline until;
    keel_term reason;
} keel_next;

enum {
    KEEL_NEXT_WAIT,
    KEEL_NEXT_HIBERNATE,
    KEEL_NEXT_EXIT,
    KEEL_NEXT_AGAIN,
    KEEL_NEXT_SUSPENDED
};

static inline keel_next keel_next_make_(int action, keel_deadline until, keel_term reason)
{
    keel_next next;
    next.action = action;
    next.until = until;
    next.reason = reason;
    return next;
}
/// Waits for the next message.
static inline keel_next keel_next_wait(void)
{
    return keel_next_make_(KEEL_NEXT_WAIT, KEEL_NEVER, KEEL_NONE);
}
/// Waits for it; at `until` KEEL_MESSAGE_TIMEOUT comes instead, unless any message came.
static inline keel_next keel_next_wait_until(keel_deadline until)
{
    return keel_next_make_(KEEL_NEXT_WAIT, until, KEEL_NONE);
}
/// As keel_next_wait_until (or KEEL_NEVER), and gives memory back meanwhile.
static inline keel_next keel_next_hibernate(keel_deadline until)
{
    return keel_next_make_(KEEL_NEXT_HIBERNATE, until, KEEL_NONE);
}
/// Ends the process with `reason`; with {badarg, Stack} when that is no term.
static inline keel_next keel_next_exit(keel_term reason)
{
    return keel_next_make_(KEEL_NEXT_EXIT, KEEL_NEVER, reason);
}
/// Calls the handler again with KEEL_MESSAGE_AGAIN before any message.
static inline keel_next keel_next_again(void)
{
    return keel_next_make_(KEEL_NEXT_AGAIN, KEEL_NEVER, KEEL_NONE);
}
/// Waits for system messages (and, trapping, the parent's exit) only; others stay queued.
static inline keel_next keel_next_suspended(void)
{
    return keel_next_make_(KEEL_NEXT_SUSPENDED, KEEL_NEVER, KEEL_NONE);
}

/// What a handler process runs. Static: it must outlive its processes.
typedef struct keel_handler {
    const char *name; ///< shown by inspection as its entry, such as "gen_server:init/1"
    size_t state_bytes; ///< zeroed memory of the process, given to each callback
    /// Called first, on a stack, in the new process, before any message.
    keel_next (*start)(void *state, keel_term argument);
    /// Called for each message, in the process, on a stack. May wait, call, receive.
    keel_next (*receive)(void *state, const keel_message *message);
    /// Called when start, receive or this very function has ended by keel_exit, keel_error,
    /// a failed assertion or a caught fault, with the reason the process would end with.
    /// It runs on a fresh stack; what the failed callback received and built is still
    /// there. What it returns is done: keel_next_exit(reason) ends the process, anything
    /// else lets it go on. Not called for exit signals and kill, nor after keel_gen_fail.
    /// `message` is the one that was being handled, NULL in start. It may fail itself, but
    /// not for ever. No function: the process ends with `reason`.
    keel_next (*failed)(void *state, keel_term reason, const keel_message *message);
} keel_handler;

/// Spawns a handler process; arguments and results as keel_spawn_opt.
/// @thread any @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_spawn_handler(const keel_handler *handler,
        keel_term argument, const keel_spawn_opts *opts, keel_pid *ret_pid,
        keel_ref *ret_monitor);

// --- starting and waiting for it: proc_lib:start, start_link, start_monitor ---

/// Spawns a handler process and waits until it acknowledges (keel_gen_ack), fails
/// (keel_gen_fail) or ends.
/// @param timeout  when to give up: the child is then killed, and KEEL_E_TIMEOUT returned
///                 once it is gone; nothing of it arrives later, but for the message of
///                 the monitor that opts->monitor asks for
/// @param ret_ack  KEEL_OK: the acknowledged term; KEEL_E_EXIT: the reason it ended with
///                 before; KEEL_E_CANCELED: the term of keel_gen_fail (it has ended by
///                 now); KEEL_E_TAKEN: the pid that has the name
/// @return also KEEL_E_SYSTEM_LIMIT, KEEL_E_BADARG, KEEL_E_NOMEM, KEEL_E_STOPPED.
///         When it failed and opts->link: for a caller that traps exits no EXIT message of
///         the child is left; one that does not is taken down by an abnormal reason, as
///         start_link does, unless the child used keel_gen_fail with `normal`.
/// @thread any (link and monitor: process)
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_gen_start(const keel_handler *handler,
        keel_term argument, const keel_spawn_opts *opts, keel_deadline timeout,
        keel_pid *ret_pid, keel_ref *ret_monitor, keel_term *ret_ack);
/// The same for a body. OTP: proc_lib:start_link/5. @thread any @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_start_body(keel_body body, keel_term argument,
        const keel_spawn_opts *opts, keel_deadline timeout, keel_pid *ret_pid,
        keel_ref *ret_monitor, keel_term *ret_ack);
/// In the child: lets the starter go on with `ack`. Once; later calls do nothing.
/// OTP: proc_lib:init_ack/1. @thread process @since 0.1
KEEL_API void keel_gen_ack(keel_term ack);
/// In the child: ends it with `reason`; the starter then gets `result`. A linked trapping
/// starter finds no EXIT. OTP: proc_lib:init_fail/2. @thread process @since 0.1
KEEL_API KEEL_NORETURN void keel_gen_fail(keel_term result, keel_term reason);
/// True in a process that was started by keel_gen_start or keel_start_body.
/// @thread process @since 0.1
KEEL_API bool keel_gen_started(void);
/// The process whose exit signal a handler that traps exits gets as
/// KEEL_MESSAGE_PARENT_EXIT: who started the caller with a link, else the caller itself, so
/// that one started without a link can be ended in an orderly way from outside the runtime
/// too. OTP: the parent that gen passes to sys. @thread process @since 0.1
KEEL_API keel_pid keel_gen_parent(void);
/// Turns the body of a process into a handler, with `state` of keel_alloc; does not
/// return. OTP: gen_server:enter_loop. @thread process, in a body @since 0.1
KEEL_API KEEL_NORETURN void keel_gen_enter(
        const keel_handler *handler, void *state, keel_next first);

// --- calls ---

/// Calls `to` (pid, name, {Name, Node}) and waits for the reply. The death of the server
/// answers too; a late reply is dropped. A call made while serving a call gives up no
/// later than its own caller does. OTP: gen:call/4 with '$gen_call'.
/// @param ret_reply  KEEL_OK: the reply; KEEL_E_EXIT: the reason the server ended with;
///                   else untouched
/// @return KEEL_OK, KEEL_E_TIMEOUT, KEEL_E_NOPROC, KEEL_E_EXIT, KEEL_E_SELFCALL,
///         KEEL_E_OVERLOAD, KEEL_E_NODEDOWN, KEEL_E_BADARG, KEEL_E_STOPPED
/// @thread any: a thread outside blocks
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_gen_call(
        keel_term to, keel_term request, keel_deadline deadline, keel_term *ret_reply);
/// The same with a system message, {system, From, Request}. OTP: sys's own calls.
/// @thread any @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_gen_system_call(
        keel_term to, keel_term request, keel_deadline deadline, keel_term *ret_reply);
/// Sends {'$gen_cast', Request}. KEEL_OK also when nobody is there; KEEL_E_OVERLOAD.
/// @thread any @since 0.1
KEEL_API keel_status keel_gen_cast(keel_term to, keel_term request);
/// Answers a call. Once: a second reply to the same call is dropped. From any process.
/// OTP: gen:reply/2. @thread any @since 0.1
KEEL_API void keel_gen_reply(keel_from from, keel_term reply);

/// Sends a request and returns at once; the answer is a message that
/// keel_gen_check_response knows. Also when nobody is there (the answer then is noproc).
/// None when `to` is no destination or outside. OTP: gen:send_request/3.
/// @thread process @since 0.1
KEEL_API keel_ref keel_gen_send_request(keel_term to, keel_term request);
/// What `message` says about `request`: KEEL_OK and the reply, KEEL_E_EXIT and the reason
/// (noproc included), or KEEL_E_NOPROC when it is about something else.
/// OTP: gen:check_response/2. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_gen_check_response(
        keel_term message, keel_ref request, keel_term *ret_reply);
/// Waits for the answer; KEEL_E_TIMEOUT keeps the request open.
/// OTP: gen:wait_response/2. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_gen_wait_response(
        keel_ref request, keel_deadline deadline, keel_term *ret_reply);
/// Waits for it; after KEEL_E_TIMEOUT the request is abandoned: its answer never comes.
/// OTP: gen:receive_response/2. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_gen_receive_response(
        keel_ref request, keel_deadline deadline, keel_term *ret_reply);
/// Forgets a request: its answer never comes. @thread process @since 0.1
KEEL_API void keel_gen_abandon(keel_ref request);

/// True when `process` (a pid, or {Name, Node}) is on a node with an OTP before 26.1, where
/// the answer to get_state is the bare state, not {ok, State}. May wait a moment for that
/// node to tell. @thread any @since 0.1
KEEL_API bool keel_gen_bare_state(keel_term process);

/// The deadline of the call that the process serves now, KEEL_NEVER when none.
/// @thread process @since 0.1
KEEL_API keel_deadline keel_gen_deadline(void);

// --- reports ---

/// Why a process ended, for crash reports.
typedef struct keel_crash {
    keel_pid pid;
    keel_term reason; ///< the exit reason, complete
    keel_term report; ///< a map: initial_call, registered_name, label, ancestors,
                      ///< message_queue_len, messages, links, dictionary, trap_exit, status
    bool fault; ///< a signal (SIGSEGV, …), not an exit
    const char *trace; ///< symbolised frames, one a line, or ""
} keel_crash;

/// Sets who hears of processes that end by a runtime error or fault (keel_error, a failed
/// assertion, SIGSEGV, …), and of those started by keel_gen_start that end abnormally
/// (other than normal, shutdown, {shutdown, _} and killed). Called in the dying process's
/// turn; may send, but not wait. NULL: the default, which logs. Returns the old one.
/// @thread any @since 0.1
typedef void (*keel_crash_handler)(const keel_crash *crash);
KEEL_API keel_crash_handler keel_crash_handler_set(keel_crash_handler handler);
/// While `quiet`, nobody hears of them, and nothing is spent on it: at first false.
/// Returns what it was. @thread any @since 0.1
KEEL_API bool keel_crash_quiet(bool quiet);

KEEL_END_DECLS

#endif // KEEL_GEN_H
