#include "bench.h"

// Timers: what one costs among a million, and how late they come.

#define ALIVE 1000000
#define TIMERS_PER_SECOND 50000
#define TIMERS_PER_TURN 16

struct timers {
    keel_ref *alive; // a ring: the oldest is replaced
    size_t oldest;
    uint32_t seed;
};

// Arms a timer of ten to twenty minutes, so that none of them comes.
static keel_ref arm_far(struct timers *timers, uint64_t number)
{
    keel_scope scope = keel_scope_open();
    keel_duration duration = KEEL_MS(600000 + timers->seed % 600000);
    keel_ref timer = keel_send_after(
            duration, keel_self(), keel_make("{timeout, N}", number));
    timers->seed = bench_random(timers->seed);
    keel_scope_close(&scope);
    return timer;
}

static void replace_oldest(void *context, uint64_t count)
{
    struct timers *timers = context;
    for (uint64_t i = 0; i < count; i++) {
        KEEL_ASSERT(keel_cancel_timer(timers->alive[timers->oldest], NULL));
        timers->alive[timers->oldest] = arm_far(timers, i);
        timers->oldest = (timers->oldest + 1) % ALIVE;
        bench_give_way(i);
    }
}

// Cancels the oldest of a million timers and arms one in its stead.
void bench_timer_cancel(const char *name, uint64_t count)
{
    struct timers timers = {.alive = keel_alloc(ALIVE * sizeof(keel_ref)), .seed = 42};
    for (uint64_t i = 0; i < ALIVE; i++) {
        timers.alive[i] = arm_far(&timers, i);
        bench_give_way(i);
    }
    bench_print_per_item(name, bench_measure(count, replace_oldest, &timers), count);
}

// --- lateness ---

// Delays of whole milliseconds, spread evenly, after half a second for the arming. A delay
// counts from keel_now(), the time of the turn: giving way often keeps that close to the
// time of the clock.
static void arm_spread(uint64_t count)
{
    uint32_t spread = (uint32_t)bench_share(count * 1000, TIMERS_PER_SECOND);
    uint32_t seed = 42;
    for (uint64_t i = 0; i < count; i++) {
        keel_scope scope = keel_scope_open();
        keel_duration delay = KEEL_MS(500 + seed % spread);
        keel_term due = keel_make("{due, Due}", keel_now() + delay);
        keel_send_after(delay, keel_self(), due);
        seed = bench_random(seed);
        keel_scope_close(&scope);
        if (i % TIMERS_PER_TURN == 0) {
            keel_yield();
        }
    }
}

void bench_timer_lateness(const char *name, uint64_t count)
{
    (void)name;
    int64_t *late = keel_alloc(count * sizeof *late);
    arm_spread(count);
    for (uint64_t i = 0; i < count; i++) {
        keel_scope scope = keel_scope_open();
        int64_t due;
        KEEL_ASSERT(keel_match(keel_receive(), "{due, Due}", &due));
        late[i] = bench_now() - due;
        KEEL_ASSERT(late[i] >= 0);
        keel_scope_close(&scope);
    }
    bench_sort(late, count);
    bench_print("timer_lateness_p50", (double)late[count / 2] / 1e6, "ms");
    bench_print("timer_lateness_p99", (double)late[count * 99 / 100] / 1e6, "ms");
}
