#include "arch.h"

#include <string.h>

// The first picture of a stack for the switch in assembly; the layouts are described at
// the top of x86_64.S and aarch64.S.

void kl_arch_begin(void);
void kl_arch_landing(void);

#if defined(__x86_64__)

enum { CONTROL, R15, R14, R13, R12, RBX, RBP, GO_ON, TOP, WORDS = TOP };

void *kl_arch_prepare(uint8_t *low, uint8_t *top, void (*start)(void))
{
    (void)low;
    // kl_arch_begin is jumped to as if it had been called: 8 bytes off a multiple of 16.
    uintptr_t end = ((uintptr_t)top & ~(uintptr_t)15) - 8;
    uintptr_t *words = (uintptr_t *)end - WORDS;
    memset(words, 0, WORDS * sizeof *words);
    *(uintptr_t *)end = 0;
    // Round to nearest, all exceptions masked, x87 in extended precision: the state that
    // every thread starts with.
    uint32_t mxcsr = 0x1f80;
    uint16_t control = 0x037f;
    memcpy((uint8_t *)&words[CONTROL], &mxcsr, sizeof mxcsr);
    memcpy((uint8_t *)&words[CONTROL] + 4, &control, sizeof control);
    words[RBX] = (uintptr_t)start;
    words[GO_ON] = (uintptr_t)kl_arch_begin;
    return words;
}

#elif defined(__aarch64__)

enum { X19 = 0, X29 = 10, X30 = 11, FPCR = 20, WORDS = 22 };

void *kl_arch_prepare(uint8_t *low, uint8_t *top, void (*start)(void))
{
    (void)low;
    uintptr_t end = (uintptr_t)top & ~(uintptr_t)15;
    uintptr_t *words = (uintptr_t *)end - WORDS;
    memset(words, 0, WORDS * sizeof *words);
    words[X19] = (uintptr_t)start;
    words[X30] = (uintptr_t)kl_arch_begin;
    return words;
}

#else
#error "no switch in assembly for this processor: configure with -Dswitch=ucontext"
#endif

void kl_arch_land(void *context, void *sp, unsigned value)
{
    kl_arch_bend(context, (uintptr_t)kl_arch_landing, (uintptr_t)sp, value);
}
