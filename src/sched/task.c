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
