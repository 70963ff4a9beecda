#ifndef KL_BASE_SYMBOL_H
#define KL_BASE_SYMBOL_H

#include <stddef.h>
#include <stdint.h>

// Walks frame pointers from `frame`, staying within [low, high). Async-signal-safe.
// Returns how many program counters were written to `ret_pcs`: first `pc` itself, then the
// return addresses less one, so that each lies within the call it stands for.
size_t kl_symbol_walk(uintptr_t pc, uintptr_t frame, uintptr_t low, uintptr_t high,
        uintptr_t *ret_pcs, size_t max);
// The same for a stack whose bounds are not known: the kernel does the reading, through
// a pipe, so that a broken chain ends the walk and not the program.
size_t kl_symbol_walk_unbounded(
        uintptr_t pc, uintptr_t frame, uintptr_t *ret_pcs, size_t max);

// What is known of a program counter. Strings are static or interned: never freed.
struct kl_symbol {
    const char *function; // NULL when unknown
    const char *file; // NULL when unknown
    int line; // 0 when unknown
    uintptr_t offset; // from the function's start, or the image's when unknown
};
// Looks it up (libbacktrace where the build has it, dladdr otherwise). Not signal-safe.
void kl_symbol_resolve(uintptr_t pc, struct kl_symbol *ret_symbol);

#endif // KL_BASE_SYMBOL_H
