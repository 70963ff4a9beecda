#include "sched_testing.h"

#include <stdlib.h>

struct alarm {
    struct kl_timer timer;
    struct signal_count fired;
    bool early;
};

static void ring(struct kl_timer *timer)
{
    struct alarm *alarm = (struct alarm *)timer;
    alarm->early |= kl_clock_monotonic() < timer->at;
    signal_add(&alarm->fired);
}

static void arm_in(struct alarm *alarm, int64_t ns)
{
    alarm->timer.fire = ring;
    kl_timer_arm(&alarm->timer, kl_now_exact() + ns);
}

enum { ALARMS = 500 };

static void arm_many(void *argument)
{
    struct alarm *alarms = argument;
    for (int i = 0; i < ALARMS; i++) {
        arm_in(&alarms[i], (int64_t)(kl_random() % 50000000));
    }
}

TEST("timers fire once each, never early, on idle workers")
{
    static struct alarm alarms[ALARMS];
    start_workers(2);
    call_and_wait(arm_many, alarms);
    for (int i = 0; i < ALARMS; i++) {
        signal_wait(&alarms[i].fired, 1);
    }
    CHECK_INT(kl_timer_count(), 0);
    for (int i = 0; i < ALARMS; i++) {
        CHECK_INT(signal_get(&alarms[i].fired), 1);
        CHECK(!alarms[i].early);
        CHECK(!kl_timer_cancel(&alarms[i].timer));
    }
    kl_sched_stop();
}

static void keep_busy(struct kl_task *task)
{
    kl_sched_wake(task);
}

TEST("timers fire between the turns of a busy worker")
{
    static struct alarm alarms[ALARMS];
    start_workers(1);
    struct kl_task busy = {.run = keep_busy, .priority = KL_PRIORITY_NORMAL};
    kl_sched_wake(&busy);
    call_and_wait(arm_many, alarms);
    for (int i = 0; i < ALARMS; i++) {
        signal_wait(&alarms[i].fired, 1);
        CHECK(!alarms[i].early);
    }
    kl_sched_stop();
}

TEST("a timer armed from outside wakes a worker that sleeps longer")
{
    start_workers(1);
    static struct alarm late, soon;
    arm_in(&late, INT64_C(3600000000000));
    for (int i = 0; i < 20; i++) {
        arm_in(&soon, 2000000 - 100000 * i);
        signal_wait(&soon.fired, (uint32_t)i + 1);
        CHECK(!soon.early);
    }
    CHECK_INT(kl_timer_count(), 1);
    CHECK(kl_timer_cancel(&late.timer));
    CHECK(!kl_timer_cancel(&late.timer));
    CHECK_INT(kl_timer_count(), 0);
    kl_sched_stop();
}

struct again {
    struct kl_timer timer;
    int left;
    struct signal_count done;
};

static void fire_again(struct kl_timer *timer)
{
    struct again *again = (struct again *)timer;
    if (again->left-- == 0) {
        signal_add(&again->done);
    } else {
        kl_timer_arm(timer, kl_now() + 1000);
    }
}

TEST("a timer can be armed again while it fires")
{
    static struct again again;
    again.timer.fire = fire_again;
    again.left = 1000;
    start_workers(1);
    kl_timer_arm(&again.timer, 0);
    signal_wait(&again.done, 1);
    kl_sched_stop();
}

static uint32_t cancelled;

static void arm_far_and_near(void *argument)
{
    struct alarm *alarms = argument;
    for (int i = 0; i < ALARMS; i++) {
        arm_in(&alarms[i], i % 2 ? 1000000000 : (int64_t)(kl_random() % 3000000));
    }
}

static void *cancel_all(void *argument)
{
    struct alarm *alarms = argument;
    for (int i = 0; i < ALARMS; i++) {
        if (kl_timer_cancel(&alarms[i].timer)) {
            kl_add_relaxed(&cancelled, 1);
            // It will not fire any more: counted like a firing, to see that there is one
            // of the two.
            signal_add(&alarms[i].fired);
        }
    }
    return NULL;
}

TEST("each timer either fires or is cancelled by one of many threads")
{
    static struct alarm alarms[ALARMS];
    start_workers(2);
    for (int round = 0; round < 10; round++) {
        memset(alarms, 0, sizeof alarms);
        call_and_wait(arm_far_and_near, alarms);
        pthread_t threads[3];
        for (int i = 0; i < 3; i++) {
            threads[i] = start_thread(cancel_all, alarms);
        }
        for (int i = 0; i < 3; i++) {
            pthread_join(threads[i], NULL);
        }
        for (int i = 0; i < ALARMS; i++) {
            signal_wait(&alarms[i].fired, 1);
        }
        CHECK_INT(kl_timer_count(), 0);
    }
    kl_sched_stop();
    for (int i = 0; i < ALARMS; i++) {
        CHECK_INT(signal_get(&alarms[i].fired), 1);
    }
    CHECK(cancelled >= ALARMS / 2);
}

TEST("a stop forgets the timers that are armed")
{
    static struct alarm alarms[ALARMS];
    for (int round = 0; round < 3; round++) {
        start_workers(2);
        for (int i = 0; i < ALARMS; i++) {
            arm_in(&alarms[i], INT64_C(3600000000000) + i);
        }
        CHECK_INT(kl_timer_count(), ALARMS);
        kl_sched_stop();
        for (int i = 0; i < ALARMS; i++) {
            CHECK(!kl_timer_cancel(&alarms[i].timer));
        }
    }
}
