// Reading and writing.

#include "socket_testing.h"

THREADS_TEST("a passive socket is read as the packet mode says")
{
    struct socket_pair pair = connected(NULL);
    send_text(pair.near, "abcdef");
    CHECK_RECV(pair.far, 4, "abcd");
    CHECK_RECV(pair.far, 0, "ef");
    CHECK_OK(keel_socket_packet(pair.near, KEEL_PACKET_2));
    CHECK_OK(keel_socket_packet(pair.far, KEEL_PACKET_2));
    send_text(pair.near, "one");
    send_text(pair.near, "");
    send_text(pair.near, "three");
    CHECK_RECV(pair.far, 0, "one");
    CHECK_RECV(pair.far, 0, "");
    CHECK_RECV(pair.far, 0, "three");
    CHECK_OK(keel_socket_packet(pair.far, KEEL_PACKET_RAW));
    send_text(pair.near, "x");
    keel_term data = KEEL_NONE;
    CHECK_OK(keel_socket_recv(pair.far, 3, SOON, &data));
    CHECK_TERM(data, "<<0, 1, $x>>");
    close_pair(&pair);
}

THREADS_TEST("a deadline loses nothing, and a last line needs no newline")
{
    keel_socket_opts lines = {.packet = KEEL_PACKET_LINE};
    struct socket_pair pair = connected(&lines);
    keel_term data = KEEL_NONE;
    send_text(pair.near, "par");
    CHECK_INT(keel_socket_recv(pair.far, 0, KEEL_IN(KEEL_MS(20)), &data), KEEL_E_TIMEOUT);
    send_text(pair.near, "t\nrest");
    CHECK_RECV(pair.far, 0, "part\n");
    CHECK_OK(keel_socket_shutdown(pair.near));
    CHECK_RECV(pair.far, 0, "rest");
    CHECK_INT(keel_socket_recv(pair.far, 0, SOON, &data), KEEL_SOCKET_CLOSED);
    send_text(pair.far, "still\n"); // only one direction is at its end
    CHECK_RECV(pair.near, 0, "still\n");
    close_pair(&pair);
}

enum { LARGE = 4 << 20 };

static void send_large(keel_term socket)
{
    char *data = keel_alloc(LARGE);
    for (size_t i = 0; i < LARGE; i++) {
        data[i] = (char)(i * 31 >> 3);
    }
    CHECK_OK(keel_socket_send(socket, data, LARGE, SOON));
}

THREADS_TEST("more than the system's buffers hold goes through, in order")
{
    keel_socket_opts opts = {.packet = KEEL_PACKET_4};
    struct socket_pair pair = connected(&opts);
    keel_spawn(send_large, pair.near);
    keel_term data = KEEL_NONE;
    CHECK_OK(keel_socket_recv(pair.far, 0, SOON, &data));
    keel_bytes bytes = keel_to_bytes(data);
    CHECK_INT(bytes.size, LARGE);
    for (size_t i = 0; i < LARGE; i++) {
        CHECK((char)bytes.data[i] == (char)(i * 31 >> 3));
    }
    close_pair(&pair);
}

enum { SENDERS = 8, EACH = 50 };

static void send_often(keel_term socket_and_letter)
{
    char text[300];
    memset(text, (int)keel_to_int(keel_element(socket_and_letter, 1)), sizeof text);
    for (int i = 0; i < EACH; i++) {
        CHECK_OK(keel_socket_send(
                keel_element(socket_and_letter, 0), text, sizeof text, SOON));
    }
}

THREADS_TEST("packets of several senders do not mix")
{
    keel_socket_opts opts = {.packet = KEEL_PACKET_2};
    struct socket_pair pair = connected(&opts);
    for (int i = 0; i < SENDERS; i++) {
        keel_spawn(send_often, keel_tuple_of(pair.near, keel_int('a' + i)));
    }
    for (int i = 0; i < SENDERS * EACH; i++) {
        keel_scope scope = keel_scope_open();
        keel_term data = KEEL_NONE;
        CHECK_OK(keel_socket_recv(pair.far, 0, SOON, &data));
        keel_bytes bytes = keel_to_bytes(data);
        CHECK_INT(bytes.size, 300);
        for (size_t j = 1; j < bytes.size; j++) {
            CHECK(bytes.data[j] == bytes.data[0]);
        }
        keel_scope_close(&scope);
    }
    close_pair(&pair);
}

THREADS_TEST("packets have a limit in both directions")
{
    keel_socket_opts opts = {.packet = KEEL_PACKET_1};
    char text[256] = "";
    struct socket_pair pair = connected(&opts);
    CHECK_INT(keel_socket_send(pair.near, text, sizeof text, SOON), KEEL_E_TOO_LARGE);
    close_pair(&pair);
    opts = (keel_socket_opts){.packet = KEEL_PACKET_LINE, .packet_bytes = 5};
    pair = connected(&opts);
    send_text(pair.near, "1234567\n");
    keel_term data = KEEL_NONE;
    CHECK_INT(keel_socket_recv(pair.far, 0, SOON, &data), KEEL_E_TOO_LARGE);
    close_pair(&pair);
}
