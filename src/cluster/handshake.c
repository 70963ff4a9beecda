#include "handshake.h"
#include "flags.h"
#include "handshake_words.h"
#include "wire.h"
#include <stdarg.h>
#include <stdio.h>

enum state {
    // dialling
    AWAIT_STATUS,
    ASK_ALIVE, // the caller has to decide
    AWAIT_CHALLENGE,
    AWAIT_ACK,
    // accepting
    AWAIT_NAME,
    ASK_NAME, // the caller has to decide
    AWAIT_ALIVE,
    AWAIT_REPLY,
    OVER,
};

// Text of the status packet, by enum kl_handshake_status.
static const char *const statuses[] = {
        "ok", "ok_simultaneous", "nok", "not_allowed", "alive"};

struct packet {
    const uint8_t *at;
    size_t size;
};

static enum kl_handshake_event take_packet(struct kl_handshake *hs, struct packet packet);

// --- the machine ---

static enum kl_handshake_event move_on(
        struct kl_handshake *hs, enum state state, enum kl_handshake_event event)
{
    if (state == OVER) {
        kl_handshake_done(hs);
    }
    hs->state = state;
    hs->event = event;
    return event;
}

__attribute__((format(printf, 3, 4))) static enum kl_handshake_event refuse(
        struct kl_handshake *hs, enum kl_handshake_refusal refusal, const char *format, ...)
{
    hs->refusal = refusal;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(hs->why, sizeof hs->why, format, arguments);
    va_end(arguments);
    return move_on(hs, OVER, KL_HANDSHAKE_REFUSED);
}

static void set_cookie(struct kl_handshake *hs, const char *cookie)
{
    size_t size = strnlen(cookie, KL_COOKIE_MAX);
    memcpy(hs->cookie, cookie, size);
    hs->cookie[size] = 0;
}

void kl_handshake_init(struct kl_handshake *hs, const struct kl_handshake_opts *opts)
{
    memset(hs, 0, sizeof *hs);
    hs->opts = *opts;
    if (!opts->peer_name) {
        move_on(hs, AWAIT_NAME, KL_HANDSHAKE_MORE);
        return;
    }

    // Nothing of the caller's but its own name is looked at again.
    snprintf(hs->peer.name, sizeof hs->peer.name, "%s", opts->peer_name);
    set_cookie(hs, opts->cookie);
    hs->opts.cookie = hs->opts.peer_name = NULL;
    kl_handshake_put_name(hs, false);
    move_on(hs, AWAIT_STATUS, KL_HANDSHAKE_MORE);
}

// How many bytes of a packet, its length included, are still to come.
static bool find_wanted(const struct kl_handshake *hs, size_t *ret_wanted)
{
    size_t head = hs->opts.length_bytes;
    if (hs->in_size < head) {
        *ret_wanted = head - hs->in_size;
        return true;
    }
    size_t body = head == 4 ? kl_wire_get_32(hs->in) : kl_wire_get_16(hs->in);
    *ret_wanted = head + body - hs->in_size;
    return body <= KL_HANDSHAKE_PACKET_MAX;
}

enum kl_handshake_event kl_handshake_feed(
        struct kl_handshake *hs, const uint8_t *data, size_t size, size_t *ret_used)
{
    size_t used = 0, wanted;
    while (hs->event == KL_HANDSHAKE_MORE) {
        if (!find_wanted(hs, &wanted)) {
            refuse(hs, KL_REFUSAL_PROTOCOL, "the packet is too long for a handshake");
            break;
        }
        if (wanted == 0) {
            struct packet packet = {
                    hs->in + hs->opts.length_bytes, hs->in_size - hs->opts.length_bytes};
            hs->in_size = 0;
            take_packet(hs, packet);
            continue;
        }
        size_t taken = wanted < size - used ? wanted : size - used;
        if (taken == 0) {
            break;
        }
        memcpy(hs->in + hs->in_size, data + used, taken);
        hs->in_size = (uint16_t)(hs->in_size + taken);
        used += taken;
    }
    *ret_used = used;
    return hs->event;
}

size_t kl_handshake_output(struct kl_handshake *hs, const uint8_t **ret_data)
{
    size_t size = hs->out_size;
    *ret_data = hs->out;
    hs->out_size = 0;
    return size;
}

void kl_handshake_done(struct kl_handshake *hs)
{
    explicit_bzero(hs->cookie, sizeof hs->cookie);
}

// --- words: what comes ---

static bool says(struct packet packet, const char *status)
{
    size_t size = strlen(status);
    return packet.size == 1 + size && packet.at[0] == KL_WORD_STATUS &&
           memcmp(packet.at + 1, status, size) == 0;
}

// What both kinds of name packets have; `at` is where creation, size and name lie.
static enum kl_handshake_event take_peer(
        struct kl_handshake *hs, struct packet packet, size_t at, struct packet *ret_name)
{
    if (packet.size > 0 && packet.at[0] == KL_WORD_OLD_NAME) {
        return refuse(hs, KL_REFUSAL_PROTOCOL,
                "the peer speaks the handshake of OTP 22 and older");
    }
    if (packet.size < at + 6 || packet.at[0] != KL_WORD_NAME) {
        return refuse(hs, KL_REFUSAL_PROTOCOL, "where a name was due came something else");
    }
    size_t size = kl_wire_get_16(packet.at + at + 4);
    if (packet.size - at - 6 < size) {
        return refuse(hs, KL_REFUSAL_PROTOCOL, "the name is longer than its packet");
    }
    *ret_name = (struct packet){packet.at + at + 6, size};
    hs->peer.flags = kl_dist_flags_expanded(kl_wire_get_64(packet.at + 1));
    hs->peer.agreed = kl_dist_flags_agreed(hs->opts.flags, hs->peer.flags);
    hs->peer.creation = kl_wire_get_32(packet.at + at);
    return KL_HANDSHAKE_MORE;
}

static enum kl_handshake_event refuse_flags(struct kl_handshake *hs)
{
    char names[120];
    kl_dist_flags_text(kl_dist_flags_missing(hs->peer.flags), names, sizeof names);
    return refuse(hs, KL_REFUSAL_FLAGS, "%.60s cannot do what is demanded of a peer: %s",
            hs->peer.name, names);
}

// --- dialling ---

static enum kl_handshake_event take_status(struct kl_handshake *hs, struct packet packet)
{
    if (says(packet, "ok") || says(packet, "ok_simultaneous")) {
        return move_on(hs, AWAIT_CHALLENGE, KL_HANDSHAKE_MORE);
    }
    if (says(packet, "alive")) {
        return move_on(hs, ASK_ALIVE, KL_HANDSHAKE_ALIVE);
    }
    if (says(packet, "nok")) {
        return refuse(hs, KL_REFUSAL_BUSY, "%.100s is dialling us itself", hs->peer.name);
    }
    if (says(packet, "not_allowed")) {
        return refuse(hs, KL_REFUSAL_NOT_ALLOWED,
                "%.100s does not let us in; its log says why", hs->peer.name);
    }
    return refuse(hs, KL_REFUSAL_PROTOCOL, "where a status was due came something else");
}

enum kl_handshake_event kl_handshake_proceed(struct kl_handshake *hs, bool replace)
{
    if (hs->state != ASK_ALIVE) {
        return hs->event;
    }
    kl_handshake_put_status(hs, replace ? "true" : "false");
    if (!replace) {
        return refuse(hs, KL_REFUSAL_ALIVE, "the connection to %.100s that there is stays",
                hs->peer.name);
    }
    return move_on(hs, AWAIT_CHALLENGE, KL_HANDSHAKE_MORE);
}

static enum kl_handshake_event take_challenge(struct kl_handshake *hs, struct packet packet)
{
    struct packet name;
    if (take_peer(hs, packet, 1 + 8 + 4, &name) == KL_HANDSHAKE_REFUSED) {
        return hs->event;
    }
    if (name.size != strlen(hs->peer.name) ||
            memcmp(name.at, hs->peer.name, name.size) != 0) {
        return refuse(hs, KL_REFUSAL_NAME, "another node answered where %.100s was dialled",
                hs->peer.name);
    }
    if (kl_dist_flags_missing(hs->peer.flags) != 0) {
        return refuse_flags(hs);
    }
    hs->their_challenge = kl_wire_get_32(packet.at + 9);
    kl_handshake_put_reply(hs);
    return move_on(hs, AWAIT_ACK, KL_HANDSHAKE_MORE);
}

static enum kl_handshake_event take_ack(struct kl_handshake *hs, struct packet packet)
{
    if (packet.size != 1 + KL_MD5_BYTES || packet.at[0] != KL_WORD_ACK) {
        return refuse(hs, KL_REFUSAL_PROTOCOL, "where a proof was due came something else");
    }
    if (!kl_handshake_proves(hs, packet.at + 1)) {
        return refuse(hs, KL_REFUSAL_COOKIE, "%.100s has another cookie", hs->peer.name);
    }
    return move_on(hs, OVER, KL_HANDSHAKE_DONE);
}

// --- accepting ---

static enum kl_handshake_event take_name(struct kl_handshake *hs, struct packet packet)
{
    struct packet name;
    struct kl_node_name parts;
    if (take_peer(hs, packet, 1 + 8, &name) == KL_HANDSHAKE_REFUSED) {
        return hs->event;
    }
    if (hs->peer.flags & KL_FLAG_NAME_ME) {
        kl_handshake_put_status(hs, "not_allowed");
        return refuse(
                hs, KL_REFUSAL_NAME, "the peer wants a name, and this node gives none");
    }
    if (!kl_node_name_parse((const char *)name.at, name.size, &parts)) {
        kl_handshake_put_status(hs, "not_allowed");
        return refuse(
                hs, KL_REFUSAL_NAME, "what the peer calls itself is no name in ASCII");
    }
    memcpy(hs->peer.name, name.at, name.size);
    hs->peer.name[name.size] = 0;
    if (strcmp(hs->peer.name, hs->opts.own_name) == 0) {
        kl_handshake_put_status(hs, "nok");
        return refuse(hs, KL_REFUSAL_OWN_NAME, "the peer bears our own name");
    }
    if (kl_dist_flags_missing(hs->peer.flags) != 0) {
        kl_handshake_put_status(hs, "not_allowed");
        return refuse_flags(hs);
    }
    return move_on(hs, ASK_NAME, KL_HANDSHAKE_NAME);
}

enum kl_handshake_event kl_handshake_answer(
        struct kl_handshake *hs, enum kl_handshake_status status, const char *cookie)
{
    if (hs->state != ASK_NAME) {
        return hs->event;
    }
    kl_handshake_put_status(hs, statuses[status]);
    switch (status) {
    case KL_STATUS_NOK:
        return refuse(
                hs, KL_REFUSAL_BUSY, "we are dialling %.100s ourselves", hs->peer.name);
    case KL_STATUS_NOT_ALLOWED:
        return refuse(hs, KL_REFUSAL_NOT_ALLOWED, "%.100s is not allowed", hs->peer.name);
    case KL_STATUS_ALIVE:
        set_cookie(hs, cookie);
        return move_on(hs, AWAIT_ALIVE, KL_HANDSHAKE_MORE);
    case KL_STATUS_OK:
    case KL_STATUS_OK_SIMULTANEOUS:
        break;
    }
    set_cookie(hs, cookie);
    kl_handshake_put_name(hs, true);
    return move_on(hs, AWAIT_REPLY, KL_HANDSHAKE_MORE);
}

static enum kl_handshake_event take_alive(struct kl_handshake *hs, struct packet packet)
{
    if (says(packet, "true")) {
        kl_handshake_put_name(hs, true);
        return move_on(hs, AWAIT_REPLY, KL_HANDSHAKE_MORE);
    }
    if (says(packet, "false")) {
        return refuse(hs, KL_REFUSAL_ALIVE, "the connection to %.100s that there is stays",
                hs->peer.name);
    }
    return refuse(hs, KL_REFUSAL_PROTOCOL, "where a status was due came something else");
}

// The peer proves first: who does not know the cookie never gets a digest from us, of
// which it could try to guess the cookie.
static enum kl_handshake_event take_reply(struct kl_handshake *hs, struct packet packet)
{
    if (packet.size != 1 + 4 + KL_MD5_BYTES || packet.at[0] != KL_WORD_REPLY) {
        return refuse(hs, KL_REFUSAL_PROTOCOL, "where a proof was due came something else");
    }
    if (!kl_handshake_proves(hs, packet.at + 5)) {
        return refuse(hs, KL_REFUSAL_COOKIE, "%.100s has another cookie", hs->peer.name);
    }
    hs->their_challenge = kl_wire_get_32(packet.at + 1);
    kl_handshake_put_ack(hs);
    return move_on(hs, OVER, KL_HANDSHAKE_DONE);
}

static enum kl_handshake_event take_packet(struct kl_handshake *hs, struct packet packet)
{
    switch ((enum state)hs->state) {
    case AWAIT_STATUS:
        return take_status(hs, packet);
    case AWAIT_CHALLENGE:
        return take_challenge(hs, packet);
    case AWAIT_ACK:
        return take_ack(hs, packet);
    case AWAIT_NAME:
        return take_name(hs, packet);
    case AWAIT_ALIVE:
        return take_alive(hs, packet);
    case AWAIT_REPLY:
        return take_reply(hs, packet);
    case ASK_ALIVE:
    case ASK_NAME:
    case OVER:
        break; // the event is not MORE, so nothing is fed
    }
    return hs->event;
}

// --- what is left ---

enum kl_handshake_event kl_handshake_closed(struct kl_handshake *hs)
{
    switch ((enum state)hs->state) {
    case OVER:
        return hs->event;
    case AWAIT_ACK:
        return refuse(hs, KL_REFUSAL_COOKIE,
                "%.100s hung up on our proof: it has another cookie, most likely",
                hs->peer.name);
    case AWAIT_REPLY:
        return refuse(hs, KL_REFUSAL_CLOSED,
                "%.100s hung up on our challenge: we lack something it demands, most "
                "likely",
                hs->peer.name);
    default:
        return refuse(hs, KL_REFUSAL_CLOSED, "%.100s hung up during the handshake",
                hs->peer.name[0] ? hs->peer.name : "the peer");
    }
}

enum kl_handshake_status kl_handshake_decide(
        const char *own_name, const char *peer_name, bool connected, bool dialling)
{
    if (connected) {
        return KL_STATUS_ALIVE;
    }
    if (dialling) {
        return strcmp(own_name, peer_name) > 0 ? KL_STATUS_NOK : KL_STATUS_OK_SIMULTANEOUS;
    }
    return KL_STATUS_OK;
}
