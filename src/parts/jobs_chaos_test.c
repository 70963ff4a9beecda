// Job queues whose processes are killed at random: no job is lost, and none runs again
// after it has finished; a schedule adds one job at each of its minutes.

#include "jobs_testing.h"
#include "postgres_testing.h"

#include <keel/pubsub.h>
#include <stdio.h>

enum { JOBS = 30, KILLS = 40 };

static int completions[JOBS + 1], runs[JOBS + 1];

static keel_term work(keel_term argument)
{
    (void)argument;
    int64_t id = keel_job_id();
    CHECK_INT(completions[id], 0);
    runs[id]++;
    keel_sleep(KEEL_MS(keel_test_choose(20)));
    CHECK_INT(completions[id], 0);
    return keel_int(id);
}

static keel_term tick(keel_term argument)
{
    keel_sleep(KEEL_MS(keel_test_choose(300)));
    return argument;
}

static const keel_job_kind kinds[] = {
        {.name = "work", .run = work, .max_attempts = 10000, .backoff = KEEL_MS(1)},
        {.name = "tick", .run = tick, .max_attempts = 10000, .backoff = KEEL_MS(1)}};
static const keel_job_cron cron[] = {{.schedule = "* * * * *", .name = "tick"}};
static const char *database; // NULL: in memory
static size_t cron_count;

static keel_pid start(void)
{
    keel_started started;
    do { // those of a tree that was killed may not have ended yet
        started = keel_jobs_start_link(.name = keel_atom(q), .kinds = kinds,
                .kind_count = KEEL_COUNT(kinds), .concurrency = 4, .cron = cron,
                .cron_count = cron_count, .database = database, .pubsub = keel_atom(news),
                .intensity = 100000, .max_interruptions = 100000);
        keel_sleep(KEEL_MS(1));
    } while (started.status != KEEL_OK);
    return started.pid;
}

// Tells of completions as they happen, not when the body gets to hear of them.
static void listen(keel_term parent)
{
    CHECK_OK(keel_pubsub_subscribe(keel_atom(news), keel_jobs_topic(keel_atom(q))));
    keel_send(keel_to_pid(parent), keel_atom(listening));
    for (;;) {
        keel_scope scope = keel_scope_open();
        keel_term message = keel_receive();
        int64_t id;
        if (keel_match(message, "{jobs, q, #{id := Id, status := completed}}", &id)) {
            completions[id]++;
        }
        keel_scope_close(&scope);
    }
}

static keel_pid victim(keel_pid tree)
{
    keel_term pids;
    switch (keel_test_choose(8)) {
    case 0:
        return tree;
    case 1:
    case 2:
        return keel_whereis("q.Workers");
    case 3:
    case 4:
        return keel_whereis("q");
    default:
        if (keel_whereis("q.Workers").word != 0 &&
                keel_task_supervisor_children("q.Workers", &pids) == KEEL_OK &&
                keel_is_list(pids)) {
            return keel_to_pid(keel_head(pids));
        }
        return (keel_pid){0};
    }
}

static bool all_completed(void)
{
    keel_term stats;
    return keel_whereis("q").word != 0 && keel_jobs_stats("q", &stats) == KEEL_OK &&
           keel_to_int(keel_map_get(stats, keel_atom(completed))) == JOBS;
}

// Kills one of the queue's processes; starts its tree anew when it was that.
static void kill_somebody(keel_pid *tree)
{
    keel_pid pid = victim(*tree);
    if (pid.word != 0) {
        keel_process_exit(pid, keel_atom(kill));
    }
    keel_sleep(1);
    if (!keel_process_alive(*tree)) {
        *tree = start();
    }
    keel_flush();
}

static void chaos(keel_term unused)
{
    (void)unused;
    memset(completions, 0, sizeof completions);
    memset(runs, 0, sizeof runs);
    keel_trap_exit(true);
    keel_started_or_exit(keel_pubsub_start_link(.name = keel_atom(news)));
    keel_spawn_link(listen, keel_from_pid(keel_self()));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "listening"));
    keel_pid tree = start();
    for (int i = 0; i < JOBS; i++) {
        keel_status status = keel_jobs_add(
                "q", NULL, "work", keel_nil(), .priority = (int)keel_test_choose(10));
        CHECK_OK(status);
    }
    for (int i = 0; i < KILLS; i++) {
        keel_scope scope = keel_scope_open();
        keel_sleep(KEEL_US(keel_test_choose(4000)));
        kill_somebody(&tree);
        keel_scope_close(&scope);
    }
    for (int i = 0; !all_completed(); i++) {
        keel_scope scope = keel_scope_open();
        CHECK(i < 20000);
        keel_sleep(KEEL_MS(10));
        keel_scope_close(&scope);
    }
    for (int id = 1; id <= JOBS; id++) {
        CHECK_TERM(field(id, "status"), "completed");
        CHECK(completions[id] <= 1 && runs[id] >= 1);
    }
}

SEEDED("whatever is killed and when, every job is completed, and none runs after that")
{
    keel_report_level_set(KEEL_REPORT_NONE);
    simulate(chaos);
}

// --- schedules ---

enum { MINUTES = 12, MINUTES_ON_DISK = 4, KILLS_A_MINUTE = 4 };

// Whether all ticks are completed; the first and the last of their minutes.
static bool ticks_completed(int64_t *ret_first, int64_t *ret_last)
{
    keel_term jobs, ticked;
    int64_t count = 0, sum = 0, first = INT64_MAX, last = 0;
    if (keel_whereis("q").word == 0 ||
            keel_jobs_list("q", &jobs, .name = "tick") != KEEL_OK) {
        return false;
    }
    for (; keel_list_next(&jobs, &ticked); count++) {
        if (!keel_is(keel_map_get(ticked, keel_atom(status)), completed)) {
            return false;
        }
        // One that was killed comes again a moment later.
        int64_t minute = keel_to_int(keel_map_get(ticked, keel_atom(run_at))) / 60000;
        first = minute < first ? minute : first;
        last = minute > last ? minute : last;
        sum += minute;
    }
    // As many as there are minutes from the first to the last, and as if each were there.
    CHECK_INT(count, last - first + 1);
    CHECK_INT(2 * sum, count * (first + last));
    *ret_first = first;
    *ret_last = last;
    return true;
}

static void chaos_by_cron(keel_term unused)
{
    (void)unused;
    keel_trap_exit(true);
    keel_started_or_exit(keel_pubsub_start_link(.name = keel_atom(news)));
    keel_pid tree = start();
    int64_t from = wall_ms(), first = 0, last = 0;
    for (int i = 0; i < (database == NULL ? MINUTES : MINUTES_ON_DISK); i++) {
        keel_scope scope = keel_scope_open();
        // Most of the kills come about when the minute begins.
        keel_sleep(KEEL_MS(59990 - wall_ms() % 60000 + 60000) % KEEL_MINUTES(1));
        for (int j = 0; j < KILLS_A_MINUTE; j++) {
            keel_sleep(KEEL_US(keel_test_choose(8000)));
            kill_somebody(&tree);
        }
        keel_scope_close(&scope);
    }
    int64_t until = wall_ms();
    while (!ticks_completed(&first, &last) || last < until / 60000) {
        keel_sleep(KEEL_MS(10)); // the last minute may have just begun
    }
    CHECK_INT(first, from / 60000 + 1);
}

SEEDED("whatever is killed and when, a schedule adds one job at each of its minutes")
{
    keel_report_level_set(KEEL_REPORT_NONE);
    cron_count = KEEL_COUNT(cron);
    simulate(chaos_by_cron);
}

SEEDED("so it does in SQLite", .timeout_s = 300)
{
    struct test_file file;
    make_sqlite(&file, "?synchronous=normal");
    database = file.url;
    cron_count = KEEL_COUNT(cron);
    keel_report_level_set(KEEL_REPORT_NONE);
    simulate(chaos_by_cron);
    remove_sqlite(&file);
}
