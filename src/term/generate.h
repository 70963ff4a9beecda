#ifndef KL_TERM_GENERATE_H
#define KL_TERM_GENERATE_H

#include "term/term.h"

// Random terms for tests: every kind, with a taste for the values where code goes wrong.
// The same seed and the same settings give the same terms.
struct kl_generate {
    uint64_t random; // the state; starts as the seed
    unsigned size; // about how many parts a term may have; 0: 24
    unsigned map_max; // pairs of the largest maps; 0: 8
    bool identifiers; // pids, references, ports and exported funs too
    bool funs; // funs of another node too
    bool pointers; // bare pointers and resources too, which have no external form
};

// Made in the current heap.
keel_term kl_generate_term(struct kl_generate *generate);
// Never a tuple, list or map.
keel_term kl_generate_flat(struct kl_generate *generate);
// 0 … below-1.
uint64_t kl_generate_below(struct kl_generate *generate, uint64_t below);

#endif // KL_TERM_GENERATE_H
