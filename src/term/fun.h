#ifndef KL_TERM_FUN_H
#define KL_TERM_FUN_H

#include "heap.h"
#include "value.h"

// What the external form of another node's fun says of it.
struct kl_fun_parts {
    keel_term module;
    int64_t index, uniq;
    size_t count; // of free variables
    const keel_term *variables;
    struct kl_heap *heap; // the current one, where they were decoded …
    struct kl_heap_mark mark; // … since here
};

// Decodes them into the current heap; kl_fun_done() gives that memory back, and must be
// called before anything else is made there is used further. False when there is no memory.
bool kl_fun_read(keel_term fun, struct kl_fun_parts *ret_parts);
void kl_fun_done(struct kl_fun_parts *parts);

#endif // KL_TERM_FUN_H
