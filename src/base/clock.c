#include "clock.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t kl_clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t kl_clock_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}

uint64_t kl_clock_entropy(void)
{
    uint64_t bits;
    ssize_t got;
    do {
        got = getrandom(&bits, sizeof bits, 0);
    } while (got < 0 && errno == EINTR);
    if (got == (ssize_t)sizeof bits) {
        return bits;
    }
    // A sandbox forbids the call: the clocks and where the stack lies must do. Nothing
    // in Keel takes a secret from here.
    uint64_t state = (uint64_t)kl_clock_monotonic() ^ (uint64_t)kl_clock_wall() << 20 ^
                     (uint64_t)(uintptr_t)&bits;
    return kl_random_next(&state);
}
