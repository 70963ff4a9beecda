#include "slab.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// The memory of slabs and the guards between stacks. From Linux 6.13 on a guard is a mark
// in the page tables; before that it is a mapping of its own without access rights, of
// which a process may have some sixty thousand.

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum { GUARD_BYTES = 16 << 10 }; // a function may well have a frame of a few pages

static uint32_t no_guard_marks; // the kernel has none; set by whoever finds out

size_t kl_guard_bytes(void)
{
    static size_t bytes; // every thread computes the same
    size_t known = kl_load_relaxed(&bytes);
    if (known == 0) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        known = page > GUARD_BYTES ? page : GUARD_BYTES;
        kl_store_relaxed(&bytes, known);
    }
    return known;
}

uint8_t *kl_guard_map(size_t bytes)
{
    uint8_t *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base == MAP_FAILED) {
        kl_log(KL_LOG_ERROR,
                "no more stacks: the system refuses a mapping of %zu bytes (%s); see "
                "vm.max_map_count, vm.overcommit_memory and the limit of address space "
                "(ulimit -v)",
                bytes, strerror(errno));
        return NULL;
    }
    // A stack uses a page or two; a huge page would take two megabytes for thirty of them.
    madvise(base, bytes, MADV_NOHUGEPAGE);
    return base;
}

bool kl_guard_install(uint8_t *guard, size_t bytes)
{
    if (!kl_load_relaxed(&no_guard_marks)) {
        if (madvise(guard, bytes, MADV_GUARD_INSTALL) == 0) {
            return true;
        }
        // Unknown to this kernel, or the memory is locked (mlockall).
        kl_store_relaxed(&no_guard_marks, 1);
    }
    if (mprotect(guard, bytes, PROT_NONE) == 0) {
        return true;
    }
    kl_log(KL_LOG_ERROR,
            "no more stacks: the system refuses another guard page (%s); each stack takes "
            "two mappings on this kernel, and vm.max_map_count limits them (Linux 6.13 "
            "needs none)",
            strerror(errno));
    return false;
}
