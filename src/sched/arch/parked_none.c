#include "arch.h"
#include "sched/sched.h"

// The C library's contexts do not say where in them things are.

bool kl_stack_parked(const struct kl_stack *stack, uintptr_t *ret_pc, uintptr_t *ret_frame)
{
    (void)stack;
    (void)ret_pc;
    (void)ret_frame;
    return false;
}
