#ifndef KEEL_TESTS_FIXTURE_H
#define KEEL_TESTS_FIXTURE_H

#include <keel/gen_statem.h>
#include <keel/keel.h>

// The conformance fixture: processes that obey scripts sent to them, so that a driver on an
// Erlang node can have ours do whatever OTP's own test suites do. What the words mean is
// told where they are implemented:
//
//   script.c          obeying a script, step by step
//   steps_flow.c      values, replies, the end of a callback, the state
//   steps_process.c   processes, links, monitors, timers, calls
//   steps_task.c      tasks
//   steps_service.c   agents, registries, publish/subscribe, partitions
//   server.c, bare.c, machine.c   the processes that obey
//   kinds.c           starting every kind of process by its name

/// What a script has made of the callback it ran in.
struct outcome {
    keel_term value; ///< of the last step
    keel_term state;
    const keel_from *from; ///< in a call: who asked; else NULL
    enum { REPLY_VALUE, REPLY_NONE, REPLY_TERM } reply;
    keel_term answer; ///< of REPLY_TERM
    keel_term next; ///< {timeout, Ms}, {continue, Term} or hibernate; KEEL_NONE: nothing
    keel_term stop; ///< the reason to stop with; KEEL_NONE: go on
    bool declined; ///< the start was declined
};

/// One word of the language.
struct step {
    const char *name;
    size_t arity; ///< 0: the bare atom
    /// Fills in outcome->value, which is `ok` if it does not.
    void (*run)(struct outcome *outcome, const keel_term *arguments);
};

extern const struct step flow_steps[], process_steps[], task_steps[], service_steps[];

/// Obeys a step or a list of them; what is unknown ends it with {error, unsupported}.
void script_obey(struct outcome *outcome, keel_term script);
/// The value of a script that changes no callback: a task's, a bare process's.
keel_term script_value(keel_term script);
/// {error, unsupported}
keel_term script_unsupported(void);
/// If the message is {do, Script}: the script.
bool script_asked(keel_term message, keel_term *ret_script);
/// Runs `ask` and gives {ok, What it returns}, or {exit, Why} with the bare reason if it
/// exits as a failed call does.
keel_term script_attempt(
        keel_term (*ask)(const keel_term *arguments), const keel_term *arguments);

/// Milliseconds or infinity.
keel_duration script_time(keel_term milliseconds);

/// At the start of a process: remembers its tag and probe and sets its trap flag.
void probe_setup(keel_term options, keel_term default_tag);
/// Tells the probe, if there is one, that a callback begins.
void probe_report(keel_term callback, keel_term details);
keel_term probe_tag(void);
/// Whether this process traps exits.
bool probe_traps(void);
/// Leaves this process, if it traps exits, the exit of one that failed to start.
void probe_exit_signal(keel_pid pid, keel_term reason);

/// The option, or `otherwise` when it is missing.
keel_term option(keel_term options, keel_term key, keel_term otherwise);

extern const keel_gen_server scripted_server;
keel_started bare_start(keel_term options, bool link);
keel_started machine_start(keel_term options, bool link);

/// Starts a process of some kind: {ok, Pid}, ignore, {error, Reason}.
keel_term kinds_start(keel_term kind, keel_term options, bool link);
/// Makes {fixture, start_link, [Kind, Options]} known to child specifications.
void kinds_register(void);

#endif // KEEL_TESTS_FIXTURE_H
