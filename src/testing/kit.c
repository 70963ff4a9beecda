// Starting and stopping the kit, its report, and failures.

#include "kit.h"

#include <keel/extend.h>
#include <stdarg.h>
#include <string.h>

enum {
    DEFAULT_TURNS = 10000000,
    LAST_TURNS = 100000, // for whatever happens at the stop
    ROUNDS = 10, // of killing, since some may be spawned meanwhile
};
static const keel_duration patience = KEEL_SECONDS(5);

struct kl_kit kl_kit;

static void end_helpers(void);
static void ask_roots(void);
static void kill_rest(void);
static void note_rest(keel_test_report *report);
static keel_status judge(keel_test_report *report, keel_status stopped);

keel_status keel_test_start(uint64_t seed, const keel_test_opts *opts)
{
    static const keel_test_opts defaults;
    opts = opts != NULL ? opts : &defaults;
    if (opts->runtime.workers != 0 || opts->runtime.no_threads) {
        return KEEL_E_UNSUPPORTED;
    }
    if (keel_in_process()) {
        return KEEL_E_INSIDE;
    }
    if (keel_is_running()) {
        return KEEL_E_RUNNING;
    }
    size_t memory = keel_extend_memory();
    keel_status status = keel_extend_simulate(seed, &opts->runtime);
    if (status != KEEL_OK) {
        return status;
    }
    kl_kit = (struct kl_kit){.started = true,
            .thread = pthread_self(),
            .seed = seed,
            .max_turns = opts->max_turns != 0 ? opts->max_turns : DEFAULT_TURNS,
            .began = keel_now(),
            .memory = memory,
            .trace = opts->trace};
    kl_kit_trace_begin();
    return KEEL_OK;
}

keel_status keel_test_stop(keel_test_report *ret_report)
{
    if (keel_in_process()) {
        return KEEL_E_INSIDE;
    }
    keel_status status = kl_kit_check();
    if (status != KEEL_OK) {
        kl_kit.started = kl_kit.started && keel_extend_is_simulated();
        return status;
    }
    keel_test_report unwanted;
    keel_test_report *report = ret_report != NULL ? ret_report : &unwanted;
    *report = (keel_test_report){.seed = kl_kit.seed, .elapsed = kl_kit_elapsed()};
    report->turns = kl_kit_turns();
    kl_kit.max_turns = report->turns + LAST_TURNS;
    end_helpers();
    ask_roots();
    note_rest(report);
    kill_rest();
    report->timers = keel_extend_timers();
    report->trace = keel_extend_trace();
    bool meddled = keel_extend_foreign_wakes() > 0;
    if (meddled) {
        kl_kit_note("threads other than the test's have woken processes: "
                    "no seed can replay when they did");
    }
    kl_kit_trace_end();
    status = keel_stop(KEEL_IN(KEEL_SECONDS(1)), NULL);
    kl_kit.started = status == KEEL_E_TIMEOUT; // then it still runs
    size_t memory = keel_extend_memory();
    report->memory = memory > kl_kit.memory ? memory - kl_kit.memory : 0;
    return judge(report, status == KEEL_OK && meddled ? KEEL_E_UNSUPPORTED : status);
}

uint64_t keel_test_seed(void)
{
    return kl_kit.started ? kl_kit.seed : 0;
}

uint64_t keel_test_trace(void)
{
    return keel_extend_trace();
}

size_t keel_test_choose(size_t count)
{
    return kl_kit_check() == KEEL_OK ? keel_extend_choose(count) : 0;
}

bool keel_test_fail_at(const char *file, int line, const char *format, ...)
{
    char buffer[sizeof kl_kit.failure];
    char message[sizeof kl_kit.failure] = "";
    if (format != NULL) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(message, sizeof message, format, arguments);
        va_end(arguments);
    }
    struct kl_kit_text text = kl_kit_text_in(buffer, sizeof buffer);
    kl_kit_text_add(&text, "%s:%d: %s", file != NULL ? file : "", line, message);
    return kl_kit_fail(buffer);
}

// --- for the other files ---

keel_status kl_kit_check(void)
{
    if (!kl_kit.started || !keel_extend_is_simulated()) {
        return KEEL_E_STOPPED;
    }
    return pthread_equal(kl_kit.thread, pthread_self()) ? KEEL_OK : KEEL_E_UNSUPPORTED;
}

int64_t kl_kit_elapsed(void)
{
    return keel_now() - kl_kit.began;
}

uint64_t kl_kit_turns(void)
{
    keel_worker_view view;
    return keel_inspect_worker(0, &view) ? view.turns : 0;
}

void kl_kit_note(const char *text)
{
    if (!kl_kit.started && kl_kit.failures == 0) {
        fprintf(stderr, "%s\n", text); // nobody will report it
        return;
    }
    if (kl_kit.failures++ == 0) {
        snprintf(kl_kit.failure, sizeof kl_kit.failure, "%s", text);
    }
}

bool kl_kit_fail(const char *text)
{
    kl_kit_note(text);
    if (keel_in_process()) {
        keel_exit(keel_tuple_of(keel_atom(test_failed), keel_string(text)));
    }
    return false;
}

bool kl_kit_owns(const keel_process_view *view)
{
    return view->entry == kl_kit_probe_handler.name ||
           view->entry == kl_kit_mock_handler.name ||
           view->entry == kl_kit_guard_handler.name;
}

// --- stopping ---

struct crowd {
    bool (*wanted)(const keel_process_view *view);
    const char *reason;
    size_t count;
};

static bool send_exit(const keel_process_view *view, void *context)
{
    struct crowd *crowd = context;
    if (crowd->wanted(view)) {
        crowd->count++;
        keel_term reason;
        if (keel_atom_from(crowd->reason, strlen(crowd->reason), &reason) == KEEL_OK) {
            keel_process_exit(view->pid, reason);
        }
    }
    return true;
}

// Sends an exit signal to those wanted and lets everybody run; returns how many they were.
static size_t exit_all(bool (*wanted)(const keel_process_view *view), const char *reason)
{
    struct crowd crowd = {wanted, reason, 0};
    keel_inspect_each(send_exit, &crowd);
    keel_extend_settle(LAST_TURNS);
    return crowd.count;
}

static void end_helpers(void)
{
    exit_all(kl_kit_owns, "kill");
}

static bool is_root(const keel_process_view *view)
{
    return view->parent.word == 0;
}

static size_t count_processes(void)
{
    keel_runtime_view view;
    keel_inspect_runtime(&view);
    return view.processes;
}

static void ask_roots(void)
{
    int64_t limit = keel_now() + patience;
    exit_all(is_root, "shutdown");
    while (count_processes() > 0 && kl_kit_next(limit)) {
        if (!keel_extend_settle(LAST_TURNS)) {
            return;
        }
    }
}

static bool is_anybody(const keel_process_view *view)
{
    (void)view;
    return true;
}

static void kill_rest(void)
{
    for (int round = 0; round < ROUNDS && exit_all(is_anybody, "kill") > 0; round++) {
        // until nobody is left
    }
}

// Those who are still there, in words.
static void note_rest(keel_test_report *report)
{
    report->processes = count_processes();
    if (report->processes > 0) {
        struct kl_kit_text text = kl_kit_text_in(report->text, sizeof report->text);
        kl_kit_text_processes(&text);
    }
}

// What the text says: the first failure, then what was left behind.
static keel_status judge(keel_test_report *report, keel_status stopped)
{
    char processes[sizeof report->text];
    memcpy(processes, report->text, sizeof processes);
    struct kl_kit_text text = kl_kit_text_in(report->text, sizeof report->text);
    if (kl_kit.failures > 0) {
        kl_kit_text_add(&text, "%s\n", kl_kit.failure);
    }
    if (kl_kit.failures > 1) {
        kl_kit_text_add(&text, "and %zu further failures\n", kl_kit.failures - 1);
    }
    if (report->processes > 0) {
        kl_kit_text_add(&text, "%zu %s left behind:%s\n", report->processes,
                report->processes == 1 ? "process was" : "processes were", processes);
    }
    if (report->timers > 0) {
        kl_kit_text_add(&text, "%zu armed %s left behind\n", report->timers,
                report->timers == 1 ? "timer was" : "timers were");
    }
    if (report->memory > 0) {
        kl_kit_text_add(&text, "%zu bytes of memory were left behind\n", report->memory);
    }
    if (stopped != KEEL_OK) {
        return stopped;
    }
    return text.length > 0 ? KEEL_E_FAILED : KEEL_OK;
}
