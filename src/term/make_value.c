#include "bignum.h"
#include "heap.h"
#include "value.h"
#include <math.h>
#include <string.h>

// Making numbers, tuples and identifiers. A part that is KEEL_NONE, because it could not be
// made, makes the whole KEEL_NONE: no term ever holds none.

keel_term keel_int(int64_t value)
{
    if (value >= KL_SMALL_MIN && value <= KL_SMALL_MAX) {
        return kl_small(value);
    }
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    return kl_big_make(kl_heap_current(), value < 0, &magnitude, 1);
}

keel_term keel_uint(uint64_t value)
{
    if (value <= KL_SMALL_MAX) {
        return kl_small((int64_t)value);
    }
    return kl_big_make(kl_heap_current(), false, &value, 1);
}

keel_term kl_float_make(struct kl_heap *heap, double value)
{
    struct kl_float *box = kl_heap_alloc(heap, sizeof *box);
    if (!box) {
        return KEEL_NONE;
    }
    *box = (struct kl_float){kl_header(KL_KIND_FLOAT, 1), value};
    return kl_boxed(box);
}

keel_term keel_float(double value)
{
    return isfinite(value) ? kl_float_make(kl_heap_current(), value) : KEEL_NONE;
}

keel_term keel_bool(bool value)
{
    return value ? KL_ATOM(true) : KL_ATOM(false);
}

keel_term keel_nil(void)
{
    return kl_nil();
}

keel_term keel_pointer(const void *pointer)
{
    return (keel_term){(uint64_t)(uintptr_t)pointer << 5 | KL_TAG_POINTER};
}

keel_term keel_tuple(const keel_term *items, size_t count)
{
    if (count > KL_TUPLE_MAX || (!items && count > 0)) {
        return KEEL_NONE;
    }
    struct kl_tuple *tuple = kl_heap_alloc(
            kl_heap_current(), sizeof *tuple + count * sizeof *items);
    if (!tuple) {
        return KEEL_NONE;
    }
    bool whole = true;
    tuple->header = kl_header(KL_KIND_TUPLE, count);
    for (size_t i = 0; i < count; i++) {
        whole &= items[i].word != 0;
        tuple->item[i] = items[i];
    }
    return whole ? kl_boxed(tuple) : KEEL_NONE;
}

keel_term keel_set_element(keel_term tuple, size_t index, keel_term value)
{
    size_t count = keel_tuple_size(tuple);
    if (index >= count || keel_is_none(value)) {
        return KEEL_NONE;
    }
    size_t bytes = sizeof(struct kl_tuple) + count * sizeof(keel_term);
    struct kl_tuple *changed = kl_heap_alloc(kl_heap_current(), bytes);
    if (!changed) {
        return KEEL_NONE;
    }
    memcpy(changed, kl_tuple(tuple), bytes);
    changed->item[index] = value;
    return kl_boxed(changed);
}

keel_term keel_export(keel_term module, keel_term function, uint8_t arity)
{
    if (!kl_is_atom(module) || !kl_is_atom(function)) {
        return KEEL_NONE;
    }
    struct kl_export *box = kl_heap_alloc(kl_heap_current(), sizeof *box);
    if (!box) {
        return KEEL_NONE;
    }
    *box = (struct kl_export){kl_header(KL_KIND_EXPORT, 0), module, function, arity};
    return kl_boxed(box);
}

keel_term kl_fun_make(struct kl_heap *heap, const void *external, size_t size)
{
    size_t bytes = (size + 7) & ~(size_t)7;
    struct kl_fun *fun = kl_heap_alloc(heap, sizeof *fun + bytes);
    if (!fun) {
        return KEEL_NONE;
    }
    fun->header = kl_header(KL_KIND_FUN, size);
    memcpy(fun->data, external, size);
    memset(fun->data + size, 0, bytes - size);
    return kl_boxed(fun);
}
