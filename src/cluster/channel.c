#include "channel.h"
#include "node.h"
#include <string.h>
#include <sys/socket.h>

enum { CIPHER_BYTES = 16 << 10, CHUNK_BYTES = 64 << 10 };

struct kl_channel {
    uint32_t refs; // atomic
    int fd;
    const struct keel_transport *transport; // NULL: none, and nothing below is used
    struct kl_lock lock; // guards the session
    struct kl_session *session;
    bool written; // by a writer of its own: the reader sends nothing any more; atomic
    uint8_t in[CIPHER_BYTES]; // the reader's
};

struct kl_channel *kl_channel_new(
        int fd, const struct keel_transport *transport, const char *host)
{
    size_t bytes = transport ? sizeof(struct kl_channel) : offsetof(struct kl_channel, in);
    struct kl_channel *channel = kl_alloc_zero(bytes);
    if (!channel) {
        return NULL;
    }
    channel->refs = 1;
    channel->fd = fd;
    channel->transport = transport;
    if (transport && transport->open(transport->context, host, &channel->session) != 0) {
        kl_free(channel, bytes);
        return NULL;
    }
    return channel;
}

struct kl_channel *kl_channel_ref(struct kl_channel *channel)
{
    kl_add_relaxed(&channel->refs, 1);
    return channel;
}

void kl_channel_unref(struct kl_channel *channel)
{
    if (!channel || kl_add_acq_rel(&channel->refs, (uint32_t)-1) != 1) {
        return;
    }
    if (channel->transport) {
        channel->transport->close(channel->session);
        kl_free(channel, sizeof *channel);
    } else {
        kl_free(channel, offsetof(struct kl_channel, in));
    }
}

// --- sending ---

// Moves at most CHUNK_BYTES of what the session has to say to `data`.
static size_t take_outgoing(struct kl_channel *channel, uint8_t *data)
{
    const uint8_t *said;
    kl_lock_take(&channel->lock);
    size_t size = channel->transport->outgoing(channel->session, &said);
    size = size < CHUNK_BYTES ? size : CHUNK_BYTES;
    if (size > 0) {
        memcpy(data, said, size);
    }
    channel->transport->sent(channel->session, size);
    kl_lock_give(&channel->lock);
    return size;
}

// Sends all that the session has to say. The buffer is the process's: if it is killed while
// it waits for the socket, the memory goes with it.
static keel_status send_outgoing(struct kl_channel *channel, int fd, keel_deadline deadline)
{
    uint8_t *data = keel_alloc(CHUNK_BYTES);
    keel_status status = KEEL_OK;
    while (status == KEEL_OK) {
        struct iovec piece = {data, take_outgoing(channel, data)};
        if (piece.iov_len == 0) {
            break;
        }
        status = kl_socket_write(fd, &piece, 1, deadline);
    }
    keel_free(data);
    return status;
}

static keel_status encrypt(struct kl_channel *channel, const struct iovec *piece)
{
    kl_lock_take(&channel->lock);
    keel_status status = channel->transport->write(channel->session, piece, 1);
    kl_lock_give(&channel->lock);
    return status;
}

// Collects small pieces: each that is encrypted alone costs a record of its own.
struct collector {
    uint8_t *data; // CHUNK_BYTES
    size_t size;
};

static keel_status send_collected(struct kl_channel *channel, int fd,
        struct collector *collector, keel_deadline deadline)
{
    struct iovec piece = {collector->data, collector->size};
    collector->size = 0;
    keel_status status = piece.iov_len > 0 ? encrypt(channel, &piece) : KEEL_OK;
    return status == KEEL_OK ? send_outgoing(channel, fd, deadline) : status;
}

static keel_status collect(struct kl_channel *channel, int fd, struct collector *collector,
        struct iovec piece, keel_deadline deadline)
{
    while (piece.iov_len > 0) {
        size_t room = CHUNK_BYTES - collector->size;
        size_t taken = piece.iov_len < room ? piece.iov_len : room;
        memcpy(collector->data + collector->size, piece.iov_base, taken);
        collector->size += taken;
        piece.iov_base = (uint8_t *)piece.iov_base + taken;
        piece.iov_len -= taken;
        if (collector->size == CHUNK_BYTES) {
            keel_status status = send_collected(channel, fd, collector, deadline);
            if (status != KEEL_OK) {
                return status;
            }
        }
    }
    return KEEL_OK;
}

keel_status kl_channel_write(struct kl_channel *channel, int fd, struct iovec *pieces,
        unsigned count, keel_deadline deadline)
{
    if (!channel->transport) {
        return kl_socket_write(fd, pieces, count, deadline);
    }
    if (fd != channel->fd) {
        kl_store_relaxed(&channel->written, true); // read by the reader, which may be late
    }
    struct collector collector = {.data = keel_alloc(CHUNK_BYTES)};
    keel_status status = KEEL_OK;
    for (unsigned i = 0; i < count && status == KEEL_OK; i++) {
        status = collect(channel, fd, &collector, pieces[i], deadline);
    }
    if (status == KEEL_OK) {
        status = send_collected(channel, fd, &collector, deadline);
    }
    keel_free(collector.data);
    return status;
}

// --- receiving ---

static keel_status decrypt(
        struct kl_channel *channel, void *data, size_t room, size_t *ret_size, bool *ended)
{
    kl_lock_take(&channel->lock);
    keel_status status = channel->transport->read(channel->session, data, room, ret_size);
    *ended = channel->transport->ended(channel->session);
    kl_lock_give(&channel->lock);
    return status;
}

static keel_status take_in(struct kl_channel *channel, size_t size, keel_deadline deadline)
{
    kl_lock_take(&channel->lock);
    keel_status status = channel->transport->receive(channel->session, channel->in, size);
    kl_lock_give(&channel->lock);
    // An alert is sent whoever the writer is: nothing can follow it.
    if (status != KEEL_OK || !kl_load_relaxed(&channel->written)) {
        keel_status sent = send_outgoing(channel, channel->fd, deadline);
        status = status != KEEL_OK ? status : sent;
    }
    return status;
}

keel_status kl_channel_read(struct kl_channel *channel, void *data, size_t room,
        keel_deadline deadline, size_t *ret_size)
{
    if (!channel->transport) {
        return kl_socket_read(channel->fd, data, room, deadline, ret_size);
    }
    keel_status status = kl_load_relaxed(&channel->written)
                                 ? KEEL_OK
                                 : send_outgoing(channel, channel->fd, deadline);
    bool ended = false;
    while (status == KEEL_OK) {
        size_t size = 0;
        *ret_size = 0;
        status = decrypt(channel, data, room, ret_size, &ended);
        if (status != KEEL_OK || *ret_size > 0 || ended) {
            return status;
        }
        status = kl_socket_read(channel->fd, channel->in, CIPHER_BYTES, deadline, &size);
        if (status == KEEL_OK && size == 0) {
            return KEEL_OK; // closed without a word, as the other side sees fit
        }
        if (status == KEEL_OK) {
            status = take_in(channel, size, deadline);
        }
    }
    return status;
}

// --- the end ---

void kl_channel_shut(struct kl_channel *channel)
{
    if (!channel || !channel->transport) {
        return;
    }
    const uint8_t *said;
    kl_lock_take(&channel->lock);
    channel->transport->shut(channel->session);
    size_t size = channel->transport->outgoing(channel->session, &said);
    if (size > 0 && !kl_load_relaxed(&channel->written)) {
        // If it does not go at once it does not go.
        ssize_t sent = send(channel->fd, said, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)sent;
    }
    kl_lock_give(&channel->lock);
}

const char *kl_channel_why(const struct kl_channel *channel)
{
    return channel && channel->transport ? channel->transport->why(channel->session) : "";
}
