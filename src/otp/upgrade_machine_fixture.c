// A counter of calls as a state machine, in three versions: VERSION says which. Each call
// goes through the machine twice, postponed the first time. The second version has a field
// more, and states that say which version they are of; the third refuses to take over.

#include <keel/upgrade.h>

struct counter {
    int64_t value;
    keel_term label; // kept
    int32_t step; // since version 2
};

static keel_term state_of(keel_term name)
{
    return VERSION == 1 ? name : keel_tuple_of(name, keel_int(VERSION));
}

static bool is_in(const keel_event *event, keel_term name)
{
    return keel_equal(event->state, state_of(name));
}

static keel_result init(keel_term argument, void *data)
{
    struct counter *counter = data;
    counter->value = keel_to_int(argument);
    counter->step = VERSION;
    keel_set(&counter->label, keel_make("{label, Argument}", argument));
    return keel_ok_in(state_of(keel_atom(idle)));
}

// Idle machines take a call up, busy ones answer it; locked ones wait.
static keel_result handle_event(const keel_event *event, void *data)
{
    struct counter *counter = data;
    if (keel_event_is_cast(event)) { // lock, idle
        return keel_next_state(state_of(event->content));
    }
    if (!keel_event_is_call(event) || is_in(event, keel_atom(lock))) {
        return keel_keep_state(keel_do_postpone());
    }
    if (is_in(event, keel_atom(idle))) {
        return keel_next_state(state_of(keel_atom(busy)), keel_do_postpone());
    }
    counter->value += counter->step;
    keel_term answer = keel_make("{Version, Value, Label, State}", VERSION, counter->value,
            counter->label, event->state);
    return keel_next_state(state_of(keel_atom(idle)), keel_do_reply(event->from, answer));
}

static keel_term code_change(
        keel_term old_version, keel_term *state, void *data, keel_term extra)
{
    struct counter *counter = data;
    (void)old_version;
    keel_term name = keel_is_tuple(*state) ? keel_element(*state, 0) : *state;
    *state = state_of(name);
    counter->step = VERSION;
    if (VERSION == 3) {
        counter->value = -1;
        keel_set(&counter->label, keel_atom(lost));
        return keel_make("{error, {refused, Extra}}", extra);
    }
    return keel_atom(ok);
}

static const keel_gen_statem counter = {
        .name = "upgrade_machine",
        .version = VERSION == 1   ? "1"
                   : VERSION == 2 ? "2"
                                  : "3",
        .data = KEEL_STATE(struct counter, value, label, step),
        .init = init,
        .handle_event = handle_event,
        .code_change = code_change,
};

KEEL_MODULE(counter);
