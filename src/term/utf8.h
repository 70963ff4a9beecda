#ifndef KL_TERM_UTF8_H
#define KL_TERM_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// UTF-8 as Erlang takes it: the shortest form only, no surrogates, up to 10FFFF.

// Reads one character. Returns how many bytes it takes, 0 when they are no UTF-8.
size_t kl_utf8_get(const uint8_t *at, size_t left, uint32_t *ret_character);
// Writes one character, returns how many bytes (1 to 4) that took.
size_t kl_utf8_put(uint8_t to[4], uint32_t character);
// True, and the number of characters, when all of `text` is UTF-8.
bool kl_utf8_count(const uint8_t *text, size_t size, size_t *ret_characters);

// What has a place in UTF-8.
static inline bool kl_utf8_valid(uint32_t character)
{
    return character < 0xd800 || (character > 0xdfff && character <= 0x10ffff);
}

#endif // KL_TERM_UTF8_H
