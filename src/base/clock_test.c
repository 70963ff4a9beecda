#include "base/clock.h"

#include "testing/harness.h"

#include <time.h>

TEST("the monotonic clock never goes back, and goes on")
{
    int64_t first = kl_clock_monotonic();
    int64_t last = first;
    while (last - first < 1000 * 1000) {
        int64_t now = kl_clock_monotonic();
        CHECK(now >= last);
        last = now;
    }
}

TEST("the wall clock counts nanoseconds since 1970")
{
    time_t before = time(NULL);
    int64_t now = kl_clock_wall();
    time_t after = time(NULL);
    // time() may be a tick of the kernel behind.
    CHECK(now / 1000000000 >= before);
    CHECK(now / 1000000000 <= after + 1);
}

TEST("entropy differs from call to call")
{
    uint64_t seen[64];
    for (int i = 0; i < 64; i++) {
        seen[i] = kl_clock_entropy();
        for (int j = 0; j < i; j++) {
            CHECK(seen[i] != seen[j]);
        }
    }
}

TEST("random numbers depend on the seed alone")
{
    // The first number of splitmix64 for the seed 0, as published by its author.
    uint64_t state = 0;
    CHECK(kl_random_next(&state) == UINT64_C(0xe220a8397b1dcdaf));
    uint64_t again = state;
    CHECK(kl_random_next(&state) == kl_random_next(&again));
    CHECK(kl_random_next(&state) != kl_random_next(&state));
}
