// Starting a process and waiting until it says that it has started.

#include "proc_testing.h"

#include "proc.h"

#include <pthread.h>

struct started {
    keel_status status;
    keel_pid pid;
    keel_ref monitor;
    keel_term ack;
};

static struct started start_until(
        keel_body body, keel_term argument, keel_spawn_opts opts, keel_deadline timeout)
{
    struct started started = {.ack = keel_atom(untouched)};
    started.status = keel_start_body(
            body, argument, &opts, timeout, &started.pid, &started.monitor, &started.ack);
    return started;
}

static struct started start(keel_body body, keel_term argument, keel_spawn_opts opts)
{
    return start_until(body, argument, opts, SOON);
}

static void ack_and_wait(keel_term ack)
{
    CHECK(keel_gen_started());
    keel_gen_ack(ack);
    keel_gen_ack(keel_atom(second)); // does nothing
    wait_forever(KEEL_NONE);
}

static void fail(keel_term result_and_reason)
{
    keel_gen_fail(keel_element(result_and_reason, 0), keel_element(result_and_reason, 1));
}

static void assert_false(keel_term unused)
{
    (void)unused;
    KEEL_ASSERT(1 == 2);
}

static void forget_crash(const keel_crash *crash)
{
    (void)crash;
}

PROCESS_TEST("a start gives what the child acknowledges with, once", .ids = "PL-008 PL-012")
{
    keel_term ack = keel_make("{ok, [<<\"some\">>, Self]}", keel_self());
    struct started child = start(ack_and_wait, ack, (keel_spawn_opts){0});
    CHECK_OK(child.status);
    CHECK_EQUAL(child.ack, ack);
    CHECK(no_ref(child.monitor));
    CHECK(keel_process_alive(child.pid));
    CHECK(!keel_gen_started());
    EXPECT_NO_MESSAGE();
    end_process(child.pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a child that ends without a word fails the start with its reason",
        .ids = "PL-014 PL-015")
{
    struct started child = start(do_nothing, KEEL_NONE, (keel_spawn_opts){0});
    CHECK_INT(child.status, KEEL_E_EXIT);
    CHECK_TERM(child.ack, "normal");
    child = start(exit_with, keel_make("{over, [1]}"), (keel_spawn_opts){0});
    CHECK_INT(child.status, KEEL_E_EXIT);
    CHECK_TERM(child.ack, "{over, [1]}");
    CHECK(!keel_process_alive(child.pid));
    keel_crash_handler before = keel_crash_handler_set(forget_crash);
    child = start(assert_false, KEEL_NONE, (keel_spawn_opts){0});
    keel_crash_handler_set(before);
    CHECK_INT(child.status, KEEL_E_EXIT);
    CHECK_TERM(child.ack, "{{assertion, <<\"1 == 2\">>, _, _}, [_ | _]}");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("keel_gen_fail tells the starter one thing and others another",
        .ids = "PL-028 PL-031")
{
    keel_spawn_opts monitor = {.monitor = true};
    keel_term both = keel_make("{{error, [why]}, shutdown}");
    struct started child = start(fail, both, monitor);
    CHECK_INT(child.status, KEEL_E_CANCELED);
    CHECK_TERM(child.ack, "{error, [why]}");
    CHECK(!keel_process_alive(child.pid));
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, shutdown}", child.monitor, child.pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a linked starter that traps exits finds no EXIT of a failed start")
{
    keel_spawn_opts link = {.link = true};
    keel_trap_exit(true);
    CHECK_INT(start(exit_with, keel_atom(over), link).status, KEEL_E_EXIT);
    CHECK_INT(start(do_nothing, KEEL_NONE, link).status, KEEL_E_EXIT);
    CHECK_INT(start(fail, keel_make("{no, over}"), link).status, KEEL_E_CANCELED);
    CHECK_INT(start_until(wait_forever, KEEL_NONE, link, KEEL_IN(KEEL_MS(2))).status,
            KEEL_E_TIMEOUT);
    EXPECT_NO_MESSAGE();
    // That of a start that worked is an ordinary link.
    struct started child = start(ack_and_wait, keel_atom(ok), link);
    CHECK_OK(child.status);
    CHECK_OK(keel_process_exit(child.pid, keel_atom(later)));
    EXPECT_NEXT("{'EXIT', ^Pid, later}", child.pid);
    EXPECT_NO_MESSAGE();
}

static keel_term act_start_linked(keel_term reason)
{
    keel_spawn_opts link = {.link = true};
    return keel_int(start(exit_with, reason, link).status);
}

static keel_term act_fail_linked(keel_term reason)
{
    keel_spawn_opts link = {.link = true};
    return keel_int(start(fail, keel_make("{no, Reason}", reason), link).status);
}

PROCESS_TEST("a linked starter that does not trap goes down with an abnormal reason only")
{
    keel_pid starter = new_puppet();
    CHECK_TERM(
            ask(starter, act_start_linked, keel_atom(normal)), "^Status", (int)KEEL_E_EXIT);
    CHECK_TERM(ask(starter, act_fail_linked, keel_atom(normal)), "^Status",
            (int)KEEL_E_CANCELED);
    keel_ref monitor = keel_monitor(starter);
    tell(starter, act_start_linked, keel_atom(over));
    CHECK_TERM(await_down(monitor), "over");
    starter = new_puppet();
    monitor = keel_monitor(starter);
    tell(starter, act_fail_linked, keel_atom(over));
    CHECK_TERM(await_down(monitor), "over");
}

static void tell_and_wait(keel_term owner)
{
    CHECK_OK(keel_send(owner, keel_make("{child, Self}", keel_self())));
    wait_forever(KEEL_NONE);
}

PROCESS_TEST("a start that takes too long is given up, and the child is gone by then",
        .ids = "PL-019")
{
    keel_spawn_opts monitor = {.monitor = true};
    int64_t begin = keel_now();
    struct started child = start_until(
            tell_and_wait, keel_from_pid(keel_self()), monitor, KEEL_IN(KEEL_MS(10)));
    CHECK_INT(child.status, KEEL_E_TIMEOUT);
    CHECK_TERM(child.ack, "untouched");
    keel_yield();
    CHECK(keel_now() - begin >= KEEL_MS(10));
    keel_pid pid;
    EXPECT_NEXT("{child, Pid}", &pid);
    CHECK(!keel_process_alive(pid));
    // Only a monitored start has a message of its end.
    CHECK_TERM(await_down(child.monitor), "killed");
    EXPECT_NO_MESSAGE();
    child = start_until(tell_and_wait, keel_from_pid(keel_self()), (keel_spawn_opts){0},
            KEEL_IN(KEEL_MS(10)));
    CHECK_INT(child.status, KEEL_E_TIMEOUT);
    EXPECT_NEXT("{child, _}");
    EXPECT_NO_MESSAGE();
}

static void ack_after(keel_term nanoseconds)
{
    keel_sleep(keel_to_int(nanoseconds));
    keel_gen_ack(keel_atom(done));
    wait_forever(KEEL_NONE);
}

PROCESS_TEST("an acknowledgement and the deadline may meet: nothing is left of either",
        .ids = "PL-019 PL-024")
{
    keel_spawn_opts both = {.link = true, .monitor = true};
    keel_trap_exit(true);
    for (int i = 0; i < 30; i++) {
        struct started child = start_until(
                ack_after, keel_int(KEEL_US(50) + 1000 * i), both, KEEL_IN(KEEL_US(60)));
        if (child.status == KEEL_OK) {
            CHECK_TERM(child.ack, "done");
            CHECK_OK(keel_process_exit(child.pid, keel_atom(kill)));
            EXPECT_MESSAGE("{'EXIT', ^Pid, killed}", child.pid);
            CHECK_TERM(await_down(child.monitor), "killed");
        } else {
            CHECK_INT(child.status, KEEL_E_TIMEOUT);
            CHECK(!keel_process_alive(child.pid));
            CHECK_TERM(await_down(child.monitor), "killed");
        }
        EXPECT_NO_MESSAGE();
    }
}

PROCESS_TEST("a taken name fails the start and says whose it is", .ids = "PL-023")
{
    keel_spawn_opts named = {.name = keel_atom(start_test_name), .link = true};
    struct started first = start(ack_and_wait, keel_atom(ok), named);
    CHECK_OK(first.status);
    CHECK(same_pid(keel_whereis("start_test_name"), first.pid));
    struct started second = start(ack_and_wait, keel_atom(ok), named);
    CHECK_INT(second.status, KEEL_E_TAKEN);
    CHECK_EQUAL(second.ack, keel_from_pid(first.pid));
    end_process(first.pid);
    // When a start has failed the name is free when the starter hears of it.
    for (int i = 0; i < 20; i++) {
        named.link = false;
        CHECK_INT(start(exit_with, keel_atom(over), named).status, KEEL_E_EXIT);
        CHECK(no_pid(keel_whereis("start_test_name")));
    }
    EXPECT_NO_MESSAGE();
}

static void start_waiting_child(keel_term owner)
{
    keel_term ack;
    keel_status status = keel_start_body(
            tell_and_wait, owner, NULL, KEEL_NEVER, NULL, NULL, &ack);
    CHECK_OK(keel_send(owner, keel_make("{outcome, Status, Ack}", (int)status, ack)));
}

PROCESS_TEST("a child may be killed while its starter waits, and the starter itself",
        .ids = "PL-017")
{
    keel_term owner = keel_from_pid(keel_self());
    keel_pid child;
    keel_spawn(start_waiting_child, owner);
    EXPECT_MESSAGE("{child, Child}", &child);
    CHECK_OK(keel_process_exit(child, keel_atom(kill)));
    EXPECT_MESSAGE("{outcome, ^Status, killed}", (int)KEEL_E_EXIT);
    keel_pid starter = keel_spawn(start_waiting_child, owner);
    EXPECT_MESSAGE("{child, Child}", &child);
    end_process(starter);
    CHECK(keel_process_alive(child)); // not linked
    end_process(child);
    EXPECT_NO_MESSAGE();
}

// --- handlers ---

static keel_next begin_as_told(void *state, keel_term how)
{
    (void)state;
    CHECK(keel_gen_started());
    if (keel_is(how, ack)) {
        keel_gen_ack(keel_make("{ok, Self}", keel_self()));
    } else if (keel_is(how, stop)) {
        return keel_next_exit(keel_atom(stopped));
    } else if (keel_is(how, fail)) {
        keel_gen_fail(keel_atom(declined), keel_atom(normal));
    }
    return keel_next_wait();
}

static keel_next receive_nothing(void *state, const keel_message *message)
{
    (void)state, (void)message;
    return keel_next_wait();
}

static const keel_handler handler = {
        .name = "start_test", .start = begin_as_told, .receive = receive_nothing};

PROCESS_TEST("a handler acknowledges by itself, or by waiting for its first message")
{
    keel_term ack = KEEL_NONE;
    keel_pid pid;
    CHECK_OK(keel_gen_start(&handler, keel_atom(ack), NULL, SOON, &pid, NULL, &ack));
    CHECK_TERM(ack, "{ok, ^Pid}", pid);
    end_process(pid);
    CHECK_OK(keel_gen_start(&handler, keel_atom(wait), NULL, SOON, &pid, NULL, &ack));
    CHECK_TERM(ack, "ok");
    end_process(pid);
    CHECK_INT(keel_gen_start(&handler, keel_atom(stop), NULL, SOON, &pid, NULL, &ack),
            KEEL_E_EXIT);
    CHECK_TERM(ack, "stopped");
    CHECK_INT(keel_gen_start(&handler, keel_atom(fail), NULL, SOON, NULL, NULL, NULL),
            KEEL_E_CANCELED);
    CHECK_INT(keel_gen_start(NULL, KEEL_NONE, NULL, SOON, NULL, NULL, &ack), KEEL_E_BADARG);
    CHECK_TERM(ack, "stopped");
    EXPECT_NO_MESSAGE();
}

// --- bodies that become something else before they acknowledge ---

static void ack_later(keel_term ack)
{
    keel_gen_ack(ack);
}

static void hibernate_first(keel_term ack)
{
    CHECK_OK(keel_send(keel_self(), keel_atom(awake)));
    keel_hibernate_then(ack_later, ack);
}

PROCESS_TEST("a child may hibernate into another body and acknowledge there")
{
    struct started child = start(
            hibernate_first, keel_make("{late, [ack]}"), (keel_spawn_opts){0});
    CHECK_OK(child.status);
    CHECK_TERM(child.ack, "{late, [ack]}");
    await_down(keel_monitor(child.pid));
}

static void hibernate_and_end(keel_term reason)
{
    CHECK_OK(keel_send(keel_self(), keel_atom(awake)));
    keel_hibernate_then(exit_with, reason);
}

static keel_next end_of_handler(void *state, const keel_message *message)
{
    (void)state;
    return keel_next_exit(message->body);
}

static const keel_handler ending = {
        .name = "ending", .start = begin_as_told, .receive = end_of_handler};

static void enter_and_end(keel_term reason)
{
    CHECK_OK(keel_send(keel_self(), reason));
    keel_gen_enter(&ending, NULL, keel_next_wait());
}

PROCESS_TEST("the starter hears of the end of a child that became something else")
{
    struct started child = start(
            hibernate_and_end, keel_make("{over, 1}"), (keel_spawn_opts){0});
    CHECK_INT(child.status, KEEL_E_EXIT);
    CHECK_TERM(child.ack, "{over, 1}");
    child = start(enter_and_end, keel_make("{over, 2}"), (keel_spawn_opts){0});
    CHECK_INT(child.status, KEEL_E_EXIT);
    CHECK_TERM(child.ack, "{over, 2}");
}

// --- from outside ---

static void check_from_outside(void)
{
    keel_term ack = keel_atom(untouched), request = keel_make("{ok, [1, <<\"x\">>]}");
    keel_pid pid = {0};
    CHECK_OK(keel_start_body(ack_and_wait, request, NULL, SOON, &pid, NULL, &ack));
    CHECK_EQUAL(ack, request);
    CHECK(keel_process_alive(pid));
    CHECK_INT(
            keel_start_body(exit_with, request, NULL, SOON, NULL, NULL, &ack), KEEL_E_EXIT);
    CHECK_EQUAL(ack, request);
    CHECK_INT(keel_start_body(fail, keel_make("{why, over}"), NULL, SOON, NULL, NULL, &ack),
            KEEL_E_CANCELED);
    CHECK_TERM(ack, "why");
    CHECK_INT(keel_start_body(
                      wait_forever, KEEL_NONE, NULL, KEEL_IN(KEEL_MS(2)), NULL, NULL, &ack),
            KEEL_E_TIMEOUT);
    keel_spawn_opts named = {.name = keel_atom(start_outside_name)};
    CHECK_OK(keel_start_body(ack_and_wait, request, &named, SOON, &pid, NULL, &ack));
    CHECK_INT(keel_start_body(ack_and_wait, request, &named, SOON, NULL, NULL, &ack),
            KEEL_E_TAKEN);
    CHECK_EQUAL(ack, keel_from_pid(pid));
    keel_process_view view;
    CHECK(keel_inspect_process(pid, &view));
    CHECK(no_pid(view.parent)); // a root: keel_stop asks it first
}

static void stop_runtime(void)
{
    keel_stop_report report;
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(10)), &report));
    CHECK_INT(report.killed, 0);
    CHECK(report.stopped >= 2);
}

TEST("a thread outside starts processes as a process does")
{
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    check_from_outside();
    stop_runtime();
}

TEST("so does one that drives a simulation", .seeded = true)
{
    CHECK_OK(kl_runtime_start_simulated(kl_test_seed(), NULL));
    check_from_outside();
    keel_term ack = KEEL_NONE; // and there it is known when nothing can come any more
    CHECK_INT(keel_start_body(wait_forever, KEEL_NONE, NULL, KEEL_NEVER, NULL, NULL, &ack),
            KEEL_E_TIMEOUT);
    keel_stop_report report;
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(10)), &report));
    CHECK_INT(report.killed, 0);
}

static void *start_many(void *unused)
{
    (void)unused;
    for (int i = 0; i < 40; i++) {
        keel_scope scope = keel_scope_open();
        keel_term ack = KEEL_NONE;
        CHECK_OK(keel_start_body(
                ack_later, keel_make("{I, <<\"x\">>}", i), NULL, SOON, NULL, NULL, &ack));
        CHECK_TERM(ack, "{^I, <<\"x\">>}", i);
        keel_scope_close(&scope);
    }
    return NULL;
}

TEST("many threads start at once")
{
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        CHECK_OK(pthread_create(&threads[i], NULL, start_many, NULL));
    }
    for (int i = 0; i < 4; i++) {
        CHECK_OK(pthread_join(threads[i], NULL));
    }
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(10)), NULL));
}
