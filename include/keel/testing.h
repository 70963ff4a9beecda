#ifndef KEEL_TESTING_H
#define KEEL_TESTING_H

#include <keel/message.h>
#include <keel/runtime.h>
#include <stdio.h>

// The test kit, libkeel-test (pkg-config keel-test): the program that runs in production,
// under virtual time and a seeded scheduler. One thread runs everything; which process runs
// next, where it gives way, the order of timers that are due together and every random
// number come from a seed. So a sleep of an hour takes no time, and a failure found by a
// seed comes back with it. docs/man/testing.md shows it at work.
//
// A test is a body that runs in a process, keel_test_run or keel_test_seeds; or a thread
// that stands outside, between keel_test_start and keel_test_stop. What it expects of the
// messages that processes send it asks of a probe. Both ways a failure is written down with
// its place, and the report of the run tells the first one.

KEEL_BEGIN_DECLS

// --- running ---

/// How a simulated runtime runs; zeroed: the defaults given here.
typedef struct keel_test_opts {
    keel_config runtime; ///< as for keel_start; there are no threads: `workers` and
                         ///< `no_threads` must be zero, blocking work runs at once
    uint64_t max_turns; ///< turns of processes after which the test fails; 0: 10,000,000
    FILE *trace; ///< gets a line for each turn; NULL: none
} keel_test_opts;

/// How a run ended.
typedef struct keel_test_report {
    uint64_t seed;
    uint64_t trace; ///< hash of the course: the same for every run of the same seed
    uint64_t turns; ///< how often some process ran
    keel_duration elapsed; ///< virtual time
    keel_term reason; ///< keel_test_run: the body's exit reason, `normal` when it returned;
                      ///< else none. Lives as terms of the calling thread do
    size_t processes; ///< left behind
    size_t timers; ///< left behind
    size_t memory; ///< bytes left behind
    char text[4096]; ///< what went wrong, for people; "" when nothing did
} keel_test_report;

/// Starts the runtime under virtual time. Nothing runs but inside the calls of this header
/// and in calls that wait (keel_gen_call and the like), made by this thread.
/// @param opts  @borrows until the call returns; NULL: defaults
/// @return as keel_start; KEEL_E_UNSUPPORTED when threads are asked for
/// @thread outside
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_test_start(
        uint64_t seed, const keel_test_opts *opts);
/// Stops it. Probes and mocks end first; then processes without a parent get the exit
/// signal `shutdown`, and up to five virtual seconds to end with all they are linked to.
/// Left behind is what is still there: processes, armed timers, memory that grew.
/// @param ret_report  written when it was this thread's to stop; may be NULL
/// @return KEEL_OK; KEEL_E_FAILED when an expectation was not met or something was left
///         behind (it is stopped all the same); KEEL_E_UNSUPPORTED when other threads
///         meddled or this is another one; KEEL_E_STOPPED, KEEL_E_INSIDE
/// @thread outside, the one that started it
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_test_stop(keel_test_report *ret_report);

/// Starts the runtime, runs `body` in a process until it ends, stops the runtime. When the
/// body returns it exits with `shutdown`, so that what it is linked to ends with it. The
/// run fails when the body ends with anything but `normal`, when everybody waits for what
/// can never come, when an expectation is not met, and when something is left behind.
/// @param argument    @borrows: copied for the body
/// @param opts        NULL: defaults
/// @param ret_report  written unless the runtime could not be started; may be NULL
/// @return KEEL_OK, KEEL_E_FAILED, KEEL_E_BADARG (no body), what keel_test_start and
///         keel_test_stop return
/// @thread outside
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_test_run(keel_body body, keel_term argument,
        uint64_t seed, const keel_test_opts *opts, keel_test_report *ret_report);
/// Runs `body` once for each of `count` seeds beginning with `from`, until one fails; its
/// seed and report then go to standard error. The environment may choose:
/// KEEL_TEST_SEED=137 runs only that seed, KEEL_TEST_SEEDS=10000 so many; KEEL_TEST_TRACE=1
/// writes every turn of a failing seed to standard error, in a second run.
/// @return as keel_test_run; KEEL_E_BADARG also when `count` is 0
/// @thread outside
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_test_seeds(keel_body body, keel_term argument,
        uint64_t from, uint64_t count, const keel_test_opts *opts);

// --- time and chance ---

/// Lets everybody run until nobody can at the present virtual time. In a process this
/// takes one nanosecond. A process may as well use keel_sleep: it costs no time.
/// @return KEEL_OK, KEEL_E_FAILED (max_turns are used up), KEEL_E_STOPPED,
///         KEEL_E_UNSUPPORTED (another thread)
/// @thread any, of the simulation
/// @since 0.1
KEEL_API keel_status keel_test_settle(void);
/// Moves virtual time on by `duration`: timers fire in order, everybody runs in between and
/// after. In a process it takes one nanosecond more. @return as settle; KEEL_E_BADARG when
/// negative @thread as settle @since 0.1
KEEL_API keel_status keel_test_advance(keel_duration duration);

/// The seed of this run; 0 when there is none. @thread any @since 0.1
KEEL_API uint64_t keel_test_seed(void);
/// The hash of the course so far. @thread any @since 0.1
KEEL_API uint64_t keel_test_trace(void);
/// A number below `count`, as the seed wills: whether to kill, whom to call.
/// @thread as settle @since 0.1
KEEL_API size_t keel_test_choose(size_t count);

// --- failing ---

/// Writes a failure down, as printf does. In a process that process ends, with
/// {test_failed, Text}; outside it returns false. @thread any @since 0.1
#define keel_test_fail(...) keel_test_fail_at(__FILE__, __LINE__, __VA_ARGS__)
KEEL_API bool keel_test_fail_at(const char *file, int line, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/// True when `condition` holds; else a failure.
#define keel_test_check(condition)                                                         \
    ((condition) ? true : keel_test_fail("not true: %s", #condition))

// --- probes ---

/// Spawns a probe: it takes every message it is sent, remembers it and does nothing. Calls
/// look as Erlang shows them, {'$gen_call', From, Request}; a test that captures From may
/// answer with keel_gen_reply. A probe traps exits. It ends when the runtime stops, or with
/// keel_process_exit(probe, kill). None when there can be no process.
/// @thread any, of the simulation
/// @since 0.1
KEEL_API keel_pid keel_test_probe(void);
/// Has the probe monitor a process: it gets the DOWN. None when `target` is no pid, name or
/// {Name, Node}, or the probe is none. @thread as probe @since 0.1
#define keel_test_monitor(probe, target) keel_test_monitor_term((probe), KEEL_TO(target))
KEEL_API keel_ref keel_test_monitor_term(keel_pid probe, keel_term target);
/// Links the probe and `pid`: it gets {'EXIT', Pid, Reason}. KEEL_OK, KEEL_E_NOPROC (no
/// probe), KEEL_E_BADARG. @thread as probe @since 0.1
KEEL_API keel_status keel_test_link(keel_pid probe, keel_pid pid);
/// The list of what the probe got and nobody has taken, oldest first. KEEL_NONE when it is
/// no probe. @thread as probe @since 0.1
KEEL_API keel_term keel_test_messages(keel_pid probe);

// Expectations. Each is true when it is met. If not, it writes a failure down that names
// its place, the pattern and what was there instead, as keel_test_fail does. The pattern
// and its arguments are those of keel_match. A process may ask of keel_self() too: then its
// own mailbox is looked at.

/// A message that matches is there, or comes without time moving. It is taken; others stay.
/// @thread as probe @since 0.1
#define keel_test_expect(probe, ...)                                                       \
    KEEL_SITE_(keel_test_expect_at,                                                        \
            keel_test_place_of_(KEEL_TEST_ANY, (probe), 0, __FILE__, __LINE__),            \
            __VA_ARGS__)
/// The same, but virtual time may move on by up to `duration` until it comes.
#define keel_test_expect_within(duration, probe, ...)                                      \
    KEEL_SITE_(keel_test_expect_at,                                                        \
            keel_test_place_of_(KEEL_TEST_ANY, (probe), (duration), __FILE__, __LINE__),   \
            __VA_ARGS__)
/// The first message nobody has taken matches, or the first that comes without time moving.
#define keel_test_expect_next(probe, ...)                                                  \
    KEEL_SITE_(keel_test_expect_at,                                                        \
            keel_test_place_of_(KEEL_TEST_FIRST, (probe), 0, __FILE__, __LINE__),          \
            __VA_ARGS__)
/// No message matches, of those that are there and those that come without time moving.
#define keel_test_refute(probe, ...)                                                       \
    KEEL_SITE_(keel_test_expect_at,                                                        \
            keel_test_place_of_(KEEL_TEST_NONE, (probe), 0, __FILE__, __LINE__),           \
            __VA_ARGS__)
/// No message is there that nobody has taken, and none comes without time moving.
#define keel_test_expect_none(probe) keel_test_refute(probe, "_")

enum { KEEL_TEST_ANY, KEEL_TEST_FIRST, KEEL_TEST_NONE };

/// Where an expectation stands and what it is; made by the macros above.
typedef struct keel_test_place {
    int kind;
    int line;
    const char *file;
    keel_pid probe;
    keel_duration within;
} keel_test_place;
static inline keel_test_place keel_test_place_of_(
        int kind, keel_pid probe, keel_duration within, const char *file, int line)
{
    keel_test_place place = {kind, line, file, probe, within};
    return place;
}
/// What the macros call. @thread as probe @since 0.1
KEEL_API bool keel_test_expect_at(
        keel_pattern_site *site, keel_test_place place, const keel_arg *args, size_t count);

// --- mocks ---

/// How a mock answers one kind of call: `request` and one of the four below it.
typedef struct keel_test_answer {
    const char *request; ///< pattern as of keel_match, without ^
    const char *reply; ///< as of keel_make; the variables are those of `request`
    keel_term (*make)(keel_term request); ///< or a function that gives the reply
    const char *exit; ///< or the mock ends with this reason instead
    bool silent; ///< or it never answers
    keel_duration after; ///< answers so much later; others are served meanwhile
    unsigned times; ///< the row serves so many calls and is then passed over; 0: all
} keel_test_answer;

/// Spawns a mock server: it answers each call with the first row whose pattern matches, and
/// is a probe as well. A call that no row matches is a failure and ends it.
/// @param answers  @borrows until it has ended; usually a static table
/// @param count    its rows
/// @return none when a row is wrong (a failure is written down) or there can be no process
/// @thread as probe
/// @since 0.1
#define keel_test_mock(answers, count)                                                     \
    keel_test_mock_at(__FILE__, __LINE__, (answers), (count))
KEEL_API keel_pid keel_test_mock_at(
        const char *file, int line, const keel_test_answer *answers, size_t count);

KEEL_END_DECLS

#include <keel/testing_case.h>

#endif // KEEL_TESTING_H
