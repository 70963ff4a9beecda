// Catching what is logged.

#include <keel/logger.h>
#include <keel/testing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 4096 };

// Written by the handler's process, read after it has ended.
struct caught {
    char *text;
    size_t length, size;
};

static void add(struct caught *caught, const char *data, size_t length)
{
    if (caught->length + length + 1 > caught->size) {
        size_t size = (caught->length + length + 1) * 2;
        char *text = realloc(caught->text, size);
        if (text == NULL) {
            return; // the log is cut
        }
        caught->text = text;
        caught->size = size;
    }
    memcpy(caught->text + caught->length, data, length);
    caught->length += length;
}

static void catch_event(const keel_log_event *event, keel_term argument)
{
    struct caught *caught = keel_to_pointer(argument, NULL);
    char line[LINE_BYTES];
    keel_log_event bare = *event;
    bare.metadata = keel_map(NULL, NULL, 0);
    size_t length = keel_log_format_text(line, sizeof line, &bare, false);
    length = length < sizeof line ? length : sizeof line - 1;
    const char *level = memchr(line, '[', length); // behind the time
    if (level != NULL) {
        add(caught, level, length - (size_t)(level - line));
        add(caught, "\n", 1);
    }
}

// A name for the handler, so that captures can be nested.
static keel_term fresh_name(void)
{
    static unsigned count;
    char name[64];
    keel_term atom = KEEL_NONE;
    snprintf(name, sizeof name, "$capture_log_%u",
            __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED) % 8);
    keel_status status = keel_atom_from(name, strlen(name), &atom);
    return status == KEEL_OK ? atom : KEEL_NONE;
}

keel_term keel_test_capture_log(void (*fn)(void *context), void *context)
{
    struct caught caught = {0};
    keel_term name = fresh_name();
    keel_term reason = KEEL_NONE;
    keel_log_handler handler = {.output = KEEL_LOG_FUNCTION,
            .limit = 1000000,
            .write = catch_event,
            .argument = keel_pointer(&caught)};
    keel_status added = keel_logger_add_handler(name, &handler);
    keel_status status = keel_try(fn, context, &reason);
    if (added == KEEL_OK) {
        keel_logger_remove_handler(name); // when it has written everything
    }
    keel_term text = keel_binary(caught.text != NULL ? caught.text : "", caught.length);
    free(caught.text);
    if (status == KEEL_E_EXIT) {
        keel_exit(reason);
    }
    if (added != KEEL_OK) {
        keel_test_fail("the log cannot be caught: %s", keel_status_text(added));
    }
    return text;
}
