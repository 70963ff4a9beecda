#ifndef KL_SERVICE_SOCKET_TESTING_H
#define KL_SERVICE_SOCKET_TESTING_H

// What the tests of sockets share. Sockets are the system's: these tests use threads.

#include "proc/proc_testing.h"
#include <keel/socket.h>
#include <string.h>

struct socket_pair {
    keel_term listener, near, far; // near connected, far accepted; both the caller's
};

// A connection over loopback.
static inline struct socket_pair connected(const keel_socket_opts *opts)
{
    struct socket_pair pair;
    int port;
    CHECK_OK(keel_tcp_listen(0, opts, &pair.listener));
    CHECK(keel_match(keel_socket_name(pair.listener), "{_, Port}", &port));
    CHECK_OK(keel_tcp_connect("127.0.0.1", (uint16_t)port, opts, SOON, &pair.near));
    CHECK_OK(keel_socket_accept(pair.listener, SOON, &pair.far));
    return pair;
}

static inline void send_text(keel_term socket, const char *text)
{
    CHECK_OK(keel_socket_send(socket, text, strlen(text), SOON));
}

static inline void close_pair(const struct socket_pair *pair)
{
    keel_socket_close(pair->near);
    keel_socket_close(pair->far);
    keel_socket_close(pair->listener);
}

#define CHECK_RECV(socket, size, text)                                                     \
    do {                                                                                   \
        keel_term data_ = KEEL_NONE;                                                       \
        CHECK_OK(keel_socket_recv((socket), (size), SOON, &data_));                        \
        CHECK_EQUAL(data_, keel_string(text));                                             \
    } while (0)

#endif // KL_SERVICE_SOCKET_TESTING_H
