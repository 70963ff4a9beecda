#include "check.h"
#include "counter.h"

static void it_counts_and_starts_anew(keel_term unused)
{
    keel_started_or_exit(counter_start_link(keel_int(40)));
    counter_increment();
    counter_increment();
    keel_test_check(counter_value() == 42);
    counter_reset();
    keel_test_check(counter_value() == 0);
}

static void a_crash_starts_it_from_its_first_value(keel_term unused)
{
    keel_child_spec child = keel_child_fn(counter_start_link, keel_int(7));
    keel_started_or_exit(keel_supervisor_start_link(&child, 1));
    counter_increment();
    keel_test_check(counter_value() == 8);
    keel_process_exit(keel_whereis("counter"), keel_atom(kill));
    keel_sleep(KEEL_MS(1));
    keel_test_check(counter_value() == 7);
}

CHECKS({"it counts, and starts anew", it_counts_and_starts_anew},
        {"a crash starts it from its first value", a_crash_starts_it_from_its_first_value})
