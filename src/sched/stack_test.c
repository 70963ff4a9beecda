#include "stack.h"

#include "sched_testing.h"

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
