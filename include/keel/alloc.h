#ifndef KEEL_ALLOC_H
#define KEEL_ALLOC_H

#include <keel/status.h>
#include <stddef.h>
#include <stdint.h>

KEEL_BEGIN_DECLS

/// Where Keel takes its memory from. All three functions are called on any thread, on
/// stacks of Keel's own; they may not call Keel. Memory is aligned as malloc's.
typedef struct keel_allocator {
    /// Returns `bytes` (at least 1) of memory, or NULL when there is none.
    void *(*allocate)(void *context, size_t bytes);
    /// Returns a block of `new_bytes` (at least 1) with the old content, which was
    /// `old_bytes` long; on failure NULL, and `memory` stays as it was.
    void *(*reallocate)(void *context, void *memory, size_t old_bytes, size_t new_bytes);
    /// Takes back `memory`, which is never NULL; `bytes` is what was asked for.
    void (*release)(void *context, void *memory, size_t bytes);
    /// Handed to each of them.
    void *context;
} keel_allocator;

/// Makes Keel take its memory from `allocator` instead of malloc and mmap. Stacks of
/// processes are always mapped from the system.
///
/// @param allocator  @borrows: copied; its context must live as long as the program.
///                   NULL: malloc and mmap again
///
/// @return KEEL_OK; KEEL_E_BADARG when a function is missing; KEEL_E_RUNNING when Keel has
///         allocated already, be it by keel_atom() before the start
/// @thread outside
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_allocator_set(const keel_allocator *allocator);

/// Returns how many bytes Keel holds now, idle blocks of its pools included, stacks of
/// processes not. Exact when nobody allocates meanwhile.
/// OTP: erlang:memory/1 with total.
/// @thread any
/// @since 0.1
KEEL_API int64_t keel_memory_used(void);

KEEL_END_DECLS

#endif // KEEL_ALLOC_H
