#include "check.h"
#include "metrics_collector.h"

static void the_last_hundred_of_each_are_kept(keel_term unused)
{
    keel_started_or_exit(metrics_collector_start_link(keel_nil()));
    for (int i = 1; i <= 150; i++) {
        metrics_collector_record(keel_atom(load), keel_int(i));
    }
    metrics_collector_record(keel_atom(users), keel_float(1.5));
    keel_term load = keel_map_get(metrics_collector_get(), keel_atom(load));
    size_t length;
    keel_test_check(keel_list_length(load, &length) && length == 100);
    keel_test_check(keel_to_int(keel_head(load)) == 150);
    keel_test_check(keel_map_size(metrics_collector_get()) == 2);
}

CHECKS({"the last hundred of each are kept", the_last_hundred_of_each_are_kept})
