#include "heap.h"

#include "block.h"
#include <string.h>

// Chunks double in size as a heap grows, from the first of these to the second; a larger
// request gets a chunk of its own size.
enum { CHUNK_BYTES_MIN = 4096, CHUNK_BYTES_MAX = 256 * 1024 };

// Lies at the start of each chunk. A lent chunk belongs to the heap's owner.
struct kl_chunk {
    struct kl_chunk *next; // the one before it
    uint8_t *limit;
    size_t bytes; // as asked of kl_alloc; 0: lent
};

void kl_heap_expire(void *memory, size_t bytes)
{
#if defined(KL_PARANOID) && !KL_ASAN
    // Words of this pattern are headers of a kind that does not exist: whoever reads an
    // expired term falls over at once.
    memset(memory, 0xfc, bytes);
#endif
    kl_poison(memory, bytes);
}

static uint8_t *chunk_memory(struct kl_chunk *chunk)
{
    return (uint8_t *)(chunk + 1);
}

static void use_chunk(struct kl_heap *heap, struct kl_chunk *chunk)
{
    heap->chunks = chunk;
    heap->next = chunk ? chunk_memory(chunk) : NULL;
    heap->limit = chunk ? chunk->limit : NULL;
}

void kl_heap_init(struct kl_heap *heap, void *lent, size_t lent_bytes)
{
    *heap = (struct kl_heap){0};
    if (!lent || lent_bytes < sizeof(struct kl_chunk) + 8) {
        return;
    }
    struct kl_chunk *chunk = lent;
    lent_bytes &= ~(size_t)7;
    *chunk = (struct kl_chunk){.limit = (uint8_t *)lent + lent_bytes};
    use_chunk(heap, chunk);
    kl_poison(heap->next, (size_t)(heap->limit - heap->next));
}

// The usual heap: nothing was built that its lent chunk had no room for.
static bool has_lent_only(const struct kl_heap *heap)
{
    const struct kl_chunk *chunk = heap->chunks;
    return !heap->fragments && !heap->counted &&
           (!chunk || (!chunk->next && chunk->bytes == 0));
}

void kl_heap_reset(struct kl_heap *heap)
{
    if (has_lent_only(heap)) {
        if (heap->chunks) {
            heap->next = chunk_memory(heap->chunks);
            kl_heap_expire(heap->next, (size_t)(heap->limit - heap->next));
        }
        return;
    }
    struct kl_heap_mark start = {0};
    struct kl_chunk *oldest = heap->chunks;
    while (oldest && oldest->next) {
        oldest = oldest->next;
    }
    if (oldest && oldest->bytes == 0) {
        start.chunk = oldest;
        start.next = chunk_memory(oldest);
    }
    kl_heap_rewind(heap, &start);
}

void kl_heap_done(struct kl_heap *heap)
{
    kl_heap_reset(heap);
    if (heap->chunks) {
        kl_unpoison(heap->next, (size_t)(heap->limit - heap->next));
    }
    *heap = (struct kl_heap){0};
}

struct kl_heap_mark kl_heap_mark(const struct kl_heap *heap)
{
    return (struct kl_heap_mark){heap->next, heap->chunks, heap->fragments, heap->counted};
}

void kl_heap_rewind(struct kl_heap *heap, const struct kl_heap_mark *mark)
{
    // Boxes that hold a block first: they lie in the memory that goes next.
    kl_counted_release(&heap->counted, mark->counted);

    while (heap->fragments != mark->fragment) {
        struct kl_fragment *fragment = heap->fragments;
        heap->fragments = fragment->next;
        heap->bytes -= fragment->size;
        kl_fragment_release(fragment);
        kl_pool_free(fragment, fragment->size);
    }

    while (heap->chunks != mark->chunk) {
        struct kl_chunk *chunk = heap->chunks;
        use_chunk(heap, chunk->next);
        heap->bytes -= chunk->bytes;
        kl_unpoison(chunk, chunk->bytes);
        kl_free(chunk, chunk->bytes);
    }
    if (mark->chunk) {
        heap->next = mark->next;
        kl_heap_expire(mark->next, (size_t)(heap->limit - mark->next));
    }
}

void *kl_heap_try_grow(struct kl_heap *heap, size_t bytes)
{
    size_t least;
    if (__builtin_add_overflow(bytes, sizeof(struct kl_chunk), &least)) {
        return NULL;
    }
    size_t size = heap->bytes < CHUNK_BYTES_MIN ? CHUNK_BYTES_MIN : heap->bytes;
    size = size < CHUNK_BYTES_MAX ? size : CHUNK_BYTES_MAX;
    size = size > least ? size : least;
    if (heap->max_bytes != 0) {
        size_t left = heap->bytes < heap->max_bytes ? heap->max_bytes - heap->bytes : 0;
        if (left < least) {
            return NULL;
        }
        size = size < left ? size : left & ~(size_t)7;
    }

    struct kl_chunk *chunk = kl_alloc(size);
    if (!chunk) {
        return NULL;
    }
    *chunk = (struct kl_chunk){heap->chunks, (uint8_t *)chunk + size, size};
    heap->bytes += size;
    use_chunk(heap, chunk);
    kl_poison(heap->next, (size_t)(heap->limit - heap->next));
    return kl_heap_bump(heap, bytes);
}

void *kl_heap_grow(struct kl_heap *heap, size_t bytes)
{
    void *memory = kl_heap_try_grow(heap, bytes);
    if (!memory) {
        kl_heap_refuse(heap);
    }
    return memory;
}

void kl_heap_adopt(struct kl_heap *heap, struct kl_fragment *fragment)
{
    fragment->next = heap->fragments;
    heap->fragments = fragment;
    heap->bytes += fragment->size;
}
