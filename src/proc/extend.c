// The seams of <keel/extend.h>: what the test kit needs of the simulator and cannot see,
// since it is a library of its own.

#include <keel/extend.h>

#include "proc.h"
#include "process.h"

static void (*observer)(keel_pid pid, void *context);
static void *observer_context;

keel_status keel_extend_simulate(uint64_t seed, const keel_config *config)
{
    return kl_runtime_start_simulated(seed, config);
}

bool keel_extend_is_simulated(void)
{
    return kl_runtime.running && kl_sim_running();
}

// What drives the simulation may do so only from outside: the scheduler stops the program
// for a caller that does not know.
static bool may_drive(void)
{
    return keel_extend_is_simulated() && kl_process_current() == NULL;
}

bool keel_extend_settle(size_t max_turns)
{
    return may_drive() && kl_sim_settle(max_turns);
}

void keel_extend_advance(keel_duration duration)
{
    if (may_drive() && duration > 0) {
        kl_sim_skip(duration);
    }
}

keel_deadline keel_extend_next_timer(void)
{
    return keel_extend_is_simulated() ? keel_deadline_at(kl_sim_next_timer()) : KEEL_NEVER;
}

size_t keel_extend_choose(size_t count)
{
    return keel_extend_is_simulated() ? kl_sim_choose(count) : 0;
}

uint64_t keel_extend_trace(void)
{
    return kl_sim_trace();
}

void keel_extend_observe(void (*turn)(keel_pid pid, void *context), void *context)
{
    observer = turn;
    observer_context = context;
}

size_t keel_extend_foreign_wakes(void)
{
    return kl_sim_foreign_wakes();
}

size_t keel_extend_timers(void)
{
    return kl_runtime.running ? kl_timers_pending() : 0;
}

size_t keel_extend_memory(void)
{
    size_t used = kl_pool_trim();
    size_t lent = 0;
    if (kl_process_current() == NULL) {
        const struct kl_fragment *fragment = kl_heap_current()->fragments;
        for (; fragment != NULL; fragment = fragment->next) {
            lent += fragment->size;
        }
    }
    return used > lent ? used - lent : 0;
}

uint64_t kl_extend_turn(struct kl_task *task)
{
    struct kl_process *process = KL_CONTAINER(task, struct kl_process, task);
    keel_pid pid = kl_process_pid(process);
    if (observer != NULL) {
        observer(pid, observer_context);
    }
    return pid.word;
}
