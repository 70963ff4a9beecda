// Agents: a server whose requests bring along what to do.

#include <keel/agent.h>
#include <keel/function.h>
#include <keel/sys.h>

static keel_result init(keel_term argument, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_cast(keel_term request, void *state);
static keel_term code_change(keel_term old_version, void *state, keel_term extra);

static const keel_gen_server agent = {
        .name = "agent",
        .state = KEEL_STATE_TERM,
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .code_change = code_change,
};

static keel_started no_init(void)
{
    return (keel_started){
            .status = KEEL_E_BADARG, .reason = keel_make("{badarg, {init, undefined}}")};
}

static keel_start_opts with_init(
        keel_agent_init first, const char *name, const keel_start_opts *opts)
{
    keel_start_opts all = opts == NULL ? (keel_start_opts){0} : *opts;
    keel_term argument = keel_is_none(all.argument) ? keel_nil() : all.argument;
    all.argument = keel_tuple_of(keel_function(first), argument);
    all.spawn.entry = name;
    return all;
}

keel_started keel_agent_start_link_named(
        keel_agent_init first, const char *name, const keel_start_opts *opts)
{
    if (first == NULL) {
        return no_init();
    }
    keel_start_opts all = with_init(first, name, opts);
    return keel_gen_server_start_link_opt(&agent, &all);
}

keel_started keel_agent_start_named(
        keel_agent_init first, const char *name, const keel_start_opts *opts)
{
    if (first == NULL) {
        return no_init();
    }
    keel_start_opts all = with_init(first, name, opts);
    return keel_gen_server_start_opt(&agent, &all);
}

// The start function of keel_child_agent: {Init, InitName, Argument, Name}.
static keel_started start_child(keel_term plan)
{
    keel_start_opts opts = {
            .argument = keel_element(plan, 2), .name = keel_element(plan, 3)};
    return keel_agent_start_link_named(
            keel_to_function(keel_agent_init, keel_element(plan, 0)),
            keel_to_pointer(keel_element(plan, 1), NULL), &opts);
}

keel_child_spec keel_agent_spec(
        keel_agent_init first, const char *name, const keel_start_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_start_opts){0};
    keel_term argument = keel_is_none(opts->argument) ? keel_nil() : opts->argument;
    return (keel_child_spec){
            .id = keel_atom(agent),
            .start = start_child,
            .argument = keel_tuple_of(keel_function(first), keel_pointer(name), argument,
                    keel_is_none(opts->name) ? keel_atom(nil) : opts->name),
    };
}

keel_term keel_agent_request(
        keel_agent_operation operation, keel_agent_function function, keel_term context)
{
    if (function == NULL || operation < KEEL_AGENT_GET || operation > KEEL_AGENT_CAST) {
        return KEEL_NONE;
    }
    keel_term name = operation == KEEL_AGENT_GET      ? keel_atom(get)
                     : operation == KEEL_AGENT_UPDATE ? keel_atom(update)
                     : operation == KEEL_AGENT_CAST   ? keel_atom(cast)
                                                      : keel_atom(get_and_update);
    return keel_tuple_of(
            name, keel_function(function), keel_is_none(context) ? keel_nil() : context);
}

keel_term keel_agent_state(keel_term state, keel_term unused)
{
    (void)unused;
    return state;
}

// --- callbacks ---

static keel_term some(keel_term term)
{
    return keel_is_none(term) ? keel_nil() : term;
}

static keel_result init(keel_term argument, void *state)
{
    keel_agent_init first = keel_to_function(keel_agent_init, keel_element(argument, 0));
    if (first == NULL) {
        keel_error(keel_atom(undef));
    }
    keel_set(state, some(first(keel_element(argument, 1))));
    return keel_ok();
}

// Runs what a request brought along.
static keel_term run(keel_term request, const keel_term *state)
{
    keel_agent_function function = keel_to_function(
            keel_agent_function, keel_element(request, 1));
    if (function == NULL) {
        keel_error(keel_atom(undef));
    }
    return some(function(*state, keel_element(request, 2)));
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    (void)from;
    keel_term what = keel_element(request, 0);
    if (keel_tuple_size(request) != 3) {
        keel_error(keel_atom(function_clause)); // as Elixir's, which has no clause for it
    }
    if (keel_is(what, get)) {
        return keel_reply(run(request, state));
    }
    if (keel_is(what, update)) {
        keel_set(state, run(request, state));
        return keel_reply(keel_atom(ok));
    }
    if (!keel_is(what, get_and_update)) {
        keel_error(keel_atom(function_clause));
    }
    keel_term both = run(request, state);
    if (keel_tuple_size(both) != 2) {
        return keel_stop_with(keel_tuple_of(keel_atom(bad_return_value), both));
    }
    // The reply may be a part of the old state, which goes now.
    keel_term reply = keel_copy(keel_element(both, 0));
    keel_set(state, keel_element(both, 1));
    return keel_reply(reply);
}

static keel_result handle_cast(keel_term request, void *state)
{
    if (keel_tuple_size(request) != 3 || !keel_is(keel_element(request, 0), cast)) {
        keel_error(keel_atom(function_clause));
    }
    keel_set(state, run(request, state));
    return keel_noreply();
}

static keel_term code_change(keel_term old_version, void *state, keel_term extra)
{
    (void)old_version;
    if (keel_tuple_size(extra) != 3) {
        return keel_tuple_of(keel_atom(error), keel_tuple_of(keel_atom(badarg), extra));
    }
    keel_set(state, run(extra, state));
    return keel_atom(ok);
}
