#include "atom.h"
#include "bignum.h"
#include "compare.h"
#include <string.h>

// The order of what holds no other terms.

#define ORDER(left, right) ((left) < (right) ? -1 : (left) > (right))

// number < atom < reference < fun < port < pid < tuple < map < nil < list < bitstring; our
// own two kinds stand after the references. The types are listed in this order but for the
// resource and the pointer.
static int rank(keel_term term)
{
    keel_type type = keel_type_of(term);
    switch (type) {
    case KEEL_TYPE_FLOAT:
        return 10 * KEEL_TYPE_INTEGER;
    case KEEL_TYPE_BITSTRING:
        return 10 * KEEL_TYPE_BINARY;
    case KEEL_TYPE_RESOURCE:
        return 10 * KEEL_TYPE_REF + 1;
    case KEEL_TYPE_POINTER:
        return 10 * KEEL_TYPE_REF + 2;
    default:
        return 10 * (int)type;
    }
}

static int compare_numbers(keel_term left, keel_term right, bool exact)
{
    bool left_float = keel_is_float(left);
    bool right_float = keel_is_float(right);
    if (left_float && right_float) {
        return ORDER(kl_float_value(left), kl_float_value(right));
    }
    if (left_float || right_float) {
        if (exact) {
            return left_float ? 1 : -1;
        }
        return left_float ? -kl_int_compare_double(right, kl_float_value(left))
                          : kl_int_compare_double(left, kl_float_value(right));
    }
    if (kl_is_small(left) && kl_is_small(right)) {
        return ORDER(kl_small_value(left), kl_small_value(right));
    }
    if (kl_is_small(left)) {
        return kl_big_negative(right) ? 1 : -1;
    }
    if (kl_is_small(right)) {
        return kl_big_negative(left) ? -1 : 1;
    }
    return kl_big_compare(left, right);
}

static int compare_nodes(
        keel_term left, uint32_t left_creation, keel_term right, uint32_t right_creation)
{
    int order = kl_atom_compare(left, right);
    return order != 0 ? order : ORDER(left_creation, right_creation);
}

// A local identifier stands for its external form; only one that another node made of the
// same numbers could be equal to it, and then the local one comes first.
static struct kl_remote_pid pid_numbers(keel_term term)
{
    struct kl_remote_pid pid;
    keel_pid word = {term.word};
    if (!kl_pid_remote(word, &pid)) {
        pid = (struct kl_remote_pid){kl_node_name(), kl_pid_slot(word),
                kl_pid_generation(word), kl_node_creation()};
    }
    return pid;
}

static int compare_pids(keel_term left, keel_term right)
{
    struct kl_remote_pid a = pid_numbers(left);
    struct kl_remote_pid b = pid_numbers(right);
    if (a.serial != b.serial) {
        return ORDER(a.serial, b.serial);
    }
    if (a.id != b.id) {
        return ORDER(a.id, b.id);
    }
    int order = compare_nodes(a.node, a.creation, b.node, b.creation);
    return order != 0 ? order : ORDER(kl_is_boxed(left), kl_is_boxed(right));
}

static struct kl_remote_ref ref_numbers(keel_term term)
{
    struct kl_remote_ref ref;
    keel_ref word = {term.word};
    if (!kl_ref_remote(word, &ref)) {
        uint64_t number = kl_ref_number(word);
        ref = (struct kl_remote_ref){kl_node_name(), kl_node_creation(), 3,
                {(uint32_t)number, (uint32_t)(number >> 32)}};
    }
    return ref;
}

// Words that are not there count as zero, even for =:=.
static int compare_refs(keel_term left, keel_term right)
{
    if (kl_is_local_ref(left) && kl_is_local_ref(right)) {
        return ORDER(left.word, right.word);
    }
    struct kl_remote_ref a = ref_numbers(left);
    struct kl_remote_ref b = ref_numbers(right);
    int order = compare_nodes(a.node, a.creation, b.node, b.creation);
    for (int i = 4; i >= 0 && order == 0; i--) {
        order = ORDER(a.word[i], b.word[i]);
    }
    return order != 0 ? order : ORDER(kl_is_boxed(left), kl_is_boxed(right));
}

static int compare_ports(keel_term left, keel_term right)
{
    const struct kl_port *a = kl_box(left);
    const struct kl_port *b = kl_box(right);
    int order = compare_nodes(
            a->node, (uint32_t)a->creation, b->node, (uint32_t)b->creation);
    return order != 0 ? order : ORDER(a->id, b->id);
}

// Funs of other nodes first, by their bytes, then exported ones by name.
static int compare_funs(keel_term left, keel_term right)
{
    bool left_export = kl_is_kind(left, KL_KIND_EXPORT);
    bool right_export = kl_is_kind(right, KL_KIND_EXPORT);
    if (left_export != right_export) {
        return left_export ? 1 : -1;
    }
    if (!left_export) {
        const struct kl_fun *a = kl_box(left);
        const struct kl_fun *b = kl_box(right);
        size_t a_size = kl_header_size(a->header);
        size_t b_size = kl_header_size(b->header);
        int order = memcmp(a->data, b->data, a_size < b_size ? a_size : b_size);
        return order != 0 ? order : ORDER(a_size, b_size);
    }
    const struct kl_export *a = kl_box(left);
    const struct kl_export *b = kl_box(right);
    int order = kl_atom_compare(a->module, b->module);
    if (order == 0) {
        order = kl_atom_compare(a->function, b->function);
    }
    return order != 0 ? order : ORDER(a->arity, b->arity);
}

static int compare_bits(keel_term left, keel_term right)
{
    size_t left_bits = kl_bits_size(left);
    size_t right_bits = kl_bits_size(right);
    const uint8_t *a = kl_bits_data(left);
    const uint8_t *b = kl_bits_data(right);
    size_t common = left_bits < right_bits ? left_bits : right_bits;
    int order = memcmp(a, b, common / 8);
    if (order == 0 && common % 8 != 0) {
        unsigned unused = 8 - common % 8;
        order = (a[common / 8] >> unused) - (b[common / 8] >> unused);
    }
    return order != 0 ? order : ORDER(left_bits, right_bits);
}

static int compare_resources(keel_term left, keel_term right)
{
    const struct kl_resource *a = kl_box(left);
    const struct kl_resource *b = kl_box(right);
    uint64_t a_serial = ((struct kl_resource_block *)a->counted.block)->serial;
    uint64_t b_serial = ((struct kl_resource_block *)b->counted.block)->serial;
    return ORDER(a_serial, b_serial);
}

int kl_compare_flat(keel_term left, keel_term right, bool exact)
{
    int left_rank = rank(left);
    int right_rank = rank(right);
    if (left_rank != right_rank) {
        return ORDER(left_rank, right_rank);
    }
    switch (keel_type_of(left)) {
    case KEEL_TYPE_INTEGER:
    case KEEL_TYPE_FLOAT:
        return compare_numbers(left, right, exact);
    case KEEL_TYPE_ATOM:
        return kl_atom_compare(left, right);
    case KEEL_TYPE_REF:
        return compare_refs(left, right);
    case KEEL_TYPE_FUN:
        return compare_funs(left, right);
    case KEEL_TYPE_PORT:
        return compare_ports(left, right);
    case KEEL_TYPE_PID:
        return compare_pids(left, right);
    case KEEL_TYPE_BINARY:
    case KEEL_TYPE_BITSTRING:
        return compare_bits(left, right);
    case KEEL_TYPE_RESOURCE:
        return compare_resources(left, right);
    case KEEL_TYPE_POINTER:
        return ORDER((intptr_t)kl_pointer_value(left), (intptr_t)kl_pointer_value(right));
    case KEEL_TYPE_NONE:
    case KEEL_TYPE_TUPLE:
    case KEEL_TYPE_MAP:
    case KEEL_TYPE_NIL:
    case KEEL_TYPE_LIST:
        break; // the caller goes inside, and the rest has one value only
    }
    return 0;
}
