#ifndef KL_CLUSTER_CONNECTION_H
#define KL_CLUSTER_CONNECTION_H

#include "callers.h"
#include "channel.h"
#include "node.h"
#include "pace.h"

// One connection, from the first byte to the last. It belongs to one process, its reader,
// which makes the handshake and then reads frames; a second process writes them.
struct kl_connection {
    int fd; // -1: none
    struct kl_channel *channel; // NULL: not open yet
    bool stranger; // counted in kl_cluster.strangers
    bool up;
    struct kl_peer *peer; // NULL: not known yet
    struct kl_caller caller; // when we are dialled
    struct kl_peer_link link;
    keel_term why; // atom, for who hears of the end
    struct kl_handshake handshake;
    struct kl_assembly frames;
    uint8_t *buffer;
    size_t room, start, end; // what was read and not used lies from start to end
    size_t got; // bytes of the last read
    unsigned messages; // since the reader gave way
    struct kl_pace pace;
};

// Starts a process that uses a connection; none when it cannot.
keel_pid kl_connection_spawn(keel_body body, keel_term argument);
// For the calling process, whose end closes it. NULL: no memory.
struct kl_connection *kl_connection_new(int fd);
// Reads more into the buffer. KEEL_E_CANCELED: the other side has closed.
keel_status kl_connection_read(struct kl_connection *connection, keel_deadline deadline);
// After the handshake: brings the peer up and reads frames until the end.
void kl_connection_run(struct kl_connection *connection);

// --- writer.c ---
// Starts the process that writes, for the calling reader; none when it cannot.
keel_pid kl_writer_start(const struct kl_connection *connection);
// Lets it begin, once the peer is up.
void kl_writer_go(keel_pid writer);

#endif // KL_CLUSTER_CONNECTION_H
