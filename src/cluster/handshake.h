#ifndef KL_CLUSTER_HANDSHAKE_H
#define KL_CLUSTER_HANDSHAKE_H

#include "name.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The handshake of the distribution protocol, version 6, as a machine without I/O: the
// caller feeds what the socket gave and sends what the machine has to say. Nothing is
// allocated, nothing interned: who has not proved that it knows the cookie costs this
// struct and a socket. The limit in time (7 s) and in number is the caller's.
//
//   dialling:   init ............ feed → (ALIVE: kl_handshake_proceed) → DONE | REFUSED
//   accepting:  init → feed → NAME: kl_handshake_answer → feed ........ → DONE | REFUSED
//
// After each call the caller sends kl_handshake_output, after REFUSED too: the last words
// tell the peer why it must go.
enum {
    KL_COOKIE_MAX = 255,
    KL_HANDSHAKE_PACKET_MAX = 512, // longer ones are refused; a name needs 274
};

enum kl_handshake_event {
    KL_HANDSHAKE_MORE, // wants more bytes from the peer
    KL_HANDSHAKE_NAME, // accepting: `peer` is known; answer with kl_handshake_answer
    KL_HANDSHAKE_ALIVE, // dialling: the peer has a connection to us; kl_handshake_proceed
    KL_HANDSHAKE_DONE, // the cookie is proved on both sides; what follows are frames
    KL_HANDSHAKE_REFUSED, // over; `refusal` and `why` tell the reason
};

// Who refused, and for what.
enum kl_handshake_refusal {
    KL_REFUSAL_NONE,
    KL_REFUSAL_PROTOCOL, // bytes that are no handshake of version 6
    KL_REFUSAL_FLAGS, // the peer lacks a mandatory capability
    KL_REFUSAL_NAME, // no name, not the name that was dialled, a name wanted from us
    KL_REFUSAL_OWN_NAME, // the peer bears our name
    KL_REFUSAL_COOKIE, // the peer does not know our cookie, or we not its
    KL_REFUSAL_BUSY, // "nok": the peer is dialling us at this moment, and its try goes on
    KL_REFUSAL_NOT_ALLOWED, // we are not let in; with us by the caller's answer
    KL_REFUSAL_ALIVE, // there is a connection already, and it is in order
    KL_REFUSAL_CLOSED, // the peer hung up
};

// What the accepting side says to a name.
enum kl_handshake_status {
    KL_STATUS_OK,
    KL_STATUS_OK_SIMULTANEOUS, // we dialled too, and give our own try up
    KL_STATUS_NOK, // we dialled too, and our try goes on
    KL_STATUS_NOT_ALLOWED,
    KL_STATUS_ALIVE, // there is a connection; the peer tells whether it means to replace it
};

struct kl_handshake_peer {
    char name[KL_NODE_NAME_MAX + 1];
    uint32_t creation;
    uint64_t flags; // all it offers, expanded
    uint64_t agreed; // what both can do
};

struct kl_handshake_opts {
    const char *own_name; // @borrows until the handshake is over
    uint32_t creation;
    uint64_t flags; // kl_dist_flags_offered
    uint32_t challenge; // from a good random source, a new one each time
    unsigned length_bytes; // of a packet's length: 2, over TLS 4
    const char *peer_name; // dialling only: who must answer; copied. NULL: we accept
    const char *cookie; // dialling only; copied
};

struct kl_handshake {
    struct kl_handshake_opts opts;
    struct kl_handshake_peer peer;
    enum kl_handshake_event event; // what feed returned last
    enum kl_handshake_refusal refusal;
    char why[200]; // for the log, in words, when refused; names the peer where it is known

    int state;
    uint32_t their_challenge;
    char cookie[KL_COOKIE_MAX + 1]; // wiped when the handshake is over
    uint16_t in_size, out_size;
    uint8_t in[4 + KL_HANDSHAKE_PACKET_MAX];
    uint8_t out[2 * (4 + KL_HANDSHAKE_PACKET_MAX)];
};

// Starts; when dialling there is output at once.
void kl_handshake_init(struct kl_handshake *hs, const struct kl_handshake_opts *opts);
// Takes bytes from the peer. `ret_used` tells how many: fewer than `size` after any event
// but MORE; after DONE the rest are frames, after NAME and ALIVE it is to be fed again.
enum kl_handshake_event kl_handshake_feed(
        struct kl_handshake *hs, const uint8_t *data, size_t size, size_t *ret_used);
// After NAME. `cookie` is the one for this peer; it is copied. Returns MORE or REFUSED
// (for NOK and NOT_ALLOWED, after which the status is still to be sent).
enum kl_handshake_event kl_handshake_answer(
        struct kl_handshake *hs, enum kl_handshake_status status, const char *cookie);
// After ALIVE: true when the old connection is lost or to be replaced. The peer drops it
// then. Returns MORE or REFUSED.
enum kl_handshake_event kl_handshake_proceed(struct kl_handshake *hs, bool replace);
// The peer has closed the connection. What that means depends on how far it had come:
// who finds our proof wrong hangs up without a word. Returns REFUSED.
enum kl_handshake_event kl_handshake_closed(struct kl_handshake *hs);
// What is to be sent: `*ret_data` points at it until the next call; it counts as sent.
size_t kl_handshake_output(struct kl_handshake *hs, const uint8_t **ret_data);
// Wipes the cookie; needed only where a handshake is given up halfway.
void kl_handshake_done(struct kl_handshake *hs);

// What to answer a peer, as OTP does: `connected`: there is a connection to it that works;
// `dialling`: we are in the handshake with it on a connection of our own.
enum kl_handshake_status kl_handshake_decide(
        const char *own_name, const char *peer_name, bool connected, bool dialling);

#endif // KL_CLUSTER_HANDSHAKE_H
