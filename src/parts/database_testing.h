#ifndef KL_PARTS_DATABASE_TESTING_H
#define KL_PARTS_DATABASE_TESTING_H

#include "postgres_testing.h"
#include "testing/match_testing.h"

#include <keel/keel.h>
#include <keel/parts/database.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// What the tests of databases share: a body that runs in a process with a stack that is
// large enough, on real threads.

static const char *test_url __attribute__((unused)); // the database a body works with

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
