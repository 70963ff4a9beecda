// Reading and writing sockets, by the process that wants to.

#include "socket.h"
#include <errno.h>
#include <keel/io.h>
#include <string.h>
#include <sys/uio.h>

enum { PIECE = 16384 };

// --- taking turns ---

// A process that ended in the middle is no hindrance.
static bool take_turn(struct kl_socket *socket, keel_pid *turn)
{
    kl_lock_take(&socket->lock);
    keel_pid holder = *turn;
    kl_lock_give(&socket->lock);
    bool held = holder.word != 0 && holder.word != keel_self().word &&
                keel_process_alive(holder);
    if (held) {
        return false;
    }
    kl_lock_take(&socket->lock);
    bool taken = turn->word == holder.word;
    if (taken) {
        *turn = keel_self();
    }
    kl_lock_give(&socket->lock);
    return taken;
}

static void give_turn(struct kl_socket *socket, keel_pid *turn)
{
    kl_lock_take(&socket->lock);
    *turn = (keel_pid){0};
    kl_lock_give(&socket->lock);
}

bool kl_inet_begin_read(struct kl_socket *socket)
{
    return take_turn(socket, &socket->receiver);
}

void kl_inet_end_read(struct kl_socket *socket)
{
    give_turn(socket, &socket->receiver);
}

// --- reading ---

static bool make_room(struct kl_socket *socket, size_t whole)
{
    size_t size = whole > socket->used + PIECE ? whole : socket->used + PIECE;
    if (size > socket->size) {
        char *data = kl_realloc(socket->data, socket->size, size);
        if (data == NULL) {
            return false;
        }
        socket->data = data;
        socket->size = size;
    }
    return true;
}

// Reads what is there, or waits for it. `whole`: how much will be needed.
static keel_status fill(struct kl_socket *socket, size_t whole, keel_deadline deadline)
{
    if (!make_room(socket,
                whole < (size_t)1 << 20 ? whole : socket->used + ((size_t)1 << 20))) {
        return KEEL_E_NOMEM;
    }
    for (;;) {
        if (kl_inet_is_closed(socket)) {
            return KEEL_SOCKET_CLOSED;
        }
        ssize_t got = recv(socket->fd, socket->data + socket->used,
                socket->size - socket->used, MSG_DONTWAIT);
        if (got > 0) {
            socket->used += (size_t)got;
            return KEEL_OK;
        }
        if (got == 0) {
            socket->at_end = true;
            return KEEL_SOCKET_CLOSED;
        }
        if (errno != EAGAIN && errno != EINTR) {
            return -errno;
        }
        if (errno == EAGAIN) {
            keel_status status = keel_wait_fd(socket->fd, KEEL_READABLE, deadline, NULL);
            if (status != KEEL_OK) {
                return status;
            }
        }
    }
}

static keel_term take(struct kl_socket *socket, size_t offset, size_t size, size_t whole)
{
    keel_term data = keel_binary(socket->data + offset, size);
    memmove(socket->data, socket->data + whole, socket->used - whole);
    socket->used -= whole;
    if (socket->used == 0) { // an idle socket holds no buffer
        kl_free(socket->data, socket->size);
        socket->data = NULL;
        socket->size = 0;
    }
    return data;
}

keel_status kl_inet_read(struct kl_socket *socket, size_t wanted, keel_deadline deadline,
        keel_term *ret_data)
{
    for (;;) {
        size_t offset = 0;
        size_t size = 0;
        size_t whole = 0;
        keel_packet packet = (keel_packet)kl_load_relaxed(&socket->packet);
        switch (kl_packet_find(packet, socket->data, socket->used, wanted,
                socket->opts.packet_bytes, &offset, &size, &whole)) {
        case KL_PACKET_WHOLE:
            *ret_data = take(socket, offset, size, whole);
            return KEEL_OK;
        case KL_PACKET_TOO_LARGE:
            return KEEL_E_TOO_LARGE;
        default:
            break;
        }
        keel_status status = socket->at_end ? KEEL_SOCKET_CLOSED
                                            : fill(socket, whole, deadline);
        if (status == KEEL_SOCKET_CLOSED && socket->used > 0 && wanted == 0 &&
                packet == KEEL_PACKET_LINE) {
            *ret_data = take(socket, 0, socket->used, socket->used); // a last line
            return KEEL_OK;
        }
        if (status != KEEL_OK) {
            return status;
        }
    }
}

keel_status keel_socket_recv(
        keel_term term, size_t size, keel_deadline deadline, keel_term *ret_data)
{
    struct kl_socket *socket = kl_inet_of(term);
    if (socket == NULL || socket->kind != KL_STREAM || ret_data == NULL) {
        return KEEL_E_BADARG;
    }
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    if (kl_load_relaxed(&socket->active) != KEEL_PASSIVE || !kl_inet_begin_read(socket)) {
        return KEEL_E_REFUSED;
    }
    keel_status status = kl_inet_read(socket, size, deadline, ret_data);
    kl_inet_end_read(socket);
    return status;
}

// --- writing ---

// Writes both pieces; waits where the other side does not read.
static keel_status write_all(
        struct kl_socket *socket, struct iovec pieces[2], keel_deadline deadline)
{
    while (pieces[0].iov_len + pieces[1].iov_len > 0) {
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
        ssize_t sent = kl_inet_is_closed(socket)
                               ? -1
                               : sendmsg(socket->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (kl_inet_is_closed(socket) || (sent < 0 && errno == EPIPE)) {
            return KEEL_SOCKET_CLOSED;
        }
        if (sent < 0 && errno == EAGAIN) {
            keel_status status = keel_wait_fd(socket->fd, KEEL_WRITABLE, deadline, NULL);
            if (status != KEEL_OK) {
                return status;
            }
        } else if (sent < 0 && errno != EINTR) {
            return -errno;
        }
        for (int i = 0; i < 2 && sent > 0; i++) {
            size_t part = (size_t)sent < pieces[i].iov_len ? (size_t)sent
                                                           : pieces[i].iov_len;
            pieces[i].iov_base = (char *)pieces[i].iov_base + part;
            pieces[i].iov_len -= part;
            sent -= (ssize_t)part;
        }
    }
    return KEEL_OK;
}

keel_status keel_socket_send(
        keel_term term, const void *data, size_t size, keel_deadline deadline)
{
    struct kl_socket *socket = kl_inet_of(term);
    char header[4];
    if (socket == NULL || socket->kind != KL_STREAM || (data == NULL && size > 0)) {
        return KEEL_E_BADARG;
    }
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    int header_size = kl_packet_header(
            (keel_packet)kl_load_relaxed(&socket->packet), size, header);
    if (header_size < 0) {
        return KEEL_E_TOO_LARGE;
    }
    while (!take_turn(socket, &socket->sender)) { // another writes, and waits for the line
        if (keel_deadline_passed(deadline)) {
            return KEEL_E_TIMEOUT;
        }
        keel_sleep(KEEL_US(100));
    }
    struct iovec pieces[2] = {
            {header, (size_t)header_size}, {(void *)(uintptr_t)data, size}};
    keel_status status = write_all(socket, pieces, deadline);
    give_turn(socket, &socket->sender);
    return status;
}

// --- active sockets ---

static keel_status read_one(
        struct kl_socket *socket, keel_term term, keel_term *ret_message)
{
    keel_term data = KEEL_NONE;
    keel_status status;
    if (socket->kind == KL_DATAGRAM) {
        keel_term address = KEEL_NONE;
        keel_term port = KEEL_NONE;
        status = keel_udp_recv(term, KEEL_NEVER, &data);
        if (status == KEEL_OK &&
                keel_match(data, "{Address, Port, Data}", &address, &port, &data)) {
            *ret_message = keel_tuple_of(keel_atom(udp), term, address, port, data);
        }
        return status;
    }
    status = kl_inet_read(socket, 0, KEEL_NEVER, &data);
    if (status == KEEL_OK) {
        *ret_message = keel_tuple_of(keel_atom(tcp), term, data);
    }
    return status;
}

// Tells the owner of the end, unless that closed it.
static void tell_end(
        struct kl_socket *socket, keel_term term, keel_pid owner, keel_status status)
{
    if (!kl_inet_is_closed(socket)) {
        if (status != KEEL_SOCKET_CLOSED) {
            keel_send(owner, keel_tuple_of(keel_atom(tcp_error), term,
                                     keel_string(keel_status_text(status))));
        }
        keel_send(owner, keel_tuple_of(keel_atom(tcp_closed), term));
        keel_socket_close(term);
    }
}

void kl_inet_reader(keel_term plan)
{
    keel_term term = keel_element(plan, 0);
    keel_pid owner = keel_to_pid(keel_element(plan, 2));
    bool once = keel_to_bool(keel_element(plan, 3));
    struct kl_socket *socket = kl_inet_of(term);
    keel_status status = KEEL_OK;
    while (!kl_inet_begin_read(socket)) { // somebody is in a recv that began before
        keel_sleep(KEEL_MS(1));
    }
    while (status == KEEL_OK) {
        keel_scope scope = keel_scope_open();
        keel_term message = KEEL_NONE;
        status = read_one(socket, term, &message);
        if (status == KEEL_OK) {
            if (once) {
                kl_store_relaxed(&socket->active, KEEL_PASSIVE);
                kl_inet_end_read(socket);
            }
            keel_send(owner, message);
        }
        keel_scope_close(&scope);
        if (once && status == KEEL_OK) {
            return;
        }
    }
    kl_inet_end_read(socket);
    tell_end(socket, term, owner, status);
}
