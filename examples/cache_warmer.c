// A background worker: fills a cache every five minutes.

#include "cache_warmer.h"

#include <keel/parts/cache.h>

struct warmer {
    catalog_list_popular list_popular;
    keel_term last_run;
};

static void schedule_warm(void)
{
    keel_send_after(KEEL_MINUTES(5), keel_self(), keel_atom(warm_cache));
}

static keel_result init(keel_term list_popular, void *state)
{
    struct warmer *warmer = state;
    warmer->list_popular = keel_to_function(catalog_list_popular, list_popular);
    warmer->last_run = keel_atom(nil);
    schedule_warm();
    return keel_ok();
}

static keel_result handle_info(keel_term message, void *state)
{
    struct warmer *warmer = state;
    if (!keel_is(message, warm_cache)) {
        return keel_unexpected(message);
    }
    keel_cache_put("cache", keel_string("productos_populares"), warmer->list_popular());
    schedule_warm();
    warmer->last_run = keel_int(keel_system_time() / KEEL_SECONDS(1));
    return keel_noreply();
}

static const keel_gen_server cache_warmer = {
        .name = "cache_warmer",
        .state = KEEL_STATE(struct warmer, last_run),
        .init = init,
        .handle_info = handle_info,
};

keel_started cache_warmer_start_link(keel_term list_popular)
{
    return keel_gen_server_start_link(
            &cache_warmer, list_popular, .name = keel_atom(cache_warmer));
}
