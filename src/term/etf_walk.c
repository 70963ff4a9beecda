#include "etf_walk.h"

// Checks bytes that claim to be a term. Nothing is allocated by a size that the input
// names: each open container owes so many terms, a term takes at least one byte, and an
// input that owes more terms than it has bytes left is refused at once.

enum level_kind {
    SEQUENCE, // tuple, map
    LIST, // its tail is the last term due and is no deeper than the list
    FUN,
};

static keel_status walk_all(struct kl_etf_walk *walk);
static keel_status walk_term(struct kl_etf_walk *walk);
static keel_status walk_identifier(struct kl_etf_walk *walk, uint8_t tag);
static keel_status walk_sequence(struct kl_etf_walk *walk, size_t count_bytes);
static keel_status walk_list(struct kl_etf_walk *walk);
static keel_status walk_map(struct kl_etf_walk *walk);
static keel_status walk_string(struct kl_etf_walk *walk);
static keel_status walk_export(struct kl_etf_walk *walk);
static keel_status walk_new_fun(struct kl_etf_walk *walk);
static keel_status walk_old_fun(struct kl_etf_walk *walk);

// An atom takes three bytes at least, so most inputs cannot bring too many, even several at
// a time; the others are looked at atom by atom, which takes longer.
static bool may_overfill(const keel_etf_limits *limits, size_t size)
{
    enum { LEAST_BYTES = 3, AT_A_TIME = 16 };
    if (limits->max_atoms == 0) {
        return false;
    }
    size_t count = keel_atom_count(NULL);
    size_t room = limits->max_atoms > count ? limits->max_atoms - count : 0;
    return size / LEAST_BYTES > room / AT_A_TIME;
}

keel_status kl_etf_plan(const uint8_t *data, size_t size, const keel_etf_limits *limits,
        struct kl_etf_plan *ret_plan)
{
    struct kl_work work;
    kl_work_init(&work);
    struct kl_etf_walk walk = {
            .work = &work,
            .at = data,
            .end = data + size,
            .max_depth = limits->max_depth,
            .existing_atoms_only = limits->existing_atoms_only,
            .looks_at_atoms = limits->existing_atoms_only || may_overfill(limits, size),
            .max_atoms = limits->max_atoms,
            .self = kl_etf_node_read(),
    };
    walk.self_text = kl_atom_bytes(walk.self.name);
    keel_status status = walk_all(&walk);
    kl_work_done(&work);
    if (status != KEEL_OK) {
        return status;
    }
    if (walk.words > limits->max_words) {
        return KEEL_E_TOO_LARGE;
    }
    *ret_plan = (struct kl_etf_plan){
            .used = (size_t)(walk.at - data),
            .words = walk.words,
            .depth = walk.deepest,
            .self = walk.self,
    };
    return KEEL_OK;
}

// --- containers ---

static keel_status open_level(
        struct kl_etf_walk *walk, enum level_kind kind, uint64_t count, const uint8_t *end)
{
    walk->due += count;
    if (walk->due > (size_t)(walk->end - walk->at)) {
        return KEEL_E_MALFORMED;
    }
    if (walk->depth >= walk->max_depth) {
        return KEEL_E_TOO_DEEP;
    }
    if (!kl_work_push(walk->work, walk->level.left << 2 | (unsigned)walk->level.kind) ||
            !kl_work_push(walk->work, (uintptr_t)walk->level.end)) {
        return KEEL_E_NOMEM;
    }
    walk->depth++;
    walk->level = (struct kl_etf_level){.left = count, .kind = kind, .end = end};
    if (walk->deepest < walk->depth) {
        walk->deepest = walk->depth;
    }
    return KEEL_OK;
}

static void drop_level(struct kl_etf_walk *walk)
{
    walk->level.end = (const uint8_t *)(uintptr_t)kl_work_pop(walk->work);
    uint64_t word = kl_work_pop(walk->work);
    walk->level.left = word >> 2;
    walk->level.kind = word & 3;
    walk->depth--;
}

static keel_status close_level(struct kl_etf_walk *walk)
{
    struct kl_etf_level closed = walk->level;
    drop_level(walk);
    if (closed.kind != FUN) {
        return KEEL_OK;
    }

    if (closed.end && closed.end != walk->at) {
        return KEEL_E_MALFORMED;
    }
    walk->funs--;
    if (walk->funs == 0) {
        size_t bytes = (size_t)(walk->at - walk->fun_start);
        walk->words = walk->words_outside + kl_header_words(kl_header(KL_KIND_FUN, bytes));
    }
    return KEEL_OK;
}

// The size of the plain term at `at` (there are at least 10 bytes), 0 when it is none of
// those. Most terms are plain; without a short way for them the walk takes twice the time.
static inline size_t plain_size(const uint8_t *at, size_t left, bool atoms, size_t *words)
{
    switch (*at) {
    case KL_ETF_SMALL_INTEGER:
        return 2;
    case KL_ETF_INTEGER:
        return 5;
    case KL_ETF_NIL:
        return 1;
    case KL_ETF_SMALL_ATOM_UTF8: {
        size_t size = 2 + (size_t)at[1];
        return atoms && size <= left && kl_etf_is_ascii(at + 2, at[1]) ? size : 0;
    }
    case KL_ETF_NEW_FLOAT:
        *words += sizeof(struct kl_float) / 8;
        return kl_etf_is_finite(kl_etf_get_64(at + 1)) ? 9 : 0;
    case KL_ETF_BINARY: {
        size_t bytes = kl_etf_get_32(at + 1);
        if (bytes > KL_BITS_INLINE_MAX || 5 + bytes > left) {
            return 0;
        }
        *words += 1 + (bytes + 7) / 8;
        return 5 + bytes;
    }
    default:
        return 0;
    }
}

// Passes over the plain terms that come next, but never over the last term of a container:
// after that one there is more to do.
static void walk_plain(struct kl_etf_walk *walk)
{
    const uint8_t *at = walk->at;
    uint64_t left = walk->level.left;
    size_t words = walk->words;
    for (; left > 1 && walk->end - at >= 10; left--) {
        size_t size = plain_size(
                at, (size_t)(walk->end - at), !walk->looks_at_atoms, &words);
        if (size == 0) {
            break;
        }
        walk->words = words;
        at += size;
    }
    walk->at = at;
    walk->due -= walk->level.left - left;
    walk->level.left = left;
}

static keel_status walk_all(struct kl_etf_walk *walk)
{
    for (;;) {
        keel_status status = walk_term(walk);
        while (status == KEEL_OK && walk->depth > 0 && walk->level.left == 0) {
            status = close_level(walk);
        }
        if (status != KEEL_OK || walk->depth == 0) {
            return status;
        }

        walk_plain(walk);
        walk->due--;
        walk->level.left--;
        if (walk->level.left == 0 && walk->level.kind == LIST) {
            drop_level(walk); // before its tail, which is no deeper
        }
    }
}

static keel_status walk_term(struct kl_etf_walk *walk)
{
    if (walk->at == walk->end) {
        return KEEL_E_MALFORMED;
    }
    switch (*walk->at++) {
    case KL_ETF_SMALL_INTEGER:
        return kl_etf_walk_has(walk, 1) ? (walk->at += 1, KEEL_OK) : KEEL_E_MALFORMED;
    case KL_ETF_INTEGER:
        return kl_etf_walk_has(walk, 4) ? (walk->at += 4, KEEL_OK) : KEEL_E_MALFORMED;
    case KL_ETF_NIL:
        return KEEL_OK;
    case KL_ETF_SMALL_ATOM_UTF8:
    case KL_ETF_ATOM_UTF8:
    case KL_ETF_SMALL_ATOM:
    case KL_ETF_ATOM:
        walk->at--;
        return kl_etf_walk_atom(walk, NULL);
    case KL_ETF_SMALL_TUPLE:
        return walk_sequence(walk, 1);
    case KL_ETF_LARGE_TUPLE:
        return walk_sequence(walk, 4);
    case KL_ETF_LIST:
        return walk_list(walk);
    case KL_ETF_MAP:
        return walk_map(walk);
    case KL_ETF_STRING:
        return walk_string(walk);
    case KL_ETF_BINARY:
        return kl_etf_walk_bits(walk, false);
    case KL_ETF_BIT_BINARY:
        return kl_etf_walk_bits(walk, true);
    case KL_ETF_SMALL_BIG:
        return kl_etf_walk_big(walk, 1);
    case KL_ETF_LARGE_BIG:
        return kl_etf_walk_big(walk, 4);
    case KL_ETF_NEW_FLOAT:
        return kl_etf_walk_float(walk);
    case KL_ETF_FLOAT:
        return kl_etf_walk_float_text(walk);
    case KL_ETF_EXPORT:
        return walk_export(walk);
    case KL_ETF_NEW_FUN:
        return walk_new_fun(walk);
    case KL_ETF_FUN:
        return walk_old_fun(walk);
    default:
        return walk_identifier(walk, walk->at[-1]);
    }
}

static keel_status walk_identifier(struct kl_etf_walk *walk, uint8_t tag)
{
    switch (tag) {
    case KL_ETF_NEW_PID:
        return kl_etf_walk_pid(walk, 4);
    case KL_ETF_PID:
        return kl_etf_walk_pid(walk, 1);
    case KL_ETF_V4_PORT:
        return kl_etf_walk_port(walk, 8, 4);
    case KL_ETF_NEW_PORT:
        return kl_etf_walk_port(walk, 4, 4);
    case KL_ETF_PORT:
        return kl_etf_walk_port(walk, 4, 1);
    case KL_ETF_NEWER_REFERENCE:
        return kl_etf_walk_ref(walk, 2, 4);
    case KL_ETF_NEW_REFERENCE:
        return kl_etf_walk_ref(walk, 2, 1);
    case KL_ETF_REFERENCE:
        return kl_etf_walk_ref(walk, 0, 1);
    default:
        // Among them a version byte or a compressed term that is not the outermost one,
        // references to an atom cache, and the form that only its own node can read
        // (LOCAL_EXT).
        return KEEL_E_MALFORMED;
    }
}

static keel_status walk_sequence(struct kl_etf_walk *walk, size_t count_bytes)
{
    uint32_t count;
    if (!kl_etf_walk_count(walk, count_bytes, &count)) {
        return KEEL_E_MALFORMED;
    }
    walk->words += 1 + (size_t)count;
    if (count == 0) {
        return KEEL_OK;
    }
    keel_status status = open_level(walk, SEQUENCE, count, NULL);
    return status == KEEL_OK && count > KL_TUPLE_MAX ? KEEL_E_TOO_LARGE : status;
}

static keel_status walk_map(struct kl_etf_walk *walk)
{
    uint32_t count;
    if (!kl_etf_walk_count(walk, 4, &count)) {
        return KEEL_E_MALFORMED;
    }
    walk->words += 1 + 2 * (size_t)count;
    return count == 0 ? KEEL_OK : open_level(walk, SEQUENCE, 2 * (uint64_t)count, NULL);
}

static keel_status walk_list(struct kl_etf_walk *walk)
{
    uint32_t count;
    if (!kl_etf_walk_count(walk, 4, &count)) {
        return KEEL_E_MALFORMED;
    }
    walk->words += 2 * (size_t)count;
    return open_level(walk, LIST, (uint64_t)count + 1, NULL);
}

static keel_status walk_string(struct kl_etf_walk *walk)
{
    uint32_t count;
    if (!kl_etf_walk_count(walk, 2, &count) || !kl_etf_walk_has(walk, count)) {
        return KEEL_E_MALFORMED;
    }
    walk->at += count;
    walk->words += 2 * (size_t)count;
    return KEEL_OK;
}

// --- funs: checked to the last byte, but carried as they are ---

// Checks a part of a fun that has to be of one of two tags.
static keel_status walk_part(struct kl_etf_walk *walk, uint8_t tag, uint8_t other_tag)
{
    if (!kl_etf_walk_has(walk, 1) || (*walk->at != tag && *walk->at != other_tag)) {
        return KEEL_E_MALFORMED;
    }
    return walk_term(walk);
}

static keel_status walk_integer(struct kl_etf_walk *walk)
{
    return walk_part(walk, KL_ETF_SMALL_INTEGER, KL_ETF_INTEGER);
}

static void enter_fun(struct kl_etf_walk *walk)
{
    if (walk->funs == 0) {
        walk->words_outside = walk->words;
        walk->fun_start = walk->at - 1;
    }
    walk->funs++;
}

static keel_status walk_new_fun(struct kl_etf_walk *walk)
{
    // The size counts itself; then come arity, unique number, index, count of free values.
    enum { HEAD = 4 + 1 + 16 + 4 + 4 };
    if (!kl_etf_walk_has(walk, HEAD)) {
        return KEEL_E_MALFORMED;
    }
    uint32_t size = kl_etf_get_32(walk->at);
    uint32_t free_values = kl_etf_get_32(walk->at + HEAD - 4);
    if (!kl_etf_walk_has(walk, size)) {
        return KEEL_E_MALFORMED;
    }
    const uint8_t *end = walk->at + size;

    enter_fun(walk);
    walk->at += HEAD;
    keel_status status = kl_etf_walk_atom(walk, NULL);
    for (int integers = 0; status == KEEL_OK && integers < 2; integers++) {
        status = walk_integer(walk);
    }
    if (status == KEEL_OK) {
        status = walk_part(walk, KL_ETF_NEW_PID, KL_ETF_PID);
    }
    return status == KEEL_OK ? open_level(walk, FUN, free_values, end) : status;
}

static keel_status walk_old_fun(struct kl_etf_walk *walk)
{
    uint32_t free_values;
    enter_fun(walk);
    if (!kl_etf_walk_count(walk, 4, &free_values)) {
        return KEEL_E_MALFORMED;
    }
    keel_status status = walk_part(walk, KL_ETF_NEW_PID, KL_ETF_PID);
    if (status == KEEL_OK) {
        status = kl_etf_walk_atom(walk, NULL);
    }
    for (int integers = 0; status == KEEL_OK && integers < 2; integers++) {
        status = walk_integer(walk);
    }
    return status == KEEL_OK ? open_level(walk, FUN, free_values, NULL) : status;
}

static keel_status walk_export(struct kl_etf_walk *walk)
{
    keel_status status = kl_etf_walk_atom(walk, NULL);
    if (status == KEEL_OK) {
        status = kl_etf_walk_atom(walk, NULL);
    }
    if (status != KEEL_OK) {
        return status;
    }
    if (!kl_etf_walk_has(walk, 2)) {
        return KEEL_E_MALFORMED;
    }
    // OTP writes an arity of up to 255 as a byte, and has no larger ones.
    if (walk->at[0] == KL_ETF_INTEGER && kl_etf_walk_has(walk, 5)) {
        walk->at += 5;
        walk->words += sizeof(struct kl_export) / 8;
        return kl_etf_get_32(walk->at - 4) <= UINT8_MAX ? KEEL_OK : KEEL_E_MALFORMED;
    }
    walk->at += 2;
    walk->words += sizeof(struct kl_export) / 8;
    return walk->at[-2] == KL_ETF_SMALL_INTEGER ? KEEL_OK : KEEL_E_MALFORMED;
}
