// Starting and stopping the runtime, and its clock in the public form.

#include "event.h"
#include "proc.h"
#include "process.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct kl_runtime kl_runtime;

static void stalled(struct kl_task *task, int64_t ns)
{
    // The record may have another tenant by now: it is a hint for people.
    struct kl_process *process = KL_CONTAINER(task, struct kl_process, task);
    if ((kl_load_relaxed(&process->flags) & KL_EXPLAINING) != 0) {
        return; // the first reading of debug information takes its time, and is ours
    }
    kl_event_tell(&(keel_runtime_event){.kind = KEEL_RUNTIME_EVENT_STALL,
            .pid = kl_pid_make(process->slot, kl_load_relaxed(&process->generation)),
            .number = (uint64_t)ns,
            .entry = kl_process_entry_name(process)});
    kl_log(KL_LOG_WARNING,
            "process <0.%u.%u> (%s) has not given way for %lld ms: use keel_blocking for "
            "work "
            "that blocks, keel_yield in long computations",
            process->slot, kl_load_relaxed(&process->generation),
            kl_process_entry_name(process), (long long)(ns / 1000000));
}

static bool valid(const keel_config *config)
{
    size_t processes = config->max_processes;
    return (processes == 0 || (processes >= 16 && processes <= (size_t)1 << 28)) &&
           config->workers <= 1024 && config->stack_bytes <= (size_t)1 << 30 &&
           config->blocking_threads <= 65536;
}

static void fill_defaults(keel_config *config)
{
    if (config->workers == 0 && !config->no_threads) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        config->workers = cores > 0 ? (unsigned)cores : 1;
    }
    config->max_processes = config->max_processes != 0 ? config->max_processes : 4194304;
    config->stack_bytes = config->stack_bytes != 0 ? config->stack_bytes : 65536;
    config->queue_alarm = config->queue_alarm != 0 ? config->queue_alarm : 100000;
}

static keel_status start(const keel_config *given, bool simulated, uint64_t seed)
{
    keel_config config = {0};
    if (given != NULL) {
        config = *given;
    }
    if (!valid(&config)) {
        return KEEL_E_BADARG;
    }
    if (kl_process_current() != NULL) {
        return KEEL_E_INSIDE;
    }
    if (kl_load_acquire(&kl_runtime.running)) { // pairs with the release in keel_stop
        return KEEL_E_RUNNING;
    }
    fill_defaults(&config);
    if (config.max_atoms != 0) {
        kl_atom_limit_set(config.max_atoms);
    }
    kl_memory_hooks();
    keel_status status = kl_table_start(config.max_processes);
    if (status == KEEL_OK && !kl_timers_start()) {
        status = KEEL_E_NOMEM;
    }
    struct kl_sched_config sched = {.workers = config.no_threads ? 0 : config.workers,
            .blocking_threads = config.blocking_threads,
            .blocking_queue = config.blocking_queue,
            .stall_ns = config.stall,
            .stack_bytes = config.stack_bytes,
            .catch_faults = config.catch_faults,
            .simulated = simulated,
            .seed = seed,
            .turn = kl_extend_turn,
            .stalled = stalled};
    if (simulated) {
        kl_ref_seed(seed * 1000003);
    }
    kl_runtime = (struct kl_runtime){
            .running = true, .simulated = simulated, .config = config};
    if (status == KEEL_OK) {
        status = kl_sched_start(&sched);
    }
    if (status != KEEL_OK) {
        kl_runtime.running = false;
        kl_timers_stop();
        kl_table_stop();
        return status;
    }
    kl_runtime.started_at = kl_now_exact();
    return KEEL_OK;
}

keel_status keel_start(const keel_config *config)
{
    return start(config, false, 0);
}

keel_status kl_runtime_start_simulated(uint64_t seed, const keel_config *config)
{
    return start(config, true, seed);
}

bool keel_is_running(void)
{
    return kl_load_acquire(&kl_runtime.running); // pairs with the release in keel_stop
}

// --- stopping ---

static bool parent_alive(const struct kl_process *process)
{
    keel_pid parent = {kl_load_relaxed(&process->parent.word)};
    return kl_process_find(parent) != NULL;
}

// Sends every process (or every root) the exit signal `reason`.
static void tell_all(keel_term reason, bool roots_only)
{
    keel_scope scope = keel_scope_open();
    keel_term list = keel_process_list();
    keel_term item;
    while (keel_list_next(&list, &item)) {
        keel_pid pid = keel_to_pid(item);
        struct kl_process *process = kl_process_find(pid);
        if (process != NULL && !(roots_only && parent_alive(process))) {
            keel_process_exit(pid, reason);
        }
    }
    keel_scope_close(&scope);
}

bool kl_runtime_await(uint32_t *done)
{
    enum { SIMULATED_TURNS = 10000000 };
    while (kl_load_acquire(done) == 0) { // pairs with the release of the process
        if (!kl_sim_running()) {
            if (kl_runtime.config.no_threads) {
                kl_sched_run_once(kl_now_exact() + KEEL_MS(10));
            } else {
                kl_futex_wait(done, 0, -1);
            }
            continue;
        }
        bool settled = kl_sim_settle(SIMULATED_TURNS);
        if (kl_load_acquire(done) == 0) {
            int64_t next = kl_sim_next_timer();
            if (!settled || next == INT64_MAX) {
                return false;
            }
            kl_sim_skip(next > kl_now() ? next - kl_now() : 0);
        }
    }
    return true;
}

static void wait_empty(int64_t deadline)
{
    if (kl_sim_running()) {
        while (!kl_sim_settle(0) ||
                (kl_table_count() > 0 && kl_sim_next_timer() <= deadline)) {
            int64_t next = kl_sim_next_timer();
            kl_sim_advance(next > kl_now() ? next - kl_now() : 1);
        }
        return;
    }
    if (!kl_runtime.config.no_threads) {
        kl_table_wait_empty(deadline);
        return;
    }
    while (kl_table_count() > 0 && kl_now_exact() < deadline) {
        kl_sched_run_once(deadline);
    }
}

static const char *const waits[] = {"nothing: it runs", "a message", "the reply of",
        "the start of", "a sleep's end", "a descriptor", "the blocking pool",
        "an answer about"};

static void note_straggler(const keel_process_view *view, keel_stop_report *report)
{
    if (report->count == sizeof report->stragglers / sizeof *report->stragglers) {
        return;
    }
    keel_straggler *straggler = &report->stragglers[report->count++];
    straggler->pid = view->pid;
    const char *name = keel_is_none(view->name) ? view->entry : keel_atom_name(view->name);
    snprintf(straggler->name, sizeof straggler->name, "%s", name);
    if (view->waiting_for.word != 0) {
        snprintf(straggler->waiting_for, sizeof straggler->waiting_for, "%s <0.%u.%u>",
                waits[view->wait], kl_pid_slot(view->waiting_for),
                kl_pid_generation(view->waiting_for));
    } else {
        snprintf(straggler->waiting_for, sizeof straggler->waiting_for, "%s",
                waits[view->wait]);
    }
}

static bool note_visit(const keel_process_view *view, void *context)
{
    keel_stop_report *report = context;
    report->killed++;
    note_straggler(view, report);
    return true;
}

// Half of the time for the roots, whose children follow them; the rest for all.
static void ask_to_stop(int64_t deadline, keel_stop_report *report)
{
    size_t before = kl_table_count();
    int64_t now = kl_now_exact();
    tell_all(KL_ATOM(shutdown), true);
    wait_empty(deadline == INT64_MAX ? now + KEEL_SECONDS(5) : now + (deadline - now) / 2);
    if (kl_table_count() > 0) {
        tell_all(KL_ATOM(shutdown), false);
        wait_empty(deadline);
    }
    keel_inspect_each(note_visit, report);
    report->stopped = before > report->killed ? before - report->killed : 0;
}

keel_status keel_stop(keel_deadline deadline, keel_stop_report *ret_report)
{
    keel_stop_report report = {0};
    if (kl_process_current() != NULL) {
        return KEEL_E_INSIDE;
    }
    if (!kl_runtime.running) {
        return KEEL_E_STOPPED;
    }
    ask_to_stop(deadline.at, &report);
    for (int round = 0; kl_table_count() > 0 && round < 10; round++) {
        tell_all(KL_ATOM(kill), false);
        wait_empty(
                kl_now_exact() + KEEL_MS(100)); // some are spawned while others are killed
    }
    if (ret_report != NULL) {
        *ret_report = report;
    }
    if (kl_table_count() > 0) {
        return KEEL_E_TIMEOUT;
    }
    kl_runtime.stopping = true;
    kl_sched_stop();
    kl_timers_stop();
    kl_names_stop();
    kl_table_stop();
    // Release: another thread may start it anew, and finds everything put away.
    kl_store_release(&kl_runtime.running, false);
    return KEEL_OK;
}

size_t keel_run_once(keel_deadline deadline)
{
    if (!kl_runtime.running || !kl_runtime.config.no_threads ||
            kl_process_current() != NULL) {
        return 0;
    }
    return kl_sched_run_once(deadline.at);
}

int keel_fd(void)
{
    return kl_runtime.running && kl_runtime.config.no_threads ? kl_sched_fd() : -1;
}

// --- time ---

static keel_deadline deadline_from(int64_t now, keel_duration duration)
{
    if (duration < 0) {
        return KEEL_AT_ONCE;
    }
    return keel_deadline_at(duration > INT64_MAX - now ? INT64_MAX : now + duration);
}

keel_deadline keel_deadline_in(keel_duration duration)
{
    return deadline_from(kl_now_exact(), duration);
}

keel_deadline keel_deadline_about(keel_duration duration)
{
    return deadline_from(kl_now(), duration);
}

bool keel_deadline_passed(keel_deadline deadline)
{
    return deadline.at <= kl_now_exact() && deadline.at != INT64_MAX;
}

int64_t keel_now(void)
{
    return kl_now_turn();
}

int64_t keel_system_time(void)
{
    return kl_now_wall();
}

uint64_t keel_random(void)
{
    return kl_random();
}
