#include "core.h"
#include "share.h"
#include "sim.h"

// Turns that follow each other on the stack of a fiber. The worker's loop does more than to
// run one task after another: it reads the clock, fires timers, takes the inbox in, shares
// a surplus. So it is gone round as often as before (`refresh_in`), and whenever there is
// one of these to do; only the turns between are spared the way there and back.

// Whether the loop would do nothing but take the next task. In a bracket.
static inline bool may_go_on(const struct kl_runner *runner, struct kl_worker *worker)
{
    if (__builtin_expect(runner->nested | runner->hosted, 0)) {
        // Of the host's threads only the simulator's, where the seed says what comes next.
        return !runner->nested && kl_sim_running() && kl_sim_choose(2) == 0;
    }
    return worker->refresh_in > 1 && !kl_load_relaxed(&worker->inbox) &&
           runner->now < runner->census_at;
}

static inline struct kl_task *take_lender(
        struct kl_worker *worker, bool (*fits)(struct kl_task *task))
{
    struct kl_task *lender = worker->lender;
    if (!fits(lender)) {
        return NULL;
    }
    kl_store_relaxed(&worker->lender, NULL);
    kl_store_relaxed(&lender->home, 0);
    return lender;
}

static inline struct kl_task *take_first(
        struct kl_worker *worker, bool (*fits)(struct kl_task *task))
{
    struct kl_runq *queue = &worker->runq;
    if (__builtin_expect(kl_sim_running(), 0)) {
        return kl_sim_take_next(worker, fits);
    }
    if (queue->occupied != 1u << KL_PRIORITY_NORMAL ||
            (kl_runq_ready(queue) >= 2 && kl_share_any_idle()) ||
            !fits(queue->class[KL_PRIORITY_NORMAL].head)) {
        return NULL;
    }
    worker->surplus = 0;
    return kl_runq_pop_class(queue, KL_PRIORITY_NORMAL);
}

static inline void begin_turn(
        struct kl_runner *runner, struct kl_worker *worker, struct kl_task *task)
{
    worker->refresh_in--;
    if (__builtin_expect(runner->hosted, 0)) {
        kl_sim_note_turn(worker, task);
    }
    kl_worker_begin_turn(runner, worker, task);
}

struct kl_task *kl_sched_relay(bool (*fits)(struct kl_task *task))
{
    struct kl_runner *runner = kl_runner_self();
    uint32_t was;
    struct kl_worker *worker = kl_worker_enter(runner, &was);
    if (!worker) {
        return NULL;
    }
    struct kl_task *next = NULL;
    if (may_go_on(runner, worker)) {
        next = worker->lender ? take_lender(worker, fits) : take_first(worker, fits);
    }
    if (next) {
        begin_turn(runner, worker, next);
    }
    kl_worker_leave(runner, was);
    return next;
}

bool kl_sched_lend(struct kl_task *lender, struct kl_task *task)
{
    struct kl_runner *runner = kl_runner_self();
    uint32_t was;
    struct kl_worker *worker = kl_worker_enter(runner, &was);
    if (!worker) {
        return false;
    }
    bool may = may_go_on(runner, worker) && !worker->lender &&
               lender->priority == KL_PRIORITY_NORMAL &&
               task->priority == KL_PRIORITY_NORMAL;
    if (may) {
        kl_store_relaxed(&worker->lender, lender);
        kl_store_relaxed(&lender->home, worker->runq.home);
        begin_turn(runner, worker, task);
    }
    kl_worker_leave(runner, was);
    return may;
}
