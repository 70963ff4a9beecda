// A counter in three versions, each a shared object of its own: VERSION says which. The
// second counts in steps and knows when it was upgraded; the third refuses to take over.

#include <keel/upgrade.h>

struct counter {
    int64_t value;
    keel_term label; // kept
    int32_t step; // since version 2
    bool upgraded;
};

static keel_result init(keel_term argument, void *state)
{
    struct counter *counter = state;
    counter->value = keel_to_int(argument);
    counter->step = 1;
    keel_set(&counter->label, keel_make("{label, Argument}", argument));
    return keel_ok();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct counter *counter = state;
    (void)from;
    if (keel_is(request, next)) {
        counter->value += VERSION == 1 ? 1 : counter->step;
        return keel_reply(keel_make("{Version, Value}", VERSION, counter->value));
    }
    return keel_reply(
            keel_make("#{version => V, label => Label, step => Step, upgraded => U}",
                    VERSION, counter->label, counter->step, keel_bool(counter->upgraded)));
}

static keel_term code_change(keel_term old_version, void *state, keel_term extra)
{
    struct counter *counter = state;
    (void)old_version;
    if (VERSION == 3) {
        return keel_make("{error, {refused, Extra}}", extra);
    }
    counter->step = VERSION;
    counter->upgraded = true;
    return keel_atom(ok);
}

static const keel_gen_server counter = {
        .name = "upgrade_counter",
        .version = VERSION == 1   ? "1"
                   : VERSION == 2 ? "2"
                                  : "3",
        .state = KEEL_STATE(struct counter, value, label, step),
        .init = init,
        .handle_call = handle_call,
        .code_change = code_change,
};

KEEL_MODULE(counter);
