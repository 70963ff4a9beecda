#include "seize.h"

#include "sched_testing.h"

#include <unistd.h>

static void add_one(void *argument)
{
    kl_add_relaxed((uint32_t *)argument, 1);
}

TEST("what waits behind a stuck task is run by a spare thread")
{
    start_impatient(1, 4);
    for (int round = 0; round < 10; round++) {
        struct stuck stuck = {0};
        uint32_t count = 0;
        get_stuck(&stuck);
        for (int i = 0; i < 20; i++) {
            call_and_wait(add_one, &count); // never ends unless the worker goes on
        }
        CHECK_INT(count, 20);
        let_go(&stuck);
    }
    struct kl_worker_stats stats;
    kl_worker_stats(0, &stats);
    CHECK(stats.stuck >= 10); // more when this machine has left a turn standing
    CHECK_INT(stats.turns, 10 * 21);
    struct kl_sched_stats all;
    kl_sched_stats(&all);
    CHECK(all.spare_threads >= 1 && all.spare_threads <= 4);
    kl_sched_stop();
}

static struct signal_count timer_fired;

static void note_firing(struct kl_timer *timer)
{
    (void)timer;
    signal_add(&timer_fired);
}

static void arm_and_stay(void *argument)
{
    static struct kl_timer timer = {.fire = note_firing};
    kl_timer_arm(&timer, kl_now() + 5000000);
    stay(argument);
}

TEST("the timers of a stuck worker fire")
{
    start_impatient(1, 1);
    struct stuck stuck = {0};
    call_wake(&stuck.call, arm_and_stay, &stuck);
    signal_wait(&timer_fired, 1);
    CHECK_INT(signal_get(&stuck.call.done), 0);
    let_go(&stuck);
    kl_sched_stop();
}

static struct signal_count pipe_ready;

static void note_ready(struct kl_watch *watch)
{
    CHECK(watch->revents & KL_POLL_IN);
    signal_add(&pipe_ready);
}

TEST("descriptors are looked after while all workers are stuck")
{
    start_impatient(2, 2);
    struct stuck stuck[2] = {0};
    get_stuck(&stuck[0]);
    get_stuck(&stuck[1]);
    int ends[2];
    CHECK_INT(pipe(ends), 0);
    struct kl_watch watch = {.fd = ends[0], .events = KL_POLL_IN, .ready = note_ready};
    CHECK_OK(kl_poll_watch(&watch));
    CHECK_INT(write(ends[1], "x", 1), 1);
    signal_wait(&pipe_ready, 1);
    let_go(&stuck[0]);
    let_go(&stuck[1]);
    kl_sched_stop();
}

struct lost_work {
    struct stuck *stuck;
    struct call woken;
    uint32_t count;
    struct kl_timer timer;
    struct fiber_task fiber;
};

static void wait_until_lost(void)
{
    while (kl_worker_current() != -1) {
        kl_cpu_relax();
    }
}

// Does everything that a task can do, on a thread that has lost its worker.
static void work_on_lost_thread(void *argument)
{
    struct lost_work *work = argument;
    struct kl_task *self = kl_task_current();
    int64_t before = kl_now();
    wait_until_lost();
    CHECK(kl_task_current() == self);
    CHECK(kl_now() >= before);
    CHECK(kl_now_exact() - kl_now() < 1000000000);
    kl_random();
    call_wake(&work->woken, add_one, &work->count);
    signal_wait(&work->woken.done, 1); // another thread runs it
    work->timer.fire = note_firing;
    kl_timer_arm(&work->timer, kl_now() + INT64_C(3600000000000));
    CHECK(kl_timer_cancel(&work->timer));
    kl_timer_arm(&work->timer, kl_now());
    struct kl_stack *stack = kl_stack_acquire(0);
    CHECK(stack);
    kl_stack_release(stack);
}

static void lose_and_work(void *argument)
{
    struct lost_work *work = argument;
    work_on_lost_thread(work);
    // Goes on wherever the task is woken next, on a thread that has its worker.
    work->fiber.again = true;
    kl_fiber_yield();
    CHECK(kl_task_current() == &work->fiber.task);
}

TEST("a thread that has lost its worker can do all that a task does, and its fiber goes on")
{
    start_impatient(1, 2);
    for (int round = 0; round < 5; round++) {
        timer_fired = (struct signal_count){0};
        struct lost_work work = {.fiber = {.body = lose_and_work}};
        struct call behind = {0};
        uint32_t count = 0;
        work.fiber.argument = &work;
        fiber_task_wake(&work.fiber);
        call_wake(&behind, add_one, &count); // a reason to take the worker
        signal_wait(&behind.done, 1);
        signal_wait(&work.fiber.done, 1);
        CHECK_INT(work.fiber.end, KL_FIBER_DONE);
        signal_wait(&timer_fired, 1);
        CHECK_INT(work.count, 1);
    }
    kl_sched_stop();
}

TEST("no more spare threads are started than allowed")
{
    start_impatient(1, 2);
    struct stuck stuck[4] = {0};
    uint32_t count = 0;
    for (int i = 0; i < 3; i++) {
        get_stuck(&stuck[i]); // the second and third run on spares
    }
    struct kl_sched_stats stats;
    kl_sched_stats(&stats);
    CHECK_INT(stats.spare_threads, 2);
    // Now nobody is left: what comes waits until one is let go.
    struct call waiting = {0};
    call_wake(&waiting, add_one, &count);
    let_go(&stuck[2]);
    signal_wait(&waiting.done, 1);
    let_go(&stuck[0]);
    let_go(&stuck[1]);
    kl_sched_stats(&stats);
    CHECK_INT(stats.spare_threads, 2);
    kl_sched_stop();
}

struct lingering {
    struct kl_task task;
    int left;
    struct signal_count done;
};

static void linger(struct kl_task *task)
{
    // Around the time after which a turn is stuck, so that seizures come at every moment.
    struct lingering *lingering = (struct lingering *)task;
    int64_t until = kl_now_exact() + (int64_t)(kl_random() % 400000);
    while (kl_now_exact() < until) {
        kl_cpu_relax();
    }
    if (--lingering->left > 0) {
        kl_sched_wake(task); // last: another thread may run it at once
    } else {
        signal_add(&lingering->done);
    }
}

TEST("workers are taken over and back at every moment, and no wake is lost")
{
    enum { TASKS = 16, TURNS = 100 };
    struct kl_sched_config config = {.workers = 2, .stall_ns = 100000, .spare_threads = 4};
    CHECK_OK(kl_sched_start(&config));
    static struct lingering tasks[TASKS];
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = (struct lingering){
                .task = {.run = linger, .priority = KL_PRIORITY_NORMAL}, .left = TURNS};
        kl_sched_wake(&tasks[i].task);
    }
    for (int i = 0; i < TASKS; i++) {
        signal_wait(&tasks[i].done, 1);
    }
    struct kl_worker_stats a, b;
    kl_worker_stats(0, &a);
    kl_worker_stats(1, &b);
    CHECK_INT(a.turns + b.turns, TASKS * TURNS);
    kl_sched_stop();
}

// --- half of a queue ---

TEST("half of what waits behind a long turn can be taken, and the rest stays in order")
{
    struct kl_sched_config config = {.workers = 1, .stall_ns = -1};
    CHECK_OK(kl_sched_start(&config));
    struct stuck stuck = {0};
    get_stuck(&stuck);
    struct call waiting[5] = {0};
    uint32_t count = 0;
    for (int i = 0; i < 5; i++) {
        call_wake(&waiting[i], add_one, &count);
    }
    static struct kl_worker thief;
    struct kl_worker *worker = kl_core.worker[0];
    CHECK(!kl_seize_half(worker, worker->turns + 1, &thief));
    CHECK(kl_seize_half(worker, worker->turns, &thief));
    CHECK_INT(thief.runq.queued, 3);
    for (int i = 0; i < 3; i++) {
        CHECK(kl_runq_pop(&thief.runq) == &waiting[i].task);
    }
    CHECK_INT(count, 0);
    let_go(&stuck);
    signal_wait(&waiting[4].done, 1);
    CHECK_INT(count, 2);
    CHECK(!kl_seize_half(worker, worker->turns, &thief));
    kl_sched_stop();
}
