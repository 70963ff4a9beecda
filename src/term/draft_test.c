#include "draft.h"

#include "block.h"
#include "copy.h"
#include "generate.h"
#include "testing/harness.h"
#include <stdlib.h>
#include <string.h>

// A copy in a block of exactly the size of the draft, so that a sanitizer sees one word too
// many; NULL: the term is too large for a draft.
static uint64_t *placed(
        keel_term term, struct kl_box_counted **counted, keel_term *ret_copy)
{
    struct kl_draft draft;
    if (!kl_draft_make(&draft, term)) {
        return NULL;
    }
    CHECK_INT(draft.words * sizeof(uint64_t), kl_copy_bytes(term));
    uint64_t *memory = malloc(draft.words * sizeof *memory);
    *counted = NULL;
    *ret_copy = kl_draft_place(&draft, memory, counted);
    return memory;
}

static void release(uint64_t *memory, struct kl_box_counted **counted)
{
    kl_counted_release(counted, NULL);
    free(memory);
}

TEST("a draft in its place equals its original, which may be gone", .seeded = true)
{
    struct kl_generate generate = {.random = kl_test_seed(),
            .size = 40,
            .map_max = 20,
            .identifiers = true,
            .funs = true,
            .pointers = true};
    int drafts = 0;
    for (int i = 0; i < 200; i++) {
        keel_scope scope = keel_scope_open();
        keel_term term = kl_generate_term(&generate);
        struct kl_box_counted *counted;
        keel_term copy;
        uint64_t *memory = kl_is_immediate(term) ? NULL : placed(term, &counted, &copy);
        char *shown = strdup(keel_show(term));
        CHECK(memory == NULL || keel_equal(copy, term));
        keel_scope_close(&scope);
        if (memory != NULL) {
            drafts++;
            keel_scope again = keel_scope_open();
            CHECK_STR(keel_show(copy), shown);
            keel_scope_close(&again);
            release(memory, &counted);
        }
        free(shown);
    }
    CHECK(drafts > 40);
}

// A tuple of `count` small tuples, a word each.
static keel_term tuples(size_t count)
{
    keel_term items[KL_DRAFT_WORDS];
    for (size_t i = 0; i < count; i++) {
        items[i] = keel_tuple_of(keel_int((int64_t)i));
    }
    return keel_tuple(items, count);
}

static keel_term list_of(size_t count)
{
    keel_term list = keel_nil();
    for (size_t i = 0; i < count; i++) {
        list = keel_cons(keel_tuple_of(keel_int((int64_t)i)), list);
    }
    return list;
}

static bool has_draft(keel_term term)
{
    struct kl_box_counted *counted;
    keel_term copy;
    uint64_t *memory = placed(term, &counted, &copy);
    if (memory == NULL) {
        return false;
    }
    CHECK(keel_equal(copy, term));
    release(memory, &counted);
    return true;
}

// `levels` tuples, each the first element of the next, so that something is left of each.
static keel_term nested(size_t levels)
{
    keel_term term = keel_tuple_of(keel_int(1));
    for (size_t i = 1; i < levels; i++) {
        term = keel_tuple_of(term, keel_int(1));
    }
    return term;
}

TEST("a term has a draft up to so many words, and none beyond")
{
    keel_term items[KL_DRAFT_WORDS];
    for (size_t i = 0; i < KL_DRAFT_WORDS; i++) {
        items[i] = keel_int(1);
    }
    CHECK(has_draft(keel_tuple(items, KL_DRAFT_WORDS - 1)));
    CHECK(!has_draft(keel_tuple(items, KL_DRAFT_WORDS)));
    // 1 + 3 * n words; 1 + n pointers.
    CHECK(has_draft(tuples((KL_DRAFT_WORDS - 1) / 3)));
    CHECK(!has_draft(tuples((KL_DRAFT_WORDS - 1) / 3 + 1)));
    keel_term cells = keel_list(items, KL_DRAFT_WORDS / 2);
    CHECK(has_draft(cells));
    CHECK(!has_draft(keel_cons(keel_int(1), cells)));
    CHECK(!has_draft(keel_tuple_of(cells)));
    // Four words and two pointers an element.
    CHECK(has_draft(list_of(KL_DRAFT_WORDS / 4)));
    CHECK(!has_draft(list_of(KL_DRAFT_WORDS / 4 + 1)));
    // As many pointers as there can be: every word is one.
    keel_term empty = keel_tuple(NULL, 0);
    for (size_t i = 0; i < KL_DRAFT_WORDS; i++) {
        items[i] = empty;
    }
    CHECK(has_draft(keel_tuple(items, KL_DRAFT_WORDS / 2 - 1)));
    CHECK(has_draft(keel_list(items, KL_DRAFT_WORDS / 3)));
}

TEST("a term has a draft down to some depth, and none beyond")
{
    CHECK(has_draft(nested(KL_DRAFT_DEPTH)));
    CHECK(has_draft(nested(KL_DRAFT_DEPTH + 1)));
    CHECK(!has_draft(nested(KL_DRAFT_DEPTH + 2)));
    // What goes on in the last element of each leaves nothing behind.
    keel_term term = keel_nil();
    for (int i = 0; i < 80; i++) {
        term = keel_tuple_of(keel_int(1), term);
    }
    CHECK(has_draft(term));
}

TEST("what a draft holds counted is held once more, and given back once")
{
    static char bytes[200];
    struct kl_box_counted *counted;
    keel_term copy;
    keel_scope scope = keel_scope_open();
    keel_term shared = keel_binary(bytes, sizeof bytes);
    uint64_t *memory = placed(keel_tuple_of(shared, keel_int(1), shared), &counted, &copy);
    keel_scope_close(&scope);
    CHECK(counted != NULL && counted->next != NULL && counted->next->next == NULL);
    CHECK_INT(keel_to_bytes(keel_element(copy, 2)).size, sizeof bytes);
    release(memory, &counted);
}
