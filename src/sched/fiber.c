#include "fiber.h"

// Fibers: what runs on a stack of its own, switched to by a task on its runner's thread and
// back. The runner's own stack never changes threads; a fiber does, so after every switch
// on its side the runner is asked for anew.

// What a fiber begins with; lies at the upper end of its stack.
struct fiber_start {
    void (*entry)(void *argument);
    void *argument;
    struct kl_stack *(*work)(void *argument); // when that has returned, see kl_fiber_work()
};

static void begin(void);

static struct fiber_start *start_of(const struct kl_stack *stack)
{
    return (struct fiber_start *)(void *)stack->high - 1;
}

void kl_fiber_prepare(struct kl_stack *stack, void (*entry)(void *argument), void *argument)
{
    struct fiber_start *start = start_of(stack);
    *start = (struct fiber_start){.entry = entry, .argument = argument};
    stack->sp = kl_arch_prepare(stack->low, (uint8_t *)start, begin);
    if (KL_ANNOTATED) {
        kl_annotate_prepare(stack);
    }
}

enum kl_fiber_end kl_fiber_resume(struct kl_stack *stack)
{
    struct kl_runner *runner = kl_runner_self();
    KL_ASSERT(runner && !runner->fiber);
    runner->nested++;
    enum kl_fiber_end end = kl_fiber_enter(runner, stack);
    runner->nested--;
    return end;
}

void kl_fiber_next(
        struct kl_stack *stack, void (*after)(struct kl_task *task, enum kl_fiber_end end))
{
    struct kl_runner *runner = kl_runner_self();
    KL_ASSERT(runner && runner->running && !runner->next);
    runner->next = stack;
    runner->after = after;
}

static inline __attribute__((always_inline)) void leave(enum kl_fiber_end how)
{
    struct kl_runner *runner = kl_runner_self();
    KL_ASSERT(runner && runner->fiber);
    KL_CHECK(runner->critical == 0);
    struct kl_stack *stack = runner->fiber;
    if (!KL_ANNOTATED) {
        runner->fiber = NULL;
        kl_arch_switch_inline(&stack->sp, runner->host_sp, how);
        return;
    }
    kl_annotate_exit(runner, stack, false);
    runner->fiber = NULL;
    kl_arch_switch_inline(&stack->sp, runner->host_sp, how);
    kl_annotate_entered(kl_runner_self(), stack);
}

static inline __attribute__((always_inline)) void cross(struct kl_stack *to)
{
    struct kl_runner *runner = kl_runner_self();
    KL_ASSERT(runner && runner->fiber && runner->fiber != to);
    KL_CHECK(runner->critical == 0);
    struct kl_stack *from = runner->fiber;
    runner->fiber = to;
    if (KL_ANNOTATED) {
        kl_annotate_cross(runner, from, to);
    }
    kl_arch_switch_inline(&from->sp, to->sp, KL_FIBER_YIELDED);
    if (KL_ANNOTATED) {
        kl_annotate_entered(kl_runner_self(), from);
    }
}

void kl_fiber_cross(struct kl_stack *to)
{
    cross(to);
}

void kl_fiber_work(struct kl_stack *(*work)(void *argument), void *argument)
{
    struct fiber_start *start = start_of(kl_runner_self()->fiber);
    start->work = work;
    start->argument = argument;
}

void kl_fiber_yield(void)
{
    leave(KL_FIBER_YIELDED);
}

void kl_fiber_rest(void)
{
    kl_runner_self()->rested = kl_runner_self()->fiber;
    leave(KL_FIBER_RESTED);
}

struct kl_stack *kl_fiber_rested(void)
{
    return kl_runner_self()->rested;
}

// Inside its caller, as the switches above are: the calls and returns of a fiber that lives
// and ends without leaving a call in the midst are as many on either side, and so the
// processor goes on predicting the returns of who is resumed next.
static inline __attribute__((always_inline, noreturn)) void leave_for_good(
        struct kl_runner *runner)
{
    KL_CHECK(runner->critical == 0);
    struct kl_stack *stack = runner->fiber;
    if (KL_ANNOTATED) {
        kl_annotate_exit(runner, stack, true);
    }
    runner->fiber = NULL;
    kl_arch_switch_inline(&stack->sp, runner->host_sp, KL_FIBER_DONE);
    kl_panic("a finished fiber was resumed");
}

_Noreturn void kl_fiber_finish(void)
{
    struct kl_runner *runner = kl_runner_self();
    KL_ASSERT(runner && runner->fiber);
    leave_for_good(runner);
}

struct kl_stack *kl_fiber_current(void)
{
    struct kl_runner *runner = kl_runner_self();
    return runner ? runner->fiber : NULL;
}

void kl_fiber_abandon(struct kl_stack *stack)
{
    if (KL_ANNOTATED) {
        kl_annotate_done(stack);
    }
}

const struct kl_fault *kl_fiber_fault(void)
{
    struct kl_runner *runner = kl_runner_self();
    KL_ASSERT(runner);
    return &runner->fault;
}

void kl_fault_critical_enter(void)
{
    struct kl_runner *runner = kl_runner_self();
    if (runner) {
        runner->critical++;
    }
}

void kl_fault_critical_leave(void)
{
    struct kl_runner *runner = kl_runner_self();
    if (runner) {
        runner->critical--;
    }
}

// Both switches stand here, where no return follows that would have to be predicted by a
// call on the stack that was left.
static inline __attribute__((always_inline, noreturn)) void work_for_ever(
        struct kl_stack *(*work)(void *argument), void *argument)
{
    for (;;) {
        struct kl_stack *to = work(argument);
        if (to) {
            cross(to);
        } else {
            kl_runner_self()->rested = kl_runner_self()->fiber;
            leave(KL_FIBER_RESTED);
        }
    }
}

// The first function on every fiber's stack.
static void begin(void)
{
    struct kl_runner *runner = kl_runner_self();
    struct kl_stack *stack = runner->fiber;
    if (KL_ANNOTATED) {
        kl_annotate_entered(runner, stack);
    }
    const struct fiber_start *start = start_of(stack);
    start->entry(start->argument);
    if (start->work) {
        work_for_ever(start->work, start->argument);
    }
    leave_for_good(kl_runner_self());
}
