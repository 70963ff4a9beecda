#ifndef KL_PROC_SLOTS_H
#define KL_PROC_SLOTS_H

#include "base/base.h"
#include <stdbool.h>

// Records of one size in chunks that never move and are not given back while the runtime
// runs, so that a stale index may always be looked at. Used for processes, timers and
// aliases. The owner of a table keeps a generation in each record to tell its tenants
// apart. Each thread keeps a few free indexes per table.
struct kl_slots {
    size_t record_bytes;
    uint32_t max; // records
    struct kl_lock lock; // guards free_list and chunk creation
    uint32_t free_head; // index + 1 of the first free record, linked through *link
    uint32_t used; // records ever handed out, atomic
    void **chunks; // atomic entries
    size_t chunk_count;
    uint32_t *(*link)(void *record); // where a free record holds the next one's index + 1
    void (*prepare)(void *record, uint32_t index); // once, when the record is first used
    unsigned number; // 0 to 2: which of a thread's caches
    uint32_t epoch; // of the thread caches: indexes of an earlier start are forgotten
};
enum { KL_SLOTS_CHUNK = 1024, KL_SLOTS_TABLES = 3 };

// False when memory is exhausted.
bool kl_slots_start(struct kl_slots *slots);
void kl_slots_stop(struct kl_slots *slots);
// A free record, or NULL at the limit or without memory.
void *kl_slots_take(struct kl_slots *slots);
void kl_slots_give(struct kl_slots *slots, void *record, uint32_t index);

// The record with `index`, NULL when it was never used.
static inline void *kl_slots_at(const struct kl_slots *slots, uint32_t index)
{
    if (index >= kl_load_acquire(&slots->used)) { // pairs with the release in take
        return NULL;
    }
    char *chunk = kl_load_relaxed(&slots->chunks[index / KL_SLOTS_CHUNK]);
    return chunk + (size_t)(index % KL_SLOTS_CHUNK) * slots->record_bytes;
}

#endif // KL_PROC_SLOTS_H
