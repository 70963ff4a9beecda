#include "bignum.h"
#include "float_text.h"
#include "parse.h"
#include "utf8.h"
#include "value.h"
#include <string.h>

// Integers of more bits than these are not read: making them takes time that grows with the
// square of the text.
enum { BITS_MAX = 1 << 20 };

static keel_status parse_atom(
        struct kl_parse *parse, struct kl_token token, keel_term *ret_atom);
static keel_status parse_string(
        struct kl_parse *parse, struct kl_token token, keel_term *ret_list);
static keel_status parse_float(struct kl_parse *parse, const struct kl_token *token,
        bool negative, keel_term *ret_float);

static keel_status no_memory(struct kl_parse *parse, size_t offset)
{
    return kl_parse_fail(parse, KEEL_E_NOMEM, offset, "memory is exhausted");
}

keel_status kl_parse_leaf(
        struct kl_parse *parse, struct kl_token token, keel_term *ret_leaf)
{
    size_t start = token.start;
    bool negative = token.kind == KL_TOKEN_MINUS;
    if (negative || token.kind == KL_TOKEN_PLUS) {
        token = kl_scan_next(&parse->scanner);
        if (token.kind != KL_TOKEN_INTEGER && token.kind != KL_TOKEN_FLOAT) {
            return kl_parse_fail(parse, KEEL_E_SYNTAX, start, "a sign without a number");
        }
    }
    switch (token.kind) {
    case KL_TOKEN_INTEGER:
        return kl_parse_integer(parse, &token, negative, ret_leaf);
    case KL_TOKEN_FLOAT:
        return parse_float(parse, &token, negative, ret_leaf);
    case KL_TOKEN_ATOM:
        return parse_atom(parse, token, ret_leaf);
    case KL_TOKEN_STRING:
        return parse_string(parse, token, ret_leaf);
    case KL_TOKEN_ERROR:
        return kl_parse_fail(parse, KEEL_E_SYNTAX, token.start, token.message);
    case KL_TOKEN_END:
        return kl_parse_fail(parse, KEEL_E_SYNTAX, token.start, "the text ends too early");
    default:
        return kl_parse_fail(parse, KEEL_E_SYNTAX, token.start, "a term is missing");
    }
}

static keel_status parse_atom(
        struct kl_parse *parse, struct kl_token token, keel_term *ret_atom)
{
    // A character may take more bytes as an escape than it has as UTF-8, and the other way
    // round never more than 4 for 1.
    uint8_t name[4 * KEEL_ATOM_CHARS_MAX];
    size_t start = token.start;
    size_t size = 0;
    size_t count = 0;
    uint32_t character;
    while (count <= KEEL_ATOM_CHARS_MAX && kl_scan_character(&token, &character)) {
        if (++count <= KEEL_ATOM_CHARS_MAX) {
            size += kl_utf8_put(name + size, character);
        }
    }
    if (count > KEEL_ATOM_CHARS_MAX) {
        return kl_parse_fail(
                parse, KEEL_E_SYNTAX, start, "an atom of more than 255 characters");
    }
    keel_status status = keel_atom_from((const char *)name, size, ret_atom);
    return status == KEEL_OK ? KEEL_OK
                             : kl_parse_fail(parse, status, start, "no room for an atom");
}

// Strings that stand one behind the other are one.
static keel_status parse_string(
        struct kl_parse *parse, struct kl_token token, keel_term *ret_list)
{
    struct kl_work characters;
    kl_work_init(&characters);
    size_t start = token.start;
    bool room = true;
    for (;;) {
        uint32_t character;
        while (room && kl_scan_character(&token, &character)) {
            room = kl_work_push(&characters, kl_small(character).word);
        }
        if (!room || kl_scan_peek(&parse->scanner).kind != KL_TOKEN_STRING) {
            break;
        }
        token = kl_scan_next(&parse->scanner);
    }
    *ret_list = room ? keel_list((const keel_term *)characters.words, characters.count)
                     : KEEL_NONE;
    kl_work_done(&characters);
    return keel_is_none(*ret_list) ? no_memory(parse, start) : KEEL_OK;
}

// --- numbers ---

// The digits of a number without underscores, in `small` when they fit. The caller frees
// them with free_digits. NULL when memory is exhausted.
static char *plain_digits(
        const struct kl_token *token, char *small, size_t small_size, size_t *ret_count)
{
    char *digits = token->size <= small_size ? small : kl_alloc(token->size);
    size_t count = 0;
    for (size_t i = 0; digits && i < token->size; i++) {
        if (token->text[i] != '_') {
            digits[count++] = token->text[i];
        }
    }
    *ret_count = count;
    return digits;
}

static void free_digits(const struct kl_token *token, char *small, char *digits)
{
    if (digits != small) {
        kl_free(digits, token->size);
    }
}

static keel_status make_integer(struct kl_parse *parse, const struct kl_token *token,
        const char *digits, size_t count, bool negative, keel_term *ret_integer)
{
    uint64_t small[16];
    size_t limbs_max = kl_limbs_for_digits(count, token->base);
    if (limbs_max > BITS_MAX / 64) {
        return kl_parse_fail(
                parse, KEEL_E_TOO_LARGE, token->start, "an integer of over 2^20 bits");
    }
    size_t bytes = limbs_max * sizeof small[0];
    uint64_t *limbs = bytes <= sizeof small ? small : kl_alloc(bytes);
    *ret_integer = KEEL_NONE;
    if (limbs) {
        size_t used = kl_limbs_from_digits(limbs, digits, count, token->base);
        *ret_integer = kl_big_make(kl_heap_current(), negative, limbs, used);
    }
    if (limbs != small) {
        kl_free(limbs, bytes);
    }
    return keel_is_none(*ret_integer) ? no_memory(parse, token->start) : KEEL_OK;
}

keel_status kl_parse_integer(struct kl_parse *parse, const struct kl_token *token,
        bool negative, keel_term *ret_integer)
{
    if (token->base == 0) {
        int64_t value = token->character;
        *ret_integer = kl_small(negative ? -value : value);
        return KEEL_OK;
    }
    char small[64];
    size_t count;
    char *digits = plain_digits(token, small, sizeof small, &count);
    if (!digits) {
        return no_memory(parse, token->start);
    }
    keel_status status = make_integer(parse, token, digits, count, negative, ret_integer);
    free_digits(token, small, digits);
    return status;
}

// Takes the exponent off the end of `digits` and the point out of them.
static long split_float(char *digits, size_t *count)
{
    enum { EXPONENT_MAX = 1000000 }; // beyond it every float is infinite or 0
    size_t size = 0;
    size_t at = 0;
    long point = 0;
    bool fraction = false;
    for (; at < *count && (digits[at] | 0x20) != 'e'; at++) {
        if (digits[at] == '.') {
            fraction = true;
        } else {
            digits[size++] = digits[at];
            point -= fraction;
        }
    }
    long exponent = 0;
    bool negative = at + 1 < *count && digits[at + 1] == '-';
    for (at++; at < *count; at++) {
        if (digits[at] >= '0' && digits[at] <= '9' && exponent < EXPONENT_MAX) {
            exponent = exponent * 10 + (digits[at] - '0');
        }
    }
    *count = size;
    return point + (negative ? -exponent : exponent);
}

static keel_status parse_float(struct kl_parse *parse, const struct kl_token *token,
        bool negative, keel_term *ret_float)
{
    char small[64];
    size_t count;
    char *digits = plain_digits(token, small, sizeof small, &count);
    if (!digits) {
        return no_memory(parse, token->start);
    }
    long exponent = split_float(digits, &count);
    double value;
    bool finite = kl_float_from_digits(digits, count, exponent, &value);
    free_digits(token, small, digits);
    if (!finite) {
        return kl_parse_fail(parse, KEEL_E_SYNTAX, token->start, "a float out of range");
    }
    *ret_float = keel_float(negative ? -value : value);
    return keel_is_none(*ret_float) ? no_memory(parse, token->start) : KEEL_OK;
}
