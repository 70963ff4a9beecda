// Job queues in memory: what a job goes through.

#include "jobs_testing.h"

#include <keel/pubsub.h>

// --- kinds of work ---

static int running, most, order[64], ordered; // of this run; one thread under the simulator

static keel_term echo(keel_term argument)
{
    return argument;
}

static keel_term note(keel_term number)
{
    order[ordered++] = (int)keel_to_int(number);
    return keel_atom(ok);
}

static keel_term work(keel_term milliseconds)
{
    running++;
    most = running > most ? running : most;
    keel_sleep(KEEL_MS(keel_to_int(milliseconds)));
    running--;
    return keel_atom(ok);
}

// Fails until its attempt has reached the argument.
static keel_term stumble(keel_term attempts)
{
    if (keel_job_attempt() >= keel_to_int(attempts)) {
        return keel_int(keel_job_attempt());
    }
    if (keel_job_attempt() % 2 == 0) {
        keel_exit(keel_atom(stumbled));
    }
    return keel_make("{error, stumbled}");
}

static keel_term give_up(keel_term argument)
{
    (void)argument;
    return keel_make("{cancel, pointless}");
}

static keel_term snooze(keel_term until)
{
    return wall_ms() >= keel_to_int(until) ? keel_int(keel_job_attempt())
                                           : keel_make("{snooze, 700}");
}

static keel_term step(keel_term steps)
{
    int64_t count = keel_to_int(steps);
    for (int64_t i = 1; i <= count; i++) {
        if (keel_job_sleep(KEEL_SECONDS(1)) == KEEL_E_CANCELED) {
            return keel_atom(stopped);
        }
        keel_job_progress((int)(i * 100 / count));
    }
    return keel_int(keel_job_id());
}

static keel_term be_deaf(keel_term argument)
{
    (void)argument;
    keel_sleep(KEEL_MINUTES(10));
    return keel_atom(heard_nothing);
}

static const keel_job_kind kinds[] = {
        {.name = "echo", .run = echo},
        {.name = "note", .run = note},
        {.name = "work", .run = work},
        {.name = "stumble", .run = stumble, .max_attempts = 4, .backoff = KEEL_SECONDS(8)},
        {.name = "give_up", .run = give_up},
        {.name = "snooze", .run = snooze},
        {.name = "step", .run = step},
        {.name = "deaf", .run = be_deaf},
        {.name = "slow", .run = be_deaf, .timeout = KEEL_SECONDS(3), .max_attempts = 2},
};

#define QUEUE .name = keel_atom(q), .kinds = kinds, .kind_count = KEEL_COUNT(kinds)
#define START(...) keel_started_or_exit(keel_jobs_start_link(QUEUE, ##__VA_ARGS__))

// --- the way of a job ---

static void complete(keel_term unused)
{
    (void)unused;
    keel_started_or_exit(keel_pubsub_start_link(.name = keel_atom(news)));
    CHECK_OK(keel_pubsub_subscribe(keel_atom(news), keel_jobs_topic(keel_atom(q))));
    START(.pubsub = keel_atom(news));
    int64_t before = wall_ms();
    int64_t id = ADD("step", keel_int(4), .priority = 3);
    CHECK_INT(id, 1);
    await_status(id, "completed");
    CHECK_TERM(field(id, "outcome"), "1");
    CHECK_TERM(field(id, "progress"), "100");
    CHECK_TERM(field(id, "name"), "<<\"step\">>");
    CHECK_TERM(field(id, "argument"), "4");
    CHECK_TERM(field(id, "attempt"), "1");
    CHECK_TERM(field(id, "priority"), "3");
    CHECK(keel_to_int(field(id, "started_at")) >= before);
    CHECK(keel_to_int(field(id, "finished_at")) >=
            keel_to_int(field(id, "started_at")) + 4000);
    // What others heard of it, in order.
    CHECK_OK(keel_receive_match(KEEL_AT_ONCE, "{jobs, q, #{id := 1, status := pending}}"));
    CHECK_OK(keel_receive_match(
            KEEL_AT_ONCE, "{jobs, q, #{status := processing, progress := 0}}"));
    CHECK_OK(keel_receive_match(KEEL_AT_ONCE, "{jobs, q, #{progress := 25}}"));
    CHECK_OK(keel_receive_match(KEEL_AT_ONCE, "{jobs, q, #{progress := 50}}"));
    CHECK_OK(keel_receive_match(KEEL_AT_ONCE, "{jobs, q, #{progress := 75}}"));
    CHECK_OK(keel_receive_match(
            KEEL_AT_ONCE, "{jobs, q, #{status := processing, progress := 100}}"));
    CHECK_OK(keel_receive_match(KEEL_AT_ONCE, "{jobs, q, #{status := completed}}"));
    CHECK_INT(keel_queue_length(), 0);
}

SEEDED("a job is pending, processing with progress, completed, and others hear of it")
{
    simulate(complete);
}

static void go_by_priority(keel_term unused)
{
    (void)unused;
    START(.concurrency = 1);
    CHECK_OK(keel_jobs_pause("q"));
    const int priorities[] = {5, 0, 9, 0, 5};
    ordered = 0;
    for (int i = 0; i < 5; i++) {
        ADD("note", keel_int(i), .priority = priorities[i]);
    }
    keel_sleep(KEEL_SECONDS(1));
    CHECK_INT(ordered, 0); // paused
    CHECK_OK(keel_jobs_resume("q"));
    await_status(3, "completed");
    const int expected[] = {1, 3, 0, 4, 2};
    for (int i = 0; i < 5; i++) {
        CHECK_INT(order[i], expected[i]);
    }
}

SEEDED("jobs go by priority, then by age, and none while the queue is paused")
{
    simulate(go_by_priority);
}

static void keep_to_limits(keel_term unused)
{
    (void)unused;
    START(.concurrency = 3, .limit = 12);
    running = most = 0;
    for (int i = 0; i < 12; i++) {
        ADD("work", keel_int(100));
    }
    int64_t id = 0;
    CHECK_INT(keel_jobs_add("q", &id, "work", keel_int(1)), KEEL_E_OVERLOAD);
    await_status(6, "completed");
    CHECK_INT(most, 3);
    CHECK_OK(keel_jobs_set_concurrency("q", 1));
    CHECK_INT(keel_jobs_set_concurrency("q", 0), KEEL_E_BADARG);
    keel_sleep(KEEL_MS(150));
    most = running;
    await_status(12, "completed");
    CHECK_INT(most, 1);
    keel_term stats;
    CHECK_OK(keel_jobs_stats("q", &stats));
    CHECK_TERM(
            stats, "#{completed := 12, pending := 0, processing := 0, concurrency := 1}");
}

SEEDED("no more run at once than allowed, and no more wait than the limit")
{
    simulate(keep_to_limits);
}

// --- failing ---

static void try_again(keel_term unused)
{
    (void)unused;
    START();
    int64_t start = wall_ms();
    int64_t lucky = ADD("stumble", keel_int(3)), hopeless = ADD("stumble", keel_int(9));
    await_status(lucky, "completed");
    CHECK_TERM(field(lucky, "outcome"), "3");
    // 8 s and 16 s, each less up to a quarter.
    int64_t took = wall_ms() - start;
    CHECK(took >= 18000 && took <= 24100);
    CHECK_TERM(field(hopeless, "status"), "pending");
    await_status(hopeless, "failed");
    CHECK_TERM(field(hopeless, "attempt"), "4");
    CHECK_TERM(field(hopeless, "outcome"), "stumbled");
    took = wall_ms() - start;
    CHECK(took >= 42000 && took <= 56200);
}

SEEDED("a job that fails is tried again with a growing back-off, and failed at last")
{
    keel_report_level_set(KEEL_REPORT_NONE);
    simulate(try_again);
}

static void end_otherwise(keel_term unused)
{
    (void)unused;
    START();
    int64_t pointless = ADD("give_up", keel_nil());
    int64_t sleepy = ADD("snooze", keel_int(wall_ms() + 2000));
    int64_t slow = ADD("slow", keel_nil());
    await_status(pointless, "cancelled");
    CHECK_TERM(field(pointless, "outcome"), "pointless");
    await_status(sleepy, "completed");
    CHECK_TERM(field(sleepy, "outcome"), "1"); // a snooze is no attempt
    await_status(slow, "failed");
    CHECK_TERM(field(slow, "outcome"), "timeout");
    CHECK_TERM(field(slow, "attempt"), "2");
}

SEEDED("a job may cancel itself, snooze, and be stopped by its time limit")
{
    keel_report_level_set(KEEL_REPORT_NONE);
    simulate(end_otherwise);
}

// --- cancelling ---

static void cancel_some(keel_term unused)
{
    (void)unused;
    START(.concurrency = 2, .grace = KEEL_SECONDS(2));
    int64_t polite = ADD("step", keel_int(100)), deaf = ADD("deaf", keel_nil());
    int64_t waiting = ADD("echo", keel_nil()),
            later = ADD("echo", keel_nil(), .delay = KEEL_SECONDS(9));
    await_status(polite, "processing");
    await_status(deaf, "processing");
    CHECK_OK(keel_jobs_cancel("q", waiting, NULL));
    CHECK_TERM(field(waiting, "status"), "cancelled");
    CHECK_OK(keel_jobs_cancel("q", later, NULL));
    CHECK_TERM(field(later, "status"), "cancelled");

    int64_t start = keel_now();
    CHECK_OK(keel_jobs_cancel("q", polite, NULL));
    CHECK(keel_now() - start < KEEL_SECONDS(1));
    CHECK_TERM(field(polite, "status"), "cancelled");
    start = keel_now();
    CHECK_OK(keel_jobs_cancel("q", deaf, NULL));
    CHECK(keel_now() - start >= KEEL_SECONDS(2));
    CHECK_TERM(field(deaf, "status"), "cancelled");

    keel_term reason;
    CHECK_INT(keel_jobs_cancel("q", polite, &reason), KEEL_E_REFUSED);
    CHECK_TERM(reason, "{finished, cancelled}");
    CHECK_INT(keel_jobs_cancel("q", 99, &reason), KEEL_E_REFUSED);
    CHECK_TERM(reason, "not_found");
    // The slots are free again.
    await_status(ADD("echo", keel_int(1)), "completed");
    await_status(ADD("echo", keel_int(2)), "completed");
}

SEEDED("cancelled jobs learn of it, and are killed when they do not listen")
{
    keel_report_level_set(KEEL_REPORT_NONE);
    simulate(cancel_some);
}

// --- the clock ---

static void schedule(keel_term unused)
{
    (void)unused;
    START();
    int64_t start = wall_ms();
    int64_t hour = ADD("echo", keel_int(1), .delay = KEEL_MINUTES(60));
    int64_t at = ADD("echo", keel_int(2), .at = start + 5000);
    keel_term stats;
    CHECK_OK(keel_jobs_stats("q", &stats));
    CHECK_TERM(stats, "#{pending := 2, scheduled := 2}");
    keel_sleep(KEEL_MS(4900));
    CHECK_TERM(field(at, "status"), "pending");
    keel_sleep(KEEL_MS(200));
    CHECK_TERM(field(at, "status"), "completed");
    keel_sleep(KEEL_MINUTES(59));
    CHECK_TERM(field(hour, "status"), "pending");
    keel_sleep(KEEL_MINUTES(1));
    CHECK_TERM(field(hour, "status"), "completed");
}

SEEDED("a job for later begins at its time")
{
    simulate(schedule);
}

static void go_by_cron(keel_term unused)
{
    (void)unused;
    static const keel_job_cron cron[] = {
            {.schedule = "*/10 * * * *", .name = "echo", .argument = "{tick, 10}"},
            {.schedule = "0 * * * *", .name = "note", .argument = "60"},
    };
    ordered = 0;
    START(.cron = cron, .cron_count = 2);
    int64_t start = wall_ms();
    keel_sleep(KEEL_MINUTES(180) - KEEL_MS(1));
    keel_term jobs;
    size_t ticks = 0;
    CHECK_OK(keel_jobs_list("q", &jobs, .name = "echo"));
    CHECK(keel_list_length(jobs, &ticks));
    CHECK_INT(ticks, wall_ms() / 600000 - start / 600000);
    CHECK_INT(ordered, wall_ms() / 3600000 - start / 3600000);
    keel_term argument;
    CHECK(keel_match(keel_head(jobs), "#{argument := Argument}", &argument));
    CHECK_TERM(argument, "{tick, 10}");
    for (int64_t at = 0; keel_list_next(&jobs, &argument);) {
        int64_t this = keel_to_int(keel_map_get(argument, keel_atom(run_at)));
        CHECK_INT(this % 600000, 0);
        CHECK(at == 0 || this == at + 600000);
        at = this;
    }
}

SEEDED("cron adds a job at each of its minutes")
{
    simulate(go_by_cron);
}

// --- unique jobs, lists, forgetting ---

static void be_unique(keel_term unused)
{
    (void)unused;
    START();
    int64_t first = ADD("work", keel_int(1000), .unique = keel_make("{report, 7}")),
            other = 0;
    CHECK_INT(keel_jobs_add(
                      "q", &other, "work", keel_int(5), .unique = keel_make("{report, 7}")),
            KEEL_E_TAKEN);
    CHECK_INT(other, first);
    ADD("work", keel_int(5), .unique = keel_make("{report, 8}"));
    await_status(first, "completed");
    CHECK(ADD("work", keel_int(5), .unique = keel_make("{report, 7}")) > first);
    CHECK_INT(keel_jobs_add("q", &other, "nothing", keel_nil()), KEEL_E_BADARG);
    CHECK_INT(
            keel_jobs_add("q", &other, "echo", keel_nil(), .priority = 10), KEEL_E_BADARG);
    CHECK_INT(keel_jobs_add("q", &other, NULL, keel_nil()), KEEL_E_BADARG);
}

SEEDED("of unique jobs one at a time is unfinished; what is wrong is refused")
{
    simulate(be_unique);
}

static size_t length(keel_term list)
{
    size_t count = 0;
    CHECK(keel_list_length(list, &count));
    return count;
}

static void list_and_forget(keel_term unused)
{
    (void)unused;
    START(.keep = 20, .concurrency = 1);
    for (int i = 1; i <= 30; i++) {
        ADD(i % 3 == 0 ? "give_up" : "echo", keel_int(i));
    }
    await_status(30, "cancelled");
    keel_term jobs, stats;
    CHECK_OK(keel_jobs_list("q", &jobs, .status = keel_atom(completed)));
    CHECK_INT(length(jobs), 13);
    CHECK_OK(keel_jobs_list("q", &jobs, .newest_first = true, .limit = 2));
    CHECK_TERM(jobs, "[#{id := 30}, #{id := 29}]");
    CHECK_OK(keel_jobs_list("q", &jobs, .after = 27, .name = "echo"));
    CHECK_TERM(jobs, "[#{id := 28}, #{id := 29}]");
    CHECK_OK(keel_jobs_list("q", &jobs));
    CHECK_INT(length(jobs), 20); // `keep`
    CHECK_OK(keel_jobs_stats("q", &stats));
    CHECK_TERM(stats, "#{completed := 20, cancelled := 10, failed := 0}");
    size_t count = 0;
    CHECK_OK(keel_jobs_prune("q", 5, &count));
    CHECK_INT(count, 15);
    CHECK_OK(keel_jobs_list("q", &jobs));
    CHECK_TERM(jobs, "[#{id := 26}, _, _, _, #{id := 30}]");
    CHECK_OK(keel_jobs_stats("q", &stats));
    CHECK_TERM(stats, "#{completed := 20, cancelled := 10}");
    CHECK_TERM(job(1), "<<\"REFUSED\">>");
}

SEEDED("lists have filters; finished jobs are forgotten but stay counted")
{
    simulate(list_and_forget);
}

static void refuse_options(keel_term unused)
{
    (void)unused;
    keel_trap_exit(true);
    CHECK_TERM(keel_jobs_start_link(.kinds = kinds, .kind_count = 1).reason,
            "{badarg, {name, []}}");
    CHECK_TERM(keel_jobs_start_link(.name = keel_atom(q)).reason, "{badarg, {kinds, []}}");
    CHECK_TERM(keel_jobs_start_link(QUEUE, .concurrency = -1).reason,
            "{badarg, {concurrency, -1}}");
    static const keel_job_cron never[] = {{.schedule = "61 * * * *", .name = "echo"}};
    CHECK_TERM(keel_jobs_start_link(QUEUE, .cron = never, .cron_count = 1).reason,
            "{badarg, {cron, 0}}");
    static const keel_job_cron nobody[] = {{.schedule = "* * * * *", .name = "nobody"}};
    CHECK_TERM(keel_jobs_start_link(QUEUE, .cron = nobody, .cron_count = 1).reason,
            "{badarg, {cron, 0}}");
    CHECK_INT(keel_job_id(), 0);
    CHECK(!keel_job_cancelled());
    CHECK_INT(keel_job_also("select 1", keel_nil()), KEEL_E_OUTSIDE);
    // As a child of somebody else's supervisor.
    keel_child_spec children[] = {keel_child_jobs(QUEUE, .concurrency = 2)};
    keel_started_or_exit(keel_supervisor_start_link(children, 1));
    await_status(ADD("echo", keel_atom(child)), "completed");
}

SEEDED("options that cannot be are named; a queue is a child of any supervisor")
{
    simulate(refuse_options);
}
