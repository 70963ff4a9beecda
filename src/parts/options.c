#include "options.h"

#include <string.h>

keel_term kl_options_pack(const struct kl_options *layout, const void *options)
{
    enum { MOST_TERMS = 8 };
    keel_term items[1 + MOST_TERMS];
    items[0] = keel_binary(options, layout->bytes);
    for (size_t i = 0; i < layout->count; i++) {
        keel_term term;
        memcpy(&term, (const char *)options + layout->terms[i], sizeof term);
        items[1 + i] = kl_some(term);
    }
    return keel_tuple(items, 1 + layout->count);
}

bool kl_options_unpack(const struct kl_options *layout, keel_term packed, void *ret_options)
{
    keel_bytes bytes = keel_to_bytes(keel_element(packed, 0));
    if (keel_tuple_size(packed) != 1 + layout->count || bytes.size != layout->bytes) {
        return false;
    }
    memcpy(ret_options, bytes.data, bytes.size);
    for (size_t i = 0; i < layout->count; i++) {
        keel_term term = keel_element(packed, 1 + i);
        term = keel_is_nil(term) ? KEEL_NONE : term;
        memcpy((char *)ret_options + layout->terms[i], &term, sizeof term);
    }
    return true;
}
