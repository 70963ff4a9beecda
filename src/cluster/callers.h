#ifndef KL_CLUSTER_CALLERS_H
#define KL_CLUSTER_CALLERS_H

#include "handshake.h"
#include "peers.h"

// Nodes that dial us, from the name they say to the proof that it is theirs. Once one has
// heard that it may go on, this node does not dial it as well: two attempts at a time would
// each be given up for the other, by one side after it was up on the other side.
struct kl_caller {
    struct kl_caller *next; // guarded by the lock of the table of peers
    const char *name; // @borrows until the call is over
    uint64_t ticket;
    bool calls; // has been answered, and the call is not over
};

// What to say to a caller; the peer of this name, now or as soon as there is one, is
// CONNECTING under its ticket if that lets it go on.
enum kl_handshake_status kl_caller_answer(struct kl_caller *caller);
// The name is proved; the peer is the caller's business from here on.
void kl_caller_proved(struct kl_caller *caller, struct kl_peer *peer);
// It came to nothing. Whoever waited for it here has this node dial.
void kl_caller_failed(struct kl_caller *caller);

#endif // KL_CLUSTER_CALLERS_H
