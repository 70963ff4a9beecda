#ifndef KL_CLUSTER_LINK_TESTING_H
#define KL_CLUSTER_LINK_TESTING_H

#include "assembly.h"
#include "cluster_testing.h"
#include "control.h"
#include "epmd.h"
#include "handshake.h"
#include "transport.h"

// For tests: a connection to a BEAM node over a plain, blocking socket, with or without a
// transport, driven step by step.

struct kl_testing_link {
    int fd;
    const struct keel_transport *transport; // NULL: none
    struct kl_session *session;
    struct kl_handshake hs;
    bool replace; // the answer to ALIVE
    const char *cookie; // the answer to NAME
    uint8_t rest[1000]; // frames that came with the last bytes of the handshake
    size_t rest_size;
};

keel_term kl_testing_atom(const char *text);

enum kl_epmd_answer kl_testing_look_up(
        uint16_t epmd_port, const char *alive, struct kl_epmd_node *ret_node);
// Registers a hidden node; the socket must stay open.
int kl_testing_register(
        uint16_t epmd_port, const char *alive, uint16_t port, uint32_t *ret_creation);

// Puts bytes through; 0 from reading: the other side has closed, or TLS has failed.
void kl_testing_link_write(struct kl_testing_link *link, const void *data, size_t size);
size_t kl_testing_link_read(struct kl_testing_link *link, void *data, size_t room);
// Opens the session where there is a transport; `host` is NULL where we were dialled.
void kl_testing_link_open(struct kl_testing_link *link, const char *host);
void kl_testing_link_close(struct kl_testing_link *link);

// The handshake to its end, whatever that is.
enum kl_handshake_event kl_testing_shake(
        struct kl_testing_link *link, const struct kl_handshake_opts *opts);
// The rest of one that was begun.
enum kl_handshake_event kl_testing_shake_on(struct kl_testing_link *link);

void kl_testing_send(struct kl_testing_link *link, const struct kl_control *control);
// Reads frames until a message of this kind is whole; the others are checked as well.
// Returns how many frames it was in.
unsigned kl_testing_await(struct kl_testing_link *link, enum kl_control_kind kind,
        struct kl_control *ret_control, keel_term *ret_content);
// Has the process `ear` of the peer send a term back to us, and checks what comes. Returns
// the frames that took.
unsigned kl_testing_echo(struct kl_testing_link *link, keel_term term);

#endif // KL_CLUSTER_LINK_TESTING_H
