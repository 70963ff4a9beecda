#ifndef KL_SCHED_SLAB_H
#define KL_SCHED_SLAB_H

#include "base/base.h"

#include <stdint.h>

// One mapping of many stacks of a class, from its base upwards: guard, stack, guard,
// stack, … A stack that is not in use is a bit here; its record, at its upper end, holds
// nothing that could not be written anew, so all its memory can be given back.

enum { KL_SLAB_STACKS = 256, KL_SLAB_WORDS = KL_SLAB_STACKS / 64 };

struct kl_slab {
    struct kl_link link; // in its class's ring of those with free stacks
    uint8_t *base;
    size_t stride; // guard and stack
    uint32_t count; // stacks in it
    uint32_t free; // of them, not in use
    uint32_t id; // class << 24 | number in the table of slabs
    uint32_t idle_trims; // trims in a row that found all of it free
    uint32_t trim; // the last trim that looked at it
    uint64_t free_bits[KL_SLAB_WORDS];
    uint64_t carved_bits[KL_SLAB_WORDS]; // has its guard
    uint64_t warm_bits[KL_SLAB_WORDS]; // has its record, and pages of memory
    uint64_t aged_bits[KL_SLAB_WORDS]; // was free and warm at the last trim
    uint64_t cold_bits[KL_SLAB_WORDS]; // has been so ever since the trim before
};

// Makes `bytes` from `guard` on unreadable. False with a line in the log when the system
// refuses.
bool kl_guard_install(uint8_t *guard, size_t bytes);
// From now on guards are mappings of their own, as on kernels before 6.13.
void kl_guard_use_mappings(void);
// A mapping for a slab, NULL with a line in the log when there is none.
uint8_t *kl_guard_map(size_t bytes);
// How many bytes a guard has.
size_t kl_guard_bytes(void);

#endif // KL_SCHED_SLAB_H
