#include "bench.h"

#include <keel/parts/jobs.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// A queue of jobs, in memory and on SQLite.

enum { CLIENTS = 50 };

static keel_pid bench;

static keel_term tell(keel_term unused)
{
    (void)unused;
    keel_send(bench, keel_atom(worked));
    return keel_atom(ok);
}

static const keel_job_kind kinds[] = {{.name = "tell", .run = tell}};

// The body of a client; its argument is {Queue, Count}.
static void add_all(keel_term arguments)
{
    keel_term queue = keel_element(arguments, 0);
    int64_t count = keel_to_int(keel_element(arguments, 1));
    for (int64_t i = 0; i < count; i++) {
        keel_scope scope = keel_scope_open();
        KEEL_ASSERT(keel_jobs_add(queue, NULL, "tell", keel_nil()) == KEEL_OK);
        keel_scope_close(&scope);
    }
}

static int64_t completed(keel_term queue)
{
    keel_scope scope = keel_scope_open();
    keel_term stats;
    KEEL_ASSERT(keel_jobs_stats(queue, &stats) == KEEL_OK);
    int64_t count = keel_to_int(keel_map_get(stats, keel_atom(completed)));
    keel_scope_close(&scope);
    return count;
}

static void work_off(void *context, uint64_t count)
{
    keel_term queue = *(keel_term *)context;
    int64_t share = (int64_t)bench_share(count, CLIENTS);
    int64_t all = completed(queue) + CLIENTS * share;
    bench = keel_self();
    for (int i = 0; i < CLIENTS; i++) {
        keel_spawn_link(add_all, keel_make("{Queue, Count}", queue, share));
    }
    bench_collect(keel_atom(worked), (uint64_t)(CLIENTS * share));
    while (completed(queue) != all) {
        keel_yield();
    }
}

static void measure(const char *name, keel_term queue, uint64_t count)
{
    bench_print(name, (double)bench_measure(count, work_off, &queue) / 1000 / (double)count,
            "us");
}

void bench_jobs(const char *name, uint64_t count)
{
    (void)name;
    char file[64], database[80];
    const char *folder = getenv("TMPDIR");
    snprintf(
            file, sizeof file, "%s/bench_jobs_%d.db", folder ? folder : P_tmpdir, getpid());
    snprintf(database, sizeof database, "sqlite:%s", file);
    keel_started_or_exit(keel_jobs_start_link(.name = keel_atom(quick), .kinds = kinds,
            .kind_count = KEEL_COUNT(kinds)));
    measure("jobs_memory", keel_atom(quick), count);
    keel_started_or_exit(keel_jobs_start_link(.name = keel_atom(durable), .kinds = kinds,
            .kind_count = KEEL_COUNT(kinds), .database = database));
    measure("jobs_durable", keel_atom(durable), bench_share(count, 10));
    char journal[96];
    unlink(file);
    snprintf(journal, sizeof journal, "%s-wal", file);
    unlink(journal);
    snprintf(journal, sizeof journal, "%s-shm", file);
    unlink(journal);
}
