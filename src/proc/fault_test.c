// Faults in a process: it ends with a reason and a trace, its links and monitors hear of
// it, and everything else goes on.

#include "proc_testing.h"

#include "base/base.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// What the compiler and its sanitizers may not see coming.
#define FAULTY                                                                             \
    __attribute__((noinline, no_sanitize("address"), no_sanitize("undefined"),             \
            no_sanitize("thread")))

static FAULTY void touch(uintptr_t address)
{
    *(volatile char *)address = 1;
}

static FAULTY void touch_null(void)
{
    touch(0);
    __asm__ volatile(""); // or the call would be a jump, and this frame not in the trace
}

// An address that no Linux maps: with bits set above those of user space.
static FAULTY void touch_wild(void)
{
    touch(UINT64_C(0x00ff0000deadbee0));
    __asm__ volatile("");
}

static FAULTY int sink_into_itself(volatile char *above, int depth)
{
    volatile char frame[512];
    frame[0] = above ? above[0] : 0;
    int below = depth < 1 << 30 ? sink_into_itself(frame, depth + 1) : 0;
    return below + frame[0];
}

static FAULTY void overflow_stack(void)
{
    sink_into_itself(NULL, 0);
}

// Elsewhere raise() does it, which has no frame pointer.
#if defined(__x86_64__)
enum { DIVISION_FAULTS = true };
#else
enum { DIVISION_FAULTS = false };
#endif

static FAULTY void divide_by_zero(void)
{
    volatile int zero = 0, one = 1;
    one = one / zero;
    raise(SIGFPE); // processors on which the division is no fault
}

static FAULTY void run_illegal_instruction(void)
{
    // No instruction of x86-64 (ud2), nor of aarch64 (udf).
    static const uint8_t code[] = {0x0f, 0x0b, 0, 0};
    uint8_t *page = mmap(
            NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    memcpy(page, code, sizeof code);
    CHECK_OK(mprotect(page, 4096, PROT_READ | PROT_EXEC));
    __builtin___clear_cache((char *)page, (char *)page + sizeof code);
    void (*run)(void);
    memcpy(&run, &page, sizeof run);
    run();
    __asm__ volatile("");
}

static FAULTY void read_past_file(void)
{
    int file = memfd_create("empty", MFD_CLOEXEC);
    CHECK(file >= 0);
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    CHECK(page != MAP_FAILED);
    touch((uintptr_t)page);
    __asm__ volatile("");
}

static FAULTY void abort_process(void)
{
    abort();
}

static void fail_assertion(void)
{
    KEEL_ASSERT(2 + 2 == 5);
}

static const struct kind {
    void (*commit)(void);
    const char *name;
    const char *reason; // the beginning of its text
    bool signal;
    bool in_trace; // not of code without frame pointers, nor of an overflow
} kinds[] = {
        {touch_null, "touch_null", "{{sigsegv,0},", true, true},
        {touch_wild, "touch_wild", "{{sigsegv,", true, true},
        {overflow_stack, "overflow_stack", "{stack_overflow,", true, false},
        {divide_by_zero, "divide_by_zero", "{sigfpe,", true, DIVISION_FAULTS},
        {run_illegal_instruction, "run_illegal_instruction", "{sigill,", true, false},
        {read_past_file, "read_past_file", "{{sigbus,", true, true},
        {abort_process, "abort_process", "{abort,", true, false},
        {fail_assertion, "fail_assertion", "{{assertion,<<\"2 + 2 == 5\">>,", false, true},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

// --- who hears of it ---

static void check_reason(keel_term reason, const struct kind *kind)
{
    const char *text = keel_show(reason);
    if (strncmp(text, kind->reason, strlen(kind->reason)) != 0) {
        kl_test_fail(__FILE__, __LINE__, "%s ended with %s", kind->name, text);
    }
    keel_term stack = keel_element(reason, 1), frame;
    CHECK(keel_tuple_size(reason) == 2 && keel_is_list(stack));
    size_t depth = 0;
    while (keel_list_next(&stack, &frame)) {
        CHECK_TERM(frame, "{_, _}");
        depth++;
    }
    CHECK(depth > 0);
}

static void body(keel_term number)
{
    kinds[keel_to_int(number)].commit();
}

static void check_death(keel_pid pid, keel_ref monitor, const struct kind *kind)
{
    keel_scope scope = keel_scope_open();
    keel_term by_monitor, by_link;
    EXPECT_MESSAGE("{'DOWN', ^Ref, process, ^Pid, Reason}", monitor, pid, &by_monitor);
    EXPECT_MESSAGE("{'EXIT', ^Pid, Reason}", pid, &by_link);
    check_reason(by_monitor, kind);
    CHECK_EQUAL(by_link, by_monitor);
    CHECK(!keel_process_alive(pid));
    keel_scope_close(&scope);
}

static void fault_in_body(int number)
{
    keel_spawn_opts opts = {.link = true, .monitor = true};
    keel_pid pid;
    keel_ref monitor;
    CHECK_OK(keel_spawn_opt(body, keel_int(number), &opts, &pid, &monitor));
    check_death(pid, monitor, &kinds[number]);
}

static void each_in_body(void)
{
    keel_trap_exit(true);
    for (int i = 0; i < KINDS; i++) {
        fault_in_body(i);
    }
    EXPECT_NO_MESSAGE();
}

TEST("each fault in a body ends it with a reason and a trace")
{
    in_process_with(each_in_body, .catch_faults = true);
}

// --- handlers ---

struct faulty_state {
    int number; // of its kind, plus one
};

static keel_next start_or_fault(void *state, keel_term argument)
{
    int number;
    if (keel_match(argument, "{at_start, Number}", &number)) {
        kinds[number].commit();
    }
    ((struct faulty_state *)state)->number = 1;
    return keel_next_wait();
}

static keel_next receive_or_fault(void *state, const keel_message *message)
{
    int number;
    CHECK_INT(((struct faulty_state *)state)->number, 1);
    if (keel_match(message->body, "{fault, Number}", &number)) {
        kinds[number].commit();
    } else if (message->kind == KEEL_MESSAGE_CALL) {
        keel_gen_reply(message->from, keel_atom(fine));
    }
    return keel_next_wait();
}

static const keel_handler faulty = {
        .name = "faulty",
        .state_bytes = sizeof(struct faulty_state),
        .start = start_or_fault,
        .receive = receive_or_fault,
};

static void fault_in_handler(int number)
{
    keel_spawn_opts opts = {.link = true, .monitor = true};
    keel_pid pid;
    keel_ref monitor;
    keel_term reply, reason;
    CHECK_OK(keel_spawn_handler(
            &faulty, keel_make("{at_start, N}", number), &opts, &pid, &monitor));
    check_death(pid, monitor, &kinds[number]);

    CHECK_OK(keel_spawn_handler(&faulty, keel_atom(later), &opts, &pid, &monitor));
    CHECK_OK(keel_gen_call(keel_from_pid(pid), keel_atom(how_are_you), SOON, &reply));
    CHECK_TERM(reply, "fine");
    keel_send(pid, keel_make("{fault, N}", number));
    check_death(pid, monitor, &kinds[number]);

    // Who calls it hears the reason too.
    CHECK_OK(keel_spawn_handler(&faulty, keel_atom(later), &opts, &pid, &monitor));
    CHECK_INT(keel_gen_call(
                      keel_from_pid(pid), keel_make("{fault, N}", number), SOON, &reason),
            KEEL_E_EXIT);
    check_reason(reason, &kinds[number]);
    check_death(pid, monitor, &kinds[number]);
}

static void each_in_handler(void)
{
    keel_trap_exit(true);
    for (int i = 0; i < KINDS; i++) {
        keel_scope scope = keel_scope_open();
        fault_in_handler(i);
        keel_scope_close(&scope);
    }
    EXPECT_NO_MESSAGE();
}

TEST("each fault in a handler's callbacks ends it with a reason and a trace")
{
    in_process_with(each_in_handler, .catch_faults = true);
}

// --- what a process leaves ---

static uint64_t deferred;

static void count_deferred(void *unused)
{
    (void)unused;
    __atomic_fetch_add(&deferred, 1, __ATOMIC_RELAXED);
}

static uint64_t destroyed;

static void count_destroyed(void *unused)
{
    (void)unused;
    __atomic_fetch_add(&destroyed, 1, __ATOMIC_RELAXED);
}

static void own_much_and_fault(keel_term number)
{
    keel_alloc(10000);
    keel_defer(count_deferred, NULL);
    keel_keep(keel_resource("counted", &destroyed, count_destroyed));
    keel_resource("counted", &destroyed, count_destroyed);
    keel_process_put(keel_atom(key), keel_format("a value %d", 1));
    keel_monitor(keel_self());
    keel_alias();
    keel_send_after(KEEL_MINUTES(5), keel_self(), keel_atom(never));
    for (int i = 0; i < 10; i++) {
        keel_send(keel_self(), keel_format("a message that is never received: %d", i));
    }
    keel_register(keel_atom(owner), keel_self());
    kinds[keel_to_int(number)].commit();
}

static void many_that_own(void)
{
    enum { TIMES = 1000 };
    // In between another process works on, undisturbed.
    keel_pid other = new_puppet();
    __atomic_store_n(&deferred, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&destroyed, 0, __ATOMIC_RELAXED);
    for (int i = 0; i < TIMES; i++) {
        keel_scope scope = keel_scope_open();
        keel_ref monitor;
        keel_spawn_monitor(own_much_and_fault, keel_int(i % KINDS), &monitor);
        check_reason(await_down(monitor), &kinds[i % KINDS]);
        CHECK(no_pid(keel_whereis("owner")));
        CHECK_TERM(ask(other, act_nothing, KEEL_NONE), "none");
        keel_scope_close(&scope);
    }
    CHECK_INT(__atomic_load_n(&deferred, __ATOMIC_RELAXED), TIMES);
    CHECK_INT(__atomic_load_n(&destroyed, __ATOMIC_RELAXED), 2 * TIMES);
    end_process(other);
    EXPECT_NO_MESSAGE();
}

TEST("a thousand faults leave nothing behind", .timeout_s = 120)
{
    in_process_with(many_that_own, .catch_faults = true, .patience_s = 110);
}

static void fault_again_and_again(void)
{
    keel_trap_exit(true);
    for (int i = 0; i < 125; i++) {
        keel_scope scope = keel_scope_open();
        fault_in_body(i % KINDS);
        fault_in_handler((i * 3 + 1) % KINDS);
        keel_scope_close(&scope);
    }
    EXPECT_NO_MESSAGE();
}

TEST("bodies and handlers may fault again and again", .timeout_s = 120)
{
    in_process_with(fault_again_and_again, .catch_faults = true, .patience_s = 110);
}

static void fault_while_others_fault(keel_term number)
{
    keel_trap_exit(true);
    for (int i = 0; i < 40; i++) {
        keel_scope scope = keel_scope_open();
        fault_in_body((int)((keel_to_int(number) + i) % KINDS));
        keel_scope_close(&scope);
    }
}

static void many_at_once(void)
{
    keel_ref monitors[6];
    for (int i = 0; i < 6; i++) {
        keel_spawn_monitor(fault_while_others_fault, keel_int(i), &monitors[i]);
    }
    for (int i = 0; i < 6; i++) {
        CHECK_TERM(await_down(monitors[i]), "normal");
    }
}

TEST("processes may fault on several workers at once", .timeout_s = 120)
{
    in_process_with(many_at_once, .catch_faults = true, .patience_s = 110);
}

// --- what is told ---

// The last crash, written by the handler, in the dying process's turn, before its monitors
// hear.
static struct {
    keel_pid pid;
    bool fault;
    char reason[256], trace[2048], report[1024];
    int count;
} told;

static void note_crash(const keel_crash *crash)
{
    told.pid = crash->pid;
    told.fault = crash->fault;
    snprintf(told.reason, sizeof told.reason, "%s", keel_show(crash->reason));
    snprintf(told.trace, sizeof told.trace, "%s", crash->trace);
    snprintf(told.report, sizeof told.report, "%s", keel_show(crash->report));
    told.count++;
}

static void label_and_fault(keel_term number)
{
    CHECK_OK(keel_process_set_label(keel_make("{worker, 7}")));
    keel_send(keel_self(), keel_make("{last, message}"));
    kinds[keel_to_int(number)].commit();
}

static void tell_of_each(void)
{
    keel_crash_handler before = keel_crash_handler_set(note_crash);
    for (int i = 0; i < KINDS; i++) {
        keel_scope scope = keel_scope_open();
        keel_ref monitor;
        told.count = 0;
        keel_pid pid = keel_spawn_monitor(label_and_fault, keel_int(i), &monitor);
        check_reason(await_down(monitor), &kinds[i]);
        CHECK_INT(told.count, 1);
        CHECK(same_pid(told.pid, pid));
        CHECK_INT(told.fault, kinds[i].signal);
        CHECK(strncmp(told.reason, kinds[i].reason, strlen(kinds[i].reason)) == 0);
        CHECK(strstr(told.report, "{worker,7}") && strstr(told.report, "[{last,message}]"));
        if (kinds[i].in_trace && !strstr(told.trace, kinds[i].name)) {
            kl_test_fail(__FILE__, __LINE__, "no %s in\n%s", kinds[i].name, told.trace);
        }
        keel_scope_close(&scope);
    }
    CHECK(keel_crash_handler_set(before) == note_crash);
}

TEST("the crash handler hears of each fault, with the trace and the last messages")
{
    in_process_with(tell_of_each, .catch_faults = true);
}

// --- who does not want faults caught ---

// Does not return when all is well.
static void fault_uncaught(int number, bool inside)
{
    const keel_config config = {.workers = 1, .catch_faults = !inside};
    CHECK_OK(keel_start(&config));
    if (!inside) {
        kinds[number].commit();
        return;
    }
    CHECK(!no_pid(keel_spawn(body, keel_int(number))));
    for (;;) {
        pause();
    }
}

static void expect_end_by_fault(int number, bool inside)
{
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        fault_uncaught(number, inside);
        _exit(0);
    }
    int status;
    CHECK_INT(waitpid(child, &status, 0), child);
    // A sanitizer turns the signal into an exit code of its own.
    CHECK(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) != 0));
}

TEST("without catch_faults a fault ends the program, as without the library")
{
    for (int i = 0; i < KINDS; i++) {
        if (kinds[i].signal) {
            expect_end_by_fault(i, true);
        }
    }
}

TEST("a fault outside any process ends the program even where faults are caught")
{
    for (int i = 0; i < KINDS; i++) {
        if (kinds[i].signal) {
            expect_end_by_fault(i, false);
        }
    }
}
