#ifndef KL_TERM_ETF_H
#define KL_TERM_ETF_H

#include "value.h"
#include <endian.h>
#include <string.h>

// What the files of the external format share: tags, big-endian numbers, and the two
// halves of decoding.
//
// Decoding goes over the bytes twice. The walk (etf_walk.c) believes nothing: it checks
// every byte and counts the words that the term will take. The build (etf_build.c) runs
// over bytes that a walk has passed and checks no lengths any more. So both must agree on
// what each tag takes; the build asserts that it used exactly the words of the walk.

enum kl_etf_tag {
    KL_ETF_VERSION = 131,
    KL_ETF_COMPRESSED = 80,
    KL_ETF_NEW_FLOAT = 70,
    KL_ETF_BIT_BINARY = 77,
    KL_ETF_NEW_PID = 88,
    KL_ETF_NEW_PORT = 89,
    KL_ETF_NEWER_REFERENCE = 90,
    KL_ETF_SMALL_INTEGER = 97,
    KL_ETF_INTEGER = 98,
    KL_ETF_FLOAT = 99, // text; OTP before R11
    KL_ETF_ATOM = 100, // Latin-1, as SMALL_ATOM; OTP before 26
    KL_ETF_REFERENCE = 101, // creation of 8 bits, as NEW_REFERENCE, PORT and PID
    KL_ETF_PORT = 102,
    KL_ETF_PID = 103,
    KL_ETF_SMALL_TUPLE = 104,
    KL_ETF_LARGE_TUPLE = 105,
    KL_ETF_NIL = 106,
    KL_ETF_STRING = 107,
    KL_ETF_LIST = 108,
    KL_ETF_BINARY = 109,
    KL_ETF_SMALL_BIG = 110,
    KL_ETF_LARGE_BIG = 111,
    KL_ETF_NEW_FUN = 112,
    KL_ETF_EXPORT = 113,
    KL_ETF_NEW_REFERENCE = 114,
    KL_ETF_SMALL_ATOM = 115,
    KL_ETF_MAP = 116,
    KL_ETF_FUN = 117, // OTP before R8
    KL_ETF_ATOM_UTF8 = 118,
    KL_ETF_SMALL_ATOM_UTF8 = 119,
    KL_ETF_V4_PORT = 120,
};

enum {
    KL_ETF_ATOM_BYTES_MAX = 4 * KEEL_ATOM_CHARS_MAX, // in UTF-8
    KL_ETF_STRING_MAX = 65535, // longer lists of bytes are written as LIST_EXT
    KL_ETF_FLOAT_TEXT = 31, // bytes of the old FLOAT_EXT
    KL_ETF_PORT_ID_OLD_MAX = (1 << 28) - 1, // larger ids are written as V4_PORT_EXT
    KL_ETF_REF_WORDS = 3, // of a local reference: 32 bits, 28 bits, zero
    KL_ETF_REF_WORDS_MAX = 5,
};

// --- numbers, most significant byte first ---

static inline uint32_t kl_etf_get_16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}
static inline uint32_t kl_etf_get_32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return be32toh(value);
}
static inline uint64_t kl_etf_get_64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return be64toh(value);
}
static inline uint8_t *kl_etf_put_16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return at + 2;
}
static inline uint8_t *kl_etf_put_32(uint8_t *at, uint32_t value)
{
    value = htobe32(value);
    memcpy(at, &value, sizeof value);
    return at + 4;
}
static inline uint8_t *kl_etf_put_64(uint8_t *at, uint64_t value)
{
    value = htobe64(value);
    memcpy(at, &value, sizeof value);
    return at + 8;
}

// --- this node, read once for each encoding or decoding ---

static inline struct kl_etf_node kl_etf_node_read(void)
{
    return (struct kl_etf_node){.name = kl_node_name(), .creation = kl_node_creation()};
}
// The forms that a local pid and a local reference have on the wire; any other form with
// this node's name and creation was not made here and stays a boxed term.
static inline bool kl_etf_pid_is_ours(uint32_t id)
{
    return id >> KL_PID_SLOT_BITS == 0;
}
static inline bool kl_etf_ref_is_ours(uint32_t count, const uint8_t *words)
{
    return count == KL_ETF_REF_WORDS && kl_etf_get_32(words + 4) >> 28 == 0 &&
           kl_etf_get_32(words + 8) == 0;
}

// --- what both passes of encoding must agree on ---

// The bytes of a magnitude whose highest limb is `high`, without leading zeros.
static inline size_t kl_etf_magnitude_bytes(size_t limbs, uint64_t high)
{
    return limbs * 8 - (size_t)__builtin_clzll(high) / 8;
}
static inline uint64_t kl_etf_small_magnitude(int64_t value)
{
    return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

// --- the two halves of decoding ---

// What a walk has found out. The node is part of it: which pids and references are local,
// and so take no words, must not change between the walk and the build.
struct kl_etf_plan {
    size_t used; // bytes of the term
    size_t words; // that building takes from the heap
    size_t depth; // of nesting: 0 for a number, 1 for a flat tuple
    struct kl_etf_node self;
};

// Checks one term, without version byte, against `limits` (none zeroed).
keel_status kl_etf_plan(const uint8_t *data, size_t size, const keel_etf_limits *limits,
        struct kl_etf_plan *ret_plan);

// Builds in `heap` the term that `plan` was made of. Fails with KEEL_E_MALFORMED (two equal
// keys in a map), KEEL_E_SYSTEM_LIMIT (atoms) or KEEL_E_NOMEM, and then leaves only atoms.
// Long binaries become parts of `source`, the block that has `data`; NULL: all are copied.
keel_status kl_etf_build(struct kl_heap *heap, const uint8_t *data,
        const struct kl_etf_plan *plan, struct kl_block *source, keel_term *ret_term);

// --- parts of both (etf_text.c) ---

// Reads the 31 bytes of an old FLOAT_EXT; false when they are no finite number.
bool kl_etf_float_text(const uint8_t *text, double *ret_value);
// Writes Latin-1 (at most 255 bytes) as UTF-8, returns the size of that.
size_t kl_etf_utf8_of_latin1(
        uint8_t utf8[2 * KEEL_ATOM_CHARS_MAX], const uint8_t *latin1, size_t size);

// False for infinities and what is not a number: all bits of the exponent are set.
static inline bool kl_etf_is_finite(uint64_t double_bits)
{
    return (~double_bits & (uint64_t)0x7ff << 52) != 0;
}
static inline bool kl_etf_is_ascii(const uint8_t *text, size_t size)
{
    const uint64_t high_bits = 0x8080808080808080u;
    uint64_t all = 0, word = 0;
    for (; size >= 8; size -= 8, text += 8) {
        memcpy(&word, text, 8);
        all |= word;
    }
    for (; size > 0; size--) {
        all |= *text++;
    }
    return (all & high_bits) == 0;
}
// True for UTF-8 of at most 255 characters.
bool kl_etf_atom_text_is_valid(const uint8_t *text, size_t size);

// --- compression: etf_zlib.c, or etf_nozlib.c in a build without zlib ---

// Compresses into `to`, which has room for `room` bytes. KEEL_E_TOO_LARGE when that is not
// enough, KEEL_E_NOMEM, KEEL_E_UNSUPPORTED.
keel_status kl_etf_deflate(int level, const uint8_t *from, size_t size, uint8_t *to,
        size_t room, size_t *ret_size);
// Unpacks exactly `size` bytes into `to`. `ret_used` gets the bytes that the packed form
// took of `from`. KEEL_E_MALFORMED, KEEL_E_NOMEM, KEEL_E_UNSUPPORTED.
keel_status kl_etf_inflate(
        const uint8_t *from, size_t from_size, uint8_t *to, size_t size, size_t *ret_used);

#endif // KL_TERM_ETF_H
