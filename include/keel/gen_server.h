#ifndef KEEL_GEN_SERVER_H
#define KEEL_GEN_SERVER_H

#include <keel/result.h>
#include <keel/start.h>
#include <keel/state.h>
#include <keel/via.h>

// The generic server: a process with a state that answers calls, takes casts and other
// messages one at a time.
//
//   callback          called for                               may return
//   init              the start, before any message            ok, ignore, stop_with, fail
//   handle_call       keel_call                                reply, noreply, stop_with,
//                                                              stop_with_reply
//   handle_cast       keel_cast                                noreply, stop_with
//   handle_info       any other message                        noreply, stop_with
//   handle_continue   keel_then_continue, before any message   noreply, stop_with
//   terminate         the end: stop_with, a failure, keel_gen_server_stop, the parent's
//                     exit when it traps exits; not when killed, nor when init failed
//   code_change       keel_sys_change_code                     the atom ok, else why not
//   format_status     keel_sys_get_status and reports          the status to show
//
// who calls whom:   start_link ──▸ init ──▸ (its return value) ──▸ start_link returns
//                   keel_call  ──▸ handle_call ──▸ keel_reply ──▸ keel_call returns
//                   keel_cast  ──▸ handle_cast        keel_send ──▸ handle_info
//
// Every callback runs in the server's process, on a stack, and may call and wait.

KEEL_BEGIN_DECLS

/// A kind of server: its callbacks. Static: it must outlive its servers. A missing
/// callback that is needed ends the server with undef; without handle_info a message is
/// reported and dropped.
typedef struct keel_gen_server {
    const char *name; ///< needed: what reports call it; as a child its default id
    keel_state_layout
            state; ///< KEEL_STATE(struct type, field, …), KEEL_STATE_TERM or nothing
    keel_result (*init)(keel_term argument, void *state);
    keel_result (*handle_call)(keel_term request, keel_from from, void *state);
    keel_result (*handle_cast)(keel_term request, void *state);
    /// `message` is the atom timeout when keel_then_timeout's time has passed.
    keel_result (*handle_info)(keel_term message, void *state);
    keel_result (*handle_continue)(keel_term argument, void *state);
    void (*terminate)(keel_term reason, void *state);
    /// Brings the state, laid out as `state` says and migrated field by field, from
    /// `old_version` to `version`. On anything but ok the state is put back as it was.
    keel_term (*code_change)(keel_term old_version, void *state, keel_term extra);
    /// `status` is a map with state, message, reason and log, as far as there are any.
    keel_term (*format_status)(keel_term status);
    const char *version; ///< as module attribute vsn; may be NULL
    /// The state as a term, and back; NULL: from the layout.
    keel_term (*get_state)(const void *state);
    void (*set_state)(void *state, keel_term term);
} keel_gen_server;

/// An init for KEEL_STATE_TERM: the argument is the state. @thread process @since 0.1
KEEL_API keel_result keel_init_term(keel_term argument, void *state);

// --- starting ---

/// Starts a server and waits until init has returned:
///   keel_gen_server_start_link(&counter, keel_int(0), .name = keel_atom(counter))
/// The first is the kind of server, the second init's argument; options follow by name,
/// see keel_start_opts. start_link links it to the caller, which becomes its parent;
/// start_monitor also gives a monitor. A linked caller that does not trap exits is taken
/// down by an init that stops with an abnormal reason or fails.
/// OTP: gen_server:start_link/3,4. @thread process (start: any) @since 0.1
#define keel_gen_server_start(server, ...)                                                 \
    keel_gen_server_start_opt((server), KEEL_START_OPTS_(__VA_ARGS__))
#define keel_gen_server_start_link(server, ...)                                            \
    keel_gen_server_start_link_opt((server), KEEL_START_OPTS_(__VA_ARGS__))
#define keel_gen_server_start_monitor(server, ...)                                         \
    keel_gen_server_start_monitor_opt((server), KEEL_START_OPTS_(__VA_ARGS__))
#define KEEL_START_OPTS_(...) (KEEL_OPTS(keel_start_opts, .argument = __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_gen_server_start_opt(
        const keel_gen_server *server, const keel_start_opts *opts);
KEEL_API KEEL_MUST_USE keel_started keel_gen_server_start_link_opt(
        const keel_gen_server *server, const keel_start_opts *opts);
KEEL_API KEEL_MUST_USE keel_started keel_gen_server_start_monitor_opt(
        const keel_gen_server *server, const keel_start_opts *opts);
/// start_link in the shape of a child specification. @thread process @since 0.1
KEEL_API keel_started keel_gen_server_start_child(
        const void *server, const keel_start_opts *opts);
/// Turns the calling process, started by keel_start_body, into a server. Its state is
/// zeroed and then filled by `first`, which plays the role of init but acknowledges
/// nothing. `name` (KEEL_NONE: none) must be the caller's already: else it exits with
/// process_not_registered, {process_not_registered_via, Module} and the like.
/// OTP: gen_server:enter_loop/5. @thread process, in a body @since 0.1
KEEL_API KEEL_NORETURN void keel_gen_server_enter_loop(const keel_gen_server *server,
        keel_result (*first)(keel_term argument, void *state), const keel_start_opts *opts);

// --- the client's half; `server` is a pid, a name, a C string, {via, …}, {global, …} ---

/// Calls a server and waits up to 5 s for the reply.
/// @param ret_reply  KEEL_OK: the reply; KEEL_E_EXIT: the reason the server ended with
/// @return as keel_gen_call: KEEL_OK, KEEL_E_TIMEOUT, KEEL_E_NOPROC, KEEL_E_EXIT,
///         KEEL_E_SELFCALL, KEEL_E_OVERLOAD, KEEL_E_NODEDOWN, KEEL_E_BADARG, KEEL_E_STOPPED
/// OTP: gen_server:call/2. @thread any: a thread outside blocks @since 0.1
#define keel_call(server, request, ret_reply)                                              \
    keel_call_term(KEEL_TO(server), (request), KEEL_ABOUT(KEEL_SECONDS(5)), (ret_reply))
/// The same with a deadline. OTP: gen_server:call/3. @thread any @since 0.1
#define keel_call_within(server, request, deadline, ret_reply)                             \
    keel_call_term(KEEL_TO(server), (request), (deadline), (ret_reply))
KEEL_API KEEL_MUST_USE keel_status keel_call_term(
        keel_term server, keel_term request, keel_deadline deadline, keel_term *ret_reply);
/// The reply; if the call fails the caller exits with {Reason, {gen_server, call,
/// [Server, Request, Timeout]}}, Reason being noproc, timeout, calling_self,
/// {nodedown, Node} or the reason the server ended with. @thread process @since 0.1
#define keel_call_or_exit(server, request)                                                 \
    keel_call_or_exit_term(KEEL_TO(server), (request), KEEL_SECONDS(5))
/// The same with a time limit; KEEL_FOREVER for none. @thread any @since 0.1
#define keel_call_or_exit_within(server, request, timeout)                                 \
    keel_call_or_exit_term(KEEL_TO(server), (request), (timeout))
#define KEEL_FOREVER INT64_MAX
KEEL_API keel_term keel_call_or_exit_term(
        keel_term server, keel_term request, keel_duration timeout);

/// Sends a request without waiting. KEEL_OK also when nobody is there; KEEL_E_OVERLOAD,
/// KEEL_E_BADARG (no name of a server). OTP: gen_server:cast/2. @thread any @since 0.1
#define keel_cast(server, request) keel_cast_term(KEEL_TO(server), (request))
KEEL_API keel_status keel_cast_term(keel_term server, keel_term request);

/// Answers a call that handle_call left open with keel_noreply: from any process, once.
/// OTP: gen_server:reply/2. @thread any @since 0.1
static inline void keel_reply_to(keel_from from, keel_term reply)
{
    keel_gen_reply(from, reply);
}

/// Has a server (or any behaviour) terminate with `reason` and waits until it has ended.
/// @param ret_reason  with KEEL_E_EXIT; may be NULL
/// @return KEEL_OK: it ended with `reason`; KEEL_E_EXIT: with another one; KEEL_E_NOPROC,
///         KEEL_E_SELFCALL, KEEL_E_TIMEOUT, KEEL_E_NODEDOWN, KEEL_E_BADARG, KEEL_E_OUTSIDE
/// OTP: gen_server:stop/3, proc_lib:stop/3. @thread process @since 0.1
#define keel_gen_server_stop(server, reason, deadline)                                     \
    keel_gen_server_stop_term(KEEL_TO(server), (reason), (deadline), NULL)
KEEL_API keel_status keel_gen_server_stop_term(
        keel_term server, keel_term reason, keel_deadline deadline, keel_term *ret_reason);

/// Gives a running server another version of its code: suspends it, moves its state to the
/// layout of `to` field by field, by name (numbers are converted where they fit, what is
/// new is zero), calls to->code_change with the old version's `version`, resumes it. Calls
/// made meanwhile wait and are answered by the new version. On any failure the server goes
/// on as it was.
/// @param to         static; the old version may go when no server uses it any more
/// @param ret_error  with KEEL_E_REFUSED: what code_change returned, or {'EXIT', Reason};
/// may
///                   be NULL
/// @return KEEL_OK, KEEL_E_REFUSED, KEEL_E_BADARG, and what keel_gen_call gives
/// OTP: release_handler. @thread any @since 0.1
#define keel_gen_server_upgrade(server, to, extra, ret_error)                              \
    keel_gen_server_upgrade_term(KEEL_TO(server), (to), (extra), (ret_error))
KEEL_API KEEL_MUST_USE keel_status keel_gen_server_upgrade_term(
        keel_term server, const keel_gen_server *to, keel_term extra, keel_term *ret_error);

KEEL_END_DECLS

#endif // KEEL_GEN_SERVER_H
