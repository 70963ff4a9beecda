// The cases of bench/ on the C++ Actor Framework: event-based actors. `bench CASE [COUNT]`
// prints `case value unit` lines. There is no timer_cancel: a delayed message of CAF
// cannot be taken back.
#include "bench.hpp"

#include <map>
#include <set>
#include <unistd.h>

using run_case = void (*)(caf::actor_system &, const std::string &, int64_t);

static const std::map<std::string, run_case> cases = {
        {"call_2s", call},
        {"call_1s", call},
        {"named_call", named_call},
        {"cast_1_1", cast},
        {"fan_in", fan_in},
        {"payload_64k", payload_64k},
        {"payload_1k", payload_1k},
        {"ping_pong", ping_pong},
        {"ring", ring},
        {"growth", growth},
        {"big", big},
        {"broadcast", broadcast},
        {"spawn_exit", spawn_exit},
        {"spawn_batch", spawn_batch},
        {"idle", idle},
        {"restart", restart},
        {"timer_lateness", timer_lateness},
};

// CAF's default policy steals from the far end of a list it has to walk: with thousands
// runnable its other policy, one queue for all, is up to forty times faster.
static const std::set<std::string> crowded = {
        "broadcast", "growth", "idle", "spawn_batch", "timer_lateness"};

int main(int argc, char **argv)
{
    std::string name = argc > 1 ? argv[1] : "";
    int64_t count = argc > 2 ? std::atoll(argv[2]) : 100000;
    auto found = cases.find(name);
    if (found == cases.end() || count < 1) {
        std::fprintf(stderr, "usage: bench CASE [COUNT]\n");
        return 2;
    }
    caf::actor_system_config config;
    config.set("scheduler.max-threads", name == "call_1s" ? 1 : 2);
    if (crowded.count(name) != 0) {
        config.set("scheduler.policy", caf::atom("sharing"));
    }
    caf::actor_system system{config};
    found->second(system, name, count);
    std::fflush(stdout);
    // Not waited for: a million idle actors would be told to end one by one.
    _exit(0);
}

void check(bool ok, const char *what)
{
    if (!ok) {
        std::fprintf(stderr, "wrong: %s\n", what);
        _exit(1);
    }
}

double resident()
{
    unsigned long pages = 0;
    std::FILE *statm = std::fopen("/proc/self/statm", "r");
    check(statm && std::fscanf(statm, "%*u %lu", &pages) == 1, "statm");
    std::fclose(statm);
    return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

void per_item(const std::string &name, double nanoseconds, int64_t count)
{
    std::printf("%s %.4f ns\n", name.c_str(), nanoseconds / static_cast<double>(count));
}

void per_second(const std::string &name, double nanoseconds, int64_t count)
{
    std::printf(
            "%s %.4f M/s\n", name.c_str(), static_cast<double>(count) * 1000 / nanoseconds);
}

uint32_t next_random(uint32_t seed)
{
    return (seed * 1103515245 + 12345) & 0x7fffffff;
}

void await_done(caf::scoped_actor &self, int64_t count)
{
    int64_t i = 0;
    self->receive_for(i, count)([](done_atom) {});
}
