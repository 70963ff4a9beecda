#include "parse.h"
#include "utf8.h"
#include "value.h"
#include <string.h>

// Binaries in Erlang notation: <<1, 2:4, "text", "tëxt"/utf8>>. A number without a size
// takes 8 bits, one with a size as many of its lowest bits.

// So that a few characters cannot ask for any amount of memory.
enum { SEGMENT_BITS_MAX = 65536 };

// Bits that are being put together, most significant first.
struct builder {
    uint8_t *data;
    size_t room; // in bytes
    size_t bits;
};

static keel_status add_segment(struct kl_parse *parse, struct builder *builder);

static keel_status parse_segments(struct kl_parse *parse, struct builder *builder)
{
    if (kl_scan_peek(&parse->scanner).kind == KL_TOKEN_CLOSE_BINARY) {
        kl_scan_next(&parse->scanner);
        return KEEL_OK;
    }
    for (;;) {
        keel_status status = add_segment(parse, builder);
        if (status != KEEL_OK) {
            return status;
        }
        struct kl_token token = kl_scan_next(&parse->scanner);
        if (token.kind == KL_TOKEN_CLOSE_BINARY) {
            return KEEL_OK;
        }
        if (token.kind != KL_TOKEN_COMMA) {
            return kl_parse_fail(parse, KEEL_E_SYNTAX, token.start,
                    token.kind == KL_TOKEN_ERROR ? token.message
                                                 : "a comma or >> is missing");
        }
    }
}

keel_status kl_parse_binary(struct kl_parse *parse, size_t start, keel_term *ret_binary)
{
    struct builder builder = {0};
    keel_status status = parse_segments(parse, &builder);
    if (status == KEEL_OK) {
        *ret_binary = keel_bitstring(builder.data, builder.bits);
        if (keel_is_none(*ret_binary)) {
            status = kl_parse_fail(parse, KEEL_E_NOMEM, start, "memory is exhausted");
        }
    }
    kl_free(builder.data, builder.room);
    return status;
}

// --- bits ---

// Room for `bits` more, which are zero.
static bool reserve(struct builder *builder, size_t bits)
{
    size_t needed = (builder->bits + bits + 7) / 8;
    if (needed <= builder->room) {
        return true;
    }
    size_t room = builder->room < 32 ? 64 : builder->room * 2;
    room = room < needed ? needed : room;
    uint8_t *data = builder->data ? kl_realloc(builder->data, builder->room, room)
                                  : kl_alloc(room);
    if (!data) {
        return false;
    }
    memset(data + builder->room, 0, room - builder->room);
    builder->data = data;
    builder->room = room;
    return true;
}

// The caller has reserved room.
static void add_bit(struct builder *builder, unsigned bit)
{
    builder->data[builder->bits / 8] |= (uint8_t)(bit << (7 - builder->bits % 8));
    builder->bits++;
}

static bool add_byte(struct builder *builder, uint8_t byte)
{
    if (!reserve(builder, 8)) {
        return false;
    }
    if (builder->bits % 8 == 0) {
        builder->data[builder->bits / 8] = byte;
        builder->bits += 8;
        return true;
    }
    for (int i = 7; i >= 0; i--) {
        add_bit(builder, byte >> i & 1);
    }
    return true;
}

// The lowest bit of a big integer that is set.
static size_t lowest_bit(keel_term big)
{
    const uint64_t *limbs = kl_big(big)->limb;
    size_t i = 0;
    while (limbs[i] == 0) {
        i++;
    }
    return i * 64 + (unsigned)__builtin_ctzll(limbs[i]);
}

// Adds the lowest `bits` bits of an integer in two's complement. There is room.
static void add_integer(struct builder *builder, keel_term integer, size_t bits)
{
    if (kl_is_small(integer)) {
        while (bits-- > 0) {
            add_bit(builder, kl_small_value(integer) >> (bits < 63 ? bits : 63) & 1);
        }
        return;
    }
    size_t count = kl_big_limbs(integer);
    const uint64_t *limbs = kl_big(integer)->limb;
    // A negative number is the complement, but the bits up to the lowest one set stay.
    size_t kept = kl_big_negative(integer) ? lowest_bit(integer) : SIZE_MAX;
    while (bits-- > 0) {
        uint64_t bit = bits / 64 < count ? limbs[bits / 64] >> bits % 64 & 1 : 0;
        add_bit(builder, (unsigned)(bits > kept ? !bit : bit));
    }
}

// --- segments ---

static keel_status add_string(
        struct kl_parse *parse, struct builder *builder, struct kl_token token)
{
    size_t start = token.start;
    bool utf8 = false;
    if (kl_scan_peek(&parse->scanner).kind == KL_TOKEN_SLASH) {
        kl_scan_next(&parse->scanner);
        struct kl_token type = kl_scan_next(&parse->scanner);
        utf8 = type.kind == KL_TOKEN_ATOM && type.size == 4 &&
               memcmp(type.text, "utf8", 4) == 0;
        if (!utf8) {
            return kl_parse_fail(
                    parse, KEEL_E_SYNTAX, type.start, "the only type here is utf8");
        }
    }
    uint32_t character;
    while (kl_scan_character(&token, &character)) {
        uint8_t bytes[4] = {(uint8_t)character};
        if (!utf8 && character > 255) {
            return kl_parse_fail(
                    parse, KEEL_E_SYNTAX, start, "a character of a binary needs /utf8");
        }
        size_t size = utf8 ? kl_utf8_put(bytes, character) : 1;
        for (size_t i = 0; i < size; i++) {
            if (!add_byte(builder, bytes[i])) {
                return kl_parse_fail(parse, KEEL_E_NOMEM, start, "memory is exhausted");
            }
        }
    }
    return KEEL_OK;
}

static keel_status parse_size(struct kl_parse *parse, size_t *ret_bits)
{
    *ret_bits = 8;
    if (kl_scan_peek(&parse->scanner).kind != KL_TOKEN_COLON) {
        return KEEL_OK;
    }
    kl_scan_next(&parse->scanner);
    struct kl_token token = kl_scan_next(&parse->scanner);
    keel_term size = kl_small(-1);
    if (token.kind == KL_TOKEN_INTEGER) {
        keel_status status = kl_parse_integer(parse, &token, false, &size);
        if (status != KEEL_OK) {
            return status;
        }
    }
    if (!kl_is_small(size) || kl_small_value(size) < 0) {
        return kl_parse_fail(parse, KEEL_E_SYNTAX, token.start, "a size is missing");
    }
    if (kl_small_value(size) > SEGMENT_BITS_MAX) {
        return kl_parse_fail(parse, KEEL_E_TOO_LARGE, token.start,
                "a part of a binary of over 2^16 bits");
    }
    *ret_bits = (size_t)kl_small_value(size);
    return KEEL_OK;
}

static keel_status add_segment(struct kl_parse *parse, struct builder *builder)
{
    struct kl_token token = kl_scan_next(&parse->scanner);
    if (token.kind == KL_TOKEN_STRING) {
        return add_string(parse, builder, token);
    }
    size_t start = token.start;
    bool negative = token.kind == KL_TOKEN_MINUS;
    if (negative) {
        token = kl_scan_next(&parse->scanner);
    }
    if (token.kind != KL_TOKEN_INTEGER) {
        return kl_parse_fail(parse, KEEL_E_SYNTAX, token.start,
                token.kind == KL_TOKEN_ERROR ? token.message
                                             : "a binary holds integers and strings");
    }
    keel_term integer;
    size_t bits;
    keel_status status = kl_parse_integer(parse, &token, negative, &integer);
    if (status == KEEL_OK) {
        status = parse_size(parse, &bits);
    }
    if (status != KEEL_OK) {
        return status;
    }
    if (!reserve(builder, bits)) {
        return kl_parse_fail(parse, KEEL_E_NOMEM, start, "memory is exhausted");
    }
    add_integer(builder, integer, bits);
    return KEEL_OK;
}
