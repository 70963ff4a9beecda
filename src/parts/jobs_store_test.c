// Job queues in a database: what is there after the end of the queue, of its store, of all
// of it; and what a job does together with its completion.

#include "database.h"
#include "database_testing.h"

#include <keel/parts/jobs.h>

static int64_t gate; // jobs of the kind `wait` end when it is 1

static keel_term echo(keel_term argument)
{
    return argument;
}

static keel_term wait_at_gate(keel_term argument)
{
    while (__atomic_load_n(&gate, __ATOMIC_RELAXED) == 0) {
        if (keel_job_sleep(KEEL_MS(2)) != KEEL_OK) {
            return keel_atom(left);
        }
    }
    return argument;
}

static keel_term pay(keel_term amount)
{
    CHECK_OK(keel_job_also(
            "update account set balance = balance + $1", keel_list_of(amount)));
    CHECK_OK(keel_job_also("insert into ledger (job, amount) values ($1, $2)",
            keel_list_of(keel_int(keel_job_id()), amount)));
    return keel_atom(paid);
}

static keel_term pay_wrongly(keel_term unused)
{
    (void)unused;
    CHECK_OK(keel_job_also("update account set balance = balance - 1", keel_nil()));
    CHECK_OK(keel_job_also("update account set balance = no_such_column", keel_nil()));
    return keel_atom(paid);
}

static const keel_job_kind kinds[] = {
        {.name = "echo", .run = echo},
        {.name = "wait", .run = wait_at_gate},
        {.name = "pay", .run = pay},
        {.name = "wrong", .run = pay_wrongly, .max_attempts = 2, .backoff = KEEL_MS(1)},
};

static keel_started start_queue(void)
{
    return keel_jobs_start_link(.name = keel_atom(q), .kinds = kinds,
            .kind_count = KEEL_COUNT(kinds), .database = test_url, .concurrency = 4,
            .intensity = 1000, .keep = 50);
}

static keel_pid start(void)
{
    keel_started started = start_queue();
    if (started.status != KEEL_OK) {
        kl_test_fail(__FILE__, __LINE__, "start: %s %s", keel_status_name(started.status),
                keel_show(started.reason));
    }
    return started.pid;
}

static void stop(keel_pid tree)
{
    keel_ref monitor = keel_monitor(tree);
    keel_process_exit(tree, keel_atom(shutdown));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "{'DOWN', ^Monitor, process, _, _}", monitor));
}

static keel_term status_of(int64_t id)
{
    keel_term job;
    keel_status status = keel_jobs_get("q", id, &job);
    return status == KEEL_OK ? keel_map_get(job, keel_atom(status)) : keel_atom(unknown);
}

static void await(int64_t id, const char *status)
{
    keel_deadline deadline = KEEL_IN(KEEL_SECONDS(20));
    while (strcmp(keel_show(status_of(id)), status) != 0) {
        if (keel_deadline_passed(deadline)) {
            kl_test_fail(__FILE__, __LINE__, "job %d is %s, not %s", (int)id,
                    keel_show(status_of(id)), status);
        }
        keel_sleep(KEEL_MS(2));
    }
}

static int64_t add(const char *name, keel_term argument)
{
    int64_t id = 0;
    CHECK_OK(keel_jobs_add("q", &id, name, argument));
    return id;
}

static keel_term rows_of(keel_database *db, const char *sql)
{
    keel_answer answer;
    CHECK_OK(keel_database_query(db, sql, KEEL_NONE, &answer));
    return answer.rows;
}

// --- the scenario ---

static void survive_ends(void)
{
    keel_term job;
    keel_pid tree = start();
    int64_t done = add("echo", keel_make("{<<\"a\">>, [1.5, x]}"));
    await(done, "completed");
    int64_t held = add("wait", keel_int(7)), later = 0;
    CHECK_OK(keel_jobs_add("q", &later, "echo", keel_nil(), .delay = KEEL_MINUTES(60),
            .unique = keel_make("{u, 1}"), .priority = 4));
    await(held, "processing");

    // Orderly, and with the queue or its store killed, three times each.
    for (int round = 0; round < 9; round++) {
        keel_term killed = round % 3 == 1 ? keel_atom(q) : keel_atom_text("q.Store");
        keel_pid pid = keel_whereis(killed), old = keel_whereis("q");
        if (round % 3 == 0) {
            stop(tree);
            tree = start();
        } else {
            keel_ref monitor = keel_monitor(pid);
            keel_process_exit(pid, keel_atom(kill));
            CHECK_OK(keel_receive_match(
                    KEEL_NEVER, "{'DOWN', ^Monitor, process, _, _}", monitor));
        }
        // The queue goes with its store, but a moment later.
        while (keel_whereis("q").word == 0 || keel_whereis("q").word == old.word ||
                !keel_is(status_of(held), processing)) {
            keel_sleep(KEEL_MS(1));
        }
    }
    CHECK_OK(keel_jobs_get("q", done, &job));
    CHECK_TERM(
            job, "#{status := completed, outcome := {<<\"a\">>, [1.5, x]}, attempt := 1}");
    CHECK_OK(keel_jobs_get("q", later, &job));
    CHECK_TERM(job, "#{status := pending, priority := 4, unique := {u, 1}}");
    CHECK_INT(keel_jobs_add("q", NULL, "echo", keel_nil(), .unique = keel_make("{u, 1}")),
            KEEL_E_TAKEN);
    __atomic_store_n(&gate, 1, __ATOMIC_RELAXED);
    await(held, "completed");
    CHECK_OK(keel_jobs_get("q", held, &job));
    CHECK_TERM(job, "#{outcome := 7, attempt := 1}"); // interruptions are no attempts
    CHECK_OK(keel_jobs_cancel("q", later, NULL));
    CHECK_OK(keel_jobs_pause("q"));
    stop(tree);
    tree = start();
    keel_term stats;
    CHECK_OK(keel_jobs_stats("q", &stats));
    CHECK_TERM(stats, "#{paused := true, completed := 2, cancelled := 1, pending := 0}");
    CHECK(add("echo", keel_nil()) > later); // numbers are never used again
    CHECK_OK(keel_jobs_resume("q"));
    CHECK_OK(keel_jobs_prune("q", 0, NULL));
    stop(tree);
}

static void pay_once(void)
{
    keel_database *db;
    CHECK_OK(keel_database_open(test_url, &db));
    rows_of(db, "create table account (balance bigint)");
    rows_of(db, "create table ledger (job bigint primary key, amount bigint)");
    rows_of(db, "insert into account values (0)");
    keel_pid tree = start();
    int64_t last = 0;
    for (int i = 1; i <= 100; i++) {
        last = add("pay", keel_int(i));
    }
    int64_t wrong = add("wrong", keel_nil());
    await(wrong, "failed");
    while (!keel_is(status_of(last), completed)) {
        keel_sleep(KEEL_MS(1));
    }
    keel_term job, stats;
    CHECK_OK(keel_jobs_get("q", wrong, &job));
    CHECK_TERM(job, "#{attempt := 2, outcome := {also, {sql, _, _}}}");
    do {
        keel_sleep(KEEL_MS(1));
        CHECK_OK(keel_jobs_stats("q", &stats));
    } while (keel_to_int(keel_map_get(stats, keel_atom(processing))) +
                     keel_to_int(keel_map_get(stats, keel_atom(pending))) >
             0);
    CHECK_TERM(rows_of(db, "select balance from account"), "[{5050}]");
    CHECK_TERM(rows_of(db, "select count(*) from ledger"), "[{100}]");
    // `keep`, in the database too; what is forgotten stays counted.
    keel_sleep(KEEL_MS(200));
    CHECK_TERM(rows_of(db, "select count(*) from keel_jobs"), "[{50}]");
    CHECK_OK(keel_jobs_stats("q", &stats));
    int64_t completed = keel_to_int(keel_map_get(stats, keel_atom(completed)));
    stop(tree);
    tree = start();
    CHECK_OK(keel_jobs_stats("q", &stats));
    CHECK_INT(keel_to_int(keel_map_get(stats, keel_atom(completed))), completed);
    stop(tree);
}

static void be_alone(void)
{
    keel_pid tree = start();
    // What a second program does: another tree with the same queue in the same database.
    // The names of this program would be in its way, so only its store is started.
    CHECK_TERM(start_queue().reason, "{already_started, _}");
    // A queue that was taken over all the same ends when it writes.
    keel_database *db;
    CHECK_OK(keel_database_open(test_url, &db));
    keel_pid store = keel_whereis("q.Store");
    keel_ref monitor = keel_monitor(store);
    rows_of(db, "update keel_queues set epoch = epoch + 1");
    int64_t id = 0;
    keel_status status = keel_jobs_add("q", &id, "echo", keel_nil());
    CHECK(status != KEEL_OK);
    CHECK_OK(keel_receive_match(
            KEEL_NEVER, "{'DOWN', ^M, process, _, {shutdown, superseded}}", monitor));
    CHECK_TERM(rows_of(db, "select count(*) from keel_jobs where status = 'pending'"),
            "[{0}]");
    while (keel_whereis("q").word == 0) {
        keel_sleep(KEEL_MS(1));
    }
    await(add("echo", keel_nil()), "completed");
    stop(tree);
}

static void refuse(void)
{
    int number = 0;
    keel_pid tree = start();
    CHECK_INT(keel_jobs_add("q", NULL, "echo", keel_pointer(&number)), KEEL_E_BADARG);
    stop(tree);
    keel_started started = keel_jobs_start_link(.name = keel_atom(z), .kinds = kinds,
            .kind_count = 1, .database = "sqlite:/nowhere/at/all.db");
    CHECK(started.status != KEEL_OK);
    CHECK_TERM(
            started.reason, "{shutdown, {failed_to_start_child, store, {database, _, _}}}");
}

static void scenario(void)
{
    gate = 0;
    keel_trap_exit(true);
    survive_ends();
    pay_once();
    be_alone();
    refuse();
}

TEST("a queue in SQLite goes on after the end of any of its processes, or of all")
{
    struct test_file file;
    keel_report_level_set(KEEL_REPORT_NONE);
    make_sqlite(&file, "");
    test_url = file.url;
    run_body(scenario);
    remove_sqlite(&file);
}

static void lose_server(void)
{
    scenario();
    // Everybody's connection is cut again and again; no job is lost or paid twice.
    keel_database *db;
    CHECK_OK(keel_database_open(test_url, &db));
    rows_of(db, "delete from ledger");
    rows_of(db, "update account set balance = 0");
    keel_pid tree = start();
    int64_t last = 0;
    for (int i = 1; i <= 200; i++) {
        last = add("pay", keel_int(1));
        if (i % 20 == 0) {
            rows_of(db,
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where pid <> pg_backend_pid() and backend_type = 'client backend'");
        }
    }
    await(last, "completed");
    keel_term balance;
    keel_deadline deadline = KEEL_IN(KEEL_SECONDS(20));
    do {
        balance = keel_element(keel_head(rows_of(db, "select count(*) from ledger")), 0);
    } while (keel_to_int(balance) < 200 && !keel_deadline_passed(deadline));
    CHECK_TERM(rows_of(db, "select balance from account"), "[{200}]");
    stop(tree);
}

TEST("a queue in PostgreSQL does so too, and though its server is lost", .timeout_s = 120)
{
    if (kl_database_postgres == NULL) {
        kl_test_skip("a build without PostgreSQL");
    }
    struct test_server server;
    keel_report_level_set(KEEL_REPORT_NONE);
    start_postgres(&server);
    test_url = server.url;
    run_body(lose_server);
    stop_postgres(&server);
}
