#ifndef KL_TERM_FLOAT_TEXT_H
#define KL_TERM_FLOAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

// Floats as Erlang writes them: the fewest digits that read back as the same float, with a
// point always, and an exponent where that is shorter.
enum { KL_FLOAT_TEXT_MAX = 32 };

// Writes `value`, which is finite, without NUL; returns the size.
size_t kl_float_text(char text[KL_FLOAT_TEXT_MAX], double value);

// The float nearest to `digits` (decimal digits, `count` of them) times ten to `exponent`;
// false when that is infinite. Does not depend on the locale, as strtod does.
bool kl_float_from_digits(
        const char *digits, size_t count, long exponent, double *ret_value);

#endif // KL_TERM_FLOAT_TEXT_H
