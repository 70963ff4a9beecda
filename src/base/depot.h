#ifndef KL_BASE_DEPOT_H
#define KL_BASE_DEPOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Where the pool's threads exchange free blocks, and where new ones are carved from slabs.
// Private to the room.

// Sizes: steps of 16 bytes up to 256, then of 64 up to KL_POOL_MAX.
enum { KL_DEPOT_CLASSES = 28, KL_DEPOT_SLOTS = 128 };

// One thread's free blocks of one size. Pointers lie in an array and not in the blocks:
// to take a block must not cost a read of memory that another core wrote last.
struct kl_depot_cache {
    uint32_t count; // slots in use; written by the owner, read by whoever sums up
    uint32_t capacity; // 0: nothing is ever cached (sanitizers, Valgrind)
    struct kl_depot_batch *carrier; // an empty batch kept for the next exchange, or NULL
    void *slots[KL_DEPOT_SLOTS];
};

static inline unsigned kl_depot_class(size_t bytes)
{
    unsigned steps = (unsigned)((bytes + 15) / 16);
    return steps <= 16 ? steps - (steps > 0) : 12 + (steps - 1) / 4;
}

static inline size_t kl_depot_class_bytes(unsigned size_class)
{
    return size_class < 16 ? (size_class + 1) * 16 : (size_class - 11) * 64;
}

// Prepares the zeroed caches of a new thread, and gives everything back at its end.
void kl_depot_open(struct kl_depot_cache caches[KL_DEPOT_CLASSES]);
void kl_depot_close(struct kl_depot_cache caches[KL_DEPOT_CLASSES]);

// Fills an empty cache with some blocks; false when memory is exhausted.
bool kl_depot_fill(unsigned size_class, struct kl_depot_cache *cache);
// Takes some blocks (`count` at most) from the cache's end; cannot fail.
void kl_depot_drain(unsigned size_class, struct kl_depot_cache *cache, uint32_t count);

// For threads without a cache: one block. NULL when memory is exhausted.
void *kl_depot_take_one(unsigned size_class);
void kl_depot_give_one(unsigned size_class, void *block);

// Frees the slabs whose blocks all lie in the depot.
void kl_depot_trim(void);
// How many blocks of a class are in use or in some thread's cache.
int64_t kl_depot_blocks_out(unsigned size_class);

// True where every block comes from kl_alloc, so that a checker sees its misuse.
bool kl_depot_is_plain(void);

#endif // KL_BASE_DEPOT_H
