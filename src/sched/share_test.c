#include "share.h"

#include "sched_testing.h"

#include <sched.h>

TEST("two tasks that wake each other stay on one worker, and no thread wakes for them")
{
    start_workers(2);
    struct signal_count done = {0};
    struct ping_pair pair[2];
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

// No watcher takes tasks from a worker that is held up here. So a gift must bring tasks
// together, and for that somebody must be idle by then.
static void start_two_idle(void)
{
    struct kl_sched_config config = {.workers = 2, .stall_ns = -1};
    CHECK_OK(kl_sched_start(&config));
    while (__atomic_load_n(&kl_idle_set.idle[0], __ATOMIC_SEQ_CST) != 3) {
        sched_yield();
    }
}

TEST("of two tasks that a turn has woken an idle worker gets one")
{
    // Later on a gift may be held back while wakes have been in vain, so only one pair
    // meets here.
    start_two_idle();
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

TEST("newborns stay where they were born if turns are short, others go")
{
    enum { COUNT = 8 };
    static struct kl_task tasks[COUNT];
    struct kl_worker worker = {.usual_ns = 100};
    for (int i = 0; i < COUNT; i++) {
        tasks[i].priority = KL_PRIORITY_NORMAL;
        tasks[i].talk = i == 3 || i == 4 ? KL_NEWBORN : 0;
        kl_runq_push(&worker.runq, &tasks[i]);
    }
    CHECK_INT(kl_share_movable(&worker, 2), 2);
    CHECK_INT(kl_share_movable(&worker, 6), 3);
    tasks[0].talk = KL_NEWBORN;
    CHECK_INT(kl_share_movable(&worker, 6), 0);
    worker.usual_ns = 100000;
    CHECK_INT(kl_share_movable(&worker, 6), 6);
}

static void make_meeting_of_newborns(void *argument)
{
    struct meeting *meeting = argument;
    meeting->calls[0].task.talk = KL_NEWBORN;
    meeting->calls[1].task.talk = KL_NEWBORN;
    start_meeting(meeting);
}

TEST("two newborns that live long get two workers, however short turns have been")
{
    start_workers(2);
    if (kl_core.spin_ns == 0) {
        kl_test_skip("one core alone cannot run two tasks at once");
    }
    struct signal_count done = {0};
    struct ping_pair pair[2];
    make_pair(pair, 10000, &done);
    kl_sched_wake(&pair[0].task);
    signal_wait(&done, 1);
    for (int i = 0; i < 10; i++) {
        struct meeting meeting = {0};
        call_and_wait(make_meeting_of_newborns, &meeting);
        signal_wait(&meeting.calls[0].done, 1);
        signal_wait(&meeting.calls[1].done, 1);
    }
    kl_sched_stop();
}

// Two tasks in their turns, each on a worker of its own.
struct company {
    struct call calls[2];
    struct signal_count arrived, asked;
};

static void ask_for_company(
        struct company *company, const struct kl_task *own, const struct kl_task *other)
{
    struct kl_worker *worker = kl_runner_self()->worker;
    struct kl_worker *target = kl_core.worker[kl_load_relaxed(&other->ran) - 1];
    CHECK(target != worker);
    // Neither measures anything before its turn ends.
    worker->step_ns = 40;
    kl_store_relaxed(&target->step_ns, 40);
    CHECK(kl_share_company(worker, own) == NULL); // that is where it runs
    CHECK(kl_share_company(worker, other) == target);
    worker->step_ns = 1000; // no turns of short messages
    CHECK(kl_share_company(worker, other) == NULL);
    worker->step_ns = 40;
    kl_store_relaxed(&target->step_ns, 1000);
    CHECK(kl_share_company(worker, other) == NULL);
    struct kl_task never = {0};
    CHECK(kl_share_company(worker, &never) == NULL); // has run nowhere
    signal_add(&company->asked);
}

static void ask(void *argument)
{
    struct company *company = argument;
    meet(&company->arrived);
    ask_for_company(company, &company->calls[0].task, &company->calls[1].task);
}

static void be_asked_for(void *argument)
{
    struct company *company = argument;
    meet(&company->arrived);
    while (signal_get(&company->asked) == 0) {
        kl_cpu_relax();
    }
}

static void start_company(void *argument)
{
    struct company *company = argument;
    call_wake(&company->calls[0], ask, company);
    call_wake(&company->calls[1], be_asked_for, company);
}

TEST("a task is in the company of another on the worker where that runs")
{
    start_two_idle();
    if (kl_core.spin_ns == 0) {
        kl_test_skip("one core alone cannot run two tasks at once");
    }
    struct company company = {0};
    call_and_wait(start_company, &company);
    signal_wait(&company.calls[0].done, 1);
    signal_wait(&company.calls[1].done, 1);
    kl_sched_stop();
}

static void be_beside(void *argument)
{
    (void)argument;
}

static void wake_beside(void *argument)
{
    struct call *calls = argument;
    calls[1].task = (struct kl_task){.run = call_run, .priority = KL_PRIORITY_NORMAL};
    calls[1].function = be_beside;
    kl_sched_wake_beside(&calls[1].task, &calls[0].task);
}

TEST("a task that is woken beside another runs, wherever that is")
{
    for (unsigned workers = 1; workers <= 2; workers++) {
        start_workers(workers);
        struct call calls[2] = {0}, again[2] = {0};
        call_wake(&calls[0], wake_beside, calls);
        signal_wait(&calls[1].done, 1);
        signal_wait(&calls[0].done, 1);
        wake_beside(again); // from outside
        signal_wait(&again[1].done, 1);
        kl_sched_stop();
    }
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
    start_two_idle();
    struct burst burst = {.calls = calls, .count = COUNT};
    call_and_wait(start_burst, &burst);
    for (int i = 0; i < COUNT; i++) {
        signal_wait(&calls[i].done, 1);
    }
    kl_sched_stop();
}
