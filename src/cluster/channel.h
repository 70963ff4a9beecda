#ifndef KL_CLUSTER_CHANNEL_H
#define KL_CLUSTER_CHANNEL_H

#include "transport.h"
#include <keel/time.h>
#include <sys/uio.h>

// The bytes of one connection, protected by a transport or not. Its reader reads and, while
// the handshake lasts, writes; from then on a writer, with a descriptor of its own, writes.
// A session is used by one of them at a time; only one of them sends what it gives, or
// records would mix. So what receiving makes it say (TLS has little to say once it stands)
// goes with the writer's next bytes, a tick at the latest.
struct kl_channel;

enum { KL_CHANNEL_STACK = 256 << 10 }; // of a process that uses one with a transport

// On a descriptor, which stays the caller's. `host` is the one that was dialled, NULL: we
// were. NULL: no memory, or no session; where there is no transport, a channel is just what
// passes bytes on. Counted: reader and writer have one each.
struct kl_channel *kl_channel_new(
        int fd, const struct keel_transport *transport, const char *host);
struct kl_channel *kl_channel_ref(struct kl_channel *channel);
void kl_channel_unref(struct kl_channel *channel); // NULL is fine

// As kl_socket_read. KEEL_E_REFUSED: the transport's session is over, kl_channel_why.
keel_status kl_channel_read(struct kl_channel *channel, void *data, size_t room,
        keel_deadline deadline, size_t *ret_size);
// As kl_socket_write, to `fd`.
keel_status kl_channel_write(struct kl_channel *channel, int fd, struct iovec *pieces,
        unsigned count, keel_deadline deadline);
// Says goodbye as far as that takes no waiting.
void kl_channel_shut(struct kl_channel *channel);
// Why a session failed; "": it did not. Valid as long as the channel.
const char *kl_channel_why(const struct kl_channel *channel);

#endif // KL_CLUSTER_CHANNEL_H
