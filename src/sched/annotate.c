#include "fiber.h"

// Sanitizers keep a shadow of each stack, so they must know where every switch goes.
// What they hand out lies in the stack's record (sanitizer[0]: AddressSanitizer's fake
// stack, sanitizer[1]: ThreadSanitizer's fiber) and, for the thread's own stack, in the
// runner.

#if KL_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#if KL_TSAN
#include <sanitizer/tsan_interface.h>
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

// ThreadSanitizer counts the entries and exits of functions on each fiber's shadow stack. A
// function that changes fibers in between must not be counted: it would leave one that it
// has not entered. The attribute that stops this has two names.
#if defined(__has_attribute)
#if __has_attribute(disable_sanitizer_instrumentation)
#define UNCOUNTED __attribute__((disable_sanitizer_instrumentation))
#endif
#endif
#ifndef UNCOUNTED
#define UNCOUNTED __attribute__((no_sanitize("thread")))
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
    stack->sanitizer[0] = NULL; // an abandoned fiber may have left its fake stack there
#if KL_TSAN
    stack->sanitizer[1] = __tsan_create_fiber(0);
#endif
}

void kl_annotate_done(struct kl_stack *stack)
{
    // Frames that were left without returning still have their red zones.
    kl_unpoison(stack->low, (size_t)(stack->high - stack->low));
#if KL_TSAN
    if (stack->sanitizer[1]) { // or it has ended before it is abandoned
        __tsan_destroy_fiber(stack->sanitizer[1]);
        stack->sanitizer[1] = NULL;
    }
#endif
}

UNCOUNTED void kl_annotate_enter(struct kl_runner *runner, struct kl_stack *stack)
{
    (void)runner;
    (void)stack;
#if KL_ASAN
    __sanitizer_start_switch_fiber(
            &runner->host_fake, stack->low, (size_t)(stack->high - stack->low));
#endif
#if KL_TSAN
    runner->host_fiber = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(stack->sanitizer[1], 0);
#endif
}

void kl_annotate_entered(struct kl_runner *runner, struct kl_stack *stack)
{
    (void)runner;
    (void)stack;
#if KL_ASAN
    void *fake = stack->sanitizer[0];
    stack->sanitizer[0] = NULL;
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

UNCOUNTED void kl_annotate_cross(
        struct kl_runner *runner, struct kl_stack *from, struct kl_stack *to)
{
    (void)runner;
    (void)from;
    (void)to;
#if KL_ASAN
    runner->crossed = true;
    __sanitizer_start_switch_fiber(
            &from->sanitizer[0], to->low, (size_t)(to->high - to->low));
#endif
#if KL_TSAN
    __tsan_switch_to_fiber(to->sanitizer[1], 0);
#endif
}

UNCOUNTED void kl_annotate_exit(
        struct kl_runner *runner, struct kl_stack *stack, bool for_good)
{
    (void)runner;
    (void)stack;
    (void)for_good;
#if KL_ASAN
    // Without a place for the fake stack it is freed.
    __sanitizer_start_switch_fiber(
            for_good ? NULL : &stack->sanitizer[0], runner->host_low, runner->host_bytes);
#endif
#if KL_TSAN
    __tsan_switch_to_fiber(runner->host_fiber, 0);
#endif
}

void kl_annotate_exited(struct kl_runner *runner)
{
    (void)runner;
#if KL_ASAN
    __sanitizer_finish_switch_fiber(runner->host_fake, NULL, NULL);
#endif
}

UNCOUNTED void kl_annotate_landed(struct kl_runner *runner)
{
    (void)runner;
#if KL_ASAN
    // What the fiber did not say: it is gone for good.
    __sanitizer_start_switch_fiber(NULL, runner->host_low, runner->host_bytes);
#endif
#if KL_TSAN
    __tsan_switch_to_fiber(runner->host_fiber, 0);
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
    return KL_ANNOTATED;
}
