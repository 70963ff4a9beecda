#include "table.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

// What goes on while a table is tried: one thread at a time, which is the test's own or
// that of the process it waits for.
static struct {
    enum situation situation;
    void (*table)(void);
    int line, last_line, rows, wrong;
    bool came_back, ends_threads;
    keel_pid dead;
    const char *must_end; // the pattern of the reason; NULL: the process must not end
    char list[16384]; // the rows that gave something else
} trial;

keel_term result;

static const char *const situations[] = {
        "before the start", "outside", "inside a process", "after the stop"};

static void __attribute__((format(printf, 1, 2))) note_wrong(const char *format, ...)
{
    size_t used = strlen(trial.list);
    trial.wrong++;
    int more = snprintf(trial.list + used, sizeof trial.list - used,
            "\n  line %d, %s: ", trial.line, situations[trial.situation]);
    if (more > 0 && used + (size_t)more < sizeof trial.list) {
        used += (size_t)more;
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(trial.list + used, sizeof trial.list - used, format, arguments);
        va_end(arguments);
    }
}

keel_pid dead_process(void)
{
    return trial.dead;
}

keel_term false_server(int i)
{
    switch (i) {
    case 0:
        return KEEL_NONE;
    case 1:
        return keel_int(7);
    case 2:
        return keel_make("[no, server]");
    case 3:
        return keel_from_pid(trial.dead);
    default:
        return keel_atom(nobody_here);
    }
}

void check_status(
        const char *call, keel_status status, keel_status inside, keel_status elsewhere)
{
    keel_status right = trial.situation == INSIDE ? inside : elsewhere;
    bool explained = strcmp(keel_status_text(status), "unknown status") != 0;
    if (right == ANY_ ? status == KEEL_OK || !explained : status != right) {
        note_wrong("%s gave %d (%s), not %s", call, status, keel_status_text(status),
                right == ANY_ ? "a failure" : keel_status_text(right));
    }
}

static bool is_zero(struct nothing given)
{
    const char *bytes = given.bytes;
    for (size_t i = 0; i < given.size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

void check_nothing(const char *call, struct nothing given)
{
    if (is_zero(given)) {
        return;
    }
    if (!given.is_term) {
        note_wrong("%s gave something", call);
        return;
    }
    keel_term term = *(const keel_term *)given.bytes;
    if (!keel_is_nil(term) && !keel_is(term, undefined)) {
        char text[120];
        keel_print(text, sizeof text, term, NULL);
        note_wrong("%s gave %s", call, text);
    }
}

static void check_untouched(void)
{
    if (!keel_is(result, untouched)) {
        note_wrong("a result was written");
    }
}

void expect_end(const char *pattern, bool of_threads)
{
    trial.must_end = pattern;
    trial.ends_threads = of_threads;
}

static void try_line(void *unused)
{
    (void)unused;
    trial.table();
    check_untouched();
    trial.came_back = true;
}

static void try_inside(void)
{
    keel_term reason = KEEL_NONE;
    if (keel_try(try_line, NULL, &reason) == KEEL_OK) {
        if (trial.must_end) {
            note_wrong("the process went on, and not ended with %s", trial.must_end);
        }
        return;
    }
    char text[400];
    keel_print(text, sizeof text, reason, NULL);
    if (!trial.must_end || !strstr(text, trial.must_end)) {
        note_wrong("the process ended with %s", text);
    }
}

static void *try_in_thread(void *unused)
{
    keel_scope scope = keel_scope_open();
    result = keel_atom(untouched);
    try_line(unused);
    keel_scope_close(&scope);
    return NULL;
}

// What ends a process ends the thread that calls it outside: each row has one.
static void try_outside(void)
{
    pthread_t thread;
    CHECK_OK(pthread_create(&thread, NULL, try_in_thread, NULL));
    CHECK_OK(pthread_join(thread, NULL));
    bool must_end = trial.must_end && trial.ends_threads;
    if (trial.came_back == must_end) {
        note_wrong(must_end ? "the thread went on" : "the thread ended");
    }
}

static void try_lines(void)
{
    for (trial.line = 0; trial.line <= trial.last_line; trial.line++) {
        keel_scope scope = keel_scope_open();
        trial.must_end = NULL;
        trial.came_back = false;
        result = keel_atom(untouched);
        if (trial.situation == INSIDE) {
            try_inside();
        } else {
            try_outside();
        }
        keel_scope_close(&scope);
    }
}

static void note_pid(keel_term unused)
{
    (void)unused;
    trial.dead = keel_self();
}

static void try_in_process(keel_term unused)
{
    (void)unused;
    // What starts something linked hears of its end.
    keel_trap_exit(true);
    try_lines();
}

static void run_body(void (*body)(keel_term argument))
{
    keel_term reason;
    keel_pid pid;
    // A body that returns has ended before it acknowledged: KEEL_E_EXIT with `normal`.
    CHECK_INT(
            keel_start_body(body, KEEL_NONE, NULL, SOON, &pid, NULL, &reason), KEEL_E_EXIT);
    CHECK(keel_is(reason, normal));
}

static void try_situation(enum situation situation)
{
    trial.situation = situation;
    if (situation == INSIDE) {
        run_body(try_in_process);
    } else {
        try_lines();
    }
}

// The first pass, of line 0, tries none and finds the last.
bool is_row(int line)
{
    trial.last_line = line > trial.last_line ? line : trial.last_line;
    trial.rows += line == trial.line;
    return line == trial.line;
}

void try_table(void (*table)(void))
{
    trial.table = table;
    keel_scope scope = keel_scope_open();
    try_situation(BEFORE);
    CHECK_OK(keel_start(NULL));
    run_body(note_pid);
    try_situation(OUTSIDE);
    try_situation(INSIDE);
    CHECK_OK(keel_stop(SOON, NULL));
    try_situation(AFTER);
    keel_scope_close(&scope);
    if (trial.wrong > 0) {
        kl_test_fail(__FILE__, __LINE__, "%d rows gave something else:%s", trial.wrong,
                trial.list);
    }
    CHECK(trial.rows > 0);
}
