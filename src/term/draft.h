#ifndef KL_TERM_DRAFT_H
#define KL_TERM_DRAFT_H

#include "value.h"

// A copy of a small term that does not know yet where it will lie. One walk over the term
// writes its words here and learns how many there are; they are then put in their place in
// one piece, and the pointers among them set right.

enum { KL_DRAFT_WORDS = 256, KL_DRAFT_DEPTH = 32 };

struct kl_draft {
    uint32_t words; // written
    uint32_t pointers;
    struct kl_box_counted *counted; // the copies that hold blocks
    uint64_t root; // the term: points into the words below, as all pointers among them do
    uint64_t *pointer[KL_DRAFT_WORDS + 1]; // which words those are; the first is the root
    // What is left of objects that are not yet copied to their end.
    struct kl_draft_rest {
        const uint64_t *from;
        uint64_t *to;
        size_t count;
    } rest[KL_DRAFT_DEPTH];
    uint64_t word[KL_DRAFT_WORDS];
};

// Drafts a copy of a term that is not immediate. False: it is too large or too deep.
bool kl_draft_make(struct kl_draft *draft, keel_term term);
// Puts the copy at `at`, where draft->words fit; once. The blocks it holds are linked into
// `counted`.
keel_term kl_draft_place(struct kl_draft *draft, void *at, struct kl_box_counted **counted);

#endif // KL_TERM_DRAFT_H
