#ifndef KL_BASE_PANIC_H
#define KL_BASE_PANIC_H

#include <keel/version.h>

// The library is wrong: says what, where, with a backtrace, that this is a bug of Keel and
// where to report it; then aborts. Never for a mistake of the user. The message is
// formatted without allocating.
KEEL_NORETURN void kl_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

// An invariant of the library, checked in every build.
#define KL_ASSERT(condition)                                                               \
    ((condition) ? (void)0                                                                 \
                 : kl_panic("%s:%d: %s: %s", __FILE__, __LINE__, __func__, #condition))
// One too costly for release builds: only with -Dparanoid=true.
#ifdef KL_PARANOID
#define KL_CHECK(condition) KL_ASSERT(condition)
#else
#define KL_CHECK(condition) ((void)0)
#endif

#endif // KL_BASE_PANIC_H
