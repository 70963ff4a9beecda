#include "copy.h"

#include "generate.h"
#include "heap.h"
#include "testing/harness.h"
#include <stdlib.h>
#include <string.h>

// A copy in a block of exactly the size that was told.
static struct kl_fragment *copy_of(keel_term term, keel_term *ret_copy)
{
    size_t bytes = kl_fragment_bytes(term);
    struct kl_fragment *fragment = malloc(bytes > 0 ? bytes : sizeof *fragment);
    *ret_copy = kl_fragment_fill(fragment, bytes, term);
    return fragment;
}

static void release(struct kl_fragment *fragment)
{
    kl_fragment_release(fragment);
    free(fragment);
}

// True when every word of the copy lies in its fragment.
static bool lies_inside(const struct kl_fragment *fragment, keel_term term)
{
    uintptr_t start = (uintptr_t)(fragment + 1);
    return kl_is_immediate(term) ||
           (term.word >= start && term.word < start + fragment->size - sizeof *fragment);
}

TEST("a copy equals its original and takes exactly the memory that was told",
        .seeded = true)
{
    struct kl_generate generate = {.random = kl_test_seed(),
            .size = 60,
            .map_max = 40,
            .identifiers = true,
            .funs = true,
            .pointers = true};
    for (int i = 0; i < 100; i++) {
        keel_scope scope = keel_scope_open();
        keel_term term = kl_generate_term(&generate);
        keel_term copy;
        struct kl_fragment *fragment = copy_of(term, &copy);
        CHECK_INT(fragment->size, kl_fragment_bytes(term));
        CHECK(lies_inside(fragment, copy));
        keel_term second = kl_heap_copy(kl_heap_current(), term);
        CHECK(keel_equal(second, term));
        char *shown = strdup(keel_show(term));
        keel_scope_close(&scope); // the original is gone
        CHECK_STR(keel_show(copy), shown);
        keel_scope again = keel_scope_open();
        CHECK(keel_equal(kl_heap_copy(kl_heap_current(), copy), copy));
        keel_scope_close(&again);
        release(fragment);
        free(shown);
    }
}

TEST("immediate terms need no memory")
{
    CHECK_INT(kl_fragment_bytes(keel_int(1)), 0);
    CHECK_INT(kl_fragment_bytes(keel_nil()), 0);
    CHECK_INT(kl_fragment_bytes(KEEL_NONE), 0);
    CHECK_INT(kl_fragment_bytes(keel_atom(a)), 0);
    CHECK_INT(kl_fragment_bytes(keel_from_pid(kl_pid_make(1, 1))), 0);
    CHECK(kl_fragment_bytes(keel_tuple(NULL, 0)) > 0);
    CHECK_INT(kl_heap_copy(kl_heap_current(), keel_int(5)).word, keel_int(5).word);
}

static keel_term deep(bool to_the_left, size_t levels)
{
    keel_term term = keel_int(0);
    for (size_t i = 0; i < levels; i++) {
        keel_term other = keel_int((int64_t)i);
        term = to_the_left ? keel_tuple_of(term, other) : keel_tuple_of(other, term);
        term = to_the_left ? keel_cons(term, keel_nil()) : keel_cons(other, term);
    }
    return term;
}

TEST("terms nested a million deep are copied, compared and hashed", .timeout_s = 120)
{
    for (int left = 0; left < 2; left++) {
        keel_scope scope = keel_scope_open();
        keel_term term = deep(left, 500000);
        CHECK_INT(kl_copy_bytes(term), 500000 * 5 * sizeof(uint64_t));
        keel_term copy;
        struct kl_fragment *fragment = copy_of(term, &copy);
        CHECK(lies_inside(fragment, copy));
        CHECK(keel_equal(copy, term));
        CHECK_INT(keel_compare(copy, term), 0);
        CHECK_INT(keel_hash(copy), keel_hash(term));
        CHECK_INT(keel_phash2(copy, 1 << 27), keel_phash2(term, 1 << 27));
        CHECK(keel_print(NULL, 0, copy, NULL) > 500000);
        CHECK(!keel_equal(copy, deep(left, 499999)));
        release(fragment);
        keel_scope_close(&scope);
    }
}

TEST("a fragment handed over to a heap goes with it")
{
    struct kl_heap heap;
    kl_heap_init(&heap, NULL, 0);
    keel_scope scope = keel_scope_open();
    keel_term term = keel_tuple_of(keel_binary_new(500, &(uint8_t *){NULL}), keel_int(1));
    size_t bytes = kl_fragment_bytes(term);
    struct kl_fragment *fragment = kl_pool_alloc(bytes);
    keel_term copy = kl_fragment_fill(fragment, bytes, term);
    keel_scope_close(&scope);
    kl_heap_adopt(&heap, fragment);
    CHECK_INT(heap.bytes, bytes);
    CHECK_INT(keel_to_bytes(keel_element(copy, 0)).size, 500);
    kl_heap_reset(&heap);
    CHECK_INT(heap.bytes, 0);
    kl_heap_done(&heap);
}
