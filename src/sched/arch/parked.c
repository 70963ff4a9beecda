#include "arch.h"
#include "sched/sched.h"

// Where a switched-out stack goes on, for people who look at it. The layouts are described
// at the top of x86_64.S and aarch64.S.

// Its owner may be running: what is read may be torn, and is checked by the caller.
__attribute__((no_sanitize("address"), no_sanitize("thread"))) bool kl_stack_parked(
        const struct kl_stack *stack, uintptr_t *ret_pc, uintptr_t *ret_frame)
{
#if defined(__x86_64__)
    enum { FRAME = 6, GO_ON = 7, WORDS = 8 };
#else
    enum { FRAME = 10, GO_ON = 11, WORDS = 22 };
#endif
    uintptr_t sp = (uintptr_t)stack->sp;
    if (sp % sizeof sp != 0 || sp < (uintptr_t)stack->low ||
            sp + WORDS * sizeof sp > (uintptr_t)stack->high) {
        return false;
    }
    const uintptr_t *words = (const uintptr_t *)sp;
    *ret_pc = words[GO_ON] - 1; // a return address: the call is before it
    *ret_frame = words[FRAME];
    return true;
}
