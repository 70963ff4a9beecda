#include "proc_testing.h"

#include "base/base.h"
#include "proc.h"
#include "sched/sched.h"

#include <keel/extend.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PATIENCE_S = 50,
    SOON_S = 20,
    KEPT_SLACK = 1 << 20, // idle memory may lie otherwise in the second round
};

// The round that runs now. The guardian writes `ended` and posts; the thread that started
// the runtime waits for it.
static struct {
    const struct kl_course *course;
    bool ended;
    sem_t posted;
} round_now;

// What the first round left.
struct remains {
    size_t handed_out;
    int64_t used;
    uint64_t trace;
};

static void guard(keel_term unused);
static void wait_for_guardian(int patience_s);
static void drive_simulation(void);
static void stop_and_compare(
        const struct kl_course *course, unsigned number, struct remains *first);

static int slower(void)
{
    const char *text = getenv("KEEL_TEST_SLOWER");
    int times = text ? atoi(text) : 1;
    return times > 0 ? times : 1;
}

void run_on_threads(const struct kl_course *course)
{
    keel_config config = {.workers = 2, .catch_faults = course->catch_faults};
    struct remains first = {0};
    for (unsigned number = 0; number < 2; number++) {
        round_now.course = course;
        round_now.ended = false;
        CHECK_OK(sem_init(&round_now.posted, 0, 0));
        CHECK_OK(keel_start(course->config ? course->config : &config));
        CHECK(!no_pid(keel_spawn(guard, KEEL_NONE)));
        wait_for_guardian(
                (course->patience_s ? course->patience_s : PATIENCE_S) * slower());
        stop_and_compare(course, number, &first);
        sem_destroy(&round_now.posted);
    }
}

void run_simulated(const struct kl_course *course)
{
    struct remains first = {0};
    for (unsigned number = 0; number < 2; number++) {
        round_now.course = course;
        round_now.ended = false;
        CHECK_OK(sem_init(&round_now.posted, 0, 0));
        CHECK_OK(kl_runtime_start_simulated(kl_test_seed(), course->config));
        CHECK(!no_pid(keel_spawn(guard, KEEL_NONE)));
        drive_simulation();
        if (number == 0) {
            first.trace = kl_sim_trace();
        } else if (first.trace != kl_sim_trace()) {
            kl_test_fail(course->file, course->line,
                    "the same seed took another course: %016llx, then %016llx",
                    (unsigned long long)first.trace, (unsigned long long)kl_sim_trace());
        }
        stop_and_compare(course, number, &first);
        sem_destroy(&round_now.posted);
    }
}

void register_on_threads(
        struct kl_test *test, void (*body)(void), const char *file, int line)
{
    test->body = body;
    test->file = file;
    test->line = line;
    kl_test_register(test);
}

void register_simulated(
        struct kl_test *test, void (*body)(void), const char *file, int line)
{
    static const char suffix[] = " (simulated)";
    size_t length = strlen(test->name);
    char *name = malloc(length + sizeof suffix); // as long as the program lives
    if (!name) {
        abort();
    }
    memcpy(name, test->name, length);
    memcpy(name + length, suffix, sizeof suffix);
    test->name = name;
    test->seeded = true;
    register_on_threads(test, body, file, line);
}

// --- one round ---

static bool print_process(const keel_process_view *view, void *unused)
{
    (void)unused;
    fprintf(stderr, "%s %s state %d waits for %d, %zu messages\n",
            keel_show(keel_from_pid(view->pid)), view->entry ? view->entry : "?",
            (int)view->state, (int)view->wait, view->queue);
    return true;
}

static _Noreturn void fail_round(const char *what)
{
    keel_inspect_each(print_process, NULL);
    kl_test_fail(round_now.course->file, round_now.course->line, "%s", what);
}

static void run_body(keel_term unused)
{
    (void)unused;
    round_now.course->body();
}

// A process gives its memory back, its alarm with it, just after others have heard of its
// end.
static void check_no_timers(void)
{
    keel_runtime_view view;
    for (int i = 0; i < 1000000; i++) {
        keel_inspect_runtime(&view);
        if (view.timers == 0) {
            return;
        }
        keel_yield();
    }
    kl_test_fail(round_now.course->file, round_now.course->line,
            "the body has left %zu timers behind", view.timers);
}

static void guard(keel_term unused)
{
    (void)unused;
    keel_term before = keel_process_list(), reason;
    keel_ref monitor;
    keel_spawn_monitor(run_body, KEEL_NONE, &monitor);
    CHECK_OK(keel_receive_match(
            KEEL_NEVER, "{'DOWN', ^Ref, process, _, Reason}", monitor, &reason));
    if (!keel_is(reason, normal)) {
        kl_test_fail(round_now.course->file, round_now.course->line,
                "the body ended with %s", keel_show(reason));
    }
    await_others(before);
    check_no_timers();
    __atomic_store_n(&round_now.ended, true, __ATOMIC_RELEASE);
    sem_post(&round_now.posted);
}

static void wait_for_guardian(int patience_s)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += patience_s;
    while (sem_timedwait(&round_now.posted, &end) != 0) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        if (now.tv_sec >= end.tv_sec) {
            fail_round("the body does not end");
        }
    }
}

static void drive_simulation(void)
{
    // The guardian runs on this very thread: no barrier is needed to see its word.
    while (!round_now.ended) {
        kl_sim_settle(0);
        if (round_now.ended) {
            break;
        }
        int64_t next = kl_sim_next_timer(), now = kl_now();
        if (next == INT64_MAX) {
            fail_round("everybody waits and no timer is armed");
        }
        kl_sim_advance(next > now ? next - now : 0);
    }
}

static void stop_and_compare(
        const struct kl_course *course, unsigned number, struct remains *first)
{
    keel_stop_report report;
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(10)), &report));
    if (report.killed != 0) {
        kl_test_fail(course->file, course->line, "%s had to be killed",
                report.stragglers[0].name);
    }
    kl_pool_flush();
    size_t handed_out = kl_pool_trim();
    int64_t used = keel_memory_used();
    if (number == 0) {
        first->handed_out = handed_out;
        first->used = used;
    } else if (handed_out > first->handed_out || used > first->used + KEPT_SLACK) {
        kl_test_fail(course->file, course->line,
                "memory has leaked: %zu bytes of blocks and %lld in all after the first "
                "round, %zu and %lld after the second",
                first->handed_out, (long long)first->used, handed_out, (long long)used);
    }
}

// --- expecting ---

int many_of(int count)
{
    return keel_extend_is_simulated() ? count / 100 : count;
}

keel_deadline soon(void)
{
    return KEEL_IN(KEEL_SECONDS(SOON_S * slower()));
}

int64_t time_now(void)
{
    return kl_now_exact();
}

static const char *mailbox_text(void)
{
    keel_term messages = KEEL_NONE;
    if (keel_process_info(keel_self(), keel_atom(messages), &messages) != KEEL_OK) {
        return "(unknown)";
    }
    return keel_show(messages);
}

void check_received(const char *file, int line, const char *pattern, keel_status status)
{
    if (status != KEEL_OK) {
        kl_test_fail(file, line, "no %s came (%s); %s", pattern, keel_status_name(status),
                mailbox_text());
    }
}

keel_term next_message(const char *file, int line)
{
    keel_term message = KEEL_NONE;
    keel_status status = keel_receive_until(SOON, &message);
    if (status != KEEL_OK) {
        kl_test_fail(file, line, "no message came (%s)", keel_status_name(status));
    }
    return message;
}

void check_no_message(const char *file, int line)
{
    keel_term message = KEEL_NONE;
    keel_status status = keel_receive_until(KEEL_AT_ONCE, &message);
    if (status != KEEL_E_TIMEOUT) {
        kl_test_fail(file, line, "%s instead of no message: %s", keel_status_name(status),
                keel_show(message));
    }
}

void check_equal(
        const char *file, int line, const char *what, keel_term actual, keel_term expected)
{
    if (!keel_equal(actual, expected)) {
        kl_test_fail(file, line, "%s is\n  %s\nexpected\n  %s", what, keel_show(actual),
                keel_show(expected));
    }
}

// --- processes to play with ---

void do_nothing(keel_term unused)
{
    (void)unused;
}

void wait_forever(keel_term unused)
{
    (void)unused;
    for (;;) {
        keel_scope scope = keel_scope_open();
        keel_receive();
        keel_scope_close(&scope);
    }
}

void exit_with(keel_term reason)
{
    keel_exit(reason);
}

keel_term await_down(keel_ref monitor)
{
    keel_term reason = KEEL_NONE;
    EXPECT_MESSAGE("{'DOWN', ^Ref, _, _, Reason}", monitor, &reason);
    return reason;
}

keel_term end_of(keel_pid pid)
{
    return await_down(keel_monitor(pid));
}

void await_others(keel_term before)
{
    keel_term list = keel_process_list(), pid;
    while (keel_list_next(&list, &pid)) {
        if (!keel_list_member(pid, before) && !same_pid(keel_to_pid(pid), keel_self())) {
            keel_ref monitor = keel_monitor(pid);
            CHECK_OK(keel_receive_match(
                    KEEL_NEVER, "{'DOWN', ^Ref, process, _, _}", monitor));
        }
    }
}

void end_process(keel_pid pid)
{
    keel_unlink(pid);
    CHECK_OK(keel_process_exit(pid, keel_atom(kill)));
    end_of(pid);
}

keel_pid dead_pid(void)
{
    keel_ref monitor;
    keel_pid pid = keel_spawn_monitor(do_nothing, KEEL_NONE, &monitor);
    CHECK_TERM(await_down(monitor), "normal");
    return pid;
}

keel_term info_of(keel_pid pid, keel_term item)
{
    keel_term info = KEEL_NONE, value = KEEL_NONE;
    CHECK_OK(keel_process_info(pid, item, &info));
    // Of a dead process, and of the name of one that has none, there is no pair.
    if (keel_is(info, undefined) || keel_is_nil(info)) {
        return info;
    }
    CHECK_TERM(info, "{^Item, Value}", item, &value);
    return value;
}

bool is_listed(keel_pid pid)
{
    return keel_list_member(keel_from_pid(pid), keel_process_list());
}

size_t process_count(void)
{
    size_t count = 0;
    CHECK(keel_list_length(keel_process_list(), &count));
    return count;
}

// --- puppets ---

// Functions do not fit in a pointer to data, says C; POSIX says they have its size.
_Static_assert(sizeof(puppet_act) == sizeof(void *), "a pointer term holds a function");

static keel_term term_of_act(puppet_act act)
{
    void *pointer;
    memcpy(&pointer, &act, sizeof pointer);
    return keel_pointer(pointer);
}

static bool is_no_argument(keel_term argument)
{
    return argument.word == keel_atom_text("$none").word;
}

void puppet(keel_term unused)
{
    (void)unused;
    for (;;) {
        keel_scope scope = keel_scope_open();
        void *pointer = NULL;
        keel_ref ref;
        keel_term from, argument;
        CHECK_OK(keel_receive_match(KEEL_NEVER, "{'$act', Act, From, Ref, Argument}",
                &pointer, &from, &ref, &argument));
        puppet_act act;
        memcpy(&act, &pointer, sizeof act);
        keel_term result = act(is_no_argument(argument) ? KEEL_NONE : argument);
        if (keel_is_pid(from)) {
            result = keel_is_none(result) ? keel_atom(none) : result;
            keel_send(from, keel_make("{Ref, Result}", ref, result));
        }
        keel_scope_close(&scope);
    }
}

keel_pid new_puppet(void)
{
    return keel_spawn(puppet, KEEL_NONE);
}

// The puppet answers when `from` is a pid.
static void send_act(
        keel_pid pid, puppet_act act, keel_term from, keel_ref ref, keel_term argument)
{
    if (keel_is_none(argument)) {
        argument = keel_atom_text("$none");
    }
    CHECK_OK(keel_send(pid, keel_make("{'$act', Act, From, Ref, Argument}",
                                    term_of_act(act), from, ref, argument)));
}

keel_term ask(keel_pid pid, puppet_act act, keel_term argument)
{
    keel_ref ref = keel_make_ref();
    keel_term result = KEEL_NONE;
    send_act(pid, act, keel_from_pid(keel_self()), ref, argument);
    EXPECT_MESSAGE("{^Ref, Result}", ref, &result);
    return result;
}

void tell(keel_pid pid, puppet_act act, keel_term argument)
{
    send_act(pid, act, keel_atom(nobody), keel_make_ref(), argument);
}

keel_term act_nothing(keel_term unused)
{
    return unused;
}

keel_term act_trap_exit(keel_term trap)
{
    return keel_bool(keel_trap_exit(keel_to_bool(trap)));
}

keel_term act_link(keel_term pid)
{
    CHECK_OK(keel_link(keel_to_pid(pid)));
    return pid;
}

keel_term act_unlink(keel_term pid)
{
    CHECK_OK(keel_unlink(keel_to_pid(pid)));
    return pid;
}

keel_term act_monitor(keel_term target)
{
    return keel_from_ref(keel_monitor(target));
}

keel_term act_demonitor(keel_term monitor)
{
    return keel_bool(keel_demonitor(keel_to_ref(monitor), 0));
}

keel_term act_exit(keel_term reason)
{
    keel_exit(reason);
}

keel_term act_send(keel_term to_and_message)
{
    CHECK_OK(keel_send(keel_element(to_and_message, 0), keel_element(to_and_message, 1)));
    return KEEL_NONE;
}

keel_term act_spawn_puppet(keel_term unused)
{
    (void)unused;
    return keel_from_pid(new_puppet());
}

keel_term act_spawn_link_puppet(keel_term unused)
{
    (void)unused;
    return keel_from_pid(keel_spawn_link(puppet, KEEL_NONE));
}

keel_term act_messages(keel_term unused)
{
    (void)unused;
    keel_term list = keel_nil(), message;
    while (keel_receive_until(KEEL_AT_ONCE, &message) == KEEL_OK) {
        list = keel_cons(message, list);
    }
    return keel_list_reverse(list);
}

keel_term act_alias(keel_term unused)
{
    (void)unused;
    return keel_from_ref(keel_alias());
}

keel_term act_unalias(keel_term alias)
{
    return keel_bool(keel_unalias(keel_to_ref(alias)));
}

// Crash reports show stacks, and each test and seed has a child process of its own: the
// debug information is read once, here, before the first of them is forked. Otherwise the
// reading takes most of their time.
__attribute__((constructor)) static void read_debug_information(void)
{
    struct kl_symbol symbol;
    kl_symbol_resolve((uintptr_t)read_debug_information, &symbol);
}
