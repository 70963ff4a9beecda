#include "etf.h"
#include "heap.h"

// What the public function adds to walking and building: limits, the version byte,
// unpacking.

enum {
    DEFAULT_MAX_BYTES = 64 << 20,
    DEFAULT_MAX_DEPTH = 100000,
    DEFAULT_WORDS_A_BYTE = 32,
    DEFAULT_WORDS = 4096,
    INFLATE_RATIO_MAX = 1032, // no deflate stream unpacks to more bytes for each of its own
};

static keel_etf_limits limits_for(const keel_etf_limits *given, size_t size);
static keel_status decode_bare(const uint8_t *data, size_t size,
        const keel_etf_limits *given, size_t *ret_used, keel_term *ret_term);
static keel_status decode_compressed(const uint8_t *data, size_t size,
        const keel_etf_limits *given, size_t *ret_used, keel_term *ret_term);

keel_status keel_etf_decode(const void *data, size_t size, const keel_etf_limits *limits,
        size_t *ret_used, keel_term *ret_term)
{
    const uint8_t *bytes = data;
    if ((!data && size > 0) || !ret_term) {
        return KEEL_E_BADARG;
    }
    if (size > limits_for(limits, size).max_bytes) {
        return KEEL_E_TOO_LARGE;
    }
    if (size < 2 || bytes[0] != KL_ETF_VERSION) {
        return KEEL_E_MALFORMED;
    }

    bool is_compressed = bytes[1] == KL_ETF_COMPRESSED;
    size_t head = is_compressed ? 2 : 1, used;
    keel_status (*decode)(const uint8_t *, size_t, const keel_etf_limits *, size_t *,
            keel_term *) = is_compressed ? decode_compressed : decode_bare;
    keel_status status = decode(
            bytes + head, size - head, limits, ret_used ? &used : NULL, ret_term);
    if (status == KEEL_OK && ret_used) {
        *ret_used = head + used;
    }
    return status;
}

keel_status kl_etf_decode(const uint8_t *data, size_t size, const keel_etf_limits *limits,
        size_t *ret_used, keel_term *ret_term)
{
    return size > limits_for(limits, size).max_bytes
                   ? KEEL_E_TOO_LARGE
                   : decode_bare(data, size, limits, ret_used, ret_term);
}

keel_status kl_etf_decode_binary(
        keel_term binary, const keel_etf_limits *limits, keel_term *ret_term)
{
    keel_bytes bytes = keel_to_bytes(binary);
    keel_etf_limits set = limits_for(limits, bytes.size);
    if (bytes.size > set.max_bytes) {
        return KEEL_E_TOO_LARGE;
    }
    struct kl_block *source = NULL;
    if (kl_is_kind(binary, KL_KIND_SHARED)) {
        source = ((struct kl_shared *)kl_box(binary))->counted.block;
    }
    struct kl_etf_plan plan;
    keel_status status = kl_etf_plan(bytes.data, bytes.size, &set, &plan);
    if (status == KEEL_OK && plan.used != bytes.size) {
        status = KEEL_E_MALFORMED;
    }
    return status != KEEL_OK
                   ? status
                   : kl_etf_build(kl_heap_current(), bytes.data, &plan, source, ret_term);
}

keel_status kl_etf_walk(const uint8_t *data, size_t size, const keel_etf_limits *limits,
        size_t *ret_used, size_t *ret_words)
{
    keel_etf_limits set = limits_for(limits, size);
    if (size > set.max_bytes) {
        return KEEL_E_TOO_LARGE;
    }
    struct kl_etf_plan plan;
    keel_status status = kl_etf_plan(data, size, &set, &plan);
    if (status == KEEL_OK) {
        *ret_used = plan.used;
        if (ret_words) {
            *ret_words = plan.words;
        }
    }
    return status;
}

// The limits with defaults in place of zeros, for a term (unpacked) of `size` bytes.
static keel_etf_limits limits_for(const keel_etf_limits *given, size_t size)
{
    keel_etf_limits set = given ? *given : (keel_etf_limits){0};
    set.max_bytes = set.max_bytes ? set.max_bytes : DEFAULT_MAX_BYTES;
    set.max_depth = set.max_depth ? set.max_depth : DEFAULT_MAX_DEPTH;
    if (set.max_words == 0) {
        size_t words = size > SIZE_MAX / (2 * DEFAULT_WORDS_A_BYTE)
                               ? SIZE_MAX
                               : size * DEFAULT_WORDS_A_BYTE + DEFAULT_WORDS;
        set.max_words = words;
    }
    return set;
}

// With `ret_used` NULL the input must end with the term.
static keel_status decode_bare(const uint8_t *data, size_t size,
        const keel_etf_limits *given, size_t *ret_used, keel_term *ret_term)
{
    keel_etf_limits limits = limits_for(given, size);
    struct kl_etf_plan plan;
    keel_status status = kl_etf_plan(data, size, &limits, &plan);
    if (status == KEEL_OK && !ret_used && plan.used != size) {
        status = KEEL_E_MALFORMED;
    }
    if (status == KEEL_OK) {
        status = kl_etf_build(kl_heap_current(), data, &plan, NULL, ret_term);
    }
    if (status == KEEL_OK && ret_used) {
        *ret_used = plan.used;
    }
    return status;
}

// Memory for the unpacked term is taken only when the bytes there are could unpack to so
// much. A compressed term has no second one inside: that is malformed, as in OTP.
static keel_status decode_compressed(const uint8_t *data, size_t size,
        const keel_etf_limits *given, size_t *ret_used, keel_term *ret_term)
{
    if (size < 4) {
        return KEEL_E_MALFORMED;
    }
    size_t unpacked = kl_etf_get_32(data);
    if (unpacked > limits_for(given, unpacked).max_bytes) {
        return KEEL_E_TOO_LARGE;
    }
    size_t packed = size - 4;
    if (unpacked == 0 || unpacked / INFLATE_RATIO_MAX > packed) {
        return KEEL_E_MALFORMED;
    }
    uint8_t *plain = kl_alloc(unpacked);
    if (!plain) {
        return KEEL_E_NOMEM;
    }
    size_t used = 0;
    keel_status status = kl_etf_inflate(data + 4, packed, plain, unpacked, &used);
    if (status == KEEL_OK && !ret_used && used != packed) {
        status = KEEL_E_MALFORMED;
    }
    if (status == KEEL_OK) {
        status = decode_bare(plain, unpacked, given, NULL, ret_term);
    }
    kl_free(plain, unpacked);
    if (status == KEEL_OK && ret_used) {
        *ret_used = 4 + used;
    }
    return status;
}
