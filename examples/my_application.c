// An application: everything runs in one tree, started from top to bottom, stopped from
// bottom to top.

#include "my_application.h"
#include "cache_warmer.h"
#include "config_store.h"
#include "database_pool.h"
#include "metrics_collector.h"
#include "rooms.h"

#include <keel/parts/cache.h>

static void *connect_repo(const char *options)
{
    static char connection;
    return &connection;
}

static void close_repo(void *connection) {}

static const struct database repo = {connect_repo, close_repo};

static keel_started repo_start_link(keel_term unused)
{
    return database_pool_start_link(&repo);
}

static keel_term list_popular(void)
{
    return keel_make("[<<\"mate\">>, <<\"yerba\">>]");
}

static keel_started start(keel_term type, keel_term arguments)
{
    keel_child_spec children[] = {
            keel_child_fn(metrics_collector_start_link, keel_nil()),
            keel_child_fn(repo_start_link, keel_nil()),
            rooms_registry(),
            keel_child_task_supervisor(.name = keel_atom(task_supervisor)),
            rooms_supervisor(),
            keel_cache_child(.name = keel_atom(cache)),
            keel_child_fn(cache_warmer_start_link, keel_function(list_popular)),
            keel_child_fn(config_store_start_link, keel_nil()),
            keel_pubsub_child(.name = keel_atom(pubsub)),
    };
    return keel_supervisor_start_link(children, KEEL_COUNT(children),
            .strategy = KEEL_ONE_FOR_ONE, .name = keel_atom(my_supervisor));
}

const keel_application my_application = {
        .name = "my_application", .version = "1.0.0", .start = start};
