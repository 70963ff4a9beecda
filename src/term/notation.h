#ifndef KL_TERM_NOTATION_H
#define KL_TERM_NOTATION_H

#include <keel/term.h>
#include <stdbool.h>
#include <stdint.h>

// What printing and reading share of Erlang's notation.

// Letters of Latin-1; the multiplication and the division sign stand among them and are
// none.
static inline bool kl_notation_lower(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 0xdf && c <= 0xff && c != 0xf7);
}
static inline bool kl_notation_upper(uint32_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
}
static inline bool kl_notation_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}
// What may follow the first letter of an atom or variable.
static inline bool kl_notation_name(uint32_t c)
{
    return kl_notation_lower(c) || kl_notation_upper(c) || kl_notation_digit(c) ||
           c == '_' || c == '@';
}

// True for words that are no atoms unless quoted, such as `end`.
bool kl_notation_reserved(keel_bytes word);

#endif // KL_TERM_NOTATION_H
