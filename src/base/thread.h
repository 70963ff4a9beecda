#ifndef KL_BASE_THREAD_H
#define KL_BASE_THREAD_H

#include "atomic.h"
#include "depot.h"
#include "here.h"
#include "list.h"

#include <stdint.h>

// What the room keeps for each operating system thread that has allocated: its part of
// the accounts and its caches of free blocks. Private to the room but for pool.h, which
// looks into the caches. Who asks for a thread's record asks again after every call that
// can switch stacks: see here.h.

struct kl_thread {
    struct kl_link link; // in the list of all threads; guarded by its lock
    // Written by the owning thread alone, read by whoever sums up.
    int64_t alloc_bytes; // taken through the hooks and from the system, less what was given
                         // back
    int64_t pool_bytes; // blocks of the pool that went past the caches, see pool.c
    struct kl_depot_cache caches[KL_DEPOT_CLASSES];
};

// The counters of threads that have ended and of those that could not get a record;
// written with atomic additions.
struct kl_thread_rest {
    int64_t alloc_bytes;
    int64_t pool_bytes;
};
extern struct kl_thread_rest kl_thread_rest __attribute__((visibility("hidden")));

// Makes the calling thread's record; NULL when it is ending or memory is exhausted.
struct kl_thread *kl_thread_make(void);

static inline struct kl_thread *kl_thread_get(void)
{
    struct kl_thread *thread = kl_here()->thread;
    return __builtin_expect(thread != NULL, 1) ? thread : kl_thread_make();
}

// Adds to a counter of the calling thread's own record. A plain addition, but one that a
// reader on another thread may look at.
static inline void kl_thread_count(int64_t *counter, int64_t by)
{
    kl_store_relaxed(counter, *counter + by);
}

// Sums over all threads.
int64_t kl_thread_sum_alloc_bytes(void);
int64_t kl_thread_sum_pool_bytes(void);
// Free blocks of one class in all threads' caches.
int64_t kl_thread_sum_cached(unsigned size_class);

#endif // KL_BASE_THREAD_H
