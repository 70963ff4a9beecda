// Calls of functions by name, from other nodes. What comes as erpc is a request to spawn a
// process that runs erpc:execute_call(Res, Module, Function, Arguments) and ends with
// {Res, return, Value}, {Res, exit, Reason} and so on, watched by who asks. An allowed
// function can be spawned as such, too: spawn_link(Node, Module, Function, Arguments). What
// older clients send goes to the server `rex`.

#include "rpc.h"
#include <keel/function.h>

// The functions that are allowed: few, and changed hardly ever.
struct allowed {
    struct allowed *next;
    keel_term module, name; // atoms
    keel_rpc_function function;
};

static struct kl_lock lock;
static struct allowed *list; // guarded by the lock

static struct allowed **find_locked(keel_term module, keel_term name)
{
    struct allowed **link = &list;
    while (*link != NULL &&
            ((*link)->module.word != module.word || (*link)->name.word != name.word)) {
        link = &(*link)->next;
    }
    return link;
}

static keel_rpc_function find(keel_term module, keel_term name)
{
    kl_lock_take(&lock);
    struct allowed *allowed = *find_locked(module, name);
    keel_rpc_function function = allowed == NULL ? NULL : allowed->function;
    kl_lock_give(&lock);
    return function;
}

keel_status keel_rpc_allow(keel_term module, keel_term name, keel_rpc_function function)
{
    if (!keel_is_atom(module) || !keel_is_atom(name)) {
        return KEEL_E_BADARG;
    }
    struct allowed *fresh = function == NULL ? NULL : kl_alloc(sizeof *fresh);
    if (function != NULL && fresh == NULL) {
        return KEEL_E_NOMEM;
    }
    kl_lock_take(&lock);
    struct allowed **link = find_locked(module, name), *old = *link;
    if (old != NULL) {
        *link = old->next;
    }
    if (fresh != NULL) {
        *fresh = (struct allowed){list, module, name, function};
        list = fresh;
    }
    kl_lock_give(&lock);
    kl_free(old, sizeof *old);
    return KEEL_OK;
}

// --- running one ---

struct run {
    keel_rpc_function function;
    keel_term arguments, result;
};

static void run_it(void *context)
{
    struct run *run = context;
    run->result = run->function(run->arguments);
}

// The value, or with KEEL_E_EXIT the reason it ended with.
static keel_status evaluate(
        keel_rpc_function function, keel_term arguments, keel_term *ret_result)
{
    struct run run = {function, arguments, KEEL_NONE};
    keel_status status = keel_try(run_it, &run, ret_result);
    if (status == KEEL_OK) {
        *ret_result = keel_is_none(run.result) ? keel_atom(undefined) : run.result;
    }
    return status;
}

// --- erpc ---

// {Res or [], Function, Arguments}. It begins when it is watched: else it could end before.
static void execute(keel_term plan)
{
    keel_term result = keel_nil();
    keel_status status = keel_receive_match(KEEL_NEVER, "'$go'");
    keel_rpc_function function = keel_to_function(keel_rpc_function, keel_element(plan, 1));
    status = status == KEEL_OK ? evaluate(function, keel_element(plan, 2), &result)
                               : status;
    if (keel_is_nil(keel_element(plan, 0))) {
        return; // erpc:cast: nobody wants to know
    }
    keel_exit(keel_tuple_of(keel_element(plan, 0),
            status == KEEL_OK ? keel_atom(return ) : keel_atom(exit), result));
}

static void answer(uint32_t connection, struct kl_peer *peer,
        const struct kl_control *control, uint32_t flags, keel_term result)
{
    kl_peer_send(peer, connection, (keel_pid){0},
            &(struct kl_control){.kind = KL_CONTROL_SPAWN_REPLY,
                    .ref = control->ref,
                    .to = control->from,
                    .flags = flags,
                    .result = result},
            NULL);
}

// What to run, taken from erpc's arguments; KEEL_NONE when it is not allowed.
static keel_term plan_of(const struct kl_control *control, keel_term arguments)
{
    keel_term res = keel_nil(), module, name, list_of_arguments;
    bool call = keel_match(control->mfa, "{erpc, execute_call, 4}") &&
                keel_match(arguments, "[Res, Module, Name, Arguments]", &res, &module,
                        &name, &list_of_arguments);
    bool cast = !call && keel_match(control->mfa, "{erpc, execute_cast, 3}") &&
                keel_match(arguments, "[Module, Name, Arguments]", &module, &name,
                        &list_of_arguments);
    if (!call && !cast && keel_match(control->mfa, "{Module, Name, _}", &module, &name)) {
        list_of_arguments = arguments;
    } else if (!call && !cast) {
        return KEEL_NONE;
    }
    keel_rpc_function function = find(module, name);
    if (function == NULL || !keel_is_list(list_of_arguments)) {
        return KEEL_NONE;
    }
    return keel_tuple_of(res, keel_function(function), list_of_arguments);
}

bool kl_rpc_spawn(uint32_t connection, struct kl_peer *peer,
        const struct kl_control *control, const uint8_t *payload, size_t size)
{
    keel_term arguments;
    size_t used;
    if (kl_etf_decode(payload, size, &kl_remote_limits, &used, &arguments) != KEEL_OK ||
            used != size) {
        return false;
    }
    keel_term plan = plan_of(control, arguments);
    if (keel_is_none(plan)) {
        answer(connection, peer, control, 0, keel_atom(notsup));
        return true;
    }
    keel_pid from = keel_to_pid(control->from);
    bool link = keel_list_member(keel_atom(link), control->opts);
    bool monitor = keel_list_member(keel_atom(monitor), control->opts);
    keel_pid pid = keel_spawn(execute, plan);
    answer(connection, peer, control,
            (link ? KL_SPAWN_LINK : 0) | (monitor ? KL_SPAWN_MONITOR : 0),
            keel_from_pid(pid));
    if (link) {
        kl_remote_link(connection, from, pid);
    }
    if (monitor) {
        kl_remote_monitor(connection, from, pid, control->ref, KEEL_NONE);
    }
    keel_send(pid, keel_atom_text("$go"));
    return true;
}

// --- rex ---

static keel_term refusal(void)
{
    return keel_make("{badrpc, notsup}");
}

// {call, Module, Function, Arguments, Leader}
static keel_term call(keel_term request)
{
    keel_term module, name, arguments, result;
    if (!keel_match(request, "{call, Module, Name, Arguments, _}", &module, &name,
                &arguments)) {
        return refusal();
    }
    keel_rpc_function function = find(module, name);
    if (function == NULL) {
        return refusal();
    }
    return evaluate(function, arguments, &result) == KEEL_OK
                   ? result
                   : keel_make("{badrpc, {'EXIT', Reason}}", result);
}

// {From, Request}: by a call
static void answer_call(keel_term argument)
{
    keel_gen_reply(
            keel_from_of_term(keel_element(argument, 0)), call(keel_element(argument, 1)));
}

// {Pid, Request}: by a message
static void answer_message(keel_term argument)
{
    keel_send(keel_element(argument, 0),
            keel_make("{rex, Result}", call(keel_element(argument, 1))));
}

static keel_result init(keel_term unused, void *state)
{
    (void)unused;
    (void)state;
    return keel_ok();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    (void)state;
    keel_spawn(answer_call, keel_tuple_of(keel_from_to_term(from), request));
    return keel_noreply();
}

static keel_result handle_info(keel_term message, void *state)
{
    (void)state;
    keel_term pid;
    if (keel_match(message, "{Pid, features_request}", &pid)) {
        keel_send(pid, keel_make("{features_reply, Node, [erpc]}", keel_node_self()));
    } else if (keel_match(message, "{Pid, {call, _, _, _, _}}", &pid)) {
        keel_spawn(answer_message, message);
    }
    return keel_noreply();
}

const keel_gen_server kl_rpc_rex = {
        .name = "rex",
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};

// --- calling others ---

keel_term keel_rpc_call(keel_term node, keel_term module, keel_term name,
        keel_term arguments, keel_deadline deadline)
{
    keel_term answer_of_rex = KEEL_NONE;
    keel_status status = keel_gen_call(keel_tuple_of(keel_atom(rex), node),
            keel_make("{call, Module, Name, Arguments, user}", module, name, arguments),
            deadline, &answer_of_rex);
    switch (status) {
    case KEEL_OK:
        return answer_of_rex;
    case KEEL_E_EXIT:
        return keel_make("{badrpc, {'EXIT', Reason}}", answer_of_rex);
    case KEEL_E_TIMEOUT:
        return keel_make("{badrpc, timeout}");
    default:
        return keel_make("{badrpc, nodedown}");
    }
}
