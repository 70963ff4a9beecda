#include "copy.h"
#include "heap.h"
#include "value.h"

// What a process keeps: each term in a block of its own that starts with a struct
// kl_fragment and goes on with the root, so that dropping finds the block from the term.

// The block of a term that was kept with `mark`, its counted blocks released, or NULL.
static struct kl_fragment *take_fragment(
        keel_term term, unsigned mark, const char *function);

static void *alloc_plain(size_t bytes)
{
    return kl_alloc(bytes);
}
static void free_plain(void *memory, size_t bytes)
{
    kl_free(memory, bytes);
}

void *(*kl_keep_alloc)(size_t bytes) = alloc_plain;
void (*kl_keep_free)(void *memory, size_t bytes) = free_plain;

keel_term keel_keep(keel_term term)
{
    size_t bytes = kl_fragment_bytes(term);
    if (bytes == 0) {
        return term;
    }
    struct kl_fragment *fragment = bytes == SIZE_MAX ? NULL : kl_keep_alloc(bytes);
    if (!fragment) {
        kl_heap_refuse(kl_heap_current());
        return KEEL_NONE;
    }
    keel_term kept = kl_fragment_fill(fragment, bytes, term);
    fragment->mark = KL_FRAGMENT_KEPT;
    return kept;
}

void keel_drop(keel_term term)
{
    struct kl_fragment *fragment = take_fragment(term, KL_FRAGMENT_KEPT, "keel_drop");
    if (fragment) {
        kl_keep_free(fragment, fragment->size);
    }
}

keel_term keel_keep_shared(keel_term term)
{
    size_t bytes = kl_fragment_bytes(term);
    if (bytes == 0) {
        return term;
    }
    struct kl_fragment *fragment = bytes == SIZE_MAX ? NULL : kl_pool_alloc(bytes);
    if (!fragment) {
        return KEEL_NONE;
    }
    keel_term kept = kl_fragment_fill(fragment, bytes, term);
    fragment->mark = KL_FRAGMENT_SHARED;
    return kept;
}

void keel_drop_shared(keel_term term)
{
    struct kl_fragment *fragment = take_fragment(
            term, KL_FRAGMENT_SHARED, "keel_drop_shared");
    if (fragment) {
        kl_pool_free(fragment, fragment->size);
    }
}

keel_term keel_copy(keel_term term)
{
    return kl_heap_copy(kl_heap_current(), term);
}

void keel_set(keel_term *slot, keel_term term)
{
    // The new term may be the old one, or a part of it: it is copied before that goes.
    if (!slot) {
        return;
    }
    keel_term old = *slot;
    if (old.word == term.word) {
        return;
    }
    *slot = keel_keep(term);
    keel_drop(old);
}

static struct kl_fragment *take_fragment(
        keel_term term, unsigned mark, const char *function)
{
    if (kl_is_immediate(term)) {
        return NULL;
    }
    struct kl_fragment *fragment = (struct kl_fragment *)(uintptr_t)(term.word &
                                                                     ~(uint64_t)7) -
                                   1;
    if (fragment->mark != mark) {
        // Most likely what was received or built, or dropped before. Freeing it would break
        // something far away from here.
        kl_log(KL_LOG_ERROR, "%s was given a term that was not kept for it", function);
        return NULL;
    }
    fragment->mark = 0;
    kl_fragment_release(fragment);
    return fragment;
}
