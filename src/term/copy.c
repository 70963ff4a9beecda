#include "copy.h"

#include "base/base.h"
#include "block.h"
#include "draft.h"
#include "heap.h"
#include "work.h"
#include <string.h>

// Two passes: the first measures, the second copies. Both go down by recursion, which keeps
// what belongs together side by side in the copy, and along lists by a loop. Below
// DEPTH_MAX levels they have forms that need no stack: the measure remembers what is left
// beside the path; the copy takes the root as it is, then goes over the copied words one by
// one and replaces each that still points into the original by a pointer to a new copy at
// the end. Headers cannot be mistaken for terms, so no object has to be remembered.

enum { DEPTH_MAX = 32 };

// Where the copies go.
struct copier {
    uint64_t *at; // the next free word
    struct kl_box_counted **counted;
};

static size_t words_of(keel_term term, unsigned depth);
static size_t measure(keel_term term);
static keel_term copy_down(struct copier *copier, keel_term term, unsigned depth);
static keel_term copy_deep(struct copier *copier, keel_term term);

size_t kl_copy_bytes(keel_term term)
{
    if (kl_is_immediate(term)) {
        return 0;
    }
    size_t words = words_of(term, DEPTH_MAX);
    return words >= SIZE_MAX / sizeof(uint64_t) ? SIZE_MAX : words * sizeof(uint64_t);
}

// Sums of sizes: no memory to measure with makes one of at least SIZE_MAX / 8, which the
// memory of no machine can add up to otherwise.
static size_t words_of_items(const keel_term *items, size_t count, unsigned depth)
{
    size_t words = 0;
    for (size_t i = 0; i < count; i++) {
        if (!kl_is_immediate(items[i])) {
            words += words_of(items[i], depth);
        }
    }
    return words;
}

static size_t words_of(keel_term term, unsigned depth)
{
    if (depth == 0) {
        return measure(term);
    }
    size_t words = 0;
    while (kl_is_cell(term)) {
        const keel_term *cell = kl_cell(term);
        words += 2;
        if (!kl_is_immediate(cell[0])) {
            words += words_of(cell[0], depth - 1);
        }
        if (kl_is_immediate(cell[1])) {
            return words;
        }
        term = cell[1];
    }
    uint64_t header = kl_box_header(term);
    size_t own = kl_header_words(header);
    return kl_header_has_terms(header)
                   ? words + own + words_of_items(kl_tuple(term)->item, own - 1, depth - 1)
                   : words + own;
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
    return words;
}

keel_term kl_copy_fill(void *at, struct kl_box_counted **counted, keel_term term)
{
    struct copier copier = {at, counted};
    return copy_down(&copier, term, DEPTH_MAX);
}

static void hold_block(struct copier *copier, struct kl_box_counted *box)
{
    box->next = *copier->counted;
    *copier->counted = box;
    kl_block_ref(box->block);
}

// Copies one object, its words still pointing into the original.
static keel_term copy_object(struct copier *copier, keel_term term)
{
    uint64_t *to = copier->at;
    if (kl_is_cell(term)) {
        const keel_term *cell = kl_cell(term);
        to[0] = cell[0].word;
        to[1] = cell[1].word;
        copier->at = to + 2;
        return kl_cell_term((keel_term *)to);
    }
    const uint64_t *from = kl_box(term);
    size_t words = kl_header_words(from[0]);
    for (size_t i = 0; i < words; i++) {
        to[i] = from[i];
    }
    copier->at = to + words;
    if (kl_header_is_counted(from[0])) {
        hold_block(copier, (struct kl_box_counted *)to);
    }
    return kl_boxed(to);
}

static keel_term copy_box(struct copier *copier, keel_term term, unsigned depth)
{
    const uint64_t *from = kl_box(term);
    if (!kl_header_has_terms(from[0])) {
        return copy_object(copier, term);
    }
    uint64_t *to = copier->at;
    size_t words = kl_header_words(from[0]);
    copier->at = to + words;
    to[0] = from[0];
    for (size_t i = 1; i < words; i++) {
        keel_term item = {from[i]};
        to[i] = kl_is_immediate(item) ? item.word : copy_down(copier, item, depth - 1).word;
    }
    return kl_boxed(to);
}

// The cells of a list lie beside what their heads hold.
static keel_term copy_down(struct copier *copier, keel_term term, unsigned depth)
{
    if (depth == 0) {
        return copy_deep(copier, term);
    }
    keel_term root;
    uint64_t *slot = &root.word;
    while (kl_is_cell(term)) {
        const keel_term *cell = kl_cell(term);
        uint64_t *to = copier->at;
        copier->at = to + 2;
        *slot = kl_cell_term((keel_term *)to).word;
        to[0] = kl_is_immediate(cell[0]) ? cell[0].word
                                         : copy_down(copier, cell[0], depth - 1).word;
        slot = &to[1];
        term = cell[1];
        if (kl_is_immediate(term)) {
            *slot = term.word;
            return root;
        }
    }
    *slot = copy_box(copier, term, depth).word;
    return root;
}

static keel_term copy_deep(struct copier *copier, keel_term term)
{
    uint64_t *scan = copier->at;
    keel_term root = copy_object(copier, term);
    while (scan != copier->at) {
        keel_term word = {*scan};
        if (kl_is_header(word.word)) {
            scan += kl_header_has_terms(word.word) ? 1 : kl_header_words(word.word);
            continue;
        }
        if (!kl_is_immediate(word)) {
            *scan = copy_object(copier, word).word;
        }
        scan++;
    }
    return root;
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

static struct kl_fragment *fragment_of_draft(
        struct kl_draft *draft, size_t extra, keel_term *ret_copy)
{
    size_t bytes = sizeof(struct kl_fragment) + draft->words * sizeof(uint64_t) + extra;
    struct kl_fragment *fragment = kl_pool_alloc(bytes);
    if (fragment) {
        *fragment = (struct kl_fragment){.size = bytes};
        *ret_copy = kl_draft_place(draft, fragment + 1, &fragment->counted);
        kl_pool_expect(bytes); // who sends one of some size may send another one
    }
    return fragment;
}

struct kl_fragment *kl_fragment_new(keel_term term, size_t extra, keel_term *ret_copy)
{
    struct kl_draft draft;
    if (!kl_is_immediate(term) && kl_draft_make(&draft, term)) {
        return fragment_of_draft(&draft, extra, ret_copy);
    }
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

void kl_fragment_release(struct kl_fragment *fragment)
{
    kl_counted_release(&fragment->counted, NULL);
}

keel_term kl_heap_copy_flat(struct kl_heap *heap, keel_term term, size_t bytes)
{
    const uint64_t *from = kl_box(term);
    uint64_t *at = kl_heap_alloc(heap, bytes);
    if (!at) {
        return KEEL_NONE;
    }
    for (size_t i = 0; i < bytes / sizeof *at; i++) {
        at[i] = from[i];
    }
    return kl_boxed(at);
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
