// Servers of connections.

#include "socket_testing.h"

static void echo(keel_term socket, keel_term prefix)
{
    keel_term line = KEEL_NONE;
    while (keel_socket_recv(socket, 0, KEEL_NEVER, &line) == KEEL_OK) {
        keel_bytes bytes = keel_to_bytes(line);
        if (bytes.size == 6 && memcmp(bytes.data, "crash\n", 6) == 0) {
            keel_exit(keel_atom(crashed));
        }
        keel_bytes before = keel_to_bytes(prefix);
        keel_term answer = keel_format("%.*s%.*s", (int)before.size,
                (const char *)before.data, (int)bytes.size, (const char *)bytes.data);
        keel_bytes text = keel_to_bytes(answer);
        keel_status status = keel_socket_send(socket, text.data, text.size, KEEL_NEVER);
        (void)status; // the next recv says the same
    }
}

static keel_pid start_server(uint16_t *ret_port)
{
    keel_socket_server server = {.opts = {.packet = KEEL_PACKET_LINE},
            .acceptors = 3,
            .serve = echo,
            .argument = keel_string("> "),
            .name = keel_atom(echo_listener)};
    keel_started started = keel_socket_server_start_link(&server);
    CHECK_OK(started.status);
    int port;
    CHECK(keel_match(
            keel_socket_server_name(keel_atom(echo_listener)), "{_, Port}", &port));
    *ret_port = (uint16_t)port;
    return started.pid;
}

static keel_term connect_to(uint16_t port)
{
    keel_socket_opts lines = {.packet = KEEL_PACKET_LINE};
    keel_term socket = KEEL_NONE;
    CHECK_OK(keel_tcp_connect("127.0.0.1", port, &lines, SOON, &socket));
    return socket;
}

THREADS_TEST("each connection has a process of its own, and a crash is the end of it alone")
{
    enum { CONNECTIONS = 20 };
    keel_term sockets[CONNECTIONS];
    keel_term unused = KEEL_NONE;
    uint16_t port;
    keel_trap_exit(true);
    keel_pid server = start_server(&port);
    for (int i = 0; i < CONNECTIONS; i++) {
        sockets[i] = connect_to(port);
        send_text(sockets[i], "hello\n");
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        CHECK_RECV(sockets[i], 0, "> hello\n");
    }
    send_text(sockets[3], "crash\n");
    CHECK_INT(keel_socket_recv(sockets[3], 0, SOON, &unused), KEEL_SOCKET_CLOSED);
    send_text(sockets[4], "still\n");
    CHECK_RECV(sockets[4], 0, "> still\n");
    keel_process_exit(server, keel_atom(shutdown));
    EXPECT_MESSAGE("{'EXIT', ^Server, shutdown}", server);
    CHECK_INT(keel_socket_recv(sockets[4], 0, SOON, &unused), KEEL_SOCKET_CLOSED);
    for (int i = 0; i < CONNECTIONS; i++) {
        keel_socket_close(sockets[i]);
    }
}

THREADS_TEST("a listener that crashes is there again")
{
    uint16_t port;
    keel_trap_exit(true);
    keel_pid server = start_server(&port);
    keel_pid listener = keel_whereis("echo_listener");
    end_process(listener);
    keel_term name = KEEL_NONE;
    while (keel_is_none(name)) {
        name = keel_socket_server_name(keel_atom(echo_listener));
        keel_yield();
    }
    int again;
    CHECK(keel_match(name, "{_, Port}", &again));
    keel_term socket = connect_to((uint16_t)again);
    send_text(socket, "hello\n");
    CHECK_RECV(socket, 0, "> hello\n");
    keel_socket_close(socket);
    keel_process_exit(server, keel_atom(shutdown));
    EXPECT_MESSAGE("{'EXIT', ^Server, shutdown}", server);
}

THREADS_TEST("what cannot be listened at fails the start")
{
    keel_trap_exit(true);
    keel_socket_server server = {.path = "/nowhere/at/all", .serve = echo};
    keel_started started = keel_socket_server_start_link(&server);
    CHECK_INT(started.status, KEEL_E_EXIT);
    CHECK_TERM(
            started.reason, "{shutdown, {failed_to_start_child, listener, {listen, _}}}");
    server.serve = NULL;
    CHECK_INT(keel_socket_server_start_link(&server).status, KEEL_E_BADARG);
    keel_flush();
}
