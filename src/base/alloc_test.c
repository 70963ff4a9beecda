#include "base/alloc.h"
#include "base/atomic.h"

#include "testing/harness.h"

#include <keel/alloc.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// A host's allocator that keeps the books itself, and can be told to have nothing left.
struct books {
    int64_t bytes;
    int calls;
    bool exhausted;
};

static void *allocate(void *context, size_t bytes)
{
    struct books *books = context;
    books->calls++;
    if (books->exhausted) {
        return NULL;
    }
    books->bytes += (int64_t)bytes;
    return malloc(bytes);
}

static void *reallocate(void *context, void *memory, size_t old, size_t bytes)
{
    struct books *books = context;
    books->calls++;
    if (books->exhausted) {
        return NULL;
    }
    books->bytes += (int64_t)bytes - (int64_t)old;
    return realloc(memory, bytes);
}

static void release(void *context, void *memory, size_t bytes)
{
    struct books *books = context;
    books->calls++;
    books->bytes -= (int64_t)bytes;
    free(memory);
}

static struct books books;
static const keel_allocator host = {allocate, reallocate, release, &books};

TEST("every allocation goes through the host's hooks, with the sizes that were asked for")
{
    CHECK_OK(keel_allocator_set(&host));
    char *block = kl_alloc(100);
    int64_t with_block = books.bytes; // the thread's own record is in it
    char *pages = kl_alloc_pages(8192);
    int64_t with_pages = books.bytes - with_block;
    CHECK(with_pages >= 8192);
    block = kl_realloc(block, 100, 300);
    CHECK_INT(books.bytes - with_block, with_pages + 200);
    char *zeroed = kl_alloc_zero(50);
    CHECK_INT(books.bytes - with_block, with_pages + 250);
    CHECK_INT(books.bytes, keel_memory_used());
    kl_free(zeroed, 50);
    kl_free_pages(pages, 8192);
    kl_free(block, 300);
    CHECK_INT(books.bytes - with_block, -100);
    CHECK_INT(books.bytes, keel_memory_used());
}

static void check_pages(size_t bytes, size_t alignment)
{
    for (int i = 0; i < 3; i++) {
        char *pages = kl_alloc_pages(bytes);
        CHECK_INT((uintptr_t)pages % alignment, 0);
        CHECK_INT(pages[0], 0);
        CHECK_INT(pages[bytes - 1], 0);
        memset(pages, 1, bytes);
        kl_free_pages(pages, bytes);
    }
}

TEST("pages are zeroed, and aligned to what they are multiples of")
{
    kl_free(kl_alloc(1), 1); // the record of this thread
    int64_t before = keel_memory_used();
    check_pages(8192, KL_CACHE_LINE);
    check_pages(KL_HUGE_PAGE, KL_HUGE_PAGE);
    check_pages((size_t)3 * KL_HUGE_PAGE, KL_HUGE_PAGE);
    CHECK_INT(keel_memory_used(), before);
}

TEST("pages of the host's are zeroed too, and aligned to a cache line")
{
    CHECK_OK(keel_allocator_set(&host));
    kl_free(kl_alloc(1), 1); // the record of this thread
    int64_t before = keel_memory_used();
    check_pages(100, KL_CACHE_LINE);
    check_pages(8192, KL_CACHE_LINE);
    check_pages(KL_HUGE_PAGE, KL_CACHE_LINE);
    CHECK_INT(keel_memory_used(), before);
}

TEST("hooks cannot change once memory was handed out")
{
    CHECK_OK(keel_allocator_set(&host));
    CHECK_OK(keel_allocator_set(NULL));
    kl_free(kl_alloc(1), 1);
    CHECK_INT(keel_allocator_set(&host), KEEL_E_RUNNING);
    CHECK_INT(keel_allocator_set(NULL), KEEL_E_RUNNING);
    CHECK_INT(books.calls, 0);
}

TEST("an allocator without all three functions is refused")
{
    CHECK_INT(keel_allocator_set(&(keel_allocator){NULL, reallocate, release, NULL}),
            KEEL_E_BADARG);
    CHECK_INT(keel_allocator_set(&(keel_allocator){allocate, NULL, release, NULL}),
            KEEL_E_BADARG);
    CHECK_INT(keel_allocator_set(&(keel_allocator){allocate, reallocate, NULL, NULL}),
            KEEL_E_BADARG);
    kl_free(kl_alloc(1), 1);
    CHECK_INT(books.calls, 0);
}

TEST("exhausted memory gives NULL, changes nothing and is not counted")
{
    CHECK_OK(keel_allocator_set(&host));
    char *block = kl_alloc(16);
    strcpy(block, "still here");
    int64_t before = keel_memory_used();
    books.exhausted = true;
    CHECK(kl_alloc(16) == NULL);
    CHECK(kl_alloc_zero(16) == NULL);
    CHECK(kl_alloc_pages(4096) == NULL);
    CHECK(kl_realloc(block, 16, 32) == NULL);
    CHECK_STR(block, "still here");
    CHECK_INT(keel_memory_used(), before);
    kl_free(block, 16);
    CHECK_INT(keel_memory_used(), before - 16);
}

TEST("a thread counts before it has a record of its own")
{
    books.exhausted = true; // so it never gets one
    CHECK_OK(keel_allocator_set(&host));
    CHECK(kl_alloc(10) == NULL);
    CHECK_INT(keel_memory_used(), 0);
}

TEST("zeroed memory is zero and reallocation keeps the content")
{
    unsigned char *dirty = kl_alloc(4000);
    memset(dirty, 0xff, 4000);
    kl_free(dirty, 4000);
    unsigned char *memory = kl_alloc_zero(4000);
    for (int i = 0; i < 4000; i++) {
        CHECK_INT(memory[i], 0);
        memory[i] = (unsigned char)i;
    }
    memory = kl_realloc(memory, 4000, 400000);
    for (int i = 0; i < 4000; i++) {
        CHECK_INT(memory[i], (unsigned char)i);
    }
    kl_free(memory, 400000);
    kl_free(NULL, 7);
}

TEST("no bytes are counted as one, the same way in and out")
{
    kl_free(kl_alloc(1), 1); // makes this thread's record
    int64_t before = keel_memory_used();
    void *block = kl_alloc(0);
    CHECK(block != NULL);
    block = kl_realloc(block, 0, 0);
    CHECK(block != NULL);
    kl_free(block, 0);
    CHECK_INT(keel_memory_used(), before);
}

static void *allocate_and_leave(void *ret_block)
{
    *(void **)ret_block = kl_alloc(1000);
    return NULL;
}

TEST("what a thread has allocated is counted after its end, and may be freed by another")
{
    kl_free(kl_alloc(1), 1);
    int64_t before = keel_memory_used();
    for (int i = 0; i < 20; i++) {
        void *block;
        pthread_t thread;
        CHECK_INT(pthread_create(&thread, NULL, allocate_and_leave, &block), 0);
        CHECK_INT(pthread_join(thread, NULL), 0);
        CHECK_INT(keel_memory_used(), before + 1000);
        kl_free(block, 1000);
        CHECK_INT(keel_memory_used(), before);
    }
}
