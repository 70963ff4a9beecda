// Tests that end in every way a test can end; harness_test.c runs them and reads the
// report. Not a part of any suite.

#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

TEST("a good one", .ids = "XX-001 XX-002")
{
    printf("never shown\n");
}

TEST("a false check", .ids = "XX-003")
{
    printf("said before\n");
    CHECK(1 + 1 == 3);
}

TEST("a wrong number")
{
    CHECK_INT(40 + 1, 42);
}

TEST("a wrong string")
{
    CHECK_STR("left", "right");
}

TEST("a string that is not there")
{
    CHECK_STR(NULL, "right");
}

TEST("equal strings and numbers")
{
    CHECK_STR("same", "same");
    CHECK_STR(NULL, NULL);
    CHECK_INT(-1, -1);
    CHECK_OK(0);
}

TEST("a crash")
{
    // raise, not a wild pointer: sanitizers would turn that into an exit code.
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}

TEST("a hang", .timeout_s = 1)
{
    for (;;) {
        pause();
    }
}

TEST("an early exit")
{
    exit(0);
}

TEST("a skip")
{
    kl_test_skip("no %s here", "luck");
}

TEST("a bare skip")
{
    _exit(77);
}

static void *fail_in_thread(void *unused)
{
    (void)unused;
    kl_test_fail("elsewhere.c", 7, "from a thread");
}

TEST("a failing thread")
{
    pthread_t thread;
    pthread_create(&thread, NULL, fail_in_thread, NULL);
    pthread_join(thread, NULL);
}

static void end_badly(void)
{
    _exit(23);
}

TEST("a bad end after a good body")
{
    atexit(end_badly);
}

TEST("a child left behind")
{
    pid_t child = fork();
    if (child == 0) {
        for (;;) {
            pause();
        }
    }
    kl_test_fail(__FILE__, __LINE__, "left=%d", (int)child);
}

TEST("a seeded one", .seeded = true)
{
    printf("seed=%d\n", (int)kl_test_seed());
    CHECK(kl_test_seed() != 5);
}

TEST("a forgetful one", .seeded = true)
{
    static int runs;
    CHECK(++runs < 3);
}

TEST("a seed with a bad end", .seeded = true)
{
    if (kl_test_seed() == 28) {
        atexit(end_badly);
    }
}

// Run with a limit of two seconds, which only all seeds together exceed.
TEST("a slow seed", .seeded = true)
{
    usleep(900000);
}

TEST("a seed that hangs", .seeded = true)
{
    while (kl_test_seed() == 2) {
        pause();
    }
}
