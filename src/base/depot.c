#include "depot.h"

#include "alloc.h"
#include "depot_inside.h"
#include "sanitize.h"

#include <string.h>

enum {
    BATCH_BYTES = 16 * 1024, // of large blocks fewer travel together
    SLAB_BYTES_FIRST = 16 * 1024,
    SLAB_BYTES_MOST = KL_HUGE_PAGE,
};

struct kl_depot kl_depots[KL_DEPOT_CLASSES];

static uint32_t batch_blocks(unsigned size_class);
static uint32_t take_singles(
        struct kl_depot *depot, unsigned size_class, void **ret_blocks, uint32_t count);
static bool add_slab(struct kl_depot *depot, unsigned size_class);
static struct kl_depot_batch *get_carrier(
        struct kl_depot *depot, struct kl_depot_cache *cache);

void kl_depot_open(struct kl_depot_cache caches[KL_DEPOT_CLASSES])
{
    for (unsigned i = 0; i < KL_DEPOT_CLASSES; i++) {
        caches[i].capacity = kl_depot_is_plain() ? 0 : 2 * batch_blocks(i);
    }
}

void kl_depot_close(struct kl_depot_cache caches[KL_DEPOT_CLASSES])
{
    for (unsigned i = 0; i < KL_DEPOT_CLASSES; i++) {
        while (caches[i].count > 0) {
            kl_depot_drain(i, &caches[i], batch_blocks(i));
        }
        kl_free(caches[i].carrier, sizeof *caches[i].carrier);
        caches[i].carrier = NULL;
    }
}

bool kl_depot_fill(unsigned size_class, struct kl_depot_cache *cache)
{
    struct kl_depot *depot = &kl_depots[size_class];
    do {
        uint32_t count = 0;
        kl_lock_take(&depot->lock);
        struct kl_depot_batch *batch = depot->full;
        if (batch != NULL) {
            depot->full = batch->next;
            depot->blocks_out += batch->count;
            if (cache->carrier != NULL) {
                cache->carrier->next = depot->empty;
                depot->empty = cache->carrier;
            }
        } else {
            count = take_singles(depot, size_class, cache->slots, batch_blocks(size_class));
        }
        kl_lock_give(&depot->lock);
        if (batch != NULL) {
            count = batch->count;
            memcpy(cache->slots, batch->slots, count * sizeof batch->slots[0]);
            cache->carrier = batch;
        }
        if (count > 0) {
            kl_store_relaxed(&cache->count, count);
            return true;
        }
    } while (add_slab(depot, size_class));
    return false;
}

void kl_depot_drain(unsigned size_class, struct kl_depot_cache *cache, uint32_t count)
{
    struct kl_depot *depot = &kl_depots[size_class];
    if (count > cache->count) {
        count = cache->count;
    }
    void **blocks = &cache->slots[cache->count - count];
    struct kl_depot_batch *batch = get_carrier(depot, cache);
    if (batch != NULL) {
        memcpy(batch->slots, blocks, count * sizeof blocks[0]);
        batch->count = count;
    }
    kl_lock_take(&depot->lock);
    if (batch != NULL) {
        batch->next = depot->full;
        depot->full = batch;
        cache->carrier = depot->empty;
        if (depot->empty != NULL) {
            depot->empty = depot->empty->next;
        }
    }
    for (uint32_t i = 0; batch == NULL && i < count; i++) {
        *(void **)blocks[i] = depot->loose;
        depot->loose = blocks[i];
    }
    depot->blocks_out -= count;
    kl_lock_give(&depot->lock);
    kl_store_relaxed(&cache->count, cache->count - count);
}

void *kl_depot_take_one(unsigned size_class)
{
    struct kl_depot_cache *cache = kl_alloc_zero(sizeof *cache);
    if (cache == NULL) {
        return NULL;
    }
    void *block = NULL;
    if (kl_depot_fill(size_class, cache)) {
        block = cache->slots[--cache->count];
    }
    while (cache->count > 0) {
        kl_depot_drain(size_class, cache, cache->count);
    }
    kl_free(cache->carrier, sizeof *cache->carrier);
    kl_free(cache, sizeof *cache);
    return block;
}

void kl_depot_give_one(unsigned size_class, void *block)
{
    struct kl_depot *depot = &kl_depots[size_class];
    kl_lock_take(&depot->lock);
    *(void **)block = depot->loose;
    depot->loose = block;
    depot->blocks_out--;
    kl_lock_give(&depot->lock);
}

int64_t kl_depot_blocks_out(unsigned size_class)
{
    struct kl_depot *depot = &kl_depots[size_class];
    kl_lock_take(&depot->lock);
    int64_t blocks = depot->blocks_out;
    kl_lock_give(&depot->lock);
    return blocks;
}

bool kl_depot_is_plain(void)
{
#if KL_ASAN || KL_TSAN || defined(KL_POOL_PLAIN)
    return true;
#elif defined(KL_CALLGRIND)
    return false; // callgrind is to count what a release does
#else
    return kl_on_valgrind();
#endif
}

static uint32_t batch_blocks(unsigned size_class)
{
    size_t blocks = BATCH_BYTES / kl_depot_class_bytes(size_class);
    return blocks < KL_DEPOT_BATCH_BLOCKS ? (uint32_t)blocks : KL_DEPOT_BATCH_BLOCKS;
}

// Takes up to `count` loose blocks, else as many new ones from a slab with room.
static uint32_t take_singles(
        struct kl_depot *depot, unsigned size_class, void **ret_blocks, uint32_t count)
{
    size_t bytes = kl_depot_class_bytes(size_class);
    uint32_t taken = 0;
    while (depot->loose != NULL && taken < count) {
        ret_blocks[taken++] = depot->loose;
        depot->loose = *(void **)depot->loose;
    }
    while (taken == 0 && depot->open != NULL) {
        struct kl_depot_slab *slab = depot->open;
        while (taken < count && slab->cursor < slab->limit) {
            ret_blocks[taken++] = slab->cursor;
            slab->cursor += bytes;
            slab->carved++;
        }
        if (slab->cursor == slab->limit) {
            depot->open = slab->next_open;
        }
    }
    depot->blocks_out += taken;
    return taken;
}

// Outside the lock, since the host's hook may take its time.
static bool add_slab(struct kl_depot *depot, unsigned size_class)
{
    size_t block_bytes = kl_depot_class_bytes(size_class);
    kl_lock_take(&depot->lock);
    size_t bytes = depot->slab_bytes > 0 ? depot->slab_bytes : SLAB_BYTES_FIRST;
    kl_lock_give(&depot->lock);

    struct kl_depot_slab *slab = kl_alloc_pages(bytes);
    if (slab == NULL) {
        return false;
    }
    uintptr_t first = ((uintptr_t)(slab + 1) + KL_CACHE_LINE - 1) &
                      -(uintptr_t)KL_CACHE_LINE;
    size_t blocks = ((uintptr_t)slab + bytes - first) / block_bytes;
    *slab = (struct kl_depot_slab){.bytes = bytes, .cursor = (char *)first};
    slab->limit = slab->cursor + blocks * block_bytes;

    kl_lock_take(&depot->lock);
    slab->next = depot->slabs;
    depot->slabs = slab;
    slab->next_open = depot->open;
    depot->open = slab;
    depot->slab_bytes = bytes < SLAB_BYTES_MOST ? 2 * bytes : bytes;
    kl_lock_give(&depot->lock);
    return true;
}

// The cache's own carrier, an empty one of the depot, or a new one; NULL when memory is
// exhausted, and then blocks go loose.
static struct kl_depot_batch *get_carrier(
        struct kl_depot *depot, struct kl_depot_cache *cache)
{
    struct kl_depot_batch *batch = cache->carrier;
    cache->carrier = NULL;
    if (batch == NULL) {
        kl_lock_take(&depot->lock);
        batch = depot->empty;
        if (batch != NULL) {
            depot->empty = batch->next;
        }
        kl_lock_give(&depot->lock);
    }
    return batch != NULL ? batch : kl_alloc(sizeof *batch);
}
