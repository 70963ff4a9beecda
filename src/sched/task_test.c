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
