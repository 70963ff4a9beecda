// The harness tested by itself: harness_fixture.c is built into a program beside this one,
// run, and its report read.

#include "harness.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char output[64 * 1024];
static int exit_code;

// Runs the fixture with up to three arguments; fills `output` and `exit_code`.
static void run_fixture(const char *first, const char *second, const char *third)
{
    static char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
    CHECK(length > 0);
    path[length] = '\0';
    strcpy(strrchr(path, '/') + 1, "harness-fixture");

    int ends[2];
    CHECK_OK(pipe(ends));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        execl(path, path, first, second, third, (char *)NULL);
        // An emulated program cannot start another of its kind by itself.
        const char *wrapper = getenv("KEEL_TEST_WRAPPER");
        if (errno == ENOEXEC && wrapper && *wrapper) {
            execl("/bin/sh", "sh", "-c", "exec $KEEL_TEST_WRAPPER \"$0\" \"$@\"", path,
                    first, second, third, (char *)NULL);
        }
        _exit(errno == ENOEXEC ? 126 : 127);
    }
    close(ends[1]);
    size_t filled = 0;
    for (ssize_t got;
            (got = read(ends[0], output + filled, sizeof output - 1 - filled)) > 0;) {
        filled += (size_t)got;
    }
    output[filled] = '\0';
    int status;
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    exit_code = WEXITSTATUS(status);
    if (exit_code == 126) {
        kl_test_skip("cannot run %s here", path);
    }
}

static void expect(const char *text)
{
    if (!strstr(output, text)) {
        kl_test_fail(__FILE__, __LINE__, "no \"%s\" in:\n%s", text, output);
    }
}

static void expect_not(const char *text)
{
    if (strstr(output, text)) {
        kl_test_fail(__FILE__, __LINE__, "\"%s\" in:\n%s", text, output);
    }
}

TEST("a test that passes is one ok line and its output is dropped")
{
    run_fixture("a good one", NULL, NULL);
    CHECK_INT(exit_code, 0);
    CHECK_STR(output, "1..1\nok 1 - a good one\n");
}

TEST("a false check fails the test with its place, its text and the output before it")
{
    run_fixture("a false check", NULL, NULL);
    CHECK_INT(exit_code, 1);
    expect("not ok 1 - a false check\n");
    expect("harness_fixture.c:");
    expect(": not true: 1 + 1 == 3\n");
    expect("# | said before\n");
}

TEST("a wrong value is shown beside the expected one")
{
    run_fixture("a wrong", NULL, NULL);
    CHECK_INT(exit_code, 1);
    expect("not ok 1 - a wrong number\n");
    expect("40 + 1 is 41, expected 42\n");
    expect("not ok 2 - a wrong string\n");
    expect("#   left\n# expected\n#   right\n");
    run_fixture("a string that is not there", NULL, NULL);
    expect("#   (null)\n# expected\n#   right\n");
}

TEST("equal values pass")
{
    run_fixture("equal", NULL, NULL);
    CHECK_INT(exit_code, 0);
    expect("ok 1 - equal strings and numbers\n");
}

TEST("a crash is reported with its signal")
{
    run_fixture("a crash", NULL, NULL);
    CHECK_INT(exit_code, 1);
    expect("not ok 1 - a crash\n");
    expect("ended by signal 11 (Segmentation fault)\n");
}

TEST("a hang is ended after the test's time limit, or the one of the command line")
{
    run_fixture("--timeout", "1", "a hang");
    CHECK_INT(exit_code, 1);
    expect("not ok 1 - a hang\n");
    expect("still running after 1 s\n");
}

TEST("exit(0) before the end of the body is a failure")
{
    run_fixture("an early exit", NULL, NULL);
    CHECK_INT(exit_code, 1);
    expect("not ok 1 - an early exit\n");
    expect("ended with exit code 0 before its body returned\n");
}

TEST("a bad exit code after the body is a failure")
{
    run_fixture("a bad end", NULL, NULL);
    CHECK_INT(exit_code, 1);
    expect("passed, then ended with exit code 23\n");
}

TEST("a skip passes with its reason")
{
    run_fixture("skip", NULL, NULL);
    CHECK_INT(exit_code, 0);
    expect("ok 1 - a skip # SKIP no luck here\n");
    expect("ok 2 - a bare skip # SKIP");
}

TEST("a failure on another thread fails the test")
{
    run_fixture("a failing thread", NULL, NULL);
    CHECK_INT(exit_code, 1);
    expect("# elsewhere.c:7: from a thread\n");
}

TEST("what a test has started ends with it")
{
    run_fixture("a child left behind", NULL, NULL);
    CHECK_INT(exit_code, 1);
    expect("left=");
    int child = atoi(strstr(output, "left=") + strlen("left="));
    CHECK(child > 1);
    // It was killed before the fixture ended, but may still be on its way out.
    int child_ends = (int)syscall(SYS_pidfd_open, child, 0);
    if (child_ends < 0 && errno == ENOSYS) {
        kl_test_skip(
                "no pidfd_open here, which tells when a process that is not ours ends");
    }
    CHECK(child_ends >= 0 || errno == ESRCH);
    if (child_ends >= 0) {
        struct pollfd ended = {.fd = child_ends, .events = POLLIN};
        CHECK_INT(poll(&ended, 1, 10000), 1);
    }
}

TEST("a seeded test runs once per seed and names the seed that fails")
{
    run_fixture("--seeds", "4", "a seeded one");
    CHECK_INT(exit_code, 0);
    expect("ok 1 - a seeded one\n");
    run_fixture("--seeds", "10", "a seeded one");
    CHECK_INT(exit_code, 1);
    expect("# failed with --seed 5\n");
    expect("# | seed=5\n");
    expect_not("seed=4\n");
    expect_not("seed=6");
    run_fixture("--seed", "5", "a seeded one");
    CHECK_INT(exit_code, 1);
    run_fixture("--seed", "6", "a seeded one");
    CHECK_INT(exit_code, 0);
    run_fixture("--seeded", "--list", NULL);
    expect("a seeded one\n");
    expect_not("a good one\n");
}

TEST("a seed that fails only after others is told with them, and fails with them again")
{
    run_fixture("--seeds", "30", "a forgetful one");
    CHECK_INT(exit_code, 1);
    expect("# failed with --seed 1 --seeds 3, in one process; not with the last alone\n");
    run_fixture("--seed", "3", "a forgetful one");
    CHECK_INT(exit_code, 0);
}

TEST("what shows only at the end of a process is told with its seed")
{
    run_fixture("--seeds", "30", "a seed with a bad end");
    CHECK_INT(exit_code, 1);
    expect("passed, then ended with exit code 23\n");
    expect("# failed with --seed 28\n");
}

TEST("the time limit is that of one seed")
{
    run_fixture("--timeout", "2", "a slow seed");
    CHECK_INT(exit_code, 0);
    run_fixture("--timeout", "1", "a seed that hangs");
    CHECK_INT(exit_code, 1);
    expect("still running after 1 s\n");
    expect("# failed with --seed 2\n");
}

TEST("after a failure the other tests run, and the exit code tells of it")
{
    run_fixture("a good one", "a false check", "equal");
    CHECK_INT(exit_code, 1);
    expect("1..3\nok 1 - a good one\nnot ok 2 - a false check\n");
    expect("ok 3 - equal strings and numbers\n");
}

TEST("without fork a test passes, fails and is skipped likewise")
{
    run_fixture("--no-fork", "a good one", NULL);
    CHECK_INT(exit_code, 0);
    expect("ok 1 - a good one\n");
    run_fixture("--no-fork", "a false check", NULL);
    CHECK_INT(exit_code, 1);
    expect("not ok 1 - a false check\n");
    expect("not true: 1 + 1 == 3\n");
    run_fixture("--no-fork", "a skip", NULL);
    CHECK_INT(exit_code, 77);
    expect("ok 1 - a skip # SKIP no luck here");
}

TEST("the lists name tests and the conformance lines they prove")
{
    run_fixture("--list", "a good one", "a false check");
    CHECK_INT(exit_code, 0);
    CHECK_STR(output, "a good one\na false check\n");
    run_fixture("--ids", NULL, NULL);
    CHECK_INT(exit_code, 0);
    CHECK_STR(output, "XX-001\ta good one\nXX-002\ta good one\nXX-003\ta false check\n");
}

TEST("bad options are refused and a filter that matches nothing is no failure")
{
    run_fixture("--sead", "5", NULL);
    CHECK_INT(exit_code, 2);
    run_fixture("--seed", "five", NULL);
    CHECK_INT(exit_code, 2);
    run_fixture("--seed", NULL, NULL);
    CHECK_INT(exit_code, 2);
    run_fixture("--seeds", "0", NULL);
    CHECK_INT(exit_code, 2);
    run_fixture("no such test", NULL, NULL);
    CHECK_INT(exit_code, 0);
    expect("1..0 # SKIP");
}
