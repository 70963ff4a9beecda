#ifndef KL_SCHED_STACK_H
#define KL_SCHED_STACK_H

#include "runner.h"

// --- slabs: where stacks come from (slab.c) ---

enum { KL_STACK_CLASSES = 20 }; // class c has 4 KiB << c usable bytes

// The class that serves `bytes`; KL_STACK_CLASSES when nothing does.
unsigned kl_slab_class(size_t bytes);
// Takes up to `count` stacks; returns how many there were.
size_t kl_slab_take(unsigned class, size_t count, struct kl_stack **ret_stacks);
void kl_slab_give(struct kl_stack **stacks, size_t count);
// The class of a stack.
unsigned kl_slab_class_of(const struct kl_stack *stack);
// Gives memory back that has lain idle since the last call but one; a bounded amount.
// `all`: whatever is idle now.
void kl_slab_trim(bool all);
// True when a trim would find something.
bool kl_slab_wants_trim(void);
void kl_slab_stats(struct kl_sched_stats *ret);
// Bytes of the guard below each stack.
size_t kl_slab_guard_bytes(void);

// True when `address` lies in the guard below `stack`. Async-signal-safe.
bool kl_stack_is_guard(const struct kl_stack *stack, uintptr_t address);

// Gives a runner's idle stacks back to the slabs.
void kl_stack_flush(struct kl_runner *runner);
// The default size from now on.
void kl_stack_set_default(size_t bytes);

// --- the census (census.c) ---

// Prepares a stack whose depth is to be measured; records it when it is released.
void kl_census_begin(struct kl_stack *stack);
void kl_census_end(struct kl_stack *stack);
void kl_census_reset(void);

#endif // KL_SCHED_STACK_H
