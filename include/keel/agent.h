#ifndef KEEL_AGENT_H
#define KEEL_AGENT_H

#include <keel/supervisor.h>

// Agents: processes that hold a term and run functions on it.
//
//   static keel_term empty(keel_term unused) { return keel_make("#{}"); }
//   static keel_term add(keel_term map, keel_term pair)
//   {
//       return keel_map_put(map, keel_element(pair, 0), keel_element(pair, 1));
//   }
//
//   keel_pid agent = keel_started_or_exit(keel_agent_start_link(empty, keel_nil()));
//   keel_agent_update_or_exit(agent, add, keel_make("{hello, 1}"));
//   keel_term map = keel_agent_get_or_exit(agent, keel_agent_state, keel_nil());
//
// The functions run in the agent, one after another; what they need comes along as their
// context, a term that is copied to the agent. Use a server when a message may mean more
// than "run this": what happens to the state then stands in one place.

KEEL_BEGIN_DECLS

/// Makes the first state.
typedef keel_term (*keel_agent_init)(keel_term argument);
/// Runs on the state: get gives the reply, update and cast the new state, get_and_update
/// {Reply, NewState}.
typedef keel_term (*keel_agent_function)(keel_term state, keel_term context);

// --- starting ---

/// Starts an agent whose state is init(argument); after the argument options by name, see
/// keel_start_opts: keel_agent_start_link(empty, keel_nil(), .name = keel_atom(cache)).
/// KEEL_E_BADARG with {badarg, {init, undefined}} without one.
/// Elixir: Agent.start_link/2, start/2. @thread process (start: any) @since 0.1
#define keel_agent_start_link(init, ...)                                                   \
    keel_agent_start_link_named((init), #init, KEEL_START_OPTS_(__VA_ARGS__))
#define keel_agent_start(init, ...)                                                        \
    keel_agent_start_named((init), #init, KEEL_START_OPTS_(__VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_agent_start_link_named(
        keel_agent_init init, const char *name, const keel_start_opts *opts);
KEEL_API KEEL_MUST_USE keel_started keel_agent_start_named(
        keel_agent_init init, const char *name, const keel_start_opts *opts);
/// An agent as a child: permanent, with the id agent. Further fields are set on what this
/// gives, or by name here: keel_child_agent(empty, keel_nil(), .name = keel_atom(cache)).
/// Elixir: Agent.child_spec/1. @thread any @since 0.1
#define keel_child_agent(init, ...)                                                        \
    keel_agent_spec((init), #init, KEEL_START_OPTS_(__VA_ARGS__))
KEEL_API keel_child_spec keel_agent_spec(
        keel_agent_init init, const char *name, const keel_start_opts *opts);

// --- the client's half; `agent` is any name of a server ---
//
// Without `within` they wait up to 5 s. Status and ret_reply are those of keel_call; the
// forms with or_exit exit as keel_call_or_exit does. A function that fails ends the agent.
// keel_gen_server_stop ends it as planned.

/// The reply of function(state, context); the state stays. Elixir: Agent.get/3.
/// @thread any @since 0.1
#define keel_agent_get(agent, function, context, ret_reply)                                \
    keel_agent_get_within(                                                                 \
            (agent), (function), (context), KEEL_ABOUT(KEEL_SECONDS(5)), (ret_reply))
#define keel_agent_get_within(agent, function, context, deadline, ret_reply)               \
    keel_call_within((agent), keel_agent_request(KEEL_AGENT_GET, (function), (context)),   \
            (deadline), (ret_reply))
#define keel_agent_get_or_exit(agent, function, context)                                   \
    keel_call_or_exit((agent), keel_agent_request(KEEL_AGENT_GET, (function), (context)))
/// The state becomes function(state, context); the reply is ok. Elixir: Agent.update/3.
/// @thread any @since 0.1
#define keel_agent_update(agent, function, context, ret_reply)                             \
    keel_agent_update_within(                                                              \
            (agent), (function), (context), KEEL_ABOUT(KEEL_SECONDS(5)), (ret_reply))
#define keel_agent_update_within(agent, function, context, deadline, ret_reply)            \
    keel_call_within((agent),                                                              \
            keel_agent_request(KEEL_AGENT_UPDATE, (function), (context)), (deadline),      \
            (ret_reply))
#define keel_agent_update_or_exit(agent, function, context)                                \
    keel_call_or_exit((agent), keel_agent_request(KEEL_AGENT_UPDATE, (function), (context)))
/// The function gives {Reply, NewState}; anything else ends the agent with
/// {bad_return_value, It}. Elixir: Agent.get_and_update/3. @thread any @since 0.1
#define keel_agent_get_and_update(agent, function, context, ret_reply)                     \
    keel_agent_get_and_update_within(                                                      \
            (agent), (function), (context), KEEL_ABOUT(KEEL_SECONDS(5)), (ret_reply))
#define keel_agent_get_and_update_within(agent, function, context, deadline, ret_reply)    \
    keel_call_within((agent),                                                              \
            keel_agent_request(KEEL_AGENT_GET_AND_UPDATE, (function), (context)),          \
            (deadline), (ret_reply))
#define keel_agent_get_and_update_or_exit(agent, function, context)                        \
    keel_call_or_exit(                                                                     \
            (agent), keel_agent_request(KEEL_AGENT_GET_AND_UPDATE, (function), (context)))
/// As update, without waiting: KEEL_OK also when nobody is there. Elixir: Agent.cast/2.
/// @thread any @since 0.1
#define keel_agent_cast(agent, function, context)                                          \
    keel_cast((agent), keel_agent_request(KEEL_AGENT_CAST, (function), (context)))

/// The function that gives the state itself: keel_agent_get(agent, keel_agent_state, …).
/// @thread any @since 0.1
KEEL_API keel_term keel_agent_state(keel_term state, keel_term unused);

/// For keel_sys_change_code's `extra`: the state becomes function(state, context).
/// @thread any @since 0.1
#define keel_agent_change(function, context)                                               \
    keel_agent_request(KEEL_AGENT_UPDATE, (function), (context))

typedef enum keel_agent_operation {
    KEEL_AGENT_GET,
    KEEL_AGENT_UPDATE,
    KEEL_AGENT_GET_AND_UPDATE,
    KEEL_AGENT_CAST,
} keel_agent_operation;
/// What the operations send; for keel_send_request and the like. KEEL_NONE for another
/// operation, or no function. @thread any @since 0.1
KEEL_API keel_term keel_agent_request(
        keel_agent_operation operation, keel_agent_function function, keel_term context);

KEEL_END_DECLS

#endif // KEEL_AGENT_H
