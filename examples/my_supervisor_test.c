#include "check.h"
#include "key_value.h"
#include "my_supervisor.h"

static void three_children_stand(keel_term unused)
{
    keel_started_or_exit(my_supervisor_start_link(keel_nil()));
    keel_child_counts counts;
    keel_test_check(keel_supervisor_count_children("my_supervisor", &counts) == KEEL_OK);
    keel_test_check(counts.active == 3 && counts.workers == 3);
}

static void a_transient_child_that_ends_normally_stays_away(keel_term unused)
{
    keel_started_or_exit(my_supervisor_start_link(keel_nil()));
    keel_test_check(
            keel_gen_server_stop("key_value", keel_atom(normal), KEEL_NEVER) == KEEL_OK);
    keel_sleep(KEEL_SECONDS(1));
    keel_test_check(keel_whereis("key_value").word == 0);
    keel_process_exit(keel_whereis("config_server"), keel_atom(kill));
    keel_sleep(KEEL_SECONDS(1));
    keel_test_check(keel_whereis("config_server").word != 0);
}

CHECKS({"three children stand", three_children_stand},
        {"a transient child that ends normally stays away",
                a_transient_child_that_ends_normally_stays_away})
