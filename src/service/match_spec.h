#ifndef KL_SERVICE_MATCH_SPEC_H
#define KL_SERVICE_MATCH_SPEC_H

#include <keel/term.h>

// Match specifications in ETS's language: patterns with '_' and '$1', guards and bodies
// such as {'>', '$1', 3}. Pure: nothing here knows a registry.

enum { KL_MATCH_VARIABLES = 32 };

// What the variables stand for, in the order in which the pattern names them.
struct kl_bindings {
    size_t count;
    struct {
        keel_term name, value;
    } variable[KL_MATCH_VARIABLES];
    keel_term object; // '$_'
};

// False when a pattern has too many variables, guards are no list, or an expression names
// an unknown function or a variable that the pattern does not bind. `guards` and `body` may
// be KEEL_NONE: none.
bool kl_match_is_valid(keel_term pattern, keel_term guards, keel_term body);

// True when `term` is what `pattern` describes. Adds to the bindings: start with a zeroed
// struct. Maps in a pattern name the keys that must be there. Numbers match exactly.
bool kl_match_pattern(keel_term pattern, keel_term term, struct kl_bindings *bindings);
// True when each guard gives true; one that fails gives false.
bool kl_match_guards(keel_term guards, const struct kl_bindings *bindings);
// The value of the last expression of a body, 'EXIT' when it fails. It may share memory
// with what the variables stand for.
keel_term kl_match_body(keel_term body, const struct kl_bindings *bindings);

// --- match_ops.c ---

// A function that guards and bodies may call. False: it fails for these arguments.
struct kl_match_op {
    const char *name;
    size_t arity;
    bool (*apply)(const keel_term *arguments, keel_term *ret_value);
};
// The function, or NULL.
const struct kl_match_op *kl_match_op_find(const char *name, size_t arity);

#endif // KL_SERVICE_MATCH_SPEC_H
