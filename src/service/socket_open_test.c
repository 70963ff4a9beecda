// Opening: TCP, Unix, UDP.

#include "socket_testing.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

THREADS_TEST("names of both ends, deadlines, and nobody there")
{
    keel_term socket = KEEL_NONE;
    struct socket_pair pair = connected(NULL);
    CHECK_EQUAL(keel_socket_name(pair.near), keel_socket_peer(pair.far));
    CHECK_EQUAL(keel_socket_peer(pair.near), keel_socket_name(pair.listener));
    CHECK_INT(keel_socket_accept(pair.listener, KEEL_IN(KEEL_MS(10)), &socket),
            KEEL_E_TIMEOUT);
    int port;
    CHECK_TERM(keel_socket_name(pair.listener), "{<<\"127.0.0.1\">>, Port}", &port);
    close_pair(&pair);
    CHECK_INT(keel_socket_accept(pair.listener, SOON, &socket), KEEL_SOCKET_CLOSED);
    CHECK_INT(keel_tcp_listen(1, &(keel_socket_opts){.address = "no address"}, &socket),
            KEEL_E_BADARG);
    pair = (struct socket_pair){0};
    keel_flush();
    CHECK_INT(keel_tcp_connect("no.such.host.invalid", 1, NULL, SOON, &socket),
            KEEL_E_NOPROC);
    (void)port;
}

static void await_refusal(uint16_t port)
{
    keel_term socket = KEEL_NONE;
    keel_status status = KEEL_OK;
    while (status == KEEL_OK ||
            status == -ECONNRESET) { // the listener is closed when its last term has gone
        status = keel_tcp_connect("127.0.0.1", port, NULL, SOON, &socket);
        keel_socket_close(socket);
    }
    CHECK_INT(status, -ECONNREFUSED);
}

static void listen_and_end(keel_term parent)
{
    keel_term listener = KEEL_NONE;
    CHECK_OK(keel_tcp_listen(0, NULL, &listener));
    keel_send(keel_to_pid(parent), keel_socket_name(listener));
}

THREADS_TEST("a listener whose owner has ended refuses connections")
{
    int port;
    keel_spawn(listen_and_end, keel_from_pid(keel_self()));
    EXPECT_NEXT("{_, Port}", &port);
    await_refusal((uint16_t)port);
}

THREADS_TEST("a Unix socket at a path, and an abstract one")
{
    char folder[] = P_tmpdir "/keel-socket-XXXXXX";
    char path[80];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/socket", folder);
    for (int round = 0; round < 2; round++) {
        keel_term listener = KEEL_NONE;
        keel_term near = KEEL_NONE;
        keel_term far = KEEL_NONE;
        CHECK_OK(keel_unix_listen(path, NULL, &listener));
        CHECK_INT(keel_unix_listen(path, NULL, &near), -EADDRINUSE);
        CHECK_EQUAL(keel_socket_name(listener), keel_string(path));
        CHECK_OK(keel_unix_connect(path, NULL, &near));
        CHECK_OK(keel_socket_accept(listener, SOON, &far));
        send_text(near, "hello");
        CHECK_RECV(far, 0, "hello");
        keel_socket_close(near);
        keel_socket_close(far);
        keel_socket_close(listener);
        unlink(path);
        snprintf(path, sizeof path, "@keel-test-%d", (int)getpid());
    }
    CHECK_OK(rmdir(folder));
    keel_term socket = KEEL_NONE;
    CHECK_INT(keel_unix_connect("/nowhere/at/all", NULL, &socket), -ENOENT);
    CHECK_INT(keel_unix_listen("", NULL, &socket), KEEL_E_BADARG);
}

THREADS_TEST("datagrams are received one by one, with who sent them")
{
    keel_term one = KEEL_NONE;
    keel_term two = KEEL_NONE;
    keel_term got = KEEL_NONE;
    int from;
    int to;
    CHECK_OK(keel_udp_open(0, NULL, &one));
    CHECK_OK(keel_udp_open(0, NULL, &two));
    CHECK(keel_match(keel_socket_name(one), "{_, Port}", &from));
    CHECK(keel_match(keel_socket_name(two), "{_, Port}", &to));
    CHECK_OK(keel_udp_send(one, "127.0.0.1", (uint16_t)to, "first", 5, SOON));
    CHECK_OK(keel_udp_send(one, "127.0.0.1", (uint16_t)to, "", 0, SOON));
    CHECK_OK(keel_udp_recv(two, SOON, &got));
    CHECK_TERM(got, "{<<\"127.0.0.1\">>, ^From, <<\"first\">>}", from);
    CHECK_OK(keel_udp_recv(two, SOON, &got));
    CHECK_TERM(got, "{_, _, <<>>}");
    CHECK_INT(keel_udp_recv(two, KEEL_IN(KEEL_MS(5)), &got), KEEL_E_TIMEOUT);
    CHECK_OK(keel_socket_active(two, KEEL_ACTIVE));
    CHECK_OK(keel_udp_send(one, "127.0.0.1", (uint16_t)to, "active", 6, SOON));
    EXPECT_NEXT("{udp, ^Two, <<\"127.0.0.1\">>, ^From, <<\"active\">>}", two, from);
    CHECK_INT(keel_udp_send(one, "nowhere", 1, "x", 1, SOON), KEEL_E_BADARG);
    keel_socket_close(one);
    keel_socket_close(two);
    keel_flush();
}

THREADS_TEST("a descriptor from elsewhere becomes a socket")
{
    int ends[2];
    keel_term socket = KEEL_NONE;
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    CHECK_OK(keel_socket_from_fd(ends[0], NULL, &socket));
    CHECK_INT(write(ends[1], "hi", 2), 2);
    CHECK_RECV(socket, 0, "hi");
    keel_socket_close(socket);
    close(ends[1]);
    CHECK_INT(keel_socket_from_fd(-1, NULL, &socket), KEEL_E_BADARG);
    CHECK_INT(keel_socket_from_fd(1000000, NULL, &socket), -EBADF);
}

// The file of a Unix socket whose program has ended.
static void leave_file(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK_OK(bind(fd, (struct sockaddr *)&address, sizeof address));
    close(fd);
}

THREADS_TEST("a Unix listener takes a deserted file's place, never a living one's")
{
    char folder[] = P_tmpdir "/keel-socket-XXXXXX";
    char path[80];
    struct stat file;
    keel_term listener = KEEL_NONE, other = KEEL_NONE;
    keel_socket_opts opts = {.replace = true, .mode = 0640};
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/socket", folder);
    leave_file(path);
    CHECK_INT(keel_unix_listen(path, NULL, &listener), -EADDRINUSE);
    CHECK_OK(keel_unix_listen(path, &opts, &listener));
    CHECK(stat(path, &file) == 0 && (file.st_mode & 0777) == 0640);
    CHECK_INT(keel_unix_listen(path, &opts, &other), -EADDRINUSE);
    CHECK_OK(keel_unix_connect(path, NULL, &other)); // it still listens
    keel_socket_close(other);
    keel_socket_close(listener);
    CHECK_OK(unlink(path));
    // What is no socket stays.
    FILE *plain = fopen(path, "w");
    CHECK(plain != NULL);
    fclose(plain);
    CHECK_INT(keel_unix_listen(path, &opts, &listener), -EADDRINUSE);
    CHECK(stat(path, &file) == 0 && S_ISREG(file.st_mode));
    CHECK_OK(unlink(path));
    CHECK_OK(rmdir(folder));
    CHECK_INT(keel_unix_listen("@keel-test-mode", &opts, &listener), KEEL_E_BADARG);
    opts.mode = 010000;
    CHECK_INT(keel_unix_listen(path, &opts, &listener), KEEL_E_BADARG);
}
