#include "frames.h"

#include "sched_testing.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

// --- ways to fault ---

static char *volatile nowhere; // NULL
static void (*volatile no_function)(void);

static FAULTY void write_null(void *argument)
{
    (void)argument;
    *nowhere = 1;
}

static FAULTY void call_null(void *argument)
{
    no_function();
    *(int *)argument = 1; // so that the call is not the last thing
}

static __attribute__((noinline)) void call_abort(void *argument)
{
    (void)argument;
    abort();
}

static __attribute__((noinline)) void fail_assertion(void *argument)
{
    CHECK(freopen("/dev/null", "w", stderr)); // quietly
    assert(argument == NULL && "a failed assertion");
}

// --- tests ---

static bool has_frame_in(const struct kl_fault *fault, void (*function)(void *))
{
    uintptr_t start = (uintptr_t)function;
    for (size_t i = 0; i < fault->frames; i++) {
        if (fault->pcs[i] >= start && fault->pcs[i] < start + 300) {
            return true;
        }
    }
    return false;
}

static __attribute__((noinline)) void fault_in_leaf(void *argument)
{
    write_null(argument);
    *(int *)argument = 1;
}

static __attribute__((noinline)) void abort_below(void *argument)
{
    call_abort(argument);
    *(int *)argument = 1;
}

static __attribute__((noinline)) void fail_below(void *argument)
{
    fail_assertion(argument);
    *(int *)argument = 1;
}

static struct kl_fault fault_of(void (*body)(void *))
{
    int result = 0;
    struct fiber_task fiber = run_in_fiber(body, &result);
    CHECK_INT(fiber.end, KL_FIBER_FAULTED);
    return fiber.fault;
}

static void start_or_skip(void)
{
#if !defined(__x86_64__) && !defined(__aarch64__)
    kl_test_skip("frames are not known for this processor");
#endif
    start_catching(1);
}

TEST("a fault tells where it was, innermost first")
{
    start_or_skip();
    struct kl_fault fault = fault_of(write_null);
    CHECK_INT(fault.address, 0);
    CHECK(fault.frames >= 2);
    CHECK(has_frame_in(&fault, write_null));
    kl_sched_stop();
}

TEST("a jump to nowhere tells who made it")
{
    start_or_skip();
    struct kl_fault fault = fault_of(call_null);
    CHECK_INT(fault.pcs[0], 0);
    CHECK(fault.frames >= 2);
    CHECK(has_frame_in(&fault, call_null));
    kl_sched_stop();
}

TEST("a function without a frame of its own does not hide its caller")
{
    start_or_skip();
    struct kl_fault fault = fault_of(fault_in_leaf);
    CHECK(has_frame_in(&fault, fault_in_leaf));
    kl_sched_stop();
}

TEST("whoever aborts is found, though the C library may keep no frames")
{
    start_or_skip();
    struct kl_fault fault = fault_of(abort_below);
    CHECK(has_frame_in(&fault, abort_below));
    fault = fault_of(fail_below);
    CHECK(has_frame_in(&fault, fail_below));
    kl_sched_stop();
}
