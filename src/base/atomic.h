#ifndef KL_BASE_ATOMIC_H
#define KL_BASE_ATOMIC_H

#include <stdint.h>

// The builtins under short names; every use says what it pairs with.
#define kl_load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define kl_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define kl_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define kl_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define kl_exchange_acq_rel(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
#define kl_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define kl_add_acq_rel(p, v) __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
// Weak or strong compare-and-swap; on failure *expected holds what was there.
#define kl_cas_acq_rel(p, expected, desired)                                               \
    __atomic_compare_exchange_n(                                                           \
            (p), (expected), (desired), 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define kl_cas_release(p, expected, desired)                                               \
    __atomic_compare_exchange_n(                                                           \
            (p), (expected), (desired), 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED)

static inline void kl_cpu_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#define KL_CACHE_LINE 64

#endif // KL_BASE_ATOMIC_H
