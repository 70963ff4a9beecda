#include "check.h"
#include "config_store.h"
#include "my_application.h"
#include "rooms.h"

#include <keel/parts/cache.h>
#include <string.h>

// What keel_main has the application's own process do.
static keel_pid begin(void)
{
    return keel_started_or_exit(my_application.start(keel_atom(normal), keel_nil()));
}

static void all_of_it_runs_and_stops(keel_term unused)
{
    keel_pid tree = begin();
    keel_child_counts counts;
    keel_test_check(keel_supervisor_count_children("my_supervisor", &counts) == KEEL_OK);
    keel_test_check(counts.active == 9 && counts.supervisors == 4);
    config_store_put(keel_atom(maintenance_mode), keel_atom(true));
    keel_test_check(rooms_create(keel_int(7)).status == KEEL_OK);
    keel_sleep(KEEL_MINUTES(6));
    keel_test_check(keel_cache_size("cache") == 1);
    keel_test_check(keel_gen_server_stop(tree, keel_atom(normal), KEEL_NEVER) == KEEL_OK);
    keel_test_check(keel_whereis("config_store").word == 0);
}

static void what_crashes_comes_back_and_the_others_stay(keel_term unused)
{
    begin();
    keel_pid store = keel_whereis("config_store"), warmer = keel_whereis("cache_warmer");
    keel_process_exit(warmer, keel_atom(kill));
    keel_sleep(KEEL_MS(1));
    keel_test_check(keel_whereis("cache_warmer").word != warmer.word);
    keel_test_check(keel_whereis("cache_warmer").word != 0);
    keel_test_check(keel_whereis("config_store").word == store.word);
}

CHECKS({"all of it runs and stops", all_of_it_runs_and_stops},
        {"what crashes comes back and the others stay",
                what_crashes_comes_back_and_the_others_stay})
