// Events as text.

#include "logger.h"
#include <keel/report.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const colours[] = {"\033[1;31m", "\033[1;31m", "\033[1;31m", "\033[31m",
        "\033[33m", "\033[1m", "", "\033[36m"};

// --- messages and values ---

size_t kl_log_value(char *buffer, size_t size, keel_term value)
{
    static const keel_print_opts limits = {
            .max_bytes = 2000, .max_depth = 20, .max_items = 100};
    struct kl_bounded text = {buffer, size, 0};
    if (keel_is_binary(value)) {
        keel_bytes bytes = keel_to_bytes(value);
        kl_bounded_put_bytes(&text, (const char *)bytes.data, bytes.size);
        return text.length;
    }
    if (keel_is_atom(value)) {
        kl_bounded_put(&text, "%s", keel_atom_name(value));
        return text.length;
    }
    return keel_print(buffer, size, value, &limits);
}

size_t kl_log_message(char *buffer, size_t size, const keel_log_event *event)
{
    keel_term report = KEEL_NONE;
    if (keel_match(event->message, "{report, Report}", &report)) {
        return keel_report_format(buffer, size, report, false, NULL);
    }
    return kl_log_value(buffer, size, event->message);
}

// Known to all events, or told otherwise.
static bool is_usual(keel_term key)
{
    return keel_is(key, time) || keel_is(key, pid) || keel_is(key, file) ||
           keel_is(key, line) || keel_is(key, function);
}

static void put_time(struct kl_bounded *text, int64_t nanoseconds)
{
    struct tm parts;
    time_t seconds = (time_t)(nanoseconds / 1000000000);
    char date[64];
    localtime_r(&seconds, &parts);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &parts);
    kl_bounded_put(text, "%s.%03d", date, (int)(nanoseconds / 1000000 % 1000));
}

// key=value for each metadatum beyond the usual ones.
static void put_metadata(struct kl_bounded *text, keel_term metadata)
{
    keel_term key;
    keel_term value;
    for (size_t i = 0; keel_map_at(metadata, i, &key, &value); i++) {
        if (is_usual(key) || !keel_is_atom(key)) {
            continue;
        }
        kl_bounded_put(text, " %s=", keel_atom_name(key));
        size_t room;
        char *at = kl_bounded_room(text, &room);
        text->length += kl_log_value(at, room, value);
    }
}

size_t keel_log_format_text(
        char *buffer, size_t size, const keel_log_event *event, bool colour)
{
    if (event == NULL) {
        return 0;
    }
    size = buffer != NULL ? size : 0;
    struct kl_bounded text = {buffer, size, 0};
    bool known = (size_t)event->level < KEEL_COUNT(colours);
    const char *begin = colour && known ? colours[event->level] : "";
    if (size > 0) {
        buffer[0] = '\0';
    }
    keel_scope scope = keel_scope_open();
    put_time(&text, event->time);
    kl_bounded_put(&text, " %s[%s]%s", begin, keel_log_level_name(event->level),
            *begin != '\0' ? "\033[0m" : "");
    keel_term pid = keel_map_get(event->metadata, keel_atom(pid));
    if (!keel_is_none(pid)) {
        kl_bounded_put(&text, " %s", keel_show(pid));
    }
    put_metadata(&text, event->metadata);
    kl_bounded_put(&text, " ");
    size_t room;
    char *at = kl_bounded_room(&text, &room);
    text.length += kl_log_message(at, room, event);
    keel_scope_close(&scope);
    return text.length;
}
