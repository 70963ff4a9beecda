#include "slab.h"

#include "fiber.h"
#include "sched_testing.h"
#include "stack.h"

#include <stdio.h>

TEST("the guard is told from the stack itself")
{
    struct kl_stack *stack = kl_stack_acquire(0);
    uintptr_t low = (uintptr_t)stack->low;
    CHECK(kl_stack_is_guard(stack, low - 1));
    CHECK(kl_stack_is_guard(stack, low - kl_slab_guard_bytes()));
    CHECK(!kl_stack_is_guard(stack, low));
    CHECK(!kl_stack_is_guard(stack, low - kl_slab_guard_bytes() - 1));
    CHECK(!kl_stack_is_guard(stack, 0));
    kl_stack_release(stack);
    kl_slab_trim(true);
}

static char logged[1024];

static void keep_log(void *context, enum kl_log_level level, const char *text)
{
    (void)context;
    CHECK_INT(level, KL_LOG_ERROR);
    snprintf(logged, sizeof logged, "%s", text);
}

TEST("on older kernels the log names the limit when there are no more stacks")
{
    enum { MOST = 100000 };
    static struct kl_stack *stacks[MOST];
    if (kl_annotate_watched()) {
        kl_test_skip("who watches the memory needs mappings too");
    }
    kl_guard_use_mappings();
    kl_log_sink_set(keep_log, NULL);
    FILE *limit = fopen("/proc/sys/vm/max_map_count", "r");
    int most = 0;
    if (!limit || fscanf(limit, "%d", &most) != 1 || most > MOST) {
        kl_test_skip("no limit on mappings, or a very high one");
    }
    fclose(limit);
    int count = 0;
    while (count < MOST && (stacks[count] = kl_stack_acquire(4096))) {
        count++;
    }
    CHECK(count > most / 2 - 1000 && count < most);
    CHECK(strstr(logged, "vm.max_map_count"));
    // What was given is good, and so is what comes back.
    kl_stack_release(stacks[--count]);
    stacks[count] = kl_stack_acquire(4096);
    CHECK(stacks[count]);
    stacks[count]->low[0] = 1;
    for (; count >= 0; count--) {
        kl_stack_release(stacks[count]);
    }
    kl_slab_trim(true);
    struct kl_sched_stats stats;
    kl_sched_stats(&stats);
    CHECK_INT(stats.stacks, 0);
    CHECK_INT(stats.stack_bytes_mapped, 0);
}
