#include "copy.h"

#include "base/base.h"
#include "block.h"
#include "heap.h"
#include "work.h"
#include <string.h>

// Two passes. The first measures, going down with a stack of what is left beside the path.
// The second needs none: it copies the root as it is, then goes over the copied words one
// by one and replaces each that still points into the original by a pointer to a new copy
// at the end. Headers cannot be mistaken for terms, so no object has to be remembered.

static size_t measure(keel_term term);
static uint64_t *copy_object(
        uint64_t *at, struct kl_box_counted **counted, keel_term term, keel_term *ret_copy);

// The words of a tuple that holds immediate terms only, the most usual message; 0 for
// others.
static size_t flat_tuple_words(keel_term term)
{
    if (!kl_is_kind(term, KL_KIND_TUPLE)) {
        return 0;
    }
    const struct kl_tuple *tuple = kl_tuple(term);
    size_t count = kl_header_size(tuple->header);
    for (size_t i = 0; i < count; i++) {
        if (!kl_is_immediate(tuple->item[i])) {
            return 0;
        }
    }
    return 1 + count;
}

size_t kl_copy_bytes(keel_term term)
{
    if (kl_is_immediate(term)) {
        return 0;
    }
    size_t flat = flat_tuple_words(term);
    return flat > 0 ? flat * sizeof(uint64_t) : measure(term);
}

static size_t measure(keel_term term)
{
    struct kl_work work;
    kl_work_init(&work);
    size_t words = 0;
    const keel_term *next = &term;
    size_t left = 1;

    for (;;) {
        if (left == 0) {
            if (work.count == 0) {
                break;
            }
            left = kl_work_pop(&work);
            next = (const keel_term *)(uintptr_t)kl_work_pop(&work);
        }
        keel_term item = *next++;
        left--;
        if (kl_is_immediate(item)) {
            continue;
        }

        const keel_term *inside = kl_cell(item);
        size_t count = 2;
        if (!kl_is_cell(item)) {
            uint64_t header = kl_box_header(item);
            words += kl_header_words(header);
            if (!kl_header_has_terms(header)) {
                continue;
            }
            inside = kl_tuple(item)->item;
            count = kl_header_words(header) - 1;
        } else {
            words += 2;
        }
        if (left > 0) {
            if (!kl_work_push(&work, (uintptr_t)next) || !kl_work_push(&work, left)) {
                words = SIZE_MAX / sizeof(uint64_t);
                break;
            }
        }
        next = inside;
        left = count;
    }
    kl_work_done(&work);
    return words == SIZE_MAX / sizeof(uint64_t) ? SIZE_MAX : words * sizeof(uint64_t);
}

keel_term kl_copy_fill(void *at, struct kl_box_counted **counted, keel_term term)
{
    uint64_t *scan = at;
    keel_term root;
    uint64_t *end = copy_object(at, counted, term, &root);
    while (scan != end) {
        keel_term word = {*scan};
        if (kl_is_header(word.word)) {
            scan += kl_header_has_terms(word.word) ? 1 : kl_header_words(word.word);
            continue;
        }
        if (!kl_is_immediate(word)) {
            keel_term copy;
            end = copy_object(end, counted, word, &copy);
            *scan = copy.word;
        }
        scan++;
    }
    return root;
}

// Copies one object, its words still pointing into the original.
static uint64_t *copy_object(
        uint64_t *at, struct kl_box_counted **counted, keel_term term, keel_term *ret_copy)
{
    if (kl_is_cell(term)) {
        const keel_term *cell = kl_cell(term);
        at[0] = cell[0].word;
        at[1] = cell[1].word;
        *ret_copy = kl_cell_term((keel_term *)at);
        return at + 2;
    }

    const uint64_t *from = kl_box(term);
    size_t words = kl_header_words(from[0]);
    for (size_t i = 0; i < words; i++) {
        at[i] = from[i];
    }
    if (kl_header_is_counted(from[0])) {
        struct kl_box_counted *box = (struct kl_box_counted *)at;
        box->next = *counted;
        *counted = box;
        kl_block_ref(box->block);
    }
    *ret_copy = kl_boxed(at);
    return at + words;
}

size_t kl_fragment_bytes(keel_term term)
{
    size_t bytes = kl_copy_bytes(term);
    if (bytes == 0) {
        return 0;
    }
    return bytes == SIZE_MAX ? SIZE_MAX : bytes + sizeof(struct kl_fragment);
}

keel_term kl_fragment_fill(struct kl_fragment *fragment, size_t bytes, keel_term term)
{
    *fragment = (struct kl_fragment){.size = bytes};
    if (kl_is_immediate(term)) {
        return term;
    }
    return kl_copy_fill(fragment + 1, &fragment->counted, term);
}

struct kl_fragment *kl_fragment_new(keel_term term, size_t extra, keel_term *ret_copy)
{
    size_t bytes = kl_fragment_bytes(term);
    if (bytes > SIZE_MAX - extra) {
        return NULL;
    }
    struct kl_fragment *fragment = kl_pool_alloc(bytes + extra);
    if (fragment) {
        *ret_copy = kl_fragment_fill(fragment, bytes + extra, term);
    }
    return fragment;
}

size_t kl_flat_bytes(keel_term term)
{
    enum { MOST_WORDS = 8 };
    size_t words = flat_tuple_words(term);
    return words <= MOST_WORDS ? words * sizeof(uint64_t) : 0;
}

keel_term kl_flat_copy(uint64_t *at, keel_term term)
{
    const uint64_t *from = kl_box(term);
    size_t words = kl_header_words(from[0]);
    for (size_t i = 0; i < words; i++) {
        at[i] = from[i];
    }
    return kl_boxed(at);
}

void kl_fragment_release(struct kl_fragment *fragment)
{
    kl_counted_release(&fragment->counted, NULL);
}

keel_term kl_heap_copy(struct kl_heap *heap, keel_term term)
{
    size_t bytes = kl_copy_bytes(term);
    if (bytes == 0) {
        return term;
    }
    if (bytes == SIZE_MAX) {
        kl_heap_refuse(heap);
        return KEEL_NONE;
    }
    void *memory = kl_heap_alloc(heap, bytes);
    return memory ? kl_copy_fill(memory, &heap->counted, term) : KEEL_NONE;
}
