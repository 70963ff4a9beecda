// A program that works off a stream of jobs is killed with -9 at random moments, and
// started again. Afterwards the database tells: every job it accepted was done, and none
// twice.

#include "database.h"
#include "database_testing.h"

#include <errno.h>
#include <keel/parts/jobs.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { MOST_JOBS = 1 << 20, WAITING = 40 };

// What the program was told: shared with the test, which outlives it.
static volatile unsigned char *accepted; // by id
static bool last_run; // adds nothing, ends when all is done

static keel_term work(keel_term argument)
{
    keel_sleep(KEEL_US(keel_random() % 3000));
    keel_status status = keel_job_also(
            "insert into effects (job) values ($1)", keel_list_of(keel_int(keel_job_id())));
    CHECK_OK(status);
    return argument;
}

static const keel_job_kind kinds[] = {{.name = "work", .run = work}};

// Jobs that are not done. One question: those that a kill interrupted go from processing to
// pending.
static int64_t count_waiting(void)
{
    keel_term stats;
    CHECK_OK(keel_jobs_stats("q", &stats));
    return keel_to_int(keel_map_get(stats, keel_atom(pending))) +
           keel_to_int(keel_map_get(stats, keel_atom(processing)));
}

static void work_off(void)
{
    keel_started_or_exit(keel_jobs_start_link(.name = keel_atom(q), .kinds = kinds,
            .kind_count = 1, .database = test_url, .concurrency = 8, .keep = MOST_JOBS,
            .max_interruptions = 100000));
    for (;;) {
        keel_scope scope = keel_scope_open();
        int64_t id = 0, waiting = count_waiting();
        if (last_run && waiting == 0) {
            break;
        }
        if (last_run || waiting >= WAITING) {
            keel_sleep(KEEL_MS(2));
        } else if (keel_jobs_add("q", &id, "work", keel_nil()) == KEEL_OK) {
            CHECK(id > 0 && id < MOST_JOBS && !accepted[id]);
            accepted[id] = 1;
        }
        keel_scope_close(&scope);
    }
    _exit(0);
}

static bool has_accepted(void)
{
    bool some = false;
    for (int id = 0; id < MOST_JOBS && !some; id++) {
        some = accepted[id] != 0;
    }
    return some;
}

// Starts the program; `milliseconds` later it is killed, unless that is negative. The first
// time that is after it has accepted a job, however slow the machine is.
static void run_program(int milliseconds, bool first)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        last_run = milliseconds < 0;
        run_body(work_off);
        _exit(3);
    }
    int status = 0;
    if (milliseconds >= 0) {
        while (first && !has_accepted()) {
            poll(NULL, 0, 1);
        }
        poll(NULL, 0, milliseconds);
        kill(pid, SIGKILL);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    bool good = milliseconds >= 0 ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL
                                  : WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!good) {
        kl_test_fail(__FILE__, __LINE__, "the program ended with %x", (unsigned)status);
    }
}

static void make_tables(void)
{
    keel_database *db;
    CHECK_OK(keel_database_open(test_url, &db));
    CHECK_OK(keel_database_query(db, "create table effects (job bigint)", KEEL_NONE, NULL));
}

static int64_t count_of(keel_database *db, const char *sql)
{
    keel_answer answer;
    CHECK_OK(keel_database_query(db, sql, KEEL_NONE, &answer));
    return keel_to_int(keel_element(keel_head(answer.rows), 0));
}

static void check_tables(void)
{
    keel_database *db;
    CHECK_OK(keel_database_open(test_url, &db));
    keel_answer answer;
    CHECK_OK(keel_database_query(
            db, "select job, count(*) from effects group by job", KEEL_NONE, &answer));
    keel_term row;
    int64_t done = 0, known = 0;
    while (keel_list_next(&answer.rows, &row)) {
        CHECK_INT(keel_to_int(keel_element(row, 1)), 1);
        done += accepted[keel_to_int(keel_element(row, 0))];
    }
    for (int id = 0; id < MOST_JOBS; id++) {
        known += accepted[id];
    }
    CHECK(known > 0);
    CHECK_INT(done, known);
    // One that was on the disk when the program died before it could say so is done as
    // well.
    CHECK_INT(
            count_of(db, "select count(*) from keel_jobs where status <> 'completed'"), 0);
    CHECK_INT(count_of(db, "select count(*) from keel_jobs"),
            count_of(db, "select count(*) from effects"));
    printf("# %d jobs were accepted, all done once\n", (int)known);
}

// In a process of its own, since only one runtime is started in each.
static void apart(void (*body)(void))
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        run_body(body);
        fflush(stdout);
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void kill_often(const char *url, int times)
{
    test_url = url;
    accepted = mmap(
            NULL, MOST_JOBS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(accepted != MAP_FAILED);
    srandom((unsigned)getpid());
    apart(make_tables);
    for (int i = 0; i < times; i++) {
        run_program((int)(random() % 300), i == 0);
    }
    run_program(-1, false);
    apart(check_tables);
}

static void in_sqlite(int times)
{
    struct test_file file;
    make_sqlite(&file, "");
    kill_often(file.url, times);
    remove_sqlite(&file);
}

static void in_postgres(int times)
{
    if (kl_database_postgres == NULL) {
        kl_test_skip("a build without PostgreSQL");
    }
    struct test_server server;
    start_postgres(&server);
    kill_often(server.url, times);
    stop_postgres(&server);
}

TEST("a few kill -9 on SQLite: none lost, none finished twice", .timeout_s = 120)
{
    in_sqlite(5);
}

TEST("a few kill -9 on PostgreSQL: none lost, none finished twice", .timeout_s = 120)
{
    in_postgres(5);
}

TEST("a hundred kill -9 on SQLite: none lost, none finished twice", .timeout_s = 600)
{
    in_sqlite(100);
}

TEST("a hundred kill -9 on PostgreSQL: none lost, none finished twice", .timeout_s = 600)
{
    in_postgres(100);
}
