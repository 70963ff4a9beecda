#include "sched_testing.h"

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

static void draw(void *argument)
{
    uint64_t *numbers = argument;
    for (int i = 0; i < 100; i++) {
        numbers[i] = kl_random();
    }
}

static void *draw_outside(void *argument)
{
    draw(argument);
    return NULL;
}

TEST("each thread draws numbers of its own")
{
    static uint64_t numbers[4][100];
    start_workers(1);
    call_and_wait(draw, numbers[0]);
    kl_sched_stop();
    start_workers(1); // a new thread
    call_and_wait(draw, numbers[1]);
    kl_sched_stop();
    draw(numbers[2]);
    pthread_join(start_thread(draw_outside, numbers[3]), NULL);
    for (int i = 0; i < 400; i++) {
        for (int k = 0; k < i; k++) {
            CHECK(numbers[i / 100][i % 100] != numbers[k / 100][k % 100]);
        }
    }
}

TEST("outside the runtime the clocks are the machine's")
{
    int64_t before = kl_clock_monotonic();
    int64_t now = kl_now();
    CHECK(before <= now && now <= kl_clock_monotonic());
    before = kl_clock_wall();
    now = kl_now_wall();
    CHECK(before <= now && now <= kl_clock_wall());
}
