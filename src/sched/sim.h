#ifndef KL_SCHED_SIM_H
#define KL_SCHED_SIM_H

#include "sched.h"

// Sets the seed of all choices.
void kl_sim_start(uint64_t seed);

#endif // KL_SCHED_SIM_H
