#include "base/panic.h"

#include "base/atomic.h"
#include "base/log.h"
#include "testing/harness.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char said[16 * 1024];

// Runs `body` in a child process that has to die of SIGABRT, and leaves in `said` what it
// wrote to standard error.
static void expect_abort(void (*body)(void))
{
    int ends[2];
    CHECK_INT(pipe(ends), 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        body();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(ends[0], said + length, sizeof said - 1 - length)) > 0) {
        length += (size_t)got;
    }
    said[length] = '\0';
    close(ends[0]);
    int status;
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status));
    CHECK_INT(WTERMSIG(status), SIGABRT);
}

static int count_of(const char *part)
{
    int count = 0;
    for (const char *at = said; (at = strstr(at, part)) != NULL; at++) {
        count++;
    }
    return count;
}

static void panic_plainly(void)
{
    kl_panic("the %s has %d corners", "wheel", 4);
}

TEST("a panic says what, where, and that this is a bug to report, then aborts")
{
    expect_abort(panic_plainly);
    CHECK(strncmp(said, "keel: panic: the wheel has 4 corners\n    ", 41) == 0);
    CHECK(count_of("(+0x") >= 2); // frames
    CHECK_INT(count_of("this is a bug in Keel " KEEL_VERSION), 1);
    CHECK(strstr(said, "report") != NULL);
}

static void assert_wrongly(void)
{
    KL_ASSERT(1 + 1 == 3);
}

TEST("a broken invariant names its place and its condition")
{
    expect_abort(assert_wrongly);
    CHECK(strstr(said, "panic_test.c") != NULL);
    CHECK(strstr(said, "assert_wrongly: 1 + 1 == 3\n") != NULL);
    KL_ASSERT(1 + 1 == 2);
}

static void go_on(int number)
{
    (void)number;
    _exit(3);
}

static void panic_with_handler(void)
{
    signal(SIGABRT, go_on);
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    kl_panic("no way back");
}

TEST("no handler of SIGABRT keeps the program alive after a panic")
{
    expect_abort(panic_with_handler);
    CHECK_INT(count_of("no way back"), 1);
}

static void say_again(void *context, enum kl_log_level level, const char *text)
{
    (void)context;
    (void)level;
    size_t length = strlen(text);
    CHECK(length > 0 && text[length - 1] != '\n');
    kl_log_write_stderr("sink heard: ", 12);
    kl_log_write_stderr(text, length);
}

static void panic_with_sink(void)
{
    kl_log_sink_set(say_again, NULL);
    kl_panic("twice told");
}

TEST("a panic goes to standard error and to the sink as well")
{
    expect_abort(panic_with_sink);
    CHECK_INT(count_of("twice told"), 2);
    CHECK(strstr(said, "sink heard: keel: panic: twice told\n") != NULL);
    CHECK(strncmp(said, "keel: panic: ", 13) == 0);
}

static void panic_again(void *context, enum kl_log_level level, const char *text)
{
    (void)context;
    (void)level;
    (void)text;
    kl_panic("the sink as well");
}

static void panic_in_sink(void)
{
    kl_log_sink_set(panic_again, NULL);
    kl_panic("first");
}

TEST("a panic within a panic ends the program all the same")
{
    expect_abort(panic_in_sink);
    CHECK_INT(count_of("first"), 1);
    CHECK_INT(count_of("the sink as well"), 0);
}

static uint32_t waiting;

static void *panic_together(void *unused)
{
    (void)unused;
    kl_add_acq_rel(&waiting, 1);
    while (kl_load_acquire(&waiting) < 4) {
        sched_yield();
    }
    kl_panic("all at once");
}

static void panic_on_threads(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, panic_together, NULL);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
}

TEST("when several threads panic, the first one is heard out")
{
    expect_abort(panic_on_threads);
    CHECK_INT(count_of("all at once"), 1);
    CHECK_INT(count_of("this is a bug"), 1);
}

static void panic_at_length(void)
{
    char text[9000];
    memset(text, 'z', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    kl_panic("%s", text);
}

TEST("a message without end is cut, and still ends in abort")
{
    expect_abort(panic_at_length);
    CHECK(strncmp(said, "keel: panic: zzz", 16) == 0);
    CHECK(strlen(said) > 1000);
    CHECK_INT(count_of("this is a bug"), 1);
}

// A frame pointer that leads nowhere: what a panic finds on a stack that is broken.
__attribute__((noinline)) static void panic_on_broken_stack(void)
{
    uintptr_t *frame = __builtin_frame_address(0);
    frame[0] = 16;
    kl_panic("the stack is gone");
}

TEST("a broken stack cuts the backtrace short and nothing else")
{
    expect_abort(panic_on_broken_stack);
    CHECK_INT(count_of("the stack is gone"), 1);
    CHECK_INT(count_of("this is a bug"), 1);
}
