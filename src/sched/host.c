#include "host.h"

#include "door.h"
#include "fault.h"
#include "poll.h"
#include "share.h"
#include "stack.h"
#include "stall.h"

// The foreign loop: the host's thread calls kl_sched_run_once() when the descriptor is
// readable, or with a deadline whenever it likes.

enum {
    TURNS_MAX = 4096, // in one call: the host's loop has other things to do
    TRIM_EVERY_NS = 1000000000,
};

static struct kl_runner *host;
static uint32_t attached; // a thread is inside; atomic
static int64_t trimmed_at;

static bool run_ready(struct kl_runner *runner, struct kl_worker *worker);
static void prepare_to_sleep(struct kl_worker *worker);
static void trim_stacks(int64_t now);

keel_status kl_host_start(void)
{
    host = kl_runner_new_host();
    if (!host) {
        return KEEL_E_NOMEM;
    }
    host->worker = kl_core.worker[0];
    host->worker->driver = host;
    host->worker->sleep = KL_SLEEP_POLLING;
    if (kl_core.config.catch_faults) {
        keel_status status = kl_fault_attach(host);
        if (status != KEEL_OK) {
            kl_runner_free_host(host);
            return status;
        }
    }
    return KEEL_OK;
}

void kl_host_stop(void)
{
    kl_fault_detach(host);
    kl_runner_free_host(host);
    host = NULL;
}

struct kl_runner *kl_host_attach(const char *caller)
{
    kl_core_check_fork();
    if (!kl_core_running() || kl_core.mode == KL_MODE_WORKERS) {
        kl_panic("%s: the runtime is not started in the mode this call is for", caller);
    }
    // Acquire: pairs with the release in kl_host_detach(), as the last call may have been
    // another thread's.
    if (kl_exchange_acq_rel(&attached, 1)) {
        kl_panic("%s: called from a task, or by two threads at once", caller);
    }
    kl_runner_set_self(host);
    host->now = kl_now_exact();
    kl_store_relaxed(&host->busy, 1);
    return host;
}

void kl_host_detach(struct kl_runner *runner)
{
    kl_store_release(&runner->busy, 0);
    kl_runner_set_self(NULL);
    kl_store_release(&attached, 0);
}

size_t kl_sched_run_once(int64_t deadline)
{
    struct kl_runner *runner = kl_host_attach("keel_run_once");
    struct kl_worker *worker = runner->worker;
    __atomic_store_n(&worker->sleep, KL_SLEEP_AWAKE, __ATOMIC_SEQ_CST);
    kl_stall_rouse();
    kl_poll_begin();

    uint64_t turns = worker->turns;
    bool acted = kl_poll_wait(0) > 0;
    acted |= run_ready(runner, worker);
    if (!acted && deadline > runner->now) {
        prepare_to_sleep(worker);
        int64_t next = kl_load_relaxed(&worker->wheel.next);
        int64_t until = next < deadline ? next : deadline;
        bool idle = !kl_load_relaxed(&worker->inbox);
        int64_t timeout = until == INT64_MAX    ? -1
                          : until > runner->now ? until - runner->now
                                                : 0;
        kl_poll_wait(idle ? timeout : 0);
        __atomic_store_n(&worker->sleep, KL_SLEEP_AWAKE, __ATOMIC_SEQ_CST);
        run_ready(runner, worker);
    }

    // From here on whoever has something for the worker makes the descriptor readable, and
    // so do we if something is left.
    prepare_to_sleep(worker);
    if (worker->runq.queued > 0 || kl_load_relaxed(&worker->inbox)) {
        kl_poll_kick();
    }
    kl_poll_set_alarm(kl_load_relaxed(&worker->wheel.next));
    kl_poll_end();
    trim_stacks(runner->now);
    turns = worker->turns - turns;
    kl_host_detach(runner);
    return turns;
}

int kl_sched_fd(void)
{
    bool foreign = kl_core_running() && kl_core.mode == KL_MODE_FOREIGN;
    return foreign ? kl_poll_fd() : -1;
}

// Runs turns and fires timers until nothing is left, or it has been enough. False when
// there was nothing from the start.
static bool run_ready(struct kl_runner *runner, struct kl_worker *worker)
{
    bool acted = kl_worker_refresh(runner, worker);
    for (int i = 0; i < TURNS_MAX; i++) {
        kl_worker_take_inbox(worker);
        struct kl_task *task = kl_runq_pop(&worker->runq);
        if (!task) {
            // The clock has moved on while tasks ran.
            runner->now = kl_now_exact();
            if (kl_worker_fire(runner, worker) == 0) {
                break;
            }
            acted = true;
            continue;
        }
        kl_worker_turn(runner, worker, task);
        acted = true;
        if (--worker->refresh_in == 0) {
            kl_worker_refresh(runner, worker);
        }
    }
    return acted;
}

// From now on a wake from another thread kicks the poller. Pairs with kl_worker_kick().
static void prepare_to_sleep(struct kl_worker *worker)
{
    __atomic_store_n(&worker->sleep, KL_SLEEP_POLLING, __ATOMIC_SEQ_CST);
}

// What the watcher does elsewhere: gives the memory of idle stacks back.
static void trim_stacks(int64_t now)
{
    if (now - trimmed_at >= TRIM_EVERY_NS) {
        trimmed_at = now;
        if (kl_slab_wants_trim()) {
            kl_slab_trim(false);
        }
    }
}
