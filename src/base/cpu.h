#ifndef KL_BASE_CPU_H
#define KL_BASE_CPU_H

#include <stdint.h>

// What differs between processors and matters to this room. Private to the room.

// Whether a frame pointer points at a pair: the caller's frame pointer, then the return
// address. Both calling conventions below promise it, most others do not.
#if defined(__x86_64__) || defined(__aarch64__)
#define KL_CPU_HAS_FRAME_PAIRS 1
#else
#define KL_CPU_HAS_FRAME_PAIRS 0
#endif

// Removes the signature that pointer authentication leaves in a saved return address.
static inline uintptr_t kl_cpu_strip_signature(uintptr_t pc)
{
#if defined(__aarch64__)
    // The instruction that strips works on the link register only, and is a no-operation
    // on processors that know no signatures.
    register uintptr_t link __asm__("x30") = pc;
    __asm__("hint #7" : "+r"(link));
    return link;
#else
    return pc;
#endif
}

// Has the processor fetch the cache line at `memory`, to be written soon. The compilers'
// own way fetches it for reading unless they are told of a processor that can do this; one
// that cannot takes it for a no-operation.
static inline void kl_cpu_prefetch_write(const void *memory)
{
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)memory));
#else
    __builtin_prefetch(memory, 1);
#endif
}

#endif // KL_BASE_CPU_H
