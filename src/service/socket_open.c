// Opening sockets: listening, accepting, connecting, datagrams.

#include "socket.h"
#include <errno.h>
#include <keel/io.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 1024, DATAGRAM_MAX = 65536, FLAGS = SOCK_CLOEXEC | SOCK_NONBLOCK };

static const keel_socket_opts defaults;

static const keel_socket_opts *some(const keel_socket_opts *opts)
{
    return opts != NULL ? opts : &defaults;
}

// A bound socket, or -errno.
static int open_bound(const struct kl_address *address, int type)
{
    int on = 1;
    int fd = socket(address->as.any.sa_family, type | FLAGS, 0);
    if (fd < 0) {
        return -errno;
    }
    if (type == SOCK_STREAM && address->as.any.sa_family != AF_UNIX) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (bind(fd, &address->as.any, address->length) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

static keel_status listen_on(int fd, const keel_socket_opts *opts, keel_term *ret_socket)
{
    if (listen(fd, opts->backlog != 0 ? (int)opts->backlog : BACKLOG) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return kl_inet_new(fd, KL_LISTENER, opts, ret_socket);
}

keel_status keel_tcp_listen(
        uint16_t port, const keel_socket_opts *opts, keel_term *ret_socket)
{
    struct kl_address address;
    opts = some(opts);
    if (ret_socket == NULL || !kl_address_numeric(&address, opts->address, port)) {
        return KEEL_E_BADARG;
    }
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    int fd = open_bound(&address, SOCK_STREAM);
    return fd < 0 ? fd : listen_on(fd, opts, ret_socket);
}

// True when a socket's file lies there and nobody listens at it: its program has ended
// without removing it. Whoever listens is connected to for a moment.
static bool is_deserted(const char *path, const struct kl_address *address)
{
    struct stat file;
    if (lstat(path, &file) != 0 || !S_ISSOCK(file.st_mode)) {
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | FLAGS, 0);
    bool refused = fd >= 0 && connect(fd, &address->as.any, address->length) != 0 &&
                   errno == ECONNREFUSED;
    if (fd >= 0) {
        close(fd);
    }
    return refused;
}

keel_status keel_unix_listen(
        const char *path, const keel_socket_opts *opts, keel_term *ret_socket)
{
    struct kl_address address;
    opts = some(opts);
    if (ret_socket == NULL || !kl_address_path(&address, path) || opts->mode > 07777 ||
            (path[0] == '@' && opts->mode != 0)) {
        return KEEL_E_BADARG;
    }
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    int fd = open_bound(&address, SOCK_STREAM);
    if (fd == -EADDRINUSE && opts->replace && is_deserted(path, &address) &&
            unlink(path) == 0) {
        fd = open_bound(&address, SOCK_STREAM);
    }
    if (fd < 0) {
        return fd;
    }
    // Before it listens: whoever came in between would be refused.
    if (opts->mode != 0 && chmod(path, opts->mode) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return listen_on(fd, opts, ret_socket);
}

keel_status keel_socket_from_fd(int fd, const keel_socket_opts *opts, keel_term *ret_socket)
{
    int listening = 0;
    socklen_t length = sizeof listening;
    if (ret_socket == NULL || fd < 0) {
        return KEEL_E_BADARG;
    }
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0) {
        return -errno;
    }
    return kl_inet_new(fd, listening ? KL_LISTENER : KL_STREAM, some(opts), ret_socket);
}

// Keel writes packets whole: waiting for more only makes them late.
static void no_delay(int fd, const keel_socket_opts *opts)
{
    int on = opts->delay ? 0 : 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // fails for Unix sockets
}

keel_status keel_socket_accept(
        keel_term listener, keel_deadline deadline, keel_term *ret_socket)
{
    struct kl_socket *socket = kl_inet_of(listener);
    if (socket == NULL || socket->kind != KL_LISTENER || ret_socket == NULL) {
        return KEEL_E_BADARG;
    }
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    for (;;) {
        if (kl_inet_is_closed(socket)) {
            return KEEL_SOCKET_CLOSED;
        }
        int fd = accept4(socket->fd, NULL, NULL, FLAGS);
        if (fd >= 0) {
            no_delay(fd, &socket->opts);
            return kl_inet_new(fd, KL_STREAM, &socket->opts, ret_socket);
        }
        if (errno == EAGAIN) {
            keel_status status = keel_wait_fd(socket->fd, KEEL_READABLE, deadline, NULL);
            if (status != KEEL_OK) {
                return status;
            }
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return kl_inet_is_closed(socket) ? KEEL_SOCKET_CLOSED : -errno;
        }
    }
}

// --- connecting ---

static keel_status await_connection(int fd, keel_deadline deadline)
{
    int error = 0;
    socklen_t length = sizeof error;
    keel_status status = keel_wait_fd(fd, KEEL_WRITABLE, deadline, NULL);
    if (status == KEEL_OK && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) {
        error = errno;
    }
    return status != KEEL_OK ? status : -error;
}

static keel_status connect_to(const struct kl_address *address,
        const keel_socket_opts *opts, keel_deadline deadline, keel_term *ret_socket)
{
    int fd = socket(address->as.any.sa_family, SOCK_STREAM | FLAGS, 0);
    if (fd < 0) {
        return -errno;
    }
    keel_status status = KEEL_OK;
    struct kl_address from;
    bool bound = opts->address != NULL && address->as.any.sa_family != AF_UNIX;
    if (bound && (!kl_address_numeric(&from, opts->address, 0) ||
                         bind(fd, &from.as.any, from.length) != 0)) {
        status = -EADDRNOTAVAIL;
    } else if (connect(fd, &address->as.any, address->length) != 0) {
        status = errno == EINPROGRESS ? await_connection(fd, deadline) : -errno;
    }
    if (status != KEEL_OK) {
        close(fd);
        return status;
    }
    no_delay(fd, opts);
    return kl_inet_new(fd, KL_STREAM, opts, ret_socket);
}

keel_status keel_tcp_connect(const char *host, uint16_t port, const keel_socket_opts *opts,
        keel_deadline deadline, keel_term *ret_socket)
{
    keel_term addresses = KEEL_NONE;
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    if (ret_socket == NULL) {
        return KEEL_E_BADARG;
    }
    keel_status status = keel_resolve(host, deadline, &addresses);
    keel_term each;
    bool connected = false;
    while (!connected && status != KEEL_E_TIMEOUT && keel_list_next(&addresses, &each)) {
        char text[64];
        struct kl_address address;
        keel_bytes bytes = keel_to_bytes(each);
        size_t size = bytes.size < sizeof text ? bytes.size : sizeof text - 1;
        memcpy(text, bytes.data, size);
        text[size] = '\0';
        if (kl_address_numeric(&address, text, port)) {
            status = connect_to(&address, some(opts), deadline, ret_socket);
            connected = status == KEEL_OK;
        }
    }
    return status;
}

keel_status keel_unix_connect(
        const char *path, const keel_socket_opts *opts, keel_term *ret_socket)
{
    struct kl_address address;
    if (ret_socket == NULL || !kl_address_path(&address, path)) {
        return KEEL_E_BADARG;
    }
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    return connect_to(&address, some(opts), KEEL_NEVER, ret_socket);
}

// --- datagrams ---

keel_status keel_udp_open(
        uint16_t port, const keel_socket_opts *opts, keel_term *ret_socket)
{
    struct kl_address address;
    opts = some(opts);
    if (ret_socket == NULL || !kl_address_numeric(&address, opts->address, port)) {
        return KEEL_E_BADARG;
    }
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    int fd = open_bound(&address, SOCK_DGRAM);
    return fd < 0 ? fd : kl_inet_new(fd, KL_DATAGRAM, opts, ret_socket);
}

keel_status keel_udp_send(keel_term term, const char *address, uint16_t port,
        const void *data, size_t size, keel_deadline deadline)
{
    struct kl_socket *socket = kl_inet_of(term);
    struct kl_address to;
    if (socket == NULL || socket->kind != KL_DATAGRAM || (data == NULL && size > 0) ||
            !kl_address_numeric(&to, address, port)) {
        return KEEL_E_BADARG;
    }
    while (sendto(socket->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT, &to.as.any,
                   to.length) < 0) {
        if (kl_inet_is_closed(socket)) {
            return KEEL_SOCKET_CLOSED;
        }
        if (errno != EAGAIN) {
            return -errno;
        }
        keel_status status = keel_wait_fd(socket->fd, KEEL_WRITABLE, deadline, NULL);
        if (status != KEEL_OK) {
            return status;
        }
    }
    return KEEL_OK;
}

keel_status keel_udp_recv(keel_term term, keel_deadline deadline, keel_term *ret_datagram)
{
    struct kl_socket *socket = kl_inet_of(term);
    if (socket == NULL || socket->kind != KL_DATAGRAM || ret_datagram == NULL) {
        return KEEL_E_BADARG;
    }
    char *data = keel_alloc(DATAGRAM_MAX);
    keel_status status = data != NULL ? KEEL_OK : KEEL_E_NOMEM;
    while (status == KEEL_OK) {
        struct kl_address from = {.length = sizeof from.as};
        ssize_t got = recvfrom(
                socket->fd, data, DATAGRAM_MAX, MSG_DONTWAIT, &from.as.any, &from.length);
        if (kl_inet_is_closed(socket)) {
            status = KEEL_SOCKET_CLOSED;
        } else if (got >= 0) {
            keel_term who = kl_address_term(&from);
            *ret_datagram = keel_tuple_of(keel_element(who, 0), keel_element(who, 1),
                    keel_binary(data, (size_t)got));
            break;
        } else if (errno == EAGAIN) {
            status = keel_wait_fd(socket->fd, KEEL_READABLE, deadline, NULL);
        } else if (errno != EINTR && errno != ECONNREFUSED) {
            status = -errno;
        }
    }
    keel_free(data);
    return status;
}
