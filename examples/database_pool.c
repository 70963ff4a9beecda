// What init opens, terminate closes.

#include "database_pool.h"

struct pool {
    const struct database *database;
    void *connections[DATABASE_POOL_SIZE];
};

static keel_result init(keel_term database, void *state)
{
    struct pool *pool = state;
    keel_trap_exit(true); // so that terminate is called when the supervisor stops us
    pool->database = keel_to_pointer(database, NULL);
    for (int i = 0; i < DATABASE_POOL_SIZE; i++) {
        pool->connections[i] = pool->database->connect("host=localhost");
    }
    return keel_ok();
}

static void terminate(keel_term reason, void *state)
{
    struct pool *pool = state;
    for (int i = 0; i < DATABASE_POOL_SIZE; i++) {
        pool->database->close(pool->connections[i]);
    }
}

static const keel_gen_server database_pool = {
        .name = "database_pool",
        .state = KEEL_STATE(struct pool, connections),
        .init = init,
        .terminate = terminate,
};

keel_started database_pool_start_link(const struct database *database)
{
    return keel_gen_server_start_link(&database_pool, keel_pointer(database));
}
