#include "base/log.h"

#include "base/atomic.h"
#include "testing/harness.h"

#include <keel/alloc.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char heard[8192];
static enum kl_log_level heard_level;
static int heard_count;

static void listen_in(void *context, enum kl_log_level level, const char *text)
{
    CHECK(context == &heard);
    heard_level = level;
    heard_count++;
    CHECK(strlen(text) < sizeof heard);
    strcpy(heard, text);
}

TEST("a sink gets level and text, formatted and without a newline at the end")
{
    kl_log_sink_set(listen_in, &heard);
    errno = EXDEV;
    kl_log(KL_LOG_WARNING, "%d of %s", 3, "four");
    CHECK_INT(errno, EXDEV);
    CHECK_STR(heard, "3 of four");
    CHECK_INT(heard_level, KL_LOG_WARNING);
    kl_log(KL_LOG_DEBUG, "one\ntwo");
    CHECK_STR(heard, "one\ntwo");
    CHECK_INT(heard_count, 2);
}

TEST("a long text arrives whole")
{
    kl_log_sink_set(listen_in, &heard);
    for (size_t length = 500; length < 530; length++) {
        char text[600];
        memset(text, 'x', length);
        text[length] = '\0';
        kl_log(KL_LOG_INFO, "%s", text);
        CHECK_STR(heard, text);
    }
    int64_t before = keel_memory_used();
    char text[5000];
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    kl_log(KL_LOG_INFO, "%s", text);
    CHECK_STR(heard, text);
    CHECK_INT(keel_memory_used(), before);
}

// Puts a pipe in place of standard error and returns the end to read from.
static int capture_stderr(void)
{
    int ends[2];
    CHECK_INT(pipe(ends), 0);
    CHECK_INT(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    return ends[0];
}

TEST("without a sink a line goes to standard error")
{
    int from = capture_stderr();
    kl_log(KL_LOG_ERROR, "first %d", 1);
    kl_log_sink_set(listen_in, &heard);
    kl_log(KL_LOG_ERROR, "not this one");
    kl_log_sink_set(NULL, NULL);
    kl_log(KL_LOG_INFO, "second");
    char text[200];
    ssize_t length = read(from, text, sizeof text - 1);
    CHECK(length > 0);
    text[length] = '\0';
    CHECK_STR(text, "keel: error: first 1\nkeel: info: second\n");
}

static volatile sig_atomic_t pipe_signals;

static void count_pipe_signal(int number)
{
    (void)number;
    pipe_signals++;
}

TEST("a reader of standard error that is gone costs the line and nothing else")
{
    signal(SIGPIPE, count_pipe_signal);
    close(capture_stderr());
    kl_log(KL_LOG_ERROR, "nobody reads this");
    kl_log(KL_LOG_ERROR, "nor this");
    CHECK_INT(pipe_signals, 0);
    raise(SIGPIPE); // the host's own still comes through
    CHECK_INT(pipe_signals, 1);
}

TEST("a full pipe that does not block costs the line and nothing else")
{
    int from = capture_stderr();
    CHECK_INT(fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK), 0);
    for (int i = 0; i < 5000; i++) {
        kl_log(KL_LOG_INFO, "%0100d", i);
    }
    char text[64];
    CHECK(read(from, text, sizeof text) == sizeof text);
    CHECK(strncmp(text, "keel: info: 000", 15) == 0);
}

// --- replacing a sink that is in use ---

static uint32_t inside, leave, replaced;

static void stay(void *context, enum kl_log_level level, const char *text)
{
    (void)context;
    (void)level;
    (void)text;
    kl_store_release(&inside, 1);
    // Acquire and release pair across these three words, whichever thread writes them.
    while (!kl_load_acquire(&leave)) {
        CHECK(!kl_load_acquire(&replaced));
        sched_yield();
    }
    CHECK(!kl_load_acquire(&replaced));
}

static void *log_one(void *unused)
{
    (void)unused;
    kl_log(KL_LOG_INFO, "x");
    return NULL;
}

static void *replace(void *unused)
{
    (void)unused;
    kl_log_sink_set(NULL, NULL);
    kl_store_release(&replaced, 1);
    return NULL;
}

TEST("a sink is replaced only when nobody is in it")
{
    capture_stderr();
    kl_log_sink_set(stay, NULL);
    pthread_t logging, replacing;
    CHECK_INT(pthread_create(&logging, NULL, log_one, NULL), 0);
    while (!kl_load_acquire(&inside)) {
        sched_yield();
    }
    CHECK_INT(pthread_create(&replacing, NULL, replace, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        sched_yield();
    }
    kl_store_release(&leave, 1);
    CHECK_INT(pthread_join(logging, NULL), 0);
    CHECK_INT(pthread_join(replacing, NULL), 0);
    CHECK_INT(kl_load_acquire(&replaced), 1);
}

TEST("a text for the sink alone reaches a sink, and nobody where there is none")
{
    int from = capture_stderr();
    CHECK(kl_log_tell_sink(KL_LOG_ERROR, "into the void"));
    kl_log_sink_set(listen_in, &heard);
    CHECK(kl_log_tell_sink(KL_LOG_ERROR, "for %s the sink"));
    CHECK_STR(heard, "for %s the sink");
    kl_log_write_stderr("end", 3);
    char text[10];
    CHECK_INT(read(from, text, sizeof text), 3);
}
