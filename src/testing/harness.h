#ifndef KL_TESTING_HARNESS_H
#define KL_TESTING_HARNESS_H

// The unit tests' own harness: every test runs in a child process of its own, a failed
// check ends that child with the place and the values, whatever stack or thread it runs
// on. Output is TAP. Link a program of TEST()s with harness.c; it brings main().
//
//   TEST("a closed mailbox refuses new messages", .ids = "PR-153") { CHECK(…); }
//
// Command line of a test program: [--list] [--ids] [--no-fork] [--seed N] [--seeds N]
// [--seeded] [--timeout SECONDS] [part of a name …]. --ids lists "ID<tab>name" of each
// test; --seeded leaves out those that are not.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kl_test {
    const char *name; // a sentence
    const char *ids; // conformance lines it proves, separated by blanks; or NULL
    int timeout_s; // 0: 60 seconds
    bool seeded; // run once per seed; kl_test_seed() tells which
    void (*body)(void);
    const char *file;
    int line;
    struct kl_test *next;
};

#define KL_TEST_GLUE2_(a, b) a##b
#define KL_TEST_GLUE_(a, b) KL_TEST_GLUE2_(a, b)
#define TEST(...)                                                                          \
    static void KL_TEST_GLUE_(test_body_, __LINE__)(void);                                 \
    __attribute__((constructor)) static void KL_TEST_GLUE_(test_register_, __LINE__)(void) \
    {                                                                                      \
        static struct kl_test test = {.name = __VA_ARGS__};                                \
        test.body = KL_TEST_GLUE_(test_body_, __LINE__);                                   \
        test.file = __FILE__;                                                              \
        test.line = __LINE__;                                                              \
        kl_test_register(&test);                                                           \
    }                                                                                      \
    static void KL_TEST_GLUE_(test_body_, __LINE__)(void)

void kl_test_register(struct kl_test *test);
// The seed of this run of a seeded test; from --seed or counted up from 1.
uint64_t kl_test_seed(void);
// Ends the test as failed, from any thread or stack.
__attribute__((noreturn, format(printf, 3, 4))) void kl_test_fail(
        const char *file, int line, const char *format, ...);
// Ends the test as skipped, with the reason.
__attribute__((noreturn, format(printf, 1, 2))) void kl_test_skip(const char *format, ...);
// True when the program runs on an emulated processor, by qemu or valgrind: some calls of
// the system are not quite themselves there.
bool kl_test_is_emulated(void);

#define CHECK(condition)                                                                   \
    ((condition) ? (void)0 : kl_test_fail(__FILE__, __LINE__, "not true: %s", #condition))
#define CHECK_INT(actual, expected)                                                        \
    kl_test_check_int(__FILE__, __LINE__, #actual, (int64_t)(actual), (int64_t)(expected))
#define CHECK_STR(actual, expected)                                                        \
    kl_test_check_str(__FILE__, __LINE__, #actual, (actual), (expected))
#define CHECK_OK(status)                                                                   \
    kl_test_check_int(__FILE__, __LINE__, #status, (int64_t)(status), 0)
void kl_test_check_int(
        const char *file, int line, const char *what, int64_t actual, int64_t expected);
void kl_test_check_str(const char *file, int line, const char *what, const char *actual,
        const char *expected);

#endif // KL_TESTING_HARNESS_H
