#ifndef BENCH_H
#define BENCH_H

#include <keel/keel.h>

// What the cases share. Each case is a function that runs in a process, does its work
// `count` times and prints `case value unit` lines.

// --- main.c: measuring and printing ---

// In loops that never wait: gives way now and then, as the BEAM makes a process do.
void bench_give_way(uint64_t round);
// Runs `work` with a tenth of `count` as warm-up, then for the record: nanoseconds.
int64_t bench_measure(
        uint64_t count, void (*work)(void *context, uint64_t count), void *context);
// CLOCK_MONOTONIC now; keel_now() is the time of the turn.
int64_t bench_now(void);
// The resident memory of the program, in bytes.
uint64_t bench_resident(void);
void bench_print(const char *name, double value, const char *unit);
void bench_print_per_item(const char *name, int64_t took, uint64_t count);
void bench_print_per_second(const char *name, int64_t took, uint64_t count);
// Sorts `values`, of which there are `count`.
void bench_sort(int64_t *values, size_t count);
// The next number of a linear congruential sequence, the same in every peer.
uint32_t bench_random(uint32_t seed);
// The smaller share of `count`, at least 1.
uint64_t bench_share(uint64_t count, uint64_t parts);

// --- server.c: processes ---

// A gen_server that adds what it is cast, and answers {next, N} with N + 1 and `sum` with
// the sum, which starts anew. Its argument may ask for more, see its init.
extern const keel_gen_server bench_server;

// The start of a handler that has nothing to do before its first message.
keel_next bench_wait(void *state, keel_term argument);

// Spawns a linked handler process; a failure ends the caller.
keel_pid bench_spawn(const keel_handler *handler, keel_term argument);
// Starts bench_server; KEEL_NONE: no argument, no name.
keel_pid bench_start(keel_term argument, keel_term name);
// Calls with {next, number} and checks the reply.
void bench_call(keel_term server, int64_t number);
// Takes `count` messages that are equal to `message`; another one ends the caller.
void bench_collect(keel_term message, uint64_t count);

// --- the cases ---

void bench_call_one(const char *name, uint64_t count);
void bench_call_named(const char *name, uint64_t count);
void bench_call_registry(const char *name, uint64_t count);
void bench_cast(const char *name, uint64_t count);
void bench_fan_in(const char *name, uint64_t count);
void bench_payload_64k(const char *name, uint64_t count);
void bench_payload_1k(const char *name, uint64_t count);
void bench_ping_pong(const char *name, uint64_t count);
void bench_ring(const char *name, uint64_t count);
void bench_growth(const char *name, uint64_t count);
void bench_big(const char *name, uint64_t count);
void bench_broadcast(const char *name, uint64_t count);
void bench_spawn_exit(const char *name, uint64_t count);
void bench_spawn_batch(const char *name, uint64_t count);
void bench_idle(const char *name, uint64_t count);
void bench_idle_hibernated(const char *name, uint64_t count);
void bench_restart(const char *name, uint64_t count);
void bench_timer_cancel(const char *name, uint64_t count);
void bench_timer_lateness(const char *name, uint64_t count);
void bench_cache(const char *name, uint64_t count);
void bench_jobs(const char *name, uint64_t count);
void bench_limiter(const char *name, uint64_t count);
void bench_pool(const char *name, uint64_t count);

#endif // BENCH_H
