// Running a body under one seed, and under many.
//
// A guard, a process of the kit, spawns the body and hears how it ended. The thread runs
// everybody and moves time from timer to timer until then.

#include "kit.h"

#include <keel/extend.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES = 12 }; // of the body's stack that are told

// The run that is on. There is one runtime, so there is one run.
static struct {
    keel_body body;
    keel_pid pid; // of the body's process, once it is spawned
    bool returned;
    bool ended;
    keel_term reason; // when it is an atom; else the guard has it
} run;

struct guard {
    keel_term reason; // kept
};

static keel_status drive(void);
static void note_stuck(void);
static void note_reason(keel_term reason);
static bool read_number(const char *name, uint64_t *ret_number);
static void tell_seed(uint64_t seed, uint64_t from, uint64_t count, const char *text);

keel_status keel_test_run(keel_body body, keel_term argument, uint64_t seed,
        const keel_test_opts *opts, keel_test_report *ret_report)
{
    keel_test_report unwanted;
    keel_test_report *report = ret_report != NULL ? ret_report : &unwanted;
    keel_status status = body == NULL ? KEEL_E_BADARG : keel_test_start(seed, opts);
    if (status != KEEL_OK) {
        return status;
    }
    run.body = body;
    run.pid.word = 0;
    run.returned = run.ended = false;
    keel_term reason = KEEL_NONE;
    keel_pid guard;
    status = keel_spawn_handler(&kl_kit_guard_handler, argument, NULL, &guard, NULL);
    if (status == KEEL_OK) {
        status = drive();
    }
    if (status == KEEL_OK) {
        reason = run.reason;
        if (keel_is_none(reason)) {
            status = kl_kit_probe_ask(guard, keel_atom(reason), KEEL_NEVER, &reason);
        }
        note_reason(reason);
    } else if (run.pid.word != 0) {
        keel_process_exit(
                run.pid, keel_atom(kill)); // so that it is not among what was left
    }
    keel_status stopped = keel_test_stop(report);
    report->reason = reason;
    return status == KEEL_OK || status == KEEL_E_FAILED ? stopped : status;
}

keel_status keel_test_seeds(keel_body body, keel_term argument, uint64_t from,
        uint64_t count, const keel_test_opts *opts)
{
    if (read_number("KEEL_TEST_SEED", &from)) {
        count = 1;
    } else {
        read_number("KEEL_TEST_SEEDS", &count);
    }
    if (count == 0) {
        return KEEL_E_BADARG; // what tests nothing must not pass
    }
    static keel_test_report report; // too large for some stacks
    for (uint64_t i = 0; i < count; i++) {
        report.text[0] = '\0';
        keel_scope scope = keel_scope_open();
        keel_status status = keel_test_run(body, argument, from + i, opts, &report);
        keel_scope_close(&scope);
        if (status == KEEL_OK) {
            continue;
        }
        tell_seed(from + i, from, count,
                report.text[0] != '\0' ? report.text : keel_status_text(status));
        uint64_t wanted;
        if (read_number("KEEL_TEST_TRACE", &wanted) && wanted != 0) {
            keel_test_opts traced = opts != NULL ? *opts : (keel_test_opts){0};
            traced.trace = stderr;
            scope = keel_scope_open();
            keel_status again = keel_test_run(body, argument, from + i, &traced, &report);
            (void)again; // it fails as before
            keel_scope_close(&scope);
        }
        return status;
    }
    return KEEL_OK;
}

// --- driving ---

// Until the body has ended. Anything but KEEL_OK: it has not.
static keel_status drive(void)
{
    for (;;) {
        if (!kl_kit_settle()) {
            return KEEL_E_FAILED;
        }
        if (run.ended) {
            return KEEL_OK;
        }
        if (!kl_kit_next(INT64_MAX)) {
            note_stuck();
            return KEEL_E_FAILED;
        }
    }
}

static void note_stuck(void)
{
    char buffer[sizeof kl_kit.failure];
    struct kl_kit_text text = kl_kit_text_in(buffer, sizeof buffer);
    kl_kit_text_add(&text, "the body waits at ");
    kl_kit_text_time(&text, kl_kit_elapsed());
    kl_kit_text_add(&text, ", and nothing is left to happen; alive are:");
    kl_kit_text_processes(&text);
    char stack[2048];
    keel_inspect_stack(run.pid, stack, sizeof stack);
    char *save = NULL;
    char *line = strtok_r(stack, "\n", &save);
    if (line != NULL) {
        kl_kit_text_add(&text, "\nthe body's stack:");
    }
    for (int i = 0; i < FRAMES && line != NULL; i++) {
        kl_kit_text_add(&text, "\n    %s", line);
        line = strtok_r(NULL, "\n", &save);
    }
    kl_kit_note(buffer);
}

// What the body ended with, unless that is as it should be or has been told.
static void note_reason(keel_term reason)
{
    if (keel_is(reason, normal) || keel_match(reason, "{test_failed, _}")) {
        return;
    }
    char buffer[sizeof kl_kit.failure];
    struct kl_kit_text text = kl_kit_text_in(buffer, sizeof buffer);
    keel_bytes condition, file;
    int line;
    if (keel_match(
                reason, "{{assertion, Text, File, Line}, _}", &condition, &file, &line)) {
        kl_kit_text_add(&text, "%.*s:%d: not true: %.*s", (int)file.size,
                (const char *)file.data, line, (int)condition.size,
                (const char *)condition.data);
    } else {
        kl_kit_text_add(&text, "the body ended with ");
        kl_kit_text_term(&text, reason);
    }
    kl_kit_note(buffer);
}

// --- the guard and the body ---

static void run_body(keel_term argument)
{
    run.body(argument);
    run.returned = true;
    keel_exit(keel_atom(shutdown));
}

static keel_next start_guard(void *state, keel_term argument)
{
    (void)state;
    keel_spawn_opts opts = {.monitor = true, .entry = "test body"};
    keel_ref monitor;
    keel_status status = keel_spawn_opt(run_body, argument, &opts, &run.pid, &monitor);
    return status == KEEL_OK ? keel_next_wait() : keel_next_exit(keel_atom(system_limit));
}

static keel_next guard_receive(void *state, const keel_message *message)
{
    struct guard *guard = state;
    keel_term reason;
    if (message->kind == KEEL_MESSAGE_SYSTEM) {
        keel_gen_reply(message->from, guard->reason);
    } else if (keel_match(message->body, "{'DOWN', _, process, _, Reason}", &reason)) {
        bool regular = run.returned && keel_is(reason, shutdown);
        keel_set(&guard->reason, regular ? keel_atom(normal) : reason);
        run.reason = keel_is_atom(guard->reason) ? guard->reason : KEEL_NONE;
        run.ended = true;
    }
    return keel_next_wait();
}

const keel_handler kl_kit_guard_handler = {
        .name = "keel_test_run",
        .state_bytes = sizeof(struct guard),
        .start = start_guard,
        .receive = guard_receive,
};

// --- many seeds ---

static bool read_number(const char *name, uint64_t *ret_number)
{
    const char *text = getenv(name);
    if (text == NULL || *text < '0' || *text > '9') {
        return false;
    }
    *ret_number = strtoull(text, NULL, 0);
    return true;
}

static void tell_seed(uint64_t seed, uint64_t from, uint64_t count, const char *text)
{
    size_t length = strlen(text);
    fprintf(stderr, "seed %llu failed, of %llu to %llu:\n%s%s", (unsigned long long)seed,
            (unsigned long long)from, (unsigned long long)(from + count - 1), text,
            length > 0 && text[length - 1] == '\n' ? "" : "\n");
    fprintf(stderr,
            "KEEL_TEST_SEED=%llu runs it alone, KEEL_TEST_TRACE=1 shows every turn\n",
            (unsigned long long)seed);
}
