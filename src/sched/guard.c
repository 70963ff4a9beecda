#include "slab.h"

#include <errno.h>
#include <fcntl.h>
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

// What is known of the kernel's guard marks; every thread finds out the same.
enum { UNKNOWN, WORKING, MISSING };
static uint32_t marks;

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

void kl_guard_use_mappings(void)
{
    kl_store_relaxed(&marks, MISSING);
}

// Whether the kernel refuses to read at `address`. Emulators of the kernel take advice they
// do not know for given.
static bool is_unreadable(const uint8_t *address)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    bool unreadable = write(ends[1], address, 1) < 0 && errno == EFAULT;
    close(ends[0]);
    close(ends[1]);
    return unreadable;
}

bool kl_guard_install(uint8_t *guard, size_t bytes)
{
    uint32_t known = kl_load_relaxed(&marks);
    if (known != MISSING) {
        bool good = madvise(guard, bytes, MADV_GUARD_INSTALL) == 0;
        if (good && (known == WORKING || is_unreadable(guard))) {
            kl_store_relaxed(&marks, WORKING);
            return true;
        }
        // Unknown to this kernel, or the memory is locked (mlockall).
        kl_store_relaxed(&marks, MISSING);
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
