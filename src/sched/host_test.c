#include "host.h"

#include "sched_testing.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

// A foreign loop: this thread is the host's.

static void start_foreign(void)
{
    struct kl_sched_config config = {.workers = 0};
    CHECK_OK(kl_sched_start(&config));
}

static bool is_readable(int timeout_ms)
{
    struct pollfd fd = {.fd = kl_sched_fd(), .events = POLLIN};
    int count = poll(&fd, 1, timeout_ms);
    CHECK(count >= 0);
    return count == 1;
}

static void add_one(void *argument)
{
    ++*(uint32_t *)argument;
}

TEST("the host's loop runs what is runnable, and then no more")
{
    start_foreign();
    CHECK(kl_sched_fd() >= 0);
    CHECK_INT(kl_sched_run_once(0), 0);
    uint32_t count = 0;
    struct call calls[10] = {0};
    for (int i = 0; i < 10; i++) {
        call_wake(&calls[i], add_one, &count);
    }
    CHECK_INT(count, 0);
    CHECK(is_readable(0));
    CHECK_INT(kl_sched_run_once(0), 10);
    CHECK_INT(count, 10);
    CHECK(!is_readable(0));
    CHECK_INT(kl_sched_run_once(0), 0);
    kl_sched_stop();
    CHECK_INT(kl_sched_fd(), -1);
}

static void check_inside(void *argument)
{
    CHECK_INT(kl_worker_current(), 0);
    CHECK(kl_task_current() != NULL);
    *(bool *)argument = true;
}

TEST("the host's thread is a worker only while it is inside")
{
    start_foreign();
    CHECK_INT(kl_worker_current(), -1);
    bool checked = false;
    struct call call = {0};
    call_wake(&call, check_inside, &checked);
    kl_sched_run_once(0);
    CHECK(checked);
    CHECK_INT(kl_worker_current(), -1);
    struct fiber_task fiber = {.body = add_one, .argument = &(uint32_t){0}};
    fiber_task_wake(&fiber);
    kl_sched_run_once(0);
    CHECK_INT(fiber.end, KL_FIBER_DONE);
    kl_sched_stop();
}

static void *wake_it(void *argument)
{
    static uint32_t count;
    call_wake(argument, add_one, &count);
    return NULL;
}

TEST("a wake from another thread makes the descriptor readable and ends a wait")
{
    start_foreign();
    for (int i = 0; i < 50; i++) {
        struct call call = {0};
        pthread_t thread = start_thread(wake_it, &call);
        if (i % 2) {
            CHECK(is_readable(-1));
        }
        size_t turns = 0;
        while (turns == 0) {
            turns = kl_sched_run_once(INT64_MAX);
        }
        CHECK_INT(turns, 1);
        CHECK_INT(signal_get(&call.done), 1);
        pthread_join(thread, NULL);
    }
    kl_sched_stop();
}

static struct signal_count fired;

static void note_firing(struct kl_timer *timer)
{
    CHECK(kl_clock_monotonic() >= timer->at);
    signal_add(&fired);
}

TEST("timers make the descriptor readable and fire in the loop")
{
    start_foreign();
    struct kl_timer timer = {.fire = note_firing};
    kl_timer_arm(&timer, kl_now() + 3000000);
    kl_sched_run_once(0); // tells the descriptor when
    CHECK(signal_get(&fired) == 1 || is_readable(-1));
    while (signal_get(&fired) == 0) {
        kl_sched_run_once(0);
    }
    CHECK(!is_readable(0));

    kl_timer_arm(&timer, kl_now() + 3000000);
    while (signal_get(&fired) == 1) {
        kl_sched_run_once(INT64_MAX); // waits for it by itself
    }
    kl_sched_stop();
}

TEST("a call that has fired a timer does not wait for another")
{
    start_foreign();
    struct kl_timer timer = {.fire = note_firing};
    for (uint32_t i = 1; i <= 10; i++) {
        kl_timer_arm(&timer, kl_now()); // due already
        CHECK_INT(kl_sched_run_once(INT64_MAX), 0); // would never end
        CHECK_INT(signal_get(&fired), i);
    }
    kl_sched_stop();
}

TEST("a wait ends at its deadline")
{
    start_foreign();
    int64_t deadline = kl_now() + 3000000;
    while (kl_now() < deadline) {
        CHECK_INT(kl_sched_run_once(deadline), 0);
    }
    kl_sched_stop();
}

static struct signal_count ready;

static void note_ready(struct kl_watch *watch)
{
    CHECK_INT(watch->revents, KL_POLL_IN);
    signal_add(&ready);
}

TEST("descriptors are part of the host's loop")
{
    int ends[2];
    CHECK_INT(pipe(ends), 0);
    start_foreign();
    struct kl_watch watch = {.fd = ends[0], .events = KL_POLL_IN, .ready = note_ready};
    CHECK_OK(kl_poll_watch(&watch));
    kl_sched_run_once(0);
    CHECK(!is_readable(0));
    CHECK_INT(write(ends[1], "x", 1), 1);
    CHECK(is_readable(-1));
    kl_sched_run_once(0);
    CHECK_INT(signal_get(&ready), 1);
    CHECK(!is_readable(0));
    kl_sched_stop();
    close(ends[0]);
    close(ends[1]);
}

static void wake_again(struct kl_task *task)
{
    kl_sched_wake(task);
}

TEST("tasks that never rest do not keep the host's loop")
{
    start_foreign();
    struct kl_task task = {.run = wake_again, .priority = KL_PRIORITY_NORMAL};
    kl_sched_wake(&task);
    for (int i = 0; i < 3; i++) {
        CHECK(kl_sched_run_once(0) > 0);
        CHECK(is_readable(0));
    }
    kl_sched_stop();
}

static struct signal_count stalls;

static void note_stall(struct kl_task *task, int64_t ns)
{
    CHECK(task && ns >= 1000000);
    signal_add(&stalls);
}

static void stay_until_told(void *argument)
{
    (void)argument;
    signal_wait(&stalls, 1);
}

TEST("a stuck turn in the host's loop is reported, though nobody can take it over")
{
    struct kl_sched_config config = {
            .workers = 0, .stall_ns = 1000000, .stalled = note_stall};
    CHECK_OK(kl_sched_start(&config));
    struct call call = {0};
    call_wake(&call, stay_until_told, NULL);
    CHECK_INT(kl_sched_run_once(0), 1);
    struct kl_sched_stats stats;
    kl_sched_stats(&stats);
    CHECK_INT(stats.spare_threads, 0);
    kl_sched_stop();
}

static void yield_once(void *argument)
{
    struct fiber_task *fiber = argument;
    fiber->again = true;
    kl_fiber_yield();
    abort();
}

TEST("faults are caught in the host's loop, and its signal stack is put back")
{
    stack_t before, after;
    sigaltstack(NULL, &before);
    struct kl_sched_config config = {.workers = 0, .catch_faults = true};
    CHECK_OK(kl_sched_start(&config));
    struct fiber_task fiber = {.body = yield_once, .argument = &fiber};
    fiber_task_wake(&fiber);
    kl_sched_run_once(0);
    CHECK_INT(fiber.end, KL_FIBER_FAULTED);
    kl_sched_stop();
    sigaltstack(NULL, &after);
    CHECK_INT(after.ss_flags, before.ss_flags);
    CHECK(after.ss_flags & SS_DISABLE || after.ss_sp == before.ss_sp);
}
