#ifndef KL_PARTS_DATABASE_TESTING_H
#define KL_PARTS_DATABASE_TESTING_H

#include "postgres_testing.h"

#include <keel/keel.h>
#include <keel/parts/database.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// What the tests of databases share: a body that runs in a process with a stack that is
// large enough, on real threads.

static const char *test_url __attribute__((unused)); // the database a body works with

static inline void check_matches(
        const char *file, int line, const char *pattern, keel_term term, bool matched)
{
    if (!matched) {
        kl_test_fail(file, line, "%s does not match %s", keel_show(term), pattern);
    }
}
// `term` must match the pattern.
#define CHECK_TERM(term, ...)                                                              \
    do {                                                                                   \
        keel_term checked_ = (term);                                                       \
        check_matches(__FILE__, __LINE__, KEEL_FIRST_(__VA_ARGS__, 0), checked_,           \
                keel_match(checked_, __VA_ARGS__));                                        \
    } while (0)

static void (*test_body)(void) __attribute__((unused));
static bool test_body_ended __attribute__((unused));

static inline void run_test_body(keel_term unused)
{
    (void)unused;
    test_body();
    test_body_ended = true;
}

static inline void run_body(void (*body)(void))
{
    test_body = body;
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    keel_spawn_opts opts = {.stack_bytes = 256 * 1024};
    keel_pid pid;
    CHECK_OK(keel_spawn_opt(run_test_body, keel_nil(), &opts, &pid, NULL));
    while (keel_process_alive(pid)) {
        usleep(2000);
    }
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(5)), NULL));
    CHECK(test_body_ended);
}

#endif // KL_PARTS_DATABASE_TESTING_H
