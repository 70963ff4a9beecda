// A counter: a state that is called and cast.

#include "counter.h"

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    keel_term *value = state;
    if (keel_is(request, valor)) {
        return keel_reply(*value);
    }
    if (keel_is(request, reset)) {
        keel_set(value, keel_int(0));
        return keel_reply(keel_atom(ok));
    }
    return keel_unexpected(request);
}

static keel_result handle_cast(keel_term request, void *state)
{
    keel_term *value = state;
    if (!keel_is(request, incrementar)) {
        return keel_unexpected(request);
    }
    keel_set(value, keel_int(keel_to_int(*value) + 1));
    return keel_noreply();
}

static const keel_gen_server counter = {
        .name = "counter",
        .state = KEEL_STATE_TERM,
        .init = keel_init_term,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
};

keel_started counter_start_link(keel_term initial)
{
    return keel_gen_server_start_link(&counter, initial, .name = keel_atom(counter));
}

int64_t counter_value(void)
{
    return keel_to_int(keel_call_or_exit("counter", keel_atom(valor)));
}

void counter_increment(void)
{
    keel_cast("counter", keel_atom(incrementar));
}

void counter_reset(void)
{
    keel_call_or_exit("counter", keel_atom(reset));
}
