#include "draft.h"

#include "block.h"
#include <string.h>

// The walk goes into depth: what an object points to is copied before the object's next
// word, and lies behind it. What is left of the object meanwhile is put off, unless nothing
// is, so that a list takes no depth however long it is.
//
// One loop goes over the words of all objects. With a loop for each object fewer
// instructions are executed, but a term of small objects takes up to twice as long: the
// processor guesses wrong where such loops end, after a few words and each time others.

struct walk {
    struct kl_draft_rest now; // the words to be copied next
    struct kl_draft_rest *later; // the end of what is put off
    uint64_t *at; // the next free word
    uint64_t **pointer; // where the next pointer is noted
};

static inline bool add_cell(
        struct kl_draft *draft, struct walk *walk, uint64_t *slot, keel_term term);
static inline bool add_box(
        struct kl_draft *draft, struct walk *walk, uint64_t *slot, keel_term term);

bool kl_draft_make(struct kl_draft *draft, keel_term term)
{
    draft->counted = NULL;
    struct walk walk = {
            .now = {&term.word, &draft->root, 1},
            .later = draft->rest,
            .at = draft->word,
            .pointer = draft->pointer,
    };
    for (;;) {
        if (walk.now.count == 0) {
            if (walk.later == draft->rest) {
                draft->words = (uint32_t)(walk.at - draft->word);
                draft->pointers = (uint32_t)(walk.pointer - draft->pointer);
                return true;
            }
            walk.now = *--walk.later;
        }
        keel_term item = {*walk.now.from++};
        uint64_t *slot = walk.now.to++;
        walk.now.count--;
        // One test for nearly all that kl_is_immediate() knows: add_box() has the rest.
        if ((item.word & 5) != 0) {
            *slot = item.word;
        } else if ((item.word & 2) != 0) {
            if (!add_cell(draft, &walk, slot, item)) {
                return false;
            }
        } else if (!add_box(draft, &walk, slot, item)) {
            return false;
        }
    }
}

keel_term kl_draft_place(struct kl_draft *draft, void *at, struct kl_box_counted **counted)
{
    // Set right here, where the words are at hand: it may take long until their place can
    // be written, and a processor does not wait for that with few stores.
    uintptr_t shift = (uintptr_t)at - (uintptr_t)draft->word;
    for (uint32_t i = 0; i < draft->pointers; i++) {
        *draft->pointer[i] += shift;
    }
    memcpy(at, draft->word, draft->words * sizeof draft->word[0]);
    for (const struct kl_box_counted *box = draft->counted; box != NULL; box = box->next) {
        struct kl_box_counted *placed = (struct kl_box_counted *)((uintptr_t)box + shift);
        placed->next = *counted;
        *counted = placed;
        kl_block_ref(placed->block);
    }
    return (keel_term){draft->root};
}

static inline size_t room(const struct kl_draft *draft, const struct walk *walk)
{
    return (size_t)(draft->word + KL_DRAFT_WORDS - walk->at);
}

// Goes on with the words of another object. False: too deep.
static inline bool enter(struct kl_draft *draft, struct walk *walk, const uint64_t *from,
        uint64_t *to, size_t count)
{
    if (walk->now.count > 0) {
        if (walk->later == draft->rest + KL_DRAFT_DEPTH) {
            return false;
        }
        *walk->later++ = walk->now;
    }
    walk->now = (struct kl_draft_rest){from, to, count};
    return true;
}

static inline bool add_cell(
        struct kl_draft *draft, struct walk *walk, uint64_t *slot, keel_term term)
{
    uint64_t *to = walk->at;
    if (room(draft, walk) < 2) {
        return false;
    }
    *slot = kl_cell_term((keel_term *)to).word;
    *walk->pointer++ = slot; // there are no more of them than words, and the root
    walk->at = to + 2;
    return enter(draft, walk, (const uint64_t *)kl_cell(term), to, 2);
}

static inline bool add_box(
        struct kl_draft *draft, struct walk *walk, uint64_t *slot, keel_term term)
{
    if (keel_is_none(term)) {
        *slot = term.word;
        return true;
    }
    const uint64_t *from = kl_box(term);
    uint64_t header = from[0];
    size_t words = kl_header_words(header);
    uint64_t *to = walk->at;
    if (room(draft, walk) < words) {
        return false;
    }
    *slot = kl_boxed(to).word;
    *walk->pointer++ = slot;
    walk->at = to + words;
    to[0] = header;
    if (kl_header_has_terms(header)) {
        return enter(draft, walk, from + 1, to + 1, words - 1);
    }
    if (words == 2) {
        to[1] = from[1];
        return true;
    }
    for (size_t i = 1; i < words; i++) {
        to[i] = from[i];
        __asm__(""); // not worth a loop for many words, which the compiler would make
    }
    if (kl_header_is_counted(header)) {
        struct kl_box_counted *box = (struct kl_box_counted *)to;
        box->next = draft->counted;
        draft->counted = box;
    }
    return true;
}
