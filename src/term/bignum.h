#ifndef KL_TERM_BIGNUM_H
#define KL_TERM_BIGNUM_H

#include "value.h"

// Integers that do not fit a word: magnitudes in limbs of 64 bits, least significant first.

// The integer with this magnitude: small when it fits. KEEL_NONE when the heap is
// exhausted.
keel_term kl_big_make(
        struct kl_heap *heap, bool negative, const uint64_t *limbs, size_t count);

// Orders two big integers, and integers of any size and finite floats, by exact value.
int kl_big_compare(keel_term left, keel_term right);
int kl_int_compare_double(keel_term integer, double value);
// The nearest float to an integer of any size; false when that is infinite.
bool kl_int_to_double(keel_term integer, double *ret_value);

// --- text ---

// Limbs that the magnitude of a number with so many digits in `base` (2 to 36) may need.
size_t kl_limbs_for_digits(size_t digits, unsigned base);
// Reads digits (all of them valid in `base`) into `limbs`, which has the room told by
// kl_limbs_for_digits. Returns how many limbs are in use.
size_t kl_limbs_from_digits(
        uint64_t *limbs, const char *digits, size_t count, unsigned base);
// The decimal text of a big integer, with sign and without NUL, made by kl_alloc with room
// for `*ret_room` bytes; NULL when memory is exhausted.
char *kl_big_text(keel_term big, size_t *ret_size, size_t *ret_room);

#endif // KL_TERM_BIGNUM_H
