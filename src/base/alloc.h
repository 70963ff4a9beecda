#ifndef KL_BASE_ALLOC_H
#define KL_BASE_ALLOC_H

#include <stddef.h>

// Memory through the host's hooks (keel_allocator, <keel/alloc.h>), malloc by default.
// All return NULL when memory is exhausted; freeing takes the size that was asked for.
// Zero bytes are treated as one.
void *kl_alloc(size_t bytes);
void *kl_alloc_zero(size_t bytes);
void *kl_realloc(void *memory, size_t old_bytes, size_t new_bytes);
void kl_free(void *memory, size_t bytes);

// Large pieces (slabs, tables): mapped from the system unless the host has set hooks, so
// that freeing gives the pages back at once. Zeroed, and aligned to a cache line at least.
// What is mapped in multiples of KL_HUGE_PAGE begins at such a multiple, and the system is
// asked for pages of that size: the processor finds its way about many small blocks there
// without a walk through page tables for each of them.
enum { KL_HUGE_PAGE = 2 * 1024 * 1024 };
void *kl_alloc_pages(size_t bytes);
void kl_free_pages(void *memory, size_t bytes);

#endif // KL_BASE_ALLOC_H
