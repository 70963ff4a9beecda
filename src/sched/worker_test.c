#include "runner.h"
#include "sched_testing.h"
#include "worker.h"

TEST("many pairs finish on two workers, and from wake to wake time never runs backwards")
{
    enum { PAIRS = 200 };
    static struct ping_pair pairs[PAIRS][2];
    start_workers(2);
    struct signal_count done = {0};
    for (int i = 0; i < PAIRS; i++) {
        make_pair(pairs[i], 1000, &done);
    }
    for (int i = 0; i < PAIRS; i++) {
        kl_sched_wake(&pairs[i][0].task);
    }
    signal_wait(&done, PAIRS);
    kl_sched_stop();
}

struct order {
    struct kl_task tasks[40];
    uint8_t ran[40];
    int count;
    struct signal_count done;
};
static struct order order;

static void note_order(struct kl_task *task)
{
    order.ran[order.count++] = task->priority;
    if (order.count == 40) {
        signal_add(&order.done);
    }
}

static void wake_all_priorities(void *argument)
{
    (void)argument;
    for (int i = 0; i < 40; i++) {
        order.tasks[i] = (struct kl_task){
                .run = note_order, .priority = (uint8_t)(3 - i % 4)};
        kl_sched_wake(&order.tasks[i]);
    }
}

TEST("higher priorities run first, and low tasks are not forgotten")
{
    start_workers(1);
    call_and_wait(wake_all_priorities, NULL);
    signal_wait(&order.done, 1);
    for (int i = 0; i < 10; i++) {
        CHECK_INT(order.ran[i], KL_PRIORITY_MAX);
        CHECK_INT(order.ran[10 + i], KL_PRIORITY_HIGH);
    }
    bool low_before_last_normal = false;
    for (int i = 20; i < 30; i++) {
        low_before_last_normal |= order.ran[i] == KL_PRIORITY_LOW;
    }
    CHECK(low_before_last_normal);
    kl_sched_stop();
}

static struct signal_count after_a_long_turn;

static void come_after(struct kl_task *task)
{
    (void)task;
    signal_add(&after_a_long_turn);
}

// As if this turn had begun 100 s ago; the one after it begins with a look at the clock.
static void take_long(void *argument)
{
    struct kl_worker *worker = kl_runner_self()->worker;
    worker->refreshed -= INT64_C(100000000000);
    worker->refreshed_turns = worker->turns - 1;
    worker->refresh_in = 1;
    kl_sched_wake(argument);
}

TEST("a turn may take more seconds than there are nanoseconds in 32 bits")
{
    start_workers(1);
    struct kl_task next = {.run = come_after};
    call_and_wait(take_long, &next);
    signal_wait(&after_a_long_turn, 1);
    kl_sched_stop();
}
