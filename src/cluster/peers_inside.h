#ifndef KL_CLUSTER_PEERS_INSIDE_H
#define KL_CLUSTER_PEERS_INSIDE_H

#include "peers.h"

// What the two files of a peer share: peers.c knows its states, outbox.c what waits to be
// sent. `_locked`: the caller holds peer->lock.

struct kl_awaiting {
    struct kl_awaiting *next;
    keel_pid pid; // none: a thread outside, which waits for `done`
    uint32_t *done; // futex word on its stack, which stays until it is set
};
// Has the calling process woken at the next change; false when memory is exhausted.
bool kl_peer_await_locked(struct kl_peer *peer);
// The same for a thread outside: `done` is set then.
bool kl_peer_await_outside_locked(struct kl_peer *peer, uint32_t *done);
void kl_peer_unawait_outside(struct kl_peer *peer, const uint32_t *done);
void kl_peer_wake_all(struct kl_awaiting *awaiting); // frees them

// The table of peers, for who must find none and see to it that nobody makes one meanwhile.
void kl_peer_table_lock(void);
void kl_peer_table_unlock(void);
struct kl_peer *kl_peer_find_locked(keel_term name); // or NULL
// The ticket of a caller with this name that came before there was a peer; 0: none.
uint64_t kl_caller_of_locked(keel_term name);

// False when it is CONNECTING or UP: then it is noted that somebody wants it.
bool kl_peer_begin_locked(struct kl_peer *peer, uint64_t ticket);
bool kl_peer_attach_locked(struct kl_peer *peer, keel_pid pid);

// Encodes the list, which it frees, as far as the other side can understand it; `ret_bytes`
// gets what it counted for in peer->queued.
struct kl_out *kl_peer_encode_waiting(
        struct kl_waiting_out *waiting, uint64_t agreed, size_t *ret_bytes);
// Appends a list to what is to be sent.
void kl_peer_append_locked(struct kl_peer *peer, struct kl_out *list);
void kl_peer_drop_out(struct kl_out *list);
void kl_peer_drop_waiting(struct kl_waiting_out *list);

#endif // KL_CLUSTER_PEERS_INSIDE_H
