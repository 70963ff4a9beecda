// Every public function of this room called by a thread outside: before the runtime was
// started, while it runs, and after it was stopped. What only a process may do is refused
// clearly, and nothing crashes. What is called inside a process stands in bad_use_test.c.

#include "proc_testing.h"

#include "term/term.h"

#include <pthread.h>
#include <string.h>

// A failure that has a sentence to explain it.
#define REFUSED(status) check_refused(__FILE__, __LINE__, #status, (status))

static void check_refused(const char *file, int line, const char *what, keel_status status)
{
    if (status == KEEL_OK || strcmp(keel_status_text(status), "unknown status") == 0) {
        kl_test_fail(file, line, "%s gave %d (%s)", what, status, keel_status_text(status));
    }
}

static void never(void *unused)
{
    (void)unused;
    CHECK(false);
}

static bool never_wanted(keel_term message, void *unused)
{
    (void)message, (void)unused;
    CHECK(false);
    return false;
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

// A pid that has been one, so that it looks right; of an earlier run of the runtime.
static keel_pid old_pid;
static keel_ref old_ref;

static void use_spawning(bool running)
{
    keel_pid pid = {77};
    keel_ref ref = {78};
    const keel_spawn_opts linked = {.link = true}, monitored = {.monitor = true};
    CHECK(no_pid(keel_spawn_link(never_run, KEEL_NONE)));
    CHECK(no_pid(keel_spawn_monitor(never_run, KEEL_NONE, &ref)));
    keel_status expected = running ? KEEL_E_OUTSIDE : KEEL_E_STOPPED;
    CHECK_INT(keel_spawn_opt(never_run, KEEL_NONE, &linked, &pid, &ref), expected);
    CHECK_INT(keel_spawn_opt(never_run, KEEL_NONE, &monitored, &pid, &ref), expected);
    CHECK_INT(keel_spawn_handler(&never_handler, KEEL_NONE, &linked, &pid, &ref), expected);
    CHECK_INT(keel_spawn_request(never_run, KEEL_NONE, NULL, KEEL_NONE, &ref),
            KEEL_E_OUTSIDE);
    CHECK(!keel_spawn_request_abandon(old_ref));
    if (!running) {
        CHECK(no_pid(keel_spawn(never_run, KEEL_NONE)));
        CHECK_INT(keel_spawn_opt(never_run, KEEL_NONE, NULL, &pid, NULL), KEEL_E_STOPPED);
        CHECK_INT(keel_spawn_handler(&never_handler, KEEL_NONE, NULL, &pid, NULL),
                KEEL_E_STOPPED);
    }
    keel_term ack;
    CHECK_INT(keel_gen_start(&never_handler, KEEL_NONE, &linked, SOON, &pid, &ref, &ack),
            expected);
    CHECK_INT(keel_start_body(never_run, KEEL_NONE, &monitored, SOON, &pid, &ref, &ack),
            expected);
    REFUSED(keel_gen_start(NULL, KEEL_NONE, NULL, SOON, &pid, NULL, &ack));
    CHECK_INT(pid.word, 77);
    CHECK_INT(ref.word, 78);
}

static void use_process(bool running)
{
    keel_term old = keel_atom(untouched), reason;
    CHECK(no_pid(keel_self()));
    CHECK(!keel_in_process());
    CHECK_INT(keel_try(never, NULL, &reason), KEEL_E_OUTSIDE);
    CHECK_OK(keel_process_exit(old_pid, keel_atom(over)));
    CHECK_INT(keel_process_exit((keel_pid){0}, keel_atom(over)), KEEL_E_BADARG);
    CHECK(!keel_process_alive(old_pid));
    CHECK(!keel_process_alive((keel_pid){0}));
    if (!running) {
        CHECK_TERM(keel_process_list(), "[]");
    }
    CHECK(!keel_trap_exit(true));
    CHECK(!keel_trap_exit(false));
    CHECK_INT(
            keel_process_flag(keel_atom(trap_exit), keel_bool(true), &old), KEEL_E_OUTSIDE);
    CHECK_TERM(old, "untouched");
    CHECK_INT(keel_process_mailbox(1, KEEL_MAILBOX_REJECT), KEEL_E_OUTSIDE);
    keel_yield();
    keel_sleep(KEEL_MINUTES(60)); // returns at once
    keel_hibernate();
    REFUSED(keel_process_suspend(old_pid));
    REFUSED(keel_process_resume(old_pid));
    CHECK_INT(keel_defer(never, NULL), KEEL_E_OUTSIDE);
    CHECK(!keel_undefer(never, NULL));
    CHECK(keel_is_none(keel_process_put(keel_atom(key), keel_int(1))));
    CHECK(keel_is_none(keel_process_get(keel_atom(key))));
    CHECK(keel_is_none(keel_process_erase(keel_atom(key))));
    CHECK(!keel_is_list(keel_process_dictionary()) ||
            keel_is_nil(keel_process_dictionary()));
    CHECK(!keel_is_list(keel_process_keys(KEEL_NONE)) ||
            keel_is_nil(keel_process_keys(KEEL_NONE)));
    CHECK_INT(keel_process_set_label(keel_atom(label)), KEEL_E_OUTSIDE);
    CHECK(keel_is_none(keel_process_get_label(old_pid)));
    CHECK(no_pid(keel_group_leader()));
    REFUSED(keel_group_leader_set(old_pid, old_pid));
    CHECK(no_pid(keel_parent()));
    CHECK(keel_is_none(keel_ancestors()) || keel_is_nil(keel_ancestors()));
}

static void use_memory(void)
{
    char *memory = keel_alloc(100);
    CHECK(memory && memory[0] == 0 && memory[99] == 0);
    memset(memory, 'x', 100);
    memory = keel_realloc(memory, 200);
    CHECK(memory && memory[99] == 'x' && memory[100] == 0 && memory[199] == 0);
    keel_free(memory);
    memory = keel_realloc(NULL, 10);
    CHECK(memory && memory[9] == 0);
    keel_free(memory);
    keel_free(NULL);
    CHECK(!keel_alloc(SIZE_MAX));
}

static void use_messages(bool running)
{
    keel_term message = keel_atom(untouched), name = keel_atom(nobody_here);
    keel_status to_dead = running ? KEEL_OK : KEEL_E_STOPPED;
    CHECK_INT(keel_send(old_pid, keel_int(1)), to_dead);
    CHECK_INT(keel_send(old_ref, keel_int(1)), to_dead);
    CHECK_INT(keel_send_nosuspend(keel_from_pid(old_pid), keel_int(1)), to_dead);
    CHECK_INT(keel_send_priority(keel_from_ref(old_ref), keel_int(1)), to_dead);
    REFUSED(keel_send("nobody_here", keel_int(1)));
    REFUSED(keel_send(KEEL_NONE, keel_int(1)));
    REFUSED(keel_send(keel_int(1), keel_int(1)));
    REFUSED(keel_send(old_pid, KEEL_NONE));
    CHECK_INT(keel_broadcast(&old_pid, 1, keel_int(1)), to_dead);
    REFUSED(keel_broadcast(NULL, 1, keel_int(1)));
    REFUSED(keel_broadcast(&old_pid, 1, KEEL_NONE));
    CHECK(keel_is_none(keel_receive()));
    CHECK_INT(keel_receive_until(KEEL_NEVER, &message), KEEL_E_OUTSIDE);
    CHECK_INT(keel_receive_where(never_wanted, NULL, KEEL_NEVER, &message), KEEL_E_OUTSIDE);
    CHECK_INT(keel_receive_match(KEEL_NEVER, "Message", &message), KEEL_E_OUTSIDE);
    CHECK_TERM(message, "untouched");
    CHECK_INT(keel_queue_length(), 0);
    CHECK_INT(keel_flush(), 0);
    CHECK(keel_is(keel_to_of_name(NULL), undefined));

    REFUSED(keel_register(name, old_pid));
    REFUSED(keel_register(name, (keel_pid){0}));
    REFUSED(keel_register(KEEL_NONE, old_pid));
    REFUSED(keel_unregister(name));
    REFUSED(keel_unregister(KEEL_NONE));
    CHECK(no_pid(keel_whereis("nobody_here")));
    CHECK(no_pid(keel_whereis(KEEL_NONE)));
    if (!running) {
        CHECK_TERM(keel_registered(), "[]");
    }
    CHECK(keel_is_atom(keel_node_self()));
    keel_ref ref = {77};
    CHECK(no_ref(keel_alias()));
    CHECK_INT(keel_alias_opt(keel_nil(), &ref), KEEL_E_OUTSIDE);
    CHECK_INT(ref.word, 77);
    CHECK(!keel_unalias(old_ref));
}

static void use_links(void)
{
    keel_ref ref = {77};
    bool result = true;
    keel_term dead = keel_from_pid(old_pid);
    CHECK_INT(keel_link(old_pid), KEEL_E_OUTSIDE);
    CHECK_INT(keel_link_priority(old_pid), KEEL_E_OUTSIDE);
    CHECK_INT(keel_unlink(old_pid), KEEL_E_OUTSIDE);
    REFUSED(keel_link((keel_pid){0}));
    REFUSED(keel_unlink((keel_pid){0}));
    CHECK(no_ref(keel_monitor(old_pid)));
    CHECK(no_ref(keel_monitor("nobody_here")));
    CHECK(no_ref(keel_monitor(KEEL_NONE)));
    CHECK_INT(keel_monitor_opt(dead, NULL, &ref), KEEL_E_OUTSIDE);
    keel_demonitor(old_ref, 0);
    keel_demonitor(old_ref, KEEL_DEMONITOR_FLUSH | KEEL_DEMONITOR_INFO);
    REFUSED(keel_demonitor_opt(keel_from_ref(old_ref), keel_nil(), &result));
    REFUSED(keel_monitor_queue(old_pid, 10, 1, &ref));
    REFUSED(keel_monitor_queue(old_pid, 1, 10, &ref));
    CHECK_INT(ref.word, 77);
}

static void use_timers(bool running)
{
    keel_term dead = keel_from_pid(old_pid), message = keel_int(1);
    keel_ref ref = {77};
    keel_duration left = -77;
    if (!running) {
        CHECK(no_ref(keel_send_after(KEEL_MS(1), old_pid, message)));
        CHECK(no_ref(keel_start_timer(KEEL_MS(1), dead, message)));
        CHECK(no_ref(keel_send_at(KEEL_AT_ONCE, dead, message)));
        CHECK(no_ref(keel_start_timer_at(KEEL_AT_ONCE, dead, message)));
        REFUSED(keel_send_after_opt(keel_int(1), dead, message, keel_nil(), &ref));
        REFUSED(keel_start_timer_opt(keel_int(1), dead, message, keel_nil(), &ref));
        REFUSED(keel_apply_after(1, never_run, message, &ref));
        REFUSED(keel_apply_interval(1, never_run, message, &ref));
        REFUSED(keel_send_interval(1, dead, message, &ref));
        REFUSED(keel_exit_after(1, dead, message, &ref));
        REFUSED(keel_kill_after(1, dead, &ref));
    }
    CHECK(no_ref(keel_send_after(KEEL_MS(1), KEEL_NONE, message)));
    CHECK(no_ref(keel_send_after(-1, old_pid, message)));
    REFUSED(keel_send_after_opt(KEEL_NONE, dead, message, keel_nil(), &ref));
    REFUSED(keel_apply_after(1, NULL, message, &ref));
    CHECK(!keel_cancel_timer(old_ref, &left));
    CHECK(!keel_read_timer(old_ref, &left));
    CHECK_INT(left, -77);
    CHECK_INT(keel_cancel_timer_async(old_ref, true), KEEL_E_OUTSIDE);
    CHECK_INT(keel_read_timer_async(old_ref), KEEL_E_OUTSIDE);
    REFUSED(keel_timer_cancel(KEEL_NONE));
    CHECK_INT(ref.word, 77);
}

static void use_behaviours(bool running)
{
    keel_term dead = keel_from_pid(old_pid), reply = keel_atom(untouched);
    keel_status to_dead = running ? KEEL_E_NOPROC : KEEL_E_STOPPED;
    CHECK_INT(keel_gen_call(dead, keel_int(1), SOON, &reply), to_dead);
    CHECK_INT(keel_gen_system_call(dead, keel_int(1), SOON, &reply), to_dead);
    CHECK_INT(keel_gen_call(keel_atom(nobody_here), keel_int(1), SOON, &reply), to_dead);
    REFUSED(keel_gen_call(KEEL_NONE, keel_int(1), SOON, &reply));
    REFUSED(keel_gen_call(dead, KEEL_NONE, SOON, &reply));
    CHECK_TERM(reply, "untouched");
    if (running) {
        CHECK_OK(keel_gen_cast(dead, keel_int(1)));
    } else {
        REFUSED(keel_gen_cast(dead, keel_int(1)));
    }
    keel_gen_reply((keel_from){{0}, {0}}, keel_int(1));
    keel_gen_reply((keel_from){old_pid, keel_from_ref(old_ref)}, keel_int(1));
    CHECK(no_ref(keel_gen_send_request(dead, keel_int(1))));
    REFUSED(keel_gen_wait_response(old_ref, SOON, &reply));
    REFUSED(keel_gen_receive_response(old_ref, SOON, &reply));
    REFUSED(keel_gen_check_response(keel_atom(other), old_ref, &reply));
    keel_gen_abandon(old_ref);
    keel_gen_ack(keel_atom(ok));
    CHECK(!keel_gen_started());
    CHECK_INT(keel_gen_deadline().at, KEEL_NEVER.at);
    CHECK(keel_is_none(keel_from_of_term(KEEL_NONE).tag));
}

static bool no_process(const keel_process_view *view, void *unused)
{
    (void)view, (void)unused;
    CHECK(false);
    return false;
}

static void use_inspection(bool running)
{
    keel_term info;
    keel_process_view view;
    keel_runtime_view runtime;
    keel_worker_view worker;
    char text[64] = "untouched";
    CHECK_OK(keel_process_info(old_pid, keel_atom(status), &info));
    CHECK_TERM(info, "undefined");
    REFUSED(keel_process_info((keel_pid){0}, keel_atom(status), &info));
    CHECK(!keel_inspect_process(old_pid, &view));
    CHECK(!keel_inspect_process((keel_pid){0}, &view));
    if (!running) {
        keel_inspect_each(no_process, NULL);
        CHECK(!keel_inspect_worker(0, &worker));
    }
    CHECK_INT(keel_inspect_stack(old_pid, text, sizeof text), 0);
    CHECK_STR(text, "");
    keel_inspect_runtime(&runtime);
    CHECK(running || (runtime.processes == 0 && runtime.timers == 0));
    CHECK(!keel_inspect_worker(100000, &worker));
    keel_inspect_stacks(NULL, 0);
    REFUSED(keel_blocking(never, NULL, NULL, SOON));
    REFUSED(keel_wait_fd(0, KEEL_READABLE, SOON, NULL));
}

static void use_runtime(bool running)
{
    keel_stop_report report;
    CHECK_INT(keel_is_running(), running);
    if (running) {
        CHECK_INT(keel_start(NULL), KEEL_E_RUNNING);
    } else {
        CHECK_INT(keel_stop(KEEL_AT_ONCE, &report), KEEL_E_STOPPED);
        CHECK_INT(keel_stop(KEEL_AT_ONCE, NULL), KEEL_E_STOPPED);
    }
    CHECK_INT(keel_run_once(KEEL_AT_ONCE), 0);
    CHECK_INT(keel_fd(), -1);
    CHECK(keel_now() >= 0 && keel_system_time() > 0);
    keel_random();
}

static void use_everything(bool running)
{
    keel_scope scope = keel_scope_open();
    use_runtime(running);
    use_spawning(running);
    use_process(running);
    use_memory();
    use_messages(running);
    use_links();
    use_timers(running);
    use_behaviours(running);
    use_inspection(running);
    keel_scope_close(&scope);
}

static void note_pid(keel_term unused)
{
    (void)unused;
    old_pid = keel_self();
    old_ref = keel_make_ref();
}

// Leaves old_pid and old_ref to a process that has ended.
static void start_and_make_old(const keel_config *config)
{
    CHECK_OK(keel_start(config));
    keel_term ack;
    keel_pid pid;
    REFUSED(keel_start_body(note_pid, KEEL_NONE, NULL, SOON, &pid, NULL, &ack));
    CHECK(same_pid(pid, old_pid));
}

TEST("before the start everything is refused")
{
    old_pid = kl_pid_make(3, 1); // one that could be
    old_ref = keel_make_ref();
    use_everything(false);
}

TEST("a thread outside is refused what only a process may do")
{
    start_and_make_old(NULL);
    use_everything(true);
    CHECK_OK(keel_stop(SOON, NULL));
}

TEST("after the stop everything is refused, and it may be started again")
{
    for (int i = 0; i < 3; i++) {
        start_and_make_old(NULL);
        CHECK_OK(keel_stop(SOON, NULL));
        use_everything(false);
    }
}

TEST("configurations out of range are refused")
{
    const keel_config bad[] = {{.max_processes = 1}, {.max_processes = 15},
            {.max_processes = ((size_t)1 << 28) + 1}, {.stack_bytes = SIZE_MAX / 2}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(keel_start(&bad[i]), KEEL_E_BADARG);
        CHECK(!keel_is_running());
    }
}

// --- functions that do not return ---

static void *call_exit(void *unused)
{
    (void)unused;
    keel_exit(keel_atom(over));
}

static void *call_error(void *unused)
{
    (void)unused;
    keel_error(keel_atom(over));
}

static void *call_assert(void *unused)
{
    (void)unused;
    KEEL_ASSERT(1 > 2);
    CHECK(false);
    return NULL;
}

static void *call_hibernate_then(void *unused)
{
    (void)unused;
    keel_hibernate_then(never_run, keel_int(1));
}

static void *call_gen_fail(void *unused)
{
    (void)unused;
    keel_gen_fail(keel_atom(failed), keel_atom(over));
}

static void *call_gen_enter(void *unused)
{
    (void)unused;
    keel_gen_enter(&never_handler, NULL, keel_next_wait());
}

static void *(*const ends[])(void *) = {call_exit, call_error, call_assert,
        call_hibernate_then, call_gen_fail, call_gen_enter};

TEST("what would end a process ends the thread that calls it outside")
{
    for (int running = 0; running < 2; running++) {
        if (running) {
            CHECK_OK(keel_start(NULL));
        }
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
            pthread_t thread;
            CHECK_OK(pthread_create(&thread, NULL, ends[i], NULL));
            CHECK_OK(pthread_join(thread, NULL));
        }
    }
    CHECK_OK(keel_stop(SOON, NULL));
}

// --- threads that may do something ---

static keel_next serve(void *state, const keel_message *message)
{
    (void)state;
    if (message->kind == KEEL_MESSAGE_CALL) {
        keel_gen_reply(message->from, keel_make("{got, R}", message->body));
    }
    return keel_next_wait();
}

static keel_next start_serving(void *state, keel_term argument)
{
    (void)state, (void)argument;
    return keel_next_wait();
}

static const keel_handler serving = {
        .name = "serving", .start = start_serving, .receive = serve};

static void *call_from_thread(void *server)
{
    for (int i = 0; i < 200; i++) {
        keel_scope scope = keel_scope_open();
        keel_term reply;
        CHECK_OK(keel_gen_call(*(keel_term *)server, keel_int(i), SOON, &reply));
        CHECK_TERM(reply, "{got, ^I}", i);
        keel_scope_close(&scope);
    }
    return NULL;
}

TEST("threads outside spawn, call, send, and ask for names")
{
    CHECK_OK(keel_start(NULL));
    keel_scope scope = keel_scope_open();
    keel_spawn_opts opts = {.name = keel_atom(served)};
    keel_pid pid;
    CHECK_OK(keel_spawn_handler(&serving, KEEL_NONE, &opts, &pid, NULL));
    CHECK(same_pid(keel_whereis("served"), pid));
    CHECK(keel_process_alive(pid));
    keel_term to = keel_from_pid(pid);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        CHECK_OK(pthread_create(&threads[i], NULL, call_from_thread, &to));
    }
    for (int i = 0; i < 3; i++) {
        CHECK_OK(pthread_join(threads[i], NULL));
    }
    CHECK_OK(keel_send(pid, keel_atom(noise)));
    CHECK_OK(keel_gen_cast(to, keel_atom(noise)));
    CHECK_OK(keel_process_exit(pid, keel_atom(over)));
    keel_term reply;
    keel_status status = keel_gen_call(to, keel_int(1), SOON, &reply);
    CHECK(status == KEEL_E_NOPROC || status == KEEL_E_EXIT);
    keel_scope_close(&scope);
    keel_stop_report report;
    CHECK_OK(keel_stop(SOON, &report));
    CHECK_INT(report.killed, 0);
}
