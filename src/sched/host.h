#ifndef KL_SCHED_HOST_H
#define KL_SCHED_HOST_H

#include "worker.h"

// The modes without threads of our own: a thread of the host drives the only worker, for
// as long as one of its calls lasts.

keel_status kl_host_start(void);
void kl_host_stop(void);
// Makes the calling thread the runner of the only worker. Panics when the call comes from
// a task, or when another thread is at it.
struct kl_runner *kl_host_attach(const char *caller);
void kl_host_detach(struct kl_runner *runner);

#endif // KL_SCHED_HOST_H
