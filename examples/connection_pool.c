// A connection pool: the borrower is monitored, so that nothing is lost with it.
// <keel/parts/pool.h> is the ready-made one.

#include "connection_pool.h"

struct pool {
    keel_term idle; // a list of connections
    keel_term lent; // a map from a connection to the monitor of its borrower
    keel_term waiting; // a list of callers, the one that waits longest first
};

static keel_result init(keel_term connections, void *state)
{
    struct pool *pool = state;
    keel_set(&pool->idle, connections);
    keel_set(&pool->lent, keel_make("#{}"));
    keel_set(&pool->waiting, keel_nil());
    return keel_ok();
}

static void lend(struct pool *pool, keel_term connection, keel_from from)
{
    keel_term monitor = keel_from_ref(keel_monitor(from.pid));
    keel_set(&pool->lent, keel_map_put(pool->lent, connection, monitor));
    keel_reply_to(from, connection);
}

static void take_back(struct pool *pool, keel_term connection)
{
    keel_term from, rest;
    keel_demonitor(keel_to_ref(keel_map_get(pool->lent, connection)), KEEL_DEMONITOR_FLUSH);
    keel_set(&pool->lent, keel_map_remove(pool->lent, connection));
    if (keel_match(pool->waiting, "[From | Rest]", &from, &rest)) {
        lend(pool, connection, keel_from_of_term(from));
        keel_set(&pool->waiting, rest);
    } else {
        keel_set(&pool->idle, keel_cons(connection, pool->idle));
    }
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct pool *pool = state;
    keel_term connection, rest;
    if (!keel_is(request, checkout)) {
        return keel_unexpected(request);
    }
    if (keel_match(pool->idle, "[Connection | Rest]", &connection, &rest)) {
        lend(pool, connection, from);
        keel_set(&pool->idle, rest);
    } else {
        keel_set(&pool->waiting,
                keel_list_append(pool->waiting, keel_list_of(keel_from_to_term(from))));
    }
    return keel_noreply();
}

static keel_result handle_cast(keel_term request, void *state)
{
    struct pool *pool = state;
    keel_term connection;
    if (keel_match(request, "{checkin, Connection}", &connection) &&
            !keel_is_none(keel_map_get(pool->lent, connection))) {
        take_back(pool, connection);
    }
    return keel_noreply();
}

static keel_result handle_info(keel_term message, void *state)
{
    struct pool *pool = state;
    keel_term down, connection, monitor;
    if (!keel_match(message, "{'DOWN', Ref, process, _, _}", &down)) {
        return keel_unexpected(message);
    }
    for (size_t i = 0; keel_map_at(pool->lent, i, &connection, &monitor); i++) {
        if (keel_equal(monitor, down)) {
            take_back(pool, connection);
            break;
        }
    }
    return keel_noreply();
}

static const keel_gen_server connection_pool = {
        .name = "connection_pool",
        .state = KEEL_STATE(struct pool, idle, lent, waiting),
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
};

keel_started connection_pool_start_link(keel_term connections)
{
    return keel_gen_server_start_link(
            &connection_pool, connections, .name = keel_atom(connection_pool));
}

keel_status connection_pool_checkout(keel_term *ret_connection)
{
    return keel_call("connection_pool", keel_atom(checkout), ret_connection);
}

void connection_pool_checkin(keel_term connection)
{
    keel_cast("connection_pool", keel_make("{checkin, Connection}", connection));
}
