#ifndef KL_TERM_DRAFT_H
#define KL_TERM_DRAFT_H

#include "value.h"

// A copy of a small term that does not know yet where it will lie. One walk over the term
// writes its words here and learns how many there are; they are then put in their place in
// one piece, and the pointers among them set right.

enum { KL_DRAFT_WORDS = 256, KL_DRAFT_POINTERS = 128 };

struct kl_draft {
    uint32_t words; // written
    uint32_t pointers;
    uint32_t counted;
    uint32_t pending;
    struct kl_draft_pointer {
        uint32_t from; // the word that is to point
        uint32_t to; // where
        uint64_t original; // what it pointed to
    } pointer[KL_DRAFT_POINTERS];
    uint32_t queue[KL_DRAFT_POINTERS]; // pointers to what is not copied yet
    uint32_t holder[KL_DRAFT_POINTERS]; // words at which objects begin that hold blocks
    uint64_t word[KL_DRAFT_WORDS];
};

// Drafts a copy of a term that is not immediate. False: it is too large.
bool kl_draft_make(struct kl_draft *draft, keel_term term);
// Puts the copy at `at`, where draft->words fit; once. The blocks it holds are linked into
// `counted`.
keel_term kl_draft_place(
        const struct kl_draft *draft, void *at, struct kl_box_counted **counted);

#endif // KL_TERM_DRAFT_H
