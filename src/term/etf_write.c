#include "atom.h"
#include "etf.h"
#include "work.h"

// The second pass of encoding: writes exactly the bytes that the first (etf_measure.c) has
// counted. Each kind of term is written as OTP 26 and later do, which is what OTP 25 sends
// over the distribution. Maps are written in key order: the order of OTP's maps of up to 32
// keys until OTP 25, and of its option `deterministic` since.

enum level_kind { SEQUENCE, LIST, MAP };
enum { LEVEL_WORDS = 3 };

// A container that is being written.
struct level {
    // A sequence: the next of `count` terms left. A list: the next cell, with `count` cells
    // before it. A map: its first slot, with `count` keys and values left.
    const keel_term *next;
    uint64_t count;
    enum level_kind kind;
    uint8_t *length_at; // where the length of a list goes once it is known
};

struct write {
    uint8_t *at;
    struct level level; // the innermost one; those around it are in `work`
    struct kl_work *work;
    struct kl_etf_node self;
};

static keel_status write_all(struct write *write);
static keel_term next_term(struct write *write);
static keel_status write_term(struct write *write, keel_term term);
static keel_status write_boxed(struct write *write, keel_term term);
static keel_status write_list(struct write *write, const keel_term *cell);
static keel_status write_tuple(struct write *write, const struct kl_tuple *tuple);
static keel_status write_map(struct write *write, const struct kl_map *map);
static void write_integer(struct write *write, int64_t value);
static void write_big(struct write *write, keel_term term);
static void write_bits(struct write *write, keel_term term);
static void write_opaque(struct write *write);
static void write_float(struct write *write, double value);
static void write_atom(struct write *write, keel_term atom);
static void write_pid(struct write *write, const struct kl_pid_box *pid);
static void write_ref(struct write *write, const struct kl_ref_box *ref);
static void write_port(struct write *write, const struct kl_port *port);
static void write_export(struct write *write, const struct kl_export *export);

keel_status kl_etf_encode_into(
        uint8_t *at, keel_term term, const struct kl_etf_measure *measure)
{
    struct kl_work work;
    kl_work_init(&work);
    struct write write = {.at = at,
            .level = {.next = &term, .count = 1, .kind = SEQUENCE},
            .work = &work,
            .self = measure->self};
    keel_status status = write_all(&write);
    kl_work_done(&work);
    KL_ASSERT(status != KEEL_OK || write.at == at + measure->bytes);
    return status;
}

static keel_status write_all(struct write *write)
{
    for (;;) {
        if (write->level.kind == LIST || write->level.count > 0) {
            keel_status status = write_term(write, next_term(write));
            if (status != KEEL_OK) {
                return status;
            }
        } else if (write->work->count > 0) {
            write->level.length_at = (uint8_t *)(uintptr_t)kl_work_pop(write->work);
            uint64_t word = kl_work_pop(write->work);
            write->level.count = word >> 2;
            write->level.kind = word & 3;
            write->level.next = (const keel_term *)(uintptr_t)kl_work_pop(write->work);
        } else {
            return KEEL_OK;
        }
    }
}

// Takes the next term of the level that is open; there is one.
static keel_term next_term(struct write *write)
{
    struct level *level = &write->level;
    const keel_term *next = level->next;
    switch (level->kind) {
    case SEQUENCE:
        break;
    case MAP: {
        size_t pairs = kl_header_size(next[-1].word), done = 2 * pairs - level->count--;
        return next[done / 2 + (done % 2 ? pairs : 0)];
    }
    case LIST:
        level->count++;
        if (kl_is_cell(next[1])) {
            level->next = kl_cell(next[1]);
        } else {
            kl_etf_put_32(level->length_at, (uint32_t)level->count);
            *level = (struct level){.next = &next[1], .count = 1, .kind = SEQUENCE};
        }
        return next[0];
    }
    level->next++;
    level->count--;
    return *next;
}

static keel_status open_level(struct write *write, struct level level)
{
    // What has nothing left need not be remembered: so the last tail of a list, or the
    // last element of a tuple, costs no memory, however deep they go.
    if (write->level.kind == LIST || write->level.count > 0) {
        if (!kl_work_has_room(write->work, LEVEL_WORDS) &&
                !kl_work_grow(write->work, LEVEL_WORDS)) {
            return KEEL_E_NOMEM;
        }
        kl_work_put(write->work, (uintptr_t)write->level.next);
        kl_work_put(write->work, write->level.count << 2 | write->level.kind);
        kl_work_put(write->work, (uintptr_t)write->level.length_at);
    }
    write->level = level;
    return KEEL_OK;
}

static void put_8(struct write *write, uint8_t value)
{
    *write->at++ = value;
}
static void put_32(struct write *write, uint32_t value)
{
    write->at = kl_etf_put_32(write->at, value);
}

static keel_status write_term(struct write *write, keel_term term)
{
    if (kl_is_small(term)) {
        write_integer(write, kl_small_value(term));
    } else if (kl_is_atom(term)) {
        write_atom(write, term);
    } else if (kl_is_nil(term)) {
        put_8(write, KL_ETF_NIL);
    } else if (kl_is_cell(term)) {
        return write_list(write, kl_cell(term));
    } else if (kl_is_boxed(term)) {
        return write_boxed(write, term);
    } else if (kl_is_local_pid(term)) {
        keel_pid pid = {term.word};
        write_pid(write, &(struct kl_pid_box){.node = write->self.name,
                                 .id = kl_pid_slot(pid),
                                 .serial = kl_pid_generation(pid),
                                 .creation = write->self.creation});
    } else if (kl_is_pointer(term)) {
        write_opaque(write);
    } else {
        KL_ASSERT(kl_is_local_ref(term)); // no other kind of term has been measured
        uint64_t number = kl_ref_number((keel_ref){term.word});
        write_ref(write, &(struct kl_ref_box){.node = write->self.name,
                                 .creation = write->self.creation,
                                 .count = KL_ETF_REF_WORDS,
                                 .word = {(uint32_t)number, (uint32_t)(number >> 32), 0}});
    }
    return KEEL_OK;
}

static keel_status write_boxed(struct write *write, keel_term term)
{
    switch (kl_header_kind(kl_box_header(term))) {
    case KL_KIND_TUPLE:
        return write_tuple(write, kl_tuple(term));
    case KL_KIND_MAP:
        return write_map(write, kl_map(term));
    case KL_KIND_FLOAT:
        write_float(write, kl_float_value(term));
        break;
    case KL_KIND_BIG:
        write_big(write, term);
        break;
    case KL_KIND_BITS:
    case KL_KIND_SHARED:
        write_bits(write, term);
        break;
    case KL_KIND_PID:
        write_pid(write, kl_box(term));
        break;
    case KL_KIND_REF:
        write_ref(write, kl_box(term));
        break;
    case KL_KIND_PORT:
        write_port(write, kl_box(term));
        break;
    case KL_KIND_EXPORT:
        write_export(write, kl_box(term));
        break;
    case KL_KIND_FUN: {
        const struct kl_fun *fun = kl_box(term);
        size_t size = kl_header_size(fun->header);
        memcpy(write->at, fun->data, size);
        write->at += size;
        break;
    }
    case KL_KIND_RESOURCE:
        write_opaque(write);
        break;
    }
    return KEEL_OK;
}

// --- containers ---

// Writes a list of bytes as STRING_EXT; false when it is another list, and then nothing is
// written. What it leaves behind the place to write at is less than the list will take.
static bool write_string(struct write *write, const keel_term *cell)
{
    uint8_t *at = write->at + 3, *end = at + KL_ETF_STRING_MAX;
    for (;;) {
        if (!kl_is_small(cell[0]) || (uint64_t)kl_small_value(cell[0]) > UINT8_MAX ||
                at == end) {
            return false;
        }
        *at++ = (uint8_t)kl_small_value(cell[0]);
        if (!kl_is_cell(cell[1])) {
            break;
        }
        cell = kl_cell(cell[1]);
    }
    if (!kl_is_nil(cell[1])) {
        return false;
    }
    *write->at = KL_ETF_STRING;
    kl_etf_put_16(write->at + 1, (uint32_t)(at - write->at - 3));
    write->at = at;
    return true;
}

static keel_status write_list(struct write *write, const keel_term *cell)
{
    if (write_string(write, cell)) {
        return KEEL_OK;
    }
    put_8(write, KL_ETF_LIST);
    uint8_t *length_at = write->at;
    write->at += 4;
    return open_level(
            write, (struct level){.next = cell, .kind = LIST, .length_at = length_at});
}

static keel_status write_tuple(struct write *write, const struct kl_tuple *tuple)
{
    size_t count = kl_header_size(tuple->header);
    if (count <= UINT8_MAX) {
        put_8(write, KL_ETF_SMALL_TUPLE);
        put_8(write, (uint8_t)count);
    } else {
        put_8(write, KL_ETF_LARGE_TUPLE);
        put_32(write, (uint32_t)count);
    }
    return open_level(
            write, (struct level){.next = tuple->item, .count = count, .kind = SEQUENCE});
}

static keel_status write_map(struct write *write, const struct kl_map *map)
{
    size_t pairs = kl_header_size(map->header);
    put_8(write, KL_ETF_MAP);
    put_32(write, (uint32_t)pairs);
    return open_level(
            write, (struct level){.next = map->slot, .count = 2 * pairs, .kind = MAP});
}

// --- numbers and bitstrings ---

static void write_big_head(struct write *write, size_t bytes, bool negative)
{
    if (bytes <= UINT8_MAX) {
        put_8(write, KL_ETF_SMALL_BIG);
        put_8(write, (uint8_t)bytes);
    } else {
        put_8(write, KL_ETF_LARGE_BIG);
        put_32(write, (uint32_t)bytes);
    }
    put_8(write, negative);
}

// Writes the `bytes` low bytes of a limb, the lowest first.
static void write_limb(struct write *write, uint64_t limb, size_t bytes)
{
    limb = htole64(limb);
    memcpy(write->at, &limb, bytes);
    write->at += bytes;
}

static void write_integer(struct write *write, int64_t value)
{
    if (value >= 0 && value <= UINT8_MAX) {
        put_8(write, KL_ETF_SMALL_INTEGER);
        put_8(write, (uint8_t)value);
    } else if (value == (int32_t)value) {
        put_8(write, KL_ETF_INTEGER);
        put_32(write, (uint32_t)value);
    } else {
        uint64_t magnitude = kl_etf_small_magnitude(value);
        size_t bytes = kl_etf_magnitude_bytes(1, magnitude);
        write_big_head(write, bytes, value < 0);
        write_limb(write, magnitude, bytes);
    }
}

static void write_big(struct write *write, keel_term term)
{
    const uint64_t *limb = kl_big(term)->limb;
    size_t limbs = kl_big_limbs(term);
    size_t bytes = kl_etf_magnitude_bytes(limbs, limb[limbs - 1]);
    write_big_head(write, bytes, kl_big_negative(term));
    for (; bytes > 8; bytes -= 8) {
        write_limb(write, *limb++, 8);
    }
    write_limb(write, *limb, bytes);
}

static void write_bits(struct write *write, keel_term term)
{
    size_t bits = kl_bits_size(term), size = (bits + 7) / 8;
    put_8(write, bits % 8 == 0 ? KL_ETF_BINARY : KL_ETF_BIT_BINARY);
    put_32(write, (uint32_t)size);
    if (bits % 8 != 0) {
        put_8(write, (uint8_t)(bits % 8));
    }
    if (size > 0) {
        memcpy(write->at, kl_bits_data(term), size);
    }
    write->at += size;
}

static void write_opaque(struct write *write)
{
    size_t size = sizeof KL_ETF_OPAQUE - 1;
    put_8(write, KL_ETF_BINARY);
    put_32(write, (uint32_t)size);
    memcpy(write->at, KL_ETF_OPAQUE, size);
    write->at += size;
}

static void write_float(struct write *write, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_8(write, KL_ETF_NEW_FLOAT);
    write->at = kl_etf_put_64(write->at, bits);
}

// --- atoms and identifiers ---

static void write_atom(struct write *write, keel_term atom)
{
    keel_bytes text = kl_atom_bytes(atom);
    if (text.size <= UINT8_MAX) {
        put_8(write, KL_ETF_SMALL_ATOM_UTF8);
        put_8(write, (uint8_t)text.size);
    } else {
        put_8(write, KL_ETF_ATOM_UTF8);
        write->at = kl_etf_put_16(write->at, (uint32_t)text.size);
    }
    memcpy(write->at, text.data, text.size);
    write->at += text.size;
}

static void write_pid(struct write *write, const struct kl_pid_box *pid)
{
    put_8(write, KL_ETF_NEW_PID);
    write_atom(write, pid->node);
    put_32(write, pid->id);
    put_32(write, pid->serial);
    put_32(write, pid->creation);
}

static void write_ref(struct write *write, const struct kl_ref_box *ref)
{
    put_8(write, KL_ETF_NEWER_REFERENCE);
    write->at = kl_etf_put_16(write->at, ref->count);
    write_atom(write, ref->node);
    put_32(write, ref->creation);
    for (uint32_t i = 0; i < ref->count; i++) {
        put_32(write, ref->word[i]);
    }
}

static void write_port(struct write *write, const struct kl_port *port)
{
    bool is_old = port->id <= KL_ETF_PORT_ID_OLD_MAX;
    put_8(write, is_old ? KL_ETF_NEW_PORT : KL_ETF_V4_PORT);
    write_atom(write, port->node);
    if (is_old) {
        put_32(write, (uint32_t)port->id);
    } else {
        write->at = kl_etf_put_64(write->at, port->id);
    }
    put_32(write, (uint32_t)port->creation);
}

static void write_export(struct write *write, const struct kl_export *export)
{
    put_8(write, KL_ETF_EXPORT);
    write_atom(write, export->module);
    write_atom(write, export->function);
    put_8(write, KL_ETF_SMALL_INTEGER);
    put_8(write, (uint8_t) export->arity);
}
