#include "door.h"
#include "share.h"
#include "sim.h"

static void wake_from_outside(struct kl_task *task);

void kl_sched_wake(struct kl_task *task)
{
    struct kl_runner *runner = kl_runner_self();
    if (runner) {
        uint32_t was;
        struct kl_worker *worker = kl_worker_enter(runner, &was);
        if (worker) {
            kl_runq_push(&worker->runq, task);
            if (worker->runq.queued >= worker->share_at && kl_share_any_idle()) {
                kl_share_surplus(runner, worker);
            }
            kl_worker_leave(runner, was);
            return;
        }
    }
    wake_from_outside(task);
}

void kl_sched_wake_beside(struct kl_task *task, const struct kl_task *other)
{
    struct kl_runner *runner = kl_runner_self();
    struct kl_worker *company = NULL;
    uint32_t was;
    struct kl_worker *worker = runner ? kl_worker_enter(runner, &was) : NULL;
    if (worker) {
        company = kl_share_company(worker, other);
        kl_worker_leave(runner, was);
    }
    if (company) {
        kl_worker_post(company, task, task);
    } else {
        kl_sched_wake(task);
    }
}

void kl_sched_wait_turn(struct kl_task *task)
{
    struct kl_runner *runner = kl_runner_self();
    uint32_t was;
    struct kl_worker *worker = kl_worker_enter(runner, &was);
    if (worker) {
        kl_runq_push_expecting(&worker->runq, task);
        kl_worker_leave(runner, was);
    } else {
        wake_from_outside(task);
    }
}

bool kl_sched_hold(const struct kl_task *task, struct kl_hold *ret_hold)
{
    struct kl_runner *runner = kl_runner_self();
    if (!runner || !kl_task_is_queued(task)) {
        return false;
    }
    struct kl_worker *worker = kl_worker_enter(runner, &ret_hold->was);
    if (!worker) {
        return false;
    }
    // Relaxed: our worker's number is only written by who drives our worker, which is this
    // thread, and by who has taken tasks from it, which was before we entered.
    if (kl_load_relaxed(&task->home) == worker->runq.home) {
        ret_hold->runner = runner;
        return true;
    }
    kl_worker_leave(runner, ret_hold->was);
    return false;
}

size_t kl_sched_hold_next(struct kl_task **ret_tasks, size_t max, struct kl_hold *ret_hold)
{
    struct kl_runner *runner = kl_runner_self();
    struct kl_worker *worker = runner ? kl_worker_enter(runner, &ret_hold->was) : NULL;
    if (!worker) {
        return 0;
    }
    size_t count = 0;
    if (worker->runq.occupied & 1u << KL_PRIORITY_NORMAL) {
        struct kl_task *task = worker->runq.class[KL_PRIORITY_NORMAL].head;
        for (; task && count < max; task = task->next) {
            ret_tasks[count++] = task;
        }
    }
    ret_hold->runner = runner;
    if (count == 0) {
        kl_worker_leave(runner, ret_hold->was);
    }
    return count;
}

void kl_sched_let_go(const struct kl_hold *hold)
{
    kl_worker_leave(hold->runner, hold->was);
}

struct kl_task *kl_task_current(void)
{
    struct kl_runner *runner = kl_runner_self();
    return runner ? runner->running : NULL;
}

int kl_worker_current(void)
{
    struct kl_runner *runner = kl_runner_self();
    int number = -1;
    if (runner) {
        uint32_t was;
        struct kl_worker *worker = kl_worker_enter(runner, &was);
        if (worker) {
            number = (int)worker->index;
            kl_worker_leave(runner, was);
        }
    }
    return number;
}

static void wake_from_outside(struct kl_task *task)
{
    kl_core_check_fork();
    if (kl_core_running()) {
        if (kl_door.simulated) {
            kl_sim_note_wake();
        }
        kl_worker_post(kl_share_pick(), task, task);
    }
}
