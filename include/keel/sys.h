#ifndef KEEL_SYS_H
#define KEEL_SYS_H

#include <keel/gen.h>

// Looking into behaviours and steering them while they run: sys. The first half is for
// whoever asks; the second for whoever writes a behaviour that can be asked.
//
// All requests take any name of a server (see keel_server_whereis) and wait up to 5 s;
// keel_sys_request takes another deadline. They give KEEL_OK; KEEL_E_REFUSED with the
// reason R of {error, R} in the result; or what keel_gen_call gives, the reason with
// KEEL_E_EXIT.

KEEL_BEGIN_DECLS

/// One request as it stands in {system, From, Request}, and its answer.
///   keel_sys_request(pid, keel_atom(get_state), KEEL_NEVER, &answer)
/// @thread any @since 0.1
#define keel_sys_request(server, request, deadline, ret_answer)                            \
    keel_sys_request_term(KEEL_TO(server), (request), (deadline), (ret_answer))
KEEL_API KEEL_MUST_USE keel_status keel_sys_request_term(
        keel_term server, keel_term request, keel_deadline deadline, keel_term *ret_answer);

/// The behaviour's state. @thread any @since 0.1
#define keel_sys_get_state(server, ret_state)                                              \
    keel_sys_get_state_term(KEEL_TO(server), (ret_state))
KEEL_API KEEL_MUST_USE keel_status keel_sys_get_state_term(
        keel_term server, keel_term *ret_state);
/// Gives the state as a term, in the server's process; returns the new one. When it fails
/// the old one stays and the answer is {callback_failed, {Module, system_replace_state},
/// {Class, Reason}}, Class being error or exit.
typedef keel_term (*keel_sys_replace)(keel_term state, void *context);
/// @param context    must live until the call returns, which is never before `replace` has
///                    returned or is certain not to be called @thread any @since 0.1
#define keel_sys_replace_state(server, replace, context, ret_state)                        \
    keel_sys_replace_state_term(KEEL_TO(server), (replace), (context), (ret_state))
KEEL_API KEEL_MUST_USE keel_status keel_sys_replace_state_term(
        keel_term server, keel_sys_replace replace, void *context, keel_term *ret_state);
/// {status, Pid, {module, Module}, [Dictionary, running | suspended, Parent, Debug, Misc]}.
/// @thread any @since 0.1
#define keel_sys_get_status(server, ret_status)                                            \
    keel_sys_get_status_term(KEEL_TO(server), (ret_status))
KEEL_API KEEL_MUST_USE keel_status keel_sys_get_status_term(
        keel_term server, keel_term *ret_status);

/// From now on only system messages are handled, until resumed. Once is enough for either.
/// @thread any @since 0.1
#define keel_sys_suspend(server) keel_sys_simple_term(KEEL_TO(server), keel_atom(suspend))
#define keel_sys_resume(server) keel_sys_simple_term(KEEL_TO(server), keel_atom(resume))
/// Turns trace, log, statistics and the log file off and removes installed functions.
#define keel_sys_no_debug(server)                                                          \
    keel_sys_simple_term(                                                                  \
            KEEL_TO(server), keel_tuple_of(keel_atom(debug), keel_atom(no_debug)))
/// One line per event goes to the trace sink.
#define keel_sys_trace(server, on)                                                         \
    keel_sys_simple_term(                                                                  \
            KEEL_TO(server), keel_tuple_of(keel_atom(debug),                               \
                                     keel_tuple_of(keel_atom(trace), keel_bool(on))))
/// Has the behaviour terminate with `reason`; returns at once. OTP: sys:terminate/2.
/// @thread any @since 0.1
#define keel_sys_terminate(server, reason)                                                 \
    keel_sys_simple_term(KEEL_TO(server), keel_tuple_of(keel_atom(terminate), (reason)))
KEEL_API KEEL_MUST_USE keel_status keel_sys_simple_term(
        keel_term server, keel_term request);

/// Statistics: `flag` true (no change when they are on), false or get. get gives
/// [{start_time, …}, {current_time, …}, {reductions, N}, {messages_in, N}, {messages_out,
/// N}] or no_statistics.
/// @param ret_result  may be NULL @thread any @since 0.1
#define keel_sys_statistics(server, flag, ret_result)                                      \
    keel_sys_debug_term(KEEL_TO(server), keel_atom(statistics), (flag), (ret_result))
/// The last events: `flag` true (10 of them), {true, N}, false, get (a list, oldest first)
/// or print. @thread any @since 0.1
#define keel_sys_log(server, flag, ret_result)                                             \
    keel_sys_debug_term(KEEL_TO(server), keel_atom(log), (flag), (ret_result))
KEEL_API KEEL_MUST_USE keel_status keel_sys_debug_term(
        keel_term server, keel_term what, keel_term flag, keel_term *ret_result);
/// Writes each event as a line to the file; NULL closes it. KEEL_E_REFUSED: it cannot be
/// opened. @thread any @since 0.1
#define keel_sys_log_to_file(server, path)                                                 \
    keel_sys_log_to_file_term(KEEL_TO(server), (path))
KEEL_API KEEL_MUST_USE keel_status keel_sys_log_to_file_term(
        keel_term server, const char *path);

/// Called in the server for each event with what it returned last, the event ({in,
/// Message}, {out, Reply, To, State}, {noreply, State}) and the state of the process.
/// Returns what it gets next; the atom done, or a failure, removes it.
typedef keel_term (*keel_sys_watch)(keel_term watch, keel_term event, keel_term state);
/// @param id  names it for keel_sys_remove; KEEL_NONE: the function itself does. One in use
///            already is left as it is @thread any @since 0.1
#define keel_sys_install(server, id, watch, initial)                                       \
    keel_sys_install_term(KEEL_TO(server), (id), (watch), (initial))
KEEL_API KEEL_MUST_USE keel_status keel_sys_install_term(
        keel_term server, keel_term id, keel_sys_watch watch, keel_term initial);
/// Removes the one with `id`, or (id KEEL_NONE) the function installed without one.
/// @thread any @since 0.1
#define keel_sys_remove(server, id, watch)                                                 \
    keel_sys_remove_term(KEEL_TO(server), (id), (watch))
KEEL_API KEEL_MUST_USE keel_status keel_sys_remove_term(
        keel_term server, keel_term id, keel_sys_watch watch);

/// Calls code_change of a suspended behaviour. @param ret_error with KEEL_E_REFUSED: V when
/// it returned V; may be NULL. OTP: sys:change_code/4. @thread any @since 0.1
#define keel_sys_change_code(server, module, old_version, extra, ret_error)                \
    keel_sys_change_code_term(                                                             \
            KEEL_TO(server), (module), (old_version), (extra), (ret_error))
KEEL_API KEEL_MUST_USE keel_status keel_sys_change_code_term(keel_term server,
        keel_term module, keel_term old_version, keel_term extra, keel_term *ret_error);

/// Where the lines of traces go; NULL: the log. Called in the traced process; may not wait.
/// @thread any @since 0.1
KEEL_API void keel_sys_trace_sink_set(
        void (*sink)(void *context, const char *line), void *context);

// --- for those who write behaviours ---

/// Debugging of one process: a member of its state, zeroed at first.
typedef struct keel_sys {
    struct kl_sys_debug *debug; ///< NULL while nothing is switched on
    bool suspended;
    uint8_t own[6]; ///< for the behaviour itself: it would be padding otherwise
} keel_sys;

/// What a behaviour gives the requests; `state` is what it passes on. Static. Any of the
/// functions may fail: the asker is told, the process goes on.
typedef struct keel_sys_ops {
    const char *module; ///< in get_status, such as "gen_server"
    /// What get_status shows last: a list, or any term. May not be NULL.
    keel_term (*misc)(void *state);
    /// The state that is shown and replaced; NULL: misc.
    keel_term (*get_state)(void *state);
    void (*set_state)(void *state, keel_term term);
    /// The atom ok, else why not. NULL: the asker gets {'EXIT', {undef, …}}.
    keel_term (*code_change)(
            void *state, keel_term module, keel_term old_version, keel_term extra);
    /// Goes on waiting as before the request, of handlers. NULL: keel_next_wait().
    keel_next (*resume)(void *state);
    /// Ends the process. NULL: keel_next_exit(reason).
    keel_next (*terminate)(void *state, keel_term reason);
    /// The name of the process in traces; NULL: its registered name or pid.
    keel_term (*name)(void *state);
} keel_sys_ops;

/// Answers a message of kind KEEL_MESSAGE_SYSTEM; the handler returns what this returns.
/// @thread process @since 0.1
KEEL_API keel_next keel_sys_handle(
        keel_sys *sys, const keel_sys_ops *ops, void *state, const keel_message *message);
/// For a body: true when `message` was {system, From, Request}, answered by now. While
/// suspended it waits in there; a terminate request ends the process.
/// OTP: sys:handle_system_msg/6. @thread process @since 0.1
KEEL_API bool keel_sys_message(
        keel_sys *sys, const keel_sys_ops *ops, void *state, keel_term message);
/// Tells the debug functions of an event; call it only while sys->debug is not NULL.
/// OTP: sys:handle_debug/4. @thread process @since 0.1
KEEL_API void keel_sys_event(
        keel_sys *sys, const keel_sys_ops *ops, void *state, keel_term event);
/// Switches on what `options`, a list, says: trace, log, {log, N}, statistics,
/// {log_to_file, Path}, {install, {Pointer, Initial}}; other items are skipped.
/// OTP: sys:debug_options/1. @thread process @since 0.1
KEEL_API void keel_sys_options(keel_sys *sys, keel_term options);
/// The events of the log, oldest first; [] when it is off. OTP: sys:get_log/1.
/// @thread process @since 0.1
KEEL_API keel_term keel_sys_logged(const keel_sys *sys);

KEEL_END_DECLS

#endif // KEEL_SYS_H
