#include "pool.h"

#include "alloc.h"
#include "cpu.h"
#include "thread.h"

static void *alloc_past_caches(struct kl_thread *thread, size_t bytes);
static void count_past_caches(struct kl_thread *thread, int64_t bytes);

void *kl_pool_alloc_any(size_t bytes)
{
    return bytes > KL_POOL_MAX ? kl_pool_alloc_slowly(bytes) : kl_pool_alloc_small(bytes);
}

void kl_pool_free_any(void *block, size_t bytes)
{
    if (bytes > KL_POOL_MAX || block == NULL) {
        kl_pool_free_slowly(block, bytes);
    } else {
        kl_pool_free_small(block, bytes);
    }
}

void kl_pool_expect(size_t bytes)
{
    struct kl_thread *thread = kl_here()->thread;
    if (thread == NULL || bytes > KL_POOL_MAX) {
        return;
    }
    struct kl_depot_cache *cache = &thread->caches[kl_depot_class(bytes)];
    if (cache->count > 0) {
        const char *block = cache->slots[cache->count - 1];
        for (size_t i = 0; i < bytes; i += KL_CACHE_LINE) {
            kl_cpu_prefetch_write(block + i);
        }
    }
}

void kl_pool_flush(void)
{
    struct kl_thread *thread = kl_here()->thread;
    if (thread != NULL) {
        kl_depot_close(thread->caches);
    }
}

size_t kl_pool_trim(void)
{
    kl_pool_flush();
    kl_depot_trim();
    int64_t bytes = kl_thread_sum_pool_bytes();
    for (unsigned i = 0; i < KL_DEPOT_CLASSES; i++) {
        int64_t blocks = kl_depot_blocks_out(i) - kl_thread_sum_cached(i);
        bytes += blocks * (int64_t)kl_depot_class_bytes(i);
    }
    // Other threads may have moved blocks between the two sums.
    return bytes > 0 ? (size_t)bytes : 0;
}

void *kl_pool_alloc_slowly(size_t bytes)
{
    struct kl_thread *thread = kl_thread_get();
    if (bytes > KL_POOL_MAX || kl_depot_is_plain()) {
        return alloc_past_caches(thread, bytes);
    }
    unsigned size_class = kl_depot_class(bytes);
    if (thread == NULL) {
        return kl_depot_take_one(size_class);
    }
    struct kl_depot_cache *cache = &thread->caches[size_class];
    if (cache->count == 0 && !kl_depot_fill(size_class, cache)) {
        return NULL;
    }
    kl_store_relaxed(&cache->count, cache->count - 1);
    return cache->slots[cache->count];
}

void kl_pool_free_slowly(void *block, size_t bytes)
{
    struct kl_thread *thread = kl_thread_get();
    if (block == NULL) {
        return;
    }
    if (bytes > KL_POOL_MAX || kl_depot_is_plain()) {
        kl_free(block, bytes);
        count_past_caches(thread, -(int64_t)bytes);
        return;
    }
    unsigned size_class = kl_depot_class(bytes);
    if (thread == NULL) {
        kl_depot_give_one(size_class, block);
        return;
    }
    struct kl_depot_cache *cache = &thread->caches[size_class];
    if (cache->count >= cache->capacity) {
        kl_depot_drain(size_class, cache, cache->capacity / 2);
    }
    cache->slots[cache->count] = block;
    kl_store_relaxed(&cache->count, cache->count + 1);
}

static void *alloc_past_caches(struct kl_thread *thread, size_t bytes)
{
    void *block = kl_alloc(bytes);
    if (block != NULL) {
        count_past_caches(thread, (int64_t)bytes);
    }
    return block;
}

static void count_past_caches(struct kl_thread *thread, int64_t bytes)
{
    if (thread != NULL) {
        kl_thread_count(&thread->pool_bytes, bytes);
    } else {
        kl_add_relaxed(&kl_thread_rest.pool_bytes, bytes);
    }
}
