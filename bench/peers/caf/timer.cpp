// Timers: how late they come.
#include "bench.hpp"

static const int64_t timers_per_second = 50000;

struct timer_state {
    std::vector<double> late;
};

static int64_t now()
{
    auto time = clock_type::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

// Delays of whole milliseconds, spread evenly, after half a second for the arming.
static void arm_spread(caf::event_based_actor *self, int64_t count)
{
    auto spread = static_cast<uint32_t>(share(count * 1000, timers_per_second));
    uint32_t seed = 42;
    for (int64_t i = 0; i < count; i++) {
        std::chrono::milliseconds delay{500 + seed % spread};
        int64_t due = now() + std::chrono::nanoseconds{delay}.count();
        self->delayed_send(self, delay, due_atom::value, due);
        seed = next_random(seed);
    }
}

static behavior collect(caf::stateful_actor<timer_state> *self, int64_t count, actor bench)
{
    arm_spread(self, count);
    return {
            [=](due_atom, int64_t due) {
                auto &late = self->state.late;
                late.push_back(static_cast<double>(now() - due));
                if (static_cast<int64_t>(late.size()) < count) {
                    return;
                }
                std::sort(late.begin(), late.end());
                std::printf("timer_lateness_p50 %.4f ms\n", late[late.size() / 2] / 1e6);
                std::printf(
                        "timer_lateness_p99 %.4f ms\n", late[late.size() * 99 / 100] / 1e6);
                self->send(bench, done_atom::value);
            },
    };
}

void timer_lateness(caf::actor_system &system, const std::string &, int64_t count)
{
    caf::scoped_actor self{system};
    system.spawn(collect, count, actor{self});
    await_done(self, 1);
}
