#include "bench.h"

// Life and death of processes, and what an idle one costs.

#define BATCH 100000

static void do_nothing(keel_term argument)
{
    (void)argument;
}

static void spawn_one_by_one(void *context, uint64_t count)
{
    (void)context;
    for (uint64_t i = 0; i < count; i++) {
        keel_scope scope = keel_scope_open();
        keel_ref monitor;
        keel_pid pid = keel_spawn_monitor(do_nothing, KEEL_NONE, &monitor);
        keel_status status = keel_receive_match(
                KEEL_NEVER, "{'DOWN', ^Ref, process, ^Pid, normal}", monitor, pid);
        KEEL_ASSERT(status == KEEL_OK);
        keel_scope_close(&scope);
    }
}

void bench_spawn_exit(const char *name, uint64_t count)
{
    bench_print_per_item(name, bench_measure(count, spawn_one_by_one, NULL), count);
}

static void spawn_batches(void *context, uint64_t rounds)
{
    (void)context;
    for (uint64_t i = 0; i < rounds * BATCH; i++) {
        keel_ref monitor;
        keel_spawn_monitor(do_nothing, KEEL_NONE, &monitor);
        bench_give_way(i);
        if ((i + 1) % BATCH != 0) {
            continue;
        }
        for (int j = 0; j < BATCH; j++) {
            keel_scope scope = keel_scope_open();
            KEEL_ASSERT(keel_match(keel_receive(), "{'DOWN', _, process, _, normal}"));
            keel_scope_close(&scope);
        }
    }
}

void bench_spawn_batch(const char *name, uint64_t count)
{
    uint64_t rounds = bench_share(count, BATCH);
    int64_t took = bench_measure(rounds, spawn_batches, NULL);
    bench_print_per_item(name, took, rounds * BATCH);
}

// --- idle servers ---

struct idle {
    double bytes; // of memory, a server
    double start_us; // to start one
};

// Starts `count` servers, has some of them answer and gives what one costs. The table of
// their pids is allowed for.
static struct idle start_idle(keel_term argument, uint64_t count)
{
    keel_pid *servers = keel_alloc(count * sizeof *servers);
    uint64_t before = bench_resident();
    int64_t start = bench_now();
    for (uint64_t i = 0; i < count; i++) {
        keel_scope scope = keel_scope_open();
        servers[i] = bench_start(argument, KEEL_NONE);
        keel_scope_close(&scope);
    }
    int64_t took = bench_now() - start;
    for (uint64_t i = 0; i < count; i += 1000) {
        bench_call(keel_from_pid(servers[i]), 7);
    }
    double grown = (double)bench_resident() - (double)before;
    struct idle idle = {
            .bytes = grown / (double)count - sizeof *servers,
            .start_us = (double)took / 1000 / (double)count,
    };
    keel_free(servers);
    return idle;
}

void bench_idle(const char *name, uint64_t count)
{
    (void)name;
    struct idle idle = start_idle(keel_atom(idle), count);
    bench_print("idle_start", idle.start_us, "us");
    bench_print("idle_bytes", idle.bytes, "B");
}

void bench_idle_hibernated(const char *name, uint64_t count)
{
    bench_print(name, start_idle(keel_atom(hibernate), count).bytes, "B");
}

// --- restart ---

#define CRASHES 100

// Gives the time from each crash to the child that follows it: a fresh supervisor for every
// hundred crashes, as the peer of OTP has it.
static void crash_child(int64_t *took)
{
    keel_term argument = keel_make("{supervised, Bench}", keel_self());
    keel_child_spec child = keel_child(&bench_server, argument);
    keel_pid supervisor = keel_started_or_exit(keel_supervisor_start_link(
            &child, 1, .intensity = CRASHES, .period = KEEL_SECONDS(1)));
    keel_pid pid;
    KEEL_ASSERT(keel_match(keel_receive(), "{up, Child}", &pid));
    for (int i = 0; i < CRASHES; i++) {
        keel_scope scope = keel_scope_open();
        int64_t start = bench_now();
        keel_cast(pid, keel_atom(crash));
        KEEL_ASSERT(keel_match(keel_receive(), "{up, Child}", &pid));
        took[i] = bench_now() - start;
        keel_scope_close(&scope);
    }
    keel_unlink(supervisor);
    keel_status status = keel_gen_server_stop(supervisor, keel_atom(normal), KEEL_NEVER);
    KEEL_ASSERT(status == KEEL_OK);
}

static void crash_many(int64_t *took, uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        keel_scope scope = keel_scope_open();
        crash_child(took + i * CRASHES);
        keel_scope_close(&scope);
    }
}

void bench_restart(const char *name, uint64_t count)
{
    uint64_t rounds = bench_share(count, CRASHES);
    int64_t *took = keel_alloc(rounds * CRASHES * sizeof *took);
    crash_many(took, bench_share(rounds, 10));
    crash_many(took, rounds);
    bench_sort(took, rounds * CRASHES);
    bench_print(name, (double)took[rounds * CRASHES / 2] / 1000, "us");
}
