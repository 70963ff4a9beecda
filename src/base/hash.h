#ifndef KL_BASE_HASH_H
#define KL_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A map from 64-bit keys to pointers: links by pid, monitors by reference. Open addressing;
// grows and shrinks by itself, and owns no memory while it is empty. A zeroed struct is an
// empty map. Not for several threads at once.
struct kl_hash {
    struct kl_hash_entry *entries; // a power of two of them, or NULL
    uint32_t count;
    uint8_t bits; // log2 of how many entries there is room for; 0 when there is no table
    bool walking; // a walk is under way: entries may not move to another table
};

void kl_hash_init(struct kl_hash *hash);
// Frees the table, not the values.
void kl_hash_done(struct kl_hash *hash);

// Adds an entry, or replaces the value of one. `value` may not be NULL. Returns false when
// memory is exhausted; nothing has changed then. Ends a walk that was left early.
bool kl_hash_put(struct kl_hash *hash, uint64_t key, void *value);
// Returns the value, or NULL.
void *kl_hash_get(const struct kl_hash *hash, uint64_t key);
// Removes the entry and returns its value, or NULL when there was none. Cannot fail.
void *kl_hash_remove(struct kl_hash *hash, uint64_t key);

// Walks over all entries in no particular order:
//
//   struct kl_hash_cursor at = {0};
//   while (kl_hash_each(hash, &at)) { … at.key, at.value … }
//
// Within the loop the current entry may be removed, and nothing else may change.
struct kl_hash_cursor {
    uint64_t key;
    void *value;
    uint32_t start; // slot the walk began behind; it was free
    uint32_t left; // slots not visited yet
    bool begun;
};
bool kl_hash_each(struct kl_hash *hash, struct kl_hash_cursor *cursor);

#endif // KL_BASE_HASH_H
