// Every public function of this room called inside a process with a dead pid, a term of the
// wrong type, or nothing where something must be: a clear error, nothing happens, nothing
// crashes. The same from outside stands in outside_use_test.c.

#include "proc_testing.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define REFUSED(status) check_refused(__FILE__, __LINE__, #status, (status))

static void check_refused(const char *file, int line, const char *what, keel_status status)
{
    if (status == KEEL_OK || strcmp(keel_status_text(status), "unknown status") == 0) {
        kl_test_fail(file, line, "%s gave %d (%s)", what, status, keel_status_text(status));
    }
}

// What is no pid, and no reference, in the clothes of one.
enum { FALSE_COUNT = 8 };
static keel_term false_words(int i)
{
    switch (i) {
    case 0:
        return KEEL_NONE;
    case 1:
        return keel_atom(word);
    case 2:
        return keel_int(0);
    case 3:
        return keel_int(-1);
    case 4:
        return keel_nil();
    case 5:
        return keel_make("{1, tuple}");
    case 6:
        return keel_string("a binary");
    default:
        return keel_make("[a, list]");
    }
}

static keel_pid false_pid(int i)
{
    return (keel_pid){false_words(i).word};
}

static keel_ref false_ref(int i)
{
    return (keel_ref){false_words(i).word};
}

static void never(void *unused)
{
    (void)unused;
    CHECK(false);
}

static bool take_any(keel_term message, void *unused)
{
    (void)message, (void)unused;
    return true;
}

static void never_run(keel_term unused)
{
    (void)unused;
    CHECK(false);
}

static keel_next never_start(void *state, keel_term argument)
{
    (void)state, (void)argument;
    CHECK(false);
    return keel_next_wait();
}

static keel_next never_receive(void *state, const keel_message *message)
{
    (void)state, (void)message;
    CHECK(false);
    return keel_next_wait();
}

static const keel_handler never_handler = {
        .name = "never", .start = never_start, .receive = never_receive};

PROCESS_TEST("the runtime is started and stopped from outside only", .ids = NULL)
{
    keel_stop_report report;
    CHECK(keel_is_running());
    CHECK_INT(keel_start(NULL), KEEL_E_INSIDE);
    CHECK_INT(keel_stop(KEEL_AT_ONCE, &report), KEEL_E_INSIDE);
    CHECK_INT(keel_run_once(KEEL_AT_ONCE), 0);
    CHECK_INT(keel_fd(), -1);
    CHECK(keel_is_running());
}

PROCESS_TEST("spawning refuses handlers and options that are none", .ids = NULL)
{
    keel_pid pid = {77};
    keel_ref ref = {78};
    keel_term ack = keel_atom(untouched);
    const keel_handler no_start = {.name = "x", .receive = never_receive};
    const keel_handler no_receive = {.name = "x", .start = never_start};
    const keel_spawn_opts bad = {.priority = (keel_priority)77};
    size_t before = process_count();
    REFUSED(keel_spawn_handler(NULL, KEEL_NONE, NULL, &pid, &ref));
    REFUSED(keel_spawn_handler(&no_start, KEEL_NONE, NULL, &pid, &ref));
    REFUSED(keel_spawn_handler(&no_receive, KEEL_NONE, NULL, &pid, &ref));
    REFUSED(keel_spawn_handler(&never_handler, KEEL_NONE, &bad, &pid, &ref));
    REFUSED(keel_gen_start(NULL, KEEL_NONE, NULL, SOON, &pid, &ref, &ack));
    REFUSED(keel_gen_start(&no_start, KEEL_NONE, NULL, SOON, &pid, &ref, &ack));
    REFUSED(keel_gen_start(&never_handler, KEEL_NONE, &bad, SOON, &pid, &ref, &ack));
    REFUSED(keel_start_body(never_run, KEEL_NONE, &bad, SOON, &pid, &ref, &ack));
    REFUSED(keel_spawn_opt(never_run, KEEL_NONE, &bad, &pid, &ref));
    REFUSED(keel_spawn_request(never_run, KEEL_NONE, NULL, KEEL_NONE, NULL));
    CHECK_INT(pid.word, 77);
    CHECK_INT(ref.word, 78);
    CHECK_TERM(ack, "untouched");
    CHECK_INT(process_count(), before);
    // Results that nobody wants.
    keel_spawn_opts monitored = {.monitor = true};
    CHECK_OK(keel_spawn_opt(do_nothing, KEEL_NONE, NULL, NULL, NULL));
    CHECK_OK(keel_spawn_opt(do_nothing, KEEL_NONE, &monitored, NULL, NULL));
    EXPECT_NEXT("{'DOWN', _, process, _, normal}");
    CHECK(!no_pid(keel_spawn_monitor(do_nothing, KEEL_NONE, NULL)));
    EXPECT_NEXT("{'DOWN', _, process, _, normal}");
}

PROCESS_TEST("starting a body that is none gives undef", .ids = NULL)
{
    keel_pid pid;
    keel_term reason;
    CHECK_INT(
            keel_start_body(NULL, KEEL_NONE, NULL, SOON, &pid, NULL, &reason), KEEL_E_EXIT);
    CHECK_TERM(reason, "{undef, _}");
}

PROCESS_TEST("what is no pid is refused by everything that takes one", .ids = NULL)
{
    keel_trap_exit(true);
    for (int i = 0; i < FALSE_COUNT; i++) {
        keel_pid pid = false_pid(i);
        keel_ref ref = {77};
        keel_term info;
        keel_process_view view;
        char text[8] = "text";
        REFUSED(keel_process_exit(pid, keel_atom(over)));
        CHECK(!keel_process_alive(pid));
        REFUSED(keel_process_suspend(pid));
        REFUSED(keel_process_resume(pid));
        CHECK(keel_is_none(keel_process_get_label(pid)));
        REFUSED(keel_group_leader_set(pid, keel_self()));
        REFUSED(keel_group_leader_set(keel_self(), pid));
        REFUSED(keel_register(keel_atom(name), pid));
        REFUSED(keel_link(pid));
        REFUSED(keel_link_priority(pid));
        REFUSED(keel_unlink(pid));
        REFUSED(keel_monitor_queue(pid, 10, 1, &ref));
        REFUSED(keel_process_info(pid, keel_atom(status), &info));
        CHECK(!keel_inspect_process(pid, &view));
        CHECK_INT(keel_inspect_stack(pid, text, sizeof text), 0);
        CHECK_INT(ref.word, 77);
    }
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a dead pid is an ordinary thing", .ids = NULL)
{
    keel_trap_exit(true);
    keel_pid dead = dead_pid();
    keel_term to = keel_from_pid(dead), reply = keel_atom(untouched);
    keel_ref ref = {77};
    CHECK_OK(keel_process_exit(dead, keel_atom(over)));
    CHECK(!keel_process_alive(dead));
    CHECK_INT(keel_process_suspend(dead), KEEL_E_NOPROC);
    REFUSED(keel_process_resume(dead));
    CHECK(keel_is_none(keel_process_get_label(dead)));
    CHECK_INT(keel_group_leader_set(keel_self(), dead), KEEL_E_BADARG);
    CHECK_INT(keel_register(keel_atom(name), dead), KEEL_E_NOPROC);
    CHECK_OK(keel_send(dead, keel_int(1)));
    CHECK_OK(keel_broadcast(&dead, 1, keel_int(1)));
    CHECK_OK(keel_unlink(dead));
    CHECK_INT(keel_monitor_queue(dead, 10, 1, &ref), KEEL_E_NOPROC);
    CHECK_INT(keel_gen_call(to, keel_int(1), SOON, &reply), KEEL_E_NOPROC);
    CHECK_INT(keel_gen_system_call(to, keel_int(1), SOON, &reply), KEEL_E_NOPROC);
    CHECK_OK(keel_gen_cast(to, keel_int(1)));
    keel_gen_reply((keel_from){dead, keel_from_ref(keel_make_ref())}, keel_int(1));
    CHECK_TERM(reply, "untouched");
    CHECK_INT(ref.word, 77);
    ref = keel_gen_send_request(to, keel_int(1));
    CHECK(!no_ref(ref));
    CHECK_INT(keel_gen_receive_response(ref, SOON, &reply), KEEL_E_EXIT);
    CHECK_TERM(reply, "noproc");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("what is no reference is refused by everything that takes one", .ids = NULL)
{
    keel_term reply = keel_atom(untouched);
    keel_duration left = -77;
    bool result = true;
    for (int i = 0; i < FALSE_COUNT; i++) {
        keel_ref ref = false_ref(i);
        CHECK(!keel_unalias(ref));
        CHECK(!keel_demonitor(ref, KEEL_DEMONITOR_INFO));
        keel_demonitor(ref, KEEL_DEMONITOR_FLUSH);
        REFUSED(keel_demonitor_opt(false_words(i), keel_nil(), &result));
        CHECK(!keel_cancel_timer(ref, &left));
        CHECK(!keel_read_timer(ref, &left));
        REFUSED(keel_cancel_timer_async(ref, true));
        REFUSED(keel_read_timer_async(ref));
        REFUSED(keel_timer_cancel(false_words(i)));
        CHECK(!keel_spawn_request_abandon(ref));
        REFUSED(keel_gen_check_response(keel_atom(message), ref, &reply));
        REFUSED(keel_gen_wait_response(ref, KEEL_AT_ONCE, &reply));
        REFUSED(keel_gen_receive_response(ref, KEEL_AT_ONCE, &reply));
        keel_gen_abandon(ref);
    }
    CHECK_INT(left, -77);
    CHECK_TERM(reply, "untouched");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("what is no destination is refused by everything that takes one", .ids = NULL)
{
    keel_term reply = keel_atom(untouched), message = keel_int(1);
    keel_ref ref = {77};
    for (int i = 0; i < FALSE_COUNT; i++) {
        keel_term to = false_words(i);
        if (keel_is_atom(to)) {
            continue; // a name, that nobody has
        }
        REFUSED(keel_send(to, message));
        REFUSED(keel_send_nosuspend(to, message));
        REFUSED(keel_send_priority(to, message));
        CHECK(no_pid(keel_whereis(to)));
        CHECK(no_ref(keel_monitor(to)));
        REFUSED(keel_monitor_opt(to, NULL, &ref));
        REFUSED(keel_unregister(to));
        REFUSED(keel_register(to, keel_self()));
        CHECK(no_ref(keel_send_after(1, to, message)));
        CHECK(no_ref(keel_start_timer(1, to, message)));
        CHECK(no_ref(keel_send_at(KEEL_AT_ONCE, to, message)));
        CHECK(no_ref(keel_start_timer_at(KEEL_AT_ONCE, to, message)));
        REFUSED(keel_send_interval(1, to, message, &ref));
        REFUSED(keel_exit_after(1, to, message, &ref));
        REFUSED(keel_kill_after(1, to, &ref));
        REFUSED(keel_gen_call(to, message, SOON, &reply));
        REFUSED(keel_gen_system_call(to, message, SOON, &reply));
        REFUSED(keel_gen_cast(to, message));
        CHECK(no_ref(keel_gen_send_request(to, message)));
    }
    CHECK_INT(ref.word, 77);
    CHECK_TERM(reply, "untouched");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("no term is no message, no reason, no key", .ids = NULL)
{
    keel_trap_exit(true);
    keel_term self = keel_from_pid(keel_self()), reply = keel_atom(untouched);
    keel_ref ref = {77};
    keel_pid pid = keel_self();
    REFUSED(keel_process_exit(pid, KEEL_NONE));
    REFUSED(keel_send(pid, KEEL_NONE));
    REFUSED(keel_send_nosuspend(self, KEEL_NONE));
    REFUSED(keel_send_priority(self, KEEL_NONE));
    REFUSED(keel_broadcast(&pid, 1, KEEL_NONE));
    REFUSED(keel_process_set_label(KEEL_NONE));
    REFUSED(keel_process_flag(KEEL_NONE, KEEL_NONE, NULL));
    REFUSED(keel_demonitor_opt(keel_from_ref(keel_make_ref()), KEEL_NONE, NULL));
    REFUSED(keel_alias_opt(KEEL_NONE, &ref));
    CHECK(no_ref(keel_send_after(1, pid, KEEL_NONE)));
    CHECK(no_ref(keel_start_timer(1, self, KEEL_NONE)));
    REFUSED(keel_send_interval(1, self, KEEL_NONE, &ref));
    REFUSED(keel_exit_after(1, self, KEEL_NONE, &ref));
    REFUSED(keel_gen_call(keel_atom(nobody_here), KEEL_NONE, SOON, &reply));
    REFUSED(keel_gen_cast(self, KEEL_NONE));
    CHECK(no_ref(keel_gen_send_request(self, KEEL_NONE)));
    CHECK(keel_is_none(keel_process_put(KEEL_NONE, keel_int(1))));
    CHECK(keel_is_none(keel_process_put(keel_int(1), KEEL_NONE)));
    CHECK(keel_is_none(keel_process_get(KEEL_NONE)));
    CHECK(keel_is_none(keel_process_erase(KEEL_NONE)));
    CHECK_TERM(keel_process_dictionary(), "[]");
    REFUSED(keel_process_info(pid, KEEL_NONE, &reply));
    CHECK_TERM(reply, "untouched");
    CHECK_INT(ref.word, 77);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a missing place for a result is refused or not needed", .ids = NULL)
{
    keel_pid pid = keel_self();
    keel_term self = keel_from_pid(pid), message = keel_int(1);
    keel_send(pid, message);
    REFUSED(keel_receive_until(KEEL_AT_ONCE, NULL));
    REFUSED(keel_receive_where(take_any, NULL, KEEL_AT_ONCE, NULL));
    REFUSED(keel_receive_where(NULL, NULL, KEEL_AT_ONCE, &message));
    REFUSED(keel_timeout_from(keel_int(1), NULL));
    REFUSED(keel_process_info(pid, keel_atom(status), NULL));
    REFUSED(keel_alias_opt(keel_nil(), NULL));
    REFUSED(keel_monitor_opt(self, NULL, NULL));
    REFUSED(keel_monitor_queue(pid, 10, 1, NULL));
    REFUSED(keel_try(NULL, NULL, &message));
    REFUSED(keel_defer(NULL, NULL));
    CHECK(!keel_undefer(NULL, NULL));
    CHECK(!keel_undefer(never, NULL));
    REFUSED(keel_broadcast(NULL, 3, message));
    CHECK_OK(keel_broadcast(NULL, 0, message));
    CHECK(!keel_inspect_process(pid, NULL));
    CHECK(!keel_inspect_worker(0, NULL));
    keel_inspect_runtime(NULL);
    keel_inspect_each(NULL, NULL);
    keel_inspect_stack(pid, NULL, 0);
    keel_inspect_stacks(NULL, 0);
    REFUSED(keel_blocking(NULL, NULL, NULL, SOON));
    REFUSED(keel_wait_fd(-1, KEEL_READABLE, SOON, NULL));
    REFUSED(keel_wait_fd(0, 0, SOON, NULL));
    REFUSED(keel_wait_fd(0, 64, SOON, NULL));
    REFUSED(keel_gen_check_response(message, keel_make_ref(), NULL));
    keel_free(NULL);
    // None of this has taken the message.
    EXPECT_NEXT("1");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a missing place for a timer's reference or a reply is refused or not needed",
        .ids = NULL)
{
    keel_term self = keel_from_pid(keel_self()), message = keel_int(1);
    REFUSED(keel_apply_after(1, NULL, message, NULL));
    REFUSED(keel_send_after_opt(keel_int(-1), self, message, keel_nil(), NULL));
    REFUSED(keel_gen_call(self, message, SOON, NULL));
    REFUSED(keel_gen_call(keel_atom(nobody_here), message, SOON, NULL));
    keel_ref request = keel_gen_send_request(keel_atom(nobody_here), message);
    CHECK(!no_ref(request));
    REFUSED(keel_gen_receive_response(request, SOON, NULL));
    keel_gen_abandon(request);
    keel_flush();
}

PROCESS_TEST("a call to oneself is refused", .ids = NULL)
{
    keel_term reply = keel_atom(untouched);
    keel_term self = keel_from_pid(keel_self());
    CHECK_INT(keel_gen_call(self, keel_int(1), SOON, &reply), KEEL_E_SELFCALL);
    CHECK_OK(keel_register(keel_atom(myself), keel_self()));
    CHECK_INT(keel_gen_call(keel_atom(myself), keel_int(1), SOON, &reply), KEEL_E_SELFCALL);
    CHECK_TERM(reply, "untouched");
    CHECK_OK(keel_unregister(keel_atom(myself)));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("descriptors that cannot be waited for give the system's error", .ids = NULL)
{
    int ends[2];
    CHECK_OK(pipe(ends));
    close(ends[0]);
    close(ends[1]);
    int events = 77;
    CHECK_INT(keel_wait_fd(ends[0], KEEL_READABLE, SOON, &events), -EBADF);
    CHECK_INT(events, 77);
}

static void bad_pattern(keel_term unused)
{
    (void)unused;
    keel_term value;
    (void)!keel_receive_match(KEEL_AT_ONCE, "{unfinished, Value", &value);
    keel_send(keel_self(), keel_atom(message));
    (void)!keel_receive_match(KEEL_AT_ONCE, "{unfinished, Value", &value);
    CHECK(false);
}

PROCESS_TEST("a pattern that is no term ends the process with badarg", .ids = NULL)
{
    keel_ref monitor;
    keel_spawn_monitor(bad_pattern, KEEL_NONE, &monitor);
    CHECK_TERM(await_down(monitor), "{badarg, {pattern, _, _}}");
}

// --- in a deferred function ---

static void wait_in_defer(void *unused)
{
    (void)unused;
    keel_term message, reply;
    // It may send, but a wait is over at once.
    keel_sleep(KEEL_MINUTES(60));
    REFUSED(keel_receive_until(KEEL_NEVER, &message));
    REFUSED(keel_gen_call(keel_atom(silent), keel_int(1), KEEL_NEVER, &reply));
    keel_send("observer", keel_atom(deferred));
}

static void end_with_defer(keel_term unused)
{
    (void)unused;
    CHECK_OK(keel_defer(wait_in_defer, NULL));
}

PROCESS_TEST("a deferred function may send but cannot wait", .ids = NULL)
{
    CHECK_OK(keel_register(keel_atom(observer), keel_self()));
    keel_spawn_opts opts = {.name = keel_atom(silent)};
    keel_pid silent;
    CHECK_OK(keel_spawn_opt(wait_forever, KEEL_NONE, &opts, &silent, NULL));
    keel_ref monitor;
    keel_spawn_monitor(end_with_defer, KEEL_NONE, &monitor);
    CHECK_TERM(await_down(monitor), "normal");
    EXPECT_MESSAGE("deferred");
    end_process(silent);
    CHECK_OK(keel_unregister(keel_atom(observer)));
}
