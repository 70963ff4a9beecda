#include "slots.h"
#include <string.h>

// A thread's few free indexes of each table. They are left behind when the thread ends,
// so the caches are small and a table's limit is not exact to the last of them.
enum { CACHE = 32 };
struct slots_cache {
    uint32_t epoch;
    uint32_t count;
    uint32_t index[CACHE];
};
static __thread struct slots_cache caches[KL_SLOTS_TABLES]
        __attribute__((tls_model("initial-exec")));
static uint32_t epochs;

// Not inlined: the caller may be on another thread than before its last switch.
static __attribute__((noinline)) struct slots_cache *cache_of(struct kl_slots *slots)
{
    struct slots_cache *cache = &caches[slots->number];
    if (cache->epoch != slots->epoch) {
        cache->epoch = slots->epoch;
        cache->count = 0;
    }
    return cache;
}

static void *record_at(const struct kl_slots *slots, uint32_t index)
{
    char *chunk = kl_load_relaxed(&slots->chunks[index / KL_SLOTS_CHUNK]);
    return chunk + (size_t)(index % KL_SLOTS_CHUNK) * slots->record_bytes;
}

static size_t chunk_bytes(const struct kl_slots *slots)
{
    return slots->record_bytes * KL_SLOTS_CHUNK;
}

// Chunks are allocated in pieces: the first ones each by itself, later ones as many as go
// into a huge page. How many are in the piece that begins with chunk `first`.
static size_t piece_chunks(const struct kl_slots *slots, size_t first)
{
    size_t together = KL_HUGE_PAGE / chunk_bytes(slots);
    return first < together ? 1 : together > 0 ? together : 1;
}

static size_t piece_bytes(const struct kl_slots *slots, size_t first)
{
    return piece_chunks(slots, first) == 1 ? chunk_bytes(slots) : KL_HUGE_PAGE;
}

bool kl_slots_start(struct kl_slots *slots)
{
    slots->chunk_count = (slots->max + KL_SLOTS_CHUNK - 1) / KL_SLOTS_CHUNK;
    slots->chunks = kl_alloc_zero(slots->chunk_count * sizeof *slots->chunks);
    slots->free_head = 0;
    slots->used = 0;
    slots->epoch = kl_add_relaxed(&epochs, 1) + 1;
    return slots->chunks != NULL;
}

void kl_slots_stop(struct kl_slots *slots)
{
    if (slots->chunks != NULL) {
        for (size_t i = 0; i < slots->chunk_count; i += piece_chunks(slots, i)) {
            kl_free_pages(slots->chunks[i], piece_bytes(slots, i));
        }
        kl_free(slots->chunks, slots->chunk_count * sizeof *slots->chunks);
    }
    slots->chunks = NULL;
    slots->used = 0;
}

// Makes the piece that begins with chunk `first`.
static bool add_piece(struct kl_slots *slots, size_t first)
{
    char *memory = kl_alloc_pages(piece_bytes(slots, first));
    if (memory == NULL) {
        return false;
    }
    size_t end = first + piece_chunks(slots, first);
    for (size_t i = first; i < end && i < slots->chunk_count; i++) {
        kl_store_relaxed(&slots->chunks[i], memory);
        memory += chunk_bytes(slots);
    }
    return true;
}

// Hands out one more record than ever before. Called with the lock held.
static bool extend(struct kl_slots *slots, uint32_t *ret_index)
{
    uint32_t index = slots->used;
    if (index >= slots->max) {
        return false;
    }
    size_t chunk = index / KL_SLOTS_CHUNK;
    if (slots->chunks[chunk] == NULL && !add_piece(slots, chunk)) {
        return false;
    }
    slots->prepare(record_at(slots, index), index);
    kl_store_release(&slots->used, index + 1); // pairs with the acquire in kl_slots_at
    *ret_index = index;
    return true;
}

static void refill(struct kl_slots *slots, struct slots_cache *cache)
{
    kl_lock_take(&slots->lock);
    while (cache->count < CACHE / 2 && slots->free_head != 0) {
        uint32_t index = slots->free_head - 1;
        slots->free_head = *slots->link(record_at(slots, index));
        cache->index[cache->count++] = index;
    }
    if (cache->count == 0) {
        uint32_t fresh[CACHE / 2];
        uint32_t count = 0;
        while (count < CACHE / 2 && extend(slots, &fresh[count])) {
            count++;
        }
        while (count > 0) { // the lowest comes out first
            cache->index[cache->count++] = fresh[--count];
        }
    }
    kl_lock_give(&slots->lock);
}

void *kl_slots_take(struct kl_slots *slots)
{
    struct slots_cache *cache = cache_of(slots);
    if (cache->count == 0) {
        refill(slots, cache);
        if (cache->count == 0) {
            return NULL;
        }
    }
    return record_at(slots, cache->index[--cache->count]);
}

void kl_slots_give(struct kl_slots *slots, void *record, uint32_t index)
{
    (void)record;
    struct slots_cache *cache = cache_of(slots);
    if (cache->count == CACHE) {
        kl_lock_take(&slots->lock);
        while (cache->count > CACHE / 2) {
            uint32_t oldest = cache->index[--cache->count];
            *slots->link(record_at(slots, oldest)) = slots->free_head;
            slots->free_head = oldest + 1;
        }
        kl_lock_give(&slots->lock);
    }
    cache->index[cache->count++] = index;
}
