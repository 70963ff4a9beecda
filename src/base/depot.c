#include "depot.h"

#include "alloc.h"
#include "atomic.h"
#include "lock.h"
#include "sanitize.h"

#include <stdlib.h>
#include <string.h>

enum {
    BATCH_BLOCKS = KL_DEPOT_SLOTS / 2,
    BATCH_BYTES = 16 * 1024, // of large blocks fewer travel together
    SLAB_BYTES_FIRST = 16 * 1024,
    SLAB_BYTES_MOST = 1024 * 1024,
};

// Pointers to free blocks on their way from one thread to another.
struct kl_depot_batch {
    struct kl_depot_batch *next;
    uint32_t count;
    void *slots[BATCH_BLOCKS];
};

// Lies at the beginning of its own memory.
struct slab {
    struct slab *next; // in the depot's list of all slabs
    struct slab *next_open; // in the list of slabs with room
    size_t bytes;
    char *cursor; // the next block to carve
    char *limit; // behind the last one
    size_t carved; // blocks
    size_t idle; // scratch of kl_depot_trim()
};

// What the depot holds of one size. One cache line and a lock each, since threads that
// exchange messages of one size have nothing to do with those of another.
struct depot {
    struct kl_lock lock;
    struct kl_depot_batch *full; // last in, first out: the warmest first
    struct kl_depot_batch *empty; // carriers without blocks
    void *loose; // single blocks, chained through their first word
    struct slab *slabs;
    struct slab *open;
    size_t slab_bytes; // of the next slab
    int64_t blocks_out; // carved and not here
} __attribute__((aligned(KL_CACHE_LINE)));

static struct depot depots[KL_DEPOT_CLASSES];

// What a trim has taken out of a depot.
struct haul {
    struct kl_depot_batch *full, *empty;
    void *loose;
    struct slab *slabs;
    struct slab **sorted; // by address
    size_t slab_count;
};

static uint32_t batch_blocks(unsigned size_class);
static uint32_t take_singles(
        struct depot *depot, unsigned size_class, void **ret_blocks, uint32_t count);
static bool add_slab(struct depot *depot, unsigned size_class);
static struct kl_depot_batch *get_carrier(
        struct depot *depot, struct kl_depot_cache *cache);
static void trim(struct depot *depot);
static bool sort_slabs(struct haul *haul);
static int compare_slabs(const void *a, const void *b);
static void count_idle(struct haul *haul);
static void drop_idle_blocks(struct haul *haul);
static void free_idle_slabs(struct haul *haul);
static void put_back(struct depot *depot, struct haul *haul);

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
    struct depot *depot = &depots[size_class];
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
    struct depot *depot = &depots[size_class];
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
    struct depot *depot = &depots[size_class];
    kl_lock_take(&depot->lock);
    *(void **)block = depot->loose;
    depot->loose = block;
    depot->blocks_out--;
    kl_lock_give(&depot->lock);
}

void kl_depot_trim(void)
{
    for (unsigned i = 0; i < KL_DEPOT_CLASSES; i++) {
        trim(&depots[i]);
    }
}

int64_t kl_depot_blocks_out(unsigned size_class)
{
    struct depot *depot = &depots[size_class];
    kl_lock_take(&depot->lock);
    int64_t blocks = depot->blocks_out;
    kl_lock_give(&depot->lock);
    return blocks;
}

bool kl_depot_is_plain(void)
{
#if KL_ASAN || KL_TSAN || defined(KL_POOL_PLAIN)
    return true;
#else
    return false;
#endif
}

static uint32_t batch_blocks(unsigned size_class)
{
    size_t blocks = BATCH_BYTES / kl_depot_class_bytes(size_class);
    return blocks < BATCH_BLOCKS ? (uint32_t)blocks : BATCH_BLOCKS;
}

// Takes up to `count` loose blocks, else as many new ones from a slab with room.
static uint32_t take_singles(
        struct depot *depot, unsigned size_class, void **ret_blocks, uint32_t count)
{
    size_t bytes = kl_depot_class_bytes(size_class);
    uint32_t taken = 0;
    while (depot->loose != NULL && taken < count) {
        ret_blocks[taken++] = depot->loose;
        depot->loose = *(void **)depot->loose;
    }
    while (taken == 0 && depot->open != NULL) {
        struct slab *slab = depot->open;
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
static bool add_slab(struct depot *depot, unsigned size_class)
{
    size_t block_bytes = kl_depot_class_bytes(size_class);
    kl_lock_take(&depot->lock);
    size_t bytes = depot->slab_bytes > 0 ? depot->slab_bytes : SLAB_BYTES_FIRST;
    kl_lock_give(&depot->lock);

    struct slab *slab = kl_alloc_pages(bytes);
    if (slab == NULL) {
        return false;
    }
    uintptr_t first = ((uintptr_t)(slab + 1) + KL_CACHE_LINE - 1) &
                      -(uintptr_t)KL_CACHE_LINE;
    size_t blocks = ((uintptr_t)slab + bytes - first) / block_bytes;
    *slab = (struct slab){.bytes = bytes, .cursor = (char *)first};
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
static struct kl_depot_batch *get_carrier(struct depot *depot, struct kl_depot_cache *cache)
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

// --- trimming ---

// Takes everything out of the depot, so that the work is done without its lock. Meanwhile
// other threads carve from new slabs. Blocks of a slab that is not in the haul (a second
// trim may have it) are kept.
static void trim(struct depot *depot)
{
    struct haul haul = {0};
    kl_lock_take(&depot->lock);
    haul.full = depot->full;
    haul.empty = depot->empty;
    haul.loose = depot->loose;
    haul.slabs = depot->slabs;
    depot->full = depot->empty = NULL;
    depot->loose = NULL;
    depot->slabs = depot->open = NULL;
    kl_lock_give(&depot->lock);

    if (sort_slabs(&haul)) {
        count_idle(&haul);
        drop_idle_blocks(&haul);
        free_idle_slabs(&haul);
        kl_free(haul.sorted, haul.slab_count * sizeof haul.sorted[0]);
    }
    while (haul.empty != NULL) {
        struct kl_depot_batch *batch = haul.empty;
        haul.empty = batch->next;
        kl_free(batch, sizeof *batch);
    }
    put_back(depot, &haul);
}

// False when memory is exhausted: then nothing is freed.
static bool sort_slabs(struct haul *haul)
{
    for (struct slab *slab = haul->slabs; slab != NULL; slab = slab->next) {
        slab->idle = 0;
        haul->slab_count++;
    }
    haul->sorted = kl_alloc(haul->slab_count * sizeof haul->sorted[0]);
    if (haul->sorted == NULL) {
        return false;
    }
    size_t i = 0;
    for (struct slab *slab = haul->slabs; slab != NULL; slab = slab->next) {
        haul->sorted[i++] = slab;
    }
    qsort(haul->sorted, haul->slab_count, sizeof haul->sorted[0], compare_slabs);
    return true;
}

static int compare_slabs(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t) * (struct slab *const *)a;
    uintptr_t right = (uintptr_t) * (struct slab *const *)b;
    return (left > right) - (left < right);
}

static struct slab *find_slab(const struct haul *haul, const void *block)
{
    size_t low = 0;
    size_t high = haul->slab_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((uintptr_t)haul->sorted[middle] <= (uintptr_t)block) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    struct slab *slab = low > 0 ? haul->sorted[low - 1] : NULL;
    bool inside = slab != NULL && (uintptr_t)block < (uintptr_t)slab + slab->bytes;
    return inside ? slab : NULL;
}

static bool is_idle(const struct slab *slab)
{
    return slab->idle == slab->carved;
}

static void count_idle(struct haul *haul)
{
    struct slab *slab;
    for (struct kl_depot_batch *batch = haul->full; batch != NULL; batch = batch->next) {
        for (uint32_t i = 0; i < batch->count; i++) {
            if ((slab = find_slab(haul, batch->slots[i])) != NULL) {
                slab->idle++;
            }
        }
    }
    for (void *block = haul->loose; block != NULL; block = *(void **)block) {
        if ((slab = find_slab(haul, block)) != NULL) {
            slab->idle++;
        }
    }
}

// Forgets the blocks of the slabs that are about to go; carriers that are left empty join
// the others.
static void drop_idle_blocks(struct haul *haul)
{
    struct slab *slab;
    struct kl_depot_batch **link = &haul->full;
    while (*link != NULL) {
        struct kl_depot_batch *batch = *link;
        uint32_t kept = 0;
        for (uint32_t i = 0; i < batch->count; i++) {
            slab = find_slab(haul, batch->slots[i]);
            if (slab == NULL || !is_idle(slab)) {
                batch->slots[kept++] = batch->slots[i];
            }
        }
        batch->count = kept;
        if (kept > 0) {
            link = &batch->next;
        } else {
            *link = batch->next;
            batch->next = haul->empty;
            haul->empty = batch;
        }
    }
    void **block = &haul->loose;
    while (*block != NULL) {
        slab = find_slab(haul, *block);
        if (slab != NULL && is_idle(slab)) {
            *block = *(void **)*block;
        } else {
            block = *block;
        }
    }
}

static void free_idle_slabs(struct haul *haul)
{
    struct slab **link = &haul->slabs;
    while (*link != NULL) {
        struct slab *slab = *link;
        if (is_idle(slab)) {
            *link = slab->next;
            kl_free_pages(slab, slab->bytes);
        } else {
            link = &slab->next;
        }
    }
}

static void put_back(struct depot *depot, struct haul *haul)
{
    kl_lock_take(&depot->lock);
    while (haul->full != NULL) {
        struct kl_depot_batch *batch = haul->full;
        haul->full = batch->next;
        batch->next = depot->full;
        depot->full = batch;
    }
    while (haul->loose != NULL) {
        void *block = haul->loose;
        haul->loose = *(void **)block;
        *(void **)block = depot->loose;
        depot->loose = block;
    }
    while (haul->slabs != NULL) {
        struct slab *slab = haul->slabs;
        haul->slabs = slab->next;
        slab->next = depot->slabs;
        depot->slabs = slab;
        if (slab->cursor < slab->limit) {
            slab->next_open = depot->open;
            depot->open = slab;
        }
    }
    if (depot->slabs == NULL) {
        depot->slab_bytes = SLAB_BYTES_FIRST;
    }
    kl_lock_give(&depot->lock);
}
