#ifndef KL_CLUSTER_PACE_H
#define KL_CLUSTER_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How fast a connection is read. A peer that only tells and asks for nothing sends each
// message by itself: whoever reads each as it comes makes a system call and a turn of it,
// and has the peer's own calls wake somebody every time. So where a peer has told us a
// few things in quick succession and nothing was sent back, its reader lets more gather
// before it reads on. It stops as soon as something is sent, much comes at once, or waiting
// has gathered nothing.
//
// Pure bookkeeping: the caller reads, waits and has the clock.
struct kl_pace {
    uint64_t sent;
    int64_t last; // when something was read
    unsigned told; // reads in a row that nothing was sent for
};

enum {
    KL_PACE_GATHER_NS = 100000,
    KL_PACE_NEAR_NS = 300000, // reads further apart are no succession
    KL_PACE_TOLD = 8, // so many are allowed to go by at once
    KL_PACE_MUCH = 8 << 10, // bytes that are worth a read
};

// Notes a read of `bytes` in `messages` at the time `now`, when `sent` things had been sent
// to the peer since ever. True when the reader should let more gather.
bool kl_pace_read(
        struct kl_pace *pace, int64_t now, uint64_t sent, size_t bytes, unsigned messages);

#endif // KL_CLUSTER_PACE_H
