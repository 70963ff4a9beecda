#include "heap.h"

#include <pthread.h>

// The heap of a thread on which no process runs, and what happens when one is exhausted.

enum { LENT_BYTES = 4096 };

// A thread's own heap, for code that runs outside a process.
static __thread struct kl_heap own __attribute__((tls_model("initial-exec")));
static __thread bool own_made __attribute__((tls_model("initial-exec")));

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool key_made;

void (*kl_heap_exhausted)(struct kl_heap *heap);

static void free_own(void *lent)
{
    own_made = false;
    kl_heap_done(&own);
    kl_free(lent, LENT_BYTES);
}

static void make_key(void)
{
    key_made = pthread_key_create(&key, free_own) == 0;
}

static void make_own(void)
{
    pthread_once(&key_once, make_key);
    own_made = true;
    // Without a key, or without memory, the heap starts without lent memory: what a thread
    // leaves behind in chunks is then not given back when it ends.
    void *lent = key_made ? kl_alloc(LENT_BYTES) : NULL;
    if (lent && pthread_setspecific(key, lent) != 0) {
        kl_free(lent, LENT_BYTES);
        lent = NULL;
    }
    kl_heap_init(&own, lent, LENT_BYTES);
}

struct kl_heap *kl_heap_own(void)
{
    if (!own_made) {
        make_own();
    }
    return &own;
}

void kl_heap_refuse(struct kl_heap *heap)
{
    if (heap == kl_here()->heap && heap->quiet == 0 && kl_heap_exhausted) {
        kl_heap_exhausted(heap);
    }
}
