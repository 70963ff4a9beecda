// Processes that move money in transactions are killed at random: what was committed stays,
// what was not leaves nothing, and no lock outlives its holder. With SQLite they run under
// the simulator, with PostgreSQL, which is a program of its own, on threads.

#include "database.h"
#include "database_testing.h"

#include <keel/testing.h>

enum { ACCOUNTS = 5, EACH = 100, CLIENTS = 3, ROUNDS = 20, STACK = 256 * 1024 };

static keel_duration timeout;
// Atomic, for clients on threads.
static int transfers; // begun; a transfer's number
static int64_t told; // how many clients were told that theirs took place
static bool committed[1 << 20]; // by number: its client was told so

static int64_t choose(uint64_t count)
{
    return (int64_t)(keel_random() % count);
}

static keel_database *open_database(void)
{
    keel_database_opts opts = {.url = test_url, .timeout = timeout};
    keel_database *db = NULL;
    keel_status status = keel_database_open_opt(&opts, &db, NULL);
    CHECK(status == KEEL_OK || status == KEEL_E_TIMEOUT);
    return db;
}

static keel_status change(keel_database *db, int64_t account, int64_t amount)
{
    keel_status status = keel_database_query(db,
            "update accounts set money = money + $2 where id = $1",
            keel_list_of(keel_int(account), keel_int(amount)), NULL);
    keel_sleep(KEEL_US(choose(200)));
    return status;
}

static keel_status transfer(keel_database *db, void *number)
{
    int64_t one = choose(ACCOUNTS), other = choose(ACCOUNTS);
    int64_t first = one < other ? one : other; // so that no two wait for each other
    keel_status status = change(db, first, first == one ? -1 : 1);
    if (status == KEEL_OK) {
        status = change(db, one + other - first, first == one ? 1 : -1);
    }
    if (status == KEEL_OK) {
        status = keel_database_query(db, "insert into transfers values ($1)",
                keel_list_of(keel_int(*(int *)number)), NULL);
    }
    bool changes_its_mind = choose(5) == 0;
    return status == KEEL_OK && changes_its_mind ? KEEL_E_CANCELED : status;
}

// The body of a client, until it is killed.
static void move_money(keel_term unused)
{
    (void)unused;
    keel_database *db = open_database();
    while (db == NULL) { // locked by another
        keel_sleep(KEEL_MS(1));
        db = open_database();
    }
    for (;;) {
        keel_scope scope = keel_scope_open();
        int number = __atomic_fetch_add(&transfers, 1, __ATOMIC_RELAXED);
        CHECK(number < (int)KEEL_COUNT(committed));
        keel_status status = keel_database_transaction(db, transfer, &number);
        CHECK(status == KEEL_OK || status == KEEL_E_CANCELED || status == KEEL_E_TIMEOUT);
        if (status == KEEL_OK) {
            __atomic_store_n(&committed[number], true, __ATOMIC_RELAXED);
            __atomic_fetch_add(&told, 1, __ATOMIC_RELAXED);
        }
        keel_sleep(KEEL_US(1 + choose(3000)));
        keel_scope_close(&scope);
    }
}

static keel_pid start_client(void)
{
    keel_pid pid = {0};
    CHECK_OK(keel_spawn_opt(
            move_money, keel_nil(), &(keel_spawn_opts){.stack_bytes = STACK}, &pid, NULL));
    return pid;
}

static keel_term rows_of(keel_database *db, const char *sql)
{
    keel_answer answer;
    CHECK_OK(keel_database_query(db, sql, KEEL_NONE, &answer));
    return answer.rows;
}

static void make_tables(keel_database *db)
{
    rows_of(db, "create table accounts (id integer primary key, money integer)");
    rows_of(db, "create table transfers (number integer primary key)");
    for (int id = 0; id < ACCOUNTS; id++) {
        CHECK_OK(keel_database_query(db, "insert into accounts values ($1, $2)",
                keel_list_of(keel_int(id), keel_int(EACH)), NULL));
    }
}

static void check_sum(keel_database *db)
{
    keel_term row = keel_head(rows_of(db, "select sum(money) from accounts"));
    CHECK_INT(keel_to_int(keel_element(row, 0)), ACCOUNTS * EACH);
}

static int64_t told_so_far(void)
{
    return __atomic_load_n(&told, __ATOMIC_RELAXED);
}

// Whoever was told that a transfer took place finds it there.
static void check_transfers(keel_database *db)
{
    keel_term rows = rows_of(db, "select number from transfers"), row;
    int64_t there = 0;
    while (keel_list_next(&rows, &row)) {
        there += __atomic_load_n(
                &committed[keel_to_int(keel_element(row, 0))], __ATOMIC_RELAXED);
    }
    CHECK_INT(there, told_so_far()); // the ends of all clients were heard
}

static void kill_client(keel_pid client)
{
    keel_ref monitor = keel_monitor(client);
    keel_process_exit(client, keel_atom(kill));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "{'DOWN', ^M, process, _, killed}", monitor));
}

// On a stack that is large enough for SQLite.
static void chaos(void)
{
    keel_pid client[CLIENTS];
    memset(committed, 0, sizeof committed);
    transfers = 0;
    told = 0;
    keel_database *db = open_database();
    make_tables(db);
    for (int i = 0; i < CLIENTS; i++) {
        client[i] = start_client();
    }
    for (int i = 0; i < ROUNDS; i++) {
        keel_scope scope = keel_scope_open();
        // Some are killed before they are connected, but not all.
        int64_t before = told_so_far();
        keel_sleep(KEEL_US(choose(2000)));
        while (i % 3 == 0 && told_so_far() == before) {
            keel_sleep(KEEL_US(100));
        }
        int64_t chosen = choose(CLIENTS);
        kill_client(client[chosen]);
        check_sum(db);
        client[chosen] = start_client();
        keel_scope_close(&scope);
    }
    for (int i = 0; i < CLIENTS; i++) {
        kill_client(client[i]);
    }
    check_sum(db);
    check_transfers(db);
    for (int id = 0; id < ACCOUNTS; id++) {
        CHECK_OK(change(db, id, 0)); // nobody holds its lock for ever
    }
}

static void run_chaos(keel_term unused)
{
    (void)unused;
    chaos();
}

static void start_chaos(keel_term unused)
{
    keel_spawn_opts opts = {.stack_bytes = STACK, .monitor = true};
    keel_pid pid;
    keel_ref monitor;
    CHECK_OK(keel_spawn_opt(run_chaos, unused, &opts, &pid, &monitor));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "{'DOWN', ^M, process, _, normal}", monitor));
}

TEST("whoever is killed in a transaction, all of it took place or nothing", .seeded = true,
        .timeout_s = 300)
{
    struct test_file file;
    make_sqlite(&file, "?synchronous=normal");
    test_url = file.url;
    timeout = KEEL_US(1); // nobody gives a lock back while somebody waits for it
    keel_test_report report;
    keel_status status = keel_test_run(
            start_chaos, keel_nil(), kl_test_seed(), NULL, &report);
    if (status != KEEL_OK) {
        kl_test_fail(__FILE__, __LINE__, "%s: %s", keel_status_name(status), report.text);
    }
    remove_sqlite(&file);
}

TEST("so it is in PostgreSQL", .timeout_s = 300)
{
    if (kl_database_postgres == NULL) {
        kl_test_skip("a build without PostgreSQL");
    }
    struct test_server server;
    start_postgres(&server);
    test_url = server.url;
    timeout = KEEL_MINUTES(1);
    run_body(chaos);
    stop_postgres(&server);
}
