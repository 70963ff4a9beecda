#ifndef KL_TERM_MATCH_STEPS_H
#define KL_TERM_MATCH_STEPS_H

#include "pattern.h"

// The steps that a pattern to match becomes. Each looks at one word after the other. One
// that goes inside (a tuple, a list, a map) remembers where to go on, by its level of
// nesting, for the RESUME that follows when there is more beside.
enum kl_match_step {
    KL_MATCH_END,
    KL_MATCH_WORD, // an immediate term: word
    KL_MATCH_EQUAL, // a constant: word
    KL_MATCH_ANY,
    KL_MATCH_CAPTURE, // into argument, level: keel_arg_kind
    KL_MATCH_CAPTURE_TERM, // the same for the two most usual kinds
    KL_MATCH_CAPTURE_INT,
    KL_MATCH_SAME, // as captured in argument
    KL_MATCH_PIN, // as given in argument
    KL_MATCH_TUPLE, // word: the header; goes inside
    KL_MATCH_CELL, // goes inside
    KL_MATCH_REST, // a tail that is a cell: goes inside, nothing is left beside
    KL_MATCH_MAP, // remembers the map
    KL_MATCH_KEY, // word: the key; goes to its value
    KL_MATCH_RESUME, // goes on beside
};

kl_pattern_compile kl_match_compile;

#endif // KL_TERM_MATCH_STEPS_H
