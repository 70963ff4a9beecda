#ifndef KL_BASE_DEPOT_INSIDE_H
#define KL_BASE_DEPOT_INSIDE_H

#include "atomic.h"
#include "depot.h"
#include "lock.h"

// What the depot is made of: for depot.c and depot_trim.c alone.

enum { KL_DEPOT_BATCH_BLOCKS = KL_DEPOT_SLOTS / 2 };

// Pointers to free blocks on their way from one thread to another.
struct kl_depot_batch {
    struct kl_depot_batch *next;
    uint32_t count;
    void *slots[KL_DEPOT_BATCH_BLOCKS];
};

// Lies at the beginning of its own memory.
struct kl_depot_slab {
    struct kl_depot_slab *next; // in the depot's list of all slabs
    struct kl_depot_slab *next_open; // in the list of slabs with room
    size_t bytes;
    char *cursor; // the next block to carve
    char *limit; // behind the last one
    size_t carved; // blocks
    size_t idle; // scratch of kl_depot_trim()
};

// What the depot holds of one size. One cache line and a lock each, since threads that
// exchange messages of one size have nothing to do with those of another.
struct kl_depot {
    struct kl_lock lock;
    struct kl_depot_batch *full; // last in, first out: the warmest first
    struct kl_depot_batch *empty; // carriers without blocks
    void *loose; // single blocks, chained through their first word
    struct kl_depot_slab *slabs;
    struct kl_depot_slab *open;
    size_t slab_bytes; // of the next slab
    int64_t blocks_out; // carved and not here
} __attribute__((aligned(KL_CACHE_LINE)));

extern struct kl_depot kl_depots[KL_DEPOT_CLASSES];

#endif // KL_BASE_DEPOT_INSIDE_H
