#include "directory.h"

#include <stdlib.h>
#include <string.h>

static struct kl_slot *new_slot(size_t bytes);

static struct kl_slot **bucket_of(struct kl_directory *directory, keel_term name)
{
    return &directory->bucket[keel_hash(name) % KL_DIRECTORY_BUCKETS];
}

void *kl_directory_find(struct kl_directory *directory, keel_term name)
{
    if (!keel_is_atom(name)) {
        return NULL;
    }
    // Pairs with the store in kl_directory_add: who sees the slot sees its name.
    struct kl_slot *slot = __atomic_load_n(bucket_of(directory, name), __ATOMIC_ACQUIRE);
    while (slot != NULL && slot->name.word != name.word) {
        slot = slot->next;
    }
    return slot;
}

void *kl_directory_add(struct kl_directory *directory, keel_term name)
{
    struct kl_slot **bucket = bucket_of(directory, name);
    pthread_mutex_lock(&directory->lock);
    struct kl_slot *slot = kl_directory_find(directory, name);
    if (slot == NULL && (slot = new_slot(directory->bytes)) != NULL) {
        slot->name = name;
        slot->next = *bucket;
        __atomic_store_n(bucket, slot, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&directory->lock);
    return slot;
}

// Zeroed; slots begin on a cache line of their own.
static struct kl_slot *new_slot(size_t bytes)
{
    enum { LINE = 64 };
    size_t whole = (bytes + LINE - 1) / LINE * LINE;
    struct kl_slot *slot = aligned_alloc(LINE, whole);
    if (slot != NULL) {
        memset(slot, 0, whole);
    }
    return slot;
}
