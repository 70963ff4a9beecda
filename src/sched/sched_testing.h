#ifndef KL_SCHED_SCHED_TESTING_H
#define KL_SCHED_SCHED_TESTING_H

// What the tests of this room have in common.

#include "sched.h"

#include "testing/harness.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>

// --- waiting for each other without sleeping ---

struct signal_count {
    uint32_t count;
};

static inline void signal_add(struct signal_count *s)
{
    kl_add_acq_rel(&s->count, 1);
    kl_futex_wake(&s->count, INT32_MAX);
}

static inline uint32_t signal_get(const struct signal_count *s)
{
    return kl_load_acquire(&s->count);
}

static inline void signal_wait(struct signal_count *s, uint32_t count)
{
    for (uint32_t seen; (seen = signal_get(s)) < count;) {
        kl_futex_wait(&s->count, seen, -1);
    }
}

// --- tasks that call a function ---

struct call {
    struct kl_task task;
    void (*function)(void *argument);
    void *argument;
    struct signal_count done;
};

static inline void call_run(struct kl_task *task)
{
    struct call *call = (struct call *)task;
    call->function(call->argument);
    signal_add(&call->done);
}

static inline void call_wake(struct call *call, void (*function)(void *), void *argument)
{
    call->task.run = call_run;
    call->task.priority = KL_PRIORITY_NORMAL;
    call->function = function;
    call->argument = argument;
    kl_sched_wake(&call->task);
}

// Runs `function` in a task and waits for its end; for threads outside.
static inline void call_and_wait(void (*function)(void *), void *argument)
{
    struct call call = {0};
    call_wake(&call, function, argument);
    signal_wait(&call.done, 1);
}

// --- tasks that run a fiber ---

struct fiber_task {
    struct kl_task task;
    struct kl_stack *stack;
    void (*body)(void *argument);
    void *argument;
    size_t stack_bytes;
    bool again; // set by the body that yields: it wants to run again
    enum kl_fiber_end end;
    struct kl_fault fault;
    struct signal_count done;
};

static inline void fiber_task_run(struct kl_task *task)
{
    struct fiber_task *fiber = (struct fiber_task *)task;
    if (!fiber->stack) {
        fiber->stack = kl_stack_acquire(fiber->stack_bytes);
        CHECK(fiber->stack);
        kl_fiber_prepare(fiber->stack, fiber->body, fiber->argument);
    }
    enum kl_fiber_end end = kl_fiber_resume(fiber->stack);
    if (end == KL_FIBER_YIELDED) {
        // One that somebody else wakes may be running elsewhere already. Waking is the
        // last thing, as only a task that does not run may be woken.
        if (kl_load_relaxed(&fiber->again)) {
            kl_store_relaxed(&fiber->again, false);
            kl_sched_wake(&fiber->task);
        }
    } else {
        fiber->end = end;
        if (end == KL_FIBER_FAULTED) {
            fiber->fault = *kl_fiber_fault();
        }
        kl_stack_release(fiber->stack);
        fiber->stack = NULL;
        signal_add(&fiber->done);
    }
}

static inline void fiber_task_wake(struct fiber_task *fiber)
{
    fiber->task.run = fiber_task_run;
    fiber->task.priority = KL_PRIORITY_NORMAL;
    kl_sched_wake(&fiber->task);
}

// Runs `body` in a fiber and returns how it ended; for threads outside.
static inline struct fiber_task run_in_fiber(void (*body)(void *), void *argument)
{
    struct fiber_task fiber = {.body = body, .argument = argument};
    fiber_task_wake(&fiber);
    signal_wait(&fiber.done, 1);
    return fiber;
}

// --- two tasks that wake each other in turn ---

struct ping_pair {
    struct kl_task task;
    struct ping_pair *other;
    long left;
    struct signal_count *done;
    int64_t last;
};

static inline void ping(struct kl_task *task)
{
    struct ping_pair *pair = (struct ping_pair *)task;
    int64_t now = kl_now();
    CHECK(now >= pair->last);
    pair->last = now;
    pair->other->last = now > pair->other->last ? now : pair->other->last;
    if (pair->left-- == 0) {
        signal_add(pair->done);
    } else {
        kl_sched_wake(&pair->other->task);
    }
}

static inline void make_pair(struct ping_pair *pair, long rounds, struct signal_count *done)
{
    for (int i = 0; i < 2; i++) {
        pair[i] = (struct ping_pair){
                .task = {.run = ping, .priority = KL_PRIORITY_NORMAL},
                .other = &pair[1 - i],
                .left = rounds,
                .done = done,
        };
    }
}

// --- a stuck one ---

// A task that stays in its turn until it is let go.
struct stuck {
    struct call call;
    struct signal_count entered, let_go;
};

static inline void stay(void *argument)
{
    struct stuck *stuck = argument;
    signal_add(&stuck->entered);
    signal_wait(&stuck->let_go, 1);
}

static inline void get_stuck(struct stuck *stuck)
{
    call_wake(&stuck->call, stay, stuck);
    signal_wait(&stuck->entered, 1);
}

static inline void let_go(struct stuck *stuck)
{
    signal_add(&stuck->let_go);
    signal_wait(&stuck->call.done, 1);
}

// --- starting ---

static inline void start_workers(unsigned workers)
{
    struct kl_sched_config config = {.workers = workers};
    CHECK_OK(kl_sched_start(&config));
}

// Stuck turns are seen after a millisecond.
static inline void start_impatient(unsigned workers, unsigned spares)
{
    struct kl_sched_config config = {
            .workers = workers, .stall_ns = 1000000, .spare_threads = spares};
    CHECK_OK(kl_sched_start(&config));
}

static inline void start_simulated(uint64_t seed)
{
    struct kl_sched_config config = {.simulated = true, .seed = seed};
    CHECK_OK(kl_sched_start(&config));
}

static inline void start_catching(unsigned workers)
{
    struct kl_sched_config config = {.workers = workers, .catch_faults = true};
    CHECK_OK(kl_sched_start(&config));
}

static inline pthread_t start_thread(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, body, argument), 0);
    return thread;
}

// --- faults ---

// The faults are meant: the sanitizers are to leave them to the processor.
#define FAULTY __attribute__((noinline, no_sanitize("undefined"), no_sanitize("thread")))

#endif // KL_SCHED_SCHED_TESTING_H
