#ifndef KL_SCHED_FENCE_H
#define KL_SCHED_FENCE_H

#include "base/base.h"

#include <stdint.h>

// The asymmetric fence of the seizure protocol (docs/decisions/0010-seizure.md). One side
// runs at every turn and pays nothing: it only keeps the compiler from reordering. The
// other side runs when a worker is stuck and makes the kernel put a full fence into
// every thread of the process. Where the kernel lacks membarrier both sides pay.

extern uint32_t kl_fence_symmetric; // set once, before the first thread

// Registers the process with the kernel.
void kl_fence_init(void);

// A full fence. ThreadSanitizer knows none, but an atomic exchange is one as well.
static inline void kl_fence_full(void)
{
#if KL_TSAN
    uint32_t nothing = 0;
    __atomic_exchange_n(&nothing, 1, __ATOMIC_SEQ_CST);
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

static inline void kl_fence_light(void)
{
    if (__builtin_expect(kl_fence_symmetric != 0, 0)) {
        kl_fence_full();
    } else {
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
    }
}
void kl_fence_heavy(void);

#endif // KL_SCHED_FENCE_H
