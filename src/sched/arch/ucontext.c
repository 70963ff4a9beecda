#include "arch.h"

#include <stdlib.h>
#include <ucontext.h>

// The switch for processors that have none in assembly. What stands for a stack pointer
// here is the address of a ucontext_t, which lies on the stack it describes. Each switch
// costs a system call for the signal mask, which nobody here needs.

// What the last switch on this thread has passed on. Not inlined: as everywhere, the thread
// may be another one after a switch.
static __thread unsigned passed __attribute__((tls_model("initial-exec")));

__attribute__((noinline)) static void pass(unsigned value)
{
    passed = value;
    __asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) static unsigned get_passed(void)
{
    __asm__ volatile("" ::: "memory");
    return passed;
}

unsigned kl_arch_switch(void **ret_sp, void *sp, unsigned value)
{
    ucontext_t here;
    *ret_sp = &here;
    pass(value);
    if (swapcontext(&here, sp) != 0) {
        abort(); // it has no failure that could happen here
    }
    return get_passed();
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
    // The chain of frame pointers ends with the stack.
    kl_arch_clear_frame(context);
    return context;
}

// The interrupted state cannot be bent without knowing the processor; the handler is left
// by a jump instead. The context brings its signal mask along, and the alternate stack is
// free again as soon as the stack pointer has left it.
void kl_arch_land(void *context, void *sp, unsigned value)
{
    (void)context;
    pass(value);
    setcontext(sp);
    abort();
}
