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
    return slots->record_bytes * KL_SLOTS_CHUNK + 64 + sizeof(char *);
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
    for (size_t i = 0; slots->chunks != NULL && i < slots->chunk_count; i++) {
        if (slots->chunks[i] != NULL) {
            char *memory;
            memcpy(&memory, (char *)slots->chunks[i] + slots->record_bytes * KL_SLOTS_CHUNK,
                    sizeof memory);
            kl_free(memory, chunk_bytes(slots));
        }
    }
    if (slots->chunks != NULL) {
        kl_free(slots->chunks, slots->chunk_count * sizeof *slots->chunks);
    }
    slots->chunks = NULL;
    slots->used = 0;
}

// A zeroed chunk that starts at a multiple of 64; behind it stands what was allocated.
static void *chunk_new(const struct kl_slots *slots)
{
    char *memory = kl_alloc_zero(chunk_bytes(slots));
    if (memory == NULL) {
        return NULL;
    }
    char *chunk = (char *)(((uintptr_t)memory + 63) & ~(uintptr_t)63);
    memcpy(chunk + slots->record_bytes * KL_SLOTS_CHUNK, &memory, sizeof memory);
    return chunk;
}

// Hands out one more record than ever before. Called with the lock held.
static bool extend(struct kl_slots *slots, uint32_t *ret_index)
{
    uint32_t index = slots->used;
    if (index >= slots->max) {
        return false;
    }
    if (index % KL_SLOTS_CHUNK == 0 && slots->chunks[index / KL_SLOTS_CHUNK] == NULL) {
        void *chunk = chunk_new(slots);
        if (chunk == NULL) {
            return false;
        }
        kl_store_relaxed(&slots->chunks[index / KL_SLOTS_CHUNK], chunk);
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
