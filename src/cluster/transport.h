#ifndef KL_CLUSTER_TRANSPORT_H
#define KL_CLUSTER_TRANSPORT_H

#include <keel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

// The seam between a connection and what protects it: bytes as they are on the socket on
// one side, plain bytes on the other. It does no I/O of its own, so the connection's loop
// stays the only one that reads and writes the socket. libkeel-tls implements it; without
// a transport (NULL) bytes go as they are, and a handshake's lengths have two bytes.
//
// One session belongs to one connection and is used by one thread at a time. After any
// call there may be something to send: the loop asks `outgoing` before it waits.
struct kl_session;

struct keel_transport {
    const char *name; // as -proto_dist has it: "inet_tls"
    unsigned length_bytes; // of the lengths in the handshake: 4
    void *context; // of the implementation; lives as long as the node

    // A session on a new connection. `peer_host` is the host that was dialled, which its
    // certificate must name, or NULL: we were dialled.
    keel_status (*open)(
            void *context, const char *peer_host, struct kl_session **ret_session);
    // Takes all of what the socket gave. A failure (KEEL_E_REFUSED: certificate or
    // handshake; KEEL_E_NOMEM) ends the session; `why` says more, `outgoing` may still have
    // an alert for the peer.
    keel_status (*receive)(struct kl_session *session, const uint8_t *data, size_t size);
    // Moves plain bytes out. *ret_size 0: none are there. KEEL_E_REFUSED as above.
    keel_status (*read)(
            struct kl_session *session, uint8_t *data, size_t room, size_t *ret_size);
    // Takes plain bytes to be sent; before the session stands they are kept until it does.
    keel_status (*write)(
            struct kl_session *session, const struct iovec *pieces, unsigned count);
    // What the socket is to get: points at it, valid until the next call on the session.
    size_t (*outgoing)(struct kl_session *session, const uint8_t **ret_data);
    // So many of them are sent.
    void (*sent)(struct kl_session *session, size_t size);
    // True when the peer has said that nothing more will come.
    bool (*ended)(const struct kl_session *session);
    // Says so to the peer; `outgoing` has the bytes.
    void (*shut)(struct kl_session *session);
    // Why it failed, in words for the log; valid as long as the session.
    const char *(*why)(const struct kl_session *session);
    void (*close)(struct kl_session *session);
};

#endif // KL_CLUSTER_TRANSPORT_H
