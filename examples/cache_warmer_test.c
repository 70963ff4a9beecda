#include "cache_warmer.h"
#include "check.h"

#include <keel/parts/cache.h>
#include <string.h>

static keel_term list_popular(void)
{
    return keel_make("[<<\"mate\">>, <<\"yerba\">>]");
}

static void the_cache_is_filled_every_five_minutes(keel_term unused)
{
    keel_term key = keel_string("productos_populares");
    keel_started_or_exit(keel_cache_start_link(.name = keel_atom(cache)));
    keel_started_or_exit(cache_warmer_start_link(keel_function(list_popular)));
    keel_term state = KEEL_NONE;
    keel_test_check(keel_sys_get_state("cache_warmer", &state) == KEEL_OK);
    CHECK_SHOWN(state, "#{last_run => nil}");
    keel_sleep(KEEL_SECONDS(299));
    keel_test_check(!keel_cache_has("cache", key));
    for (int i = 0; i < 3; i++) {
        keel_sleep(KEEL_SECONDS(2));
        CHECK_SHOWN(keel_cache_get("cache", key), "[<<\"mate\">>,<<\"yerba\">>]");
        keel_cache_delete("cache", key);
        keel_sleep(KEEL_SECONDS(298));
    }
    keel_test_check(keel_sys_get_state("cache_warmer", &state) == KEEL_OK);
    keel_test_check(keel_to_int(keel_map_get(state, keel_atom(last_run))) > 0);
}

CHECKS({"the cache is filled every five minutes", the_cache_is_filled_every_five_minutes})
