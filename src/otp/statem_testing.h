#ifndef KL_OTP_STATEM_TESTING_H
#define KL_OTP_STATEM_TESTING_H

// What the tests of gen_statem share: a machine that obeys scripts. An event with the
// content {do, Script} is obeyed, any other keeps the state. A script is what OTP's
// callbacks return, without the data:
//
//   {next_state, S, Actions}  {keep_state, Actions}  {repeat_state, Actions}
//   {stop, R}  {stop_and_reply, R, Replies}  unexpected  bad
//   {exit, R}  {error, R}  {sleep, Ms, Script}  {data, D, Script}  block
//
// {reply, X} among the actions answers the call that is being handled. With a probe each
// event is reported as {State, Type, Content} before it is obeyed, the end as {terminate,
// Reason, State}.

#include "otp_testing.h"

struct machine {
    keel_term data; // kept; what sys:get_state shows
    keel_pid probe;
    keel_term enters; // kept: a map from states to the scripts of their enter callbacks
};

// How a machine starts.
struct machine_opts {
    int set; // so that MACHINE() may be empty
    bool probed; // reports to the caller
    bool trap_exit;
    const char *start; // script of init: {ok, State, Actions}, ignore, {error, R}, …
    const char *data; // []
    const char *enters; // #{}
};
keel_term machine_argument(const struct machine_opts *opts);
#define MACHINE(...) machine_argument(&(struct machine_opts){.set = 1, __VA_ARGS__})

#define MACHINE_CALLBACKS                                                                  \
    .data = KEEL_STATE(struct machine, data, probe, enters), .init = machine_init,         \
    .terminate = machine_terminate, .get_data = machine_get_data,                          \
    .set_data = machine_set_data
keel_result machine_init(keel_term argument, void *data);
keel_result machine_event(const keel_event *event, void *data);
void machine_terminate(keel_term reason, keel_term state, void *data);
keel_term machine_get_data(const void *data);
void machine_set_data(void *data, keel_term term);

extern const keel_gen_statem machine; // handle_event
extern const keel_gen_statem entering_machine; // with state_enter
extern const keel_gen_statem stateful_machine; // states a, b and c by functions

// Starts a machine without a link; the test fails when it does not start.
#define new_machine(...) machine_of(&machine, __VA_ARGS__)
#define machine_of(module, ...)                                                            \
    actor_started(keel_gen_statem_start((module), MACHINE(__VA_ARGS__)))

// Content that is obeyed.
#define DO(...) keel_tuple_of(keel_atom(do), keel_make(__VA_ARGS__))
// Has the machine obey a script in a call; gives the reply.
#define CALL(pid, ...) keel_gen_statem_call_or_exit((pid), DO(__VA_ARGS__))
#define CAST(pid, ...) CHECK_OK(keel_cast((pid), DO(__VA_ARGS__)))
// A call that the machine answers `ok`, so that all casts before it are done.
#define SYNC(pid) CHECK_TERM(CALL((pid), "{keep_state, [{reply, ok}]}"), "ok")
// The pair {State, Data}.
keel_term state_of(keel_pid pid);
#define EXPECT_STATE(pid, ...) CHECK_TERM(state_of(pid), __VA_ARGS__)

#endif // KL_OTP_STATEM_TESTING_H
