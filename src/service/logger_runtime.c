// What the runtime itself has to say (a mailbox that has grown, a worker that is stuck, a
// node with another cookie) goes to the handlers as well. It is said anywhere: on threads
// that run no process, with locks held, in the midst of a send. So it is only put down
// there, and a process, the ear, logs it.

#include "logger.h"
#include <errno.h>
#include <keel/io.h>
#include <keel/link.h>
#include <keel/message.h>
#include <keel/process.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { LINES = 128, PATIENCE_SECONDS = 5 };

struct line {
    enum kl_log_level level;
    int64_t time; // nanoseconds since 1970
    char *text; // allocated, `bytes` long
    size_t bytes;
};

static struct {
    struct kl_lock lock; // guards all but `ear`
    struct line lines[LINES]; // a ring
    unsigned first, count;
    uint64_t dropped; // for want of room, since the ear last said so
    bool over; // the ear is to end
    int wake; // written to after each change; -1: nobody hears
    keel_pid ear;
} said;

// --- where it is said ---

// Under the lock.
static void wake_ear(void)
{
    uint64_t one = 1;
    ssize_t written = write(said.wake, &one, sizeof one);
    (void)written; // full: it is readable all the same
}

static void put_down(void *context, enum kl_log_level level, const char *text)
{
    (void)context;
    if (kl_log_is_handler(keel_self())) {
        // What a handler has to say is not for it: it would never come to an end.
        kl_log_write_line(level, text);
        return;
    }
    struct line line = {level, keel_system_time(), NULL, strlen(text) + 1};
    line.text = kl_alloc(line.bytes);
    if (line.text != NULL) {
        memcpy(line.text, text, line.bytes);
    }
    kl_lock_take(&said.lock);
    bool kept = line.text != NULL && said.count < LINES;
    if (kept) {
        said.lines[(said.first + said.count++) % LINES] = line;
    } else {
        said.dropped++;
    }
    wake_ear();
    kl_lock_give(&said.lock);
    if (!kept) {
        kl_free(line.text, line.bytes);
    }
}

// --- the ear ---

static bool take_line(struct line *ret_line)
{
    kl_lock_take(&said.lock);
    bool some = said.count > 0;
    if (some) {
        *ret_line = said.lines[said.first];
        said.first = (said.first + 1) % LINES;
        said.count--;
    }
    kl_lock_give(&said.lock);
    return some;
}

static uint64_t take_dropped(void)
{
    kl_lock_take(&said.lock);
    uint64_t dropped = said.dropped;
    said.dropped = 0;
    kl_lock_give(&said.lock);
    return dropped;
}

static void log_text(enum kl_log_level level, int64_t time, const char *text)
{
    static const keel_log_site site = {"keel", "", 0};
    static const keel_log_level levels[] = {
            [KL_LOG_ERROR] = KEEL_LOG_ERROR,
            [KL_LOG_WARNING] = KEEL_LOG_WARNING,
            [KL_LOG_INFO] = KEEL_LOG_INFO,
            [KL_LOG_DEBUG] = KEEL_LOG_DEBUG,
    };
    keel_log_level as = levels[level];
    if ((int)as > keel_logger_most() || !keel_logger_allows(&site, as)) {
        return;
    }
    keel_scope scope = keel_scope_open();
    keel_term metadata = keel_make("#{time => Time, domain => [keel]}", time / 1000);
    if (!kl_log_dispatch(as, keel_string(text), metadata)) {
        kl_log_write_line(level, text); // there is no handler
    }
    keel_scope_close(&scope);
}

static void log_what_was_said(void)
{
    struct line line;
    while (take_line(&line)) {
        log_text(line.level, line.time, line.text);
        kl_free(line.text, line.bytes);
    }
    uint64_t dropped = take_dropped();
    if (dropped > 0) {
        char text[80];
        snprintf(text, sizeof text, "%llu lines of the runtime were dropped",
                (unsigned long long)dropped);
        log_text(KL_LOG_WARNING, keel_system_time(), text);
    }
}

static bool is_over(void)
{
    kl_lock_take(&said.lock);
    bool over = said.over;
    kl_lock_give(&said.lock);
    return over;
}

// However the ear ends, what is said from now on is written as before.
static void go_deaf(void *unused)
{
    (void)unused;
    kl_log_sink_set(NULL, NULL);
    log_what_was_said();
    kl_lock_take(&said.lock);
    close(said.wake);
    said.wake = -1;
    kl_lock_give(&said.lock);
}

static void ear(keel_term unused)
{
    (void)unused;
    if (keel_defer(go_deaf, NULL) != KEEL_OK) {
        go_deaf(NULL);
        return;
    }
    while (!is_over() &&
            keel_wait_fd(said.wake, KEEL_READABLE, KEEL_NEVER, NULL) == KEEL_OK) {
        uint64_t times;
        ssize_t got = read(said.wake, &times, sizeof times);
        (void)got;
        log_what_was_said();
    }
}

// --- from the application ---

keel_status kl_log_runtime_start(void)
{
    said.over = false;
    said.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (said.wake < 0) {
        return -errno;
    }
    keel_spawn_opts opts = {.entry = "logger_runtime"};
    keel_status status = keel_spawn_opt(ear, keel_nil(), &opts, &said.ear, NULL);
    if (status != KEEL_OK) {
        close(said.wake);
        return status;
    }
    kl_log_sink_set(put_down, NULL);
    return KEEL_OK;
}

void kl_log_runtime_stop(void)
{
    keel_ref watch = keel_monitor(said.ear);
    kl_lock_take(&said.lock);
    said.over = true;
    if (said.wake >= 0) {
        wake_ear();
    }
    kl_lock_give(&said.lock);
    keel_deadline deadline = KEEL_IN(KEEL_SECONDS(PATIENCE_SECONDS));
    if (keel_receive_match(deadline, "{'DOWN', ^Watch, process, _, _}", watch) != KEEL_OK) {
        keel_demonitor(watch, KEEL_DEMONITOR_FLUSH);
    }
}
