#include "sched_testing.h"

static void add_one(void *argument)
{
    kl_add_relaxed((uint32_t *)argument, 1);
}

static struct kl_task *stalled_task;
static int64_t stalled_ns[64];
static struct signal_count stalls;

static void note_stall(struct kl_task *task, int64_t ns)
{
    CHECK(!stalled_task || stalled_task == task);
    stalled_task = task;
    stalled_ns[signal_get(&stalls)] = ns;
    signal_add(&stalls);
}

TEST("a stuck turn is reported when it is stuck, and whenever it has lasted twice as long")
{
    struct kl_sched_config config = {
            .workers = 1, .stall_ns = 1000000, .stalled = note_stall};
    CHECK_OK(kl_sched_start(&config));
    struct stuck stuck = {0};
    get_stuck(&stuck);
    signal_wait(&stalls, 4);
    let_go(&stuck);
    kl_sched_stop();
    CHECK(stalled_task == &stuck.call.task);
    CHECK(stalled_ns[0] >= 1000000);
    for (int i = 1; i < 4; i++) {
        CHECK(stalled_ns[i] >= 2 * stalled_ns[i - 1]);
    }
}

static void wait_for_time(void *argument)
{
    int64_t begin = kl_now();
    while (kl_now() <= begin) { // nothing in this turn reads the clock for it
        kl_cpu_relax();
    }
    int64_t before = kl_now();
    CHECK(kl_now() >= before);
    kl_store_relaxed((int64_t *)argument, kl_now());
}

static void look_at_time(void *argument)
{
    CHECK(kl_now() >= kl_load_relaxed((int64_t *)argument));
}

TEST("in a long turn the cheap clock goes on, and does not go back after it")
{
    struct kl_sched_config config = {.workers = 1, .stall_ns = 1000000};
    CHECK_OK(kl_sched_start(&config));
    int64_t time = 0;
    for (int i = 0; i < 10; i++) {
        call_and_wait(wait_for_time, &time);
        call_and_wait(look_at_time, &time);
    }
    kl_sched_stop();
}

TEST("short turns are not reported, however many there are")
{
    struct kl_sched_config config = {
            .workers = 1, .stall_ns = INT64_C(2000000000), .stalled = note_stall};
    CHECK_OK(kl_sched_start(&config));
    uint32_t count = 0;
    for (int i = 0; i < 5000; i++) {
        call_and_wait(add_one, &count);
    }
    kl_sched_stop();
    CHECK_INT(signal_get(&stalls), 0);
}
