#include "value.h"

#include "bignum.h"
#include <string.h>

// Reading terms. Making them is in make_value.c, bits.c, list.c and map.c.

static keel_type type_of_box(uint64_t header)
{
    switch (kl_header_kind(header)) {
    case KL_KIND_TUPLE:
        return KEEL_TYPE_TUPLE;
    case KL_KIND_MAP:
        return KEEL_TYPE_MAP;
    case KL_KIND_FLOAT:
        return KEEL_TYPE_FLOAT;
    case KL_KIND_BIG:
        return KEEL_TYPE_INTEGER;
    case KL_KIND_BITS:
    case KL_KIND_SHARED:
        return kl_header_size(header) % 8 == 0 ? KEEL_TYPE_BINARY : KEEL_TYPE_BITSTRING;
    case KL_KIND_PID:
        return KEEL_TYPE_PID;
    case KL_KIND_REF:
        return KEEL_TYPE_REF;
    case KL_KIND_PORT:
        return KEEL_TYPE_PORT;
    case KL_KIND_EXPORT:
    case KL_KIND_FUN:
        return KEEL_TYPE_FUN;
    case KL_KIND_RESOURCE:
        return KEEL_TYPE_RESOURCE;
    }
    kl_panic("a term that expired or was overwritten is used: header %#lx",
            (unsigned long)header);
}

keel_type keel_type_of(keel_term term)
{
    if (kl_is_small(term)) {
        return KEEL_TYPE_INTEGER;
    }
    if (kl_is_boxed(term)) {
        return type_of_box(kl_box_header(term));
    }
    if (kl_is_cell(term)) {
        return KEEL_TYPE_LIST;
    }
    if (kl_is_atom(term)) {
        return KEEL_TYPE_ATOM;
    }
    if (kl_is_local_pid(term)) {
        return KEEL_TYPE_PID;
    }
    if (kl_is_local_ref(term)) {
        return KEEL_TYPE_REF;
    }
    if (kl_is_pointer(term)) {
        return KEEL_TYPE_POINTER;
    }
    return kl_is_nil(term) ? KEEL_TYPE_NIL : KEEL_TYPE_NONE;
}

const char *keel_type_name(keel_type type)
{
    static const char *const names[] = {
            [KEEL_TYPE_NONE] = "none",
            [KEEL_TYPE_INTEGER] = "integer",
            [KEEL_TYPE_FLOAT] = "float",
            [KEEL_TYPE_ATOM] = "atom",
            [KEEL_TYPE_REF] = "reference",
            [KEEL_TYPE_FUN] = "fun",
            [KEEL_TYPE_PORT] = "port",
            [KEEL_TYPE_PID] = "pid",
            [KEEL_TYPE_TUPLE] = "tuple",
            [KEEL_TYPE_MAP] = "map",
            [KEEL_TYPE_NIL] = "nil",
            [KEEL_TYPE_LIST] = "list",
            [KEEL_TYPE_BINARY] = "binary",
            [KEEL_TYPE_BITSTRING] = "bitstring",
            [KEEL_TYPE_RESOURCE] = "resource",
            [KEEL_TYPE_POINTER] = "pointer",
    };
    return (size_t)type < sizeof names / sizeof names[0] ? names[type] : "unknown";
}

// --- questions ---

bool keel_is_int(keel_term term)
{
    return kl_is_small(term) || kl_is_kind(term, KL_KIND_BIG);
}
bool keel_is_float(keel_term term)
{
    return kl_is_kind(term, KL_KIND_FLOAT);
}
bool keel_is_atom(keel_term term)
{
    return kl_is_atom(term);
}
bool keel_is_bool(keel_term term)
{
    return term.word == KL_ATOM(true).word || term.word == KL_ATOM(false).word;
}
bool keel_is_pid(keel_term term)
{
    return kl_is_local_pid(term) || kl_is_kind(term, KL_KIND_PID);
}
bool keel_is_ref(keel_term term)
{
    return kl_is_local_ref(term) || kl_is_kind(term, KL_KIND_REF);
}
bool keel_is_tuple(keel_term term)
{
    return kl_is_kind(term, KL_KIND_TUPLE);
}
bool keel_is_list(keel_term term)
{
    return kl_is_cell(term) || kl_is_nil(term);
}
bool keel_is_nil(keel_term term)
{
    return kl_is_nil(term);
}
bool keel_is_map(keel_term term)
{
    return kl_is_kind(term, KL_KIND_MAP);
}
bool keel_is_binary(keel_term term)
{
    return kl_is_bits(term) && kl_bits_size(term) % 8 == 0;
}
bool keel_is_bitstring(keel_term term)
{
    return kl_is_bits(term);
}

// --- numbers ---

bool keel_get_int(keel_term term, int64_t *ret_value)
{
    if (kl_is_small(term)) {
        if (ret_value) {
            *ret_value = kl_small_value(term);
        }
        return true;
    }
    if (!kl_is_kind(term, KL_KIND_BIG) || kl_big_limbs(term) != 1) {
        return false;
    }
    uint64_t magnitude = kl_big(term)->limb[0];
    bool negative = kl_big_negative(term);
    if (magnitude > (uint64_t)INT64_MAX + negative) {
        return false;
    }
    if (ret_value) {
        *ret_value = (int64_t)(negative ? -magnitude : magnitude);
    }
    return true;
}

bool keel_get_uint(keel_term term, uint64_t *ret_value)
{
    uint64_t value;
    if (kl_is_small(term) && kl_small_value(term) >= 0) {
        value = (uint64_t)kl_small_value(term);
    } else if (kl_is_kind(term, KL_KIND_BIG) && kl_big_limbs(term) == 1 &&
               !kl_big_negative(term)) {
        value = kl_big(term)->limb[0];
    } else {
        return false;
    }
    if (ret_value) {
        *ret_value = value;
    }
    return true;
}

int64_t keel_to_int(keel_term term)
{
    int64_t value;
    return keel_get_int(term, &value) ? value : 0;
}

double keel_to_float(keel_term term)
{
    double value;
    if (kl_is_kind(term, KL_KIND_FLOAT)) {
        return kl_float_value(term);
    }
    return keel_is_int(term) && kl_int_to_double(term, &value) ? value : 0;
}

bool keel_to_bool(keel_term term)
{
    return term.word == KL_ATOM(true).word;
}

// --- identifiers, bytes, pointers ---

keel_pid keel_to_pid(keel_term term)
{
    return (keel_pid){keel_is_pid(term) ? term.word : 0};
}

keel_ref keel_to_ref(keel_term term)
{
    return (keel_ref){keel_is_ref(term) ? term.word : 0};
}

keel_bytes keel_to_bytes(keel_term term)
{
    if (!keel_is_binary(term)) {
        return (keel_bytes){NULL, 0};
    }
    return (keel_bytes){kl_bits_data(term), kl_bits_size(term) / 8};
}

size_t keel_bit_size(keel_term term)
{
    return kl_is_bits(term) ? kl_bits_size(term) : 0;
}

const uint8_t *keel_bits_data(keel_term term)
{
    return kl_is_bits(term) ? kl_bits_data(term) : NULL;
}

void *keel_to_pointer(keel_term term, const char *type)
{
    if (kl_is_pointer(term)) {
        return (void *)(intptr_t)kl_pointer_value(term);
    }
    if (!kl_is_kind(term, KL_KIND_RESOURCE)) {
        return NULL;
    }
    const struct kl_resource *box = kl_box(term);
    const struct kl_resource_block *resource = (const struct kl_resource_block *)
                                                       box->counted.block;
    return !type || strcmp(type, resource->type) == 0 ? resource->pointer : NULL;
}

// --- tuples ---

size_t keel_tuple_size(keel_term tuple)
{
    return kl_is_kind(tuple, KL_KIND_TUPLE) ? kl_tuple_count(tuple) : 0;
}

keel_term keel_element(keel_term tuple, size_t index)
{
    return index < keel_tuple_size(tuple) ? kl_tuple(tuple)->item[index] : KEEL_NONE;
}
