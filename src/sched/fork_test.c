#include "sched_testing.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

// Runs `body` in a forked child; returns how it ended and what it said.
static int run_forked(void (*body)(void), char *ret_text, size_t bytes)
{
    int ends[2];
    CHECK_INT(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        alarm(20); // a child that hangs is what this is about
        body();
        _exit(3);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(ends[0], ret_text + length, bytes - 1 - length)) > 0) {
        length += (size_t)got;
    }
    ret_text[length] = 0;
    close(ends[0]);
    int status;
    CHECK_INT(waitpid(child, &status, 0), child);
    return status;
}

static void check_refused(void (*body)(void))
{
    char text[8192];
    int status = run_forked(body, text, sizeof text);
    CHECK(WIFSIGNALED(status));
    CHECK_INT(WTERMSIG(status), SIGABRT);
    CHECK(strstr(text, "forked child"));
}

static void never(struct kl_task *task)
{
    (void)task;
}
static void never_fire(struct kl_timer *timer)
{
    (void)timer;
}

static void wake_something(void)
{
    static struct kl_task task = {.run = never, .priority = KL_PRIORITY_NORMAL};
    kl_sched_wake(&task);
}

static void arm_something(void)
{
    static struct kl_timer timer = {.fire = never_fire};
    kl_timer_arm(&timer, 0);
}

static void watch_something(void)
{
    static struct kl_watch watch = {.fd = 0, .events = KL_POLL_IN};
    (void)!kl_poll_watch(&watch);
}

static void start_again(void)
{
    struct kl_sched_config config = {.workers = 1};
    (void)!kl_sched_start(&config);
}

static void do_nothing(void) {}

TEST("a forked child that uses the runtime is told so, and does not hang")
{
    start_workers(2);
    check_refused(wake_something);
    check_refused(arm_something);
    check_refused(watch_something);
    check_refused(start_again);
    check_refused(kl_sched_stop);
    kl_sched_stop();
}

TEST("a forked child that leaves the runtime alone is fine")
{
    start_workers(2);
    char text[8192];
    int status = run_forked(do_nothing, text, sizeof text);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 3);
    CHECK_STR(text, "");
    kl_sched_stop();
}

static void fork_and_return(void *argument)
{
    pid_t *child = argument;
    int silent[2];
    CHECK_INT(pipe(silent), 0);
    *child = fork();
    if (*child == 0) {
        alarm(20);
        dup2(silent[1], STDERR_FILENO); // what it says is shown by another test
    }
    close(silent[0]);
    close(silent[1]);
}

TEST("a child forked by a task that goes on in the runtime ends there")
{
    start_workers(1);
    pid_t child;
    call_and_wait(fork_and_return, &child);
    int status;
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) != SIGALRM);
    kl_sched_stop();
}

static void note_call(void *argument)
{
    *(bool *)argument = true;
}

TEST("a program may fork before it starts the runtime")
{
    bool called = false;
    pid_t child = fork();
    if (child == 0) {
        start_workers(1);
        call_and_wait(note_call, &called);
        kl_sched_stop();
        _exit(called ? 5 : 6);
    }
    int status;
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 5);
}
