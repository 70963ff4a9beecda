#ifndef KL_TERM_HEAP_H
#define KL_TERM_HEAP_H

#include "base/base.h"
#include "term/term.h"

// Memory from a heap, for the files of this room. `bytes` is a multiple of 8 and not 0; the
// memory is not cleared. Whoever takes it writes terms into all of it before anything else
// can fail or look.

// The slow halves of the two below: another chunk. kl_heap_grow tells kl_heap_exhausted
// when a process runs on this heap, and then does not return if there is no memory.
void *kl_heap_grow(struct kl_heap *heap, size_t bytes);
void *kl_heap_try_grow(struct kl_heap *heap, size_t bytes);
// Tells kl_heap_exhausted, which does not return, when a process runs on this heap. Who has
// memory of its own to give back first sets heap->quiet, and calls this when that is done.
void kl_heap_refuse(struct kl_heap *heap);

static inline void *kl_heap_bump(struct kl_heap *heap, size_t bytes)
{
    uint8_t *memory = heap->next;
    heap->next += bytes;
    kl_unpoison(memory, bytes);
    return memory;
}

// Returns NULL when the heap is exhausted and no process runs on it; in a process it then
// does not return.
static inline void *kl_heap_alloc(struct kl_heap *heap, size_t bytes)
{
    if ((size_t)(heap->limit - heap->next) < bytes) {
        return kl_heap_grow(heap, bytes);
    }
    return kl_heap_bump(heap, bytes);
}

// The same, but always returns: for those who report KEEL_E_NOMEM.
static inline void *kl_heap_try_alloc(struct kl_heap *heap, size_t bytes)
{
    if ((size_t)(heap->limit - heap->next) < bytes) {
        return kl_heap_try_grow(heap, bytes);
    }
    return kl_heap_bump(heap, bytes);
}

// A place in a heap's history. Rewinding expires everything built or adopted since; marks
// are rewound newest first.
struct kl_heap_mark {
    uint8_t *next;
    struct kl_chunk *chunk;
    struct kl_fragment *fragment;
    struct kl_box_counted *counted;
};
struct kl_heap_mark kl_heap_mark(const struct kl_heap *heap);
void kl_heap_rewind(struct kl_heap *heap, const struct kl_heap_mark *mark);

#endif // KL_TERM_HEAP_H
