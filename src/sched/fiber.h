#ifndef KL_SCHED_FIBER_H
#define KL_SCHED_FIBER_H

#include "arch/arch.h"
#include "runner.h"

// Tells the sanitizers of every switch of stacks, and Valgrind of every stack
// (annotate.c).

#define KL_ANNOTATED KL_ASAN // otherwise only the first two do something

void kl_annotate_new(struct kl_stack *stack); // a stack's memory is there
void kl_annotate_delete(struct kl_stack *stack); // it will be unmapped
void kl_annotate_prepare(struct kl_stack *stack); // a fiber begins on it
void kl_annotate_done(struct kl_stack *stack); // the fiber's frames are dead
void kl_annotate_enter(struct kl_runner *runner, struct kl_stack *stack); // host to fiber
void kl_annotate_entered(struct kl_runner *runner, struct kl_stack *stack); // on it now
void kl_annotate_exit(struct kl_runner *runner, struct kl_stack *stack, bool for_good);
void kl_annotate_cross(struct kl_runner *runner, struct kl_stack *from,
        struct kl_stack *to); // fiber to fiber; kl_annotate_entered follows
void kl_annotate_exited(struct kl_runner *runner); // on the host's stack again
// The host's stack again, but the fiber was left by a fault without saying so.
void kl_annotate_landed(struct kl_runner *runner);
// True under Valgrind, or with a sanitizer in the build: who needs mappings itself.
bool kl_annotate_watched(void);

// Resumes a fiber from the runner's own stack, in the midst of the caller.
static inline enum kl_fiber_end kl_fiber_enter(
        struct kl_runner *runner, struct kl_stack *stack)
{
    runner->fiber = stack;
    if (!KL_ANNOTATED) {
        return (enum kl_fiber_end)kl_arch_switch_inline(&runner->host_sp, stack->sp, 0);
    }
    kl_annotate_enter(runner, stack);
    enum kl_fiber_end end = (enum kl_fiber_end)kl_arch_switch_inline(
            &runner->host_sp, stack->sp, 0);
    if (end == KL_FIBER_FAULTED) {
        kl_annotate_landed(runner);
    } else {
        kl_annotate_exited(runner);
    }
    if (end == KL_FIBER_DONE || end == KL_FIBER_FAULTED) {
        kl_annotate_done(stack);
    }
    return end;
}

// `memory` was copied from a stack that may hold anything there.
void kl_annotate_known(void *memory, size_t bytes);

#endif // KL_SCHED_FIBER_H
