#include "sched_testing.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// --- ways to fault ---

static char *volatile nowhere; // NULL
static volatile int zero;

static FAULTY void write_null(void *argument)
{
    (void)argument;
    *nowhere = 1;
}

static FAULTY void write_wild(void *argument)
{
    (void)argument;
    *(char *volatile)((uintptr_t)&zero ^ UINT64_C(0x5a00000000)) = 1;
}

static FAULTY void divide_by_zero(void *argument)
{
#if defined(__x86_64__)
    *(int *)argument = (1000 + zero) / zero;
#else
    (void)argument;
    raise(SIGFPE); // this processor's division does not trap
#endif
}

static FAULTY void run_illegal(void *argument)
{
    (void)argument;
#if defined(__x86_64__)
    __asm__ volatile("ud2");
#elif defined(__aarch64__)
    __asm__ volatile("udf #0");
#else
    raise(SIGILL);
#endif
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

static void (*volatile no_function)(void);

static FAULTY void call_null(void *argument)
{
    no_function();
    *(int *)argument = 1; // so that the call is not the last thing
}

static int recurse(volatile char *above);
static int (*volatile do_recurse)(volatile char *) = recurse;

static int recurse(volatile char *above)
{
    volatile char here[256];
    here[0] = *above;
    return do_recurse(here) + here[0] + 1;
}

static void overflow(void *argument)
{
    *(int *)argument = do_recurse((char *)argument);
}

static FAULTY void read_past_file(void *argument)
{
    FILE *file = tmpfile();
    volatile char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);
    *(int *)argument = map[10];
}

// --- tests ---

static void expect_fault(void (*body)(void *), int signal)
{
    int result = 0;
    struct fiber_task fiber = run_in_fiber(body, &result);
    CHECK_INT(fiber.end, KL_FIBER_FAULTED);
    CHECK_INT(fiber.fault.signal, signal);
    CHECK(!fiber.fault.stack_overflow);
    CHECK_INT(result, 0);
}

TEST("a fault ends the fiber with its signal, and the worker goes on")
{
    start_catching(1);
    for (int i = 0; i < 20; i++) {
        expect_fault(write_null, SIGSEGV);
        expect_fault(write_wild, SIGSEGV);
        expect_fault(divide_by_zero, SIGFPE);
        expect_fault(run_illegal, SIGILL);
        expect_fault(call_abort, SIGABRT);
        expect_fault(read_past_file, SIGBUS);
        expect_fault(call_null, SIGSEGV);
    }
    kl_sched_stop();
    struct kl_sched_stats stats;
    kl_sched_stats(&stats);
    CHECK_INT(stats.stacks, 0);
}

TEST("a failed assertion is a fault")
{
    start_catching(1);
    expect_fault(fail_assertion, SIGABRT);
    kl_sched_stop();
}

TEST("a stack overflow is told from other faults")
{
    start_catching(1);
    for (int i = 0; i < 20; i++) {
        char result[256] = {0};
        struct fiber_task fiber = run_in_fiber(overflow, result);
        CHECK_INT(fiber.end, KL_FIBER_FAULTED);
        CHECK_INT(fiber.fault.signal, SIGSEGV);
        CHECK(fiber.fault.stack_overflow);
        CHECK_INT(fiber.fault.frames, 32);
    }
    kl_sched_stop();
}

static FAULTY void fault_later(void *argument)
{
    struct fiber_task *fiber = argument;
    for (int i = 0; i < 3; i++) {
        fiber->again = true;
        kl_fiber_yield();
    }
    *nowhere = 1;
}

static void start_faulting(void *argument)
{
    struct fiber_task *fibers = argument;
    for (int i = 0; i < 100; i++) {
        fiber_task_wake(&fibers[i]);
    }
}

TEST("fibers fault on all workers, after they have moved about")
{
    static struct fiber_task fibers[100];
    start_catching(2);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 100; i++) {
            fibers[i] = (struct fiber_task){.body = fault_later, .argument = &fibers[i]};
        }
        call_and_wait(start_faulting, fibers);
        for (int i = 0; i < 100; i++) {
            signal_wait(&fibers[i].done, 1);
            CHECK_INT(fibers[i].end, KL_FIBER_FAULTED);
            CHECK_INT(fibers[i].fault.signal, SIGSEGV);
        }
    }
    kl_sched_stop();
}

#if defined(__x86_64__)
static void fault_in_odd_state(void *argument)
{
    (void)argument;
    // The direction flag set, the x87 stack full, rounding changed.
    __asm__ volatile("std; fld1; fld1; fld1; fld1; fld1; fld1; fld1; fld1; movl $0, 0" ::
                             : "memory");
}

static void check_state(void *argument)
{
    (void)argument;
    struct kl_stack *stack = kl_stack_acquire(0);
    kl_fiber_prepare(stack, fault_in_odd_state, NULL);
    CHECK_INT(kl_fiber_resume(stack), KL_FIBER_FAULTED);
    char from[100], to[100];
    memset(from, 5, sizeof from);
    memcpy(to, from, sizeof to);
    CHECK(memcmp(from, to, sizeof to) == 0);
    volatile long double one = 1.0L;
    CHECK(one + one == 2.0L);
    unsigned long flags;
    __asm__ volatile("pushfq; popq %0" : "=r"(flags));
    CHECK(!(flags & 0x400));
    kl_stack_release(stack);
}

TEST("a fault leaves nothing of the fiber's processor state behind")
{
    start_catching(1);
    call_and_wait(check_state, NULL);
    kl_sched_stop();
}
#endif

static void compare_masks(void *argument)
{
    (void)argument;
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    for (int i = 0; i < 2; i++) {
        struct kl_stack *stack = kl_stack_acquire(0);
        kl_fiber_prepare(stack, i ? write_null : call_abort, NULL);
        CHECK_INT(kl_fiber_resume(stack), KL_FIBER_FAULTED);
        kl_stack_release(stack);
        pthread_sigmask(SIG_SETMASK, NULL, &after);
        for (int number = 1; number < 32; number++) {
            CHECK_INT(sigismember(&after, number), sigismember(&before, number));
        }
    }
}

TEST("the signal mask after a fault is the one before it")
{
    start_catching(1);
    call_and_wait(compare_masks, NULL);
    kl_sched_stop();
}

// --- faults that are not for us ---

// Runs `body` in a child process. Returns how it ended, and what it wrote to stderr.
static int run_child(void (*body)(void), char *ret_text, size_t bytes)
{
    int ends[2];
    CHECK_INT(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        body();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(ends[0], ret_text + length, bytes - 1 - length)) > 0) {
        length += (size_t)got;
    }
    ret_text[length] = 0;
    close(ends[0]);
    int status;
    CHECK_INT(waitpid(child, &status, 0), child);
    return status;
}

static bool died_of(int status, int signal)
{
    // A sanitizer's handler, where there is one, prints its report and exits instead.
    bool reported = WIFEXITED(status) && WEXITSTATUS(status) != 0;
    return (WIFSIGNALED(status) && WTERMSIG(status) == signal) ||
           ((KL_ASAN || KL_TSAN) && reported);
}

static void fault_in_critical(void *argument)
{
    kl_fault_critical_enter();
    kl_fault_critical_enter();
    kl_fault_critical_leave();
    write_null(argument);
}

static void fault_critically(void)
{
    start_catching(1);
    run_in_fiber(fault_in_critical, NULL);
}

TEST("a fault in a critical section stops the node, and says so")
{
    char text[8192];
    int status = run_child(fault_critically, text, sizeof text);
    CHECK(died_of(status, SIGSEGV));
    CHECK(strstr(text, "SIGSEGV in a critical section of the runtime"));
    CHECK(strstr(text, "the node stops"));
}

static void enter_and_leave(void *argument)
{
    kl_fault_critical_enter();
    kl_fault_critical_leave();
    write_null(argument);
}

TEST("after a critical section faults are caught again")
{
    start_catching(1);
    expect_fault(enter_and_leave, SIGSEGV);
    kl_sched_stop();
}

static void fault_on_own_stack(void)
{
    start_catching(1);
    call_and_wait(write_null, NULL);
}

TEST("a fault on a worker's own stack stops the node, and says so")
{
    char text[8192];
    int status = run_child(fault_on_own_stack, text, sizeof text);
    CHECK(died_of(status, SIGSEGV));
    CHECK(strstr(text, "SIGSEGV inside the runtime"));
}

static void abort_outside(void)
{
    start_catching(1);
    abort();
}

static void fault_outside(void)
{
    start_catching(1);
    write_null(NULL);
}

TEST("a fault of a thread outside takes its usual course")
{
    char text[8192];
    CHECK(died_of(run_child(fault_outside, text, sizeof text), SIGSEGV));
    CHECK(!strstr(text, "keel"));
    CHECK(died_of(run_child(abort_outside, text, sizeof text), SIGABRT));
    CHECK(!strstr(text, "keel"));
}

static void answer(int signal, siginfo_t *info, void *context)
{
    (void)context;
    static const char text[] = "the host's handler\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    _exit(signal == SIGSEGV && info->si_addr == NULL ? 7 : 1);
}

static void fault_with_handler(void)
{
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    start_catching(1);
    if (run_in_fiber(write_null, NULL).end == KL_FIBER_FAULTED) {
        write_null(NULL);
    }
}

TEST("the host's own handler gets the faults that are not a fiber's")
{
    if (kl_test_is_emulated()) {
        kl_test_skip("there may be no room for the signal on the stack of who faults");
    }
    char text[8192];
    int status = run_child(fault_with_handler, text, sizeof text);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 7);
    CHECK_STR(text, "the host's handler\n");
}

static void kill_itself(void *argument)
{
    (void)argument;
    pid_t child = fork();
    if (child == 0) {
        kill(getppid(), SIGABRT);
        _exit(0);
    }
    for (;;) {
        pause();
    }
}

static void be_killed(void)
{
    start_catching(1);
    run_in_fiber(kill_itself, NULL);
}

TEST("a signal from another process is not a fiber's fault")
{
    if (kl_test_is_emulated()) {
        kl_test_skip("there may be no room for the signal on the stack of who waits");
    }
    char text[8192];
    int status = run_child(be_killed, text, sizeof text);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

TEST("handlers and signal stacks are put back when the runtime stops")
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    struct sigaction before[5], after;
    for (int i = 0; i < 5; i++) {
        sigaction(signals[i], NULL, &before[i]);
    }
    for (int round = 0; round < 3; round++) {
        start_catching(2);
        sigaction(SIGSEGV, NULL, &after);
        CHECK(after.sa_sigaction != before[0].sa_sigaction);
        kl_sched_stop();
    }
    for (int i = 0; i < 5; i++) {
        sigaction(signals[i], NULL, &after);
        CHECK(after.sa_sigaction == before[i].sa_sigaction);
    }
}

TEST("faults are not caught unless the host wants it")
{
    struct sigaction before, after;
    sigaction(SIGSEGV, NULL, &before);
    start_workers(1);
    sigaction(SIGSEGV, NULL, &after);
    CHECK(after.sa_sigaction == before.sa_sigaction);
    kl_sched_stop();
}
