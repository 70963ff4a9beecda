#include "thread.h"

#include "alloc.h"
#include "lock.h"

#include <pthread.h>
#include <stdbool.h>

struct kl_thread_rest kl_thread_rest;

// Set while the record is being made, since that allocates and accounts itself, and again
// once the thread has begun to end: destructors of other keys may still free memory then,
// and a second record would be left in the list when the thread is gone.
static __thread bool shut __attribute__((tls_model("initial-exec")));

static struct kl_lock lock; // guards `threads`
static struct kl_link threads = {&threads, &threads};

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

static void make_key(void);
static void leave(void *record);

__attribute__((noinline)) struct kl_thread *kl_thread_make(void)
{
    if (shut) {
        return NULL;
    }
    pthread_once(&key_once, make_key);
    if (!has_key) {
        return NULL; // nobody would tell us of the thread's end
    }
    shut = true;
    struct kl_thread *thread = kl_alloc_zero(sizeof *thread);
    shut = false;
    if (thread == NULL) {
        return NULL;
    }
    if (pthread_setspecific(key, thread) != 0) {
        shut = true;
        kl_free(thread, sizeof *thread);
        shut = false;
        return NULL;
    }
    kl_depot_open(thread->caches);
    kl_lock_take(&lock);
    kl_ring_append(&threads, &thread->link);
    kl_lock_give(&lock);
    kl_here()->thread = thread;
    return thread;
}

int64_t kl_thread_sum_alloc_bytes(void)
{
    kl_lock_take(&lock);
    int64_t sum = kl_load_relaxed(&kl_thread_rest.alloc_bytes);
    for (struct kl_link *link = threads.next; link != &threads; link = link->next) {
        sum += kl_load_relaxed(&KL_CONTAINER(link, struct kl_thread, link)->alloc_bytes);
    }
    kl_lock_give(&lock);
    return sum;
}

int64_t kl_thread_sum_pool_bytes(void)
{
    kl_lock_take(&lock);
    int64_t sum = kl_load_relaxed(&kl_thread_rest.pool_bytes);
    for (struct kl_link *link = threads.next; link != &threads; link = link->next) {
        sum += kl_load_relaxed(&KL_CONTAINER(link, struct kl_thread, link)->pool_bytes);
    }
    kl_lock_give(&lock);
    return sum;
}

int64_t kl_thread_sum_cached(unsigned size_class)
{
    kl_lock_take(&lock);
    int64_t sum = 0;
    for (struct kl_link *link = threads.next; link != &threads; link = link->next) {
        struct kl_thread *thread = KL_CONTAINER(link, struct kl_thread, link);
        sum += kl_load_relaxed(&thread->caches[size_class].count);
    }
    kl_lock_give(&lock);
    return sum;
}

static void make_key(void)
{
    has_key = pthread_key_create(&key, leave) == 0;
}

// The thread ends: its blocks go to the depot, its counters to the rest.
static void leave(void *record)
{
    struct kl_thread *thread = record;
    kl_depot_close(thread->caches);
    shut = true;
    kl_here()->thread = NULL;
    kl_lock_take(&lock);
    kl_ring_remove(&thread->link);
    kl_add_relaxed(&kl_thread_rest.alloc_bytes, thread->alloc_bytes);
    kl_add_relaxed(&kl_thread_rest.pool_bytes, thread->pool_bytes);
    kl_lock_give(&lock);
    kl_free(thread, sizeof *thread);
}
