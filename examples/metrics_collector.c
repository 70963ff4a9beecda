// Casts that add up: the last hundred values of each metric.

#include "metrics_collector.h"

enum { MOST_VALUES = 100 };

static keel_result handle_cast(keel_term request, void *state)
{
    keel_term *metrics = state, name, value;
    if (!keel_match(request, "{record, Name, Value}", &name, &value)) {
        return keel_unexpected(request);
    }
    keel_term values = keel_cons(value, keel_map_get_or(*metrics, name, keel_nil()));
    keel_set(metrics, keel_map_put(*metrics, name, keel_list_take(values, MOST_VALUES)));
    return keel_noreply();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    return keel_is(request, get_metrics) ? keel_reply(*(keel_term *)state)
                                         : keel_unexpected(request);
}

static const keel_gen_server metrics_collector = {
        .name = "metrics_collector",
        .state = KEEL_STATE_TERM,
        .init = keel_init_term,
        .handle_cast = handle_cast,
        .handle_call = handle_call,
};

keel_started metrics_collector_start_link(keel_term unused)
{
    return keel_gen_server_start_link(
            &metrics_collector, keel_make("#{}"), .name = keel_atom(metrics_collector));
}

void metrics_collector_record(keel_term name, keel_term value)
{
    keel_cast("metrics_collector", keel_make("{record, Name, Value}", name, value));
}

keel_term metrics_collector_get(void)
{
    return keel_call_or_exit("metrics_collector", keel_atom(get_metrics));
}
