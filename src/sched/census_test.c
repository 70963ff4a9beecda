#include "sched_testing.h"

struct census_use {
    const void *site;
    size_t depth;
};

static void touch_depth(void *argument)
{
    const struct census_use *use = argument;
    *(volatile uint8_t *)(kl_fiber_current()->high - use->depth) = 1;
}

static void use_stacks(void *argument)
{
    for (const struct census_use *use = argument; use->site; use++) {
        struct kl_stack *stack = kl_stack_acquire(0);
        stack->site = use->site;
        kl_fiber_prepare(stack, touch_depth, (void *)(uintptr_t)use);
        CHECK_INT(kl_fiber_resume(stack), KL_FIBER_DONE);
        kl_stack_release(stack);
    }
}

TEST("the census tells how deep the stacks of each site were used")
{
    static const char shallow, deep;
    // A runner measures its first stacks all. They are one and the same stack here: what
    // one use has touched must not be counted for the next.
    struct census_use uses[] = {
            {&shallow, 2000}, {&deep, 40000}, {&shallow, 1000}, {&deep, 20000}, {0}};
    start_workers(1);
    call_and_wait(use_stacks, uses);
    struct kl_stack_census census[4];
    CHECK_INT(kl_stack_census(census, 4), 2);
    CHECK(census[0].site == &deep);
    CHECK_INT(census[0].uses, 2);
    CHECK(census[0].deepest_bytes >= 40000 && census[0].deepest_bytes < 40000 + 8192);
    CHECK(census[1].site == &shallow);
    CHECK_INT(census[1].uses, 2);
    CHECK(census[1].deepest_bytes < 8192);
    CHECK_INT(kl_stack_census(census, 0), 2);
    kl_sched_stop();
    CHECK_INT(kl_stack_census(census, 4), 0);
}
