// What the cases share. Each case is a function that does its work `count` times and
// prints `case value unit` lines.
#pragma once

#include <caf/all.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using caf::actor;
using caf::atom_constant;
using caf::behavior;
using clock_type = std::chrono::steady_clock;

using add_atom = atom_constant<caf::atom("add")>;
using crash_atom = atom_constant<caf::atom("crash")>;
using data_atom = atom_constant<caf::atom("data")>;
using done_atom = atom_constant<caf::atom("done")>;
using due_atom = atom_constant<caf::atom("due")>;
using go_atom = atom_constant<caf::atom("go")>;
using link_atom = atom_constant<caf::atom("link")>;
using news_atom = atom_constant<caf::atom("news")>;
using next_atom = atom_constant<caf::atom("next")>;
using ping_atom = atom_constant<caf::atom("ping")>;
using pong_atom = atom_constant<caf::atom("pong")>;
using stop_atom = atom_constant<caf::atom("stop")>;
using sum_atom = atom_constant<caf::atom("sum")>;
using token_atom = atom_constant<caf::atom("token")>;
using up_atom = atom_constant<caf::atom("up")>;

// 1 KB that is copied whenever it is sent: flat, less than the nested term of OTP.
struct order {
    std::array<int64_t, 128> words;
};
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<actor>)

// --- main.cpp ---

void check(bool ok, const char *what);
// The resident memory of the program, in bytes.
double resident();
void per_item(const std::string &name, double nanoseconds, int64_t count);
void per_second(const std::string &name, double nanoseconds, int64_t count);
// The next number of a linear congruential sequence, the same in every peer.
uint32_t next_random(uint32_t seed);
// Waits for `count` messages `done`; for main's own thread.
void await_done(caf::scoped_actor &self, int64_t count);

inline int64_t share(int64_t count, int64_t parts)
{
    return std::max<int64_t>(1, count / parts);
}

inline double since(clock_type::time_point start)
{
    return std::chrono::duration<double, std::nano>(clock_type::now() - start).count();
}

// Runs `work` with a tenth of `count` as warm-up, then for the record: nanoseconds.
template <class Work> double measure(int64_t count, Work work)
{
    work(share(count, 10));
    auto start = clock_type::now();
    work(count);
    return since(start);
}

// --- server.cpp ---

struct server_state {
    int64_t sum = 0;
};
// Adds what it is sent, answers `next, N` with N + 1 and `sum` with the sum.
behavior server(caf::stateful_actor<server_state> *self);

// --- the cases ---

void call(caf::actor_system &system, const std::string &name, int64_t count);
void named_call(caf::actor_system &system, const std::string &name, int64_t count);
void cast(caf::actor_system &system, const std::string &name, int64_t count);
void fan_in(caf::actor_system &system, const std::string &name, int64_t count);
void payload_64k(caf::actor_system &system, const std::string &name, int64_t count);
void payload_1k(caf::actor_system &system, const std::string &name, int64_t count);
void ping_pong(caf::actor_system &system, const std::string &name, int64_t count);
void ring(caf::actor_system &system, const std::string &name, int64_t count);
void growth(caf::actor_system &system, const std::string &name, int64_t count);
void big(caf::actor_system &system, const std::string &name, int64_t count);
void broadcast(caf::actor_system &system, const std::string &name, int64_t count);
void spawn_exit(caf::actor_system &system, const std::string &name, int64_t count);
void spawn_batch(caf::actor_system &system, const std::string &name, int64_t count);
void idle(caf::actor_system &system, const std::string &name, int64_t count);
void restart(caf::actor_system &system, const std::string &name, int64_t count);
void timer_lateness(caf::actor_system &system, const std::string &name, int64_t count);
