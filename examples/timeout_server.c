// A call that is answered later: a task does the work, its result is the reply.

#include "timeout_server.h"

struct timeout_server {
    keel_task_function operation;
    keel_term pending; // a map from the tasks' references to who waits
};

static keel_result init(keel_term operation, void *state)
{
    struct timeout_server *server = state;
    keel_trap_exit(true); // a task that fails shall not take us along
    server->operation = keel_to_function(keel_task_function, operation);
    keel_set(&server->pending, keel_make("#{}"));
    return keel_ok();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct timeout_server *server = state;
    keel_term data;
    if (!keel_match(request, "{slow_op, Data}", &data)) {
        return keel_unexpected(request);
    }
    keel_task task = keel_task_async(server->operation, data);
    keel_set(&server->pending, keel_map_put(server->pending, keel_from_ref(task.ref),
                                       keel_from_to_term(from)));
    return keel_noreply();
}

static void answer(struct timeout_server *server, keel_ref ref, keel_term reply)
{
    keel_term from = keel_map_get(server->pending, keel_from_ref(ref));
    if (!keel_is_none(from)) {
        keel_reply_to(keel_from_of_term(from), reply);
        keel_set(&server->pending, keel_map_remove(server->pending, keel_from_ref(ref)));
    }
}

static keel_result handle_info(keel_term message, void *state)
{
    keel_ref ref;
    keel_term result, reason;
    if (keel_match(message, "{'DOWN', Ref, process, _, Reason}", &ref, &reason)) {
        answer(state, ref, keel_make("{error, Reason}", reason)); // the task failed
    } else if (keel_match(message, "{Ref, Result}", &ref, &result)) {
        keel_demonitor(ref, KEEL_DEMONITOR_FLUSH);
        answer(state, ref, result);
    }
    return keel_noreply();
}

static const keel_gen_server timeout_server = {
        .name = "timeout_server",
        .state = KEEL_STATE(struct timeout_server, operation, pending),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};

keel_started timeout_server_start_link(keel_task_function operation)
{
    return keel_gen_server_start_link(&timeout_server, keel_function(operation));
}

keel_term timeout_server_slow_operation(keel_pid server, keel_term data)
{
    keel_term reply;
    keel_status status = keel_call_within(
            server, keel_make("{slow_op, Data}", data), KEEL_IN(KEEL_SECONDS(5)), &reply);
    return status == KEEL_E_TIMEOUT ? keel_make("{error, timeout}") : reply;
}
