#include "bignum.h"
#include "map.h"
#include "match_steps.h"
#include <limits.h>
#include <string.h>

// Matching: running the steps that match_compile.c makes of a pattern. Captures are put
// aside and written at the end, so that nothing is written unless everything matches.

enum answer { NO, YES, UNSURE };

static enum answer match_flat(
        const struct kl_pattern *pattern, keel_term term, const keel_arg *args);
static bool match_any(
        const struct kl_pattern *pattern, keel_term term, const keel_arg *args);
static bool run(const struct kl_pattern *pattern, keel_term term, const keel_arg *args,
        keel_term *captured);
static bool fits(keel_arg_kind kind, keel_term term);
static bool is_given(const keel_arg *arg, keel_term term);
static void capture(const keel_arg *arg, keel_term term);

bool keel_match_at(
        keel_pattern_site *site, keel_term term, const keel_arg *args, size_t count)
{
    const struct kl_pattern *pattern = kl_load_acquire(&site->compiled);
    if (__builtin_expect(pattern && pattern->flat, 1)) {
        enum answer answer = match_flat(pattern, term, args);
        return answer == UNSURE ? match_any(pattern, term, args) : answer == YES;
    }
    if (!pattern || pattern->why[0] != '\0') {
        pattern = kl_pattern_get(site, args, count, kl_match_compile);
        if (!pattern) {
            return false;
        }
    }
    return match_any(pattern, term, args);
}

// A tuple of words, given terms and captures, the pattern of most messages: two passes over
// its elements, the first to see whether they match, the second to write. Unsure when an
// element is of the right type but no immediate term.
static inline enum answer match_flat(
        const struct kl_pattern *pattern, keel_term term, const keel_arg *args)
{
    const struct kl_pattern_op *op = pattern->ops;
    if (!kl_is_boxed(term) || kl_box_header(term) != op->word) {
        return NO;
    }
    const keel_term *items = kl_tuple(term)->item;
    const keel_term *item = items;
    while ((++op)->code != KL_MATCH_END) {
        uint64_t word = (item++)->word;
        if (op->code == KL_MATCH_WORD) {
            if (word != op->word) {
                return NO;
            }
        } else if (op->code == KL_MATCH_PIN) {
            const keel_arg *given = &args[op->argument];
            bool immediate = kl_is_immediate((keel_term){word}) &&
                             kl_is_immediate((keel_term){given->as.word});
            if (given->kind != KEEL_ARG_TERM || !immediate) {
                return UNSURE;
            }
            if (word != given->as.word) {
                return NO;
            }
        } else if (op->code == KL_MATCH_CAPTURE_INT) {
            if ((word & 1) == 0) {
                return UNSURE;
            }
        } else if (op->code == KL_MATCH_CAPTURE && !kl_is_local_pid((keel_term){word})) {
            return UNSURE;
        }
    }
    op = pattern->ops;
    item = items;
    while ((++op)->code != KL_MATCH_END) {
        keel_term value = *item++;
        if (op->code == KL_MATCH_CAPTURE_INT) {
            *(int64_t *)args[op->argument].as.to = kl_small_value(value);
        } else if (op->code == KL_MATCH_CAPTURE_TERM || op->code == KL_MATCH_CAPTURE) {
            *(uint64_t *)args[op->argument].as.to = value.word;
        }
    }
    return YES;
}

// Not inlined, for the sake of what its arrays cost the usual way.
__attribute__((noinline)) static bool match_any(
        const struct kl_pattern *pattern, keel_term term, const keel_arg *args)
{
    keel_term captured[KL_PATTERN_ARGS_MAX];
    if (keel_is_none(term) || !run(pattern, term, args, captured)) {
        return false;
    }
    for (uint32_t i = 0; i < pattern->argument_count; i++) {
        capture(&args[i], captured[i]);
    }
    return true;
}

// Longer than 60 lines because all steps share their state, each has its case, and this is
// the part that must be fast.
static bool run(const struct kl_pattern *pattern, keel_term term, const keel_arg *args,
        keel_term *captured)
{
    const keel_term *beside[KL_PATTERN_DEPTH_MAX + 1];
    const struct kl_map *maps[KL_PATTERN_DEPTH_MAX + 1];
    const keel_term *at = &term;
    size_t index;
    for (const struct kl_pattern_op *op = pattern->ops;; op++) {
        switch (op->code) {
        case KL_MATCH_END:
            return true;
        case KL_MATCH_WORD:
            if ((at++)->word != op->word) {
                return false;
            }
            break;
        case KL_MATCH_EQUAL:
            if (!keel_equal(*at++, (keel_term){op->word})) {
                return false;
            }
            break;
        case KL_MATCH_ANY:
            at++;
            break;
        case KL_MATCH_CAPTURE_INT:
            if (!kl_is_small(*at) && !fits(KEEL_ARG_TO_INT64, *at)) {
                return false;
            }
            captured[op->argument] = *at++;
            break;
        case KL_MATCH_CAPTURE:
            if (!fits((keel_arg_kind)op->level, *at)) {
                return false;
            }
            captured[op->argument] = *at++;
            break;
        case KL_MATCH_CAPTURE_TERM:
            captured[op->argument] = *at++;
            break;
        case KL_MATCH_SAME:
            if (!keel_equal(*at++, captured[op->argument])) {
                return false;
            }
            break;
        case KL_MATCH_PIN:
            if (args[op->argument].kind == KEEL_ARG_TERM &&
                    args[op->argument].as.word == at->word && kl_is_immediate(*at)) {
                at++;
            } else if (!is_given(&args[op->argument], *at++)) {
                return false;
            }
            break;
        case KL_MATCH_TUPLE:
            if (!kl_is_boxed(*at) || kl_box_header(*at) != op->word) {
                return false;
            }
            beside[op->level] = at + 1;
            at = kl_tuple(*at)->item;
            break;
        case KL_MATCH_CELL:
            if (!kl_is_cell(*at)) {
                return false;
            }
            beside[op->level] = at + 1;
            at = kl_cell(*at);
            break;
        case KL_MATCH_REST:
            if (!kl_is_cell(*at)) {
                return false;
            }
            at = kl_cell(*at);
            break;
        case KL_MATCH_MAP:
            if (!keel_is_map(*at)) {
                return false;
            }
            maps[op->level] = kl_map(*at);
            beside[op->level] = at + 1;
            break;
        case KL_MATCH_KEY:
            if (!kl_map_find(maps[op->level], (keel_term){op->word}, &index)) {
                return false;
            }
            at = &maps[op->level]->slot[kl_header_size(maps[op->level]->header) + index];
            break;
        case KL_MATCH_RESUME:
            at = beside[op->level];
            break;
        default:
            __builtin_unreachable(); // no other code is compiled
        }
    }
}

// --- arguments ---

// The type of a capture is a guard.
static bool fits(keel_arg_kind kind, keel_term term)
{
    int64_t integer;
    uint64_t natural;
    double real;
    switch (kind) {
    case KEEL_ARG_TO_INT64:
        return keel_get_int(term, &integer);
    case KEEL_ARG_TO_INT:
        return keel_get_int(term, &integer) && integer >= INT_MIN && integer <= INT_MAX;
    case KEEL_ARG_TO_UINT64:
        return keel_get_uint(term, &natural);
    case KEEL_ARG_TO_UINT:
        return keel_get_uint(term, &natural) && natural <= UINT_MAX;
    case KEEL_ARG_TO_DOUBLE:
        return keel_is_float(term) || (keel_is_int(term) && kl_int_to_double(term, &real));
    case KEEL_ARG_TO_BOOL:
        return keel_is_bool(term);
    case KEEL_ARG_TO_PID:
        return keel_is_pid(term);
    case KEEL_ARG_TO_REF:
        return keel_is_ref(term);
    case KEEL_ARG_TO_BYTES:
        return keel_is_binary(term);
    case KEEL_ARG_TO_ATOM:
        return kl_is_atom(term);
    case KEEL_ARG_TO_TERM:
        return true;
    case KEEL_ARG_TO_POINTER:
        return kl_is_pointer(term) || kl_is_kind(term, KL_KIND_RESOURCE);
    default:
        return false;
    }
}

// The term has passed fits().
static void capture(const keel_arg *arg, keel_term term)
{
    switch (arg->kind) {
    case KEEL_ARG_TO_INT64:
        *(int64_t *)arg->as.to = kl_is_small(term) ? kl_small_value(term)
                                                   : keel_to_int(term);
        break;
    case KEEL_ARG_TO_INT:
        *(int *)arg->as.to = (int)keel_to_int(term);
        break;
    case KEEL_ARG_TO_UINT64:
        (void)keel_get_uint(term, arg->as.to);
        break;
    case KEEL_ARG_TO_UINT:
        *(unsigned *)arg->as.to = (unsigned)keel_to_int(term);
        break;
    case KEEL_ARG_TO_DOUBLE:
        *(double *)arg->as.to = keel_to_float(term);
        break;
    case KEEL_ARG_TO_BOOL:
        *(bool *)arg->as.to = keel_to_bool(term);
        break;
    case KEEL_ARG_TO_PID:
        *(keel_pid *)arg->as.to = (keel_pid){term.word};
        break;
    case KEEL_ARG_TO_REF:
        *(keel_ref *)arg->as.to = (keel_ref){term.word};
        break;
    case KEEL_ARG_TO_BYTES:
        *(keel_bytes *)arg->as.to = keel_to_bytes(term);
        break;
    case KEEL_ARG_TO_ATOM:
        *(const char **)arg->as.to = keel_atom_name(term);
        break;
    case KEEL_ARG_TO_TERM:
        *(keel_term *)arg->as.to = term;
        break;
    case KEEL_ARG_TO_POINTER:
        *(void **)arg->as.to = keel_to_pointer(term, NULL);
        break;
    default:
        break; // a value given with ^
    }
}

static bool is_binary_of(keel_term term, const void *data, size_t size)
{
    keel_bytes bytes = keel_to_bytes(term);
    return bytes.data && bytes.size == size && memcmp(bytes.data, data, size) == 0;
}

// =:= with the value that an argument gives, without making a term of it.
static bool is_given(const keel_arg *arg, keel_term term)
{
    int64_t integer;
    uint64_t natural;
    switch (arg->kind) {
    case KEEL_ARG_INT:
        return keel_get_int(term, &integer) && integer == arg->as.integer;
    case KEEL_ARG_UINT:
        return keel_get_uint(term, &natural) && natural == arg->as.natural;
    case KEEL_ARG_DOUBLE:
        return keel_is_float(term) && kl_float_value(term) == arg->as.real;
    case KEEL_ARG_BOOL:
        return keel_is_bool(term) && keel_to_bool(term) == (arg->as.natural != 0);
    case KEEL_ARG_STRING:
        return arg->as.string && is_binary_of(term, arg->as.string, strlen(arg->as.string));
    case KEEL_ARG_BYTES:
        return is_binary_of(term, arg->as.bytes.data, arg->as.bytes.size);
    case KEEL_ARG_TERM:
        return keel_equal(term, (keel_term){arg->as.word});
    default:
        return false;
    }
}
