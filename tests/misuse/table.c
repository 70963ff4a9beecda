#include "table.h"

#include "proc/proc.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINES = 1000 };

// What goes on while a table is tried: one thread at a time, which is the test's own or
// that of the process it waits for.
static struct {
    enum situation situation;
    void (*table)(void);
    bool is_line[LINES]; // where a row begins
    int line; // the row that is tried; 0: none, they are being found
    int rows, wrong;
    bool noted, came_back, ends_threads; // of the row in this situation
    keel_pid dead;
    keel_ref old;
    keel_pattern_site *must_end; // what the reason matches; NULL: the process must not end
    char list[16384]; // the rows that gave something else
} trial;

keel_term result;
struct results ret;
static const struct results untouched = {{77}, {78}, 79, 80, true};

static const char *const situations[] = {
        "before the start", "outside", "inside a process", "after the stop"};

static void __attribute__((format(printf, 1, 2))) note_wrong(const char *format, ...)
{
    if (trial.noted) {
        return; // with an earlier one of its false words
    }
    size_t used = strlen(trial.list);
    trial.noted = true;
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

keel_ref dead_ref(void)
{
    return trial.old;
}

// --- what came back ---

void check_status(keel_status status, const keel_status *rights)
{
    keel_status right = rights[trial.situation];
    bool explained = strcmp(keel_status_text(status), "unknown status") != 0;
    if (right == ANY ? status == KEEL_OK || !explained : status != right) {
        note_wrong("gave %s, not %s", keel_status_name(status),
                right == ANY ? "a failure" : keel_status_name(right));
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

void check_nothing(struct nothing given)
{
    if (is_zero(given)) {
        return;
    }
    if (!given.is_term) {
        note_wrong("gave something");
        return;
    }
    keel_term term = *(const keel_term *)given.bytes;
    if (!keel_is_nil(term) && !keel_is(term, undefined)) {
        char text[120];
        keel_print(text, sizeof text, term, NULL);
        note_wrong("gave %s", text);
    }
}

void check_number(long long given, long long right)
{
    if (given != right) {
        note_wrong("gave %lld, not %lld", given, right);
    }
}

void check_text(const char *given, const char *right)
{
    if (!given || strcmp(given, right) != 0) {
        note_wrong("gave \"%s\", not \"%s\"", given ? given : "(none)", right);
    }
}

void check_term(keel_term given, keel_pattern_site *right)
{
    if (!keel_match_at(right, given, NULL, 0)) {
        note_wrong("gave %.200s, not %s", keel_show(given), right->text);
    }
}

static bool same_results(const struct results *a, const struct results *b)
{
    return a->pid.word == b->pid.word && a->ref.word == b->ref.word &&
           a->number == b->number && a->size == b->size && a->flag == b->flag;
}

static void check_untouched(void)
{
    if (!keel_is(result, untouched) || !same_results(&ret, &untouched)) {
        note_wrong("a result was written");
    }
}

void expect_end(keel_pattern_site *reason, bool of_threads)
{
    trial.must_end = reason;
    trial.ends_threads = of_threads;
}

// --- trying ---

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
            note_wrong("the process went on, not ended with %s", trial.must_end->text);
        }
    } else if (!trial.must_end || !keel_match_at(trial.must_end, reason, NULL, 0)) {
        note_wrong("the process ended with %.200s%s%s", keel_show(reason),
                trial.must_end ? ", not " : "", trial.must_end ? trial.must_end->text : "");
    }
}

static void *try_in_thread(void *unused)
{
    keel_scope scope = keel_scope_open();
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

// Tries the row once, or with each of its false words.
static void try_row(void)
{
    trial.noted = false;
    begin_words();
    do {
        keel_scope scope = keel_scope_open();
        trial.must_end = NULL;
        trial.came_back = false;
        result = keel_atom(untouched);
        ret = untouched;
        if (trial.situation == INSIDE) {
            try_inside();
        } else {
            try_outside();
        }
        keel_scope_close(&scope);
    } while (next_word());
}

static void try_rows(void)
{
    const char *only = getenv("MISUSE_LINE");
    for (int line = 0; line < LINES; line++) {
        if (trial.is_line[line] && (!only || line == atoi(only))) {
            trial.line = line;
            try_row();
        }
    }
}

static void note_pid(keel_term unused)
{
    (void)unused;
    trial.dead = keel_self();
    trial.old = keel_make_ref();
}

static void try_in_process(keel_term unused)
{
    (void)unused;
    // What starts something linked hears of its end.
    keel_trap_exit(true);
    try_rows();
}

// What the rows of one table start, they start in a process that others have started.
static void try_in_child(keel_term unused)
{
    keel_ref monitor;
    keel_term reason;
    keel_spawn_monitor(try_in_process, unused, &monitor);
    CHECK_OK(keel_receive_match(
            SOON, "{'DOWN', ^Monitor, process, _, Reason}", monitor, &reason));
    if (!keel_is(reason, normal)) {
        note_wrong("all ended with %.200s", keel_show(reason));
    }
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
    memset(trial.is_line, 0, sizeof trial.is_line);
    trial.line = 0;
    trial.table();
    CHECK(trial.rows > 0);
    if (situation == INSIDE) {
        run_body(try_in_child);
    } else {
        try_rows();
    }
}

bool is_row(int line)
{
    if (trial.line == 0) {
        CHECK(line < LINES && !trial.is_line[line]);
        trial.is_line[line] = true;
        trial.rows++;
        return false;
    }
    return line == trial.line;
}

bool is_up(void)
{
    return trial.situation == OUTSIDE || trial.situation == INSIDE;
}

bool is_inside(void)
{
    return trial.situation == INSIDE;
}

void try_table(void (*table)(void))
{
    trial.table = table;
    keel_scope scope = keel_scope_open();
    trial.dead = kl_pid_make(3, 1); // one that could be
    trial.old = keel_make_ref();
    try_situation(BEFORE);
    CHECK_OK(keel_start(NULL));
    run_body(note_pid);
    try_situation(OUTSIDE);
    try_situation(INSIDE);
    CHECK_OK(keel_stop(SOON, NULL));
    try_situation(AFTER);
    CHECK_OK(keel_start(NULL)); // it may be started again
    CHECK_OK(keel_stop(SOON, NULL));
    keel_scope_close(&scope);
    if (trial.wrong > 0) {
        kl_test_fail(__FILE__, __LINE__, "%d rows gave something else:%s", trial.wrong,
                trial.list);
    }
}
