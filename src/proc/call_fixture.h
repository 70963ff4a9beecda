#ifndef KL_PROC_CALL_FIXTURE_H
#define KL_PROC_CALL_FIXTURE_H

// A server and callers for the tests of calls and requests.

#include "proc_testing.h"

// The server understands the calls
//   {echo, X}      the reply is X
//   defer          answered by the cast {reply_all, X}
//   ignore         never answered
//   {pass, Pid}    Pid gets {passed, {Caller, Tag}} and may answer
//   {end, Reason}  the server ends with Reason before it has answered
//   {leave, Reason} the same by returning from the callback
//   {twice, X}     the replies are X and {second, X}
//   left           the reply is how long the caller waits at most, in ns; or never
//   {call, Pid, X} calls Pid with X, without a limit of its own; the reply is {Status, Y}
//   owed           the reply is the number of calls it owes an answer to, this one excepted
// and the casts {reply_all, X}, {tell, Pid} (Pid gets `told`), {exit, Reason}.
extern const keel_handler call_server;
keel_pid new_call_server(void);
keel_pid new_call_server_with(const keel_spawn_opts *opts);
int64_t owed_by(keel_pid server);
// The same of the calling process.
int64_t owed_by_self(void);

// Calls that must go well.
keel_term call_ok(keel_pid server, keel_term request);

// Has a puppet make a call, without waiting; the caller of this function gets
// {outcome, Puppet, Status, Reply}; reply `none` unless there was one.
void start_call(keel_pid puppet, keel_pid server, keel_term request, keel_duration limit);
// Waits until `pid` waits for what `what` says.
void await_waiting(keel_pid pid, keel_wait what);

// Answers {Caller, Tag} with a term: {{Caller, Tag}, Term}.
keel_term act_answer(keel_term from_and_reply);

#endif // KL_PROC_CALL_FIXTURE_H
