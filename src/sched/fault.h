#ifndef KL_SCHED_FAULT_H
#define KL_SCHED_FAULT_H

#include "runner.h"

// Handlers of the fault signals, for the whole process.
keel_status kl_fault_install(void);
void kl_fault_uninstall(void);
// The calling thread's alternate signal stack; -errno when it cannot be had.
keel_status kl_fault_attach(struct kl_runner *runner);
void kl_fault_detach(struct kl_runner *runner);

#endif // KL_SCHED_FAULT_H
