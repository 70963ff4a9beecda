#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// The cases of bench/ on Keel: `keel-bench CASE [COUNT]` prints `case value unit` lines.

#define ROUNDS_PER_TURN 500

struct bench_case {
    const char *name;
    void (*run)(const char *name, uint64_t count);
};

static const struct bench_case cases[] = {
        {"call_2s", bench_call_one},
        {"call_1s", bench_call_one},
        {"named_call", bench_call_named},
        {"registry_call", bench_call_registry},
        {"cast_1_1", bench_cast},
        {"fan_in", bench_fan_in},
        {"payload_64k", bench_payload_64k},
        {"payload_1k", bench_payload_1k},
        {"ping_pong", bench_ping_pong},
        {"ring", bench_ring},
        {"growth", bench_growth},
        {"big", bench_big},
        {"broadcast", bench_broadcast},
        {"spawn_exit", bench_spawn_exit},
        {"spawn_batch", bench_spawn_batch},
        {"idle", bench_idle},
        {"idle_hibernated", bench_idle_hibernated},
        {"restart", bench_restart},
        {"timer_cancel", bench_timer_cancel},
        {"timer_lateness", bench_timer_lateness},
        {"cache", bench_cache},
        {"jobs", bench_jobs},
        {"limiter_check", bench_limiter},
        {"pool_checkout", bench_pool},
};

static const struct bench_case *find_case(const char *name)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(cases[i].name, name) == 0) {
            return &cases[i];
        }
    }
    return NULL;
}

// The body of the process that runs a case; `arguments` is {Case, Count}.
static void run_case(keel_term arguments)
{
    const struct bench_case *found = keel_to_pointer(keel_element(arguments, 0), NULL);
    found->run(found->name, (uint64_t)keel_to_int(keel_element(arguments, 1)));
    keel_gen_ack(keel_atom(ok));
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    return 1;
}

int main(int argc, char **argv)
{
    const struct bench_case *found = argc > 1 ? find_case(argv[1]) : NULL;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 100000;
    if (found == NULL || count == 0) {
        fprintf(stderr, "usage: keel-bench CASE [COUNT]\n");
        return 2;
    }
    keel_config config = {.workers = strcmp(found->name, "call_1s") == 0 ? 1 : 2};
    keel_status status = keel_start(&config);
    if (status != KEEL_OK) {
        return fail("keel_start", keel_status_text(status));
    }
    keel_report_level_set(
            KEEL_REPORT_NONE); // as on the other side: crashes are part of a case
    keel_term arguments = keel_tuple_of(keel_pointer(found), keel_uint(count));
    keel_term ack;
    status = keel_start_body(run_case, arguments, NULL, KEEL_NEVER, NULL, NULL, &ack);
    fflush(stdout);
    if (status == KEEL_E_EXIT) {
        fail(found->name, keel_show(ack));
    } else if (status != KEEL_OK) {
        fail(found->name, keel_status_text(status));
    }
    // Not stopped: a million idle servers would be ended one by one.
    _exit(status == KEEL_OK ? 0 : 1);
}

// --- measuring and printing ---

int64_t bench_measure(
        uint64_t count, void (*work)(void *context, uint64_t count), void *context)
{
    work(context, bench_share(count, 10));
    int64_t start = bench_now();
    work(context, count);
    return bench_now() - start;
}

void bench_give_way(uint64_t round)
{
    if (round % ROUNDS_PER_TURN == 0) {
        keel_yield();
    }
}

int64_t bench_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

uint64_t bench_resident(void)
{
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    KEEL_ASSERT(statm != NULL);
    KEEL_ASSERT(fscanf(statm, "%*u %lu", &pages) == 1);
    fclose(statm);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void bench_print(const char *name, double value, const char *unit)
{
    printf("%s %.4f %s\n", name, value, unit);
}

void bench_print_per_item(const char *name, int64_t took, uint64_t count)
{
    bench_print(name, (double)took / (double)count, "ns");
}

void bench_print_per_second(const char *name, int64_t took, uint64_t count)
{
    bench_print(name, (double)count * 1000 / (double)took, "M/s");
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

void bench_sort(int64_t *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
}

uint32_t bench_random(uint32_t seed)
{
    return (seed * 1103515245 + 12345) & 0x7fffffff;
}

uint64_t bench_share(uint64_t count, uint64_t parts)
{
    return count < parts ? 1 : count / parts;
}
