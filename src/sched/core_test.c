#include "core.h"

#include "sched_testing.h"

static void add_one(void *argument)
{
    kl_add_relaxed((uint32_t *)argument, 1);
}

TEST("the runtime starts and stops many times and leaves nothing behind")
{
    uint32_t count = 0;
    for (unsigned i = 0; i < 50; i++) {
        CHECK(!kl_sched_running());
        start_workers(1 + i % 4);
        CHECK(kl_sched_running());
        struct kl_sched_config config = {.workers = 1};
        CHECK_INT(kl_sched_start(&config), KEEL_E_RUNNING);
        call_and_wait(add_one, &count);
        kl_sched_stop();
        kl_sched_stop(); // a second time does nothing
    }
    CHECK_INT(count, 50);
    struct kl_sched_stats stats;
    kl_sched_stats(&stats);
    CHECK_INT(stats.stacks + stats.timers + stats.workers + stats.blocking_threads, 0);
}

static void wake_itself(struct kl_task *task)
{
    kl_sched_wake(task);
}

TEST("a stop forgets the tasks that are queued")
{
    for (int i = 0; i < 20; i++) {
        start_workers(2);
        struct kl_task forever = {.run = wake_itself, .priority = KL_PRIORITY_NORMAL};
        kl_sched_wake(&forever);
        kl_sched_stop();
        kl_sched_wake(&forever); // not running: nothing happens
    }
    start_workers(1);
    uint32_t count = 0;
    call_and_wait(add_one, &count); // and nothing of it is left now
    struct kl_worker_stats stats;
    kl_worker_stats(0, &stats);
    CHECK_INT(stats.turns, 1);
    kl_sched_stop();
}

TEST("a configuration that cannot be is refused")
{
    struct kl_sched_config config = {.workers = KL_WORKERS_MAX + 1};
    CHECK_INT(kl_sched_start(&config), KEEL_E_BADARG);
    config = (struct kl_sched_config){.workers = 1, .stack_bytes = SIZE_MAX};
    CHECK_INT(kl_sched_start(&config), KEEL_E_BADARG);
    CHECK(!kl_sched_running());
}
