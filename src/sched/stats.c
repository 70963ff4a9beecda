#include "blocking.h"
#include "stack.h"
#include "worker.h"

void kl_sched_stats(struct kl_sched_stats *ret)
{
    *ret = (struct kl_sched_stats){0};
    if (kl_core_running()) {
        ret->workers = kl_core.workers;
        unsigned runners = kl_runner_count();
        ret->spare_threads = runners > kl_core.workers ? runners - kl_core.workers : 0;
        ret->timers = kl_timer_count();
        kl_blocking_stats(ret);
    }
    kl_slab_stats(ret);
    // The runners' caches hold idle stacks too; their counts are read as they are.
    kl_lock_take(&kl_hands);
    for (unsigned i = 0; i < kl_runner_count(); i++) {
        ret->stacks_idle += kl_load_relaxed(&kl_runner_at(i)->stack_count);
    }
    kl_lock_give(&kl_hands);
}

bool kl_worker_stats(unsigned worker, struct kl_worker_stats *ret)
{
    if (!kl_core_running() || worker >= kl_core.workers) {
        return false;
    }
    struct kl_worker *w = kl_core.worker[worker];
    int64_t now = kl_now_exact();
    *ret = (struct kl_worker_stats){
            .turns = kl_load_relaxed(&w->turns),
            .given = kl_load_relaxed(&w->given),
            .taken = kl_load_relaxed(&w->taken),
            .parks = kl_load_relaxed(&w->parks),
            .stuck = kl_load_relaxed(&w->stuck),
            .busy_ns = kl_load_relaxed(&w->busy_ns),
            .queued = kl_load_relaxed(&w->runq.queued),
    };
    bool working = kl_load_relaxed(&w->working);
    if (working) {
        ret->busy_ns += now - kl_load_relaxed(&w->busy_since);
    }
    kl_lock_take(&kl_hands);
    if (w->driver) {
        ret->running = kl_load_relaxed(&w->driver->running);
        // The clock was read a few turns ago at most, so this is an upper bound.
        ret->running_ns = ret->running ? now - kl_load_relaxed(&w->refreshed) : 0;
    }
    kl_lock_give(&kl_hands);
    return true;
}
