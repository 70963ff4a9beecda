#include "statem_testing.h"
#include <string.h>

static keel_term read_term(const char *text, const char *otherwise)
{
    const char *read = text == NULL ? otherwise : text;
    keel_term term = KEEL_NONE;
    CHECK_OK(keel_parse(read, strlen(read), &term, NULL));
    return term;
}

keel_term machine_argument(const struct machine_opts *opts)
{
    return keel_make("{machine, Probe, Trap, Start, Data, Enters}",
            opts->probed ? keel_from_pid(keel_self()) : keel_nil(), opts->trap_exit,
            read_term(opts->start, "{ok, a, []}"), read_term(opts->data, "[]"),
            read_term(opts->enters, "#{}"));
}

// {reply, X} becomes {reply, From, X}.
static keel_term complete(keel_term actions, const keel_event *event)
{
    keel_term done = keel_nil();
    keel_term rest = actions;
    keel_term action;
    keel_term reply;
    if (keel_match(actions, "{reply, X}", &reply)) {
        return keel_do_reply(event->from, reply);
    }
    if (!keel_is_list(actions)) {
        return actions;
    }
    while (keel_list_next(&rest, &action)) {
        bool short_form = keel_match(action, "{reply, X}", &reply);
        done = keel_cons(short_form ? keel_do_reply(event->from, reply) : action, done);
    }
    return keel_list_reverse(done);
}

static keel_result obey(keel_term script, const keel_event *event, struct machine *self)
{
    keel_term state;
    keel_term actions;
    keel_term reason;
    keel_term rest;
    int64_t milliseconds;
    if (keel_match(script, "{next_state, State, Actions}", &state, &actions)) {
        return keel_next_state(state, complete(actions, event));
    }
    if (keel_match(script, "{keep_state, Actions}", &actions)) {
        return keel_keep_state(complete(actions, event));
    }
    if (keel_match(script, "{repeat_state, Actions}", &actions)) {
        return keel_repeat_state(complete(actions, event));
    }
    if (keel_match(script, "{ok, State, Actions}", &state, &actions)) {
        return keel_ok_in(state, complete(actions, event));
    }
    if (keel_match(script, "{stop, Reason}", &reason)) {
        return keel_stop_with(reason);
    }
    if (keel_match(script, "{stop_and_reply, Reason, Actions}", &reason, &actions)) {
        return keel_stop_and_reply(reason, complete(actions, event));
    }
    if (keel_match(script, "{exit, Reason}", &reason)) {
        keel_exit(reason);
    }
    if (keel_match(script, "{error, Reason}", &reason)) {
        keel_error(reason);
    }
    if (keel_match(script, "{fail, Reason}", &reason)) {
        return keel_fail(reason);
    }
    if (keel_match(script, "{sleep, T, Script}", &milliseconds, &rest)) {
        keel_sleep(KEEL_MS(milliseconds));
        return obey(rest, event, self);
    }
    if (keel_match(script, "{data, D, Script}", &state, &rest)) {
        keel_set(&self->data, state);
        return obey(rest, event, self);
    }
    if (keel_is(script, block)) {
        CHECK_OK(keel_receive_match(KEEL_NEVER, "go"));
        return keel_keep_state();
    }
    if (keel_is(script, ignore)) {
        return keel_ignore();
    }
    if (keel_is(script, unexpected)) {
        return keel_unexpected(event->content);
    }
    return (keel_result){.kind = KEEL_RESULT_NOTHING};
}

keel_result machine_init(keel_term argument, void *data)
{
    struct machine *self = data;
    bool trap = false;
    keel_term probe = KEEL_NONE;
    keel_term start = KEEL_NONE;
    keel_term first = KEEL_NONE;
    keel_term enters = KEEL_NONE;
    CHECK(keel_match(argument, "{machine, Probe, Trap, Start, Data, Enters}", &probe, &trap,
            &start, &first, &enters));
    self->probe = keel_to_pid(probe);
    keel_set(&self->data, first);
    keel_set(&self->enters, enters);
    if (trap) {
        keel_trap_exit(true);
    }
    return obey(start, NULL, self);
}

keel_result machine_event(const keel_event *event, void *data)
{
    struct machine *self = data;
    keel_term script = KEEL_NONE;
    if (self->probe.word != 0) {
        keel_send(self->probe,
                keel_tuple_of(event->state,
                        event->type == KEEL_EVENT_CALL ? keel_atom(call)
                                                       : keel_event_type_term(event),
                        event->content));
    }
    if (keel_event_is_enter(event)) {
        script = keel_map_get(self->enters, event->state);
        return keel_is_none(script) ? keel_keep_state() : obey(script, event, self);
    }
    return keel_match(event->content, "{do, Script}", &script) ? obey(script, event, self)
                                                               : keel_keep_state();
}

void machine_terminate(keel_term reason, keel_term state, void *data)
{
    struct machine *self = data;
    keel_term crash;
    if (self->probe.word != 0) {
        keel_send(self->probe, keel_tuple_of(keel_atom(terminate), reason, state));
    }
    if (keel_match(self->data, "{crash_at_end, Reason}", &crash)) {
        keel_exit(crash);
    }
}

keel_term machine_get_data(const void *data)
{
    return ((const struct machine *)data)->data;
}

void machine_set_data(void *data, keel_term term)
{
    keel_set(&((struct machine *)data)->data, term);
}

const keel_gen_statem machine = {
        .name = "machine", MACHINE_CALLBACKS, .handle_event = machine_event};
const keel_gen_statem entering_machine = {.name = "entering_machine",
        MACHINE_CALLBACKS,
        .handle_event = machine_event,
        .state_enter = true};

static keel_result a(const keel_event *event, void *data)
{
    CHECK(keel_is(event->state, a));
    return machine_event(event, data);
}

static keel_result b(const keel_event *event, void *data)
{
    CHECK(keel_is(event->state, b));
    return machine_event(event, data);
}

static keel_result c(const keel_event *event, void *data)
{
    CHECK(keel_is(event->state, c));
    return machine_event(event, data);
}

const keel_gen_statem stateful_machine = {
        .name = "stateful_machine", MACHINE_CALLBACKS, .states = KEEL_STATES(a, b, c)};

keel_term state_of(keel_pid pid)
{
    keel_term state = KEEL_NONE;
    CHECK_OK(keel_sys_get_state(pid, &state));
    return state;
}
