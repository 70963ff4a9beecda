// Patterns and expressions of match specifications.

#include "match_spec.h"
#include <string.h>

enum { MOST_ARGUMENTS = 3, DEEPEST = 200 };

static bool is_variable(keel_term term);
static bool bind(struct kl_bindings *bindings, keel_term name, keel_term value);
static bool gather(keel_term pattern, struct kl_bindings *bindings, unsigned depth);
static bool is_expression(
        keel_term expression, const struct kl_bindings *bindings, unsigned depth);
static bool are_expressions(
        keel_term list, const struct kl_bindings *bindings, unsigned depth);
static bool is_call(
        keel_term expression, const struct kl_bindings *bindings, unsigned depth);
static bool match_map(keel_term pattern, keel_term term, struct kl_bindings *bindings);
static bool evaluate(
        keel_term expression, const struct kl_bindings *bindings, keel_term *ret_value);
static bool call(
        keel_term expression, const struct kl_bindings *bindings, keel_term *ret_value);

bool kl_match_is_valid(keel_term pattern, keel_term guards, keel_term body)
{
    struct kl_bindings bindings = {0};
    return gather(pattern, &bindings, 0) &&
           (keel_is_none(guards) || are_expressions(guards, &bindings, 0)) &&
           (keel_is_none(body) ||
                   (!keel_is_nil(body) && are_expressions(body, &bindings, 0)));
}

bool kl_match_pattern(keel_term pattern, keel_term term, struct kl_bindings *bindings)
{
    switch (keel_type_of(pattern)) {
    case KEEL_TYPE_ATOM:
        return keel_is(pattern, _) || (is_variable(pattern) ? bind(bindings, pattern, term)
                                                            : pattern.word == term.word);
    case KEEL_TYPE_TUPLE: {
        size_t size = keel_tuple_size(pattern);
        bool same = keel_is_tuple(term) && keel_tuple_size(term) == size;
        for (size_t i = 0; i < size && same; i++) {
            same = kl_match_pattern(
                    keel_element(pattern, i), keel_element(term, i), bindings);
        }
        return same;
    }
    case KEEL_TYPE_LIST: {
        keel_term head, item;
        while (keel_list_next(&pattern, &head)) {
            if (!keel_list_next(&term, &item) || !kl_match_pattern(head, item, bindings)) {
                return false;
            }
        }
        return kl_match_pattern(pattern, term, bindings);
    }
    case KEEL_TYPE_MAP:
        return match_map(pattern, term, bindings);
    default:
        return keel_equal(pattern, term);
    }
}

bool kl_match_guards(keel_term guards, const struct kl_bindings *bindings)
{
    keel_term guard, value;
    while (keel_list_next(&guards, &guard)) {
        if (!evaluate(guard, bindings, &value) || !keel_to_bool(value)) {
            return false;
        }
    }
    return true;
}

keel_term kl_match_body(keel_term body, const struct kl_bindings *bindings)
{
    keel_term value = keel_atom(EXIT);
    keel_term expression;
    while (keel_list_next(&body, &expression)) {
        if (!evaluate(expression, bindings, &value)) {
            value = keel_atom(EXIT);
        }
    }
    return value;
}

// --- checking ---

// '$' and digits.
static bool is_variable(keel_term term)
{
    const char *name = keel_is_atom(term) ? keel_atom_name(term) : "";
    return name[0] == '$' && name[1] != 0 && name[1 + strspn(name + 1, "0123456789")] == 0;
}

static const keel_term *find(const struct kl_bindings *bindings, keel_term name)
{
    for (size_t i = 0; i < bindings->count; i++) {
        if (bindings->variable[i].name.word == name.word) {
            return &bindings->variable[i].value;
        }
    }
    return NULL;
}

// Binds a variable, or compares with what it stands for already.
static bool bind(struct kl_bindings *bindings, keel_term name, keel_term value)
{
    const keel_term *bound = find(bindings, name);
    if (bound != NULL) {
        return keel_equal(*bound, value);
    }
    if (bindings->count == KL_MATCH_VARIABLES) {
        return false;
    }
    bindings->variable[bindings->count].name = name;
    bindings->variable[bindings->count++].value = value;
    return true;
}

// Collects the variables of a pattern.
static bool gather(keel_term pattern, struct kl_bindings *bindings, unsigned depth)
{
    bool fits = depth < DEEPEST;
    keel_term item, key;
    switch (keel_type_of(pattern)) {
    case KEEL_TYPE_ATOM:
        return fits && (!is_variable(pattern) || bind(bindings, pattern, KEEL_NONE));
    case KEEL_TYPE_TUPLE:
        for (size_t i = 0; i < keel_tuple_size(pattern) && fits; i++) {
            fits = gather(keel_element(pattern, i), bindings, depth + 1);
        }
        return fits;
    case KEEL_TYPE_LIST:
        while (fits && keel_list_next(&pattern, &item)) {
            fits = gather(item, bindings, depth + 1);
        }
        return fits && gather(pattern, bindings, depth + 1);
    case KEEL_TYPE_MAP:
        for (size_t i = 0; fits && keel_map_at(pattern, i, &key, &item); i++) {
            fits = !is_variable(key) && !keel_is(key, _) &&
                   gather(item, bindings, depth + 1);
        }
        return fits;
    case KEEL_TYPE_NONE:
        return false;
    default:
        return fits;
    }
}

static bool is_expression(
        keel_term expression, const struct kl_bindings *bindings, unsigned depth)
{
    if (depth >= DEEPEST) {
        return false;
    }
    keel_term key, item;
    switch (keel_type_of(expression)) {
    case KEEL_TYPE_ATOM:
        return !is_variable(expression) || find(bindings, expression) != NULL;
    case KEEL_TYPE_TUPLE:
        return is_call(expression, bindings, depth);
    case KEEL_TYPE_LIST:
        return are_expressions(expression, bindings, depth + 1);
    case KEEL_TYPE_MAP:
        for (size_t i = 0; keel_map_at(expression, i, &key, &item); i++) {
            if (!is_expression(item, bindings, depth + 1)) {
                return false;
            }
        }
        return true;
    default:
        return !keel_is_none(expression);
    }
}

static bool are_expressions(
        keel_term list, const struct kl_bindings *bindings, unsigned depth)
{
    keel_term item;
    while (keel_list_next(&list, &item)) {
        if (!is_expression(item, bindings, depth + 1)) {
            return false;
        }
    }
    return keel_is_nil(list);
}

// {{…}} makes a tuple, {const, Term} is Term; else {Function, Argument, …}.
static bool is_call(
        keel_term expression, const struct kl_bindings *bindings, unsigned depth)
{
    size_t size = keel_tuple_size(expression);
    keel_term head = keel_element(expression, 0);
    size_t first = 1;
    keel_term of = expression;
    if (size == 1 && keel_is_tuple(head)) {
        of = head;
        first = 0;
    } else if (size == 2 && keel_is(head, const)) {
        return true;
    } else if (!keel_is_atom(head) || size > MOST_ARGUMENTS + 1 ||
               kl_match_op_find(keel_atom_name(head), size - 1) == NULL) {
        return false;
    }
    for (size_t i = first; i < keel_tuple_size(of); i++) {
        if (!is_expression(keel_element(of, i), bindings, depth + 1)) {
            return false;
        }
    }
    return true;
}

// --- evaluating ---

static bool match_map(keel_term pattern, keel_term term, struct kl_bindings *bindings)
{
    keel_term key, item;
    bool same = keel_is_map(term);
    for (size_t i = 0; same && keel_map_at(pattern, i, &key, &item); i++) {
        keel_term value = keel_map_get(term, key);
        same = !keel_is_none(value) && kl_match_pattern(item, value, bindings);
    }
    return same;
}

static keel_term all_values(const struct kl_bindings *bindings)
{
    keel_term values[KL_MATCH_VARIABLES];
    for (size_t i = 0; i < bindings->count; i++) {
        values[i] = bindings->variable[i].value;
    }
    return keel_list(values, bindings->count);
}

static bool evaluate_list(
        keel_term list, const struct kl_bindings *bindings, keel_term *ret_value)
{
    keel_term reversed = keel_nil();
    keel_term item, value;
    while (keel_list_next(&list, &item)) {
        if (!evaluate(item, bindings, &value)) {
            return false;
        }
        reversed = keel_cons(value, reversed);
    }
    *ret_value = keel_list_reverse(reversed);
    return true;
}

static bool evaluate_map(
        keel_term map, const struct kl_bindings *bindings, keel_term *ret_value)
{
    keel_term key, item, value;
    *ret_value = map;
    for (size_t i = 0; keel_map_at(map, i, &key, &item); i++) {
        if (!evaluate(item, bindings, &value)) {
            return false;
        }
        *ret_value = keel_map_put(*ret_value, key, value);
    }
    return true;
}

static bool evaluate(
        keel_term expression, const struct kl_bindings *bindings, keel_term *ret_value)
{
    *ret_value = expression;
    switch (keel_type_of(expression)) {
    case KEEL_TYPE_ATOM:
        if (is_variable(expression)) {
            *ret_value = *find(bindings, expression);
        } else if (expression.word == keel_atom_text("$_").word) {
            *ret_value = bindings->object;
        } else if (expression.word == keel_atom_text("$$").word) {
            *ret_value = all_values(bindings);
        }
        return true;
    case KEEL_TYPE_TUPLE:
        return call(expression, bindings, ret_value);
    case KEEL_TYPE_LIST:
        return evaluate_list(expression, bindings, ret_value);
    case KEEL_TYPE_MAP:
        return evaluate_map(expression, bindings, ret_value);
    default:
        return true;
    }
}

static bool make_tuple(
        keel_term items, const struct kl_bindings *bindings, keel_term *ret_value)
{
    keel_term made = items;
    keel_term value;
    for (size_t i = 0; i < keel_tuple_size(items); i++) {
        if (!evaluate(keel_element(items, i), bindings, &value)) {
            return false;
        }
        made = keel_set_element(made, i, value);
    }
    *ret_value = made;
    return true;
}

static bool call(
        keel_term expression, const struct kl_bindings *bindings, keel_term *ret_value)
{
    keel_term head = keel_element(expression, 0);
    size_t arity = keel_tuple_size(expression) - 1;
    if (keel_is_tuple(head)) {
        return make_tuple(head, bindings, ret_value);
    }
    if (keel_is(head, const)) {
        *ret_value = keel_element(expression, 1);
        return true;
    }
    keel_term arguments[MOST_ARGUMENTS];
    for (size_t i = 0; i < arity; i++) {
        if (!evaluate(keel_element(expression, i + 1), bindings, &arguments[i])) {
            return false;
        }
        // These two look at the second argument only when they must.
        bool decides = (keel_is(head, andalso) && !keel_to_bool(arguments[i])) ||
                       (keel_is(head, orelse) && keel_to_bool(arguments[i]));
        if (decides) {
            *ret_value = arguments[i];
            return keel_is_bool(arguments[i]);
        }
    }
    return kl_match_op_find(keel_atom_name(head), arity)->apply(arguments, ret_value);
}
