// The standard template: options, continue, periodic work, exits of linked processes,
// cleaning up.

#include "my_server.h"
#include <keel/logger.h>

struct my_server {
    keel_term data; // a map
    keel_term config; // a list
    int64_t started_at; // ns
    int64_t rounds; // of periodic work
};

static void schedule_periodic_work(void)
{
    keel_send_after(KEEL_SECONDS(30), keel_self(), keel_atom(periodic_work));
}

static keel_result init(keel_term options, void *state)
{
    struct my_server *server = state;
    keel_trap_exit(true); // it manages other processes
    keel_term config = keel_map_get(options, keel_atom(config));
    keel_set(&server->data, keel_make("#{}"));
    keel_set(&server->config, keel_is_none(config) ? keel_nil() : config);
    server->started_at = keel_now();
    return keel_then_continue(keel_ok(), keel_atom(after_init));
}

static keel_result handle_continue(keel_term argument, void *state)
{
    schedule_periodic_work(); // what should not hold up who starts us
    return keel_noreply();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct my_server *server = state;
    return keel_is(request, get_data) ? keel_reply(server->data) : keel_unexpected(request);
}

static keel_result handle_cast(keel_term request, void *state)
{
    struct my_server *server = state;
    keel_term data;
    if (!keel_match(request, "{update_data, Data}", &data)) {
        return keel_unexpected(request);
    }
    keel_set(&server->data, data);
    return keel_noreply();
}

static keel_result handle_info(keel_term message, void *state)
{
    struct my_server *server = state;
    keel_term pid, reason;
    if (keel_is(message, periodic_work)) {
        server->rounds++;
        schedule_periodic_work();
        return keel_noreply();
    }
    if (keel_match(message, "{'EXIT', Pid, Reason}", &pid, &reason)) {
        keel_log_warning("process %s exited: %s", keel_show(pid), keel_show(reason));
        return keel_noreply();
    }
    return keel_unexpected(message);
}

static void terminate(keel_term reason, void *state)
{
    keel_log_info("terminating: %s", keel_show(reason));
}

static const keel_gen_server my_server = {
        .name = "my_server",
        .state = KEEL_STATE(struct my_server, data, config, started_at, rounds),
        .init = init,
        .handle_continue = handle_continue,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
        .terminate = terminate,
};

keel_started my_server_start_link(keel_term options, keel_term name)
{
    return keel_gen_server_start_link(
            &my_server, options, .name = keel_is_none(name) ? keel_atom(my_server) : name);
}

keel_term my_server_get_data(keel_term server)
{
    return keel_call_or_exit(server, keel_atom(get_data));
}

void my_server_update_data(keel_term server, keel_term data)
{
    keel_cast(server, keel_make("{update_data, Data}", data));
}
