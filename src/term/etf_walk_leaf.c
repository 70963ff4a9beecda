#include "etf_walk.h"

// --- atoms, and what begins with the atom of a node ---

// Where atoms are watched: a new one is refused, or made here so that the next counts it.
static keel_status look_at(const struct kl_etf_walk *walk, const uint8_t *text, size_t size)
{
    keel_term atom;
    keel_status status = keel_atom_existing((const char *)text, size, &atom);
    if (status != KEEL_E_BADARG || walk->existing_atoms_only) {
        return status;
    }
    return keel_atom_count(NULL) < walk->max_atoms
                   ? keel_atom_from((const char *)text, size, &atom)
                   : KEEL_E_SYSTEM_LIMIT;
}

keel_status kl_etf_walk_atom(struct kl_etf_walk *walk, bool *ret_is_self)
{
    if (!kl_etf_walk_has(walk, 1)) {
        return KEEL_E_MALFORMED;
    }
    uint8_t tag = *walk->at++;
    bool is_latin1 = tag == KL_ETF_ATOM || tag == KL_ETF_SMALL_ATOM;
    bool is_small = tag == KL_ETF_SMALL_ATOM_UTF8 || tag == KL_ETF_SMALL_ATOM;
    uint32_t size;
    if ((!is_latin1 && !is_small && tag != KL_ETF_ATOM_UTF8) ||
            !kl_etf_walk_count(walk, is_small ? 1 : 2, &size) ||
            !kl_etf_walk_has(walk, size)) {
        return KEEL_E_MALFORMED;
    }

    const uint8_t *text = walk->at;
    walk->at += size;
    uint8_t utf8[2 * KEEL_ATOM_CHARS_MAX];
    if (is_latin1) {
        if (size > KEEL_ATOM_CHARS_MAX) {
            return KEEL_E_MALFORMED;
        }
        size = (uint32_t)kl_etf_utf8_of_latin1(utf8, text, size);
        text = utf8;
    } else if (!kl_etf_atom_text_is_valid(text, size)) {
        return KEEL_E_MALFORMED;
    }
    if (ret_is_self) {
        *ret_is_self = walk->self_text.size == size &&
                       memcmp(walk->self_text.data, text, size) == 0;
    }
    return walk->looks_at_atoms && walk->funs == 0 ? look_at(walk, text, size) : KEEL_OK;
}

// Reads a creation: of 32 bits, or of the 2 bits in a byte that the old forms have.
static bool take_creation(struct kl_etf_walk *walk, size_t bytes, uint32_t *ret_creation)
{
    return kl_etf_walk_count(walk, bytes, ret_creation) &&
           (bytes == 4 || *ret_creation <= 3);
}

keel_status kl_etf_walk_pid(struct kl_etf_walk *walk, size_t creation_bytes)
{
    bool is_self;
    keel_status status = kl_etf_walk_atom(walk, &is_self);
    if (status != KEEL_OK) {
        return status;
    }
    if (!kl_etf_walk_has(walk, 8)) {
        return KEEL_E_MALFORMED;
    }
    uint32_t id = kl_etf_get_32(walk->at), creation;
    walk->at += 8;
    if (!take_creation(walk, creation_bytes, &creation)) {
        return KEEL_E_MALFORMED;
    }
    if (!is_self || creation != walk->self.creation || !kl_etf_pid_is_ours(id)) {
        walk->words += sizeof(struct kl_pid_box) / 8;
    }
    return KEEL_OK;
}

keel_status kl_etf_walk_port(
        struct kl_etf_walk *walk, size_t id_bytes, size_t creation_bytes)
{
    bool is_self;
    keel_status status = kl_etf_walk_atom(walk, &is_self);
    if (status != KEEL_OK) {
        return status;
    }
    if (!kl_etf_walk_has(walk, id_bytes)) {
        return KEEL_E_MALFORMED;
    }
    walk->at += id_bytes;
    walk->words += sizeof(struct kl_port) / 8;
    uint32_t creation;
    return take_creation(walk, creation_bytes, &creation) ? KEEL_OK : KEEL_E_MALFORMED;
}

keel_status kl_etf_walk_ref(
        struct kl_etf_walk *walk, size_t count_bytes, size_t creation_bytes)
{
    // The oldest form has no count, and its one word before the creation.
    uint32_t count = 1;
    if (count_bytes > 0 && (!kl_etf_walk_count(walk, count_bytes, &count) || count == 0 ||
                                   count > KL_ETF_REF_WORDS_MAX)) {
        return KEEL_E_MALFORMED;
    }
    bool is_self;
    keel_status status = kl_etf_walk_atom(walk, &is_self);
    if (status != KEEL_OK) {
        return status;
    }
    size_t words_bytes = 4 * (size_t)count;
    if (!kl_etf_walk_has(walk, words_bytes + creation_bytes)) {
        return KEEL_E_MALFORMED;
    }
    const uint8_t *words = walk->at + (count_bytes > 0 ? creation_bytes : 0);
    const uint8_t *end = walk->at + words_bytes + creation_bytes;
    walk->at += count_bytes > 0 ? 0 : words_bytes;
    uint32_t creation;
    if (!take_creation(walk, creation_bytes, &creation)) {
        return KEEL_E_MALFORMED;
    }
    walk->at = end;
    if (!is_self || creation != walk->self.creation || !kl_etf_ref_is_ours(count, words)) {
        walk->words += sizeof(struct kl_ref_box) / 8;
    }
    return KEEL_OK;
}

// --- numbers and bitstrings ---

keel_status kl_etf_walk_bits(struct kl_etf_walk *walk, bool has_rest)
{
    uint32_t size;
    if (!kl_etf_walk_count(walk, 4, &size)) {
        return KEEL_E_MALFORMED;
    }
    uint64_t bits = (uint64_t)size * 8;
    if (has_rest) {
        // How many bits of the last byte count: 1 to 8, and 0 only when there is none.
        if (!kl_etf_walk_has(walk, 1) || (*walk->at == 0) != (size == 0) || *walk->at > 8) {
            return KEEL_E_MALFORMED;
        }
        bits -= size == 0 ? 0 : 8 - *walk->at;
        walk->at++;
    }
    if (!kl_etf_walk_has(walk, size)) {
        return KEEL_E_MALFORMED;
    }
    walk->at += size;
    enum kl_kind kind = size > KL_BITS_INLINE_MAX ? KL_KIND_SHARED : KL_KIND_BITS;
    walk->words += kl_header_words(kl_header(kind, bits));
    return KEEL_OK;
}

keel_status kl_etf_walk_big(struct kl_etf_walk *walk, size_t count_bytes)
{
    uint32_t size;
    if (!kl_etf_walk_count(walk, count_bytes, &size) ||
            !kl_etf_walk_has(walk, (size_t)size + 1)) {
        return KEEL_E_MALFORMED;
    }
    bool negative = walk->at[0] != 0;
    const uint8_t *magnitude = walk->at + 1;
    walk->at += (size_t)size + 1;

    // Leading zeros are no part of the value, and a small integer takes no words.
    while (size > 0 && magnitude[size - 1] == 0) {
        size--;
    }
    if (size < 8) {
        return KEEL_OK;
    }
    if (size == 8) {
        uint64_t value;
        memcpy(&value, magnitude, 8);
        value = le64toh(value);
        if (value <= (uint64_t)KL_SMALL_MAX + negative) {
            return KEEL_OK;
        }
    }
    walk->words += kl_header_words(kl_header(KL_KIND_BIG, ((uint64_t)size + 7) / 8));
    return KEEL_OK;
}

keel_status kl_etf_walk_float(struct kl_etf_walk *walk)
{
    if (!kl_etf_walk_has(walk, 8)) {
        return KEEL_E_MALFORMED;
    }
    uint64_t bits = kl_etf_get_64(walk->at);
    walk->at += 8;
    walk->words += sizeof(struct kl_float) / 8;
    return kl_etf_is_finite(bits) ? KEEL_OK : KEEL_E_MALFORMED;
}

keel_status kl_etf_walk_float_text(struct kl_etf_walk *walk)
{
    double value;
    if (!kl_etf_walk_has(walk, KL_ETF_FLOAT_TEXT) || !kl_etf_float_text(walk->at, &value)) {
        return KEEL_E_MALFORMED;
    }
    walk->at += KL_ETF_FLOAT_TEXT;
    walk->words += sizeof(struct kl_float) / 8;
    return KEEL_OK;
}
