#include "sched_testing.h"

#include <stdlib.h>

static void add_one(void *argument)
{
    kl_add_relaxed((uint32_t *)argument, 1);
}

TEST("a task woken from outside runs once, on a worker, with nothing held back")
{
    start_workers(2);
    uint32_t count = 0;
    for (int i = 0; i < 1000; i++) {
        call_and_wait(add_one, &count);
    }
    CHECK_INT(count, 1000);
    kl_sched_stop();
}

static void *wake_many(void *argument)
{
    struct call *calls = calloc(1000, sizeof *calls);
    for (int i = 0; i < 1000; i++) {
        call_wake(&calls[i], add_one, argument);
        if (i % 100 == 99) {
            for (int k = i - 99; k <= i; k++) {
                signal_wait(&calls[k].done, 1);
            }
        }
    }
    free(calls);
    return NULL;
}

TEST("wakes from many threads at once are all heard")
{
    start_workers(3);
    uint32_t count = 0;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        threads[i] = start_thread(wake_many, &count);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK_INT(count, 4000);
    kl_sched_stop();
}

static void check_itself(void *argument)
{
    struct call *call = argument;
    CHECK(kl_task_current() == &call->task);
    CHECK_INT(kl_worker_current(), 0);
}

TEST("a task can ask who it is and where")
{
    start_workers(1);
    CHECK(kl_task_current() == NULL);
    CHECK_INT(kl_worker_current(), -1);
    struct call call = {0};
    call_wake(&call, check_itself, &call);
    signal_wait(&call.done, 1);
    CHECK(kl_task_current() == NULL);
    kl_sched_stop();
}

// --- tasks that wait in the queue of who asks ---

static void hold_another(void *argument)
{
    uint32_t *count = argument;
    struct kl_hold hold;
    static struct call other; // it runs after this turn
    memset(&other, 0, sizeof other);
    CHECK(!kl_sched_hold(&other.task, &hold));
    call_wake(&other, add_one, count);
    CHECK(kl_task_is_queued(&other.task));
    CHECK(kl_sched_hold(&other.task, &hold));
    kl_sched_let_go(&hold);
    CHECK_INT(*count, 0);
    CHECK(!kl_sched_hold(kl_task_current(), &hold)); // it runs, so it is in no queue
}

TEST("a task can hold one that waits behind it on its worker, and no other one")
{
    start_workers(1);
    uint32_t count = 0;
    call_and_wait(hold_another, &count);
    call_and_wait(add_one, &count);
    CHECK_INT(kl_load_acquire(&count), 2);
    struct call outside = {0};
    struct kl_hold hold;
    CHECK(!kl_sched_hold(&outside.task, &hold));
    kl_sched_stop();
}

static void hold_next(void *argument)
{
    uint32_t *count = argument;
    static struct call others[3]; // they run after this turn
    struct kl_task *next[4];
    struct kl_hold hold;
    CHECK_INT(kl_sched_hold_next(next, 4, &hold), 0);
    memset(others, 0, sizeof others);
    for (int i = 0; i < 3; i++) {
        call_wake(&others[i], add_one, count);
    }
    CHECK_INT(kl_sched_hold_next(next, 2, &hold), 2);
    kl_sched_let_go(&hold);
    CHECK_INT(kl_sched_hold_next(next, 4, &hold), 3);
    for (int i = 0; i < 3; i++) {
        CHECK(next[i] == &others[i].task);
    }
    kl_sched_let_go(&hold);
    CHECK_INT(*count, 0);
}

TEST("a task can hold those that come next on its worker")
{
    struct kl_task *next[1];
    struct kl_hold hold;
    start_workers(1);
    CHECK_INT(kl_sched_hold_next(next, 1, &hold), 0); // here is no worker
    uint32_t count = 0;
    call_and_wait(hold_next, &count);
    call_and_wait(add_one, &count);
    CHECK_INT(kl_load_acquire(&count), 4);
    kl_sched_stop();
}

// A task that asks another one for something and waits its turn.
struct asking {
    struct kl_task task;
    struct call server;
    uint32_t answered;
    int turns;
    struct signal_count done;
};

static void ask_and_wait(struct kl_task *task)
{
    struct asking *asking = (struct asking *)task;
    if (asking->turns++ == 0) {
        call_wake(&asking->server, add_one, &asking->answered);
        kl_sched_wait_turn(task);
        return;
    }
    CHECK_INT(asking->answered, 1);
    signal_add(&asking->done);
}

TEST("a task that waits its turn runs after what it has woken")
{
    start_workers(1);
    struct asking asking = {.task = {.run = ask_and_wait, .priority = KL_PRIORITY_NORMAL}};
    kl_sched_wake(&asking.task);
    signal_wait(&asking.done, 1);
    CHECK_INT(asking.turns, 2);
    kl_sched_stop();
}
