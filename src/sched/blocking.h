#ifndef KL_SCHED_BLOCKING_H
#define KL_SCHED_BLOCKING_H

#include "sched.h"

void kl_blocking_start(void);
// Does the jobs that wait and ends the threads.
void kl_blocking_stop(void);
void kl_blocking_stats(struct kl_sched_stats *ret);

#endif // KL_SCHED_BLOCKING_H
