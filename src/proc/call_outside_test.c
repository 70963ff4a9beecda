// Calls and starts by threads outside the runtime.

#include "call_fixture.h"

#include "proc.h"

#include <pthread.h>

enum { THREADS = 6, CALLS = 120 };

static keel_pid server_pid;

static void start_runtime(void)
{
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    CHECK_OK(keel_spawn_handler(&call_server, KEEL_NONE, NULL, &server_pid, NULL));
}

static void stop_runtime(void)
{
    keel_stop_report report;
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(10)), &report));
    CHECK_INT(report.killed, 0);
}

static keel_status call_server_with(keel_term request, keel_term *ret_reply)
{
    return keel_gen_call(keel_from_pid(server_pid), request, SOON, ret_reply);
}

static void *call_often(void *context)
{
    int first = *(int *)context;
    for (int i = first; i < first + CALLS; i++) {
        keel_scope scope = keel_scope_open();
        keel_term reply = KEEL_NONE;
        CHECK_OK(call_server_with(keel_make("{echo, {I, [text, <<\"x\">>]}}", i), &reply));
        CHECK_TERM(reply, "{^I, [text, <<\"x\">>]}", i);
        keel_scope_close(&scope);
    }
    return NULL;
}

TEST("many threads call one server, each gets its own replies", .ids = "GS-051")
{
    start_runtime();
    pthread_t threads[THREADS];
    int firsts[THREADS];
    for (int i = 0; i < THREADS; i++) {
        firsts[i] = i * CALLS;
        CHECK_OK(pthread_create(&threads[i], NULL, call_often, &firsts[i]));
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK_OK(pthread_join(threads[i], NULL));
    }
    CHECK_INT(owed_by(server_pid), 0);
    stop_runtime();
}

TEST("a thread hears of everything that may become of its call")
{
    start_runtime();
    keel_term reply = keel_atom(untouched), server = keel_from_pid(server_pid);
    CHECK_OK(keel_gen_system_call(server, keel_make("{echo, {system, 1}}"), SOON, &reply));
    CHECK_TERM(reply, "{system, 1}");
    CHECK_OK(call_server_with(keel_atom(left), &reply));
    CHECK_TERM(reply, "Left", &(int64_t){0});
    reply = keel_atom(untouched);
    CHECK_INT(keel_gen_call(server, keel_atom(defer), KEEL_IN(KEEL_MS(5)), &reply),
            KEEL_E_TIMEOUT);
    CHECK_INT(keel_gen_call(keel_atom(call_outside_nobody), server, KEEL_NEVER, &reply),
            KEEL_E_NOPROC);
    CHECK_INT(keel_gen_call(keel_int(3), server, KEEL_NEVER, &reply), KEEL_E_BADARG);
    CHECK_TERM(reply, "untouched");
    CHECK_INT(call_server_with(keel_make("{'end', {over, [1]}}"), &reply), KEEL_E_EXIT);
    CHECK_TERM(reply, "{over, [1]}");
    CHECK_INT(call_server_with(keel_atom(left), &reply), KEEL_E_NOPROC);
    stop_runtime();
    CHECK_INT(call_server_with(keel_atom(left), &reply), KEEL_E_STOPPED);
}

static void *call_deferred(void *context)
{
    keel_scope scope = keel_scope_open();
    keel_term reply = KEEL_NONE;
    keel_status *status = context;
    *status = keel_gen_call(
            keel_from_pid(server_pid), keel_atom(defer), KEEL_NEVER, &reply);
    CHECK(*status != KEEL_E_EXIT || keel_is(reply, killed) || keel_is(reply, shutdown));
    keel_scope_close(&scope);
    return NULL;
}

TEST("threads that wait hear of the server's end")
{
    start_runtime();
    pthread_t threads[THREADS];
    keel_status statuses[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CHECK_OK(pthread_create(&threads[i], NULL, call_deferred, &statuses[i]));
    }
    while (owed_by(server_pid) < THREADS) {
        // the threads are still on their way
    }
    CHECK_OK(keel_process_exit(server_pid, keel_atom(kill)));
    for (int i = 0; i < THREADS; i++) {
        CHECK_OK(pthread_join(threads[i], NULL));
        CHECK_INT(statuses[i], KEEL_E_EXIT);
    }
    stop_runtime();
}

TEST("a call that a thread waits for ends when the runtime stops")
{
    start_runtime();
    pthread_t thread;
    keel_status status = KEEL_OK;
    CHECK_OK(pthread_create(&thread, NULL, call_deferred, &status));
    while (owed_by(server_pid) < 1) {
        // the thread is still on its way
    }
    stop_runtime();
    CHECK_OK(pthread_join(thread, NULL));
    CHECK(status != KEEL_OK);
}

TEST("in a simulation the caller's thread drives it until the reply", .seeded = true)
{
    CHECK_OK(kl_runtime_start_simulated(kl_test_seed(), NULL));
    CHECK_OK(keel_spawn_handler(&call_server, KEEL_NONE, NULL, &server_pid, NULL));
    keel_term reply = KEEL_NONE, server = keel_from_pid(server_pid);
    for (int i = 0; i < 20; i++) {
        CHECK_OK(call_server_with(keel_make("{echo, [I]}", i), &reply));
        CHECK_TERM(reply, "[^I]", i);
    }
    int64_t begin = keel_now();
    CHECK_INT(keel_gen_call(server, keel_atom(defer), KEEL_IN(KEEL_MINUTES(10)), &reply),
            KEEL_E_TIMEOUT);
    CHECK(keel_now() - begin >= KEEL_MINUTES(10));
    // Nobody will ever answer, and the simulator knows.
    CHECK_INT(keel_gen_call(server, keel_atom(defer), KEEL_NEVER, &reply), KEEL_E_TIMEOUT);
    CHECK_INT(owed_by(server_pid), 0);
    stop_runtime();
}
