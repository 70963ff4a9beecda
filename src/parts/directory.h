#ifndef KL_PARTS_DIRECTORY_H
#define KL_PARTS_DIRECTORY_H

#include <keel/term.h>
#include <pthread.h>

// What a name stands for, for clients that ask no process: from an atom to a slot of
// memory. A slot is made when the name is first used and never goes away, so it is found
// without a lock and may be held on to; what is in it comes and goes with the process of
// that name.

struct kl_slot {
    keel_term name; // an atom
    struct kl_slot *next;
};

enum { KL_DIRECTORY_BUCKETS = 64 };

struct kl_directory {
    pthread_mutex_t lock; // of who adds
    size_t bytes; // of a slot, which begins with struct kl_slot
    struct kl_slot *bucket[KL_DIRECTORY_BUCKETS]; // read without the lock
};

#define KL_DIRECTORY(type)                                                                 \
    {                                                                                      \
        .lock = PTHREAD_MUTEX_INITIALIZER, .bytes = sizeof(type)                           \
    }

// The slot of `name`, or NULL.
void *kl_directory_find(struct kl_directory *directory, keel_term name);
// The slot of `name`, made and zeroed when there is none; NULL: no memory.
void *kl_directory_add(struct kl_directory *directory, keel_term name);

#endif // KL_PARTS_DIRECTORY_H
