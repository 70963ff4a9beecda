// What the runtime itself has to say (a mailbox that has grown, a worker that is stuck, a
// node with another cookie) goes to the handlers as well. It may be said where no process
// may act, so it goes through an ear.

#include "ear.h"
#include "logger.h"
#include <keel/link.h>
#include <keel/message.h>
#include <keel/process.h>
#include <stdio.h>
#include <string.h>

enum { LINES = 128, PATIENCE_SECONDS = 5 };

struct line {
    enum kl_log_level level;
    int64_t time; // nanoseconds since 1970
    size_t bytes; // of all
    char text[];
};

static struct kl_ear ear;
static keel_pid hearing;

// --- where it is said ---

static void put_down(void *context, enum kl_log_level level, const char *text)
{
    (void)context;
    if (kl_log_is_handler(keel_self())) {
        // What a handler has to say is not for it: it would never come to an end.
        kl_log_write_line(level, text);
        return;
    }
    size_t size = strlen(text) + 1, bytes = sizeof(struct line) + size;
    struct line *line = kl_alloc(bytes);
    if (line == NULL) {
        return;
    }
    *line = (struct line){level, keel_system_time(), bytes};
    memcpy(line->text, text, size);
    if (!kl_ear_put(&ear, line)) {
        kl_free(line, bytes);
    }
}

// --- where it is heard ---

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

static void log_line(void *item)
{
    struct line *line = item;
    log_text(line->level, line->time, line->text);
    kl_free(line, line->bytes);
}

static void log_what_was_said(void)
{
    for (void *line; (line = kl_ear_take(&ear)) != NULL;) {
        log_line(line);
    }
    uint64_t dropped = kl_ear_dropped(&ear);
    if (dropped > 0) {
        char text[80];
        snprintf(text, sizeof text, "%llu lines of the runtime were dropped",
                (unsigned long long)dropped);
        log_text(KL_LOG_WARNING, keel_system_time(), text);
    }
}

// However it ends, what is said from now on is written as before.
static void go_deaf(void *unused)
{
    (void)unused;
    kl_log_sink_set(NULL, NULL); // and nobody is in the old one any more
    log_what_was_said();
    kl_ear_close(&ear, log_line);
}

static void hear(keel_term unused)
{
    (void)unused;
    if (keel_defer(go_deaf, NULL) != KEEL_OK) {
        go_deaf(NULL);
        return;
    }
    while (kl_ear_wait(&ear)) {
        log_what_was_said();
    }
}

// --- from the application ---

keel_status kl_log_runtime_start(void)
{
    keel_status status = kl_ear_open(&ear, LINES);
    if (status != KEEL_OK) {
        return status;
    }
    keel_spawn_opts opts = {.entry = "logger_runtime"};
    status = keel_spawn_opt(hear, keel_nil(), &opts, &hearing, NULL);
    if (status != KEEL_OK) {
        kl_ear_close(&ear, log_line);
        return status;
    }
    kl_log_sink_set(put_down, NULL);
    return KEEL_OK;
}

void kl_log_runtime_stop(void)
{
    keel_ref watch = keel_monitor(hearing);
    kl_ear_end(&ear);
    keel_deadline deadline = KEEL_IN(KEEL_SECONDS(PATIENCE_SECONDS));
    if (keel_receive_match(deadline, "{'DOWN', ^Watch, process, _, _}", watch) != KEEL_OK) {
        keel_demonitor(watch, KEEL_DEMONITOR_FLUSH);
    }
}
