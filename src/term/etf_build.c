#include "etf.h"
#include "etf_atoms.h"
#include "etf_map.h"
#include "heap.h"
#include "work.h"

// Builds a term from bytes that a walk has passed: all words are taken from the heap at
// once and filled from the front, each container before what it holds. A slot is where
// the term that comes next belongs: an element, a head, a tail, a key, a value.

enum level_kind { OUTSIDE, TUPLE, LIST, MAP };
enum { LEVEL_WORDS = 3 };

// A container whose slots are being filled.
struct level {
    keel_term *slots;
    uint64_t done; // slots handed out; a list counts heads, a map keys and values
    uint32_t count;
    enum level_kind kind;
};

struct build {
    const uint8_t *at, *end; // input
    uint64_t *out; // words not yet used
    struct kl_box_counted **counted; // the list of the heap
    struct level level; // the innermost one; those around it are in `work`
    struct kl_work *work;
    struct kl_etf_node self;
    struct kl_etf_atoms atoms;
};

static keel_status build_all(struct build *build, keel_term *ret_term);
static keel_status next_slot(struct build *build, keel_term **ret_slot);
static keel_status build_term(struct build *build, keel_term *slot);
static keel_status build_leaf(struct build *build, uint8_t tag, keel_term *slot);
static keel_status build_identifier(struct build *build, uint8_t tag, keel_term *slot);
static keel_status build_fun(struct build *build, uint8_t tag, keel_term *slot);

keel_status kl_etf_build(struct kl_heap *heap, const uint8_t *data,
        const struct kl_etf_plan *plan, keel_term *ret_term)
{
    struct kl_heap_mark mark = kl_heap_mark(heap);
    uint64_t none, *words = &none;
    if (plan->words > 0) {
        words = kl_heap_try_alloc(heap, plan->words * sizeof *words);
        if (!words) {
            return KEEL_E_NOMEM;
        }
    }

    struct kl_work work;
    kl_work_init(&work);
    struct build
            build; // field by field: clearing `atoms` would take longer than most terms
    build.at = data;
    build.end = data + plan->used;
    build.out = words;
    build.counted = &heap->counted;
    build.level = (struct level){.kind = OUTSIDE};
    build.work = &work;
    build.self = plan->self;
    build.atoms.known = 0;
    keel_term term = KEEL_NONE;
    // The walk has seen the deepest place, so nothing has to grow halfway.
    keel_status status = KEEL_OK;
    size_t room = plan->depth * LEVEL_WORDS;
    if (!kl_work_has_room(&work, room) && !kl_work_grow(&work, room)) {
        status = KEEL_E_NOMEM;
    }
    if (status == KEEL_OK) {
        status = build_all(&build, &term);
    }
    kl_work_done(&work);

    if (status != KEEL_OK) {
        kl_heap_rewind(heap, &mark);
        return status;
    }
    KL_ASSERT(build.at == data + plan->used && build.out == words + plan->words);
    *ret_term = term;
    return KEEL_OK;
}

static keel_status build_all(struct build *build, keel_term *ret_term)
{
    keel_term *slot = ret_term;
    for (;;) {
        keel_status status = build_term(build, slot);
        if (status == KEEL_OK) {
            status = next_slot(build, &slot);
        }
        if (status != KEEL_OK || !slot) {
            return status;
        }
    }
}

static void open_level(struct build *build, enum level_kind kind, uint32_t count)
{
    kl_work_put(build->work, (uintptr_t)build->level.slots);
    kl_work_put(build->work, build->level.done);
    kl_work_put(build->work, (uint64_t)build->level.count << 2 | build->level.kind);
    build->level = (struct level){(keel_term *)build->out, 0, count, kind};
}

static void close_level(struct build *build)
{
    uint64_t word = kl_work_pop(build->work);
    build->level.count = (uint32_t)(word >> 2);
    build->level.kind = word & 3;
    build->level.done = kl_work_pop(build->work);
    build->level.slots = (keel_term *)(uintptr_t)kl_work_pop(build->work);
}

// Fills slots of the open level, `stride` words apart, with the integers and empty lists
// that come next; returns how many slots are done then.
static uint64_t fill_plain(struct build *build, size_t stride)
{
    const uint8_t *at = build->at;
    uint64_t done = build->level.done, count = build->level.count;
    keel_term *slot = build->level.slots + stride * done;
    for (; done < count; done++, slot += stride) {
        if (*at == KL_ETF_SMALL_INTEGER) {
            *slot = kl_small(at[1]);
            at += 2;
        } else if (*at == KL_ETF_INTEGER) {
            *slot = kl_small((int32_t)kl_etf_get_32(at + 1));
            at += 5;
        } else if (*at == KL_ETF_NIL) {
            *slot = kl_nil();
            at += 1;
        } else {
            break;
        }
    }
    build->at = at;
    return done;
}

// Closes what is full. `ret_slot` gets NULL when the term is complete.
static keel_status next_slot(struct build *build, keel_term **ret_slot)
{
    for (;;) {
        struct level *level = &build->level;
        uint64_t count = level->count, done;
        keel_term *slots = level->slots;
        keel_status status;
        switch (level->kind) {
        case OUTSIDE:
            *ret_slot = NULL;
            return KEEL_OK;
        case TUPLE:
            done = fill_plain(build, 1);
            if (done < count) {
                level->done = done + 1;
                *ret_slot = &slots[done];
                return KEEL_OK;
            }
            break;
        case LIST:
            done = fill_plain(build, 2);
            if (done < count) {
                level->done = done + 1;
                *ret_slot = &slots[2 * done];
                return KEEL_OK;
            }
            close_level(build);
            *ret_slot = &slots[2 * count - 1];
            return KEEL_OK;
        case MAP:
            done = level->done++;
            if (done < 2 * count) {
                *ret_slot = &slots[done / 2 + (done % 2 ? count : 0)];
                return KEEL_OK;
            }
            status = kl_etf_map_sort((struct kl_map *)(slots - 1));
            if (status != KEEL_OK) {
                return status;
            }
            break;
        }
        close_level(build);
    }
}

// --- one term ---

static uint32_t take_8(struct build *build)
{
    return *build->at++;
}
static uint32_t take_16(struct build *build)
{
    build->at += 2;
    return kl_etf_get_16(build->at - 2);
}
static uint32_t take_32(struct build *build)
{
    build->at += 4;
    return kl_etf_get_32(build->at - 4);
}
static uint64_t take_64(struct build *build)
{
    build->at += 8;
    return kl_etf_get_64(build->at - 8);
}

static void build_tuple(struct build *build, uint32_t count, keel_term *slot)
{
    *slot = kl_boxed(build->out);
    *build->out++ = kl_header(KL_KIND_TUPLE, count);
    if (count > 0) {
        open_level(build, TUPLE, count);
        build->out += count;
    }
}

static void build_map(struct build *build, uint32_t count, keel_term *slot)
{
    *slot = kl_boxed(build->out);
    *build->out++ = kl_header(KL_KIND_MAP, count);
    if (count > 0) {
        open_level(build, MAP, count);
        build->out += 2 * (size_t)count;
    }
}

// Makes `count` cells whose tails point to the next; the heads, and the tail of the last,
// are still to be filled.
static void build_cells(struct build *build, uint32_t count, keel_term *slot)
{
    keel_term *cells = (keel_term *)build->out;
    *slot = kl_cell_term(cells);
    for (size_t i = 1; i < count; i++) {
        cells[2 * i - 1] = kl_cell_term(&cells[2 * i]);
    }
    build->out += 2 * (size_t)count;
}

static void build_string(struct build *build, keel_term *slot)
{
    uint32_t count = take_16(build);
    if (count == 0) {
        *slot = kl_nil();
        return;
    }
    keel_term *cells = (keel_term *)build->out;
    build_cells(build, count, slot);
    for (size_t i = 0; i < count; i++) {
        cells[2 * i] = kl_small(build->at[i]);
    }
    cells[2 * (size_t)count - 1] = kl_nil();
    build->at += count;
}

static keel_status build_term(struct build *build, keel_term *slot)
{
    for (;;) {
        uint8_t tag = (uint8_t)take_8(build);
        switch (tag) {
        case KL_ETF_SMALL_INTEGER:
            *slot = kl_small(take_8(build));
            return KEEL_OK;
        case KL_ETF_INTEGER:
            *slot = kl_small((int32_t)take_32(build));
            return KEEL_OK;
        case KL_ETF_NIL:
            *slot = kl_nil();
            return KEEL_OK;
        case KL_ETF_SMALL_TUPLE:
            build_tuple(build, take_8(build), slot);
            return KEEL_OK;
        case KL_ETF_LARGE_TUPLE:
            build_tuple(build, take_32(build), slot);
            return KEEL_OK;
        case KL_ETF_MAP:
            build_map(build, take_32(build), slot);
            return KEEL_OK;
        case KL_ETF_STRING:
            build_string(build, slot);
            return KEEL_OK;
        case KL_ETF_LIST: {
            uint32_t count = take_32(build);
            if (count > 0) {
                open_level(build, LIST, count);
                build_cells(build, count, slot);
                return KEEL_OK;
            }
            break; // an empty list is its tail, which comes next
        }
        default:
            return build_leaf(build, tag, slot);
        }
    }
}

// --- leaves ---

static keel_status build_atom(struct build *build, keel_term *ret_atom)
{
    uint8_t tag = (uint8_t)take_8(build);
    bool is_small = tag == KL_ETF_SMALL_ATOM_UTF8 || tag == KL_ETF_SMALL_ATOM;
    size_t size = is_small ? take_8(build) : take_16(build);
    const uint8_t *text = build->at;
    build->at += size;
    uint8_t utf8[2 * KEEL_ATOM_CHARS_MAX];
    if (tag == KL_ETF_ATOM || tag == KL_ETF_SMALL_ATOM) {
        size = kl_etf_utf8_of_latin1(utf8, text, size);
        text = utf8;
    }
    return kl_etf_atoms_from(&build->atoms, text, size, ret_atom);
}

static keel_status build_export(struct build *build, keel_term *slot)
{
    struct kl_export *export = (struct kl_export *)build->out;
    build->out += sizeof *export / 8;
    *slot = kl_boxed(export);
    export->header = kl_header(KL_KIND_EXPORT, 0);
    keel_status status = build_atom(build, &export->module);
    if (status == KEEL_OK) {
        status = build_atom(build, &export->function);
    }
    if (status == KEEL_OK) {
        bool is_byte = take_8(build) == KL_ETF_SMALL_INTEGER;
        export->arity = is_byte ? take_8(build) : take_32(build);
    }
    return status;
}

static keel_status build_float(struct build *build, uint8_t tag, keel_term *slot)
{
    struct kl_float *box = (struct kl_float *)build->out;
    build->out += sizeof *box / 8;
    *slot = kl_boxed(box);
    box->header = kl_header(KL_KIND_FLOAT, 1);
    if (tag == KL_ETF_NEW_FLOAT) {
        uint64_t bits = take_64(build);
        memcpy(&box->value, &bits, sizeof bits);
    } else {
        KL_ASSERT(kl_etf_float_text(build->at, &box->value));
        build->at += KL_ETF_FLOAT_TEXT;
    }
    return KEEL_OK;
}

static keel_status build_bits(struct build *build, uint8_t tag, keel_term *slot)
{
    size_t size = take_32(build), bits = size * 8;
    if (tag == KL_ETF_BIT_BINARY) {
        uint32_t last = take_8(build);
        bits -= size == 0 ? 0 : 8 - last;
    }
    *slot = kl_boxed(build->out);
    if (size <= KL_BITS_INLINE_MAX) {
        build->out = kl_bits_write(build->out, build->at, bits);
    } else {
        uint8_t *data;
        struct kl_block *block = kl_block_new(size, &data);
        if (!block) {
            return KEEL_E_NOMEM;
        }
        memcpy(data, build->at, size);
        if (bits % 8 != 0) {
            data[size - 1] &= (uint8_t)(0xff00 >> bits % 8);
        }
        build->out = kl_shared_write(build->out, build->counted, block, data, bits);
    }
    build->at += size;
    return KEEL_OK;
}

static keel_status build_big(struct build *build, uint8_t tag, keel_term *slot)
{
    size_t size = tag == KL_ETF_SMALL_BIG ? take_8(build) : take_32(build);
    bool negative = take_8(build) != 0;
    build->out = kl_big_write(build->out, negative, build->at, size, slot);
    build->at += size;
    return KEEL_OK;
}

static keel_status build_leaf(struct build *build, uint8_t tag, keel_term *slot)
{
    switch (tag) {
    case KL_ETF_SMALL_ATOM_UTF8:
    case KL_ETF_ATOM_UTF8:
    case KL_ETF_SMALL_ATOM:
    case KL_ETF_ATOM:
        build->at--;
        return build_atom(build, slot);
    case KL_ETF_BINARY:
    case KL_ETF_BIT_BINARY:
        return build_bits(build, tag, slot);
    case KL_ETF_SMALL_BIG:
    case KL_ETF_LARGE_BIG:
        return build_big(build, tag, slot);
    case KL_ETF_NEW_FLOAT:
    case KL_ETF_FLOAT:
        return build_float(build, tag, slot);
    case KL_ETF_EXPORT:
        return build_export(build, slot);
    case KL_ETF_NEW_FUN:
    case KL_ETF_FUN:
        return build_fun(build, tag, slot);
    default:
        return build_identifier(build, tag, slot);
    }
}

// The newer form of a fun says how long it is. The older one is measured by walking over
// it again; a fun inside it is not looked at a third time, so this stays linear.
static keel_status build_fun(struct build *build, uint8_t tag, keel_term *slot)
{
    const uint8_t *start = build->at - 1;
    size_t size;
    if (tag == KL_ETF_NEW_FUN) {
        size = 1 + (size_t)kl_etf_get_32(build->at);
    } else {
        const keel_etf_limits no_limits = {.max_depth = SIZE_MAX, .max_words = SIZE_MAX};
        struct kl_etf_plan plan;
        keel_status status = kl_etf_plan(
                start, (size_t)(build->end - start), &no_limits, &plan);
        if (status != KEEL_OK) {
            return status; // KEEL_E_NOMEM: the bytes have passed before
        }
        size = plan.used;
    }

    struct kl_fun *fun = (struct kl_fun *)build->out;
    size_t words = kl_header_words(kl_header(KL_KIND_FUN, size));
    build->out[words - 1] = 0;
    fun->header = kl_header(KL_KIND_FUN, size);
    memcpy(fun->data, start, size);
    build->out += words;
    build->at = start + size;
    *slot = kl_boxed(fun);
    return KEEL_OK;
}

// --- pids, ports, references ---

static keel_status build_pid(struct build *build, uint8_t tag, keel_term *slot)
{
    keel_term node;
    keel_status status = build_atom(build, &node);
    if (status != KEEL_OK) {
        return status;
    }
    uint32_t id = take_32(build), serial = take_32(build);
    uint32_t creation = tag == KL_ETF_NEW_PID ? take_32(build) : take_8(build);
    if (node.word == build->self.name.word && creation == build->self.creation &&
            kl_etf_pid_is_ours(id)) {
        *slot = keel_from_pid(kl_pid_make(id, serial));
        return KEEL_OK;
    }

    struct kl_pid_box *box = (struct kl_pid_box *)build->out;
    build->out += sizeof *box / 8;
    *box = (struct kl_pid_box){kl_header(KL_KIND_PID, 0), node, id, serial, creation, 0};
    *slot = kl_boxed(box);
    return KEEL_OK;
}

static keel_status build_port(struct build *build, uint8_t tag, keel_term *slot)
{
    struct kl_port *port = (struct kl_port *)build->out;
    build->out += sizeof *port / 8;
    *slot = kl_boxed(port);
    port->header = kl_header(KL_KIND_PORT, 0);
    keel_status status = build_atom(build, &port->node);
    if (status != KEEL_OK) {
        return status;
    }
    port->id = tag == KL_ETF_V4_PORT ? take_64(build) : take_32(build);
    port->creation = tag == KL_ETF_PORT ? take_8(build) : take_32(build);
    return KEEL_OK;
}

static keel_status build_ref(struct build *build, uint8_t tag, keel_term *slot)
{
    struct kl_ref_box ref = {.header = kl_header(KL_KIND_REF, 0), .count = 1};
    if (tag != KL_ETF_REFERENCE) {
        ref.count = take_16(build);
    }
    keel_status status = build_atom(build, &ref.node);
    if (status != KEEL_OK) {
        return status;
    }
    const uint8_t *words = build->at; // the oldest form has them before the creation
    if (tag == KL_ETF_REFERENCE) {
        build->at += 4;
    }
    ref.creation = tag == KL_ETF_NEWER_REFERENCE ? take_32(build) : take_8(build);
    if (tag != KL_ETF_REFERENCE) {
        words = build->at;
        build->at += 4 * (size_t)ref.count;
    }
    for (uint32_t i = 0; i < ref.count; i++) {
        ref.word[i] = kl_etf_get_32(words + 4 * (size_t)i);
    }

    if (ref.node.word == build->self.name.word && ref.creation == build->self.creation &&
            kl_etf_ref_is_ours(ref.count, words)) {
        uint64_t number = (uint64_t)ref.word[1] << 32 | ref.word[0];
        *slot = keel_from_ref(kl_ref_make(number));
        return KEEL_OK;
    }
    memcpy(build->out, &ref, sizeof ref);
    *slot = kl_boxed(build->out);
    build->out += sizeof ref / 8;
    return KEEL_OK;
}

static keel_status build_identifier(struct build *build, uint8_t tag, keel_term *slot)
{
    switch (tag) {
    case KL_ETF_NEW_PID:
    case KL_ETF_PID:
        return build_pid(build, tag, slot);
    case KL_ETF_V4_PORT:
    case KL_ETF_NEW_PORT:
    case KL_ETF_PORT:
        return build_port(build, tag, slot);
    case KL_ETF_NEWER_REFERENCE:
    case KL_ETF_NEW_REFERENCE:
    case KL_ETF_REFERENCE:
        return build_ref(build, tag, slot);
    default:
        kl_panic("external format: tag %u passed the walk and cannot be built", tag);
    }
}
