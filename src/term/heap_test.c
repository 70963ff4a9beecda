#include "heap.h"

#include "testing/harness.h"
#include "value.h"
#include <keel/alloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

// What this thread holds, once it has what every thread gets with its first allocation.
static int64_t memory_used(void)
{
    kl_free(kl_alloc(8), 8);
    keel_float(0);
    return keel_memory_used();
}

static void *take(struct kl_heap *heap, size_t bytes)
{
    uint8_t *memory = kl_heap_alloc(heap, bytes);
    CHECK(memory != NULL);
    CHECK_INT((uintptr_t)memory % 8, 0);
    memset(memory, 0x5a, bytes);
    return memory;
}

TEST("a heap uses what it was lent first, then chunks, and gives these back")
{
    _Alignas(16) uint8_t lent[512];
    int64_t before = memory_used();
    struct kl_heap heap;
    kl_heap_init(&heap, lent, sizeof lent);
    uint8_t *first = take(&heap, 64);
    CHECK(first >= lent && first < lent + sizeof lent);
    for (int i = 0; i < 1000; i++) {
        take(&heap, 8 * (size_t)(1 + i % 50));
    }
    take(&heap, 1 << 20);
    CHECK(heap.bytes > 1 << 20);
    CHECK_INT(memory_used() - before, heap.bytes);
    kl_heap_reset(&heap);
    CHECK_INT(heap.bytes, 0);
    CHECK_INT(memory_used(), before);
    CHECK(take(&heap, 64) == first);
    kl_heap_done(&heap);
    memset(lent, 0, sizeof lent); // the owner's again
}

TEST("a heap that was lent nothing, or too little, works as well")
{
    uint64_t tiny[2];
    struct kl_heap heap;
    kl_heap_init(&heap, NULL, 0);
    take(&heap, 8);
    kl_heap_reset(&heap);
    CHECK_INT(heap.bytes, 0);
    take(&heap, 8);
    kl_heap_done(&heap);
    kl_heap_init(&heap, tiny, sizeof tiny);
    take(&heap, 8);
    kl_heap_done(&heap);
    kl_heap_done(&heap);
}

TEST("a heap does not grow over its limit")
{
    struct kl_heap heap;
    kl_heap_init(&heap, NULL, 0);
    heap.max_bytes = 10000;
    CHECK(kl_heap_alloc(&heap, 20000) == NULL);
    size_t got = 0;
    while (kl_heap_alloc(&heap, 400)) {
        got += 400;
    }
    CHECK(got > 8000 && got <= 10000);
    CHECK(heap.bytes <= 10000);
    CHECK(kl_heap_alloc(&heap, SIZE_MAX - 7) == NULL);
    kl_heap_reset(&heap);
    CHECK(kl_heap_alloc(&heap, 400) != NULL);
    kl_heap_done(&heap);
}

static jmp_buf exhausted;

static void leave(struct kl_heap *heap)
{
    CHECK(heap == kl_heap_current());
    longjmp(exhausted, 1);
}

TEST("exhaustion is told of the heap that is used, others and quiet ones return nothing")
{
    struct kl_heap heap;
    struct kl_heap other;
    kl_heap_init(&heap, NULL, 0);
    kl_heap_init(&other, NULL, 0);
    heap.max_bytes = other.max_bytes = 1;
    kl_heap_exhausted = leave;
    kl_heap_use(&heap);
    if (setjmp(exhausted) == 0) {
        keel_tuple_of(keel_int(1));
        CHECK(!"came back");
    }
    if (setjmp(exhausted) == 0) {
        keel_format("%200s", "");
        CHECK(!"came back");
    }
    CHECK(kl_heap_alloc(&other, 64) == NULL);
    CHECK(kl_heap_try_alloc(&heap, 64) == NULL);
    heap.quiet = 1;
    CHECK(kl_heap_alloc(&heap, 64) == NULL);
    CHECK(keel_is_none(keel_cons(keel_int(1), keel_nil())));
    CHECK(kl_heap_use(NULL) == &heap);
    kl_heap_current()->max_bytes = 1;
    CHECK(keel_is_none(keel_binary_new(60000, &(uint8_t *){NULL})) == false);
    kl_heap_done(&heap);
    kl_heap_done(&other);
}

static void *own_heap(void *unused)
{
    keel_term text = keel_format("%s", "a thread's own");
    CHECK_INT(keel_to_bytes(text).size, 14);
    for (int i = 0; i < 1000; i++) {
        text = keel_tuple_of(text, keel_binary_new(100, &(uint8_t *){NULL}));
    }
    (void)unused;
    return kl_heap_current();
}

TEST("each thread has a heap of its own that goes when the thread ends")
{
    struct kl_heap *mine = kl_heap_current();
    CHECK(mine == kl_heap_current());
    struct kl_heap another;
    kl_heap_init(&another, NULL, 0);
    CHECK(kl_heap_use(&another) == NULL);
    CHECK(kl_heap_current() == &another);
    CHECK(kl_heap_use(NULL) == &another);
    CHECK(kl_heap_current() == mine);
    kl_heap_done(&another);
    keel_nil();
    int64_t before = memory_used();
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        void *its;
        CHECK(pthread_create(&thread, NULL, own_heap, NULL) == 0);
        CHECK(pthread_join(thread, &its) == 0);
        CHECK(its != mine);
    }
    CHECK_INT(memory_used(), before);
}

TEST("a sanitizer sees the use of what has expired")
{
#if KL_ASAN
    _Alignas(16) uint8_t lent[512];
    struct kl_heap heap;
    kl_heap_init(&heap, lent, sizeof lent);
    uint64_t *first = take(&heap, 16);
    CHECK(!__asan_address_is_poisoned(first + 1));
    CHECK(__asan_address_is_poisoned(first + 2));
    kl_heap_reset(&heap);
    CHECK(__asan_address_is_poisoned(first));
    kl_heap_done(&heap);
    CHECK(!__asan_address_is_poisoned(first));

    keel_scope scope = keel_scope_open();
    keel_term tuple = keel_tuple_of(keel_int(1));
    CHECK(!__asan_address_is_poisoned(kl_box(tuple)));
    keel_scope_close(&scope);
    CHECK(__asan_address_is_poisoned(kl_box(tuple)));
#else
    kl_test_skip("built without AddressSanitizer");
#endif
}
