#ifndef KL_PROC_TESTING_H
#define KL_PROC_TESTING_H

// What the tests of this room share; for tests only, linked with none of the library.
//
// PROCESS_TEST("…", .ids = "PR-…") { … } is a TEST() whose body runs in a process. It makes
// two tests: one on two worker threads, one under the simulator, once per seed.
// THREADS_TEST and SIMULATED_TEST make only the one or the other.
//
// Each of them starts the runtime, runs the body, stops the runtime, and does so a second
// time. A round fails when the body ends with anything but `normal`, or leaves a process
// or a timer behind. The second round must leave no more memory than the first, which
// has made atoms and patterns, and under the simulator it must take the same course. So a
// body keeps what it remembers in terms, or sets its statics when it begins.

#include "testing/harness.h"
#include "testing/match_testing.h"

#include <keel/keel.h>

// --- tests that run in a process ---

struct kl_course {
    void (*body)(void);
    const keel_config *config; // NULL: two workers
    int patience_s; // 0: 50; then the test fails and says who waits for what
    bool catch_faults; // without a config: two workers that survive faults
    const char *file;
    int line;
};
void run_on_threads(const struct kl_course *course);
void run_simulated(const struct kl_course *course);

#define in_process(process_body)                                                           \
    run_on_threads(&(struct kl_course){                                                    \
            .body = (process_body), .file = __FILE__, .line = __LINE__})
// The same with further fields: in_process_with(body, .config = &small).
#define in_process_with(process_body, ...)                                                 \
    run_on_threads(&(struct kl_course){                                                    \
            .body = (process_body), .file = __FILE__, .line = __LINE__, __VA_ARGS__})
#define in_simulation(process_body)                                                        \
    run_simulated(&(struct kl_course){                                                     \
            .body = (process_body), .file = __FILE__, .line = __LINE__})

// Both register what the macros below describe; `simulated` gets a name of its own.
void register_on_threads(
        struct kl_test *test, void (*body)(void), const char *file, int line);
void register_simulated(
        struct kl_test *test, void (*body)(void), const char *file, int line);

#define KL_ON_THREADS_(...)                                                                \
    static void KL_TEST_GLUE_(on_threads_, __LINE__)(void)                                 \
    {                                                                                      \
        in_process(KL_TEST_GLUE_(process_body_, __LINE__));                                \
    }                                                                                      \
    __attribute__((constructor)) static void KL_TEST_GLUE_(register_threads_, __LINE__)(   \
            void)                                                                          \
    {                                                                                      \
        static struct kl_test test = {.name = __VA_ARGS__};                                \
        register_on_threads(                                                               \
                &test, KL_TEST_GLUE_(on_threads_, __LINE__), __FILE__, __LINE__);          \
    }
#define KL_SIMULATED_(...)                                                                 \
    static void KL_TEST_GLUE_(simulated_, __LINE__)(void)                                  \
    {                                                                                      \
        in_simulation(KL_TEST_GLUE_(process_body_, __LINE__));                             \
    }                                                                                      \
    __attribute__((constructor)) static void KL_TEST_GLUE_(register_simulated_, __LINE__)( \
            void)                                                                          \
    {                                                                                      \
        static struct kl_test test = {.name = __VA_ARGS__};                                \
        register_simulated(                                                                \
                &test, KL_TEST_GLUE_(simulated_, __LINE__), __FILE__, __LINE__);           \
    }
#define PROCESS_TEST(...)                                                                  \
    static void KL_TEST_GLUE_(process_body_, __LINE__)(void);                              \
    KL_ON_THREADS_(__VA_ARGS__)                                                            \
    KL_SIMULATED_(__VA_ARGS__)                                                             \
    static void KL_TEST_GLUE_(process_body_, __LINE__)(void)
#define THREADS_TEST(...)                                                                  \
    static void KL_TEST_GLUE_(process_body_, __LINE__)(void);                              \
    KL_ON_THREADS_(__VA_ARGS__)                                                            \
    static void KL_TEST_GLUE_(process_body_, __LINE__)(void)
#define SIMULATED_TEST(...)                                                                \
    static void KL_TEST_GLUE_(process_body_, __LINE__)(void);                              \
    KL_SIMULATED_(__VA_ARGS__)                                                             \
    static void KL_TEST_GLUE_(process_body_, __LINE__)(void)

// How many of something a test makes that is about numbers: all of them on threads, a
// hundredth under the simulator, which is about order and has hundreds of seeds to try.
int many_of(int count);

// --- expecting ---

// Long enough for whatever must happen; a test that waits so long fails.
#define SOON soon()
keel_deadline soon(void);

// Waits for a message that matches, takes it; the pattern and its arguments are those of
// keel_receive_match.
#define EXPECT_MESSAGE(...)                                                                \
    check_received(__FILE__, __LINE__, KEEL_FIRST_(__VA_ARGS__, 0),                        \
            keel_receive_match(SOON, __VA_ARGS__))
// Waits for the next message, whatever it is, takes it; it must match.
#define EXPECT_NEXT(...) CHECK_TERM(next_message(__FILE__, __LINE__), __VA_ARGS__)
// The mailbox must be empty.
#define EXPECT_NO_MESSAGE() check_no_message(__FILE__, __LINE__)
// Two terms must be the same (=:=).
#define CHECK_EQUAL(actual, expected)                                                      \
    check_equal(__FILE__, __LINE__, #actual, (actual), (expected))

void check_received(const char *file, int line, const char *pattern, keel_status status);
keel_term next_message(const char *file, int line);
void check_no_message(const char *file, int line);
void check_equal(
        const char *file, int line, const char *what, keel_term actual, keel_term expected);

// The runtime's clock, read now; keel_now() is that of the turn and may lie before the
// moment at which a message of this turn was sent.
int64_t time_now(void);

static inline bool same_pid(keel_pid a, keel_pid b)
{
    return a.word == b.word;
}
static inline bool same_ref(keel_ref a, keel_ref b)
{
    return a.word == b.word;
}
static inline bool no_pid(keel_pid pid)
{
    return pid.word == 0;
}
static inline bool no_ref(keel_ref ref)
{
    return ref.word == 0;
}

// --- processes to play with ---

// Bodies.
void do_nothing(keel_term unused); // ends at once
void wait_forever(keel_term unused); // takes messages and ignores them
void exit_with(keel_term reason);

// Waits for the end of `pid` and returns its reason; noproc when it was dead.
keel_term end_of(keel_pid pid);
// Waits for the DOWN of `monitor` and returns the reason.
keel_term await_down(keel_ref monitor);
// Kills `pid`, linked to the caller or not, and waits until it has ended.
void end_process(keel_pid pid);
// Waits until all processes but the caller and those in the list `before` have ended.
void await_others(keel_term before);
// A pid that belongs to nobody any more.
keel_pid dead_pid(void);
// The value of an item of keel_process_info; `undefined` for a dead process, and [] for the
// name of one that has none.
keel_term info_of(keel_pid pid, keel_term item);
// True when `pid` is in the list of keel_process_list.
bool is_listed(keel_pid pid);
// The number of processes alive.
size_t process_count(void);

// A puppet runs the functions ("acts") that other processes hand it and leaves every
// other message in its mailbox.
typedef keel_term (*puppet_act)(keel_term argument);
void puppet(keel_term unused);
keel_pid new_puppet(void);
// Has `pid` run `act` and returns what it gave.
keel_term ask(keel_pid pid, puppet_act act, keel_term argument);
// The same without waiting.
void tell(keel_pid pid, puppet_act act, keel_term argument);

keel_term act_nothing(keel_term unused);
keel_term act_trap_exit(keel_term trap); // gives the old value
keel_term act_link(keel_term pid);
keel_term act_unlink(keel_term pid);
keel_term act_monitor(keel_term target); // gives the reference
keel_term act_demonitor(keel_term monitor);
keel_term act_exit(keel_term reason); // ends the puppet
keel_term act_send(keel_term to_and_message); // {To, Message}
keel_term act_spawn_puppet(keel_term unused); // gives the pid
keel_term act_spawn_link_puppet(keel_term unused);
keel_term act_messages(keel_term unused); // takes all that is in the mailbox
keel_term act_alias(keel_term unused);
keel_term act_unalias(keel_term alias);

#endif // KL_PROC_TESTING_H
