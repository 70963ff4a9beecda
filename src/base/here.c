#include "here.h"

// Used: where it is read by assembly the compiler does not see it.
__attribute__((used)) __thread struct kl_here kl_here_record;

#if !(defined(__x86_64__) && defined(__LP64__))
__attribute__((noinline)) struct kl_here *kl_here(void)
{
    // The empty assembly keeps the compiler from concluding that two calls in a row
    // return the same.
    __asm__ volatile("" ::: "memory");
    return &kl_here_record;
}
#endif
