#include "check.h"
#include "database_pool.h"

static int open_connections;

static void *connect_one(const char *options)
{
    open_connections++;
    return &open_connections;
}

static void close_one(void *connection)
{
    open_connections--;
}

static const struct database database = {connect_one, close_one};

static void connections_are_closed_at_the_end(keel_term unused)
{
    open_connections = 0;
    keel_pid pool = keel_started_or_exit(database_pool_start_link(&database));
    keel_test_check(open_connections == 10);
    keel_test_check(keel_gen_server_stop(pool, keel_atom(normal), KEEL_NEVER) == KEEL_OK);
    keel_test_check(open_connections == 0);
}

static void also_when_the_parent_ends(keel_term unused)
{
    open_connections = 0;
    keel_trap_exit(true);
    keel_pid pool = keel_started_or_exit(database_pool_start_link(&database));
    keel_process_exit(pool, keel_atom(shutdown));
    keel_test_check(
            keel_receive_match(KEEL_NEVER, "{'EXIT', ^Pool, shutdown}", pool) == KEEL_OK);
    keel_test_check(open_connections == 0);
}

CHECKS({"connections are closed at the end", connections_are_closed_at_the_end},
        {"also when the parent ends it", also_when_the_parent_ends})
