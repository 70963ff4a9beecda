#include "connection.h"
#include <string.h>
#include <unistd.h>

enum { BUFFER_BYTES = 64 << 10 };

// The end, however it came. Everybody has been told what came from the peer; now they hear
// of its loss.
static void end(void *context)
{
    struct kl_connection *connection = context;
    if (connection->link.writer.word != 0) {
        keel_process_exit(connection->link.writer, keel_atom(kill));
    }
    kl_caller_failed(&connection->caller);
    if (connection->peer != NULL &&
            kl_peer_lost(connection->peer, connection->link.ticket)) {
        kl_watchers_tell(connection->peer, connection->link.hidden,
                connection->up ? KL_NODE_DOWN : KL_NODE_UNREACHABLE, connection->why);
        kl_peer_left(connection->peer);
    }
    kl_channel_shut(connection->channel);
    kl_channel_unref(connection->channel);
    if (connection->fd >= 0) {
        close(connection->fd);
    }
    if (connection->stranger) {
        kl_add_relaxed(&kl_cluster.strangers, (uint32_t)-1);
    }
    kl_handshake_done(&connection->handshake);
    kl_assembly_done(&connection->frames);
    kl_free(connection->buffer, connection->room);
}

keel_pid kl_connection_spawn(keel_body body, keel_term argument)
{
    // A transport's handshake takes more stack than ours.
    keel_spawn_opts opts = {
            .stack_bytes = kl_cluster.transport != NULL ? KL_CHANNEL_STACK : 0};
    keel_pid pid = {0};
    return keel_spawn_opt(body, argument, &opts, &pid, NULL) == KEEL_OK ? pid
                                                                        : (keel_pid){0};
}

struct kl_connection *kl_connection_new(int fd)
{
    struct kl_connection *connection = keel_alloc(sizeof *connection);
    connection->fd = fd;
    connection->why = keel_atom(connection_closed);
    connection->link.ticket = kl_peer_ticket();
    if (keel_defer(end, connection) != KEEL_OK) {
        return NULL;
    }
    connection->buffer = kl_alloc(BUFFER_BYTES);
    if (connection->buffer == NULL) {
        return NULL;
    }
    connection->room = BUFFER_BYTES;
    return connection;
}

// Room for more bytes: what was used goes, and a frame that is larger than the buffer lets
// it grow as its bytes really come.
static keel_status make_room(struct kl_connection *connection)
{
    size_t held = connection->end - connection->start;
    if (held == 0) {
        connection->start = connection->end = 0;
        if (connection->room > 16 * BUFFER_BYTES) {
            uint8_t *less = kl_alloc(BUFFER_BYTES);
            if (less != NULL) {
                kl_free(connection->buffer, connection->room);
                connection->buffer = less;
                connection->room = BUFFER_BYTES;
            }
        }
    } else if (connection->end == connection->room && connection->start > 0) {
        memmove(connection->buffer, connection->buffer + connection->start, held);
        connection->start = 0;
        connection->end = held;
    } else if (connection->end == connection->room) {
        uint8_t *more = kl_realloc(
                connection->buffer, connection->room, connection->room * 2);
        if (more == NULL) {
            return KEEL_E_NOMEM;
        }
        connection->buffer = more;
        connection->room *= 2;
    }
    return KEEL_OK;
}

keel_status kl_connection_read(struct kl_connection *connection, keel_deadline deadline)
{
    size_t got = 0;
    keel_status status = make_room(connection);
    if (status == KEEL_OK) {
        status = kl_channel_read(connection->channel, connection->buffer + connection->end,
                connection->room - connection->end, deadline, &got);
    }
    if (status != KEEL_OK) {
        return status;
    }
    connection->end += got;
    connection->got = got;
    kl_add_relaxed(&kl_cluster.bytes_in, got);
    return got == 0 ? KEEL_E_CANCELED : KEEL_OK;
}

// --- frames ---

static bool refuse(struct kl_connection *connection, const char *why)
{
    kl_log(KL_LOG_WARNING, "%s breaks the protocol: %s; the connection is closed",
            keel_atom_name(connection->peer->name), why);
    connection->why = keel_atom(protocol_error);
    return false;
}

// The memory of a message that came in parts.
struct parts {
    void *block;
    size_t bytes;
};

static void let_go(void *context)
{
    struct parts *parts = context;
    kl_free(parts->block, parts->bytes);
    kl_free(parts, sizeof *parts);
}

// Such a message is long: its receiver, and what it makes of the message, may hold on to
// its memory, which is theirs from now on. False: no memory for that.
static bool share(struct kl_frame_message *message, struct kl_raw *payload)
{
    struct parts *parts = kl_alloc(sizeof *parts);
    if (parts == NULL) {
        return false;
    }
    *parts = (struct parts){message->block, message->block_bytes};
    message->block = NULL;
    // It grew in steps; what is left over need not be held on to.
    size_t before = (size_t)(payload->data - message->body), used = before + payload->size;
    uint8_t *trimmed = kl_realloc(parts->block, parts->bytes, used);
    if (trimmed != NULL) {
        *parts = (struct parts){trimmed, used};
    }
    payload->data = (uint8_t *)parts->block + before;
    payload->binary = keel_binary_share(payload->data, payload->size, let_go, parts);
    return !keel_is_none(payload->binary);
}

static bool take_message(struct kl_connection *connection, struct kl_frame_message *message)
{
    struct kl_control control;
    const char *why = "a control message that cannot be decoded";
    size_t used = 0;
    struct kl_raw payload = {0};
    keel_scope scope = keel_scope_open();
    bool done = kl_control_decode(message->body, message->size, connection->peer->name,
                        &kl_remote_limits, &control, &used, &why) == KEEL_OK;
    if (done && !kl_assembly_payload(
                        &connection->frames, message, used, &payload.data, &payload.size)) {
        why = "a payload in a form that was not agreed";
        done = false;
    }
    if (done && message->block != NULL && payload.size > 0 && !share(message, &payload)) {
        why = "no memory for its message";
        done = false;
    }
    done = done && kl_dispatch(kl_peer_connection(connection->peer), connection->peer,
                           &control, &payload, &why);
    keel_scope_close(&scope);
    return done || refuse(connection, why);
}

static bool take_frame(struct kl_connection *connection, const uint8_t *frame, size_t size)
{
    struct kl_frame_message message;
    switch (kl_assembly_read(&connection->frames, frame, size, &message)) {
    case KL_FRAME_TICK:
    case KL_FRAME_PART:
        return true;
    case KL_FRAME_BAD:
        return refuse(connection, connection->frames.why);
    case KL_FRAME_NOMEM:
        return refuse(connection, "no memory for its message");
    case KL_FRAME_MESSAGE:
        break;
    }
    connection->messages++;
    bool taken = take_message(connection, &message);
    kl_free(message.block, message.block_bytes);
    return taken;
}

// All frames that are there as a whole.
static bool take_frames(struct kl_connection *connection)
{
    for (;;) {
        const uint8_t *data = connection->buffer + connection->start;
        size_t size = connection->end - connection->start;
        uint32_t length;
        if (!kl_frame_length(data, size, &length)) {
            return true;
        }
        if (length > connection->frames.limits.frame_bytes) {
            return refuse(connection, "a frame over the limit");
        }
        if (size < 4 + (size_t)length) {
            return true;
        }
        if (!take_frame(connection, data + 4, length)) {
            return false;
        }
        connection->start += 4 + (size_t)length;
    }
}

// A peer that floods shares the worker with its receivers.
static void give_way(struct kl_connection *connection)
{
    // First they act, and then goes what they have answered: both before the system is
    // asked what else has come.
    keel_yield();
    keel_yield();
    bool gather = kl_pace_read(&connection->pace, kl_now(),
            kl_load_relaxed(&connection->peer->sent), connection->got,
            connection->messages);
    connection->messages = 0;
    // Who drives a virtual clock waits for the connection, not for time.
    if (gather && !kl_sim_running()) {
        keel_sleep(KL_PACE_GATHER_NS);
    }
}

void kl_connection_run(struct kl_connection *connection)
{
    struct kl_peer *peer = connection->peer;
    kl_assembly_init(&connection->frames, kl_frame_form_of(connection->link.agreed),
            &kl_cluster.limits);
    connection->link.reader = keel_self();
    connection->link.writer = kl_writer_start(connection);
    if (connection->link.writer.word == 0 || !kl_cluster_alive() ||
            !kl_peer_up(peer, &connection->link)) {
        return; // another connection was faster
    }
    connection->up = true;
    kl_peer_await_left(peer);
    kl_watchers_tell(peer, connection->link.hidden, KL_NODE_UP, KEEL_NONE);
    kl_writer_go(connection->link.writer);
    kl_release_ask(peer);
    while (take_frames(connection)) {
        give_way(connection);
        keel_status status = kl_connection_read(
                connection, keel_deadline_in(kl_cluster.tick_ns));
        if (status == KEEL_E_TIMEOUT) {
            kl_log(KL_LOG_WARNING, "%s is silent: the connection is closed",
                    keel_atom_name(peer->name));
            connection->why = keel_atom(net_tick_timeout);
        }
        if (status != KEEL_OK) {
            return;
        }
    }
}
