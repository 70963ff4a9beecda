// The functions that guards and bodies of match specifications may call.

#include "match_spec.h"
#include <keel/process.h>
#include <math.h>
#include <string.h>

// --- comparing ---

static bool op_equal(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_bool(keel_equal_value(a[0], a[1]));
    return true;
}
static bool op_unequal(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_bool(!keel_equal_value(a[0], a[1]));
    return true;
}
static bool op_same(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_bool(keel_equal(a[0], a[1]));
    return true;
}
static bool op_other(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_bool(!keel_equal(a[0], a[1]));
    return true;
}
static bool op_less(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_bool(keel_compare(a[0], a[1]) < 0);
    return true;
}
static bool op_less_equal(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_bool(keel_compare(a[0], a[1]) <= 0);
    return true;
}
static bool op_greater(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_bool(keel_compare(a[0], a[1]) > 0);
    return true;
}
static bool op_greater_equal(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_bool(keel_compare(a[0], a[1]) >= 0);
    return true;
}

// --- logic ---

static bool op_and(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_bool(keel_to_bool(a[0]) && keel_to_bool(a[1]));
    return keel_is_bool(a[0]) && keel_is_bool(a[1]);
}
static bool op_or(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_bool(keel_to_bool(a[0]) || keel_to_bool(a[1]));
    return keel_is_bool(a[0]) && keel_is_bool(a[1]);
}
static bool op_xor(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_bool(keel_to_bool(a[0]) != keel_to_bool(a[1]));
    return keel_is_bool(a[0]) && keel_is_bool(a[1]);
}
static bool op_not(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_bool(!keel_to_bool(a[0]));
    return keel_is_bool(a[0]);
}

// --- types ---

#define TYPE_TEST(name, condition)                                                         \
    static bool name(const keel_term *a, keel_term *ret_value)                             \
    {                                                                                      \
        *ret_value = keel_bool(condition);                                                 \
        return true;                                                                       \
    }
TYPE_TEST(op_is_atom, keel_is_atom(a[0]))
TYPE_TEST(op_is_binary, keel_is_binary(a[0]))
TYPE_TEST(op_is_boolean, keel_is_bool(a[0]))
TYPE_TEST(op_is_float, keel_is_float(a[0]))
TYPE_TEST(op_is_function, keel_type_of(a[0]) == KEEL_TYPE_FUN)
TYPE_TEST(op_is_integer, keel_is_int(a[0]))
TYPE_TEST(op_is_list, keel_is_list(a[0]))
TYPE_TEST(op_is_map, keel_is_map(a[0]))
TYPE_TEST(op_is_number, keel_is_int(a[0]) || keel_is_float(a[0]))
TYPE_TEST(op_is_pid, keel_is_pid(a[0]))
TYPE_TEST(op_is_port, keel_type_of(a[0]) == KEEL_TYPE_PORT)
TYPE_TEST(op_is_reference, keel_is_ref(a[0]))
TYPE_TEST(op_is_tuple, keel_is_tuple(a[0]))
TYPE_TEST(op_is_record, keel_is_tuple(a[0]) && keel_equal(keel_element(a[0], 0), a[1]) &&
                                keel_equal(keel_uint(keel_tuple_size(a[0])), a[2]))

// --- parts ---

static bool op_element(const keel_term *a, keel_term *ret_value)
{
    int64_t index = keel_to_int(a[0]);
    *ret_value = index > 0 ? keel_element(a[1], (size_t)index - 1) : KEEL_NONE;
    return !keel_is_none(*ret_value);
}
static bool op_hd(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_head(a[0]);
    return !keel_is_none(*ret_value);
}
static bool op_tl(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_tail(a[0]);
    return !keel_is_none(*ret_value);
}
static bool op_length(const keel_term *a, keel_term *ret_value)
{
    size_t length = 0;
    bool proper = keel_list_length(a[0], &length);
    *ret_value = keel_uint(length);
    return proper;
}
static bool op_tuple_size(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_uint(keel_tuple_size(a[0]));
    return keel_is_tuple(a[0]);
}
static bool op_byte_size(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_uint((keel_bit_size(a[0]) + 7) / 8);
    return keel_is_bitstring(a[0]);
}
static bool op_bit_size(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_uint(keel_bit_size(a[0]));
    return keel_is_bitstring(a[0]);
}
static bool op_size(const keel_term *a, keel_term *ret_value)
{
    return keel_is_tuple(a[0]) ? op_tuple_size(a, ret_value) : op_byte_size(a, ret_value);
}
static bool op_map_size(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_uint(keel_map_size(a[0]));
    return keel_is_map(a[0]);
}
static bool op_map_get(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_map_get(a[1], a[0]);
    return !keel_is_none(*ret_value);
}
static bool op_is_map_key(const keel_term *a, keel_term *ret_value)
{
    *ret_value = keel_bool(!keel_is_none(keel_map_get(a[1], a[0])));
    return keel_is_map(a[1]);
}
static bool op_self(const keel_term *a, keel_term *ret_value)
{
    (void)a;
    *ret_value = keel_from_pid(keel_self());
    return !keel_is_none(*ret_value);
}

// --- arithmetic: integers of 64 bits and floats; an overflow fails ---

static bool are_integers(const keel_term *a, int64_t *left, int64_t *right)
{
    return keel_get_int(a[0], left) && keel_get_int(a[1], right);
}
static bool are_numbers(const keel_term *a, double *left, double *right)
{
    bool numbers = true;
    for (size_t i = 0; i < 2; i++) {
        numbers = numbers && (keel_is_int(a[i]) || keel_is_float(a[i]));
    }
    *left = keel_to_float(a[0]);
    *right = keel_to_float(a[1]);
    // Only where one is a float: an integer that did not fit must not lose its digits.
    return numbers && (keel_is_float(a[0]) || keel_is_float(a[1]));
}
static bool give_float(double value, keel_term *ret_value)
{
    *ret_value = keel_float(value);
    return isfinite(value);
}

#define ARITHMETIC(name, overflows, operator)                                              \
    static bool name(const keel_term *a, keel_term *ret_value)                             \
    {                                                                                      \
        int64_t left, right, value;                                                        \
        double x, y;                                                                       \
        if (are_integers(a, &left, &right)) {                                              \
            bool fits = !overflows(left, right, &value);                                   \
            *ret_value = fits ? keel_int(value) : KEEL_NONE;                               \
            return fits;                                                                   \
        }                                                                                  \
        return are_numbers(a, &x, &y) && give_float(x operator y, ret_value);              \
    }
ARITHMETIC(op_add, __builtin_add_overflow, +)
ARITHMETIC(op_subtract, __builtin_sub_overflow, -)
ARITHMETIC(op_multiply, __builtin_mul_overflow, *)

static bool op_divide(const keel_term *a, keel_term *ret_value)
{
    bool numbers = (keel_is_int(a[0]) || keel_is_float(a[0])) &&
                   (keel_is_int(a[1]) || keel_is_float(a[1]));
    double by = keel_to_float(a[1]);
    return numbers && by != 0 && give_float(keel_to_float(a[0]) / by, ret_value);
}
static bool op_div(const keel_term *a, keel_term *ret_value)
{
    int64_t left, right;
    bool fits = are_integers(a, &left, &right) && right != 0 &&
                !(left == INT64_MIN && right == -1);
    *ret_value = fits ? keel_int(left / right) : KEEL_NONE;
    return fits;
}
static bool op_rem(const keel_term *a, keel_term *ret_value)
{
    int64_t left, right;
    bool fits = are_integers(a, &left, &right) && right != 0;
    // By -1 nothing remains, and the machine's division of INT64_MIN would trap.
    *ret_value = fits ? keel_int(right == -1 ? 0 : left % right) : KEEL_NONE;
    return fits;
}
static bool op_abs(const keel_term *a, keel_term *ret_value)
{
    int64_t value;
    if (keel_is_float(a[0])) {
        return give_float(fabs(keel_to_float(a[0])), ret_value);
    }
    bool fits = keel_get_int(a[0], &value) && value != INT64_MIN;
    *ret_value = fits ? keel_int(value < 0 ? -value : value) : KEEL_NONE;
    return fits;
}
static bool op_negate(const keel_term *a, keel_term *ret_value)
{
    const keel_term from_zero[] = {keel_int(0), a[0]};
    return op_subtract(from_zero, ret_value);
}
static bool op_bits(const keel_term *a, keel_term *ret_value, char which)
{
    int64_t left, right;
    if (!are_integers(a, &left, &right)) {
        return false;
    }
    int64_t value = which == '&'   ? left & right
                    : which == '|' ? left | right
                                   : left ^ right;
    *ret_value = keel_int(value);
    return true;
}
static bool op_band(const keel_term *a, keel_term *ret_value)
{
    return op_bits(a, ret_value, '&');
}
static bool op_bor(const keel_term *a, keel_term *ret_value)
{
    return op_bits(a, ret_value, '|');
}
static bool op_bxor(const keel_term *a, keel_term *ret_value)
{
    return op_bits(a, ret_value, '^');
}
static bool op_bnot(const keel_term *a, keel_term *ret_value)
{
    int64_t value;
    bool fits = keel_get_int(a[0], &value);
    *ret_value = fits ? keel_int(~value) : KEEL_NONE;
    return fits;
}

static const struct kl_match_op ops[] = {
        {"==", 2, op_equal},
        {"/=", 2, op_unequal},
        {"=:=", 2, op_same},
        {"=/=", 2, op_other},
        {"<", 2, op_less},
        {"=<", 2, op_less_equal},
        {">", 2, op_greater},
        {">=", 2, op_greater_equal},
        {"and", 2, op_and},
        {"or", 2, op_or},
        {"xor", 2, op_xor},
        {"not", 1, op_not},
        {"andalso", 2, op_and},
        {"orelse", 2, op_or},
        {"is_atom", 1, op_is_atom},
        {"is_binary", 1, op_is_binary},
        {"is_boolean", 1, op_is_boolean},
        {"is_float", 1, op_is_float},
        {"is_function", 1, op_is_function},
        {"is_integer", 1, op_is_integer},
        {"is_list", 1, op_is_list},
        {"is_map", 1, op_is_map},
        {"is_map_key", 2, op_is_map_key},
        {"is_number", 1, op_is_number},
        {"is_pid", 1, op_is_pid},
        {"is_port", 1, op_is_port},
        {"is_record", 3, op_is_record},
        {"is_reference", 1, op_is_reference},
        {"is_tuple", 1, op_is_tuple},
        {"element", 2, op_element},
        {"hd", 1, op_hd},
        {"tl", 1, op_tl},
        {"length", 1, op_length},
        {"size", 1, op_size},
        {"tuple_size", 1, op_tuple_size},
        {"byte_size", 1, op_byte_size},
        {"bit_size", 1, op_bit_size},
        {"map_size", 1, op_map_size},
        {"map_get", 2, op_map_get},
        {"self", 0, op_self},
        {"+", 2, op_add},
        {"-", 2, op_subtract},
        {"-", 1, op_negate},
        {"*", 2, op_multiply},
        {"/", 2, op_divide},
        {"div", 2, op_div},
        {"rem", 2, op_rem},
        {"abs", 1, op_abs},
        {"band", 2, op_band},
        {"bor", 2, op_bor},
        {"bxor", 2, op_bxor},
        {"bnot", 1, op_bnot},
};

const struct kl_match_op *kl_match_op_find(const char *name, size_t arity)
{
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (ops[i].arity == arity && strcmp(ops[i].name, name) == 0) {
            return &ops[i];
        }
    }
    return NULL;
}
