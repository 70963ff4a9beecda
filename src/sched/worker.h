#ifndef KL_SCHED_WORKER_H
#define KL_SCHED_WORKER_H

#include "core.h"
#include "eager.h"
#include "fence.h"
#include "runner.h"
#include "runq.h"
#include "wheel.h"

// What a worker is doing when it is not in a turn; the word is also what it parks on.
enum kl_sleep {
    KL_SLEEP_AWAKE,
    KL_SLEEP_PARKED, // in a futex on this word
    KL_SLEEP_POLLING, // in the poller, or the host's loop is: the eventfd wakes it
};

enum { KL_SHARE_BURST = 8 }; // so much longer is a queue that has to be looked at

// A worker: a queue of its own, an inbox for what others have for it, a wheel of timers.
// Driven by one runner at a time.
struct kl_worker {
    // --- written by the runner that drives it ---
    struct kl_runq runq;
    struct kl_task *lender; // whose turn the running task has, see relay.c
    uint32_t share_at; // length of the queue at which a wake looks for idle workers
    uint32_t surplus; // turns in a row that left a surplus while somebody was idle
    uint32_t refresh_in, refresh_every; // turns until the clock is read, and from then on
    uint32_t turn_ns; // how long turns have taken lately
    uint32_t usual_ns; // the same, but a few long ones hardly count
    uint32_t step_ns; // and each message in them; read by others
    uint64_t steps, refreshed_steps; // messages, in eights
    int64_t refreshed; // when the clock was read
    int64_t surplus_since, roused_at; // see share.c
    int64_t polled_at, away_since; // see idle.c
    struct kl_eager eager;
    int64_t busy_since;
    uint32_t working; // not idle; read by others
    bool poll_handover;
    uint64_t refreshed_turns; // `turns` at that time
    uint64_t turns, given, parks; // figures; read by others
    int64_t busy_ns;
    unsigned index;
    struct kl_runner *driver; // under kl_hands

    // --- written by other workers ---
    _Alignas(KL_CACHE_LINE) struct kl_task *inbox; // newest first
    uint32_t rouse_gap; // least time between two rousings by this worker, in ns
    uint32_t roused_by; // 1 + index of the worker whose gift ended the last sleep
    uint64_t taken, stuck; // figures

    // --- written by this worker and by who wakes it ---
    _Alignas(KL_CACHE_LINE) uint32_t sleep; // enum kl_sleep

    _Alignas(KL_CACHE_LINE) struct kl_wheel wheel;
};

// --- brackets ---

// Begins an access to the calling runner's worker: until kl_worker_leave() nobody can take
// it away. NULL when it has been taken, or is about to be.
static inline struct kl_worker *kl_worker_enter(struct kl_runner *runner, uint32_t *ret_was)
{
    *ret_was = runner->busy;
    kl_store_relaxed(&runner->busy, 1);
    // The store must be seen before the load is done: pairs with kl_fence_heavy() in
    // kl_seize(), which sets `lost` before it looks at `busy`.
    kl_fence_light();
    // Acquire: pairs with the release in kl_seize_half().
    if (__builtin_expect(kl_load_acquire(&runner->lost) != 0, 0)) {
        kl_store_release(&runner->busy, *ret_was);
        return NULL;
    }
    return runner->worker;
}

static inline void kl_worker_leave(struct kl_runner *runner, uint32_t was)
{
    // Release: what was done in the bracket is seen by kl_seize(), which waits for zero.
    kl_store_release(&runner->busy, was);
}

// Notes that a turn of `task` begins. In a bracket.
static inline void kl_worker_begin_turn(
        struct kl_runner *runner, struct kl_worker *worker, struct kl_task *task)
{
    worker->share_at = worker->runq.queued + KL_SHARE_BURST;
    kl_store_relaxed(&task->ran, worker->runq.home);
    // As many as it had last time, more or less.
    worker->steps += task->talk == KL_NEWBORN ? 0 : task->talk;
    kl_store_relaxed(&worker->turns, worker->turns + 1);
    // Release: pairs with the acquire of the watcher, who looks at the task.
    kl_store_release(&runner->running, task);
    kl_store_relaxed(&runner->turn, runner->turn + 1);
}

// --- driving ---

// Drives the runner's worker until the runtime stops or the worker is lost.
void kl_worker_loop(struct kl_runner *runner);
// One turn of `task`. False when the worker was lost meanwhile. Begins and ends inside a
// bracket.
bool kl_worker_turn(
        struct kl_runner *runner, struct kl_worker *worker, struct kl_task *task);
// The task that has lent its turn waits in the queue from now on.
void kl_worker_queue_lender(struct kl_worker *worker);
// Reads the clock, fires due timers, and looks after descriptors now and then. True when
// something came of it.
bool kl_worker_refresh(struct kl_runner *runner, struct kl_worker *worker);
// Moves the inbox to the queue; true if there was something.
bool kl_worker_take_inbox(struct kl_worker *worker);
// Fires what is due at the runner's cached time, a batch of it; returns how many.
size_t kl_worker_fire(struct kl_runner *runner, struct kl_worker *worker);
// Nothing is runnable: waits for an inbox, a timer or a descriptor.
void kl_worker_idle(struct kl_runner *runner, struct kl_worker *worker);

// --- from other threads ---

// Puts a chain, linked newest first from `first` to `last`, into the inbox and wakes the
// worker if it sleeps.
void kl_worker_post(struct kl_worker *worker, struct kl_task *first, struct kl_task *last);
// Makes a sleeping worker look around. Whatever it is to see was written before.
void kl_worker_kick(struct kl_worker *worker);
// Makes the record of worker `index` ready for a start; false: no memory.
bool kl_worker_prepare(unsigned index, int64_t now);

#endif // KL_SCHED_WORKER_H
