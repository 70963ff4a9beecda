#ifndef KL_BASE_EXHAUSTED_TESTING_H
#define KL_BASE_EXHAUSTED_TESTING_H

#include <keel/alloc.h>
#include <stdlib.h>

// For tests: a machine whose memory ends when it is told to.
static bool exhausted;

static void *allocate_unless_exhausted(void *context, size_t bytes)
{
    (void)context;
    return exhausted ? NULL : malloc(bytes);
}

static void *reallocate_unless_exhausted(
        void *context, void *memory, size_t old, size_t bytes)
{
    (void)context;
    (void)old;
    return exhausted ? NULL : realloc(memory, bytes);
}

static void release_always(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}

// For keel_allocator_set.
static const keel_allocator exhaustible = {
        allocate_unless_exhausted, reallocate_unless_exhausted, release_always, NULL};

#endif // KL_BASE_EXHAUSTED_TESTING_H
