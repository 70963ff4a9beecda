#include "options.h"

#include <stdlib.h>
#include <string.h>

#define RESOURCE "options"

// A copy of the struct, with its size before it.
struct copy {
    size_t bytes;
    char data[] __attribute__((aligned(16)));
};

keel_term kl_options_pack(const struct kl_options *layout, const void *options)
{
    enum { MOST_TERMS = 8 };
    keel_term items[1 + MOST_TERMS];
    struct copy *copy = malloc(sizeof *copy + layout->bytes);
    if (copy == NULL && keel_in_process()) {
        keel_exit(keel_atom(system_limit));
    }
    if (copy == NULL) {
        return keel_nil(); // which no start function takes for options
    }
    copy->bytes = layout->bytes;
    memcpy(copy->data, options, layout->bytes);
    items[0] = keel_resource(RESOURCE, copy, free);
    for (size_t i = 0; i < layout->count; i++) {
        keel_term term;
        memcpy(&term, (const char *)options + layout->terms[i], sizeof term);
        items[1 + i] = kl_some(term);
    }
    return keel_tuple(items, 1 + layout->count);
}

bool kl_options_unpack(const struct kl_options *layout, keel_term packed, void *ret_options)
{
    const struct copy *copy = keel_to_pointer(keel_element(packed, 0), RESOURCE);
    if (copy == NULL || keel_tuple_size(packed) != 1 + layout->count ||
            copy->bytes != layout->bytes) {
        return false;
    }
    memcpy(ret_options, copy->data, copy->bytes);
    for (size_t i = 0; i < layout->count; i++) {
        keel_term term = keel_element(packed, 1 + i);
        term = keel_is_nil(term) ? KEEL_NONE : term;
        memcpy((char *)ret_options + layout->terms[i], &term, sizeof term);
    }
    return true;
}
