// The scripted gen_server.

#include "fixture.h"

static keel_result went_well(keel_result result, const struct outcome *outcome)
{
    keel_term argument;
    if (keel_match(outcome->next, "{timeout, Ms}", &argument)) {
        return keel_then_timeout(
                result, keel_is(argument, infinity) ? -1 : script_time(argument));
    }
    if (keel_match(outcome->next, "{continue, Argument}", &argument)) {
        return keel_then_continue(result, argument);
    }
    return keel_is(outcome->next, hibernate) ? keel_then_hibernate(result) : result;
}

static keel_result unanswered(const struct outcome *outcome)
{
    return keel_is_none(outcome->stop) ? went_well(keel_noreply(), outcome)
                                       : keel_stop_with(outcome->stop);
}

static keel_result answered(const struct outcome *outcome)
{
    if (!keel_is_none(outcome->stop)) {
        return outcome->reply == REPLY_TERM
                       ? keel_stop_with_reply(outcome->stop, outcome->answer)
                       : keel_stop_with(outcome->stop);
    }
    switch (outcome->reply) {
    case REPLY_NONE:
        return went_well(keel_noreply(), outcome);
    case REPLY_TERM:
        return went_well(keel_reply(outcome->answer), outcome);
    default:
        return went_well(keel_reply(outcome->value), outcome);
    }
}

static keel_result init(keel_term options, void *state)
{
    probe_setup(options, keel_atom(server));
    keel_process_put(keel_atom(fixture_terminate),
            option(options, keel_atom(terminate), keel_nil()));
    keel_process_put(keel_atom(fixture_collect),
            option(options, keel_atom(collect), keel_bool(false)));
    probe_report(keel_atom(init), keel_from_pid(keel_self()));
    struct outcome outcome = {.state = option(options, keel_atom(state), keel_nil())};
    script_obey(&outcome, option(options, keel_atom(init), keel_nil()));
    if (outcome.declined) {
        return keel_ignore();
    }
    if (!keel_is_none(outcome.stop)) {
        return keel_stop_with(outcome.stop);
    }
    keel_set(state, outcome.state);
    return went_well(keel_ok(), &outcome);
}

// The script sees a copy: it may give the old state as its value when there is a new one.
static void obey_with_state(struct outcome *outcome, keel_term script, keel_term *state)
{
    keel_term before = keel_copy(*state);
    outcome->state = before;
    script_obey(outcome, script);
    if (outcome->state.word != before.word) {
        keel_set(state, outcome->state);
    }
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    keel_term script;
    probe_report(keel_atom(call), request);
    if (!script_asked(request, &script)) {
        return keel_reply(keel_make("{unknown, Request}", request));
    }
    struct outcome outcome = {.from = &from};
    obey_with_state(&outcome, script, state);
    return answered(&outcome);
}

static keel_result obey(keel_term message, void *state)
{
    keel_term script;
    if (!script_asked(message, &script)) {
        return keel_noreply();
    }
    struct outcome outcome = {0};
    obey_with_state(&outcome, script, state);
    return unanswered(&outcome);
}

static keel_result handle_cast(keel_term request, void *state)
{
    probe_report(keel_atom(cast), request);
    return obey(request, state);
}

static keel_result handle_continue(keel_term argument, void *state)
{
    probe_report(keel_atom(continue), argument);
    return obey(argument, state);
}

static keel_result handle_info(keel_term message, void *state)
{
    keel_term *slot = state, from, reply, script;
    if (keel_match(message, "{'$fixture_reply', From, Reply}", &from, &reply)) {
        keel_reply_to(keel_from_of_term(from), reply);
        return keel_noreply();
    }
    probe_report(keel_atom(info), message);
    if (!script_asked(message, &script) &&
            keel_to_bool(keel_process_get(keel_atom(fixture_collect)))) {
        keel_set(slot, keel_cons(message, *slot));
        return keel_noreply();
    }
    return obey(message, state);
}

static void terminate(keel_term reason, void *state)
{
    probe_report(keel_atom(terminate), reason);
    struct outcome outcome = {.state = *(keel_term *)state};
    script_obey(&outcome, keel_process_get(keel_atom(fixture_terminate)));
}

const keel_gen_server scripted_server = {
        .name = "fixture",
        .state = KEEL_STATE_TERM,
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
        .handle_continue = handle_continue,
        .terminate = terminate,
};
