// Events as JSON, one object a line.

#include "logger.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DEEP_MAX = 12, TEXT_BYTES = 2048 };

static void put_value(struct kl_bounded *text, keel_term value, int depth);

// The length of the UTF-8 character that begins at `data`, 0 when there is none.
static size_t character(const uint8_t *data, size_t size)
{
    size_t length = data[0] < 0x80                       ? 1
                    : data[0] >= 0xc2 && data[0] <= 0xdf ? 2
                    : data[0] >= 0xe0 && data[0] <= 0xef ? 3
                    : data[0] >= 0xf0 && data[0] <= 0xf4 ? 4
                                                         : 0;
    if (length > size) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((data[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

// A string; bytes that are no UTF-8 become U+FFFD.
static void put_string(struct kl_bounded *text, const uint8_t *data, size_t size)
{
    kl_bounded_put(text, "\"");
    for (size_t i = 0; i < size;) {
        size_t length = character(data + i, size - i);
        if (length == 0) {
            kl_bounded_put(text, "\\ufffd");
            length = 1;
        } else if (data[i] == '"' || data[i] == '\\') {
            kl_bounded_put(text, "\\%c", data[i]);
        } else if (data[i] == '\n') {
            kl_bounded_put(text, "\\n");
        } else if (data[i] < 0x20) {
            kl_bounded_put(text, "\\u%04x", data[i]);
        } else {
            kl_bounded_put_bytes(text, (const char *)data + i, length);
        }
        i += length;
    }
    kl_bounded_put(text, "\"");
}

static void put_printed(struct kl_bounded *text, keel_term value)
{
    char printed[TEXT_BYTES];
    size_t length = kl_log_value(printed, sizeof printed, value);
    put_string(text, (const uint8_t *)printed,
            length < sizeof printed ? length : sizeof printed - 1);
}

static void put_map(struct kl_bounded *text, keel_term map, int depth)
{
    keel_term key;
    keel_term value;
    kl_bounded_put(text, "{");
    for (size_t i = 0; keel_map_at(map, i, &key, &value); i++) {
        kl_bounded_put(text, i > 0 ? "," : "");
        put_printed(text, key);
        kl_bounded_put(text, ":");
        put_value(text, value, depth + 1);
    }
    kl_bounded_put(text, "}");
}

static void put_list(struct kl_bounded *text, keel_term list, int depth)
{
    keel_term item;
    bool first = true;
    kl_bounded_put(text, "[");
    while (keel_list_next(&list, &item)) {
        kl_bounded_put(text, first ? "" : ",");
        put_value(text, item, depth + 1);
        first = false;
    }
    kl_bounded_put(text, "]");
}

static void put_value(struct kl_bounded *text, keel_term value, int depth)
{
    size_t length;
    int64_t integer;
    if (keel_get_int(value, &integer)) {
        kl_bounded_put(text, "%lld", (long long)integer);
    } else if (keel_is_float(value)) {
        kl_bounded_put(text, "%.17g", keel_to_float(value));
    } else if (keel_is_bool(value)) {
        kl_bounded_put(text, keel_to_bool(value) ? "true" : "false");
    } else if (keel_is_binary(value)) {
        keel_bytes bytes = keel_to_bytes(value);
        put_string(text, bytes.data, bytes.size);
    } else if (keel_is_map(value) && depth < DEEP_MAX) {
        put_map(text, value, depth);
    } else if (keel_list_length(value, &length) && depth < DEEP_MAX) {
        put_list(text, value, depth);
    } else {
        put_printed(text, value);
    }
}

static void put_time(struct kl_bounded *text, int64_t nanoseconds)
{
    struct tm parts;
    time_t seconds = (time_t)(nanoseconds / 1000000000);
    char date[64];
    gmtime_r(&seconds, &parts);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    kl_bounded_put(text, "%s.%06dZ", date, (int)(nanoseconds / 1000 % 1000000));
}

// The message: a report also as an object of its own.
static void put_message(struct kl_bounded *text, const keel_log_event *event)
{
    size_t length = kl_log_message(NULL, 0, event);
    char *message = kl_alloc(length + 1);
    if (message != NULL) {
        kl_log_message(message, length + 1, event);
        put_string(text, (const uint8_t *)message, length);
        kl_free(message, length + 1);
    } else {
        kl_bounded_put(text, "null");
    }
    keel_term report = KEEL_NONE;
    if (keel_match(event->message, "{report, Report}", &report)) {
        kl_bounded_put(text, ",\"report\":");
        put_value(text, report, 0);
    }
}

size_t keel_log_format_json(char *buffer, size_t size, const keel_log_event *event)
{
    if (event == NULL) {
        return 0;
    }
    size = buffer != NULL ? size : 0;
    struct kl_bounded text = {buffer, size, 0};
    keel_term key;
    keel_term value;
    if (size > 0) {
        buffer[0] = '\0';
    }
    keel_scope scope = keel_scope_open();
    kl_bounded_put(&text, "{\"time\":\"");
    put_time(&text, event->time);
    kl_bounded_put(
            &text, "\",\"level\":\"%s\",\"message\":", keel_log_level_name(event->level));
    put_message(&text, event);
    for (size_t i = 0; keel_map_at(event->metadata, i, &key, &value); i++) {
        if (!keel_is(key, time)) {
            kl_bounded_put(&text, ",");
            put_printed(&text, key);
            kl_bounded_put(&text, ":");
            put_value(&text, value, 0);
        }
    }
    kl_bounded_put(&text, "}");
    keel_scope_close(&scope);
    return text.length;
}
