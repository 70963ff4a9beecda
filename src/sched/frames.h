#ifndef KL_SCHED_FRAMES_H
#define KL_SCHED_FRAMES_H

#include "arch/arch.h"

// Notes where the program's code lies; not async-signal-safe.
void kl_frames_init(void);

enum kl_frames_hint {
    KL_FRAMES_PLAIN,
    KL_FRAMES_JUMPED, // interrupted by a jump to nowhere: the caller is what counts
    KL_FRAMES_ABORTED, // interrupted inside abort(): its caller is what counts
};

// The program counters of a fiber that was interrupted, innermost first; not all frames
// can be told. Async-signal-safe: reads only the stack within [low, high) and code.
size_t kl_frames_find(const void *context, const struct kl_arch_registers *registers,
        enum kl_frames_hint hint, uintptr_t low, uintptr_t high, uintptr_t *ret_pcs,
        size_t max);

#endif // KL_SCHED_FRAMES_H
