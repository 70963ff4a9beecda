#include "runq.h"

#include "testing/harness.h"

static void push(struct kl_runq *queue, struct kl_task *task, uint8_t priority)
{
    task->priority = priority;
    kl_runq_push(queue, task);
}

TEST("tasks of one priority run in the order in which they came")
{
    struct kl_runq queue = {0};
    struct kl_task tasks[100];
    for (int i = 0; i < 100; i++) {
        push(&queue, &tasks[i], KL_PRIORITY_NORMAL);
        CHECK_INT(queue.queued, i + 1);
    }
    for (int i = 0; i < 100; i++) {
        CHECK(kl_runq_pop(&queue) == &tasks[i]);
    }
    CHECK(kl_runq_pop(&queue) == NULL);
    CHECK_INT(queue.queued, 0);
}

TEST("max goes before high, and high before normal and low")
{
    struct kl_runq queue = {0};
    struct kl_task low, normal, high, max;
    push(&queue, &low, KL_PRIORITY_LOW);
    push(&queue, &normal, KL_PRIORITY_NORMAL);
    push(&queue, &high, KL_PRIORITY_HIGH);
    push(&queue, &max, KL_PRIORITY_MAX);
    CHECK(kl_runq_pop(&queue) == &max);
    CHECK(kl_runq_pop(&queue) == &high);
    CHECK(kl_runq_pop(&queue) == &normal);
    CHECK(kl_runq_pop(&queue) == &low);
    CHECK(kl_runq_pop(&queue) == NULL);
}

TEST("a low task gets one turn in eight while normal ones wait")
{
    struct kl_runq queue = {0};
    struct kl_task normal[64], low[64];
    for (int i = 0; i < 64; i++) {
        push(&queue, &normal[i], KL_PRIORITY_NORMAL);
        push(&queue, &low[i], KL_PRIORITY_LOW);
    }
    int low_turns = 0;
    for (int turn = 1; turn <= 64; turn++) {
        low_turns += kl_runq_pop(&queue)->priority == KL_PRIORITY_LOW;
        CHECK_INT(low_turns, turn / KL_RUNQ_LOW_SHARE);
    }
}

TEST("a task can be taken from any place of its queue")
{
    enum { COUNT = 5 };
    for (size_t place = 0; place < COUNT; place++) {
        struct kl_runq queue = {0};
        struct kl_task tasks[COUNT], last;
        for (int i = 0; i < COUNT; i++) {
            push(&queue, &tasks[i], KL_PRIORITY_HIGH);
        }
        CHECK_INT(kl_runq_count(&queue, KL_PRIORITY_HIGH, 3), 3);
        CHECK_INT(kl_runq_count(&queue, KL_PRIORITY_HIGH, 100), COUNT);
        CHECK_INT(kl_runq_count(&queue, KL_PRIORITY_LOW, 100), 0);
        CHECK(kl_runq_pop_at(&queue, KL_PRIORITY_HIGH, place) == &tasks[place]);
        push(&queue, &last, KL_PRIORITY_HIGH); // the tail is right even if it was taken
        for (size_t i = 0; i < COUNT; i++) {
            CHECK(i == place || kl_runq_pop(&queue) == &tasks[i]);
        }
        CHECK(kl_runq_pop(&queue) == &last);
        CHECK_INT(queue.occupied, 0);
    }
}

TEST("a task that only expects something is queued, but not ready")
{
    struct kl_runq queue = {.home = 7};
    struct kl_task server, client;
    push(&queue, &server, KL_PRIORITY_NORMAL);
    client.priority = KL_PRIORITY_NORMAL;
    kl_runq_push_expecting(&queue, &client);
    CHECK_INT(queue.queued, 2);
    CHECK_INT(kl_runq_ready(&queue), 1);
    CHECK_INT(client.home, 7);
    CHECK(kl_runq_pop_at(&queue, KL_PRIORITY_NORMAL, 1) == &client);
    CHECK_INT(kl_runq_ready(&queue), 1);
    CHECK(!kl_task_is_queued(&client));
    CHECK(kl_runq_pop(&queue) == &server);
    CHECK_INT(kl_runq_ready(&queue), 0);
}

TEST("a task that is moved to another queue is at home there")
{
    struct kl_runq from = {.home = 1}, to = {.home = 2};
    struct kl_task task = {.priority = KL_PRIORITY_NORMAL};
    kl_runq_push_expecting(&from, &task);
    kl_runq_move(&from, &to, 1);
    CHECK_INT(task.home, 2);
    CHECK_INT(from.expecting, 0);
    CHECK_INT(kl_runq_ready(&to), 1);
}
