#include "log.h"

#include "alloc.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// Held for reading while a sink runs, so that replacing it waits until nobody is in it.
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static kl_log_sink *custom_sink; // NULL: kl_log_write_line()
static void *custom_context;

static void hand_over(enum kl_log_level level, const char *text);
static void write_blocked(const char *text, size_t length);

void kl_log(enum kl_log_level level, const char *format, ...)
{
    int saved = errno;
    char brief[512]; // small: this runs on stacks of processes
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(brief, sizeof brief, format, arguments);
    if (length >= 0 && (size_t)length >= sizeof brief) {
        size_t bytes = (size_t)length + 1;
        char *full = kl_alloc(bytes);
        if (full != NULL) {
            vsnprintf(full, bytes, format, again);
        }
        // Without memory, the beginning is better than nothing.
        hand_over(level, full != NULL ? full : brief);
        kl_free(full, bytes);
    } else {
        hand_over(level, length >= 0 ? brief : format);
    }
    va_end(again);
    va_end(arguments);
    errno = saved;
}

void kl_log_sink_set(kl_log_sink *sink, void *context)
{
    pthread_rwlock_wrlock(&lock);
    custom_sink = sink;
    custom_context = context;
    pthread_rwlock_unlock(&lock);
}

bool kl_log_tell_sink(enum kl_log_level level, const char *text)
{
    if (pthread_rwlock_tryrdlock(&lock) != 0) {
        return false;
    }
    if (custom_sink != NULL) {
        custom_sink(custom_context, level, text);
    }
    pthread_rwlock_unlock(&lock);
    return true;
}

// SIGPIPE is blocked meanwhile, and the one that a write has raised is taken away, unless
// one was waiting before.
void kl_log_write_stderr(const char *text, size_t length)
{
    sigset_t pipe_signal, old, pending;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    if (pthread_sigmask(SIG_BLOCK, &pipe_signal, &old) != 0) {
        return;
    }
    write_blocked(text, length);
    struct timespec at_once = {0};
    while (!was_pending && sigtimedwait(&pipe_signal, NULL, &at_once) < 0 &&
            errno == EINTR) {}
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void hand_over(enum kl_log_level level, const char *text)
{
    pthread_rwlock_rdlock(&lock);
    if (custom_sink != NULL) {
        custom_sink(custom_context, level, text);
    } else {
        kl_log_write_line(level, text);
    }
    pthread_rwlock_unlock(&lock);
}

void kl_log_write_line(enum kl_log_level level, const char *text)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    size_t bytes = strlen(text) + 32;
    char brief[600];
    // One write where possible, so that lines of several threads do not mix.
    char *line = bytes <= sizeof brief ? brief : kl_alloc(bytes);
    if (line != NULL) {
        int length = snprintf(line, bytes, "keel: %s: %s\n", names[level], text);
        kl_log_write_stderr(line, (size_t)length);
    } else {
        kl_log_write_stderr(text, strlen(text));
        kl_log_write_stderr("\n", 1);
    }
    if (line != brief) {
        kl_free(line, bytes);
    }
}

static void write_blocked(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, text, length);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return;
        }
        text += written;
        length -= (size_t)written;
    }
}
