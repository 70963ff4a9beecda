#include "text.h"

#include "kit.h"
#include <stdarg.h>
#include <string.h>

enum {
    TERM_BYTES = 600,
    PROCESSES = 12, // that are listed
};

struct kl_kit_text kl_kit_text_in(char *buffer, size_t size)
{
    buffer[0] = '\0';
    return (struct kl_kit_text){.buffer = buffer, .size = size};
}

void kl_kit_text_add(struct kl_kit_text *text, const char *format, ...)
{
    if (text->cut) {
        return;
    }
    size_t left = text->size - text->length;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text->buffer + text->length, left, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < left) {
        text->length += (size_t)length;
        return;
    }
    text->cut = true;
    text->length = text->size - 1;
    memcpy(text->buffer + text->size - 4, "...", 4);
}

void kl_kit_text_term(struct kl_kit_text *text, keel_term term)
{
    char printed[TERM_BYTES + 4];
    keel_print_opts opts = {.max_bytes = TERM_BYTES};
    keel_print(printed, sizeof printed, term, &opts);
    kl_kit_text_add(text, "%s", printed);
}

void kl_kit_text_pid(struct kl_kit_text *text, keel_pid pid)
{
    kl_kit_text_term(text, keel_from_pid(pid));
}

void kl_kit_text_time(struct kl_kit_text *text, int64_t ns)
{
    kl_kit_text_add(text, "%lld.%09lld s", (long long)(ns / 1000000000),
            (long long)(ns % 1000000000));
}

// What a process waits for, by enum keel_wait.
static const char *const waits[] = {
        [KEEL_WAIT_NOTHING] = "could run",
        [KEEL_WAIT_MESSAGE] = "waits for a message",
        [KEEL_WAIT_REPLY] = "waits for the reply of",
        [KEEL_WAIT_START] = "waits for the start of",
        [KEEL_WAIT_SLEEP] = "sleeps",
        [KEEL_WAIT_DESCRIPTOR] = "waits for a descriptor",
        [KEEL_WAIT_BLOCKING] = "waits for blocking work",
        [KEEL_WAIT_PROCESS] = "waits for an answer about",
};

void kl_kit_text_process(struct kl_kit_text *text, const keel_process_view *view)
{
    kl_kit_text_pid(text, view->pid);
    if (!keel_is_none(view->name)) {
        kl_kit_text_add(text, " %s", keel_atom_name(view->name));
    }
    kl_kit_text_add(text, " (%s) %s", view->entry,
            view->state == KEEL_STATE_SUSPENDED ? "is suspended" : waits[view->wait]);
    if (view->waiting_for.word != 0) {
        kl_kit_text_add(text, " ");
        kl_kit_text_pid(text, view->waiting_for);
    }
    if (view->queue > 0) {
        kl_kit_text_add(text, ", %zu %s in its mailbox", view->queue,
                view->queue == 1 ? "message" : "messages");
    }
}

struct list {
    struct kl_kit_text *text;
    size_t count;
};

static bool list_one(const keel_process_view *view, void *context)
{
    struct list *list = context;
    if (!kl_kit_owns(view) && ++list->count <= PROCESSES) {
        kl_kit_text_add(list->text, "\n    ");
        kl_kit_text_process(list->text, view);
    }
    return true;
}

void kl_kit_text_processes(struct kl_kit_text *text)
{
    struct list list = {.text = text};
    keel_inspect_each(list_one, &list);
    if (list.count > PROCESSES) {
        kl_kit_text_add(text, "\n    and %zu more", list.count - PROCESSES);
    }
}
