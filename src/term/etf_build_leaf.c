#include "etf_build.h"

static keel_status build_atom(struct kl_etf_build *build, keel_term *ret_atom);
static keel_status build_export(struct kl_etf_build *build, keel_term *slot);
static keel_status build_float(struct kl_etf_build *build, uint8_t tag, keel_term *slot);
static keel_status build_bits(struct kl_etf_build *build, uint8_t tag, keel_term *slot);
static keel_status build_big(struct kl_etf_build *build, uint8_t tag, keel_term *slot);
static keel_status build_fun(struct kl_etf_build *build, uint8_t tag, keel_term *slot);
static keel_status build_identifier(
        struct kl_etf_build *build, uint8_t tag, keel_term *slot);

keel_status kl_etf_build_leaf(struct kl_etf_build *build, uint8_t tag, keel_term *slot)
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

static keel_status build_atom(struct kl_etf_build *build, keel_term *ret_atom)
{
    uint8_t tag = (uint8_t)kl_etf_take_8(build);
    bool is_small = tag == KL_ETF_SMALL_ATOM_UTF8 || tag == KL_ETF_SMALL_ATOM;
    size_t size = is_small ? kl_etf_take_8(build) : kl_etf_take_16(build);
    const uint8_t *text = build->at;
    build->at += size;
    uint8_t utf8[2 * KEEL_ATOM_CHARS_MAX];
    if (tag == KL_ETF_ATOM || tag == KL_ETF_SMALL_ATOM) {
        size = kl_etf_utf8_of_latin1(utf8, text, size);
        text = utf8;
    }
    return kl_etf_atoms_from(&build->atoms, text, size, ret_atom);
}

static keel_status build_export(struct kl_etf_build *build, keel_term *slot)
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
        bool is_byte = kl_etf_take_8(build) == KL_ETF_SMALL_INTEGER;
        export->arity = is_byte ? kl_etf_take_8(build) : kl_etf_take_32(build);
    }
    return status;
}

static keel_status build_float(struct kl_etf_build *build, uint8_t tag, keel_term *slot)
{
    struct kl_float *box = (struct kl_float *)build->out;
    build->out += sizeof *box / 8;
    *slot = kl_boxed(box);
    box->header = kl_header(KL_KIND_FLOAT, 1);
    if (tag == KL_ETF_NEW_FLOAT) {
        uint64_t bits = kl_etf_take_64(build);
        memcpy(&box->value, &bits, sizeof bits);
    } else {
        KL_ASSERT(kl_etf_float_text(build->at, &box->value));
        build->at += KL_ETF_FLOAT_TEXT;
    }
    return KEEL_OK;
}

static keel_status build_bits(struct kl_etf_build *build, uint8_t tag, keel_term *slot)
{
    size_t size = kl_etf_take_32(build), bits = size * 8;
    if (tag == KL_ETF_BIT_BINARY) {
        uint32_t last = kl_etf_take_8(build);
        bits -= size == 0 ? 0 : 8 - last;
    }
    *slot = kl_boxed(build->out);
    if (size <= KL_BITS_INLINE_MAX) {
        build->out = kl_bits_write(build->out, build->at, bits);
    } else if (build->source && size >= build->share_bytes && bits % 8 == 0) {
        kl_block_ref(build->source);
        build->out = kl_shared_write(
                build->out, build->counted, build->source, build->at, bits);
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

static keel_status build_big(struct kl_etf_build *build, uint8_t tag, keel_term *slot)
{
    size_t size = tag == KL_ETF_SMALL_BIG ? kl_etf_take_8(build) : kl_etf_take_32(build);
    bool negative = kl_etf_take_8(build) != 0;
    build->out = kl_big_write(build->out, negative, build->at, size, slot);
    build->at += size;
    return KEEL_OK;
}

// The newer form of a fun says how long it is. The older one is measured by walking over
// it again; a fun inside it is not looked at a third time, so this stays linear.
static keel_status build_fun(struct kl_etf_build *build, uint8_t tag, keel_term *slot)
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

static keel_status build_pid(struct kl_etf_build *build, uint8_t tag, keel_term *slot)
{
    keel_term node;
    keel_status status = build_atom(build, &node);
    if (status != KEEL_OK) {
        return status;
    }
    uint32_t id = kl_etf_take_32(build), serial = kl_etf_take_32(build);
    uint32_t creation = tag == KL_ETF_NEW_PID ? kl_etf_take_32(build)
                                              : kl_etf_take_8(build);
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

static keel_status build_port(struct kl_etf_build *build, uint8_t tag, keel_term *slot)
{
    struct kl_port *port = (struct kl_port *)build->out;
    build->out += sizeof *port / 8;
    *slot = kl_boxed(port);
    port->header = kl_header(KL_KIND_PORT, 0);
    keel_status status = build_atom(build, &port->node);
    if (status != KEEL_OK) {
        return status;
    }
    port->id = tag == KL_ETF_V4_PORT ? kl_etf_take_64(build) : kl_etf_take_32(build);
    port->creation = tag == KL_ETF_PORT ? kl_etf_take_8(build) : kl_etf_take_32(build);
    return KEEL_OK;
}

static keel_status build_ref(struct kl_etf_build *build, uint8_t tag, keel_term *slot)
{
    struct kl_ref_box ref = {.header = kl_header(KL_KIND_REF, 0), .count = 1};
    if (tag != KL_ETF_REFERENCE) {
        ref.count = kl_etf_take_16(build);
    }
    keel_status status = build_atom(build, &ref.node);
    if (status != KEEL_OK) {
        return status;
    }
    const uint8_t *words = build->at; // the oldest form has them before the creation
    if (tag == KL_ETF_REFERENCE) {
        build->at += 4;
    }
    ref.creation = tag == KL_ETF_NEWER_REFERENCE ? kl_etf_take_32(build)
                                                 : kl_etf_take_8(build);
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

static keel_status build_identifier(
        struct kl_etf_build *build, uint8_t tag, keel_term *slot)
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
