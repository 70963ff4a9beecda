// Looking at processes without asking them: records are read as they stand.

#include "process.h"
#include <inttypes.h>
#include <keel/alloc.h>
#include <stdio.h>
#include <string.h>

static const char *symbol_name(const void *address)
{
    struct kl_symbol symbol;
    kl_symbol_resolve((uintptr_t)address, &symbol);
    return symbol.function == NULL ? "?" : symbol.function;
}

const char *kl_process_entry_name(const struct kl_process *process)
{
    // Flags before entry: who turns a body into a handler writes them in the other order.
    // And the generation around both: the next tenant's entry (release, when it is made)
    // is never taken for what the flags of this one say.
    uint32_t generation = kl_load_acquire(&process->generation);
    const char *given = kl_load_relaxed(&process->entry_name);
    bool handler = (kl_load_acquire(&process->flags) & KL_HANDLER) != 0;
    const void *entry = kl_load_acquire(&process->entry);
    if (kl_load_relaxed(&process->generation) != generation) {
        return "?";
    }
    if (given != NULL) {
        return given;
    }
    if (handler) {
        const char *name = ((const keel_handler *)entry)->name;
        return name == NULL ? "handler" : name;
    }
    return entry == NULL ? "undefined" : symbol_name(entry);
}

size_t kl_process_memory(const struct kl_process *process)
{
    size_t bytes = sizeof *process + kl_load_relaxed(&process->owned_bytes);
    if (process->stack != NULL) {
        bytes += (size_t)(process->stack->high - process->stack->low) +
                 kl_activation(process)->heap.bytes;
    }
    if (process->extras != NULL) {
        bytes += sizeof *process->extras;
    }
    for (const struct kl_envelope *at = process->head; at != NULL; at = at->next) {
        bytes += sizeof *at + at->body_bytes;
    }
    return bytes + process->relation_count * sizeof(struct kl_relation);
}

static keel_state state_of(uint8_t status)
{
    switch ((enum kl_process_status)status) {
    case KL_RUNNABLE:
        return KEEL_STATE_RUNNABLE;
    case KL_RUNNING:
        return KEEL_STATE_RUNNING;
    case KL_SUSPENDED:
        return KEEL_STATE_SUSPENDED;
    case KL_EXITING:
        return KEEL_STATE_EXITING;
    default:
        return KEEL_STATE_WAITING;
    }
}

static bool fill(const struct kl_process *process, keel_process_view *view)
{
    uint32_t generation = kl_load_acquire(&process->generation);
    uint8_t status = kl_load_relaxed(&process->status);
    if (status == KL_FREE || kl_load_acquire(&process->door) == KL_DOOR_CLOSED) {
        return false;
    }
    memset(view, 0, sizeof *view);
    view->pid = kl_pid_make(process->slot, generation);
    uint32_t name = kl_load_relaxed(&process->name);
    view->name = name == 0 ? KEEL_NONE : (keel_term){(uint64_t)(name - 1) << 8 | 4};
    view->entry = kl_process_entry_name(process);
    view->state = state_of(status);
    view->wait = (keel_wait)kl_load_relaxed(&process->wait);
    view->waiting_for.word = kl_load_relaxed(&process->waiting_for.word);
    view->waiting_since = status == KL_WAITING ? kl_load_relaxed(&process->waiting_since)
                                               : 0;
    if (view->wait == KEEL_WAIT_NOTHING && status == KL_WAITING) {
        view->wait = KEEL_WAIT_MESSAGE; // a handler between messages
    }
    view->queue = kl_load_relaxed(&process->queue_len);
    view->messages_in = kl_load_relaxed(&process->messages_in);
    view->reductions = kl_load_relaxed(&process->reductions) + view->messages_in;
    view->run_ns = kl_load_relaxed(&process->run_ns);
    view->memory = sizeof *process + kl_load_relaxed(&process->owned_bytes);
    view->trap_exit = (kl_load_relaxed(&process->flags) & KL_TRAP_EXIT) != 0;
    return true;
}

// What lies behind pointers of the record may go at any moment: looked at only when the
// record still has the same tenant afterwards, and never followed twice.
static bool fill_more(const struct kl_process *process, keel_process_view *view)
{
    if ((kl_load_relaxed(&process->flags) & KL_LIMITED) != 0) {
        const struct kl_extras *extras = kl_load_acquire(&process->extras);
        view->dropped = extras == NULL ? 0 : kl_load_relaxed(&extras->dropped);
    }
    view->parent.word = kl_load_relaxed(&process->parent.word);
    if (kl_load_acquire(&process->stack) != NULL) {
        view->stack = kl_runtime.config.stack_bytes;
        view->memory += view->stack + kl_load_relaxed(&process->heap_bytes);
    }
    return kl_load_acquire(&process->generation) == kl_pid_generation(view->pid);
}

bool keel_inspect_process(keel_pid pid, keel_process_view *ret_view)
{
    struct kl_process *process = kl_process_find(pid);
    return process != NULL && ret_view != NULL && fill(process, ret_view) &&
           ret_view->pid.word == pid.word && fill_more(process, ret_view);
}

keel_pid keel_inspect_pid(const char *text)
{
    keel_pid none = {0};
    uint32_t slot, generation;
    char again[40];
    if (text == NULL ||
            sscanf(text, "<0.%" SCNu32 ".%" SCNu32 ">", &slot, &generation) != 2 ||
            slot > UINT32_MAX >> 4) {
        return none;
    }
    // Printed again it is the same: no blanks, signs, leading zeros or what follows.
    snprintf(again, sizeof again, "<0.%" PRIu32 ".%" PRIu32 ">", slot, generation);
    keel_pid pid = kl_pid_make(slot, generation);
    keel_process_view view;
    return strcmp(again, text) == 0 && keel_inspect_process(pid, &view) ? pid : none;
}

void keel_inspect_each(
        bool (*visit)(const keel_process_view *view, void *context), void *context)
{
    if (visit == NULL || !kl_runtime.running) {
        return;
    }
    uint32_t end = kl_table_end();
    for (uint32_t slot = 0; slot < end; slot++) {
        struct kl_process *process = kl_table_at(slot);
        keel_process_view view;
        if (fill(process, &view) && fill_more(process, &view) && !visit(&view, context)) {
            return;
        }
    }
}

// Stacks are never unmapped while the runtime runs, so a walk within the bounds of one
// reads at worst what is no longer true.
static size_t print_parked(const struct kl_process *process, char *buffer, size_t size)
{
    const struct kl_stack *stack = kl_load_relaxed(&process->stack);
    uintptr_t pc;
    uintptr_t frame;
    if (stack == NULL || kl_load_relaxed(&process->status) != KL_WAITING ||
            !kl_stack_parked(stack, &pc, &frame)) {
        return 0;
    }
    uintptr_t pcs[32];
    size_t count = kl_symbol_walk(
            pc, frame, (uintptr_t)stack->low, (uintptr_t)stack->high, pcs, 32);
    return kl_frames_print(pcs, count, buffer, size);
}

size_t keel_inspect_stack(keel_pid pid, char *buffer, size_t size)
{
    if (buffer == NULL || size == 0) {
        return 0;
    }
    buffer[0] = '\0';
    struct kl_process *process = kl_process_find(pid);
    if (process == NULL) {
        return 0;
    }
    if (process != kl_process_current()) {
        return print_parked(process, buffer, size);
    }
    uintptr_t pcs[32];
    size_t count = kl_symbol_walk((uintptr_t)__builtin_return_address(0),
            *(const uintptr_t *)__builtin_frame_address(0), (uintptr_t)process->stack->low,
            (uintptr_t)process->stack->high, pcs, 32);
    return kl_frames_print(pcs, count, buffer, size);
}

size_t kl_frames_print(const uintptr_t *pcs, size_t count, char *buffer, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < count && used + 1 < size; i++) {
        struct kl_symbol symbol;
        kl_symbol_resolve(pcs[i], &symbol);
        int wrote = symbol.file == NULL
                            ? snprintf(buffer + used, size - used, "%s+0x%zx\n",
                                      symbol.function == NULL ? "?" : symbol.function,
                                      (size_t)symbol.offset)
                            : snprintf(buffer + used, size - used, "%s (%s:%d)\n",
                                      symbol.function == NULL ? "?" : symbol.function,
                                      symbol.file, symbol.line);
        used += wrote < 0 ? 0 : (size_t)wrote;
    }
    return used < size ? used : size - 1;
}

void keel_inspect_runtime(keel_runtime_view *ret_view)
{
    if (ret_view == NULL) {
        return;
    }
    memset(ret_view, 0, sizeof *ret_view);
    ret_view->atoms = keel_atom_count(&ret_view->atoms_max);
    ret_view->memory = keel_memory_used();
    if (!kl_runtime.running) {
        return;
    }
    struct kl_sched_stats stats;
    kl_sched_stats(&stats);
    ret_view->workers = stats.workers;
    ret_view->spare_threads = stats.spare_threads;
    ret_view->blocking_busy = stats.blocking_busy;
    ret_view->blocking_threads = stats.blocking_threads;
    ret_view->blocking_queue = stats.blocking_queued;
    ret_view->timers = stats.timers;
    ret_view->stacks = stats.stacks;
    ret_view->stacks_idle = stats.stacks_idle;
    ret_view->stack_bytes = stats.stack_bytes_mapped;
    ret_view->processes = kl_table_count();
    ret_view->processes_max = kl_table_max();
    ret_view->spawned = kl_table_spawned();
    ret_view->messages_dropped = kl_load_relaxed(&kl_runtime.dropped);
    ret_view->uptime_ns = kl_now_exact() - kl_runtime.started_at;
    struct kl_worker_stats worker;
    for (unsigned i = 0; kl_worker_stats(i, &worker); i++) {
        ret_view->runnable += worker.queued;
    }
}

bool keel_inspect_worker(unsigned index, keel_worker_view *ret_view)
{
    struct kl_worker_stats stats;
    if (ret_view == NULL || !kl_runtime.running || !kl_worker_stats(index, &stats)) {
        return false;
    }
    *ret_view = (keel_worker_view){.turns = stats.turns,
            .given = stats.given,
            .taken = stats.taken,
            .parks = stats.parks,
            .stuck = stats.stuck,
            .busy_ns = stats.busy_ns,
            .queued = stats.queued,
            .running_ns = stats.running_ns};
    if (stats.running != NULL) {
        // Records never move and are never given back, so even a stale one may be read.
        struct kl_process *process = KL_CONTAINER(stats.running, struct kl_process, task);
        ret_view->running = kl_pid_make(
                process->slot, kl_load_relaxed(&process->generation));
    }
    return true;
}

size_t keel_inspect_stacks(keel_stack_view *ret_views, size_t max)
{
    struct kl_stack_census census[128];
    size_t wanted = max < 128 ? max : 128;
    if (ret_views == NULL) {
        wanted = 0;
    }
    size_t total = kl_stack_census(census, wanted);
    for (size_t i = 0; i < wanted && i < total; i++) {
        ret_views[i] = (keel_stack_view){.entry = symbol_name(census[i].site),
                .uses = census[i].uses,
                .deepest_bytes = census[i].deepest_bytes};
    }
    return total;
}
