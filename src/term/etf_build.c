#include "etf_build.h"
#include "etf_map.h"
#include "heap.h"

// Builds a term from bytes that a walk has passed: all words are taken from the heap at
// once and filled from the front, each container before what it holds. A slot is where
// the term that comes next belongs: an element, a head, a tail, a key, a value.

enum level_kind { OUTSIDE, TUPLE, LIST, MAP };
enum { LEVEL_WORDS = 3 };
// A binary that is a smaller part of the input is copied: who keeps it would keep the rest.
enum { SHARE_PART = 4 };

static keel_status build_all(struct kl_etf_build *build, keel_term *ret_term);
static keel_status next_slot(struct kl_etf_build *build, keel_term **ret_slot);
static keel_status build_term(struct kl_etf_build *build, keel_term *slot);

keel_status kl_etf_build(struct kl_heap *heap, const uint8_t *data,
        const struct kl_etf_plan *plan, struct kl_block *source, keel_term *ret_term)
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
    // Set field by field: to clear `atoms` would take longer than to build most terms.
    struct kl_etf_build build;
    build.at = data;
    build.end = data + plan->used;
    build.out = words;
    build.counted = &heap->counted;
    build.level = (struct kl_etf_slots){.kind = OUTSIDE};
    build.work = &work;
    build.self = plan->self;
    build.atoms.known = 0;
    build.source = source;
    build.share_bytes = plan->used / SHARE_PART;
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

static keel_status build_all(struct kl_etf_build *build, keel_term *ret_term)
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

static void open_level(struct kl_etf_build *build, enum level_kind kind, uint32_t count)
{
    kl_work_put(build->work, (uintptr_t)build->level.slots);
    kl_work_put(build->work, build->level.done);
    kl_work_put(build->work, (uint64_t)build->level.count << 2 | build->level.kind);
    build->level = (struct kl_etf_slots){(keel_term *)build->out, 0, count, kind};
}

static void close_level(struct kl_etf_build *build)
{
    uint64_t word = kl_work_pop(build->work);
    build->level.count = (uint32_t)(word >> 2);
    build->level.kind = word & 3;
    build->level.done = kl_work_pop(build->work);
    build->level.slots = (keel_term *)(uintptr_t)kl_work_pop(build->work);
}

// Fills slots of the open level, `stride` words apart, with the integers and empty lists
// that come next; returns how many slots are done then.
static uint64_t fill_plain(struct kl_etf_build *build, size_t stride)
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
static keel_status next_slot(struct kl_etf_build *build, keel_term **ret_slot)
{
    for (;;) {
        struct kl_etf_slots *level = &build->level;
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

static void build_tuple(struct kl_etf_build *build, uint32_t count, keel_term *slot)
{
    *slot = kl_boxed(build->out);
    *build->out++ = kl_header(KL_KIND_TUPLE, count);
    if (count > 0) {
        open_level(build, TUPLE, count);
        build->out += count;
    }
}

static void build_map(struct kl_etf_build *build, uint32_t count, keel_term *slot)
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
static void build_cells(struct kl_etf_build *build, uint32_t count, keel_term *slot)
{
    keel_term *cells = (keel_term *)build->out;
    *slot = kl_cell_term(cells);
    for (size_t i = 1; i < count; i++) {
        cells[2 * i - 1] = kl_cell_term(&cells[2 * i]);
    }
    build->out += 2 * (size_t)count;
}

static void build_string(struct kl_etf_build *build, keel_term *slot)
{
    uint32_t count = kl_etf_take_16(build);
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

static keel_status build_term(struct kl_etf_build *build, keel_term *slot)
{
    for (;;) {
        uint8_t tag = (uint8_t)kl_etf_take_8(build);
        switch (tag) {
        case KL_ETF_SMALL_INTEGER:
            *slot = kl_small(kl_etf_take_8(build));
            return KEEL_OK;
        case KL_ETF_INTEGER:
            *slot = kl_small((int32_t)kl_etf_take_32(build));
            return KEEL_OK;
        case KL_ETF_NIL:
            *slot = kl_nil();
            return KEEL_OK;
        case KL_ETF_SMALL_TUPLE:
            build_tuple(build, kl_etf_take_8(build), slot);
            return KEEL_OK;
        case KL_ETF_LARGE_TUPLE:
            build_tuple(build, kl_etf_take_32(build), slot);
            return KEEL_OK;
        case KL_ETF_MAP:
            build_map(build, kl_etf_take_32(build), slot);
            return KEEL_OK;
        case KL_ETF_STRING:
            build_string(build, slot);
            return KEEL_OK;
        case KL_ETF_LIST: {
            uint32_t count = kl_etf_take_32(build);
            if (count > 0) {
                open_level(build, LIST, count);
                build_cells(build, count, slot);
                return KEEL_OK;
            }
            break; // an empty list is its tail, which comes next
        }
        default:
            return kl_etf_build_leaf(build, tag, slot);
        }
    }
}
