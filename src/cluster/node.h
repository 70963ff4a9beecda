#ifndef KL_CLUSTER_NODE_H
#define KL_CLUSTER_NODE_H

#include "assembly.h"
#include "base/base.h"
#include "control.h"
#include "flags.h"
#include "frame.h"
#include "handshake.h"
#include "name.h"
#include "peers.h"
#include <keel/node.h>

// What the processes of this room share: the node that this program is.

struct kl_cluster {
    // Written by net_kernel while nothing else of this room runs.
    char name[KL_NODE_NAME_MAX + 1];
    char address[64];
    uint16_t port;
    uint16_t epmd_port;
    bool visible, no_epmd;
    uint32_t creation;
    int64_t tick_ns; // silence that means death
    size_t busy_bytes;
    unsigned strangers_max;
    int64_t setup_ns; // for a handshake
    bool (*allow)(const char *node); // NULL: everybody
    struct kl_frame_limits limits;
    const struct keel_transport *transport; // NULL: none
    keel_pid kernel;
    // Atomic.
    bool alive;
    uint32_t strangers; // connections that have not proved the cookie yet
    uint64_t bytes_in, bytes_out; // of all connections since the program began
    // Guarded by the lock.
    struct kl_lock lock;
    char cookie[KL_COOKIE_MAX + 1];
};
extern struct kl_cluster kl_cluster;

static inline bool kl_cluster_alive(void)
{
    return kl_load_acquire(&kl_cluster.alive); // pairs with the release in netkernel.c
}

enum {
    KL_STRANGERS_MAX = 128, // unless told otherwise
    KL_SETUP_SECONDS = 7, // likewise; as OTP
};

static inline bool kl_cluster_allows(const char *node)
{
    return kl_cluster.allow == NULL || kl_cluster.allow(node);
}

// --- cookie.c ---
// The cookie for a peer, wiped by the caller when it is used.
void kl_cookie_for(struct kl_peer *peer, char cookie[KL_COOKIE_MAX + 1]);
keel_status kl_cookie_set(struct kl_peer *peer, const char *cookie); // NULL peer: our own
// Reads the cookie file, or makes one. The log says why it cannot.
keel_status kl_cookie_read(const char *path, char cookie[KL_COOKIE_MAX + 1]);

// --- socket.c: bytes over a socket, for processes ---
int kl_socket_connect(const char *host, uint16_t port, keel_deadline deadline); // or -errno
int kl_socket_listen(const char *address, uint16_t *port); // fills in the port; or -errno
int kl_socket_accept(int listener); // or -errno; -EAGAIN: nobody is there
// All of it, changing `pieces`, or a failure: KEEL_E_TIMEOUT, -errno.
keel_status kl_socket_write(
        int fd, struct iovec *pieces, unsigned count, keel_deadline deadline);
// What is there, waiting for the first byte; 0 bytes: the other side has closed it.
keel_status kl_socket_read(
        int fd, void *data, size_t room, keel_deadline deadline, size_t *ret_size);

// --- locate.c: who asks epmd ---
// Where the peer listens. KEEL_E_NODEDOWN: nobody knows it.
keel_status kl_locate(struct kl_peer *peer, keel_deadline deadline, char *host,
        size_t host_room, uint16_t *ret_port);

// --- publish.c ---
// Body of the process that keeps this node registered with epmd. Tells the process
// `answer_to` how the first try went: {published, Creation}, {published, taken}, or
// {published, later}.
void kl_publish_body(keel_term answer_to);

// --- connect.c: the handshake, both roles ---
// Starts a process that connects to the peer; its ticket is the peer's. From anywhere.
void kl_dial_start(struct kl_peer *peer, uint64_t ticket);
void kl_dial_body(keel_term index_and_ticket);
// Body of a process that greets who has connected, on this descriptor.
void kl_greet_body(keel_term fd);

// --- dispatch.c ---
// Does what a control message asks; `why` is set when the connection must close. No
// payload: its size is 0.
bool kl_dispatch(uint32_t connection, struct kl_peer *peer,
        const struct kl_control *control, const struct kl_raw *payload,
        const char **ret_why);

// --- route.c ---
extern const struct kl_route_ops kl_route_to_peers;

// --- release.c ---
// Has a process ask the peer, which has just come up, what its release is.
void kl_release_ask(struct kl_peer *peer);

// --- watchers.c: who hears of nodes that come and go ---
// UNREACHABLE: it could not be connected to.
enum kl_node_event { KL_NODE_UP, KL_NODE_DOWN, KL_NODE_UNREACHABLE };
void kl_watchers_tell(
        struct kl_peer *peer, bool hidden, enum kl_node_event event, keel_term reason);
keel_status kl_watchers_add(keel_pid pid, keel_term node, int which, bool info);
bool kl_watchers_remove(keel_pid pid, keel_term node, int which, bool info);
// Of one process, or (none) all but the lasting.
void kl_watchers_forget(keel_pid pid);
// A bit of `which`: through lives of the node. The watcher forgets itself when it ends.
enum { KL_NODES_LASTING = 256 };

#endif // KL_CLUSTER_NODE_H
