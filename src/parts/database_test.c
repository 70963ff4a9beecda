// Databases: one scenario for every kind, and what is particular to each.

#include "database.h"
#include "database_testing.h"

#include <errno.h>
#include <stdlib.h>

static keel_term rows_of(keel_database *db, const char *sql, keel_term parameters)
{
    keel_answer answer;
    keel_status status = keel_database_query(db, sql, parameters, &answer);
    if (status != KEEL_OK) {
        kl_test_fail(__FILE__, __LINE__, "%s: %s %s", sql, keel_status_name(status),
                keel_show(keel_database_reason(db)));
    }
    return answer.rows;
}

static keel_database *open_database(void)
{
    keel_database *db;
    keel_term reason = keel_nil();
    keel_status status = keel_database_open_opt(
            &(keel_database_opts){.url = test_url}, &db, &reason);
    if (status != KEEL_OK) {
        kl_test_fail(__FILE__, __LINE__, "open: %s %s", keel_status_name(status),
                keel_show(reason));
    }
    return db;
}

// --- the scenario ---

static const char *const steps[] = {
        "create table people (id bigint primary key, name text, height double precision)",
        ("create table notes (person bigint not null, body text not null);"
         "create index notes_person on notes (person)"),
        "alter table people add column grown boolean",
};

static void check_migrations(keel_database *db)
{
    size_t number = 0;
    CHECK_OK(keel_database_migrate(db, "people", steps, 2, &number));
    CHECK_INT(number, 2);
    CHECK_OK(keel_database_migrate(db, "people", steps, 2, &number));
    CHECK_INT(number, 2);
    CHECK_OK(keel_database_migrate(db, "people", steps, 3, &number));
    CHECK_INT(number, 3);
    // An older program does not touch a newer schema.
    CHECK_INT(keel_database_migrate(db, "people", steps, 2, &number), KEEL_E_BADARG);
    const char *const broken[] = {"create table half (x bigint); create nonsense"};
    CHECK_INT(keel_database_migrate(db, "broken", broken, 1, NULL), KEEL_E_REFUSED);
    CHECK_TERM(rows_of(db, "select count(*) from keel_migrations", KEEL_NONE), "[{3}]");
    CHECK_INT(
            keel_database_query(db, "select * from half", KEEL_NONE, NULL), KEEL_E_REFUSED);
}

static void check_values(keel_database *db)
{
    keel_answer answer;
    const char *insert = "insert into people (id, name, height) values ($1, $2, $3)";
    CHECK_OK(keel_database_query(db, insert, keel_make("[1, <<\"Ada\">>, 1.65]"), &answer));
    CHECK_INT(answer.changed, 1);
    CHECK_TERM(answer.rows, "[]");
    CHECK_OK(keel_database_query(db, insert, keel_make("[-2, nil, nil]"), NULL));
    CHECK_OK(keel_database_query(db, insert, keel_make("[3, <<>>, 2]"), NULL));
    CHECK_OK(keel_database_query(db,
            "select id, name, height from people where id <> $1 order by id",
            keel_make("[3]"), &answer));
    CHECK_TERM(answer.rows, "[{-2, nil, nil}, {1, <<\"Ada\">>, 1.65}]");
    CHECK_TERM(answer.columns, "[<<\"id\">>, <<\"name\">>, <<\"height\">>]");
    CHECK_INT(answer.changed, 0);
    CHECK_TERM(rows_of(db, "select name, $2 + id from people where id = $1",
                       keel_make("[3, 9000000000]")),
            "[{<<>>, 9000000003}]");
    CHECK_INT(keel_database_query(db, insert, keel_make("[7, {1, 2}, nil]"), NULL),
            KEEL_E_BADARG);
    CHECK_TERM(keel_database_reason(db), "{parameter, _, _}");
    CHECK_OK(keel_database_query(
            db, "update people set name = $1", keel_make("[x]"), &answer));
    CHECK_INT(answer.changed, 3);
    CHECK(keel_is_none(keel_database_reason(db)));
    CHECK_TERM(rows_of(db, "select name from people where id = 1", KEEL_NONE),
            "[{<<\"x\">>}]");
}

static void check_refusals(keel_database *db)
{
    CHECK_INT(keel_database_query(db, "selct 1", KEEL_NONE, NULL), KEEL_E_REFUSED);
    CHECK_TERM(keel_database_reason(db), "{sql, _, _}");
    CHECK_INT(
            keel_database_query(db, "insert into people (id) values (1)", KEEL_NONE, NULL),
            KEEL_E_REFUSED);
    CHECK_TERM(keel_database_reason(db), "{constraint, _, _}");
    CHECK_INT(keel_database_query(
                      db, "insert into notes values (1, $1)", keel_make("[nil]"), NULL),
            KEEL_E_REFUSED);
    CHECK_TERM(keel_database_reason(db), "{constraint, _, _}");
    CHECK_TERM(rows_of(db, "select count(*) from notes", KEEL_NONE), "[{0}]");
}

static void check_batches(keel_database *db)
{
    keel_term answers;
    keel_term note = keel_string("insert into notes (person, body) values ($1, $2)");
    CHECK_OK(keel_database_batch(db,
            keel_make("[{Note, [1, <<\"a\">>]}, {Note, [1, <<\"b\">>]}, "
                      "{<<\"select count(*) from notes\">>, []}]",
                    note),
            &answers));
    CHECK_TERM(answers, "[{1, []}, {1, []}, {_, [{2}]}]");
    // The second one fails: the first did not take place either.
    CHECK_INT(keel_database_batch(db,
                      keel_make("[{Note, [1, <<\"c\">>]}, {Note, [nil, <<\"d\">>]}, "
                                "{Note, [1, <<\"e\">>]}]",
                              note),
                      NULL),
            KEEL_E_REFUSED);
    CHECK_TERM(keel_database_reason(db), "{constraint, _, _}");
    CHECK_INT(
            keel_database_batch(db,
                    keel_make(
                            "[{Note, [1, <<\"c\">>]}, {<<\"select * from nowhere\">>, []}]",
                            note),
                    NULL),
            KEEL_E_REFUSED);
    CHECK_TERM(rows_of(db, "select count(*) from notes", KEEL_NONE), "[{2}]");
}

static keel_status add_two(keel_database *db, void *context)
{
    const keel_status *result = context;
    keel_status status = keel_database_query(
            db, "insert into notes values (2, 'one')", KEEL_NONE, NULL);
    if (status == KEEL_OK) {
        status = keel_database_batch(
                db, keel_make("[{<<\"insert into notes values (2, 'two')\">>, []}]"), NULL);
    }
    return status == KEEL_OK ? *result : status;
}

static void check_transactions(keel_database *db)
{
    keel_status good = KEEL_OK, bad = KEEL_E_CANCELED;
    const char *count = "select count(*) from notes where person = 2";
    CHECK_INT(keel_database_transaction(db, add_two, &bad), KEEL_E_CANCELED);
    CHECK_TERM(rows_of(db, count, KEEL_NONE), "[{0}]");
    CHECK_OK(keel_database_transaction(db, add_two, &good));
    CHECK_TERM(rows_of(db, count, KEEL_NONE), "[{2}]");
}

// More statements than are remembered, and all of them again.
static void check_many_statements(keel_database *db)
{
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 100; i++) {
            keel_scope scope = keel_scope_open();
            char sql[64];
            snprintf(sql, sizeof sql, "select %d + id from people where id = $1", i);
            CHECK_INT(keel_to_int(keel_element(
                              keel_head(rows_of(db, sql, keel_list_of(keel_int(1)))), 0)),
                    i + 1);
            keel_scope_close(&scope);
        }
    }
}

static void scenario(void)
{
    keel_database *db = open_database();
    check_migrations(db);
    check_values(db);
    check_refusals(db);
    check_batches(db);
    check_transactions(db);
    check_many_statements(db);
    keel_database_close(db);
    // Another connection finds what this one left.
    db = open_database();
    CHECK_TERM(rows_of(db, "select count(*) from notes", KEEL_NONE), "[{4}]");
}

// --- SQLite ---

static void in_sqlite(void (*body)(void))
{
    struct test_file file;
    make_sqlite(&file, "");
    test_url = file.url;
    run_body(body);
    remove_sqlite(&file);
}

TEST("SQLite keeps, finds, refuses, migrates, and undoes what failed")
{
    in_sqlite(scenario);
}

static void keep_bytes(void)
{
    keel_database *db = open_database();
    CHECK_TERM(rows_of(db, "select typeof($1), typeof($2), $1, $3",
                       keel_make("[{blob, <<0, 255>>}, <<\"t\">>, true]")),
            "[{<<\"blob\">>, <<\"text\">>, <<0, 255>>, 1}]");
    keel_database *other;
    CHECK_INT(keel_database_open("sqlite:/nowhere/at/all/x.db", &other), -EIO);
    CHECK_INT(keel_database_open("sqlite:x.db?synchronous=never", &other), KEEL_E_BADARG);
    CHECK_INT(keel_database_open("mysql://x", &other), KEEL_E_BADARG);
    CHECK_INT(keel_database_open(NULL, &other), KEEL_E_BADARG);
    CHECK(keel_is(keel_database_kind(db), sqlite));
}

TEST("SQLite tells bytes from text; URLs that cannot be are refused")
{
    in_sqlite(keep_bytes);
}

static keel_status fill_up(keel_database *db, void *context)
{
    (void)context;
    return keel_database_query(
            db, "insert into t select zeroblob(1000000)", KEEL_NONE, NULL);
}

static void fill_disk(void)
{
    keel_database *db = open_database();
    rows_of(db, "create table t (x)", KEEL_NONE);
    rows_of(db, "insert into t values (1)", KEEL_NONE);
    // As large as it is now is all the room there is.
    rows_of(db, "pragma max_page_count = 2", KEEL_NONE);
    CHECK_INT(keel_database_transaction(db, fill_up, NULL), -ENOSPC);
    CHECK_TERM(keel_database_reason(db), "{full, _, _}");
    CHECK_TERM(rows_of(db, "select x from t", KEEL_NONE), "[{1}]");
}

TEST("a full disk is a status, and what was there stays")
{
    in_sqlite(fill_disk);
}

static keel_status wait_for_go(keel_database *db, void *context)
{
    (void)db;
    keel_send(*(keel_pid *)context, keel_atom(locked));
    keel_receive();
    return KEEL_OK;
}

static void hold_lock(keel_term parent)
{
    keel_pid pid = keel_to_pid(parent);
    CHECK_OK(keel_database_transaction(open_database(), wait_for_go, &pid));
}

static void meet_lock(void)
{
    keel_database *db;
    keel_database_opts opts = {.url = test_url, .timeout = KEEL_MS(100)};
    CHECK_OK(keel_database_open_opt(&opts, &db, NULL));
    rows_of(db, "create table t (x)", KEEL_NONE);
    keel_spawn_opts spawn = {.monitor = true};
    keel_pid holder;
    keel_ref monitor;
    CHECK_OK(keel_spawn_opt(
            hold_lock, keel_from_pid(keel_self()), &spawn, &holder, &monitor));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "locked"));
    CHECK_INT(keel_database_query(db, "insert into t values (1)", KEEL_NONE, NULL),
            KEEL_E_TIMEOUT);
    CHECK_TERM(keel_database_reason(db), "{busy, _, _}");
    // The lock goes with its holder, though it is killed in its transaction.
    keel_process_exit(holder, keel_atom(kill));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "{'DOWN', ^M, process, _, killed}", monitor));
    CHECK_OK(keel_database_query(db, "insert into t values (1)", KEEL_NONE, NULL));
}

TEST("a locked database is a status; the lock of a process that is killed goes with it")
{
    in_sqlite(meet_lock);
}

static void run_too_long(void)
{
    keel_database *db;
    keel_database_opts opts = {.url = test_url, .timeout = KEEL_MS(50)};
    CHECK_OK(keel_database_open_opt(&opts, &db, NULL));
    const char *endless = "with recursive n(x) as (select 1 union all select x + 1 from n) "
                          "select count(*) from n";
    CHECK_INT(keel_database_query(db, endless, KEEL_NONE, NULL), KEEL_E_TIMEOUT);
    CHECK_TERM(rows_of(db, "select 1", KEEL_NONE), "[{1}]");
}

TEST("a statement that takes too long is given up, and the next one works")
{
    in_sqlite(run_too_long);
}

// --- PostgreSQL ---

static void lose_server(void)
{
    keel_database *db = open_database(), *other = open_database();
    keel_term pid = keel_element(
            keel_head(rows_of(db, "select pg_backend_pid()", KEEL_NONE)), 0);
    rows_of(other, "select pg_terminate_backend($1)", keel_list_of(pid));
    // The loss may be met by one call; the one after it has a new connection.
    keel_answer answer;
    keel_status status = keel_database_query(
            db, "select pg_backend_pid()", KEEL_NONE, &answer);
    CHECK_INT(status, -ECONNRESET);
    CHECK_TERM(keel_database_reason(db), "{lost, _, _}");
    keel_term now = keel_element(
            keel_head(rows_of(db, "select pg_backend_pid()", KEEL_NONE)), 0);
    CHECK(keel_is_int(now) && !keel_equal(pid, now));
}

static void lose_transaction(void)
{
    keel_database *db = open_database();
    // What fails within a transaction makes the whole of it fail.
    rows_of(db, "create table lone (x bigint primary key)", KEEL_NONE);
    CHECK_TERM(rows_of(db, "select true, $1::bytea, 1.5::float4, null",
                       keel_make("[{blob, <<0, 1, 255>>}]")),
            "[{true, <<0, 1, 255>>, 1.5, nil}]");
    CHECK_INT(keel_database_query(db, "select $1::text", keel_make("[<<0>>]"), NULL),
            KEEL_E_BADARG);
    CHECK(keel_is(keel_database_kind(db), postgres));
}

static keel_status ignore_failure(keel_database *db, void *context)
{
    (void)context;
    keel_status status = keel_database_query(
            db, "insert into lone values (1)", KEEL_NONE, NULL);
    CHECK_OK(status);
    CHECK_INT(keel_database_query(db, "insert into lone values (1)", KEEL_NONE, NULL),
            KEEL_E_REFUSED);
    return KEEL_OK;
}

static void commit_after_failure(void)
{
    keel_database *db = open_database();
    CHECK_INT(keel_database_transaction(db, ignore_failure, NULL), KEEL_E_REFUSED);
    CHECK_TERM(rows_of(db, "select * from lone", KEEL_NONE), "[]");
}

static void be_refused(void)
{
    keel_database *db;
    keel_database_opts opts = {
            .url = "postgres://keel@127.0.0.1:1/x", .timeout = KEEL_MS(200)};
    keel_term reason = KEEL_NONE;
    CHECK_INT(keel_database_open_opt(&opts, &db, &reason), -ECONNREFUSED);
    CHECK_TERM(reason, "{lost, _, _}");
    CHECK_INT(keel_database_open("postgres://%zz", &db), KEEL_E_BADARG);
}

static void run_too_long_there(void)
{
    keel_database *db;
    keel_database_opts opts = {.url = test_url, .timeout = KEEL_MS(200)};
    // On a slow machine the time may be over before there is a connection.
    while (keel_database_open_opt(&opts, &db, NULL) != KEEL_OK) {}
    keel_status status;
    do {
        status = keel_database_query(db, "select pg_sleep(30)", KEEL_NONE, NULL);
    } while (status == -ECONNREFUSED);
    CHECK_INT(status, KEEL_E_TIMEOUT);
    keel_answer answer;
    while (keel_database_query(db, "select 1", KEEL_NONE, &answer) != KEEL_OK) {}
    CHECK_TERM(answer.rows, "[{1}]");
}

// Larger than what a socket takes at once, in both directions.
static void move_much(void)
{
    keel_database *db = open_database();
    size_t size = 4 << 20;
    uint8_t *data;
    keel_term bytes = keel_binary_new(size, &data);
    memset(data, 'x', size);
    keel_term echo = keel_tuple_of(keel_string("select $1::text"), keel_list_of(bytes));
    keel_term answers;
    CHECK_OK(keel_database_batch(db, keel_list_of(echo, echo, echo), &answers));
    keel_term text = keel_element(keel_head(keel_element(keel_head(answers), 1)), 0);
    CHECK_INT(keel_to_bytes(text).size, size);
}

static void all_of_postgres(void)
{
    scenario();
    lose_server();
    lose_transaction();
    commit_after_failure();
    be_refused();
    run_too_long_there();
    move_much();
}

TEST("PostgreSQL does the same, and a server that is lost is found again", .timeout_s = 120)
{
    if (kl_database_postgres == NULL) {
        kl_test_skip("a build without PostgreSQL");
    }
    struct test_server server;
    start_postgres(&server);
    test_url = server.url;
    run_body(all_of_postgres);
    stop_postgres(&server);
}
