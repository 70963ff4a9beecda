#ifndef KL_BASE_POOL_H
#define KL_BASE_POOL_H

#include "here.h"
#include "thread.h"

#include <stddef.h>

// Small blocks that are allocated on one thread and often freed on another: messages,
// process records' extras, timers. Each thread has a free list per size class; surplus
// travels between threads in batches through a shared depot, so that a producer and a
// consumer on two cores reuse the same memory. Blocks over KL_POOL_MAX go to kl_alloc.
// Sanitizer builds use kl_alloc for every block, so that misuse is seen.
enum { KL_POOL_MAX = 1024 };

// Returns memory aligned to 16 bytes, or NULL. @thread any
static inline void *kl_pool_alloc(size_t bytes);
// `bytes` as it was asked for. NULL is fine. @thread any
static inline void kl_pool_free(void *block, size_t bytes);
// Has the processor fetch the memory of the block that this thread gets next for so many
// bytes, for who is likely to fill another one soon: it may have been written on another
// core last.
void kl_pool_expect(size_t bytes);
// Gives this thread's free lists to the depot; called when a thread ends by itself too.
void kl_pool_flush(void);
// Gives the depot's memory back to the system where whole slabs are free; for tests and
// for idle times. Returns the bytes still handed out to users.
size_t kl_pool_trim(void);

// --- the way of most blocks, inline ---

// `bytes` is at most KL_POOL_MAX.
static inline void *kl_pool_alloc_small(size_t bytes);
static inline void kl_pool_free_small(void *block, size_t bytes); // not NULL
// The same out of line, for any size; and what is left when the caches do not serve.
void *kl_pool_alloc_any(size_t bytes);
void kl_pool_free_any(void *block, size_t bytes);
void *kl_pool_alloc_slowly(size_t bytes);
void kl_pool_free_slowly(void *block, size_t bytes);

static inline void *kl_pool_alloc_small(size_t bytes)
{
    struct kl_thread *thread = kl_here()->thread;
    if (__builtin_expect(thread != NULL, 1)) {
        struct kl_depot_cache *cache = &thread->caches[kl_depot_class(bytes)];
        uint32_t count = cache->count;
        if (__builtin_expect(count != 0, 1)) {
            kl_store_relaxed(&cache->count, count - 1);
            return cache->slots[count - 1];
        }
    }
    return kl_pool_alloc_slowly(bytes);
}

static inline void kl_pool_free_small(void *block, size_t bytes)
{
    struct kl_thread *thread = kl_here()->thread;
    if (__builtin_expect(thread != NULL, 1)) {
        struct kl_depot_cache *cache = &thread->caches[kl_depot_class(bytes)];
        uint32_t count = cache->count;
        if (__builtin_expect(count < cache->capacity, 1)) {
            cache->slots[count] = block;
            kl_store_relaxed(&cache->count, count + 1);
            return;
        }
    }
    kl_pool_free_slowly(block, bytes);
}

// A size that the compiler knows has its class known as well.
static inline void *kl_pool_alloc(size_t bytes)
{
    return __builtin_constant_p(bytes) && bytes <= KL_POOL_MAX ? kl_pool_alloc_small(bytes)
                                                               : kl_pool_alloc_any(bytes);
}

static inline void kl_pool_free(void *block, size_t bytes)
{
    if (__builtin_constant_p(bytes) && bytes <= KL_POOL_MAX && block != NULL) {
        kl_pool_free_small(block, bytes);
    } else {
        kl_pool_free_any(block, bytes);
    }
}

#endif // KL_BASE_POOL_H
