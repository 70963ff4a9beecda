#include "client.h"

#include <errno.h>
#include <keel/etf.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PACKET_BYTES = 16 << 20, PACKET_DEPTH = 32, LENGTH_BYTES = 4 };

static __attribute__((format(printf, 2, 3))) bool fail(
        struct kl_ctl_client *client, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(client->error, sizeof client->error, format, arguments);
    va_end(arguments);
    return false;
}

// --- connecting ---

static bool fail_to_connect(struct kl_ctl_client *client, int error)
{
    const char *path = client->path;
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return fail(client, "there is no control socket at %s", path);
    case ECONNREFUSED:
        return fail(client,
                "nobody answers at %s: the program that listened there has ended", path);
    case EACCES:
    case EPERM:
        return fail(client, "the control socket %s belongs to another user", path);
    default:
        return fail(client, "the control socket %s: %s", path, strerror(error));
    }
}

bool kl_ctl_client_open(struct kl_ctl_client *client, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred peer = {.pid = 0};
    socklen_t size = sizeof peer;
    client->path = path;
    client->fd = -1;
    // Decoding makes no atoms: these must be there.
    (void)keel_list_of(keel_atom(rows), keel_atom(done), keel_atom(error));
    if (strlen(path) >= sizeof address.sun_path) {
        return fail(client,
                "the path %s is longer than that of a socket can be (%zu bytes)", path,
                sizeof address.sun_path - 1);
    }
    memcpy(address.sun_path, path, strlen(path));
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0 ||
            connect(client->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        return fail_to_connect(client, errno);
    }
    if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) {
        client->os_pid = peer.pid;
    }
    return true;
}

static void leave_packet(struct kl_ctl_client *client)
{
    if (client->in_packet) {
        keel_scope_close(&client->scope);
        client->in_packet = false;
    }
}

void kl_ctl_client_close(struct kl_ctl_client *client)
{
    leave_packet(client);
    if (client->fd >= 0) {
        close(client->fd);
    }
    free(client->packet);
    client->packet = NULL;
    client->fd = -1;
}

// --- talking ---

// A program that has closed the connection may have said why before: what comes tells.
static void send_all(struct kl_ctl_client *client, const void *data, size_t size)
{
    const char *bytes = data;
    while (size > 0) {
        ssize_t sent = send(client->fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return;
        }
        bytes += sent > 0 ? sent : 0;
        size -= sent > 0 ? (size_t)sent : 0;
    }
}

static bool receive_all(struct kl_ctl_client *client, void *data, size_t size)
{
    char *bytes = data;
    while (size > 0) {
        struct pollfd fd = {client->fd, POLLIN, 0};
        int ready = poll(&fd, 1, client->timeout_ms);
        if (ready == 0) {
            return fail(client, "the program has not answered for %g s",
                    client->timeout_ms / 1000.0);
        }
        ssize_t got = ready > 0 ? recv(client->fd, bytes, size, 0) : -1;
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return fail(client, "the program has closed the connection");
        }
        bytes += got > 0 ? got : 0;
        size -= got > 0 ? (size_t)got : 0;
    }
    return true;
}

bool kl_ctl_client_ask(struct kl_ctl_client *client, const char *verb, keel_term arguments)
{
    keel_scope scope = keel_scope_open();
    keel_term packet = KEEL_NONE;
    keel_term request = keel_tuple_of(
            keel_atom(keel_control), keel_int(1), keel_string(verb), arguments);
    bool encoded = keel_etf_encode(request, NULL, &packet) == KEEL_OK;
    keel_bytes bytes = keel_to_bytes(packet);
    unsigned char length[LENGTH_BYTES];
    for (int i = 0; i < LENGTH_BYTES; i++) {
        length[i] = (unsigned char)(bytes.size >> (24 - 8 * i));
    }
    if (encoded) {
        send_all(client, length, sizeof length);
        send_all(client, bytes.data, bytes.size);
    }
    keel_scope_close(&scope);
    return encoded || fail(client, "the request cannot be sent");
}

static bool read_packet(struct kl_ctl_client *client, size_t *ret_size)
{
    unsigned char length[LENGTH_BYTES];
    if (!receive_all(client, length, sizeof length)) {
        return false;
    }
    size_t size = 0;
    for (int i = 0; i < LENGTH_BYTES; i++) {
        size = size << 8 | length[i];
    }
    if (size > PACKET_BYTES) {
        return fail(client, "what answers at %s is no control socket", client->path);
    }
    if (size > client->packet_size) {
        char *packet = realloc(client->packet, size);
        if (packet == NULL) {
            return fail(client, "memory is exhausted");
        }
        client->packet = packet;
        client->packet_size = size;
    }
    *ret_size = size;
    return receive_all(client, client->packet, size);
}

// Reads a packet: rows, or the end of the answer.
static enum kl_ctl_more read_answer(struct kl_ctl_client *client)
{
    static const keel_etf_limits limits = {.max_bytes = PACKET_BYTES,
            .max_depth = PACKET_DEPTH,
            .max_words = PACKET_BYTES,
            .existing_atoms_only = true};
    keel_term answer = KEEL_NONE;
    size_t size = 0;
    leave_packet(client);
    if (!read_packet(client, &size)) {
        return KL_CTL_FAILED;
    }
    client->scope = keel_scope_open();
    client->in_packet = true;
    keel_status status = keel_etf_decode(client->packet, size, &limits, NULL, &answer);
    if (status == KEEL_OK && keel_is(answer, done)) {
        return KL_CTL_DONE;
    }
    keel_term what = keel_element(answer, 0), rest = keel_element(answer, 1);
    if (status == KEEL_OK && keel_tuple_size(answer) == 2 && keel_is(what, rows)) {
        client->rows = rest;
        return KL_CTL_ROW;
    }
    if (status == KEEL_OK && keel_tuple_size(answer) == 2 && keel_is(what, error)) {
        keel_bytes text = keel_to_bytes(rest);
        fail(client, "%.*s", text.size < 1000 ? (int)text.size : 1000,
                (const char *)text.data);
        return KL_CTL_FAILED;
    }
    fail(client, "what answers at %s is no control socket", client->path);
    return KL_CTL_FAILED;
}

enum kl_ctl_more kl_ctl_client_next(struct kl_ctl_client *client, keel_term *ret_row)
{
    for (;;) {
        keel_term row;
        while (client->in_packet && keel_list_next(&client->rows, &row)) {
            if (keel_is_map(row)) { // what else it says is for another release
                *ret_row = row;
                return KL_CTL_ROW;
            }
        }
        enum kl_ctl_more more = read_answer(client);
        if (more != KL_CTL_ROW) {
            client->rows = keel_nil();
            return more;
        }
    }
}

// A descriptor that is readable when the program has ended; -1: the kernel has none.
static int open_process(int os_pid)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, os_pid, 0);
#else
    (void)os_pid;
    return -1;
#endif
}

bool kl_ctl_client_await_end(struct kl_ctl_client *client, int milliseconds)
{
    // Its own descriptor is certain; without one the end of the connection must do.
    int process = open_process(client->os_pid);
    if (process < 0 && errno == ESRCH) {
        return true;
    }
    struct pollfd fd = {process >= 0 ? process : client->fd, POLLIN, 0};
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    bool ended = false;
    int left = milliseconds;
    while (!ended && left >= 0) {
        ended = poll(&fd, 1, left) > 0;
        clock_gettime(CLOCK_MONOTONIC, &now);
        left = milliseconds -
               (int)((now.tv_sec - start.tv_sec) * 1000 +
                       (now.tv_nsec - start.tv_nsec) / 1000000) -
               1;
    }
    if (process >= 0) {
        close(process);
    }
    return ended;
}

// --- maps ---

keel_term kl_ctl_map(void)
{
    return keel_map(NULL, NULL, 0);
}

keel_term kl_ctl_map_put(keel_term map, const char *key, keel_term value)
{
    return keel_map_put(map, keel_string(key), value);
}

keel_term kl_ctl_get(keel_term row, const char *key)
{
    return keel_map_get(row, keel_string(key));
}

uint64_t kl_ctl_get_number(keel_term row, const char *key)
{
    uint64_t number = 0;
    return keel_get_uint(kl_ctl_get(row, key), &number) ? number : 0;
}

keel_bytes kl_ctl_get_text(keel_term row, const char *key)
{
    return keel_to_bytes(kl_ctl_get(row, key));
}
