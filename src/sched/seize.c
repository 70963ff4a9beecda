#include "seize.h"

#include "core.h"
#include "fence.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

// Taking a worker from a runner that does not come back from a turn. The order of steps
// and why it is safe: docs/decisions/0010-seizure.md.

static struct kl_runner *find_spare(void);
static bool wait_for_bracket(const struct kl_runner *runner, uint64_t turn);

bool kl_seize(struct kl_runner *runner, uint64_t turn)
{
    bool seized = false;
    kl_lock_take(&kl_hands);
    struct kl_worker *worker = runner->worker;
    struct kl_runner *spare = worker && !runner->hosted ? find_spare() : NULL;
    if (spare) {
        kl_store_relaxed(&runner->lost, 1);
        // After this, either the runner has set `busy` and we see it, or it will see
        // `lost`: pairs with kl_fence_light() in kl_worker_enter() and kl_worker_turn().
        kl_fence_heavy();
        seized = wait_for_bracket(runner, turn);
        if (seized) {
            if (worker->lender) {
                kl_worker_queue_lender(worker);
            }
            runner->worker = NULL;
            kl_store_relaxed(&worker->stuck, worker->stuck + 1);
            kl_runner_assign(spare, worker);
        } else {
            kl_store_relaxed(&runner->lost, 0);
            kl_runner_put_spare(spare);
        }
    }
    kl_lock_give(&kl_hands);
    return seized;
}

bool kl_seize_half(struct kl_worker *worker, uint64_t turns, struct kl_worker *thief)
{
    // If somebody else is at it, that will do.
    if (!kl_lock_try(&kl_hands)) {
        return false;
    }
    struct kl_runner *runner = worker->driver;
    uint64_t turn = kl_load_relaxed(&runner->turn);
    bool taken = false;
    if (kl_load_relaxed(&worker->turns) == turns && kl_load_relaxed(&runner->running)) {
        // While the runner takes its worker for lost it does not touch it.
        kl_store_relaxed(&runner->lost, 1);
        kl_fence_heavy(); // as in kl_seize()
        if (wait_for_bracket(runner, turn)) {
            kl_worker_take_inbox(worker);
            uint32_t half = (worker->runq.queued + 1) / 2;
            taken = half > 0;
            kl_runq_move(&worker->runq, &thief->runq, half);
            kl_store_relaxed(&worker->given, worker->given + half);
            kl_add_relaxed(&thief->taken, half);
        }
        // Release: pairs with the acquire in kl_worker_enter(), after which the runner sees
        // what was done to its queue.
        kl_store_release(&runner->lost, 0);
    }
    kl_lock_give(&kl_hands);
    return taken;
}

bool kl_seize_survived(struct kl_runner *runner)
{
    kl_core_check_fork();
    // Whoever marked us holds this lock until it has decided.
    kl_lock_take(&kl_hands);
    bool survived = runner->worker != NULL;
    kl_store_relaxed(&runner->lost, 0);
    if (!survived) {
        kl_runner_put_spare(runner);
    }
    kl_lock_give(&kl_hands);
    return survived;
}

// A waiting spare runner, or a new one as long as they are not too many.
static struct kl_runner *find_spare(void)
{
    struct kl_runner *spare = kl_runner_take_spare();
    if (spare) {
        return spare;
    }
    static bool told; // under kl_hands
    unsigned spares = kl_runner_count() - kl_core.workers;
    if (spares < kl_core.config.spare_threads) {
        spare = kl_runner_start(NULL);
    } else {
        errno = 0;
    }
    if (!spare && !told) {
        told = true;
        kl_log(KL_LOG_WARNING,
                "a worker is stuck and no spare thread can take its queue over (%s)",
                errno ? strerror(errno) : "all spare_threads are in use");
    }
    return spare;
}

// Waits until the runner is in no bracket. False when it has left the turn instead.
static bool wait_for_bracket(const struct kl_runner *runner, uint64_t turn)
{
    // Acquire: pairs with the release in kl_worker_leave(); what it did is ours to see.
    for (int looks = 0; kl_load_acquire(&runner->busy); looks++) {
        if (kl_load_relaxed(&runner->turn) != turn || !kl_load_relaxed(&runner->running)) {
            return false;
        }
        if (looks < 100) {
            kl_cpu_relax();
        } else {
            sched_yield(); // it was preempted in the midst of its bracket
        }
    }
    return true;
}
