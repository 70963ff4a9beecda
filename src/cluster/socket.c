// Sockets for processes: nobody waits but the process that asks.

#include "node.h"
#include <arpa/inet.h>
#include <errno.h>
#include <keel/blocking.h>
#include <keel/io.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

// Fills in a numeric address; 0: it is none, else its length.
static socklen_t numeric(const char *host, uint16_t port, union address *ret)
{
    memset(ret, 0, sizeof *ret);
    if (inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1) {
        ret->v4.sin_family = AF_INET;
        ret->v4.sin_port = htons(port);
        return sizeof ret->v4;
    }
    if (inet_pton(AF_INET6, host, &ret->v6.sin6_addr) == 1) {
        ret->v6.sin6_family = AF_INET6;
        ret->v6.sin6_port = htons(port);
        return sizeof ret->v6;
    }
    return 0;
}

// A name being looked up on a thread that may block. It is shared by the process, which may
// be killed meanwhile, and the thread; the last one frees it.
struct lookup {
    uint32_t refs;
    char host[KL_NODE_NAME_MAX + 1];
    char numeric[64];
};

static void unref(void *context)
{
    struct lookup *lookup = context;
    if (kl_add_acq_rel(&lookup->refs, (uint32_t)-1) == 1) {
        kl_free(lookup, sizeof *lookup);
    }
}

static void look_up(void *context)
{
    struct lookup *lookup = context;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(lookup->host, NULL, &hints, &found) != 0) {
        return;
    }
    for (struct addrinfo *at = found; at != NULL; at = at->ai_next) {
        bool v4 = at->ai_family == AF_INET;
        if ((v4 || lookup->numeric[0] == 0) &&
                getnameinfo(at->ai_addr, at->ai_addrlen, lookup->numeric,
                        sizeof lookup->numeric, NULL, 0, NI_NUMERICHOST) == 0 &&
                v4) {
            break; // most nodes listen there
        }
    }
    freeaddrinfo(found);
}

static socklen_t resolve(
        const char *host, uint16_t port, keel_deadline deadline, union address *ret)
{
    socklen_t length = numeric(host, port, ret);
    if (length != 0 || strlen(host) > KL_NODE_NAME_MAX) {
        return length;
    }
    struct lookup *lookup = kl_alloc_zero(sizeof *lookup);
    if (lookup == NULL) {
        return 0;
    }
    lookup->refs = 2;
    memcpy(lookup->host, host, strlen(host) + 1);
    if (keel_defer(unref, lookup) != KEEL_OK) {
        kl_free(lookup, sizeof *lookup);
        return 0;
    }
    // Whatever becomes of the job, it calls unref.
    if (keel_blocking(look_up, lookup, unref, deadline) == KEEL_OK) {
        length = numeric(lookup->numeric, port, ret);
    }
    keel_undefer(unref, lookup);
    unref(lookup);
    return length;
}

static int finish_connecting(int fd, keel_deadline deadline)
{
    keel_status status = keel_wait_fd(fd, KEEL_WRITABLE, deadline, NULL);
    int error = ETIMEDOUT;
    socklen_t size = sizeof error;
    if (status == KEEL_OK && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    return error;
}

static void no_delay(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int kl_socket_connect(const char *host, uint16_t port, keel_deadline deadline)
{
    union address address;
    socklen_t length = resolve(host, port, deadline, &address);
    if (length == 0) {
        return -EHOSTUNREACH;
    }
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    no_delay(fd);
    int error = connect(fd, &address.any, length) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        error = finish_connecting(fd, deadline);
    }
    if (error != 0) {
        close(fd);
        return -error;
    }
    return fd;
}

int kl_socket_listen(const char *host, uint16_t *port)
{
    union address address;
    socklen_t length = numeric(host, *port, &address);
    if (length == 0) {
        return -EINVAL;
    }
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, &address.any, length) != 0 || listen(fd, 128) != 0 ||
            getsockname(fd, &address.any, &length) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    *port = ntohs(
            address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
    return fd;
}

int kl_socket_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    no_delay(fd);
    return fd;
}

static size_t write_some(int fd, const struct iovec *pieces, unsigned count, int *ret_error)
{
    struct msghdr message = {
            .msg_iov = (struct iovec *)(uintptr_t)pieces, .msg_iovlen = count};
    ssize_t written = sendmsg(fd, &message, MSG_NOSIGNAL);
    *ret_error = written < 0 ? errno : 0;
    return written < 0 ? 0 : (size_t)written;
}

keel_status kl_socket_write(
        int fd, struct iovec *pieces, unsigned count, keel_deadline deadline)
{
    while (count > 0) {
        int error;
        size_t written = write_some(fd, pieces, count, &error);
        while (count > 0 && written >= pieces->iov_len) {
            written -= pieces->iov_len;
            pieces++;
            count--;
        }
        if (count == 0) {
            break;
        }
        pieces->iov_base = (uint8_t *)pieces->iov_base + written;
        pieces->iov_len -= written;
        if (error == EINTR) {
            continue;
        }
        if (error != 0 && error != EAGAIN) {
            return -error;
        }
        keel_status status = keel_wait_fd(fd, KEEL_WRITABLE, deadline, NULL);
        if (status != KEEL_OK) {
            return status;
        }
    }
    return KEEL_OK;
}

keel_status kl_socket_read(
        int fd, void *data, size_t room, keel_deadline deadline, size_t *ret_size)
{
    for (;;) {
        ssize_t got = recv(fd, data, room, 0);
        if (got >= 0) {
            *ret_size = (size_t)got;
            return KEEL_OK;
        }
        if (errno != EAGAIN && errno != EINTR) {
            return -errno;
        }
        keel_status status = keel_wait_fd(fd, KEEL_READABLE, deadline, NULL);
        if (status != KEEL_OK) {
            return status;
        }
    }
}
