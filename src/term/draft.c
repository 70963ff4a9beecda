#include "draft.h"

#include "block.h"
#include <string.h>

// What is found stands in a queue until it is copied: objects take their places in the
// order in which they are found. But the cells of a list follow one another at once, so
// that it is walked along as it lies.

static bool add_list(struct kl_draft *draft, const keel_term *cell);
static bool add_box(struct kl_draft *draft, const uint64_t *from);

bool kl_draft_make(struct kl_draft *draft, keel_term term)
{
    draft->words = 0;
    draft->counted = 0;
    draft->pointers = 1;
    draft->pending = 1;
    draft->queue[0] = 0;
    draft->pointer[0].original = term.word; // the root: no word of the draft points to it
    for (uint32_t next = 0; next < draft->pending; next++) {
        struct kl_draft_pointer *pointer = &draft->pointer[draft->queue[next]];
        keel_term original = {pointer->original};
        pointer->to = draft->words;
        bool fits = kl_is_cell(original) ? add_list(draft, kl_cell(original))
                                         : add_box(draft, kl_box(original));
        if (!fits) {
            return false;
        }
    }
    return true;
}

keel_term kl_draft_place(
        const struct kl_draft *draft, void *at, struct kl_box_counted **counted)
{
    uint64_t *to = at;
    memcpy(to, draft->word, draft->words * sizeof *to);
    for (uint32_t i = 1; i < draft->pointers; i++) {
        const struct kl_draft_pointer *pointer = &draft->pointer[i];
        to[pointer->from] = (uintptr_t)(to + pointer->to) | (pointer->original & 7);
    }
    for (uint32_t i = 0; i < draft->counted; i++) {
        struct kl_box_counted *box = (struct kl_box_counted *)(to + draft->holder[i]);
        box->next = *counted;
        *counted = box;
        kl_block_ref(box->block);
    }
    return (keel_term){(uintptr_t)to | (draft->pointer[0].original & 7)};
}

static inline struct kl_draft_pointer *add_pointer(
        struct kl_draft *draft, uint32_t from, uint64_t original)
{
    if (draft->pointers == KL_DRAFT_POINTERS) {
        return NULL;
    }
    struct kl_draft_pointer *pointer = &draft->pointer[draft->pointers++];
    pointer->from = from;
    pointer->original = original;
    return pointer;
}

// Copies a word that is a term; what it points to stands in the queue from now on.
static inline bool add_term(struct kl_draft *draft, uint32_t at, keel_term term)
{
    draft->word[at] = term.word;
    if (kl_is_immediate(term)) {
        return true;
    }
    uint32_t number = draft->pointers;
    if (add_pointer(draft, at, term.word) == NULL) {
        return false;
    }
    draft->queue[draft->pending++] = number; // fewer than there are pointers
    return true;
}

static bool add_list(struct kl_draft *draft, const keel_term *cell)
{
    for (;;) {
        uint32_t at = draft->words;
        if (at + 2 > KL_DRAFT_WORDS || !add_term(draft, at, cell[0])) {
            return false;
        }
        draft->words = at + 2;
        if (!kl_is_cell(cell[1])) {
            return add_term(draft, at + 1, cell[1]);
        }
        struct kl_draft_pointer *next = add_pointer(draft, at + 1, cell[1].word);
        if (next == NULL) {
            return false;
        }
        next->to = at + 2;
        cell = kl_cell(cell[1]);
    }
}

static bool add_box(struct kl_draft *draft, const uint64_t *from)
{
    size_t words = kl_header_words(from[0]);
    uint32_t at = draft->words;
    if (words > KL_DRAFT_WORDS - at) {
        return false;
    }
    draft->words = at + (uint32_t)words;
    draft->word[at] = from[0];
    if (!kl_header_has_terms(from[0])) {
        for (size_t i = 1; i < words; i++) {
            draft->word[at + i] = from[i];
        }
        if (kl_header_is_counted(from[0])) {
            draft->holder[draft->counted++] = at;
        }
        return true;
    }
    for (size_t i = 1; i < words; i++) {
        if (!add_term(draft, at + (uint32_t)i, (keel_term){from[i]})) {
            return false;
        }
    }
    return true;
}
