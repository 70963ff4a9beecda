#include "sched_testing.h"

static void add_one(void *argument)
{
    kl_add_relaxed((uint32_t *)argument, 1);
}

TEST("figures of a worker tell what it has done")
{
    start_workers(1);
    uint32_t count = 0;
    for (int i = 0; i < 100; i++) {
        call_and_wait(add_one, &count);
    }
    struct kl_worker_stats stats;
    CHECK(!kl_worker_stats(1, &stats));
    CHECK(kl_worker_stats(0, &stats));
    CHECK_INT(stats.turns, 100);
    CHECK(stats.busy_ns > 0);
    CHECK_INT(stats.queued, 0);
    struct kl_sched_stats all;
    kl_sched_stats(&all);
    CHECK_INT(all.workers, 1);
    CHECK_INT(all.spare_threads, 0);
    kl_sched_stop();
    CHECK(!kl_worker_stats(0, &stats));
}

static struct signal_count holding, released;

static void hold(void *argument)
{
    (void)argument;
    signal_add(&holding);
    signal_wait(&released, 1);
}

TEST("figures show the task that runs and how many wait")
{
    struct kl_sched_config config = {.workers = 1, .stall_ns = -1};
    CHECK_OK(kl_sched_start(&config));
    struct call held = {0}, waiting[3] = {0};
    uint32_t count = 0;
    call_wake(&held, hold, NULL);
    signal_wait(&holding, 1);
    for (int i = 0; i < 3; i++) {
        call_wake(&waiting[i], add_one, &count);
    }
    struct kl_worker_stats stats;
    kl_worker_stats(0, &stats);
    CHECK(stats.running == &held.task);
    CHECK(stats.running_ns > 0);
    signal_add(&released);
    for (int i = 0; i < 3; i++) {
        signal_wait(&waiting[i].done, 1);
    }
    kl_sched_stop();
}
