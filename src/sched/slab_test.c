#include "slab.h"

#include "sched_testing.h"
#include "stack.h"

#include <sys/mman.h>
#include <unistd.h>

// The pages of memory that a stack of the default size has; its record may be gone.
static size_t resident_pages(uint8_t *low)
{
    unsigned char there[4096];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (64 << 10) / page + 1;
    CHECK_INT(mincore(low, pages * page, there), 0);
    size_t count = 0;
    for (size_t i = 0; i < pages; i++) {
        count += there[i] & 1;
    }
    return count;
}

TEST("idle stacks give their pages back, but not at once")
{
    enum { COUNT = 400, KEPT = 64 };
    static struct kl_stack *stacks[COUNT];
    static uint8_t *lows[COUNT];
    for (int i = 0; i < COUNT; i++) {
        stacks[i] = kl_stack_acquire(0);
        lows[i] = stacks[i]->low;
        memset(lows[i], 1, 32 << 10);
    }
    // One in three stays in use, so that no slab becomes free as a whole.
    for (int i = 0; i < COUNT; i++) {
        if (i % 3) {
            kl_stack_release(stacks[i]);
        }
    }
    CHECK(kl_slab_wants_trim());
    kl_slab_trim(false);
    for (int i = 0; i < COUNT; i++) {
        CHECK(i % 3 == 0 || resident_pages(lows[i]) >= 8);
    }
    for (int i = 0; i < 100 && kl_slab_wants_trim(); i++) {
        kl_slab_trim(false);
    }
    int kept = 0;
    for (int i = 0; i < COUNT; i++) {
        if (i % 3) {
            kept += resident_pages(lows[i]) > 0;
        } else {
            CHECK(resident_pages(lows[i]) >= 8);
            CHECK(stacks[i]->low[1000] == 1);
        }
    }
    CHECK_INT(kept, KEPT);
    // What was given back is as good as new.
    for (int i = 0; i < COUNT; i++) {
        if (i % 3) {
            stacks[i] = kl_stack_acquire(0);
            CHECK(stacks[i]->high - stacks[i]->low >= 64 << 10);
            stacks[i]->low[0] = 1;
        }
    }
    for (int i = 0; i < COUNT; i++) {
        kl_stack_release(stacks[i]);
    }
    kl_slab_trim(true);
}

TEST("slabs that nobody uses are unmapped after a while, all but a reserve")
{
    enum { COUNT = 1500 };
    static struct kl_stack *stacks[COUNT];
    struct kl_sched_stats stats;
    for (int i = 0; i < COUNT; i++) {
        stacks[i] = kl_stack_acquire(0);
    }
    kl_sched_stats(&stats);
    size_t mapped = stats.stack_bytes_mapped;
    for (int i = 0; i < COUNT; i++) {
        kl_stack_release(stacks[i]);
    }
    kl_slab_trim(false);
    kl_sched_stats(&stats);
    CHECK_INT(stats.stack_bytes_mapped, mapped);
    for (int i = 0; i < 100 && kl_slab_wants_trim(); i++) {
        kl_slab_trim(false);
    }
    kl_sched_stats(&stats);
    CHECK(stats.stack_bytes_mapped > 0);
    CHECK(stats.stack_bytes_mapped <= mapped / 3);
    kl_slab_trim(true);
}
