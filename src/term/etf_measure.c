#include "atom.h"
#include "etf.h"
#include "work.h"

// The first pass of encoding: how many bytes a term takes. It goes over the same terms as
// the second (etf_write.c), in an order that need not be the same.

struct measure {
    size_t bytes;
    size_t self_bytes; // of this node's name as an atom
    // What is open: `count` terms from `next` on; or a list from the cell `next` on, with
    // `count` cells before it.
    const keel_term *next;
    uint64_t count;
    bool in_list;
    bool with_opaque; // pointers and resources count too
    struct kl_work *work; // what is open around it, two words each
};

static keel_status measure_all(struct measure *measure);
static keel_status measure_term(struct measure *measure, keel_term term);
static keel_status measure_boxed(struct measure *measure, keel_term term);
static keel_status measure_opaque(struct measure *measure);
static keel_status open_level(
        struct measure *measure, const keel_term *next, uint64_t count, bool in_list);
static size_t atom_bytes(keel_term atom);
static size_t big_bytes(size_t magnitude_bytes);

static keel_status measure_root(
        keel_term term, bool with_opaque, struct kl_etf_measure *ret_measure)
{
    struct kl_etf_node self = kl_etf_node_read();
    struct kl_work work;
    kl_work_init(&work);
    struct measure measure = {.self_bytes = atom_bytes(self.name),
            .next = &term,
            .count = 1,
            .with_opaque = with_opaque,
            .work = &work};
    keel_status status = measure_all(&measure);
    kl_work_done(&work);
    if (status == KEEL_OK) {
        *ret_measure = (struct kl_etf_measure){.bytes = measure.bytes, .self = self};
    }
    return status;
}

keel_status kl_etf_measure(keel_term term, struct kl_etf_measure *ret_measure)
{
    return measure_root(term, false, ret_measure);
}

keel_status kl_etf_measure_all(keel_term term, struct kl_etf_measure *ret_measure)
{
    return measure_root(term, true, ret_measure);
}

static size_t integer_bytes(int64_t value)
{
    return value >= 0 && value <= UINT8_MAX ? 2
           : value == (int32_t)value
                   ? 5
                   : big_bytes(kl_etf_magnitude_bytes(1, kl_etf_small_magnitude(value)));
}

static keel_status measure_all(struct measure *measure)
{
    for (;;) {
        keel_term term;
        if (measure->in_list) {
            const keel_term *cell = measure->next;
            term = cell[0];
            if (kl_is_cell(cell[1])) {
                measure->next = kl_cell(cell[1]);
                measure->count++;
            } else if (measure->count < UINT32_MAX) {
                measure->in_list = false;
                measure->next = &cell[1];
                measure->count = 1;
            } else {
                return KEEL_E_TOO_LARGE;
            }
        } else if (measure->count > 0) {
            measure->count--;
            term = *measure->next++;
        } else if (measure->work->count > 0) {
            uint64_t word = kl_work_pop(measure->work);
            measure->count = word >> 1;
            measure->in_list = word & 1;
            measure->next = (const keel_term *)(uintptr_t)kl_work_pop(measure->work);
            continue;
        } else {
            return KEEL_OK;
        }

        keel_status status = measure_term(measure, term);
        if (status != KEEL_OK) {
            return status;
        }
    }
}

static keel_status open_level(
        struct measure *measure, const keel_term *next, uint64_t count, bool in_list)
{
    if (measure->in_list || measure->count > 0) {
        if (!kl_work_push(measure->work, (uintptr_t)measure->next) ||
                !kl_work_push(measure->work, measure->count << 1 | measure->in_list)) {
            return KEEL_E_NOMEM;
        }
    }
    measure->next = next;
    measure->count = count;
    measure->in_list = in_list;
    return KEEL_OK;
}

// True, and the number of its items, when the list that begins with `cell` is written as
// STRING_EXT; write_string() in etf_write.c must agree.
static bool is_string(const keel_term *cell, uint32_t *ret_count)
{
    for (uint32_t count = 1; count <= KL_ETF_STRING_MAX; count++) {
        if (!kl_is_small(cell[0]) || (uint64_t)kl_small_value(cell[0]) > UINT8_MAX) {
            return false;
        }
        if (!kl_is_cell(cell[1])) {
            *ret_count = count;
            return kl_is_nil(cell[1]);
        }
        cell = kl_cell(cell[1]);
    }
    return false;
}

static keel_status measure_term(struct measure *measure, keel_term term)
{
    if (kl_is_small(term)) {
        measure->bytes += integer_bytes(kl_small_value(term));
    } else if (kl_is_atom(term)) {
        measure->bytes += atom_bytes(term);
    } else if (kl_is_nil(term)) {
        measure->bytes += 1;
    } else if (kl_is_cell(term)) {
        uint32_t count;
        if (is_string(kl_cell(term), &count)) {
            measure->bytes += 3 + (size_t)count;
        } else {
            measure->bytes += 5;
            return open_level(measure, kl_cell(term), 0, true);
        }
    } else if (kl_is_boxed(term)) {
        return measure_boxed(measure, term);
    } else if (kl_is_local_pid(term)) {
        measure->bytes += 1 + measure->self_bytes + 12;
    } else if (kl_is_local_ref(term)) {
        measure->bytes += 3 + measure->self_bytes + 4 + 4 * (size_t)KL_ETF_REF_WORDS;
    } else {
        return kl_is_pointer(term) ? measure_opaque(measure) : KEEL_E_NOT_ENCODABLE;
    }
    return KEEL_OK;
}

static keel_status measure_opaque(struct measure *measure)
{
    measure->bytes += 5 + sizeof KL_ETF_OPAQUE - 1;
    return measure->with_opaque ? KEEL_OK : KEEL_E_NOT_ENCODABLE;
}

static keel_status measure_boxed(struct measure *measure, keel_term term)
{
    uint64_t header = kl_box_header(term), size = kl_header_size(header);
    switch (kl_header_kind(header)) {
    case KL_KIND_TUPLE:
        measure->bytes += size <= UINT8_MAX ? 2 : 5;
        return size == 0 ? KEEL_OK : open_level(measure, kl_tuple(term)->item, size, false);
    case KL_KIND_MAP:
        measure->bytes += 5;
        return size > UINT32_MAX ? KEEL_E_TOO_LARGE
               : size == 0       ? KEEL_OK
                                 : open_level(measure, kl_map(term)->slot, 2 * size, false);
    case KL_KIND_FLOAT:
        measure->bytes += 9;
        return KEEL_OK;
    case KL_KIND_BIG:
        measure->bytes += big_bytes(
                kl_etf_magnitude_bytes(size, kl_big(term)->limb[size - 1]));
        return KEEL_OK;
    case KL_KIND_BITS:
    case KL_KIND_SHARED:
        measure->bytes += (size % 8 == 0 ? 5 : 6) + (size + 7) / 8;
        return (size + 7) / 8 > UINT32_MAX ? KEEL_E_TOO_LARGE : KEEL_OK;
    case KL_KIND_PID:
        measure->bytes += 1 + atom_bytes(((struct kl_pid_box *)kl_box(term))->node) + 12;
        return KEEL_OK;
    case KL_KIND_REF: {
        const struct kl_ref_box *ref = kl_box(term);
        measure->bytes += 3 + atom_bytes(ref->node) + 4 + 4 * (size_t)ref->count;
        return KEEL_OK;
    }
    case KL_KIND_PORT: {
        const struct kl_port *port = kl_box(term);
        size_t id_bytes = port->id <= KL_ETF_PORT_ID_OLD_MAX ? 4 : 8;
        measure->bytes += 1 + atom_bytes(port->node) + id_bytes + 4;
        return KEEL_OK;
    }
    case KL_KIND_EXPORT: {
        const struct kl_export *export = kl_box(term);
        measure->bytes += 1 + atom_bytes(export->module) + atom_bytes(export->function) + 2;
        return KEEL_OK;
    }
    case KL_KIND_FUN:
        measure->bytes += size;
        return KEEL_OK;
    case KL_KIND_RESOURCE:
        return measure_opaque(measure);
    }
    return KEEL_E_NOT_ENCODABLE;
}

static size_t atom_bytes(keel_term atom)
{
    size_t size = kl_atom_bytes(atom).size;
    return (size <= UINT8_MAX ? 2 : 3) + size;
}

static size_t big_bytes(size_t magnitude_bytes)
{
    return (magnitude_bytes <= UINT8_MAX ? 3 : 6) + magnitude_bytes;
}
