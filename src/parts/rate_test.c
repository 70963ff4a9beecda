// The arithmetic of rate limits, against naive models over random histories.

#include "rate.h"
#include "testing/harness.h"

#include <stdlib.h>

static uint64_t random_state;

static uint32_t below(uint32_t count)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % count;
}

TEST("a full bucket gives its burst, then one token an interval")
{
    struct kl_bucket_rate rate = kl_bucket_rate(10, KEEL_SECONDS(1), 3);
    struct kl_bucket bucket = {0};
    int64_t now = KEEL_SECONDS(100);
    CHECK_INT(kl_bucket_left(&bucket, &rate, now), 3);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(kl_bucket_take(&bucket, &rate, 1, now), 0);
    }
    CHECK_INT(kl_bucket_left(&bucket, &rate, now), 0);
    CHECK_INT(kl_bucket_take(&bucket, &rate, 1, now), KEEL_MS(100));
    CHECK_INT(kl_bucket_take(&bucket, &rate, 1, now + KEEL_MS(99)), KEEL_MS(1));
    CHECK_INT(kl_bucket_take(&bucket, &rate, 1, now + KEEL_MS(100)), 0);
    CHECK_INT(kl_bucket_take(&bucket, &rate, 2, now + KEEL_MS(200)), KEEL_MS(100));
    CHECK_INT(kl_bucket_take(&bucket, &rate, 4, now + KEEL_SECONDS(9)), INT64_MAX);
    CHECK_INT(kl_bucket_left(&bucket, &rate, now + KEEL_SECONDS(9)), 3);
}

TEST("a limit that does not divide the time lets its whole burst through")
{
    struct kl_bucket_rate rate = kl_bucket_rate(3, KEEL_SECONDS(1), 3);
    struct kl_bucket bucket = {0};
    CHECK_INT(kl_bucket_take(&bucket, &rate, 3, KEEL_SECONDS(1)), 0);
    CHECK(kl_bucket_take(&bucket, &rate, 1, KEEL_SECONDS(1)) > 0);
    rate = kl_bucket_rate(1, INT64_MAX / 2, 4000000000u);
    CHECK_INT(kl_bucket_take(&bucket, &rate, 4000000000u, KEEL_SECONDS(1)), INT64_MAX);
}

TEST("what a bucket lets through never exceeds burst and filling, and a wait is exact",
        .seeded = true)
{
    random_state = kl_test_seed();
    uint32_t limit = 1 + below(50), burst = 1 + below(20);
    struct kl_bucket_rate rate = kl_bucket_rate(limit, KEEL_SECONDS(1), burst);
    struct kl_bucket bucket = {0};
    int64_t start = KEEL_SECONDS(5), now = start;
    int64_t through = 0;
    for (int i = 0; i < 2000; i++) {
        now += below((uint32_t)(KEEL_SECONDS(2) / limit));
        uint32_t cost = 1 + below(burst);
        struct kl_bucket before = bucket;
        int64_t wait = kl_bucket_take(&bucket, &rate, cost, now);
        if (wait == 0) {
            through += cost;
            CHECK(through <= burst + (now - start) / rate.interval);
        } else {
            CHECK(kl_bucket_take(&bucket, &rate, cost, now + wait - 1) > 0);
            CHECK_INT(kl_bucket_take(&bucket, &rate, cost, now + wait), 0);
            bucket = before;
        }
    }
}

enum { EVENTS = 1500 };

TEST("a window lets through exactly what the last stretch of time allows", .seeded = true)
{
    random_state = kl_test_seed();
    static struct kl_taken taken[EVENTS];
    size_t count = 0;
    uint32_t limit = 1 + below(30);
    struct kl_window window = {0};
    int64_t now = KEEL_SECONDS(1);
    for (int i = 0; i < EVENTS; i++) {
        now += below(3) == 0 ? 0 : below((uint32_t)(KEEL_SECONDS(2) / limit));
        uint32_t cost = 1 + below(limit);
        uint32_t sum = 0;
        for (size_t j = 0; j < count; j++) {
            sum += now - taken[j].at < KEEL_SECONDS(1) ? taken[j].cost : 0;
        }
        CHECK_INT(kl_window_left(&window, limit, KEEL_SECONDS(1), now), limit - sum);
        int64_t wait = kl_window_take(&window, limit, KEEL_SECONDS(1), cost, now);
        CHECK_INT(wait == 0, sum + cost <= limit);
        if (wait == 0) {
            taken[count++] = (struct kl_taken){now, cost};
            continue;
        }
        uint32_t then = 0, just_before = 0;
        for (size_t j = 0; j < count; j++) {
            then += now + wait - taken[j].at < KEEL_SECONDS(1) ? taken[j].cost : 0;
            just_before += now + wait - 1 - taken[j].at < KEEL_SECONDS(1) ? taken[j].cost
                                                                          : 0;
        }
        CHECK(then + cost <= limit && just_before + cost > limit);
    }
    CHECK_INT(kl_window_idle_at(&window, KEEL_SECONDS(1)),
            taken[count - 1].at + KEEL_SECONDS(1));
    CHECK_INT(kl_window_take(&window, limit, KEEL_SECONDS(1), limit + 1, now), INT64_MAX);
    kl_window_done(&window);
}
