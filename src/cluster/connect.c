// The handshake, both roles: from a descriptor to a connection with a known peer.

#include "connection.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

// An attempt of ours that was overtaken must not get so far that the other side thinks it
// connected.
static bool is_given_up(const struct kl_connection *connection)
{
    return connection->peer != NULL &&
           !kl_peer_has_ticket(connection->peer, connection->link.ticket);
}

// Drives the machine until it wants a decision or is over.
static enum kl_handshake_event drive(struct kl_connection *connection,
        enum kl_handshake_event event, keel_deadline deadline)
{
    struct kl_handshake *handshake = &connection->handshake;
    for (;;) {
        if (event == KL_HANDSHAKE_MORE && is_given_up(connection)) {
            return KL_HANDSHAKE_REFUSED;
        }
        const uint8_t *words;
        size_t size = kl_handshake_output(handshake, &words);
        struct iovec piece = {(uint8_t *)(uintptr_t)words, size};
        if (size > 0 && kl_channel_write(connection->channel, connection->fd, &piece, 1,
                                deadline) != KEEL_OK) {
            return KL_HANDSHAKE_REFUSED;
        }
        if (event != KL_HANDSHAKE_MORE) {
            return event;
        }
        if (connection->start == connection->end &&
                kl_connection_read(connection, deadline) != KEEL_OK) {
            return KL_HANDSHAKE_REFUSED;
        }
        size_t used = 0;
        event = kl_handshake_feed(handshake, connection->buffer + connection->start,
                connection->end - connection->start, &used);
        connection->start += used;
    }
}

static void report_refusal(const struct kl_connection *connection, const char *whom)
{
    const struct kl_handshake *handshake = &connection->handshake;
    if (handshake->refusal == KL_REFUSAL_BUSY || handshake->refusal == KL_REFUSAL_ALIVE) {
        return; // two that connect to each other at the same time: one is given up
    }
    const char *why = kl_channel_why(connection->channel);
    if (why[0] == 0) {
        why = handshake->why[0] != 0 ? handshake->why : "it was broken off";
    }
    kl_log(KL_LOG_WARNING, "no connection %s: %s", whom, why);
}

// Opens the channel; `peer` is whom we have dialled, NULL: nobody. A certificate names the
// host that stands in the node's name, wherever that was found.
static bool open_channel(struct kl_connection *connection, const char *peer)
{
    const char *host = peer != NULL ? strchr(peer, '@') + 1 : NULL;
    connection->channel = kl_channel_new(connection->fd, kl_cluster.transport, host);
    return connection->channel != NULL;
}

static unsigned length_bytes(void)
{
    return kl_cluster.transport != NULL ? kl_cluster.transport->length_bytes : 2;
}

static void note_link(struct kl_connection *connection)
{
    const struct kl_handshake_peer *peer = &connection->handshake.peer;
    connection->link.agreed = peer->agreed;
    connection->link.creation = peer->creation;
    connection->link.hidden = (peer->flags & KL_FLAG_PUBLISHED) == 0;
}

// --- we dial ---

static bool dial(struct kl_connection *connection, keel_deadline deadline)
{
    char host[KL_NODE_NAME_MAX + 1], cookie[KL_COOKIE_MAX + 1];
    uint16_t port;
    struct kl_peer *peer = connection->peer;
    if (!kl_cluster_allows(keel_atom_name(peer->name))) {
        return false; // whoever asked for it hears that it is down
    }
    if (kl_locate(peer, deadline, host, sizeof host, &port) != KEEL_OK) {
        return false;
    }
    connection->fd = kl_socket_connect(host, port, deadline);
    if (connection->fd < 0) {
        connection->fd = -1;
        return false;
    }
    if (!open_channel(connection, keel_atom_name(peer->name))) {
        return false;
    }
    kl_cookie_for(peer, cookie);
    kl_handshake_init(&connection->handshake,
            &(struct kl_handshake_opts){
                    .own_name = kl_cluster.name,
                    .creation = kl_cluster.creation,
                    .flags = kl_dist_flags_offered(kl_cluster.visible),
                    .challenge = (uint32_t)kl_clock_entropy(),
                    .length_bytes = length_bytes(),
                    .peer_name = keel_atom_name(peer->name),
                    .cookie = cookie,
            });
    explicit_bzero(cookie, sizeof cookie);
    enum kl_handshake_event event = drive(connection, KL_HANDSHAKE_MORE, deadline);
    if (event == KL_HANDSHAKE_ALIVE) {
        // There was none here, or we would not have dialled: it holds on to one that is
        // lost. Unless it has dialled us meanwhile.
        bool replace = !is_given_up(connection);
        event = drive(connection, kl_handshake_proceed(&connection->handshake, replace),
                deadline);
    }
    if (event != KL_HANDSHAKE_DONE && !is_given_up(connection)) {
        report_refusal(connection, "to the other node");
    }
    return event == KL_HANDSHAKE_DONE;
}

void kl_dial_body(keel_term index_and_ticket)
{
    int64_t index;
    uint64_t ticket;
    struct kl_connection *connection = kl_connection_new(-1);
    if (connection == NULL ||
            !keel_match(index_and_ticket, "{Index, Ticket}", &index, &ticket)) {
        return;
    }
    connection->peer = kl_peer_at((uint32_t)index);
    connection->link.ticket = ticket;
    keel_deadline deadline = keel_deadline_in(kl_cluster.setup_ns);
    if (dial(connection, deadline)) {
        note_link(connection);
        kl_connection_run(connection);
    } else if (connection->handshake.refusal == KL_REFUSAL_BUSY) {
        // The other side dials us, and that attempt goes on: what waits here waits for it.
        kl_peer_await_overtaken(connection->peer, ticket, deadline.at);
    }
}

void kl_dial_start(struct kl_peer *peer, uint64_t ticket)
{
    keel_scope scope = keel_scope_open();
    keel_gen_cast(keel_from_pid(kl_cluster.kernel),
            keel_make("{dial, Index, Ticket}", peer->index, ticket));
    keel_scope_close(&scope);
}

// --- we are dialled ---

// Who says to be there: a peer that is known already, or NULL. No atom is made for a name
// whose bearer has proved nothing yet.
static struct kl_peer *known_peer(const char *name)
{
    keel_term atom;
    return keel_atom_existing(name, strlen(name), &atom) == KEEL_OK ? kl_peer_known(atom)
                                                                    : NULL;
}

static enum kl_handshake_event answer_name(struct kl_connection *connection)
{
    struct kl_handshake *handshake = &connection->handshake;
    connection->caller.name = handshake->peer.name;
    connection->caller.ticket = connection->link.ticket;
    enum kl_handshake_status status = kl_cluster_allows(handshake->peer.name)
                                              ? kl_caller_answer(&connection->caller)
                                              : KL_STATUS_NOT_ALLOWED;
    char cookie[KL_COOKIE_MAX + 1];
    kl_cookie_for(known_peer(handshake->peer.name), cookie);
    enum kl_handshake_event event = kl_handshake_answer(handshake, status, cookie);
    explicit_bzero(cookie, sizeof cookie);
    return event;
}

static bool greet(struct kl_connection *connection)
{
    keel_deadline deadline = keel_deadline_in(kl_cluster.setup_ns);
    if (!open_channel(connection, NULL)) {
        return false;
    }
    kl_handshake_init(&connection->handshake,
            &(struct kl_handshake_opts){
                    .own_name = kl_cluster.name,
                    .creation = kl_cluster.creation,
                    .flags = kl_dist_flags_offered(kl_cluster.visible),
                    .challenge = (uint32_t)kl_clock_entropy(),
                    .length_bytes = length_bytes(),
            });
    enum kl_handshake_event event = drive(connection, KL_HANDSHAKE_MORE, deadline);
    if (event == KL_HANDSHAKE_NAME) {
        event = drive(connection, answer_name(connection), deadline);
    }
    if (event != KL_HANDSHAKE_DONE) {
        report_refusal(connection, "from another node");
    }
    return event == KL_HANDSHAKE_DONE;
}

// The peer knows better whether the connection that we still have is any good.
static void replace(struct kl_peer *peer)
{
    keel_pid reader = kl_peer_reader(peer);
    if (reader.word == 0) {
        return;
    }
    keel_ref monitor = keel_monitor(reader);
    keel_process_exit(reader, keel_atom(kill));
    keel_status status = keel_receive_match(
            keel_deadline_in(kl_cluster.setup_ns), "{'DOWN', ^Ref, _, _, _}", monitor);
    (void)status; // it is still there: then this connection is not taken
}

static bool claim(struct kl_connection *connection)
{
    keel_term name;
    const char *text = connection->handshake.peer.name;
    if (keel_atom_from(text, strlen(text), &name) != KEEL_OK) {
        return false;
    }
    struct kl_peer *peer = kl_peer_of(name);
    if (peer == NULL) {
        return false;
    }
    replace(peer);
    kl_caller_proved(&connection->caller, peer);
    kl_peer_overtake(peer, connection->link.ticket);
    connection->peer = peer;
    return true;
}

void kl_greet_body(keel_term fd)
{
    struct kl_connection *connection = kl_connection_new((int)keel_to_int(fd));
    if (connection == NULL) {
        return;
    }
    connection->stranger = true;
    if (greet(connection) && claim(connection)) {
        connection->stranger = false;
        kl_add_relaxed(&kl_cluster.strangers, (uint32_t)-1);
        note_link(connection);
        kl_connection_run(connection);
    }
}
