#ifndef KL_TOOLS_CTL_CTL_TESTING_H
#define KL_TOOLS_CTL_CTL_TESTING_H

// What the tests of the command share; for tests only.

#include "command.h"
#include "processes.h"
#include "testing/harness.h"
#include <keel/match.h>
#include <locale.h>
#include <stdlib.h>

// Output that is caught: what was written since, as a text.
struct caught {
    struct kl_ctl_out out;
    char *text;
    size_t size;
};

static inline void catch_output(struct caught *caught, bool utf8, bool colour, size_t width)
{
    setlocale(LC_CTYPE, "C.UTF-8"); // for the widths of characters
    *caught = (struct caught){.out = {.utf8 = utf8, .colour = colour, .width = width}};
    caught->out.file = open_memstream(&caught->text, &caught->size);
    CHECK(caught->out.file != NULL);
}

// Ends it; the text must be this.
#define CHECK_CAUGHT(caught, expected)                                                     \
    do {                                                                                   \
        fclose((caught)->out.file);                                                        \
        CHECK_STR((caught)->text, (expected));                                             \
        free((caught)->text);                                                              \
    } while (0)

static inline keel_term set_text(keel_term row, const char *key, const char *text)
{
    return kl_ctl_map_put(row, key, keel_string(text));
}

// A row of `ps` for a process that waits for a message.
static inline keel_term row_of(const char *pid, const char *parent, const char *name)
{
    keel_term row = set_text(kl_ctl_map(), "pid", pid);
    row = parent != NULL ? set_text(row, "parent", parent) : row;
    row = name != NULL ? set_text(row, "name", name) : row;
    row = set_text(set_text(row, "entry", "worker:init/1"), "state", "waiting");
    row = set_text(row, "wait", "message");
    row = kl_ctl_map_put(row, "memory", keel_int(256));
    return kl_ctl_map_put(row, "trap_exit", keel_bool(false));
}

static inline keel_term set_number(keel_term row, const char *key, int64_t value)
{
    return kl_ctl_map_put(row, key, keel_int(value));
}

static inline void add_row(struct kl_ctl_processes *processes, keel_term row)
{
    CHECK(kl_ctl_processes_add(processes, row, true, true));
}

// True when the whole text is one value of JSON (RFC 8259), read strictly.
bool is_json(const char *text, size_t size);

#endif // KL_TOOLS_CTL_CTL_TESTING_H
