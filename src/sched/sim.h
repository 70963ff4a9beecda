#ifndef KL_SCHED_SIM_H
#define KL_SCHED_SIM_H

#include "sched.h"

// Sets the seed of all choices.
void kl_sim_start(uint64_t seed);
// While simulated: a task was woken by a thread that is not inside the runtime.
void kl_sim_note_wake(void);

#endif // KL_SCHED_SIM_H
