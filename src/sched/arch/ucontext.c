#include "arch.h"

#include <stdlib.h>
#include <ucontext.h>

// The switch for processors that have none in assembly. What stands for a stack pointer
// here is the address of a ucontext_t, which lies on the stack it describes. Each switch
// costs a system call for the signal mask, which nobody here needs.

void kl_arch_switch(void **ret_sp, void *sp)
{
    ucontext_t here;
    *ret_sp = &here;
    if (swapcontext(&here, sp) != 0) {
        abort(); // it has no failure that could happen here
    }
}

void *kl_arch_prepare(uint8_t *low, uint8_t *top, void (*start)(void))
{
    uintptr_t at = ((uintptr_t)top - sizeof(ucontext_t)) & ~(uintptr_t)63;
    ucontext_t *context = (ucontext_t *)at;
    if (getcontext(context) != 0) {
        abort();
    }
    context->uc_link = NULL;
    context->uc_stack.ss_sp = low;
    context->uc_stack.ss_size = (size_t)((uint8_t *)context - low);
    makecontext(context, start, 0);
    return context;
}

// The interrupted state cannot be bent without knowing the processor; the handler is left
// by a jump instead. The context brings its signal mask along, and the alternate stack is
// free again as soon as the stack pointer has left it.
void kl_arch_land(void *context, void *sp)
{
    (void)context;
    setcontext(sp);
    abort();
}
