#include "showcase.h"

// The counter of the seeds, under the name `counter`. From an Elixir node in the same
// cluster:
//   GenServer.call({:counter, :"showcase@127.0.0.1"}, :valor)

struct counter {
    int64_t value;
};

static keel_result init(keel_term initial, void *state)
{
    struct counter *counter = state;
    counter->value = keel_to_int(initial);
    return keel_ok();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct counter *counter = state;
    (void)from;
    if (keel_is(request, valor)) {
        return keel_reply(keel_int(counter->value));
    }
    if (keel_is(request, reset)) {
        counter->value = 0;
        return keel_reply(keel_atom(ok));
    }
    return keel_unexpected(request);
}

static keel_result handle_cast(keel_term request, void *state)
{
    struct counter *counter = state;
    if (!keel_is(request, incrementar)) {
        return keel_unexpected(request);
    }
    counter->value++;
    return keel_noreply();
}

static const keel_gen_server counter_server = {
        .name = "counter",
        .state = KEEL_STATE(struct counter, value),
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
};

keel_child_spec counter_child(void)
{
    return keel_child(&counter_server, keel_int(0), .name = keel_atom(counter));
}
