// The process that writes what senders have encoded, many messages with one system call,
// and a tick when there was nothing to write for a while.

#include "connection.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECES = 128 }; // for one system call

// A hold on the socket and the channel of its own: the reader may end and close its ones
// at any time, before the writer has taken its first step too. So it is a resource, owned
// by the term that the writer starts with.
struct hold {
    int fd;
    struct kl_channel *channel;
};

static void let_go(void *pointer)
{
    struct hold *hold = pointer;
    kl_channel_unref(hold->channel);
    close(hold->fd);
    kl_free(hold, sizeof *hold);
}

// KEEL_NONE: no memory or no descriptor.
static keel_term hold_of(const struct kl_connection *connection)
{
    struct hold *hold = kl_alloc(sizeof *hold);
    if (hold == NULL) {
        return KEEL_NONE;
    }
    hold->fd = fcntl(connection->fd, F_DUPFD_CLOEXEC, 0);
    if (hold->fd < 0) {
        kl_free(hold, sizeof *hold);
        return KEEL_NONE;
    }
    hold->channel = kl_channel_ref(connection->channel);
    return keel_resource("connection", hold, let_go);
}

struct writer {
    const struct hold *hold; // of the argument, which lives as long as the process
    struct kl_peer *peer;
    uint64_t ticket;
    enum kl_frame_form form;
    uint64_t sequence;
    struct kl_out *batch; // being written
};

static void end(void *context)
{
    struct writer *writer = context;
    while (writer->batch != NULL) {
        struct kl_out *gone = writer->batch;
        writer->batch = gone->next;
        kl_out_free(gone);
    }
}

// Frames collected for one system call. What they point at lives until they are written.
struct bundle {
    struct iovec pieces[PIECES];
    uint8_t heads[PIECES][KL_FRAME_HEAD_MAX];
    unsigned count, frames;
};

static bool write_pieces(const struct writer *writer, struct iovec *pieces, unsigned count)
{
    return kl_channel_write(writer->hold->channel, writer->hold->fd, pieces, count,
                   KEEL_NEVER) == KEEL_OK;
}

static bool flush(struct writer *writer, struct bundle *bundle)
{
    unsigned count = bundle->count;
    bundle->count = bundle->frames = 0;
    return write_pieces(writer, bundle->pieces, count);
}

static bool add_message(
        struct writer *writer, struct bundle *bundle, const struct kl_out *out)
{
    struct kl_frame_writer frames;
    struct iovec control = {(uint8_t *)(uintptr_t)out->bytes, out->control_size};
    struct iovec payload = {
            (uint8_t *)(uintptr_t)out->bytes + out->control_size, out->payload_size};
    keel_status status = kl_frame_write(&frames, writer->form, ++writer->sequence, &control,
            out->payload_size > 0 ? &payload : NULL);
    if (status != KEEL_OK) {
        kl_log(KL_LOG_ERROR, "a message to %s cannot be sent: %s",
                keel_atom_name(writer->peer->name), keel_status_text(status));
        return true;
    }
    for (;;) {
        if (bundle->count + KL_FRAME_IOVECS > PIECES && !flush(writer, bundle)) {
            return false;
        }
        unsigned added = kl_frame_next(
                &frames, bundle->heads[bundle->frames], &bundle->pieces[bundle->count]);
        if (added == 0) {
            return true;
        }
        bundle->count += added;
        bundle->frames++;
    }
}

static bool write_batch(struct writer *writer, struct bundle *bundle)
{
    size_t bytes = 0;
    bundle->count = bundle->frames = 0;
    for (const struct kl_out *out = writer->batch; out != NULL; out = out->next) {
        bytes += kl_out_bytes(out);
        if (!add_message(writer, bundle, out)) {
            return false;
        }
    }
    if (bundle->count > 0 && !flush(writer, bundle)) {
        return false;
    }
    while (writer->batch != NULL) {
        struct kl_out *gone = writer->batch;
        writer->batch = gone->next;
        kl_out_free(gone);
    }
    kl_peer_written(writer->peer, writer->ticket, bytes);
    kl_add_relaxed(&kl_cluster.bytes_out, bytes);
    return true;
}

static bool write_tick(struct writer *writer)
{
    static uint8_t zeros[KL_FRAME_TICK_BYTES];
    struct iovec tick = {zeros, sizeof zeros};
    return write_pieces(writer, &tick, 1);
}

static void body(keel_term argument)
{
    int64_t index, ticket;
    uint64_t agreed;
    void *hold;
    if (!keel_match(argument, "{Index, Ticket, Agreed, Hold}", &index, &ticket, &agreed,
                &hold)) {
        return;
    }
    struct writer *writer = keel_alloc(sizeof *writer);
    struct bundle *bundle = keel_alloc(sizeof *bundle);
    *writer = (struct writer){
            .hold = hold,
            .peer = kl_peer_at((uint32_t)index),
            .ticket = (uint64_t)ticket,
            .form = kl_frame_form_of(agreed),
    };
    if (keel_defer(end, writer) != KEEL_OK) {
        return;
    }
    bool over = keel_receive_match(KEEL_NEVER, "go") != KEEL_OK;
    while (!over) {
        int64_t tick = keel_deadline_in(kl_cluster.tick_ns / 4).at;
        writer->batch = kl_peer_take(writer->peer, writer->ticket, tick, &over);
        bool written = over || (writer->batch != NULL ? write_batch(writer, bundle)
                                                      : write_tick(writer));
        if (!written) {
            shutdown(writer->hold->fd, SHUT_RDWR); // the reader notices
            return;
        }
    }
}

keel_pid kl_writer_start(const struct kl_connection *connection)
{
    keel_term hold = hold_of(connection);
    if (keel_is_none(hold)) {
        return (keel_pid){0};
    }
    return kl_connection_spawn(
            body, keel_make("{Index, Ticket, Agreed, Hold}", connection->peer->index,
                          connection->link.ticket, connection->link.agreed, hold));
}

void kl_writer_go(keel_pid writer)
{
    keel_send(writer, keel_atom(go));
}
