#ifndef KL_SERVICE_SOCKET_H
#define KL_SERVICE_SOCKET_H

#include "base/base.h"
#include <keel/socket.h>
#include <sys/socket.h>
#include <sys/un.h>

// What the files of sockets share.
//
// The record of a socket lies behind a resource term and is counted by its terms. Whoever
// reads or writes does so itself, on the descriptor, which stays open as long as the
// record: closing it shuts it down, which wakes all who wait. A *keeper*, a process for
// each socket, watches the owner, and has a *reader* while the socket is active.

enum kl_inet_kind { KL_STREAM, KL_LISTENER, KL_DATAGRAM };

struct kl_socket {
    int fd;
    enum kl_inet_kind kind;
    uint32_t closed; // set once, by whoever closes
    uint32_t packet; // keel_packet; read and written atomically
    keel_socket_opts opts; // of those accepted; its address is not kept
    struct kl_lock lock; // of what follows
    keel_pid owner, keeper;
    keel_pid receiver; // who reads now
    keel_pid sender; // who writes now
    uint32_t active; // keel_active
    // The bytes read and not delivered, by the receiver alone.
    char *data;
    size_t size, used;
    bool at_end; // the other side has sent its last byte
};

// The record of a socket's term, or NULL.
struct kl_socket *kl_inet_of(keel_term socket);
// Makes a socket of a descriptor, owned by the caller, and its keeper. Takes the
// descriptor, also when it fails.
keel_status kl_inet_new(int fd, enum kl_inet_kind kind, const keel_socket_opts *opts,
        keel_term *ret_socket);
// Marks it closed and wakes who waits; true for the first who does.
bool kl_inet_shut(struct kl_socket *socket);
bool kl_inet_is_closed(const struct kl_socket *socket);

// --- socket_read.c ---

// Becomes the one who reads; false when somebody does.
bool kl_inet_begin_read(struct kl_socket *socket);
void kl_inet_end_read(struct kl_socket *socket);
// The next packet, for who reads.
keel_status kl_inet_read(struct kl_socket *socket, size_t wanted, keel_deadline deadline,
        keel_term *ret_data);
// The body of a reader: {Socket, Keeper, Owner, once | all}.
void kl_inet_reader(keel_term plan);

// --- socket_packet.c ---

enum kl_packet_state { KL_PACKET_WHOLE, KL_PACKET_PART, KL_PACKET_TOO_LARGE };
// Looks for a packet at the beginning of `data`: where its content lies, and how many bytes
// it takes altogether. A part: how many bytes it will take at least.
enum kl_packet_state kl_packet_find(keel_packet packet, const char *data, size_t used,
        size_t wanted, size_t limit, size_t *ret_offset, size_t *ret_size,
        size_t *ret_whole);
// The header of a packet of `size` bytes; returns its length, or -1 when it is too large.
int kl_packet_header(keel_packet packet, size_t size, char header[4]);

// --- socket_address.c ---

struct kl_address {
    socklen_t length;
    union {
        struct sockaddr any;
        struct sockaddr_un local;
        struct sockaddr_storage storage;
    } as;
};
// A numeric address (NULL: loopback) or a path.
bool kl_address_numeric(struct kl_address *address, const char *text, uint16_t port);
bool kl_address_path(struct kl_address *address, const char *path);
// {Address, Port}, or the path.
keel_term kl_address_term(const struct kl_address *address);

#endif // KL_SERVICE_SOCKET_H
