#include "alloc.h"

#include "atomic.h"
#include "sanitize.h"
#include "thread.h"

#include <keel/alloc.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// The hooks may change until the first allocation has read them.
enum { DOOR_OPEN, DOOR_CHANGING, DOOR_SEALED };
static uint32_t door;

static void *allocate_default(void *context, size_t bytes);
static void *reallocate_default(void *context, void *memory, size_t old, size_t bytes);
static void release_default(void *context, void *memory, size_t bytes);

static const keel_allocator defaults = {
        .allocate = allocate_default,
        .reallocate = reallocate_default,
        .release = release_default,
};
static keel_allocator hooks = {
        .allocate = allocate_default,
        .reallocate = reallocate_default,
        .release = release_default,
};

static const keel_allocator *get_hooks(void);
static bool is_default(const keel_allocator *from);
static void account(int64_t bytes);
static void *map(size_t bytes);
static void *alloc_aligned(size_t bytes);
static void free_aligned(void *memory, size_t bytes);
static size_t at_least_one(size_t bytes)
{
    return bytes > 0 ? bytes : 1;
}

keel_status keel_allocator_set(const keel_allocator *allocator)
{
    if (allocator == NULL) {
        allocator = &defaults;
    }
    if (allocator->allocate == NULL || allocator->reallocate == NULL ||
            allocator->release == NULL) {
        return KEEL_E_BADARG;
    }
    uint32_t expected = DOOR_OPEN;
    while (!kl_cas_acq_rel(&door, &expected, DOOR_CHANGING)) {
        if (expected == DOOR_SEALED) {
            return KEEL_E_RUNNING;
        }
        kl_cpu_relax();
        expected = DOOR_OPEN;
    }
    hooks = *allocator;
    // Pairs with the exchange in seal(): whoever allocates sees the whole struct.
    kl_store_release(&door, DOOR_OPEN);
    return KEEL_OK;
}

int64_t keel_memory_used(void)
{
    return kl_thread_sum_alloc_bytes();
}

void *kl_alloc(size_t bytes)
{
    bytes = at_least_one(bytes);
    const keel_allocator *from = get_hooks();
    void *memory = from->allocate(from->context, bytes);
    if (memory != NULL) {
        account((int64_t)bytes);
    }
    return memory;
}

void *kl_alloc_zero(size_t bytes)
{
    if (!is_default(get_hooks())) {
        void *memory = kl_alloc(bytes);
        return memory != NULL ? memset(memory, 0, at_least_one(bytes)) : NULL;
    }
    // calloc knows which pages are fresh and leaves them untouched.
    bytes = at_least_one(bytes);
    void *memory = calloc(1, bytes);
    if (memory != NULL) {
        account((int64_t)bytes);
    }
    return memory;
}

void *kl_realloc(void *memory, size_t old_bytes, size_t new_bytes)
{
    if (memory == NULL) {
        return kl_alloc(new_bytes);
    }
    old_bytes = at_least_one(old_bytes);
    new_bytes = at_least_one(new_bytes);
    const keel_allocator *from = get_hooks();
    void *moved = from->reallocate(from->context, memory, old_bytes, new_bytes);
    if (moved != NULL) {
        account((int64_t)new_bytes - (int64_t)old_bytes);
    }
    return moved;
}

void kl_free(void *memory, size_t bytes)
{
    if (memory == NULL) {
        return;
    }
    bytes = at_least_one(bytes);
    const keel_allocator *from = get_hooks();
    from->release(from->context, memory, bytes);
    account(-(int64_t)bytes);
}

void *kl_alloc_pages(size_t bytes)
{
    if (!is_default(get_hooks())) {
        return alloc_aligned(bytes);
    }
    void *memory = map(bytes);
    if (memory != NULL) {
        account((int64_t)bytes);
    }
    return memory;
}

void kl_free_pages(void *memory, size_t bytes)
{
    if (memory == NULL) {
        return;
    }
    if (!is_default(get_hooks())) {
        free_aligned(memory, bytes);
    } else {
        // Whoever maps memory here next knows nothing of what was poisoned.
        kl_unpoison(memory, bytes);
        munmap(memory, bytes);
        account(-(int64_t)bytes);
    }
}

static void *map(size_t bytes)
{
    size_t spare = bytes % KL_HUGE_PAGE == 0 ? KL_HUGE_PAGE : 0;
    char *memory = mmap(NULL, bytes + spare, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    if (spare > 0) {
        size_t before = -(uintptr_t)memory % KL_HUGE_PAGE;
        if (before > 0) {
            munmap(memory, before);
        }
        memory += before;
        munmap(memory + bytes, spare - before);
        madvise(memory, bytes, MADV_HUGEPAGE); // it may have none to give
    }
    return memory;
}

// From the host's hooks, which align as malloc does. The byte before what is handed out
// says how far it lies from what was allocated.
static void *alloc_aligned(size_t bytes)
{
    unsigned char *memory = kl_alloc(bytes + KL_CACHE_LINE);
    if (memory == NULL) {
        return NULL;
    }
    size_t before = KL_CACHE_LINE - (uintptr_t)memory % KL_CACHE_LINE;
    memory[before - 1] = (unsigned char)before;
    return memset(memory + before, 0, bytes);
}

static void free_aligned(void *memory, size_t bytes)
{
    unsigned char *start = memory;
    kl_free(start - start[-1], bytes + KL_CACHE_LINE);
}

static void seal(void)
{
    uint32_t expected = DOOR_OPEN;
    while (!kl_cas_acq_rel(&door, &expected, DOOR_SEALED) && expected != DOOR_SEALED) {
        kl_cpu_relax(); // keel_allocator_set() is copying a struct on another thread
        expected = DOOR_OPEN;
    }
}

static const keel_allocator *get_hooks(void)
{
    // Pairs with seal() on another thread, which has seen keel_allocator_set()'s store.
    if (kl_load_acquire(&door) != DOOR_SEALED) {
        seal();
    }
    return &hooks;
}

static bool is_default(const keel_allocator *from)
{
    return from->allocate == allocate_default;
}

// Thread-local memory is touched here: not to be inlined, see thread.h.
__attribute__((noinline)) static void account(int64_t bytes)
{
    struct kl_thread *thread = kl_thread_get();
    if (thread != NULL) {
        kl_thread_count(&thread->alloc_bytes, bytes);
    } else {
        kl_add_relaxed(&kl_thread_rest.alloc_bytes, bytes);
    }
}

static void *allocate_default(void *context, size_t bytes)
{
    (void)context;
    return malloc(bytes);
}

static void *reallocate_default(void *context, void *memory, size_t old, size_t bytes)
{
    (void)context;
    (void)old;
    return realloc(memory, bytes);
}

static void release_default(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}
