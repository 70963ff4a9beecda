#ifndef KL_SCHED_CORE_H
#define KL_SCHED_CORE_H

#include "sched.h"

// What every file of the room shares: the one runtime of the program.

enum kl_mode {
    KL_MODE_WORKERS, // threads of our own
    KL_MODE_FOREIGN, // the host's loop calls kl_sched_run_once()
    KL_MODE_SIMULATED, // the host's thread drives a virtual clock
};

enum { KL_WORKERS_MAX = 256, KL_SPARES_MAX = KL_SCHED_THREADS_MAX - KL_WORKERS_MAX };

struct kl_worker;

// Written by kl_sched_start() and kl_sched_stop() only, read by everybody.
struct kl_core {
    struct kl_sched_config config; // zeros replaced by what they stand for
    enum kl_mode mode;
    unsigned workers; // records in use: one in the modes without threads
    int64_t spin_ns; // how long an idle worker looks around before it parks
    struct kl_worker *worker[KL_WORKERS_MAX]; // never freed: late calls may still look
    uint32_t running; // between start and stop; atomic
    uint32_t stopping; // threads are to end; atomic
};
extern struct kl_core kl_core;

// True while the runtime is started.
static inline bool kl_core_running(void)
{
    return kl_load_acquire(&kl_core.running) != 0;
}
static inline bool kl_core_stopping(void)
{
    return kl_load_acquire(&kl_core.stopping) != 0;
}

// Panics when this process is a forked child of the one that started the runtime: its
// threads did not come along.
void kl_core_check_fork(void);
// Called once per process, before the first start.
void kl_core_watch_fork(void);

#endif // KL_SCHED_CORE_H
