// Sockets as things that belong to processes.

#include "socket_testing.h"

static keel_socket_opts active = {.active = KEEL_ACTIVE};

THREADS_TEST("an active socket sends its owner what comes, and the end")
{
    struct socket_pair pair = connected(NULL);
    CHECK_OK(keel_socket_active(pair.far, KEEL_ACTIVE));
    send_text(pair.near, "hello");
    EXPECT_NEXT("{tcp, ^Socket, <<\"hello\">>}", pair.far);
    send_text(pair.near, "again");
    EXPECT_NEXT("{tcp, _, <<\"again\">>}");
    keel_term unused = KEEL_NONE;
    CHECK_INT(keel_socket_recv(pair.far, 0, SOON, &unused), KEEL_E_REFUSED);
    keel_socket_close(pair.near);
    EXPECT_NEXT("{tcp_closed, ^Socket}", pair.far);
    CHECK_INT(keel_socket_send(pair.far, "x", 1, SOON), KEEL_SOCKET_CLOSED);
    close_pair(&pair);
}

THREADS_TEST("active once is one message, then the socket is passive")
{
    keel_socket_opts lines = {.packet = KEEL_PACKET_LINE};
    struct socket_pair pair = connected(&lines);
    send_text(pair.near, "one\ntwo\nthree\n");
    CHECK_OK(keel_socket_active(pair.far, KEEL_ACTIVE_ONCE));
    EXPECT_NEXT("{tcp, _, <<\"one\\n\">>}");
    CHECK_RECV(pair.far, 0, "two\n");
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_socket_active(pair.far, KEEL_ACTIVE_ONCE));
    EXPECT_NEXT("{tcp, _, <<\"three\\n\">>}");
    CHECK_OK(keel_socket_active(pair.far, KEEL_ACTIVE));
    CHECK_OK(keel_socket_active(pair.far, KEEL_PASSIVE));
    send_text(pair.near, "four\n");
    while (keel_queue_length() > 0) { // that was read while it was active
        keel_flush();
    }
    keel_socket_close(pair.far);
    keel_term unused = KEEL_NONE;
    CHECK_INT(keel_socket_recv(pair.near, 0, SOON, &unused), KEEL_SOCKET_CLOSED);
    close_pair(&pair);
    keel_flush();
}

static void own_a_connection(keel_term parent)
{
    struct socket_pair pair = connected(NULL);
    keel_send(keel_to_pid(parent), keel_tuple_of(keel_atom(mine), pair.near, pair.far));
    CHECK_OK(keel_socket_give(pair.far, keel_to_pid(parent)));
    keel_send(keel_to_pid(parent), keel_atom(given));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "go"));
}

THREADS_TEST("the end of its owner closes a socket, unless it was given away")
{
    keel_term near = KEEL_NONE;
    keel_term far = KEEL_NONE;
    keel_term unused = KEEL_NONE;
    keel_pid owner = keel_spawn(own_a_connection, keel_from_pid(keel_self()));
    EXPECT_NEXT("{mine, Near, Far}", &near, &far);
    EXPECT_NEXT("given");
    CHECK_INT(keel_socket_give(near, keel_self()), KEEL_E_REFUSED);
    end_process(owner);
    CHECK_INT(
            keel_socket_recv(far, 0, SOON, &unused), KEEL_SOCKET_CLOSED); // the other side
    CHECK_INT(keel_socket_send(near, "x", 1, SOON), KEEL_SOCKET_CLOSED);
    CHECK_OK(keel_socket_active(far, KEEL_ACTIVE)); // far lives, and is the caller's
    EXPECT_NEXT("{tcp_closed, ^Far}", far);
}

static void receive_forever(keel_term socket)
{
    keel_term data = KEEL_NONE;
    keel_status status = keel_socket_recv(socket, 0, KEEL_NEVER, &data);
    keel_exit(keel_int(status));
}

THREADS_TEST("closing wakes who waits, and two cannot receive at once")
{
    struct socket_pair pair = connected(NULL);
    keel_ref monitor;
    keel_pid reader = keel_spawn_monitor(receive_forever, pair.far, &monitor);
    keel_process_view view = {0};
    while (view.wait != KEEL_WAIT_DESCRIPTOR) {
        keel_yield();
        CHECK(keel_inspect_process(reader, &view));
    }
    keel_term data = KEEL_NONE;
    CHECK_INT(keel_socket_recv(pair.far, 0, KEEL_AT_ONCE, &data), KEEL_E_REFUSED);
    keel_socket_close(pair.far);
    CHECK_TERM(await_down(monitor), "-107");
    close_pair(&pair);
}

THREADS_TEST("the messages of an active socket follow its owner")
{
    struct socket_pair pair = connected(&active);
    keel_pid other = new_puppet();
    send_text(pair.near, "one");
    EXPECT_NEXT("{tcp, _, <<\"one\">>}");
    CHECK_OK(keel_socket_give(pair.far, other));
    send_text(pair.near, "two");
    keel_term messages = keel_nil();
    while (keel_is_nil(messages)) {
        messages = ask(other, act_messages, keel_nil());
    }
    CHECK_TERM(messages, "[{tcp, ^Socket, <<\"two\">>}]", pair.far);
    end_process(other);
    keel_socket_close(pair.listener);
    EXPECT_MESSAGE("{tcp_closed, ^Near}", pair.near); // its other side is closed
}

THREADS_TEST("what is no socket is refused")
{
    keel_term unused = KEEL_NONE;
    CHECK_INT(keel_socket_send(keel_atom(x), "x", 1, SOON), KEEL_E_BADARG);
    CHECK_INT(keel_socket_recv(KEEL_NONE, 0, SOON, &unused), KEEL_E_BADARG);
    CHECK_INT(keel_socket_accept(keel_int(1), SOON, &unused), KEEL_E_BADARG);
    CHECK_INT(keel_socket_active(keel_int(1), KEEL_ACTIVE), KEEL_E_BADARG);
    CHECK_INT(keel_socket_give(keel_int(1), keel_self()), KEEL_E_BADARG);
    CHECK(keel_is_none(keel_socket_name(keel_int(1))));
    keel_socket_close(keel_int(1));
}
