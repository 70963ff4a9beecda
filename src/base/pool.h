#ifndef KL_BASE_POOL_H
#define KL_BASE_POOL_H

#include <stddef.h>

// Small blocks that are allocated on one thread and often freed on another: messages,
// process records' extras, timers. Each thread has a free list per size class; surplus
// travels between threads in batches through a shared depot, so that a producer and a
// consumer on two cores reuse the same memory. Blocks over KL_POOL_MAX go to kl_alloc.
// Sanitizer builds use kl_alloc for every block, so that misuse is seen.
enum { KL_POOL_MAX = 1024 };

// Returns memory aligned to 16 bytes, or NULL. @thread any
void *kl_pool_alloc(size_t bytes);
// `bytes` as it was asked for. NULL is fine. @thread any
void kl_pool_free(void *block, size_t bytes);
// Gives this thread's free lists to the depot; called when a thread ends by itself too.
void kl_pool_flush(void);
// Gives the depot's memory back to the system where whole slabs are free; for tests and
// for idle times. Returns the bytes still handed out to users.
size_t kl_pool_trim(void);

#endif // KL_BASE_POOL_H
