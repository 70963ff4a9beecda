#include "fiber.h"

// Sanitizers keep a shadow of each stack, so they must know where every switch goes.
// What AddressSanitizer hands out, its fake stack, lies in the stack's record and, for the
// thread's own stack, in the runner. ThreadSanitizer is told nothing, so that it sees the
// threads as they are (docs/decisions/0006).

#if KL_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define HAS_VALGRIND 1
#endif
#endif
#ifndef HAS_VALGRIND
#define HAS_VALGRIND 0
#endif

void kl_annotate_new(struct kl_stack *stack)
{
    (void)stack;
#if HAS_VALGRIND
    stack->valgrind = (uint32_t)VALGRIND_STACK_REGISTER(stack->low, stack->high);
#endif
}

void kl_annotate_delete(struct kl_stack *stack)
{
    (void)stack;
#if HAS_VALGRIND
    VALGRIND_STACK_DEREGISTER(stack->valgrind);
#endif
}

void kl_annotate_prepare(struct kl_stack *stack)
{
    stack->fake_stack = NULL; // an abandoned fiber may have left its fake stack there
}

void kl_annotate_done(struct kl_stack *stack)
{
    // Frames that were left without returning still have their red zones.
    kl_unpoison(stack->low, (size_t)(stack->high - stack->low));
}

void kl_annotate_enter(struct kl_runner *runner, struct kl_stack *stack)
{
    (void)runner;
    (void)stack;
#if KL_ASAN
    __sanitizer_start_switch_fiber(
            &runner->host_fake, stack->low, (size_t)(stack->high - stack->low));
#endif
}

void kl_annotate_entered(struct kl_runner *runner, struct kl_stack *stack)
{
    (void)runner;
    (void)stack;
#if KL_ASAN
    void *fake = stack->fake_stack;
    stack->fake_stack = NULL;
    // What it came from is the runner's own stack, or that of another fiber.
    const void *low;
    size_t bytes;
    __sanitizer_finish_switch_fiber(fake, &low, &bytes);
    if (!runner->crossed) {
        runner->host_low = low;
        runner->host_bytes = bytes;
    }
    runner->crossed = false;
#endif
}

void kl_annotate_cross(struct kl_runner *runner, struct kl_stack *from, struct kl_stack *to)
{
    (void)runner;
    (void)from;
    (void)to;
#if KL_ASAN
    runner->crossed = true;
    __sanitizer_start_switch_fiber(
            &from->fake_stack, to->low, (size_t)(to->high - to->low));
#endif
}

void kl_annotate_exit(struct kl_runner *runner, struct kl_stack *stack, bool for_good)
{
    (void)runner;
    (void)stack;
    (void)for_good;
#if KL_ASAN
    // Without a place for the fake stack it is freed.
    __sanitizer_start_switch_fiber(
            for_good ? NULL : &stack->fake_stack, runner->host_low, runner->host_bytes);
#endif
}

void kl_annotate_exited(struct kl_runner *runner)
{
    (void)runner;
#if KL_ASAN
    __sanitizer_finish_switch_fiber(runner->host_fake, NULL, NULL);
#endif
}

void kl_annotate_landed(struct kl_runner *runner)
{
    (void)runner;
#if KL_ASAN
    // What the fiber did not say: it is gone for good.
    __sanitizer_start_switch_fiber(NULL, runner->host_low, runner->host_bytes);
#endif
    kl_annotate_exited(runner);
}

void kl_annotate_known(void *memory, size_t bytes)
{
    (void)memory;
    (void)bytes;
#if HAS_VALGRIND
    VALGRIND_MAKE_MEM_DEFINED(memory, bytes);
#endif
}

bool kl_annotate_watched(void)
{
#if HAS_VALGRIND
    if (RUNNING_ON_VALGRIND) {
        return true;
    }
#endif
    return KL_ASAN || KL_TSAN;
}
