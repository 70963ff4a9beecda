// Programs as ports. Those used are any system's: sh, cat, sleep.

#include "proc/proc_testing.h"
#include <errno.h>
#include <keel/port.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#define SHELL(script) ((const char *const[]){"sh", "-c", (script), NULL})

static keel_pid open_port(const char *script, const keel_port_opts *opts)
{
    keel_pid port = {0};
    CHECK_OK(keel_port_open(SHELL(script), opts, &port));
    return port;
}

static bool is_gone(int os_pid)
{
    return kill(os_pid, 0) != 0 && errno == ESRCH;
}

static void await_gone(int os_pid)
{
    while (!is_gone(os_pid)) { // a zombie of ours is reaped by the port's waiter
        sched_yield();
        keel_yield();
    }
}

THREADS_TEST("what a program writes comes as data, its end as a status")
{
    keel_port_opts lines = {.packet = KEEL_PACKET_LINE};
    keel_pid port = open_port("echo one; echo two; exit 7", &lines);
    EXPECT_NEXT("{^Port, {data, <<\"one\\n\">>}}", port);
    EXPECT_NEXT("{^Port, {data, <<\"two\\n\">>}}", port);
    EXPECT_NEXT("{^Port, {exit_status, 7}}", port);
    end_of(port);
    CHECK_INT(keel_port_os_pid(port), 0);
    CHECK_INT(keel_port_send(port, "x", 1, SOON), KEEL_E_NOPROC);
}

THREADS_TEST("what is sent is its input, in packets if need be")
{
    keel_port_opts opts = {.packet = KEEL_PACKET_2};
    keel_pid port = open_port("exec cat", &opts);
    CHECK_OK(keel_port_send(port, "hello", 5, SOON));
    EXPECT_NEXT("{^Port, {data, <<\"hello\">>}}", port);
    CHECK_OK(keel_port_send(port, "", 0, SOON));
    EXPECT_NEXT("{^Port, {data, <<>>}}", port);
    CHECK_OK(keel_port_end_input(port));
    EXPECT_NEXT("{^Port, {exit_status, 0}}", port);
    end_of(port);
}

THREADS_TEST("a program that a signal ended has a status of its own")
{
    keel_pid port = open_port("kill -9 $$", NULL);
    EXPECT_NEXT("{^Port, {exit_status, 137}}", port);
    end_of(port);
}

static void own_a_program(keel_term parent)
{
    keel_pid port = open_port("trap '' TERM HUP; sleep 1000 & echo up; wait; wait", NULL);
    keel_term data;
    CHECK_OK(keel_receive_match(SOON, "{^Port, {data, Data}}", port, &data));
    keel_send(keel_to_pid(parent),
            keel_make("{up, Port, OsPid}", port, keel_port_os_pid(port)));
    keel_receive();
}

THREADS_TEST("a program does not outlive its owner, even when it ignores SIGTERM")
{
    int os_pid;
    keel_pid port;
    keel_pid owner = keel_spawn(own_a_program, keel_from_pid(keel_self()));
    EXPECT_NEXT("{up, Port, OsPid}", &port, &os_pid);
    CHECK(os_pid > 0 && !is_gone(os_pid));
    end_process(owner);
    end_of(port);
    await_gone(os_pid);
}

THREADS_TEST("a port that is killed takes its program along")
{
    if (kl_test_is_emulated()) {
        kl_test_skip("vfork returns before the child has a group of its own");
    }
    keel_pid port = open_port("sleep 1000", NULL);
    int os_pid = keel_port_os_pid(port);
    end_process(port);
    await_gone(os_pid);
}

THREADS_TEST("closing a port ends the program without a message")
{
    keel_pid port = open_port("exec cat", NULL);
    int os_pid = keel_port_os_pid(port);
    keel_port_close(port);
    end_of(port);
    await_gone(os_pid);
    EXPECT_NO_MESSAGE();
}

THREADS_TEST("environment, folder and standard error are as told")
{
    static const char *const environment[] = {"GREETING=hi", "PATH=/usr/bin:/bin", NULL};
    keel_port_opts opts = {.environment = environment, .folder = "/", .with_errors = true};
    keel_term output = KEEL_NONE;
    int status = -1;
    CHECK_OK(keel_port_run(SHELL("echo $GREETING; pwd; echo bad >&2; exit 3"), &opts, SOON,
            &output, &status));
    CHECK_TERM(output, "<<\"hi\\n/\\nbad\\n\">>");
    CHECK_INT(status, 3);
}

THREADS_TEST("a run that takes too long is ended")
{
    keel_term output = KEEL_NONE;
    CHECK_INT(keel_port_run(SHELL("echo x; exec sleep 1000"), NULL, KEEL_IN(KEEL_MS(50)),
                      &output, NULL),
            KEEL_E_TIMEOUT);
    EXPECT_NO_MESSAGE();
}

THREADS_TEST("signals that our program blocks are not blocked in others")
{
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stops, NULL);
    keel_pid port = open_port("kill -TERM $$; exit 1", NULL);
    EXPECT_NEXT("{^Port, {exit_status, 143}}", port);
    end_of(port);
}

THREADS_TEST("a program that is not there is an error")
{
    if (kl_test_is_emulated()) {
        kl_test_skip("a child's failed exec is not told");
    }
    keel_pid port = {0};
    CHECK_INT(keel_port_open(
                      (const char *const[]){"no-such-program-at-all", NULL}, NULL, &port),
            -ENOENT);
    CHECK_INT(keel_port_open((const char *const[]){NULL}, NULL, &port), KEEL_E_BADARG);
    CHECK_INT(keel_port_open(NULL, NULL, &port), KEEL_E_BADARG);
    CHECK(no_pid(port));
}
