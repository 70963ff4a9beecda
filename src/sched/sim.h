#ifndef KL_SCHED_SIM_H
#define KL_SCHED_SIM_H

#include "sched.h"

// Sets the seed of all choices.
void kl_sim_start(uint64_t seed);
// While simulated: a task was woken by a thread that is not inside the runtime.
void kl_sim_note_wake(void);
struct kl_worker;
void kl_sim_note_turn(const struct kl_worker *worker, struct kl_task *task);
// The task that the seed puts after the running one, when `fits` says that it may follow at
// once, otherwise NULL. In a bracket.
struct kl_task *kl_sim_take_next(
        struct kl_worker *worker, bool (*fits)(struct kl_task *task));

#endif // KL_SCHED_SIM_H
