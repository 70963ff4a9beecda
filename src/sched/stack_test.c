#include "stack.h"

#include "fiber.h"
#include "sched_testing.h"
#include "slab.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

// The pages of memory that a stack of the default size has; its record may be gone.
static size_t resident_pages(uint8_t *low)
{
    unsigned char there[4096];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (64 << 10) / page + 1;
    CHECK_INT(mincore(low, pages * page, there), 0);
    size_t count = 0;
    for (size_t i = 0; i < pages; i++) {
        count += there[i] & 1;
    }
    return count;
}

TEST("a stack has the usable bytes that were asked for, and scratch memory beside them")
{
    for (size_t bytes = 1; bytes <= 4 << 20; bytes *= 7) {
        struct kl_stack *stack = kl_stack_acquire(bytes);
        CHECK(stack);
        CHECK((size_t)(stack->high - stack->low) >= bytes);
        CHECK(stack->scratch_bytes >= 1024);
        CHECK((uintptr_t)stack->high % 16 == 0);
        memset(stack->low, 1, (size_t)(stack->high - stack->low));
        memset(stack->scratch, 2, stack->scratch_bytes);
        CHECK((uint8_t *)stack->scratch >= stack->high);
        kl_stack_release(stack);
    }
    CHECK(kl_stack_acquire(SIZE_MAX / 2) == NULL);
    kl_slab_trim(true);
}

TEST("many stacks are distinct, and used again after they were released")
{
    enum { COUNT = 2000 };
    static struct kl_stack *stacks[COUNT];
    struct kl_sched_stats before, during, after;
    kl_sched_stats(&before);
    for (int i = 0; i < COUNT; i++) {
        stacks[i] = kl_stack_acquire(0);
        CHECK(stacks[i]);
        stacks[i]->owner = &stacks[i];
        stacks[i]->low[0] = 1;
    }
    for (int i = 0; i < COUNT; i++) {
        CHECK(stacks[i]->owner == &stacks[i]);
    }
    kl_sched_stats(&during);
    CHECK(during.stacks >= before.stacks + COUNT);
    for (int i = 0; i < COUNT; i++) {
        kl_stack_release(stacks[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        stacks[i] = kl_stack_acquire(0);
    }
    kl_sched_stats(&after);
    CHECK_INT(after.stacks, during.stacks);
    for (int i = 0; i < COUNT; i++) {
        kl_stack_release(stacks[i]);
    }
    kl_slab_trim(true);
    kl_sched_stats(&after);
    CHECK_INT(after.stacks, 0);
    CHECK_INT(after.stacks_idle, 0);
    CHECK_INT(after.stack_bytes_mapped, 0);
}

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

TEST("idle stacks give their pages back, but not at once")
{
    enum { COUNT = 400, KEPT = 64 };
    static struct kl_stack *stacks[COUNT];
    static uint8_t *lows[COUNT];
    for (int i = 0; i < COUNT; i++) {
        stacks[i] = kl_stack_acquire(0);
        lows[i] = stacks[i]->low;
        memset(lows[i], 1, 32 << 10);
    }
    // One in three stays in use, so that no slab becomes free as a whole.
    for (int i = 0; i < COUNT; i++) {
        if (i % 3) {
            kl_stack_release(stacks[i]);
        }
    }
    CHECK(kl_slab_wants_trim());
    kl_slab_trim(false);
    for (int i = 0; i < COUNT; i++) {
        CHECK(i % 3 == 0 || resident_pages(lows[i]) >= 8);
    }
    for (int i = 0; i < 100 && kl_slab_wants_trim(); i++) {
        kl_slab_trim(false);
    }
    int kept = 0;
    for (int i = 0; i < COUNT; i++) {
        if (i % 3) {
            kept += resident_pages(lows[i]) > 0;
        } else {
            CHECK(resident_pages(lows[i]) >= 8);
            CHECK(stacks[i]->low[1000] == 1);
        }
    }
    CHECK_INT(kept, KEPT);
    // What was given back is as good as new.
    for (int i = 0; i < COUNT; i++) {
        if (i % 3) {
            stacks[i] = kl_stack_acquire(0);
            CHECK(stacks[i]->high - stacks[i]->low >= 64 << 10);
            stacks[i]->low[0] = 1;
        }
    }
    for (int i = 0; i < COUNT; i++) {
        kl_stack_release(stacks[i]);
    }
    kl_slab_trim(true);
}

TEST("slabs that nobody uses are unmapped after a while, all but a reserve")
{
    enum { COUNT = 1500 };
    static struct kl_stack *stacks[COUNT];
    struct kl_sched_stats stats;
    for (int i = 0; i < COUNT; i++) {
        stacks[i] = kl_stack_acquire(0);
    }
    kl_sched_stats(&stats);
    size_t mapped = stats.stack_bytes_mapped;
    for (int i = 0; i < COUNT; i++) {
        kl_stack_release(stacks[i]);
    }
    kl_slab_trim(false);
    kl_sched_stats(&stats);
    CHECK_INT(stats.stack_bytes_mapped, mapped);
    for (int i = 0; i < 100 && kl_slab_wants_trim(); i++) {
        kl_slab_trim(false);
    }
    kl_sched_stats(&stats);
    CHECK(stats.stack_bytes_mapped > 0);
    CHECK(stats.stack_bytes_mapped <= mapped / 3);
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

static void *churn(void *argument)
{
    uint64_t random = (uintptr_t)argument;
    struct kl_stack *held[100] = {NULL};
    for (int i = 0; i < 20000; i++) {
        struct kl_stack **place = &held[kl_random_next(&random) % 100];
        if (*place) {
            CHECK((*place)->owner == place);
            kl_stack_release(*place);
            *place = NULL;
        } else {
            *place = kl_stack_acquire(kl_random_next(&random) % 8 ? 0 : 200000);
            (*place)->owner = place;
        }
    }
    for (int i = 0; i < 100; i++) {
        if (held[i]) {
            kl_stack_release(held[i]);
        }
    }
    return NULL;
}

TEST("threads take and give stacks at once, while memory is given back")
{
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++) {
        threads[i] = start_thread(churn, (void *)(i + 1));
    }
    for (int i = 0; i < 200; i++) {
        kl_slab_trim(i % 2);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    kl_slab_trim(true);
    struct kl_sched_stats stats;
    kl_sched_stats(&stats);
    CHECK_INT(stats.stacks, 0);
}

static void churn_in_task(void *argument)
{
    churn(argument);
}

TEST("workers give the stacks in their caches back when they end")
{
    start_workers(2);
    struct call calls[4] = {0};
    for (uintptr_t i = 0; i < 4; i++) {
        call_wake(&calls[i], churn_in_task, (void *)(i + 1));
    }
    for (int i = 0; i < 4; i++) {
        signal_wait(&calls[i].done, 1);
    }
    struct kl_sched_stats stats;
    kl_sched_stats(&stats);
    CHECK_INT(stats.stacks_idle, stats.stacks);
    CHECK(stats.stacks > 0);
    kl_sched_stop();
    kl_sched_stats(&stats);
    CHECK_INT(stats.stacks, 0);
}

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
