// Starting and stopping the kit, what it finds left behind, and failures.

#include "kit_testing.h"

#include <keel/alloc.h>
#include <keel/extend.h>
#include <keel/gen.h>
#include <keel/link.h>
#include <keel/timer.h>
#include <pthread.h>

static void wait_for_any(keel_term unused)
{
    (void)unused;
    keel_receive();
}

static void ignore_exits(keel_term unused)
{
    (void)unused;
    keel_trap_exit(true);
    for (;;) {
        keel_receive();
    }
}

TEST("a simulation starts with its seed, at the same time of the same day")
{
    for (int round = 0; round < 2; round++) {
        CHECK_OK(keel_test_start(4711, NULL));
        CHECK(keel_is_running());
        CHECK_INT(keel_test_seed(), 4711);
        CHECK_INT(keel_now(), KEEL_SECONDS(1));
        CHECK_INT(keel_system_time(), KEEL_SECONDS(1577836800)); // 2020 begins
        end_test();
        CHECK(!keel_is_running());
        CHECK_INT(last_report.seed, 4711);
        CHECK_INT(last_report.elapsed, 0);
        CHECK_STR(last_report.text, "");
        CHECK(keel_is_none(last_report.reason));
    }
}

TEST("a simulation has no threads, and says so to whoever asks for some")
{
    keel_test_opts opts = {.runtime = {.workers = 2}};
    CHECK_INT(keel_test_start(1, &opts), KEEL_E_UNSUPPORTED);
    opts.runtime = (keel_config){.no_threads = true};
    CHECK_INT(keel_test_start(1, &opts), KEEL_E_UNSUPPORTED);
    CHECK(!keel_is_running());
    opts.runtime = (keel_config){.max_processes = 1};
    CHECK_INT(keel_test_start(1, &opts), KEEL_E_BADARG);
    CHECK(!keel_is_running());
}

static void start_and_stop_inside(keel_term probe)
{
    keel_send(probe, keel_int(keel_test_start(1, NULL)));
    keel_send(probe, keel_int(keel_test_stop(NULL)));
    keel_send(probe, keel_int(keel_test_run(wait_for_any, KEEL_NONE, 1, NULL, NULL)));
}

TEST("a simulation is started once, from outside, and stopped once")
{
    begin_test();
    CHECK_INT(keel_test_start(1, NULL), KEEL_E_RUNNING);
    CHECK_INT(keel_test_run(wait_for_any, KEEL_NONE, 1, NULL, NULL), KEEL_E_RUNNING);
    keel_pid probe = keel_test_probe();
    keel_spawn(start_and_stop_inside, keel_from_pid(probe));
    int start, stop, run;
    CHECK(keel_test_expect(probe, "Status", &start));
    CHECK(keel_test_expect(probe, "Status", &stop));
    CHECK(keel_test_expect(probe, "Status", &run));
    CHECK_INT(start, KEEL_E_INSIDE);
    CHECK_INT(stop, KEEL_E_INSIDE);
    CHECK_INT(run, KEEL_E_INSIDE);
    end_test();
    CHECK_INT(keel_test_stop(NULL), KEEL_E_STOPPED);
}

TEST("whoever stops the runtime has stopped the kit")
{
    begin_test();
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(1)), NULL));
    CHECK_INT(keel_test_settle(), KEEL_E_STOPPED);
    CHECK_INT(keel_test_stop(NULL), KEEL_E_STOPPED);
    begin_test();
    end_test();
}

// --- what is left behind ---

static void acknowledge(keel_term unused)
{
    keel_gen_ack(keel_atom(here_i_am));
    keel_spawn_link(wait_for_any, unused);
    keel_receive();
}

TEST("processes that end when asked to, and those linked to them, are not left behind")
{
    begin_test();
    keel_spawn(wait_for_any, KEEL_NONE);
    keel_pid started;
    keel_term ack;
    CHECK_OK(keel_start_body(
            acknowledge, KEEL_NONE, NULL, KEEL_NEVER, &started, NULL, &ack));
    CHECK_TEXT(ack, "here_i_am");
    end_test();
    CHECK_INT(last_report.processes, 0);
}

static void leave_slowly(keel_term unused)
{
    (void)unused;
    keel_trap_exit(true);
    keel_receive();
    keel_sleep(KEEL_SECONDS(4));
}

TEST("a process may take some seconds to end")
{
    begin_test();
    keel_spawn(leave_slowly, KEEL_NONE);
    CHECK_OK(keel_test_settle());
    end_test();
    CHECK_INT(last_report.processes, 0);
}

TEST("a process that does not end when asked to is left behind")
{
    begin_test();
    keel_pid pid = keel_spawn(ignore_exits, KEEL_NONE);
    CHECK_OK(keel_register(keel_atom(stubborn), pid));
    CHECK_OK(keel_test_settle());
    CHECK_INT(keel_test_stop(&last_report), KEEL_E_FAILED);
    CHECK_INT(last_report.processes, 1);
    CHECK_HAS(last_report.text, "1 process was left behind:\n");
    CHECK_HAS(last_report.text, " stubborn (ignore_exits) waits for a message");
    CHECK(!keel_is_running());
}

static void spawn_and_leave(keel_term unused)
{
    keel_spawn(wait_for_any, unused);
    keel_spawn(wait_for_any, unused);
}

TEST("a process whose parent has ended is left behind")
{
    begin_test();
    keel_spawn(spawn_and_leave, KEEL_NONE);
    CHECK_OK(keel_test_settle());
    CHECK_INT(keel_test_stop(&last_report), KEEL_E_FAILED);
    CHECK_INT(last_report.processes, 2);
    CHECK_HAS(last_report.text, "2 processes were left behind:");
    CHECK_HAS(last_report.text, "(wait_for_any) waits for a message");
}

TEST("a timer is left behind when nobody's end takes it away")
{
    begin_test();
    keel_send_after(KEEL_MINUTES(10), "nobody", keel_atom(hello));
    keel_pid pid = keel_spawn(wait_for_any, KEEL_NONE);
    keel_send_after(KEEL_MINUTES(10), pid, keel_atom(hello)); // goes with the process
    CHECK_INT(keel_test_stop(&last_report), KEEL_E_FAILED);
    CHECK_INT(last_report.timers, 1);
    CHECK_HAS(last_report.text, "1 armed timer was left behind");
}

TEST("memory that the program keeps is left behind")
{
    begin_test();
    keel_term kept = keel_keep(keel_make("{some, [term, 1, 2, 3]}"));
    CHECK_INT(keel_test_stop(&last_report), KEEL_E_FAILED);
    CHECK(last_report.memory > 0);
    CHECK_HAS(last_report.text, "bytes of memory were left behind");
    keel_drop(kept);
}

static void take_and_give(keel_term probe)
{
    keel_process_put(keel_atom(key), keel_make("{value, [1, 2, 3]}"));
    keel_keep(keel_make("{some, [term, 1, 2, 3]}"));
    keel_alloc(4000);
    keel_set(&(keel_term){0}, keel_atom(immediate));
    keel_ref alias = keel_alias();
    keel_send(alias, keel_atom(to_myself));
    keel_send(probe, keel_make("{a, #{map => [1, 2, 3]}, <<\"and a binary\">>}"));
}

TEST("what processes kept, terms of the test's thread, atoms and patterns are not")
{
    begin_test();
    keel_pid probe = keel_test_probe();
    keel_spawn(take_and_give, keel_from_pid(probe));
    keel_term map, binary;
    CHECK(keel_test_expect(probe, "{a, Map, Binary}", &map, &binary));
    end_test();
    CHECK_INT(last_report.memory, 0);
    CHECK_TEXT(map, "#{map => [1,2,3]}"); // and they still live
    CHECK_TEXT(binary, "<<\"and a binary\">>");
}

static void live_a_little(keel_term other)
{
    keel_link(keel_to_pid(other));
    keel_send(other, keel_make("{from, Self}", keel_self()));
    keel_sleep(KEEL_MS(5));
}

TEST("a thousand simulations leave nothing", .timeout_s = 300)
{
    size_t memory = 0;
    int64_t used = 0;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        keel_scope scope = keel_scope_open();
        CHECK_OK(keel_test_start(seed, NULL));
        keel_pid probe = keel_test_probe();
        keel_spawn(live_a_little, keel_from_pid(probe));
        CHECK(keel_test_expect(probe, "{from, _}"));
        CHECK_OK(keel_test_advance(KEEL_MS(10)));
        CHECK(keel_test_expect(probe, "{'EXIT', _, normal}"));
        end_test();
        keel_scope_close(&scope);
        if (seed == 10) {
            memory = keel_extend_memory();
            used = keel_memory_used();
        }
    }
    CHECK_INT(keel_extend_memory(), memory);
    CHECK(keel_memory_used() <= used);
}

// --- chance ---

SEEDED("choices are below their bound, and the seed's")
{
    size_t chosen[100];
    uint64_t random = 0;
    for (int round = 0; round < 2; round++) {
        begin_test();
        size_t different = 0;
        for (size_t i = 0; i < 100; i++) {
            size_t choice = keel_test_choose(10);
            CHECK(choice < 10);
            CHECK(round == 0 || choice == chosen[i]);
            chosen[i] = choice;
            different += choice != chosen[0];
        }
        CHECK(different > 0);
        CHECK_INT(keel_test_choose(1), 0);
        CHECK_INT(keel_test_choose(0), 0);
        uint64_t drawn = keel_random();
        CHECK(round == 0 || drawn == random);
        random = drawn;
        end_test();
    }
}

TEST("the trace changes with what happens, and tells seeds apart")
{
    CHECK_OK(keel_test_start(1, NULL));
    uint64_t empty = keel_test_trace();
    keel_spawn(wait_for_any, KEEL_NONE);
    CHECK_INT(keel_test_trace(), empty); // nothing has run yet
    CHECK_OK(keel_test_settle());
    uint64_t first = keel_test_trace();
    CHECK(first != empty);
    end_test();
    size_t different = 0;
    for (uint64_t seed = 2; seed < 22; seed++) {
        CHECK_OK(keel_test_start(seed, NULL));
        keel_spawn(live_a_little, keel_from_pid(keel_test_probe()));
        CHECK_OK(keel_test_settle());
        different += keel_test_trace() != first;
        first = keel_test_trace();
        end_test();
        CHECK(last_report.trace != empty);
    }
    CHECK(different > 10);
}

// --- failing ---

static void fail_inside(keel_term unused)
{
    (void)unused;
    keel_receive();
    keel_test_fail("no luck with %d", 7);
    keel_exit(keel_atom(went_on));
}

TEST("a failure in a process ends it, one outside does not; the first is reported")
{
    begin_test();
    keel_pid probe = keel_test_probe();
    keel_pid pid = keel_spawn(fail_inside, KEEL_NONE);
    keel_ref monitor = keel_test_monitor(probe, pid);
    keel_send(pid, keel_atom(go_on));
    keel_bytes text;
    CHECK(keel_test_expect(
            probe, "{'DOWN', ^Ref, process, _, {test_failed, Text}}", monitor, &text));
    CHECK(!keel_test_fail("another"));
    CHECK(!keel_test_check(1 == 2));
    CHECK(keel_test_check(1 == 1));
    CHECK_INT(keel_test_stop(&last_report), KEEL_E_FAILED);
    CHECK_HAS(last_report.text, "kit_test.c:");
    CHECK_HAS(last_report.text, ": no luck with 7\n");
    CHECK_HAS(last_report.text, "and 2 further failures\n");
    CHECK_LACKS(last_report.text, "another");
}

TEST("a check that does not hold is told with its text and place")
{
    begin_test();
    CHECK(!keel_test_check(1 == 2));
    int line = __LINE__ - 1;
    CHECK_INT(keel_test_stop(&last_report), KEEL_E_FAILED);
    char expected[64];
    snprintf(expected, sizeof expected, "kit_test.c:%d: not true: 1 == 2\n", line);
    CHECK_HAS(last_report.text, expected);
    CHECK_LACKS(last_report.text, "further");
}

// --- threads that stand outside ---

static keel_pid disturbed;

static void *disturb(void *unused)
{
    (void)unused;
    keel_send(disturbed, keel_atom(hello));
    return NULL;
}

TEST("messages from another thread are noticed: no seed can replay them")
{
    begin_test();
    disturbed = keel_spawn(wait_for_any, KEEL_NONE);
    CHECK_OK(keel_test_settle());
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, disturb, NULL), 0);
    pthread_join(thread, NULL);
    CHECK_OK(keel_test_settle());
    CHECK_INT(keel_test_stop(&last_report), KEEL_E_UNSUPPORTED);
    CHECK_HAS(last_report.text, "threads other than the test's have woken processes");
    CHECK(!keel_is_running());
}

static keel_next answer_later(void *state, const keel_message *message)
{
    (void)state;
    if (message->kind == KEEL_MESSAGE_CALL && !keel_is(message->body, nothing)) {
        keel_sleep(KEEL_SECONDS(2));
        keel_gen_reply(message->from, message->body);
    }
    return keel_next_wait();
}

static keel_next begin_server(void *state, keel_term delay)
{
    (void)state;
    keel_sleep(keel_to_int(delay));
    keel_gen_ack(keel_make("{ready, Parent}", keel_bool(keel_parent().word != 0)));
    return keel_next_wait();
}

static const keel_handler server = {
        .name = "late server", .start = begin_server, .receive = answer_later};

TEST("the thread starts and calls servers: time passes until they answer")
{
    begin_test();
    keel_pid pid;
    keel_term answer;
    int64_t before = keel_now();
    CHECK_OK(keel_gen_start(
            &server, keel_int(KEEL_SECONDS(1)), NULL, KEEL_NEVER, &pid, NULL, &answer));
    CHECK_TEXT(answer, "{ready,false}"); // nobody is its parent
    CHECK_INT(keel_now() - before, KEEL_SECONDS(1));
    CHECK_OK(keel_gen_call(keel_from_pid(pid), keel_make("{hello}"), KEEL_NEVER, &answer));
    CHECK_TEXT(answer, "{hello}");
    CHECK_INT(keel_now() - before, KEEL_SECONDS(3));
    end_test();
}

TEST("a call from the thread gives up at its deadline, or when no answer can ever come")
{
    begin_test();
    keel_pid pid;
    keel_term answer;
    CHECK_OK(keel_gen_start(&server, keel_int(0), NULL, KEEL_NEVER, &pid, NULL, &answer));
    int64_t before = keel_now();
    keel_term to = keel_from_pid(pid);
    CHECK_INT(keel_gen_call(to, keel_atom(hello), KEEL_IN(KEEL_MS(500)), &answer),
            KEEL_E_TIMEOUT);
    CHECK_INT(keel_now() - before, KEEL_MS(500));
    CHECK_INT(keel_gen_call(to, keel_atom(nothing), KEEL_NEVER, &answer), KEEL_E_TIMEOUT);
    keel_runtime_view view;
    keel_inspect_runtime(&view);
    CHECK_INT(view.processes, 1); // the server: nobody who waits is left
    CHECK_INT(keel_gen_start(&server, keel_int(KEEL_SECONDS(10)), NULL,
                      KEEL_IN(KEEL_SECONDS(1)), &pid, NULL, &answer),
            KEEL_E_TIMEOUT);
    end_test();
}
