#ifndef KL_PARTS_OPTIONS_H
#define KL_PARTS_OPTIONS_H

#include <keel/function.h>
#include <keel/supervisor.h>

// Options on their way to the process that is started with them: {Bytes, Term, …}, the
// bytes of the struct and, beside them, the terms in it, since bytes alone would not carry
// these along. A term field is named by its offset; one that is none travels as [] and
// arrives as none.
struct kl_options {
    size_t bytes; // of the struct
    const size_t *terms; // offsets of its term fields
    size_t count;
};

#define KL_OPTIONS(type, ...)                                                              \
    {                                                                                      \
        sizeof(type), (const size_t[]){__VA_ARGS__},                                       \
                sizeof((const size_t[]){__VA_ARGS__}) / sizeof(size_t)                     \
    }

keel_term kl_options_pack(const struct kl_options *layout, const void *options);
// Fills `ret_options`; its terms live as long as `packed`. False when it is none of these.
bool kl_options_unpack(
        const struct kl_options *layout, keel_term packed, void *ret_options);

// `value`, or `otherwise` when it is zero.
static inline int64_t kl_or(int64_t value, int64_t otherwise)
{
    return value == 0 ? otherwise : value;
}
static inline keel_term kl_some(keel_term term)
{
    return keel_is_none(term) ? keel_nil() : term;
}
// The clock, read now: keel_now() stands still in a turn, and a loop that only asks tables
// never ends its turn.
static inline int64_t kl_clock(void)
{
    return keel_deadline_in(0).at;
}

#endif // KL_PARTS_OPTIONS_H
