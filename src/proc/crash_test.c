// Who is told of a crash, and what.

#include "proc_testing.h"

#include "base/base.h"

#include <string.h>

// What the handler was told last; the tests read it when the process has ended.
static struct {
    int count;
    keel_pid pid;
    bool fault;
    char reason[500], report[2000], trace[2000];
} told;

static void note_crash(const keel_crash *crash)
{
    told.pid = crash->pid;
    told.fault = crash->fault;
    keel_print_opts opts = {.max_bytes = 1900, .max_depth = 20, .max_items = 100};
    keel_print(told.reason, sizeof told.reason, crash->reason, &opts);
    keel_print(told.report, sizeof told.report, crash->report, &opts);
    strncpy(told.trace, crash->trace, sizeof told.trace - 1);
    // What the crashed process has sent is seen after this.
    __atomic_fetch_add(&told.count, 1, __ATOMIC_RELEASE);
}

static int told_count(void)
{
    return __atomic_load_n(&told.count, __ATOMIC_ACQUIRE);
}

static keel_crash_handler listen_to_crashes(void)
{
    told.count = 0;
    return keel_crash_handler_set(note_crash);
}

__attribute__((noinline)) static void fail_inside(void)
{
    keel_error(keel_make("{wrong, [1]}"));
}

static void fail(keel_term unused)
{
    (void)unused;
    fail_inside();
}

static void assert_false(keel_term unused)
{
    (void)unused;
    KEEL_ASSERT(1 > 2);
}

static void end_of_spawned(keel_body body, keel_term argument, keel_pid *ret_pid)
{
    keel_ref monitor;
    *ret_pid = keel_spawn_monitor(body, argument, &monitor);
    await_down(monitor);
}

PROCESS_TEST(
        "a runtime error is told with its reason and where it happened", .ids = "PL-033")
{
    keel_crash_handler before = listen_to_crashes();
    keel_pid pid;
    end_of_spawned(fail, KEEL_NONE, &pid);
    CHECK_INT(told_count(), 1);
    CHECK(same_pid(told.pid, pid));
    CHECK(!told.fault);
    CHECK(strncmp(told.reason, "{{wrong,[1]},[", 14) == 0);
    CHECK(strstr(told.trace, "fail_inside"));
    end_of_spawned(assert_false, KEEL_NONE, &pid);
    CHECK_INT(told_count(), 2);
    CHECK(strstr(told.reason, "assertion"));
    CHECK(strstr(told.reason, "1 > 2"));
    CHECK(strstr(told.trace, "assert_false"));
    CHECK(keel_crash_handler_set(before) == note_crash);
}

PROCESS_TEST("what is no error is not told: exits, exit signals, kill", .ids = "PL-040")
{
    keel_crash_handler before = listen_to_crashes();
    keel_pid pid;
    end_of_spawned(exit_with, keel_make("{over, [1]}"), &pid);
    end_of_spawned(do_nothing, KEEL_NONE, &pid);
    pid = keel_spawn(wait_forever, KEEL_NONE);
    CHECK_OK(keel_process_exit(pid, keel_atom(over)));
    end_of(pid);
    end_process(keel_spawn(wait_forever, KEEL_NONE));
    CHECK_INT(told_count(), 0);
    keel_crash_handler_set(before);
}

static void ack_and_exit(keel_term reason)
{
    keel_gen_ack(keel_atom(ok));
    keel_exit(reason);
}

static void start_and_end(keel_term reason)
{
    keel_spawn_opts opts = {.monitor = true};
    keel_term ack;
    keel_ref monitor;
    CHECK_OK(keel_start_body(ack_and_exit, reason, &opts, SOON, NULL, &monitor, &ack));
    await_down(monitor);
}

PROCESS_TEST("of a started process every abnormal end is told, and no other",
        .ids = "PL-033 PL-034 PL-040")
{
    keel_crash_handler before = listen_to_crashes();
    start_and_end(keel_atom(normal));
    start_and_end(keel_atom(shutdown));
    start_and_end(keel_make("{shutdown, why}"));
    start_and_end(keel_atom(killed));
    CHECK_INT(told_count(), 0);
    start_and_end(keel_make("{over, [1]}"));
    CHECK_INT(told_count(), 1);
    CHECK_STR(told.reason, "{over,[1]}");
    CHECK_STR(told.trace, "");
    keel_crash_handler_set(before);
}

static void crash_with_much(keel_term unused)
{
    (void)unused;
    keel_trap_exit(true);
    CHECK_OK(keel_register(keel_atom(crash_test_name), keel_self()));
    CHECK_OK(keel_process_set_label(keel_make("{my, label}")));
    keel_process_put(keel_atom(key), keel_atom(value));
    for (int i = 0; i < 3; i++) {
        CHECK_OK(keel_send(keel_self(), keel_make("{message, I}", i)));
    }
    keel_error(keel_atom(much));
}

static keel_pid listener;

static void check_report(const keel_crash *crash)
{
    keel_term messages, links, dictionary, ancestors;
    CHECK_TERM(crash->report,
            "#{initial_call := <<\"crash_with_much\">>, registered_name := "
            "crash_test_name, label := {my, label}, message_queue_len := 3, messages := "
            "Messages, links := Links, dictionary := Dictionary, trap_exit := true, "
            "ancestors := Ancestors, status := running}",
            &messages, &links, &dictionary, &ancestors);
    CHECK_TERM(messages, "[{message, 0}, {message, 1}, {message, 2}]");
    CHECK_TERM(dictionary, "[{key, value}]");
    CHECK_TERM(links, "[^Self]", listener);
    CHECK_TERM(ancestors, "[^Self | _]", listener);
    note_crash(crash);
}

PROCESS_TEST("the report describes the process", .ids = "PL-036 PL-047")
{
    keel_crash_handler before = listen_to_crashes();
    keel_crash_handler_set(check_report);
    listener = keel_self();
    keel_trap_exit(true);
    keel_pid pid = keel_spawn_link(crash_with_much, KEEL_NONE);
    EXPECT_NEXT("{'EXIT', ^Pid, {much, _}}", pid);
    CHECK_INT(told_count(), 1);
    keel_crash_handler_set(before);
}

static void tell_listener(const keel_crash *crash)
{
    keel_send(listener, keel_make("{crashed, Pid, Reason}", crash->pid, crash->reason));
}

PROCESS_TEST("the handler may send, and the crash comes before the end")
{
    listener = keel_self();
    keel_crash_handler before = keel_crash_handler_set(tell_listener);
    for (int i = 0; i < 10; i++) {
        keel_ref monitor;
        keel_pid pid = keel_spawn_monitor(fail, KEEL_NONE, &monitor);
        EXPECT_NEXT("{crashed, ^Pid, {{wrong, [1]}, [_ | _]}}", pid);
        EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, {{wrong, [1]}, _}}", monitor, pid);
    }
    keel_crash_handler_set(before);
}

static keel_next start_failing(void *state, keel_term unused)
{
    (void)state, (void)unused;
    return keel_next_wait();
}

static keel_next fail_at_message(void *state, const keel_message *message)
{
    (void)state, (void)message;
    keel_error(keel_atom(bad_message));
}

static const keel_handler failing = {
        .name = "failing:init/1", .start = start_failing, .receive = fail_at_message};

PROCESS_TEST("a handler is named as it names itself")
{
    keel_crash_handler before = listen_to_crashes();
    keel_pid pid;
    CHECK_OK(keel_gen_start(&failing, KEEL_NONE, NULL, SOON, &pid, NULL, NULL));
    keel_ref monitor = keel_monitor(pid);
    CHECK_OK(keel_send(pid, keel_atom(x)));
    CHECK_TERM(await_down(monitor), "{bad_message, _}");
    CHECK_INT(told_count(), 1);
    CHECK(strstr(told.report, "failing:init/1"));
    keel_crash_handler_set(before);
}

PROCESS_TEST("while it is quiet no crash is told")
{
    keel_crash_handler before = listen_to_crashes();
    CHECK(!keel_crash_quiet(true));
    keel_pid pid;
    end_of_spawned(fail, KEEL_NONE, &pid);
    CHECK_INT(told_count(), 0);
    CHECK(keel_crash_quiet(false));
    end_of_spawned(fail, KEEL_NONE, &pid);
    CHECK_INT(told_count(), 1);
    keel_crash_handler_set(before);
}

// --- without a handler ---

static char logged[4000];

static void note_log(void *unused, enum kl_log_level level, const char *text)
{
    (void)unused;
    if (level == KL_LOG_ERROR) {
        strncpy(logged, text, sizeof logged - 1);
    }
}

static void crash_named(keel_term unused)
{
    (void)unused;
    CHECK_OK(keel_register(keel_atom(crash_test_logged), keel_self()));
    fail_inside();
}

static void crash_and_read_log(void)
{
    keel_pid pid;
    logged[0] = '\0';
    end_of_spawned(crash_named, KEEL_NONE, &pid);
    CHECK(strstr(logged, "crash_test_logged"));
    CHECK(strstr(logged, "(crash_named) crashed: {wrong,[1]}"));
    CHECK(strstr(logged, "fail_inside"));
}

TEST("without a handler a crash is logged with name, reason and trace")
{
    kl_log_sink_set(note_log, NULL);
    in_process(crash_and_read_log);
    kl_log_sink_set(NULL, NULL);
}
