#ifndef KL_TESTING_MOCK_PATTERN_H
#define KL_TESTING_MOCK_PATTERN_H

#include <keel/match.h>

// Patterns that are known only when the program runs. keel_match and keel_make take string
// literals, whose places hold what was made of them; here a text has such a place for as
// long as the program lives, with the names of its variables in their order.

enum { KL_VARIABLES_MAX = 12, KL_VARIABLE_BYTES = 32 };

struct kl_kit_pattern_text {
    struct kl_kit_pattern_text *next;
    keel_pattern_site as_match, as_make;
    size_t count;
    char name[KL_VARIABLES_MAX][KL_VARIABLE_BYTES];
    const char *wrong; // why it cannot be used; or NULL
    char text[];
};

// The place of `text`, the same for the same text. NULL when memory is exhausted.
struct kl_kit_pattern_text *kl_kit_pattern_of(const char *text);
// Index of a variable; -1 when the text has none of that name.
int kl_kit_pattern_variable(const struct kl_kit_pattern_text *pattern, const char *name);
// Matches; ret_values gets one term for each variable.
bool kl_kit_pattern_match(
        struct kl_kit_pattern_text *pattern, keel_term term, keel_term *ret_values);
// Makes the term of `pattern`, whose variables have the values that those of the same name
// in `source` have.
keel_term kl_kit_pattern_make(struct kl_kit_pattern_text *pattern,
        const struct kl_kit_pattern_text *source, const keel_term *values);

#endif // KL_TESTING_MOCK_PATTERN_H
