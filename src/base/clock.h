#ifndef KL_BASE_CLOCK_H
#define KL_BASE_CLOCK_H

#include <stdint.h>

// The machine's clocks, in nanoseconds. The runtime's clock (which the simulator
// replaces) is kl_now() of the room `sched`.
int64_t kl_clock_monotonic(void);
int64_t kl_clock_wall(void);
// Random bytes from the kernel.
uint64_t kl_clock_entropy(void);

// A fast generator of random numbers (splitmix64) over a state the caller owns.
static inline uint64_t kl_random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

#endif // KL_BASE_CLOCK_H
