#include "stack.h"

enum {
    BATCH = KL_STACK_CACHE / 2, // stacks exchanged with the slabs at once
    CENSUS_TOKENS = 64, // measurements a runner may make at once,
    CENSUS_NS = 10000000, // and the time after which it may make one more
};

static size_t default_bytes = 64 << 10; // written at the start of the runtime
static unsigned default_class = 4;

static struct kl_stack *take_from_slabs(struct kl_runner *runner);
static struct kl_stack *acquire_other(size_t bytes);
static bool census_is_due(struct kl_runner *runner);
static bool measure_next(void);

struct kl_stack *kl_stack_acquire(size_t bytes)
{
    struct kl_runner *runner = kl_runner_self();
    if (!runner || bytes > default_bytes) {
        return acquire_other(bytes ? bytes : default_bytes);
    }
    struct kl_stack *stack;
    if (__builtin_expect(runner->stack_count > 0, 1)) {
        uint32_t last = runner->stack_count - 1;
        stack = runner->stacks[last];
        kl_store_relaxed(&runner->stack_count, last);
    } else {
        stack = take_from_slabs(runner);
        if (!stack) {
            return NULL;
        }
    }
    if (__builtin_expect(runner->now >= runner->census_at, 0) && measure_next() &&
            census_is_due(runner)) {
        kl_census_begin(stack);
    }
    return stack;
}

void kl_stack_release(struct kl_stack *stack)
{
    if (__builtin_expect(stack->measured, 0)) {
        kl_census_end(stack);
    }
    stack->owner = NULL;
    struct kl_runner *runner = kl_runner_self();
    if (!runner || kl_slab_class_of(stack) != default_class) {
        kl_slab_give(&stack, 1);
        return;
    }
    if (runner->stack_count == KL_STACK_CACHE) {
        // The ones at the bottom have lain there longest.
        kl_slab_give(runner->stacks, BATCH);
        kl_store_relaxed(&runner->stack_count, KL_STACK_CACHE - BATCH);
        for (uint32_t i = 0; i < runner->stack_count; i++) {
            runner->stacks[i] = runner->stacks[i + BATCH];
        }
    }
    runner->stacks[runner->stack_count] = stack;
    kl_store_relaxed(&runner->stack_count, runner->stack_count + 1);
}

bool kl_stack_keep(struct kl_stack *stack)
{
    struct kl_runner *runner = kl_runner_self();
    if (!runner || runner->kept || stack->measured ||
            kl_slab_class_of(stack) != default_class) {
        return false;
    }
    stack->owner = NULL;
    runner->kept = stack;
    return true;
}

struct kl_stack *kl_stack_take_kept(void)
{
    struct kl_runner *runner = kl_runner_self();
    if (!runner || (runner->now >= runner->census_at && measure_next())) {
        return NULL;
    }
    struct kl_stack *stack = runner->kept;
    runner->kept = NULL;
    return stack;
}

bool kl_stack_is_guard(const struct kl_stack *stack, uintptr_t address)
{
    uintptr_t low = (uintptr_t)stack->low;
    return address < low && address >= low - kl_slab_guard_bytes();
}

void kl_stack_flush(struct kl_runner *runner)
{
    if (runner->kept) {
        kl_fiber_abandon(runner->kept);
        kl_slab_give(&runner->kept, 1);
        runner->kept = NULL;
    }
    kl_slab_give(runner->stacks, runner->stack_count);
    kl_store_relaxed(&runner->stack_count, 0);
}

void kl_stack_set_default(size_t bytes)
{
    default_bytes = bytes;
    default_class = kl_slab_class(bytes);
}

static struct kl_stack *take_from_slabs(struct kl_runner *runner)
{
    size_t count = kl_slab_take(default_class, BATCH, runner->stacks);
    if (count == 0) {
        return NULL;
    }
    kl_store_relaxed(&runner->stack_count, (uint32_t)count - 1);
    return runner->stacks[count - 1];
}

static struct kl_stack *acquire_other(size_t bytes)
{
    struct kl_stack *stack = NULL;
    unsigned class = kl_slab_class(bytes);
    if (class < KL_STACK_CLASSES) {
        kl_slab_take(class, 1, &stack);
    }
    return stack;
}

// In virtual time it would always be time to measure, and no turn ever follow another on
// one stack: the seed has it both ways.
static bool measure_next(void)
{
    return !kl_sim_running() || kl_sim_choose(4) == 0;
}

// A measurement costs two system calls and the faults of pages that were there, so each
// runner makes a hundred a second at most, after a first few at once.
static bool census_is_due(struct kl_runner *runner)
{
    int64_t earned = (runner->now - runner->census_filled) / CENSUS_NS;
    if (earned > 0) {
        int64_t tokens = runner->census_tokens + earned;
        runner->census_tokens = tokens < CENSUS_TOKENS ? (uint32_t)tokens : CENSUS_TOKENS;
        runner->census_filled = runner->now;
    }
    if (runner->census_tokens == 0) {
        runner->census_at = runner->now + CENSUS_NS;
        return false;
    }
    runner->census_tokens--;
    return true;
}
