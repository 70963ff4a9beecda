#include "sched/sched_testing.h"

static __attribute__((noinline)) void wait_here(void *argument)
{
    kl_fiber_yield();
    *(int *)argument = 1; // so that the call above is not the last thing
}

static void look(void *argument)
{
    struct kl_stack *stack = kl_stack_acquire(0);
    uintptr_t pc, frame;
    int waited = 0;
    kl_fiber_prepare(stack, wait_here, &waited);
    CHECK_INT(kl_fiber_resume(stack), KL_FIBER_YIELDED);
    *(bool *)argument = kl_stack_parked(stack, &pc, &frame);
    if (*(bool *)argument) {
        // In a build with sanitizers the switch is called by our own yield.
        uintptr_t pcs[8];
        size_t count = kl_symbol_walk(
                pc, frame, (uintptr_t)stack->low, (uintptr_t)stack->high, pcs, 8);
        bool found = false;
        for (size_t i = 0; i < count; i++) {
            uintptr_t start = (uintptr_t)wait_here;
            found |= pcs[i] >= start && pcs[i] < start + 300;
        }
        CHECK(found);
    }
    CHECK_INT(kl_fiber_resume(stack), KL_FIBER_DONE);
    CHECK_INT(waited, 1);
    kl_stack_release(stack);
}

TEST("where a fiber waits can be seen from its stack")
{
    bool known = false;
    start_workers(1);
    call_and_wait(look, &known);
    kl_sched_stop();
    if (!known) {
        kl_test_skip("the C library's switch does not tell");
    }
}
