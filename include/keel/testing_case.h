#ifndef KEEL_TESTING_CASE_H
#define KEEL_TESTING_CASE_H

#include <keel/supervisor.h>

// What a test case needs, under the names of Elixir's ExUnit. <keel/testing.h> includes it.
// Everything here works in the simulation and, but for the expectations, with the real
// runtime too.

KEEL_BEGIN_DECLS

// --- processes of a test ---

/// Starts a child under a supervisor that belongs to the calling test, made by the first of
/// these calls. When the test ends, its children are stopped in the reverse order of their
/// start, before whatever comes next. A child that ends is started anew as its
/// specification says, however often. Elixir: start_supervised/2.
/// @param spec  as keel_child, keel_child_fn, … make it
/// @thread process
/// @since 0.1
#define keel_test_start_supervised(...)                                                    \
    keel_test_start_supervised_spec(&(const keel_child_spec[1]){__VA_ARGS__}[0])
KEEL_API keel_started keel_test_start_supervised_spec(const keel_child_spec *spec);
/// The pid; a child that does not start is a failure of the test. Elixir:
/// start_supervised!/2. @thread process @since 0.1
#define keel_test_start_supervised_or_exit(...)                                            \
    keel_test_start_supervised_pid(                                                        \
            __FILE__, __LINE__, keel_test_start_supervised(__VA_ARGS__))
KEEL_API keel_pid keel_test_start_supervised_pid(
        const char *file, int line, keel_started started);
/// Stops such a child and forgets it. KEEL_OK, KEEL_E_NOPROC. Elixir: stop_supervised/1.
/// @thread process @since 0.1
KEEL_API keel_status keel_test_stop_supervised(keel_term id);

// --- waiting ---

/// Evaluates `condition` again and again until it holds, for up to `within`; virtual time
/// costs none. True, or a failure is written down.
#define keel_test_wait_until(within, condition)                                            \
    (__extension__({                                                                       \
        keel_test_patience keel_patience_ = keel_test_patience_of(within);                 \
        bool keel_met_ = false;                                                            \
        do {                                                                               \
            keel_met_ = (condition);                                                       \
        } while (!keel_met_ && keel_test_wait_more(&keel_patience_));                      \
        keel_met_ || keel_test_not_met(__FILE__, __LINE__, #condition, within);            \
    }))
/// How long such a wait may go on; the macro's own.
typedef struct keel_test_patience {
    keel_deadline end;
    keel_duration step;
} keel_test_patience;
/// What the macro calls. @thread any @since 0.1
KEEL_API keel_test_patience keel_test_patience_of(keel_duration within);
KEEL_API bool keel_test_wait_more(keel_test_patience *patience);
KEEL_API bool keel_test_not_met(
        const char *file, int line, const char *text, keel_duration within);

/// A message that matches comes to the calling process within 100 ms, or has come; it is
/// taken. refute: none comes. Elixir: assert_receive/3, refute_receive/3.
#define keel_test_assert_receive(...)                                                      \
    keel_test_expect_within(KEEL_MS(100), keel_self(), __VA_ARGS__)
#define keel_test_refute_receive(...)                                                      \
    (keel_sleep(KEEL_MS(100)), keel_test_refute(keel_self(), __VA_ARGS__))
/// The same of what has come already. Elixir: assert_received/2, refute_received/2.
#define keel_test_assert_received(...) keel_test_expect(keel_self(), __VA_ARGS__)
#define keel_test_refute_received(...) keel_test_refute(keel_self(), __VA_ARGS__)

// --- the log ---

/// Runs fn(context) and returns what was logged meanwhile, by anybody, as a binary: a line
/// "[level] text" each. A failure of fn goes on. Elixir: ExUnit.CaptureLog.
/// @thread process
/// @since 0.1
KEEL_API keel_term keel_test_capture_log(void (*fn)(void *context), void *context);

KEEL_END_DECLS

#endif // KEEL_TESTING_CASE_H
