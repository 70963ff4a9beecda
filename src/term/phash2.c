#include "atom.h"
#include "fun.h"
#include "value.h"
#include "work.h"
#include <string.h>

// erlang:phash2, the same number for the same term as on every other node. It is defined by
// what OTP computes: Bob Jenkins' 96-bit mix of 1996 over the parts of a term in their
// order, each kind of part with a constant of its own, a multiple of the golden ratio.
//
// The walk keeps frames of two words on a stack: items left to do (where, how many << 1),
// or a map under way (the map, steps done << 1 | 1, above the hashes to go on with after
// it). The pairs of a map are hashed each for itself and combined by exclusive or, since
// their order differs from node to node.

#define GOLDEN(n) ((uint32_t)(n)*0x9e3779b9u)

enum part {
    PART_INTEGER = 1,
    PART_FUN = 1,
    PART_NIL = 2,
    PART_ATOM = 3,
    PART_BYTES_OF_LIST = 4,
    PART_PID = 5,
    PART_PORT = 6,
    PART_REF = 7,
    PART_TUPLE = 9,
    PART_BIG_NEGATIVE = 10,
    PART_BIG_POSITIVE = 11,
    PART_FLOAT = 12,
    PART_BINARY = 13,
    PART_EXPORT = 14,
    PART_BITS = 15,
    PART_MAP = 16,
    PART_MAP_PAIRS = 19,
};

struct walk {
    struct kl_work work;
    uint32_t hash; // of what came before
    uint32_t pairs; // of the pairs of the innermost map so far
    const keel_term *next;
    size_t left;
    struct kl_heap *heap; // where free variables of funs are decoded, or NULL
    struct kl_heap_mark mark;
};

static bool resume(struct walk *walk);
static void visit(struct walk *walk, keel_term term);

uint32_t keel_phash2(keel_term term, uint64_t range)
{
    // An atom alone is not mixed.
    uint32_t hash;
    if (kl_is_atom(term)) {
        hash = kl_atom_portable_hash(term);
    } else {
        struct walk walk = {.next = &term, .left = 1};
        kl_work_init(&walk.work);
        do {
            while (walk.left > 0) {
                keel_term item = *walk.next++;
                walk.left--;
                visit(&walk, item);
            }
        } while (resume(&walk));
        kl_work_done(&walk.work);
        if (walk.heap) {
            kl_heap_rewind(walk.heap, &walk.mark);
        }
        hash = walk.hash;
    }
    return range == 0 || range > (uint64_t)1 << 32 ? 0 : (uint32_t)(hash % range);
}

// --- mixing ---

static void mix(uint32_t *a, uint32_t *b, uint32_t *c)
{
    static const uint8_t shifts[3][3] = {{13, 8, 13}, {12, 16, 5}, {3, 10, 15}};
    for (int round = 0; round < 3; round++) {
        *a = (*a - *b - *c) ^ *c >> shifts[round][0];
        *b = (*b - *c - *a) ^ *a << shifts[round][1];
        *c = (*c - *a - *b) ^ *b >> shifts[round][2];
    }
}

static void add_two(struct walk *walk, enum part part, uint64_t first, uint64_t second)
{
    uint32_t a = GOLDEN(part) + (uint32_t)first;
    uint32_t b = GOLDEN(part) + (uint32_t)second;
    mix(&a, &b, &walk->hash);
}

static void add_one(struct walk *walk, enum part part, uint64_t value)
{
    add_two(walk, part, value, 0);
}

// Up to `size` bytes as a number, the first the lowest.
static uint32_t number_at(const uint8_t *data, size_t at, size_t size)
{
    uint32_t number = 0;
    for (size_t i = 0; i < 4 && at + i < size; i++) {
        number |= (uint32_t)data[at + i] << 8 * i;
    }
    return number;
}

static uint32_t hash_bytes(const uint8_t *data, size_t size, uint32_t start)
{
    uint32_t a = GOLDEN(1);
    uint32_t b = GOLDEN(1);
    uint32_t c = start;
    size_t at = 0;
    for (; size - at >= 12; at += 12) {
        a += number_at(data, at, size);
        b += number_at(data, at + 4, size);
        c += number_at(data, at + 8, size);
        mix(&a, &b, &c);
    }
    a += number_at(data, at, size);
    b += number_at(data, at + 4, size);
    // The lowest byte is left to the size.
    c += (number_at(data, at + 8, size) << 8) + (uint32_t)size;
    mix(&a, &b, &c);
    return c;
}

// --- the walk ---

static void push_frame(struct walk *walk, uint64_t where, uint64_t state)
{
    if (!kl_work_has_room(&walk->work, 2)) {
        kl_work_must_grow(&walk->work, 2);
    }
    kl_work_put(&walk->work, where);
    kl_work_put(&walk->work, state);
}

// Goes inside: what is left beside waits on the stack.
static void enter(struct walk *walk, const keel_term *items, size_t count)
{
    if (walk->left > 0) {
        push_frame(walk, (uintptr_t)walk->next, walk->left << 1);
    }
    walk->next = items;
    walk->left = count;
}

static void enter_map(struct walk *walk, keel_term map)
{
    size_t count = kl_map_count(map);
    add_one(walk, PART_MAP, count);
    if (count == 0) {
        return;
    }
    enter(walk, NULL, 0);
    if (!kl_work_has_room(&walk->work, 1)) {
        kl_work_must_grow(&walk->work, 1);
    }
    kl_work_put(&walk->work, (uint64_t)walk->pairs << 32 | walk->hash);
    push_frame(walk, map.word, 1);
    walk->hash = 0;
    walk->pairs = 0;
}

// Takes the next frame off the stack; false when there is none.
static bool resume(struct walk *walk)
{
    if (walk->work.count == 0) {
        return false;
    }
    uint64_t state = kl_work_pop(&walk->work);
    uint64_t where = kl_work_pop(&walk->work);
    if ((state & 1) == 0) {
        walk->next = (const keel_term *)(uintptr_t)where;
        walk->left = state >> 1;
        return true;
    }

    keel_term map = {where};
    size_t count = kl_map_count(map);
    size_t step = state >> 1; // keys and values done
    if (step > 0 && step % 2 == 0) {
        walk->pairs ^= walk->hash;
        walk->hash = 0;
    }
    if (step < 2 * count) {
        push_frame(walk, where, (step + 1) << 1 | 1);
        walk->next = &kl_map(map)->slot[step % 2 * count + step / 2];
        walk->left = 1;
        return true;
    }
    uint64_t before = kl_work_pop(&walk->work);
    walk->hash = (uint32_t)before;
    add_one(walk, PART_MAP_PAIRS, walk->pairs);
    walk->pairs = (uint32_t)(before >> 32);
    return true;
}

static bool is_byte(keel_term term)
{
    return kl_is_small(term) && (uint64_t)kl_small_value(term) <= 255;
}

// Bytes at the front of a list are taken four at a time, as the text they mostly are.
static void enter_list(struct walk *walk, keel_term list)
{
    const keel_term *cell = kl_cell(list);
    uint32_t bytes = 0;
    int count = 0;
    while (is_byte(cell[0])) {
        bytes = (bytes << 8) + (uint32_t)kl_small_value(cell[0]);
        if (++count == 4) {
            add_one(walk, PART_BYTES_OF_LIST, bytes);
            bytes = 0;
            count = 0;
        }
        if (!kl_is_cell(cell[1])) {
            break;
        }
        cell = kl_cell(cell[1]);
    }
    if (count > 0) {
        add_one(walk, PART_BYTES_OF_LIST, bytes);
    }
    bool at_tail = is_byte(cell[0]);
    enter(walk, at_tail ? cell + 1 : cell, at_tail ? 1 : 2);
}

static void add_integer(struct walk *walk, keel_term integer)
{
    int64_t small = kl_small_value(integer);
    if (!kl_is_small(integer)) {
        enum part part = kl_big_negative(integer) ? PART_BIG_NEGATIVE : PART_BIG_POSITIVE;
        for (size_t i = 0; i < kl_big_limbs(integer); i++) {
            uint64_t limb = kl_big(integer)->limb[i];
            add_two(walk, part, limb, limb >> 32);
        }
    } else if (small >= -(1 << 27) && small < 1 << 27) {
        if (small < 0) {
            add_one(walk, PART_INTEGER, (uint64_t)-small);
        }
        add_one(walk, PART_INTEGER, (uint64_t)small);
    } else {
        // What a 32-bit node keeps as a big integer.
        enum part part = small < 0 ? PART_BIG_NEGATIVE : PART_BIG_POSITIVE;
        uint64_t magnitude = (uint64_t)(small < 0 ? -small : small);
        add_two(walk, part, magnitude, magnitude >> 32);
    }
}

static void add_bits(struct walk *walk, keel_term term)
{
    const uint8_t *data = kl_bits_data(term);
    size_t bits = kl_bits_size(term);
    uint32_t start = GOLDEN(PART_BINARY) + walk->hash;
    if (bits == 0) {
        walk->hash = start;
        return;
    }
    walk->hash = hash_bytes(data, bits / 8, start);
    if (bits % 8 != 0) {
        add_two(walk, PART_BITS, bits % 8, data[bits / 8] >> (8 - bits % 8));
    }
}

static void add_float(struct walk *walk, double value)
{
    value += 0.0; // -0.0 is 0.0
    uint64_t word;
    memcpy(&word, &value, sizeof word);
    add_two(walk, PART_FLOAT, word >> 32, word);
}

// The fun's module, its number in it, and its free variables, which stay decoded until the
// walk is done with everything. A fun that there is no memory to decode leaves no trace.
static void enter_fun(struct walk *walk, keel_term fun)
{
    struct kl_fun_parts parts;
    if (!kl_fun_read(fun, &parts)) {
        return;
    }
    if (!walk->heap) {
        walk->heap = parts.heap;
        walk->mark = parts.mark;
    }
    add_two(walk, PART_FUN, parts.count, kl_atom_portable_hash(parts.module));
    add_two(walk, PART_FUN, (uint64_t)parts.index, (uint64_t)parts.uniq);
    enter(walk, parts.variables, parts.count);
}

static void visit_box(struct walk *walk, keel_term term)
{
    uint64_t header = kl_box_header(term);
    switch (kl_header_kind(header)) {
    case KL_KIND_TUPLE:
        add_one(walk, PART_TUPLE, kl_header_size(header));
        enter(walk, kl_tuple(term)->item, kl_header_size(header));
        break;
    case KL_KIND_MAP:
        enter_map(walk, term);
        break;
    case KL_KIND_FLOAT:
        add_float(walk, kl_float_value(term));
        break;
    case KL_KIND_BIG:
        add_integer(walk, term);
        break;
    case KL_KIND_BITS:
    case KL_KIND_SHARED:
        add_bits(walk, term);
        break;
    case KL_KIND_PID:
        add_one(walk, PART_PID, ((struct kl_pid_box *)kl_box(term))->id);
        break;
    case KL_KIND_REF:
        add_one(walk, PART_REF, ((struct kl_ref_box *)kl_box(term))->word[0]);
        break;
    case KL_KIND_PORT: {
        uint64_t id = ((struct kl_port *)kl_box(term))->id;
        add_two(walk, PART_PORT, id, id >> 32);
        break;
    }
    case KL_KIND_EXPORT: {
        const struct kl_export *export = kl_box(term);
        add_two(walk, PART_FUN, export->arity, kl_atom_portable_hash(export->module));
        add_one(walk, PART_EXPORT, kl_atom_portable_hash(export->function));
        break;
    }
    case KL_KIND_FUN:
        enter_fun(walk, term);
        break;
    case KL_KIND_RESOURCE: {
        // Erlang has none; as a reference numbered by its age.
        const struct kl_resource *box = kl_box(term);
        add_one(walk, PART_REF, ((struct kl_resource_block *)box->counted.block)->serial);
        break;
    }
    }
}

static void visit(struct walk *walk, keel_term term)
{
    if (kl_is_boxed(term)) {
        visit_box(walk, term);
    } else if (kl_is_cell(term)) {
        enter_list(walk, term);
    } else if (kl_is_small(term)) {
        add_integer(walk, term);
    } else if (kl_is_atom(term)) {
        uint32_t hash = kl_atom_portable_hash(term);
        if (walk->hash == 0) {
            walk->hash = hash;
        } else {
            add_one(walk, PART_ATOM, hash);
        }
    } else if (kl_is_nil(term)) {
        if (walk->hash == 0) {
            walk->hash = 3468870702u; // what OTP has for it
        } else {
            add_one(walk, PART_NIL, 2);
        }
    } else if (kl_is_local_pid(term)) {
        add_one(walk, PART_PID, kl_pid_slot((keel_pid){term.word}));
    } else if (kl_is_local_ref(term)) {
        add_one(walk, PART_REF, kl_ref_number((keel_ref){term.word}));
    } else {
        add_one(walk, PART_REF, term.word >> 5); // a bare pointer; Erlang has none
    }
}
