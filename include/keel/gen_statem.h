// Longer than 250 lines because whoever reads a state machine looks up events, actions and
// timeouts in one place.
#ifndef KEEL_GEN_STATEM_H
#define KEEL_GEN_STATEM_H

#include <keel/gen_server.h>

// The state machine: a process in one of several states. What an event does depends on the
// state it finds; an event may be postponed until the state changes, and a state may be
// left when its time is over.
//
//   static keel_result locked(const keel_event *event, void *data)
//   {
//       struct door *door = data;
//       if (keel_event_is_cast(event) && keel_equal(event->content, door->code)) {
//           return keel_next_state(keel_atom(open),
//                   keel_do_state_timeout(KEEL_SECONDS(10), keel_atom(lock)));
//       }
//       return keel_unexpected(event->content);
//   }
//   static keel_result open(const keel_event *event, void *data) …
//
//   const keel_gen_statem door = {
//           .name = "door",
//           .data = KEEL_STATE(struct door, code),
//           .init = init, // returns keel_ok_in(keel_atom(locked))
//           .states = KEEL_STATES(locked, open),
//   };
//
//   callback          called for                              may return
//   init              the start, before any event             ok_in, ignore, stop_with,
//   a state's own,    each event; with state_enter also when  next_state, keep_state,
//   or handle_event   the state is entered                    repeat_state, stop_with,
//                                                             stop_and_reply, unexpected
//   terminate         the end, as a gen_server's; an
//                     error's reason comes without stack
//   code_change       keel_sys_change_code, an upgrade        the atom ok, else why not
//   format_status     keel_sys_get_status and reports         the status to show
//
// With `states`, one function a state, states are atoms (OTP: state_functions); with
// handle_event, one function for all, a state is any term (OTP: handle_event_function).
// Giving both, or none, ends the machine with {bad_return_from_callback_mode, _}.
//
// Around an event: the callback returns; replies are sent; the enter callback of a new or
// repeated state; a change of state puts the postponed events back in front of the queue
// and ends the state timeout; the event timeout ends in any case; timeouts start; inserted
// events go in front of everything.

KEEL_BEGIN_DECLS

/// What happened. OTP's event types.
typedef enum keel_event_type {
    KEEL_EVENT_CALL, ///< keel_gen_statem_call; answer it with keel_do_reply, now or later
    KEEL_EVENT_CAST, ///< keel_cast
    KEEL_EVENT_INFO, ///< any other message
    KEEL_EVENT_INTERNAL, ///< from keel_do_next_event
    KEEL_EVENT_TIMEOUT, ///< no event came for so long: keel_do_timeout
    KEEL_EVENT_STATE_TIMEOUT, ///< in this state for so long: keel_do_state_timeout
    KEEL_EVENT_NAMED_TIMEOUT, ///< keel_do_named_timeout
    KEEL_EVENT_ENTER, ///< the state is entered; content: the state before
} keel_event_type;

/// An event as a callback sees it. Its terms live until the callback returns.
typedef struct keel_event {
    keel_event_type type;
    keel_from from; ///< of a call
    keel_term name; ///< of a named timeout, else KEEL_NONE
    keel_term content;
    keel_term state; ///< the machine's
} keel_event;

static inline bool keel_event_is_call(const keel_event *event)
{
    return event->type == KEEL_EVENT_CALL;
}
static inline bool keel_event_is_cast(const keel_event *event)
{
    return event->type == KEEL_EVENT_CAST;
}
static inline bool keel_event_is_enter(const keel_event *event)
{
    return event->type == KEEL_EVENT_ENTER;
}
/// OTP's type of the event: {call, From}, cast, info, internal, timeout, state_timeout,
/// {timeout, Name} or enter; KEEL_NONE for none of them. @thread any @since 0.1
KEEL_API keel_term keel_event_type_term(const keel_event *event);

/// Handles an event; `data` is the machine's, changed in place.
typedef keel_result (*keel_event_function)(const keel_event *event, void *data);

/// A state and its callback; see KEEL_STATES.
typedef struct keel_state_function {
    const char *state;
    keel_event_function handle;
} keel_state_function;

/// A kind of machine. Static: it must outlive its machines.
typedef struct keel_gen_statem {
    const char *name; ///< needed: what reports call it; as a child its default id
    keel_state_layout data; ///< KEEL_STATE(struct type, field, …), KEEL_STATE_TERM, nothing
    keel_result (*init)(keel_term argument, void *data);
    const keel_state_function *states; ///< ended by a NULL name
    keel_event_function handle_event;
    bool state_enter; ///< states are told when they are entered: KEEL_EVENT_ENTER
    void (*terminate)(keel_term reason, keel_term state, void *data);
    /// Brings the data, migrated field by field, from `old_version` to `version`, and may
    /// put another state into `*state`. On anything but ok both are put back.
    keel_term (*code_change)(
            keel_term old_version, keel_term *state, void *data, keel_term extra);
    /// `status` is a map with state, data, reason, queue, postponed, timeouts and log, as
    /// far as there are any.
    keel_term (*format_status)(keel_term status);
    const char *version; ///< as module attribute vsn; may be NULL
    /// The data as a term, and back; NULL: from the layout.
    keel_term (*get_data)(const void *data);
    void (*set_data)(void *data, keel_term term);
} keel_gen_statem;

/// The states of a machine by their functions, up to 16: `.states = KEEL_STATES(locked,
/// open)` are the states locked and open. At file scope.
#define KEEL_STATES(...)                                                                   \
    (const keel_state_function[])                                                          \
    {                                                                                      \
        KEEL_STATES_GLUE_(KEEL_STATE_COUNT_(__VA_ARGS__))                                  \
        (__VA_ARGS__)                                                                      \
        {                                                                                  \
            NULL, NULL                                                                     \
        }                                                                                  \
    }

// --- what a callback returns; also keel_stop_with, keel_ignore, keel_fail ---
//
// `…` are actions, any number: terms as OTP has them, or lists of such terms. Functions
// that make them follow; whoever prefers OTP's notation writes keel_make("{reply, From,
// ok}", …). An action that is none ends the machine with {{bad_action_from_state_function,
// Action}, Stack}.

/// From init: ready, in this state: keel_ok_in(state, …). OTP: {ok, State, Data, Actions}.
#define keel_ok_in(...) keel_transition_(KEEL_RESULT_OK, __VA_ARGS__)
/// Into a state, the present one included: keel_next_state(state, …).
/// OTP: {next_state, State, Data, Actions}.
#define keel_next_state(...) keel_transition_(KEEL_RESULT_NEXT_STATE, __VA_ARGS__)
/// Stays where it is: keel_keep_state(…). OTP: {keep_state, Data, Actions}.
#define keel_keep_state(...)                                                               \
    keel_transition_(KEEL_RESULT_KEEP_STATE, KEEL_NONE, __VA_ARGS__)
/// The same, but enters the state again. OTP: {repeat_state, Data, Actions}.
#define keel_repeat_state(...)                                                             \
    keel_transition_(KEEL_RESULT_REPEAT_STATE, KEEL_NONE, __VA_ARGS__)
/// Sends the replies, then terminates: keel_stop_and_reply(reason, keel_do_reply(…), …).
/// OTP: {stop_and_reply, Reason, Replies}.
#define keel_stop_and_reply(...) keel_transition_(KEEL_RESULT_STOP_REPLIES, __VA_ARGS__)

/// Made by the macros above: the first of `terms` is the state or reason, the others are
/// actions. @thread any @since 0.1
KEEL_API keel_result keel_transition_make(
        uint8_t kind, const keel_term *terms, size_t count);
#ifdef __cplusplus
KEEL_END_DECLS
template <size_t count>
inline keel_result keel_transition_of_(uint8_t kind, const keel_term (&terms)[count])
{
    return keel_transition_make(kind, terms, count);
}
#define keel_transition_(kind, ...) keel_transition_of_((kind), {__VA_ARGS__})
KEEL_BEGIN_DECLS
#else
#define keel_transition_(kind, ...)                                                        \
    keel_transition_make((kind), (const keel_term[]){__VA_ARGS__},                         \
            sizeof((const keel_term[]){__VA_ARGS__}) / sizeof(keel_term))
#endif

// --- actions: each makes a term; what is told of it happens when it is returned ---
//
// Contents that are KEEL_NONE become the atom undefined.

/// Answers a call, this one or an older one. OTP: {reply, From, Reply}.
/// @thread any @since 0.1
KEEL_API keel_term keel_do_reply(keel_from from, keel_term reply);
/// Puts this event off until the state changes. OTP: postpone. @thread any @since 0.1
KEEL_API keel_term keel_do_postpone(void);
/// Inserts an event that is handled next; several come in the order given. Calls and named
/// timeouts can be inserted as OTP's terms: {next_event, {call, From}, Content}.
/// OTP: {next_event, Type, Content}. @thread any @since 0.1
KEEL_API keel_term keel_do_next_event(keel_event_type type, keel_term content);
/// Gives memory back until the next event. OTP: hibernate. @thread any @since 0.1
KEEL_API keel_term keel_do_hibernate(void);

/// Sends the event timeout when no other event has come for `duration`. A timeout of 0
/// comes before all messages that have not been taken yet, one of KEEL_FOREVER never.
/// OTP: {timeout, T, Content}. @thread any @since 0.1
KEEL_API keel_term keel_do_timeout(keel_duration duration, keel_term content);
/// At a point of the monotonic clock. OTP: option {abs, true}. @thread any @since 0.1
KEEL_API keel_term keel_do_timeout_at(keel_deadline when, keel_term content);
/// Gives a running one another content; at once when none runs. OTP: update.
/// @thread any @since 0.1
KEEL_API keel_term keel_do_update_timeout(keel_term content);
/// OTP: {timeout, cancel}. @thread any @since 0.1
KEEL_API keel_term keel_do_cancel_timeout(void);
/// Sends the state timeout unless the state changes before. Set again, it starts anew.
/// OTP: {state_timeout, T, Content}. @thread any @since 0.1
KEEL_API keel_term keel_do_state_timeout(keel_duration duration, keel_term content);
KEEL_API keel_term keel_do_state_timeout_at(keel_deadline when, keel_term content);
KEEL_API keel_term keel_do_update_state_timeout(keel_term content);
KEEL_API keel_term keel_do_cancel_state_timeout(void);
/// Sends a timeout of this name, whatever comes before. Any number of names run side by
/// side. OTP: {{timeout, Name}, T, Content}. @thread any @since 0.1
KEEL_API keel_term keel_do_named_timeout(
        keel_term name, keel_duration duration, keel_term content);
KEEL_API keel_term keel_do_named_timeout_at(
        keel_term name, keel_deadline when, keel_term content);
KEEL_API keel_term keel_do_update_named_timeout(keel_term name, keel_term content);
KEEL_API keel_term keel_do_cancel_named_timeout(keel_term name);

/// Has another module, with data of the same size, handle what comes: in the place of the
/// present one, or until it is popped. OTP: {change_callback_module, M},
/// {push_callback_module, M}, pop_callback_module. @thread any @since 0.1
KEEL_API keel_term keel_do_change_module(const keel_gen_statem *module);
KEEL_API keel_term keel_do_push_module(const keel_gen_statem *module);
KEEL_API keel_term keel_do_pop_module(void);

// --- starting: as a gen_server; the argument is init's ---

/// keel_gen_statem_start_link(&door, code, .name = keel_atom(door))
/// OTP: gen_statem:start_link/3,4. @thread process (start: any) @since 0.1
#define keel_gen_statem_start(machine, ...)                                                \
    keel_gen_statem_start_opt((machine), KEEL_START_OPTS_(__VA_ARGS__))
#define keel_gen_statem_start_link(machine, ...)                                           \
    keel_gen_statem_start_link_opt((machine), KEEL_START_OPTS_(__VA_ARGS__))
#define keel_gen_statem_start_monitor(machine, ...)                                        \
    keel_gen_statem_start_monitor_opt((machine), KEEL_START_OPTS_(__VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_gen_statem_start_opt(
        const keel_gen_statem *machine, const keel_start_opts *opts);
KEEL_API KEEL_MUST_USE keel_started keel_gen_statem_start_link_opt(
        const keel_gen_statem *machine, const keel_start_opts *opts);
KEEL_API KEEL_MUST_USE keel_started keel_gen_statem_start_monitor_opt(
        const keel_gen_statem *machine, const keel_start_opts *opts);
/// start_link in the shape of a child specification. @thread process @since 0.1
KEEL_API keel_started keel_gen_statem_start_child(
        const void *machine, const keel_start_opts *opts);
/// A machine as a child: `keel_child_statem(&door, code, .restart = KEEL_TRANSIENT)`.
#define keel_child_statem(machine, ...)                                                    \
    KEEL_STRUCT(keel_child_spec, .start_module = keel_gen_statem_start_child,              \
            .module = 1 ? (machine) : (const keel_gen_statem *)0, .argument = __VA_ARGS__)
/// Turns the calling process, started by keel_start_body, into a machine, whose first state
/// and data `first` gives, as init would. `opts->name` must be the caller's already.
/// OTP: gen_statem:enter_loop/6. @thread process, in a body @since 0.1
KEEL_API KEEL_NORETURN void keel_gen_statem_enter_loop(const keel_gen_statem *machine,
        keel_result (*first)(keel_term argument, void *data), const keel_start_opts *opts);

// --- the client's half: keel_cast, keel_send_request, keel_reply_to as with a gen_server
// ---

/// Calls a machine and waits for the reply, as long as it takes: it may have postponed the
/// call. Result as keel_call. OTP: gen_statem:call/2. @thread any @since 0.1
#define keel_gen_statem_call(machine, request, ret_reply)                                  \
    keel_call_term(KEEL_TO(machine), (request), KEEL_NEVER, (ret_reply))
/// With a deadline; a late reply is dropped. OTP: gen_statem:call/3. @since 0.1
#define keel_gen_statem_call_within(machine, request, deadline, ret_reply)                 \
    keel_call_term(KEEL_TO(machine), (request), (deadline), (ret_reply))
/// The reply; if the call fails the caller exits with {Reason, {gen_statem, call, [Machine,
/// Request, Timeout]}}. @thread process @since 0.1
#define keel_gen_statem_call_or_exit(machine, request)                                     \
    keel_gen_statem_call_or_exit_term(KEEL_TO(machine), (request), KEEL_FOREVER)
#define keel_gen_statem_call_or_exit_within(machine, request, timeout)                     \
    keel_gen_statem_call_or_exit_term(KEEL_TO(machine), (request), (timeout))
KEEL_API keel_term keel_gen_statem_call_or_exit_term(
        keel_term machine, keel_term request, keel_duration timeout);
/// Sends replies, one {reply, From, Reply} or a list of them, in order.
/// @return KEEL_OK, KEEL_E_BADARG: something is none, and nothing was sent
/// OTP: gen_statem:reply/1. @thread any @since 0.1
KEEL_API keel_status keel_gen_statem_reply(keel_term replies);
/// Has a machine terminate and waits until it has; as keel_gen_server_stop.
/// OTP: gen_statem:stop/3. @thread process @since 0.1
#define keel_gen_statem_stop(machine, reason, deadline)                                    \
    keel_gen_server_stop((machine), (reason), (deadline))
/// Gives a running machine another version of its code: as keel_gen_server_upgrade.
/// @thread any @since 0.1
#define keel_gen_statem_upgrade(machine, to, extra, ret_error)                             \
    keel_gen_statem_upgrade_term(KEEL_TO(machine), (to), (extra), (ret_error))
KEEL_API KEEL_MUST_USE keel_status keel_gen_statem_upgrade_term(keel_term machine,
        const keel_gen_statem *to, keel_term extra, keel_term *ret_error);

// KEEL_STATES(a, b, …) lists {"a", a}, {"b", b}, … with a comma after each.
#define KEEL_STATES_1_(a) {#a, a},
#define KEEL_STATES_2_(a, ...) KEEL_STATES_1_(a) KEEL_STATES_1_(__VA_ARGS__)
#define KEEL_STATES_3_(a, ...) KEEL_STATES_1_(a) KEEL_STATES_2_(__VA_ARGS__)
#define KEEL_STATES_4_(a, ...) KEEL_STATES_1_(a) KEEL_STATES_3_(__VA_ARGS__)
#define KEEL_STATES_5_(a, ...) KEEL_STATES_1_(a) KEEL_STATES_4_(__VA_ARGS__)
#define KEEL_STATES_6_(a, ...) KEEL_STATES_1_(a) KEEL_STATES_5_(__VA_ARGS__)
#define KEEL_STATES_7_(a, ...) KEEL_STATES_1_(a) KEEL_STATES_6_(__VA_ARGS__)
#define KEEL_STATES_8_(a, ...) KEEL_STATES_1_(a) KEEL_STATES_7_(__VA_ARGS__)
#define KEEL_STATES_9_(a, ...) KEEL_STATES_1_(a) KEEL_STATES_8_(__VA_ARGS__)
#define KEEL_STATES_10_(a, ...) KEEL_STATES_1_(a) KEEL_STATES_9_(__VA_ARGS__)
#define KEEL_STATES_11_(a, ...) KEEL_STATES_1_(a) KEEL_STATES_10_(__VA_ARGS__)
#define KEEL_STATES_12_(a, ...) KEEL_STATES_1_(a) KEEL_STATES_11_(__VA_ARGS__)
#define KEEL_STATES_13_(a, ...) KEEL_STATES_1_(a) KEEL_STATES_12_(__VA_ARGS__)
#define KEEL_STATES_14_(a, ...) KEEL_STATES_1_(a) KEEL_STATES_13_(__VA_ARGS__)
#define KEEL_STATES_15_(a, ...) KEEL_STATES_1_(a) KEEL_STATES_14_(__VA_ARGS__)
#define KEEL_STATES_16_(a, ...) KEEL_STATES_1_(a) KEEL_STATES_15_(__VA_ARGS__)
#define KEEL_STATE_PICK_(                                                                  \
        a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, n, ...)     \
    n
#define KEEL_STATE_COUNT_(...)                                                             \
    KEEL_STATE_PICK_(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define KEEL_STATES_GLUE_(n) KEEL_STATES_GLUED_(n)
#define KEEL_STATES_GLUED_(n) KEEL_STATES_##n##_

KEEL_END_DECLS

#endif // KEEL_GEN_STATEM_H
