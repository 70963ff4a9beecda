#include "fun.h"

#include "etf.h"

// A reader of the terms that lie one behind the other in a fun.
struct reader {
    struct kl_heap *heap;
    const uint8_t *at;
    size_t left;
};

static keel_term read_part(struct reader *reader)
{
    // The whole was checked when it came in.
    static const keel_etf_limits limits = {SIZE_MAX, SIZE_MAX, SIZE_MAX, false, 0};
    struct kl_etf_plan plan;
    keel_term term;
    if (kl_etf_plan(reader->at, reader->left, &limits, &plan) != KEEL_OK ||
            kl_etf_build(reader->heap, reader->at, &plan, NULL, &term) != KEEL_OK) {
        return KEEL_NONE;
    }
    reader->at += plan.used;
    reader->left -= plan.used;
    return term;
}

static bool read_parts(struct reader *reader, struct kl_fun_parts *parts)
{
    // NEW_FUN_EXT: tag, size, arity, unique id, index, count of variables; module, old
    // index, old unique id, pid, variables. FUN_EXT: tag, count; pid, module, index, unique
    // id, variables.
    bool old = reader->at[0] == KL_ETF_FUN;
    size_t fixed = old ? 5 : 30;
    parts->count = kl_etf_get_32(reader->at + fixed - 4);
    uint32_t index = old ? 0 : kl_etf_get_32(reader->at + fixed - 8);
    reader->at += fixed;
    reader->left -= fixed;

    keel_term terms[4];
    for (int i = 0; i < 4; i++) {
        terms[i] = read_part(reader);
        if (keel_is_none(terms[i])) {
            return false;
        }
    }
    const keel_term *numbers = old ? terms + 1 : terms;
    parts->module = numbers[0];
    // Both of them name the fun in its module; of a newer one the first counts.
    parts->index = old ? keel_to_int(numbers[1]) : (int64_t)index;
    parts->uniq = keel_to_int(numbers[2]);
    if (parts->count == 0) {
        return true;
    }
    keel_term *variables = kl_heap_try_alloc(
            reader->heap, parts->count * sizeof *variables);
    if (!variables) {
        return false;
    }
    parts->variables = variables;
    for (size_t i = 0; i < parts->count; i++) {
        variables[i] = read_part(reader);
        if (keel_is_none(variables[i])) {
            return false;
        }
    }
    return true;
}

bool kl_fun_read(keel_term fun, struct kl_fun_parts *ret_parts)
{
    struct kl_heap *heap = kl_heap_current();
    *ret_parts = (struct kl_fun_parts){.heap = heap, .mark = kl_heap_mark(heap)};
    const struct kl_fun *box = kl_box(fun);
    struct reader reader = {heap, box->data, kl_header_size(box->header)};
    bool done = read_parts(&reader, ret_parts) && kl_is_atom(ret_parts->module);
    if (!done) {
        kl_fun_done(ret_parts);
    }
    return done;
}

void kl_fun_done(struct kl_fun_parts *parts)
{
    kl_heap_rewind(parts->heap, &parts->mark);
}
