#include "alloc.h"
#include "depot_inside.h"

#include <stdlib.h>

// What a trim has taken out of a depot.
struct haul {
    struct kl_depot_batch *full, *empty;
    void *loose;
    struct kl_depot_slab *slabs;
    struct kl_depot_slab **sorted; // by address
    size_t slab_count;
};

static void trim(struct kl_depot *depot);
static bool sort_slabs(struct haul *haul);
static int compare_slabs(const void *a, const void *b);
static void count_idle(struct haul *haul);
static void drop_idle_blocks(struct haul *haul);
static void free_idle_slabs(struct haul *haul);
static void put_back(struct kl_depot *depot, struct haul *haul);

void kl_depot_trim(void)
{
    for (unsigned i = 0; i < KL_DEPOT_CLASSES; i++) {
        trim(&kl_depots[i]);
    }
}

// Takes everything out of the depot, so that the work is done without its lock. Meanwhile
// other threads carve from new slabs. Blocks of a slab that is not in the haul (a second
// trim may have it) are kept.
static void trim(struct kl_depot *depot)
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
    for (struct kl_depot_slab *slab = haul->slabs; slab != NULL; slab = slab->next) {
        slab->idle = 0;
        haul->slab_count++;
    }
    haul->sorted = kl_alloc(haul->slab_count * sizeof haul->sorted[0]);
    if (haul->sorted == NULL) {
        return false;
    }
    size_t i = 0;
    for (struct kl_depot_slab *slab = haul->slabs; slab != NULL; slab = slab->next) {
        haul->sorted[i++] = slab;
    }
    qsort(haul->sorted, haul->slab_count, sizeof haul->sorted[0], compare_slabs);
    return true;
}

static int compare_slabs(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t) * (struct kl_depot_slab *const *)a;
    uintptr_t right = (uintptr_t) * (struct kl_depot_slab *const *)b;
    return (left > right) - (left < right);
}

static struct kl_depot_slab *find_slab(const struct haul *haul, const void *block)
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
    struct kl_depot_slab *slab = low > 0 ? haul->sorted[low - 1] : NULL;
    bool inside = slab != NULL && (uintptr_t)block < (uintptr_t)slab + slab->bytes;
    return inside ? slab : NULL;
}

static bool is_idle(const struct kl_depot_slab *slab)
{
    return slab->idle == slab->carved;
}

static void count_idle(struct haul *haul)
{
    struct kl_depot_slab *slab;
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
    struct kl_depot_slab *slab;
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
    struct kl_depot_slab **link = &haul->slabs;
    while (*link != NULL) {
        struct kl_depot_slab *slab = *link;
        if (is_idle(slab)) {
            *link = slab->next;
            kl_free_pages(slab, slab->bytes);
        } else {
            link = &slab->next;
        }
    }
}

static void put_back(struct kl_depot *depot, struct haul *haul)
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
        struct kl_depot_slab *slab = haul->slabs;
        haul->slabs = slab->next;
        slab->next = depot->slabs;
        depot->slabs = slab;
        if (slab->cursor < slab->limit) {
            slab->next_open = depot->open;
            depot->open = slab;
        }
    }
    if (depot->slabs == NULL) {
        depot->slab_bytes = 0;
    }
    kl_lock_give(&depot->lock);
}
