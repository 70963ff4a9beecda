#include "check.h"
#include "connection_pool.h"

static keel_term use_for_a_second(keel_term unused)
{
    keel_term connection;
    if (connection_pool_checkout(&connection) != KEEL_OK) {
        keel_exit(keel_atom(no_connection));
    }
    keel_sleep(KEEL_SECONDS(1));
    connection_pool_checkin(connection);
    return connection;
}

static void who_finds_none_waits(keel_term unused)
{
    keel_started_or_exit(connection_pool_start_link(keel_make("[one, two]")));
    keel_term results = keel_task_stream_all(
            use_for_a_second, keel_make("[1, 2, 3, 4, 5, 6]"), .max_concurrency = 6);
    keel_term result;
    while (keel_list_next(&results, &result)) {
        keel_test_check(keel_match(result, "{ok, _}"));
    }
}

static void borrow_and_die(keel_term unused)
{
    keel_term connection;
    if (connection_pool_checkout(&connection) == KEEL_OK) {
        keel_exit(keel_atom(kaputt));
    }
}

static void a_borrower_that_dies_gives_back(keel_term unused)
{
    keel_started_or_exit(connection_pool_start_link(keel_make("[only]")));
    for (int i = 0; i < 5; i++) {
        keel_spawn(borrow_and_die, keel_nil());
    }
    keel_term connection;
    keel_test_check(connection_pool_checkout(&connection) == KEEL_OK);
    keel_test_check(keel_is(connection, only));
}

CHECKS({"who finds none waits", who_finds_none_waits},
        {"a borrower that dies gives back", a_borrower_that_dies_gives_back})
