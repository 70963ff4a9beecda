#ifndef KL_BASE_SANITIZE_H
#define KL_BASE_SANITIZE_H

// One place that knows which sanitizer the build has; elsewhere these always exist.
// sanitize.h decides whether they are empty.

#include <stdbool.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define KL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KL_ASAN 1
#endif
#endif
#ifndef KL_ASAN
#define KL_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define KL_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define KL_TSAN 1
#endif
#endif
#ifndef KL_TSAN
#define KL_TSAN 0
#endif

#if KL_ASAN
#include <sanitizer/asan_interface.h>
static inline void kl_poison(const void *memory, size_t bytes)
{
    __asan_poison_memory_region(memory, bytes);
}
static inline void kl_unpoison(const void *memory, size_t bytes)
{
    __asan_unpoison_memory_region(memory, bytes);
}
#else
static inline void kl_poison(const void *memory, size_t bytes)
{
    (void)memory, (void)bytes;
}
static inline void kl_unpoison(const void *memory, size_t bytes)
{
    (void)memory, (void)bytes;
}
#endif

// Places to jump back to. ThreadSanitizer looks setjmp's up in a list of the thread that
// has set them, while a process may jump on another one; the compiler's own it does not
// see.
#if KL_TSAN
typedef void *kl_mark[5];
#define KL_MARK_SET(mark) __builtin_setjmp(mark)
#define KL_MARK_JUMP(mark) __builtin_longjmp(mark, 1)
#else
#include <setjmp.h>
typedef jmp_buf kl_mark;
#define KL_MARK_SET(mark) _setjmp(mark)
#define KL_MARK_JUMP(mark) _longjmp(mark, 1)
#endif

// Valgrind shows itself at run time only; its header is optional.
#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define KL_VALGRIND 1
#endif
#endif
#ifndef KL_VALGRIND
#define KL_VALGRIND 0
#endif

static inline bool kl_on_valgrind(void)
{
#if KL_VALGRIND
    return RUNNING_ON_VALGRIND != 0;
#else
    return false;
#endif
}

#endif // KL_BASE_SANITIZE_H
