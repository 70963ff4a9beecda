// Servers of connections: a listener with its acceptors, and a process a connection.
//
//   supervisor (rest_for_one)
//   ├── connections, a dynamic supervisor
//   └── listener, a gen_server that owns the socket, and its acceptors, linked to it

#include "socket.h"
#include <errno.h>
#include <keel/dynamic_supervisor.h>
#include <keel/function.h>
#include <keel/logger.h>
#include <keel/main.h>
#include <string.h>

enum { ACCEPTORS = 8 };

struct listener {
    keel_term socket; // kept
};

static keel_result init(keel_term plan, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_info(keel_term message, void *state);
static void terminate(keel_term reason, void *state);

static const keel_gen_server listener_server = {
        .name = "socket_listener",
        .state = KEEL_STATE(struct listener, socket),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
        .terminate = terminate,
};

// The server travels as bytes, the strings and terms in it beside them:
// {Bytes, Path | [], Argument, Supervisor}.
static keel_socket_server server_of(keel_term plan)
{
    keel_socket_server server;
    memcpy(&server, keel_to_bytes(keel_element(plan, 0)).data, sizeof server);
    server.argument = keel_element(plan, 2);
    return server;
}

// --- a connection ---

// {Serve, Argument}: waits for its socket, which becomes its own, and serves it.
static void connection(keel_term plan)
{
    void (*serve)(keel_term socket, keel_term argument) = keel_to_function(
            void (*)(keel_term, keel_term), keel_element(plan, 0));
    keel_term socket = KEEL_NONE;
    keel_gen_ack(keel_atom(ok));
    if (keel_receive_match(KEEL_IN(KEEL_SECONDS(5)), "{socket, Socket}", &socket) ==
            KEEL_OK) {
        serve(socket, keel_element(plan, 1));
        keel_socket_close(socket);
    }
}

static keel_started start_connection(keel_term plan)
{
    keel_spawn_opts opts = {.link = true, .entry = "connection"};
    keel_pid pid = {0};
    keel_term ack = KEEL_NONE;
    keel_status status = keel_start_body(
            connection, plan, &opts, KEEL_NEVER, &pid, NULL, &ack);
    return status == KEEL_OK ? keel_started_ok(pid) : keel_started_failed(keel_atom(error));
}

// --- acceptors ---

static keel_pid connections_of(keel_pid tree)
{
    keel_term child = KEEL_NONE;
    keel_pid pid;
    bool found = keel_supervisor_which_child(tree, keel_atom(connections), &child) ==
                         KEEL_OK &&
                 keel_match(child, "{_, Pid, _, _}", &pid);
    return found ? pid : (keel_pid){0};
}

static void hand_over(keel_pid connections, keel_term plan, keel_term socket)
{
    keel_child_spec spec = keel_child_fn(start_connection,
            keel_tuple_of(keel_function(server_of(plan).serve), keel_element(plan, 2)),
            .id = keel_atom(connection), .restart = KEEL_TEMPORARY);
    keel_started started = keel_dynamic_supervisor_start_child(connections, &spec);
    if (started.status != KEEL_OK) {
        keel_log_warning("a connection was refused: no process for it");
        keel_socket_close(socket);
        return;
    }
    if (keel_socket_give(socket, started.pid) == KEEL_OK) {
        keel_send(started.pid, keel_tuple_of(keel_atom(socket), socket));
    }
}

// {Plan, Socket}. Ends when the listener is closed.
static void accept_connections(keel_term argument)
{
    keel_term plan = keel_element(argument, 0);
    keel_pid connections = connections_of(keel_to_pid(keel_element(plan, 3)));
    keel_status status = KEEL_OK;
    while (status != KEEL_SOCKET_CLOSED) {
        keel_scope scope = keel_scope_open();
        keel_term socket = KEEL_NONE;
        status = keel_socket_accept(keel_element(argument, 1), KEEL_NEVER, &socket);
        if (status == KEEL_OK) {
            hand_over(connections, plan, socket);
        } else if (status != KEEL_SOCKET_CLOSED) { // out of descriptors, most likely
            keel_log_error("accepting a connection failed: %s", keel_status_text(status));
            keel_sleep(KEEL_MS(100));
        }
        keel_scope_close(&scope);
    }
}

// --- the listener ---

static keel_status open_listener(
        const keel_socket_server *server, keel_term path, keel_term *ret_socket)
{
    if (server->fd > 0) {
        return keel_socket_from_fd(server->fd, &server->opts, ret_socket);
    }
    if (!keel_is_binary(path)) {
        return keel_tcp_listen(server->port, &server->opts, ret_socket);
    }
    char text[sizeof((struct sockaddr_un *)0)->sun_path];
    keel_bytes bytes = keel_to_bytes(path);
    if (bytes.size >= sizeof text) {
        return -ENAMETOOLONG;
    }
    memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = '\0';
    return keel_unix_listen(text, &server->opts, ret_socket);
}

static keel_result init(keel_term plan, void *state)
{
    struct listener *self = state;
    keel_socket_server server = server_of(plan);
    keel_term socket = KEEL_NONE;
    char address[64] = "";
    keel_bytes bytes = keel_to_bytes(keel_element(plan, 4));
    memcpy(address, bytes.data, bytes.size < 63 ? bytes.size : 63);
    server.opts.address = bytes.size > 0 ? address : NULL;
    keel_trap_exit(true);
    keel_status status = open_listener(&server, keel_element(plan, 1), &socket);
    if (status != KEEL_OK) {
        return keel_stop_with(keel_make("{listen, Why}", keel_status_text(status)));
    }
    keel_set(&self->socket, socket);
    unsigned count = server.acceptors != 0 ? server.acceptors : ACCEPTORS;
    for (unsigned i = 0; i < count; i++) {
        keel_spawn_link(accept_connections, keel_tuple_of(plan, self->socket));
    }
    return keel_ok();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    (void)from;
    struct listener *self = state;
    if (keel_is(request, name)) {
        keel_term name = keel_socket_name(self->socket);
        return keel_reply(keel_is_none(name) ? keel_atom(undefined) : name);
    }
    return keel_unexpected(request);
}

// An acceptor that ended did not do so by itself: all start anew.
static keel_result handle_info(keel_term message, void *state)
{
    (void)state;
    keel_term reason = KEEL_NONE;
    return keel_match(message, "{'EXIT', _, Reason}", &reason) ? keel_stop_with(reason)
                                                               : keel_noreply();
}

static void terminate(keel_term reason, void *state)
{
    (void)reason;
    struct listener *self = state;
    keel_socket_close(self->socket);
}

// --- the tree ---

// {Bytes, Path, Argument, Supervisor, Address}
static keel_term plan_of(const keel_socket_server *server)
{
    keel_term path = server->path != NULL ? keel_string(server->path) : keel_nil();
    keel_term argument = keel_is_none(server->argument) ? keel_nil() : server->argument;
    const char *address = server->opts.address;
    return keel_tuple_of(keel_binary(server, sizeof *server), path, argument,
            keel_from_pid(keel_self()), keel_string(address != NULL ? address : ""));
}

static keel_started start_connections(keel_term unused)
{
    (void)unused;
    return keel_dynamic_supervisor_start_link(.intensity = 0);
}

// Runs in the supervisor, which the acceptors ask for the connections.
static keel_term init_tree(keel_term plan)
{
    keel_term own = keel_set_element(plan, 3, keel_from_pid(keel_self()));
    keel_child_spec children[] = {
            keel_child_fn(start_connections, keel_nil(), .id = keel_atom(connections),
                    .type = KEEL_SUPERVISOR),
            keel_child(&listener_server, own, .id = keel_atom(listener),
                    .name = keel_element(plan, 5)),
    };
    return keel_supervisor_init(
            children, KEEL_COUNT(children), .strategy = KEEL_REST_FOR_ONE);
}

static const keel_supervisor tree = {.name = "socket_server", .init = init_tree};

keel_started keel_socket_server_start_link(const keel_socket_server *server)
{
    if (server == NULL || server->serve == NULL) {
        return (keel_started){
                .status = KEEL_E_BADARG, .reason = keel_make("{badarg, serve}")};
    }
    keel_term plan = plan_of(server);
    keel_term items[6];
    for (size_t i = 0; i < 5; i++) {
        items[i] = keel_element(plan, i);
    }
    items[5] = keel_is_none(server->name) ? keel_atom(nil) : server->name;
    return keel_supervisor_start_link_module(&tree, keel_tuple(items, 6));
}

keel_term keel_socket_server_name(keel_term listener)
{
    keel_term name = KEEL_NONE;
    keel_status status = keel_call(listener, keel_atom(name), &name);
    return status == KEEL_OK ? name : KEEL_NONE;
}
