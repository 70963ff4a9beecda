#ifndef KL_OTP_TESTING_H
#define KL_OTP_TESTING_H

// What the tests of this room share: an actor, a gen_server whose callbacks come with the
// messages. An *act* is a C function that a call, cast, plain message or continue brings
// along and that runs as the callback.
//
//   static keel_result add(keel_term by, keel_from from, struct actor *actor) { … }
//   keel_call_or_exit(pid, ACT(add, keel_int(1)));

#include "proc/proc_testing.h"

struct actor {
    keel_term state; // kept; what sys:get_state shows
    keel_pid probe; // gets {Tag, Callback, Detail} as each callback begins, if any
    keel_term tag;
    void (*at_end)(keel_term reason, struct actor *actor); // terminate, or NULL
};
typedef keel_result (*actor_act)(keel_term argument, keel_from from, struct actor *actor);
#define ACT(function, argument) act_term((function), (argument))
keel_term act_term(actor_act act, keel_term argument);

// How an actor starts.
struct actor_opts {
    int set; // so that ACTOR() may be empty
    const char *tag; // "actor"
    bool probed; // reports to the caller
    bool trap_exit;
    actor_act init; // after the actor was set up; NULL: ok
    keel_term argument; // of that act
    keel_term state; // []
    void (*at_end)(keel_term reason, struct actor *actor);
};
keel_term actor_argument(const struct actor_opts *opts);
#define ACTOR(...) actor_argument(&(struct actor_opts){.set = 1, __VA_ARGS__})

extern const keel_gen_server actor_server;
extern const keel_gen_server bare_server; // all callbacks but init are missing
extern const keel_supervisor test_supervisor; // init returns its argument

// Starts an actor linked to the caller, which traps exits or not; the test fails when it
// does not start.
#define new_actor(...)                                                                     \
    actor_started(keel_gen_server_start_link(&actor_server, ACTOR(__VA_ARGS__)))
// The same without a link.
#define lone_actor(...)                                                                    \
    actor_started(keel_gen_server_start(&actor_server, ACTOR(__VA_ARGS__)))
keel_pid actor_started(keel_started started);

// --- acts ---
keel_result play_get(keel_term unused, keel_from from, struct actor *actor);
keel_result play_put(keel_term state, keel_from from, struct actor *actor); // replies ok
keel_result play_push(keel_term item, keel_from from, struct actor *actor); // onto a list
keel_result play_self(keel_term unused, keel_from from, struct actor *actor);
keel_result play_stop(keel_term reason, keel_from from, struct actor *actor);
keel_result play_stop_reply(
        keel_term reason_and_reply, keel_from from, struct actor *actor);
keel_result play_exit_with(keel_term reason, keel_from from, struct actor *actor);
keel_result play_error(keel_term reason, keel_from from, struct actor *actor);
keel_result play_noreply(keel_term unused, keel_from from, struct actor *actor);
keel_result play_ignore(keel_term unused, keel_from from, struct actor *actor);
keel_result play_fail(keel_term reason, keel_from from, struct actor *actor);
keel_result play_bad(keel_term unused, keel_from from, struct actor *actor);
// Waits for the message `go` from anybody, in the callback.
keel_result play_block(keel_term unused, keel_from from, struct actor *actor);
// What fits the message it came with: a reply for calls.
keel_result played(keel_from from, keel_term reply);

// Whether a process waits without a stack.
bool hibernates(keel_pid pid);

// --- supervisors ---
// An actor as a child: KID(a, .trap_exit = true) has the id and the tag `a` and reports to
// the caller; KID_WITH takes fields of the specification as well.
#define KID(tag_, ...)                                                                     \
    KID_WITH(ACTOR(.tag = #tag_, .probed = true, __VA_ARGS__), .id = keel_atom(tag_))
#define KID_WITH(argument_, ...) keel_child(&actor_server, (argument_), __VA_ARGS__)
// The pid of a child, or none when it does not run.
keel_pid kid(keel_pid supervisor, keel_term id);
#define KID_OF(supervisor, id) kid((supervisor), keel_atom(id))
// The next message, which must be an actor's report of its init; gives its pid.
keel_pid expect_init(keel_term tag);
// Ends an actor with `reason` from inside (kill: from outside), and waits for its end.
void finish_actor(keel_pid pid, keel_term reason);
// The answers about a supervisor's children.
keel_term children_of(keel_pid supervisor);
// Starts a supervisor of `children` (an array); the test fails when it does not start.
#define new_supervisor(children, ...)                                                      \
    actor_started(keel_supervisor_start_link((children), KEEL_COUNT(children), __VA_ARGS__))

// --- stopping, and reports ---
// Takes down what the test started; the caller must trap exits or not be linked.
void stop_actor(keel_pid pid);
// Catches keel_report until the end of the test process: the reports come as messages
// {report, Level, Report} to the caller.
void catch_reports(void);

#endif // KL_OTP_TESTING_H
