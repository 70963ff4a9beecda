#include "door.h"

#include "runner.h"

struct kl_door kl_door;

int64_t kl_now(void)
{
    struct kl_runner *runner = kl_runner_self();
    if (!runner || kl_load_relaxed(&runner->lost)) {
        return kl_now_exact();
    }
    if (__builtin_expect(kl_load_relaxed(&runner->long_turn) == runner->turn, 0)) {
        runner->now = kl_now_exact();
    }
    return runner->now;
}

int64_t kl_now_turn(void)
{
    struct kl_runner *runner = kl_runner_self();
    if (!runner || kl_load_relaxed(&runner->lost)) {
        return kl_now_exact();
    }
    if (runner->now_turn != runner->turn) {
        runner->now_turn = runner->turn;
        runner->now = kl_now_exact();
    }
    return runner->now;
}

int64_t kl_now_exact(void)
{
    return __builtin_expect(kl_door.simulated, 0) ? kl_door.now : kl_clock_monotonic();
}

int64_t kl_now_wall(void)
{
    return __builtin_expect(kl_door.simulated, 0) ? kl_door.now + kl_door.wall_offset
                                                  : kl_clock_wall();
}

// For threads without a record. Not inlined: as with kl_runner_self(), the caller may be
// a fiber that has come from another thread.
__attribute__((noinline)) static uint64_t random_outside(void)
{
    static __thread uint64_t state __attribute__((tls_model("initial-exec")));
    if (state == 0) {
        state = kl_clock_entropy();
    }
    return kl_random_next(&state);
}

uint64_t kl_random(void)
{
    if (__builtin_expect(kl_door.simulated, 0)) {
        return kl_random_next(&kl_door.random);
    }
    struct kl_runner *runner = kl_runner_self();
    return runner ? kl_random_next(&runner->random) : random_outside();
}
