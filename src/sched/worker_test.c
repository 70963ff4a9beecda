#include "worker.h"

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

struct pair {
    struct kl_task task;
    struct pair *other;
    long left;
    struct signal_count *done;
    int64_t last;
};

static void ping(struct kl_task *task)
{
    struct pair *pair = (struct pair *)task;
    int64_t now = kl_now();
    CHECK(now >= pair->last);
    pair->last = now;
    pair->other->last = now > pair->other->last ? now : pair->other->last;
    if (pair->left-- == 0) {
        signal_add(pair->done);
    } else {
        kl_sched_wake(&pair->other->task);
    }
}

static void make_pair(struct pair *pair, long rounds, struct signal_count *done)
{
    for (int i = 0; i < 2; i++) {
        pair[i] = (struct pair){
                .task = {.run = ping, .priority = KL_PRIORITY_NORMAL},
                .other = &pair[1 - i],
                .left = rounds,
                .done = done,
        };
    }
}

TEST("two tasks that wake each other stay on one worker, and no thread wakes for them")
{
    start_workers(2);
    struct signal_count done = {0};
    struct pair pair[2];
    make_pair(pair, 200000, &done);
    kl_sched_wake(&pair[0].task);
    signal_wait(&done, 1);
    struct kl_worker_stats a, b;
    CHECK(kl_worker_stats(0, &a));
    CHECK(kl_worker_stats(1, &b));
    CHECK_INT(a.turns + b.turns, 400001);
    // On a busy machine one is helped out now and then whose thread has lost its processor
    // in the midst of a turn; but each turn must not be a gift.
    CHECK(a.given + b.given < 400);
    CHECK(a.parks + b.parks < 400);
    kl_sched_stop();
}

TEST("many pairs finish on two workers, and from wake to wake time never runs backwards")
{
    enum { PAIRS = 200 };
    static struct pair pairs[PAIRS][2];
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

static void meet(void *argument)
{
    // Both arrive only if they run at the same time.
    struct signal_count *arrived = argument;
    signal_add(arrived);
    while (signal_get(arrived) < 2) {
        kl_cpu_relax();
    }
}

struct meeting {
    struct call calls[2];
    struct signal_count arrived;
};

static void start_meeting(void *argument)
{
    struct meeting *meeting = argument;
    call_wake(&meeting->calls[0], meet, &meeting->arrived);
    call_wake(&meeting->calls[1], meet, &meeting->arrived);
}

TEST("of two tasks that a turn has woken an idle worker gets one")
{
    // No watcher: the gift after the turn, or the help before parking, must bring them
    // together. Later on a gift may be held back while wakes have been in vain, so only one
    // pair meets here.
    struct kl_sched_config config = {.workers = 2, .stall_ns = -1};
    CHECK_OK(kl_sched_start(&config));
    if (kl_core.spin_ns == 0) {
        kl_test_skip("one core alone cannot run two tasks at once");
    }
    struct meeting meeting = {0};
    call_and_wait(start_meeting, &meeting);
    signal_wait(&meeting.calls[0].done, 1);
    signal_wait(&meeting.calls[1].done, 1);
    struct kl_worker_stats a, b;
    kl_worker_stats(0, &a);
    kl_worker_stats(1, &b);
    CHECK(a.given + b.given >= 1);
    CHECK_INT(a.taken + b.taken, a.given + b.given);
    kl_sched_stop();
}

struct burst {
    struct call *calls;
    int count;
    struct signal_count arrived;
};

static void start_burst(void *argument)
{
    // The turn itself does not end before its tasks have met: the gift is made within it.
    struct burst *burst = argument;
    for (int i = 0; i < burst->count; i++) {
        call_wake(&burst->calls[i], meet, &burst->arrived);
    }
    while (signal_get(&burst->arrived) == 0) {
        kl_cpu_relax();
    }
    signal_add(&burst->arrived);
}

TEST("a turn that wakes many gives some away before it ends")
{
    enum { COUNT = 100 };
    static struct call calls[COUNT];
    struct kl_sched_config config = {.workers = 2, .stall_ns = -1};
    CHECK_OK(kl_sched_start(&config));
    struct burst burst = {.calls = calls, .count = COUNT};
    call_and_wait(start_burst, &burst);
    for (int i = 0; i < COUNT; i++) {
        signal_wait(&calls[i].done, 1);
    }
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

static void compare_clocks(void *argument)
{
    int64_t began = *(int64_t *)argument;
    CHECK(kl_now_turn() >= began); // kl_now() may be older than the turn
    int64_t now = kl_now_turn();
    CHECK(now <= kl_now_exact());
    while (kl_now_exact() == now) {}
    CHECK_INT(kl_now_turn(), now); // and does not move within it
    CHECK_INT(kl_now(), now);
    *(int64_t *)argument = kl_now_exact();
}

TEST("the time of a turn is never older than the turn, and stands still in it")
{
    start_workers(1);
    int64_t time = kl_now_turn(); // exact outside
    for (int i = 0; i < 1000; i++) {
        call_and_wait(compare_clocks, &time);
    }
    CHECK(kl_now_turn() >= time);
    kl_sched_stop();
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
