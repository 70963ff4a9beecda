#ifndef KL_SCHED_STALL_H
#define KL_SCHED_STALL_H

#include "sched.h"

// The watcher: a thread that sees turns which do not end, tells the host of them, and has
// their workers taken over.

int kl_stall_start(void);
void kl_stall_stop(void);
// A worker has woken up; the watcher must not sleep on. Cheap.
void kl_stall_rouse(void);

#endif // KL_SCHED_STALL_H
