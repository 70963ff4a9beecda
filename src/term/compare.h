#ifndef KL_TERM_COMPARE_H
#define KL_TERM_COMPARE_H

#include "value.h"

// Erlang's term order with numbers told apart: all integers come before all floats, and
// zero means =:=. The keys of maps are sorted by this.
int kl_compare_exact(keel_term left, keel_term right);

// The order of two terms, neither cells, tuples nor maps, or of two that differ in kind.
// `exact` as above, otherwise numbers by value.
int kl_compare_flat(keel_term left, keel_term right, bool exact);

#endif // KL_TERM_COMPARE_H
