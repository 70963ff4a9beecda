#include "core.h"

#include "blocking.h"
#include "door.h"
#include "fault.h"
#include "host.h"
#include "poll.h"
#include "share.h"
#include "sim.h"
#include "stack.h"
#include "stall.h"

#include <errno.h>
#include <sched.h>

enum {
    BLOCKING_THREADS = 64,
    BLOCKING_QUEUE = 1024,
    SPARE_THREADS = 8,
    STACK_BYTES = 64 << 10,
    SPIN_NS = 5000,
};
static const int64_t stall_ns = 20000000;

// A simulated program begins at the start of 2020, one second after its clock's zero.
static const int64_t sim_wall = INT64_C(1577836800) * 1000000000;
static const int64_t sim_now = 1000000000;

struct kl_core kl_core;

static struct kl_lock lock; // held by a start or stop

static keel_status start(const struct kl_sched_config *config);
static bool wants_watcher(const struct kl_sched_config *config);
static keel_status start_workers(void);
static void stop_threads(void);
static void stop_rest(void);
static void fill_config(const struct kl_sched_config *config);

keel_status kl_sched_start(const struct kl_sched_config *config)
{
    if (config->workers > KL_WORKERS_MAX || config->spare_threads > KL_SPARES_MAX ||
            (config->stack_bytes &&
                    kl_slab_class(config->stack_bytes) >= KL_STACK_CLASSES)) {
        return KEEL_E_BADARG;
    }
    kl_core_check_fork();
    kl_core_watch_fork();
    kl_lock_take(&lock);
    keel_status status = KEEL_E_RUNNING;
    if (!kl_core_running()) {
        status = start(config);
    }
    kl_lock_give(&lock);
    return status;
}

void kl_sched_stop(void)
{
    kl_core_check_fork();
    if (kl_runner_self()) {
        kl_panic("the runtime was stopped by one of its own tasks");
    }
    kl_lock_take(&lock);
    if (kl_core_running()) {
        if (kl_core.mode == KL_MODE_WORKERS) {
            stop_threads();
        } else {
            kl_store_release(&kl_core.stopping, 1);
            kl_stall_stop();
            kl_blocking_stop();
            kl_host_stop();
        }
        stop_rest();
    }
    kl_lock_give(&lock);
}

bool kl_sched_running(void)
{
    return kl_core_running();
}

static keel_status start(const struct kl_sched_config *config)
{
    fill_config(config);
    kl_fence_init();
    kl_share_reset();
    kl_stack_set_default(kl_core.config.stack_bytes);
    kl_door.simulated = config->simulated;
    kl_door.now = sim_now;
    kl_door.wall_offset = sim_wall - sim_now;
    kl_sim_start(config->seed);
    kl_store_release(&kl_core.stopping, 0);
    for (unsigned i = 0; i < kl_core.workers; i++) {
        if (!kl_worker_prepare(i, kl_now_exact())) {
            kl_door.simulated = false;
            return KEEL_E_NOMEM;
        }
    }
    keel_status status = kl_poll_start();
    if (status == KEEL_OK && config->catch_faults) {
        status = kl_fault_install();
    }
    kl_blocking_start();
    // Threads that start may wake tasks at once.
    kl_store_release(&kl_core.running, 1);
    if (status == KEEL_OK && kl_core.mode == KL_MODE_WORKERS) {
        status = start_workers();
    } else if (status == KEEL_OK) {
        status = kl_host_start();
    }
    if (status == KEEL_OK && wants_watcher(config)) {
        int error = kl_stall_start();
        if (error) {
            status = -error;
            if (kl_core.mode == KL_MODE_WORKERS) {
                stop_threads();
            } else {
                kl_host_stop();
            }
        }
    }
    if (status != KEEL_OK) {
        stop_rest();
    }
    return status;
}

// A host with a loop of its own gets a thread only if there is something to tell it: its
// worker cannot be taken over.
static bool wants_watcher(const struct kl_sched_config *config)
{
    return config->stall_ns >= 0 &&
           (kl_core.mode == KL_MODE_WORKERS ||
                   (kl_core.mode == KL_MODE_FOREIGN && config->stalled));
}

static keel_status start_workers(void)
{
    keel_status status = KEEL_OK;
    kl_lock_take(&kl_hands);
    for (unsigned i = 0; i < kl_core.workers && status == KEEL_OK; i++) {
        status = kl_runner_start(kl_core.worker[i]) ? KEEL_OK : -errno;
    }
    kl_lock_give(&kl_hands);
    if (status != KEEL_OK) {
        stop_threads();
    }
    return status;
}

// Ends and joins all threads. Those in the midst of a turn end after it.
static void stop_threads(void)
{
    kl_blocking_stop();
    // Sequentially consistent: a worker that parks looks at this after saying so.
    __atomic_store_n(&kl_core.stopping, 1, __ATOMIC_SEQ_CST);
    kl_stall_stop();
    for (unsigned i = 0; i < kl_core.workers; i++) {
        kl_worker_kick(kl_core.worker[i]);
    }
    kl_runner_join_all();
}

static void stop_rest(void)
{
    kl_store_release(&kl_core.running, 0);
    for (unsigned i = 0; i < kl_core.workers; i++) {
        struct kl_worker *worker = kl_core.worker[i];
        kl_wheel_clear(&worker->wheel);
        kl_store_release(&worker->inbox, NULL);
        kl_store_release(&worker->sleep, KL_SLEEP_AWAKE);
    }
    kl_fault_uninstall();
    kl_poll_stop();
    kl_slab_trim(true);
    kl_census_reset();
    if (kl_door.simulated) { // otherwise other threads may look at it
        kl_door.simulated = false;
    }
}

static unsigned count_cores(void)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0) {
        return 1;
    }
    return (unsigned)CPU_COUNT(&cores);
}

static void fill_config(const struct kl_sched_config *config)
{
    struct kl_sched_config *full = &kl_core.config;
    *full = *config;
    full->blocking_threads = config->blocking_threads ? config->blocking_threads
                                                      : BLOCKING_THREADS;
    full->blocking_queue = config->blocking_queue ? config->blocking_queue : BLOCKING_QUEUE;
    full->spare_threads = config->spare_threads ? config->spare_threads : SPARE_THREADS;
    full->stall_ns = config->stall_ns ? config->stall_ns : stall_ns;
    full->stack_bytes = config->stack_bytes ? config->stack_bytes : STACK_BYTES;
    kl_core.mode = config->simulated      ? KL_MODE_SIMULATED
                   : config->workers == 0 ? KL_MODE_FOREIGN
                                          : KL_MODE_WORKERS;
    kl_core.workers = kl_core.mode == KL_MODE_WORKERS ? config->workers : 1;
    // Spinning takes the core from whoever has something for us when there are not enough.
    unsigned cores = count_cores();
    kl_core.spin_ns = cores > 1 && cores >= kl_core.workers ? SPIN_NS : 0;
}
