// Starting and stopping the runtime, and living in the loop of a host.

#include "proc_testing.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

static keel_stop_report stop_within(keel_duration limit)
{
    keel_stop_report report;
    memset(&report, 0x55, sizeof report);
    CHECK_OK(keel_stop(KEEL_IN(limit), &report));
    CHECK(!keel_is_running());
    return report;
}

static int ran;

static void count_run(keel_term unused)
{
    (void)unused;
    __atomic_fetch_add(&ran, 1, __ATOMIC_RELAXED);
}

static int runs(void)
{
    return __atomic_load_n(&ran, __ATOMIC_RELAXED);
}

TEST("the runtime starts and stops many times")
{
    CHECK(!keel_is_running());
    for (unsigned i = 0; i < 30; i++) {
        CHECK_OK(keel_start(&(keel_config){.workers = 1 + i % 3}));
        CHECK(keel_is_running());
        CHECK_INT(keel_start(NULL), KEEL_E_RUNNING);
        for (int k = 0; k < 10; k++) {
            CHECK(!no_pid(keel_spawn(count_run, KEEL_NONE)));
        }
        keel_stop_report report = stop_within(KEEL_SECONDS(10));
        CHECK_INT(report.killed, 0);
        CHECK_INT(report.count, 0);
    }
    CHECK_INT(keel_stop(KEEL_NEVER, NULL), KEEL_E_STOPPED);
    CHECK_OK(keel_start(NULL));
    keel_runtime_view view;
    keel_inspect_runtime(&view);
    CHECK_INT(view.workers, sysconf(_SC_NPROCESSORS_ONLN));
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(10)), NULL));
}

TEST("a pid of an earlier run is nobody's in the next")
{
    CHECK_OK(keel_start(&(keel_config){.workers = 1}));
    keel_pid old = keel_spawn(wait_forever, KEEL_NONE);
    CHECK(keel_process_alive(old));
    CHECK_INT(stop_within(KEEL_SECONDS(10)).stopped, 1);
    CHECK_OK(keel_start(&(keel_config){.workers = 1}));
    keel_pid fresh = keel_spawn(wait_forever, KEEL_NONE);
    CHECK(keel_process_alive(fresh));
    stop_within(KEEL_SECONDS(10));
}

TEST("a configuration out of range is refused, and nothing is started")
{
    keel_config bad[] = {{.max_processes = 15}, {.max_processes = ((size_t)1 << 28) + 1},
            {.workers = 1025}, {.stack_bytes = ((size_t)1 << 30) + 1},
            {.blocking_threads = 65537}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(keel_start(&bad[i]), KEEL_E_BADARG);
        CHECK(!keel_is_running());
    }
    CHECK_OK(keel_start(&(keel_config){.workers = 1, .max_processes = 16}));
    stop_within(KEEL_SECONDS(10));
}

static void start_and_stop_inside(keel_term unused)
{
    (void)unused;
    CHECK_INT(keel_start(NULL), KEEL_E_INSIDE);
    CHECK_INT(keel_stop(KEEL_NEVER, NULL), KEEL_E_INSIDE);
    CHECK_INT(keel_run_once(KEEL_AT_ONCE), 0);
    CHECK_INT(keel_fd(), -1);
    count_run(KEEL_NONE);
}

TEST("a process neither starts nor stops the runtime it runs in")
{
    ran = 0;
    CHECK_OK(keel_start(&(keel_config){.workers = 1}));
    keel_term ack;
    CHECK_INT(
            keel_start_body(start_and_stop_inside, KEEL_NONE, NULL, SOON, NULL, NULL, &ack),
            KEEL_E_EXIT);
    CHECK_TERM(ack, "normal");
    CHECK_INT(runs(), 1);
    stop_within(KEEL_SECONDS(10));
}

// --- stopping ---

static void ack_and_wait(keel_term unused)
{
    (void)unused;
    keel_gen_ack(keel_atom(ok));
    wait_forever(KEEL_NONE);
}

static void trap_and_ignore(keel_term name)
{
    keel_trap_exit(true);
    CHECK_OK(keel_register(name, keel_self()));
    ack_and_wait(KEEL_NONE);
}

static void trap_and_call(keel_term server)
{
    keel_trap_exit(true);
    keel_gen_ack(keel_atom(ok));
    keel_term reply;
    keel_status status = keel_gen_call(server, keel_atom(ignored), KEEL_NEVER, &reply);
    CHECK(status != KEEL_OK);
    wait_forever(KEEL_NONE);
}

static keel_pid start_as(const char *entry, keel_body body, keel_term argument)
{
    keel_spawn_opts opts = {.entry = entry};
    keel_pid pid;
    keel_term ack;
    CHECK_OK(keel_start_body(body, argument, &opts, SOON, &pid, NULL, &ack));
    return pid;
}

static keel_pid start_ok(keel_body body, keel_term argument)
{
    return start_as(NULL, body, argument);
}

TEST("the report of a stop names who had to be killed, and what they waited for")
{
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    for (int i = 0; i < 5; i++) {
        start_ok(ack_and_wait, KEEL_NONE);
    }
    keel_pid stubborn = start_ok(trap_and_ignore, keel_atom(stubborn));
    keel_pid caller = start_as("the caller", trap_and_call, keel_from_pid(stubborn));
    keel_stop_report report = stop_within(KEEL_MS(300));
    CHECK(report.stopped >= 5);
    CHECK_INT(report.killed, 2);
    CHECK_INT(report.count, 2);
    int seen = 0;
    for (size_t i = 0; i < report.count; i++) {
        const keel_straggler *straggler = &report.stragglers[i];
        if (same_pid(straggler->pid, stubborn)) {
            CHECK_STR(straggler->name, "stubborn");
            CHECK_STR(straggler->waiting_for, "a message");
            seen |= 1;
        } else if (same_pid(straggler->pid, caller)) {
            CHECK_STR(straggler->name, "the caller");
            CHECK(strstr(straggler->waiting_for, "the reply of <0."));
            seen |= 2;
        }
    }
    CHECK_INT(seen, 3);
}

static void start_children(keel_term count)
{
    keel_trap_exit(true);
    for (int64_t i = keel_to_int(count); i > 0; i--) {
        keel_term ack;
        CHECK_OK(keel_start_body(ack_and_wait, KEEL_NONE, &(keel_spawn_opts){.link = true},
                SOON, NULL, NULL, &ack));
    }
    keel_gen_ack(keel_atom(ok));
    EXPECT_NEXT("{'EXIT', _, shutdown}"); // before any child's
    while (keel_process_alive(keel_self())) {
        keel_term list = keel_process_list(), pid;
        bool others = false;
        while (keel_list_next(&list, &pid)) {
            if (!same_pid(keel_to_pid(pid), keel_self())) {
                others = true;
                keel_process_exit(keel_to_pid(pid), keel_atom(shutdown));
            }
        }
        if (!others) {
            return;
        }
        EXPECT_NEXT("{'EXIT', _, shutdown}");
    }
}

TEST("roots are asked first: they stop their children")
{
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    start_ok(start_children, keel_int(20));
    keel_stop_report report = stop_within(KEEL_SECONDS(20));
    CHECK_INT(report.killed, 0);
    CHECK(report.stopped >= 21);
}

static int stuck_may_go;

static void be_stuck(keel_term unused)
{
    (void)unused;
    keel_gen_ack(keel_atom(ok));
    while (__atomic_load_n(&stuck_may_go, __ATOMIC_ACQUIRE) == 0) {
        sched_yield(); // C code that never gives way; the watcher frees its worker's queue
    }
}

TEST("a process stuck in C code makes the stop fail; a later one succeeds")
{
    stuck_may_go = 0;
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    keel_pid stuck = start_as("be_stuck", be_stuck, KEEL_NONE);
    keel_stop_report report;
    CHECK_INT(keel_stop(KEEL_IN(KEEL_MS(500)), &report), KEEL_E_TIMEOUT);
    CHECK_INT(report.killed, 1);
    CHECK(same_pid(report.stragglers[0].pid, stuck));
    CHECK_STR(report.stragglers[0].name, "be_stuck");
    CHECK(keel_is_running());
    CHECK(keel_process_alive(stuck));
    __atomic_store_n(&stuck_may_go, 1, __ATOMIC_RELEASE);
    stop_within(KEEL_SECONDS(10));
}

static void respawn(keel_term generations)
{
    int64_t left = keel_to_int(generations);
    if (left > 0) {
        keel_spawn(respawn, keel_int(left - 1));
    }
}

TEST("a stop ends who is spawned meanwhile as well")
{
    for (int i = 0; i < 5; i++) {
        CHECK_OK(keel_start(&(keel_config){.workers = 2}));
        for (int k = 0; k < 8; k++) {
            keel_spawn(respawn, keel_int(20000));
        }
        stop_within(KEEL_SECONDS(20));
    }
}

// --- in the loop of a host ---

static void sleep_and_count(keel_term unused)
{
    (void)unused;
    for (int i = 0; i < 5; i++) {
        keel_sleep(KEEL_MS(1));
        count_run(KEEL_NONE);
    }
}

static keel_pid start_hosted(keel_body body)
{
    ran = 0;
    CHECK_OK(keel_start(&(keel_config){.no_threads = true}));
    CHECK(keel_fd() >= 0);
    keel_pid pid = keel_spawn(body, KEEL_NONE);
    CHECK(!no_pid(pid));
    return pid;
}

// A host's loop: true when the descriptor became readable in time.
static bool poll_once(void)
{
    struct pollfd watched = {.fd = keel_fd(), .events = POLLIN};
    return poll(&watched, 1, 20000) == 1;
}

TEST("without threads nothing runs but in keel_run_once")
{
    keel_pid pid = start_hosted(count_run);
    CHECK_INT(runs(), 0);
    CHECK(keel_process_alive(pid));
    CHECK(keel_run_once(KEEL_AT_ONCE) > 0);
    CHECK_INT(runs(), 1);
    CHECK_INT(keel_run_once(KEEL_AT_ONCE), 0);
    int64_t begin = keel_now();
    CHECK_INT(keel_run_once(KEEL_IN(KEEL_MS(3))), 0);
    CHECK(keel_now() - begin >= KEEL_MS(3));
    stop_within(KEEL_SECONDS(10));
    CHECK_INT(keel_fd(), -1);
    CHECK_INT(keel_run_once(KEEL_AT_ONCE), 0);
}

TEST("the descriptor of the runtime tells a host's poll of timers and of work")
{
    start_hosted(sleep_and_count);
    while (runs() < 5) {
        CHECK(poll_once());
        keel_run_once(KEEL_AT_ONCE);
    }
    stop_within(KEEL_SECONDS(10));
}

static void *spawn_from_thread(void *unused)
{
    CHECK(!no_pid(keel_spawn(count_run, KEEL_NONE)));
    return unused;
}

TEST("so it does of what another thread sends")
{
    start_hosted(wait_forever);
    while (keel_run_once(KEEL_AT_ONCE) > 0) {
        // until it waits
    }
    for (int i = 1; i <= 5; i++) {
        pthread_t thread;
        CHECK_OK(pthread_create(&thread, NULL, spawn_from_thread, NULL));
        while (runs() < i) {
            CHECK(poll_once());
            keel_run_once(KEEL_AT_ONCE);
        }
        CHECK_OK(pthread_join(thread, NULL));
    }
    CHECK_INT(stop_within(KEEL_SECONDS(10)).stopped, 1);
}

TEST("with threads there is nothing for a host to run")
{
    CHECK_OK(keel_start(&(keel_config){.workers = 1}));
    CHECK_INT(keel_fd(), -1);
    CHECK_INT(keel_run_once(KEEL_NEVER), 0);
    stop_within(KEEL_SECONDS(10));
}

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
