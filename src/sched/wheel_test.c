#include "wheel.h"

#include "testing/harness.h"

#include <stdlib.h>

enum { TIMERS = 2000 };

static const int64_t tick = INT64_C(1) << KL_WHEEL_TICK_BITS;

struct numbered {
    struct kl_timer timer;
    uint64_t armed; // a number that grows
};

static struct numbered *number_of(struct kl_link *link)
{
    return (struct numbered *)KL_CONTAINER(link, struct kl_timer, link);
}

// A distance in time of any order of magnitude.
static int64_t some_distance(uint64_t *random)
{
    unsigned bits = (unsigned)(kl_random_next(random) % 50);
    return (int64_t)(kl_random_next(random) & ((UINT64_C(2) << bits) - 1));
}

static int64_t earliest_of(const struct numbered *timers)
{
    int64_t earliest = INT64_MAX;
    for (int i = 0; i < TIMERS; i++) {
        if (timers[i].timer.wheel && timers[i].timer.at < earliest) {
            earliest = timers[i].timer.at;
        }
    }
    return earliest;
}

// Collects what is due and checks each against what a wheel promises.
static size_t collect_and_check(struct kl_wheel *wheel, int64_t now, size_t max)
{
    struct kl_link due;
    kl_ring_init(&due);
    size_t count = kl_wheel_collect(wheel, now, max, &due);
    size_t seen = 0;
    const struct numbered *last = NULL;
    while (!kl_ring_empty(&due)) {
        struct numbered *one = number_of(due.next);
        CHECK(one->timer.at <= now);
        CHECK(one->timer.wheel == NULL);
        if (last) {
            CHECK(last->timer.at <= one->timer.at);
            CHECK(last->timer.at < one->timer.at || last->armed < one->armed);
        }
        last = one;
        kl_ring_remove(&one->timer.link);
        seen++;
    }
    CHECK_INT(seen, count);
    return count;
}

static int64_t given_time(struct kl_timer *timer, void *at)
{
    (void)timer;
    return *(int64_t *)at;
}

TEST("timers come out in order, never early, none lost, whatever their distance",
        .seeded = true)
{
    uint64_t random = kl_test_seed();
    int64_t now = (int64_t)(kl_random_next(&random) >> 10);
    struct kl_wheel *wheel = malloc(sizeof *wheel);
    struct numbered *timers = calloc(TIMERS, sizeof *timers);
    uint64_t armed = 0;
    size_t alive = 0;
    kl_wheel_init(wheel, now);
    for (int round = 0; round < 3000; round++) {
        for (uint64_t changes = kl_random_next(&random) % 8; changes > 0; changes--) {
            struct numbered *one = &timers[kl_random_next(&random) % TIMERS];
            if (one->timer.wheel && kl_random_next(&random) % 4 == 0) {
                one->armed = ++armed;
                int64_t to = now + some_distance(&random);
                bool first = to < wheel->next, moved_first;
                CHECK(kl_wheel_move(wheel, &one->timer, given_time, &to, &moved_first));
                CHECK(one->timer.wheel == wheel && one->timer.at == to);
                CHECK(moved_first == first);
            } else if (one->timer.wheel) {
                CHECK(kl_wheel_remove(wheel, &one->timer));
                CHECK(!kl_wheel_remove(wheel, &one->timer));
                bool first;
                CHECK(!kl_wheel_move(wheel, &one->timer, given_time, &now, &first));
                CHECK(!first);
                alive--;
            } else {
                one->armed = ++armed;
                // Some share their time with one armed long ago.
                const struct numbered *other = &timers[kl_random_next(&random) % TIMERS];
                bool equal = other->timer.wheel && kl_random_next(&random) % 4 == 0;
                kl_wheel_add(wheel, &one->timer,
                        equal ? other->timer.at : now + some_distance(&random));
                alive++;
            }
        }
        CHECK_INT(wheel->count, alive);
        int64_t earliest = earliest_of(timers);
        CHECK_INT(kl_wheel_earliest(wheel), earliest);
        CHECK(wheel->next <= earliest);
        if (kl_random_next(&random) % 2) {
            now += some_distance(&random) >> 10;
        } else if (earliest != INT64_MAX && earliest > now) {
            now = earliest; // right at the edge
            CHECK_INT(collect_and_check(wheel, now - 1, SIZE_MAX), 0);
        }
        size_t max = kl_random_next(&random) % 4 ? SIZE_MAX : 3;
        size_t count = collect_and_check(wheel, now, max);
        if (kl_random_next(&random) % 2) {
            kl_wheel_prepare(wheel, kl_random_next(&random) % 50);
        }
        alive -= count;
        CHECK(count == max || earliest_of(timers) > now);
    }
    kl_wheel_clear(wheel);
    for (int i = 0; i < TIMERS; i++) {
        CHECK(timers[i].timer.wheel == NULL);
    }
    CHECK_INT(wheel->count, 0);
    free(timers);
    free(wheel);
}

TEST("timers of the same time come out in the order in which they were armed")
{
    static struct kl_wheel wheel;
    static struct numbered timers[100];
    kl_wheel_init(&wheel, 0);
    int64_t at = 5 * 64 * 64 * tick + 7; // three levels up at first
    for (uint64_t i = 0; i < 100; i++) {
        timers[i].armed = i;
        kl_wheel_add(&wheel, &timers[i].timer, at);
        if (i % 10 == 9) {
            // The wheel turns meanwhile, so that later ones start on lower levels.
            CHECK_INT(collect_and_check(&wheel, (int64_t)(i / 10) * at / 10, 1000), 0);
        }
    }
    CHECK_INT(collect_and_check(&wheel, at, 1000), 100);
}

TEST("a crowd that is far away is moved near a few at a time, while others are due")
{
    enum { CROWD = 20000 };
    static struct kl_wheel wheel;
    static struct numbered crowd[CROWD], lone;
    kl_wheel_init(&wheel, 0);
    uint64_t random = 1;
    const int64_t unit = 64 * 64 * tick; // of level 2
    for (int i = 0; i < CROWD; i++) {
        int64_t at = 5 * unit + (int64_t)(kl_random_next(&random) % (uint64_t)unit);
        kl_wheel_add(&wheel, &crowd[i].timer, at);
        crowd[i].armed = (uint64_t)i;
    }
    // Whoever sleeps until the next time wakes early enough to begin.
    CHECK_INT(collect_and_check(&wheel, 1, 1000), 0);
    CHECK_INT(wheel.next, 4 * unit);
    kl_wheel_add(&wheel, &lone.timer, 4 * unit + 5);
    CHECK_INT(collect_and_check(&wheel, 4 * unit, 1000), 0);
    CHECK(wheel.behind);
    CHECK_INT(wheel.next, 4 * unit + 5);
    CHECK_INT(collect_and_check(&wheel, 4 * unit + 5, 1000), 1);
    int pieces = 0;
    while (kl_wheel_prepare(&wheel, 100)) {
        pieces++;
    }
    CHECK(pieces >= CROWD / 100 - 10);
    CHECK(!wheel.behind);
    size_t count = 0;
    for (int64_t now = 5 * unit; now <= 6 * unit; now += unit / 64) {
        count += collect_and_check(&wheel, now, SIZE_MAX);
    }
    CHECK_INT(count, CROWD);
}

TEST("a crowded tick is sorted by the exact time")
{
    static struct kl_wheel wheel;
    static struct numbered timers[1000];
    kl_wheel_init(&wheel, 0);
    uint64_t random = 1;
    for (uint64_t i = 0; i < 1000; i++) {
        timers[i].armed = i;
        int64_t at = 100 * tick + (int64_t)(kl_random_next(&random) % (uint64_t)tick);
        kl_wheel_add(&wheel, &timers[i].timer, at);
    }
    CHECK(wheel.next <= kl_wheel_earliest(&wheel));
    size_t count = 0;
    for (int64_t now = 100 * tick; now < 101 * tick; now += tick / 8) {
        count += collect_and_check(&wheel, now, 1000);
    }
    CHECK(count < 1000);
    CHECK_INT(count + collect_and_check(&wheel, 101 * tick, 1000), 1000);
}

TEST("times before the present and at the end of time have their places")
{
    static struct kl_wheel wheel;
    static struct numbered past, negative, never;
    kl_wheel_init(&wheel, 1000 * tick);
    CHECK(kl_wheel_add(&wheel, &never.timer, INT64_MAX - 1));
    CHECK(kl_wheel_add(&wheel, &past.timer, 5));
    CHECK(kl_wheel_add(&wheel, &negative.timer, -5));
    past.armed = 1;
    CHECK_INT(kl_wheel_earliest(&wheel), -5);
    CHECK_INT(collect_and_check(&wheel, 1000 * tick, 1000), 2);
    CHECK_INT(kl_wheel_earliest(&wheel), INT64_MAX - 1);
    CHECK_INT(collect_and_check(&wheel, INT64_MAX - 2, 1000), 0);
    CHECK_INT(collect_and_check(&wheel, INT64_MAX - 1, 1000), 1);
    CHECK_INT(kl_wheel_earliest(&wheel), INT64_MAX);
}

TEST("arming tells whether a sleeper must look again")
{
    static struct kl_wheel wheel;
    static struct numbered timers[3];
    kl_wheel_init(&wheel, 0);
    CHECK(kl_wheel_add(&wheel, &timers[0].timer, 1000));
    CHECK(!kl_wheel_add(&wheel, &timers[1].timer, 1000));
    CHECK(!kl_wheel_add(&wheel, &timers[2].timer, 1001));
    CHECK(kl_wheel_remove(&wheel, &timers[2].timer));
    CHECK(kl_wheel_add(&wheel, &timers[2].timer, 999));
    CHECK_INT(wheel.next, 999);
}
