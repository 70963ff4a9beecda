// Turns that follow each other on one stack: what lending a turn must not change.

#include "base/base.h"
#include "call_fixture.h"

#include <semaphore.h>

// A server that does something to its caller, or to its thread, before it answers.
static sem_t gate;
static keel_pid tester;

static keel_next act_and_answer(void *state, const keel_message *message)
{
    (void)state;
    keel_pid caller = message->from.pid;
    if (keel_is(message->body, tell)) {
        CHECK_OK(keel_send(caller, keel_atom(told)));
    } else if (keel_is(message->body, kill)) {
        keel_process_exit(caller, keel_atom(kill));
    } else if (keel_is(message->body, hold)) {
        sem_wait(&gate); // the thread itself waits, as in a library's call
    } else if (keel_is(message->body, wait)) {
        CHECK_OK(keel_send(tester, keel_atom(waits)));
        CHECK_OK(keel_receive_match(KEEL_NEVER, "go")); // in the midst of the callback
    }
    if (message->kind == KEEL_MESSAGE_CALL) {
        keel_gen_reply(message->from, keel_atom(answer));
    }
    return keel_next_wait();
}

static keel_next start(void *state, keel_term unused)
{
    (void)state, (void)unused;
    return keel_next_wait();
}

static const keel_handler acting = {
        .name = "acting", .start = start, .receive = act_and_answer};

static keel_pid new_acting(void)
{
    keel_pid pid;
    CHECK_OK(keel_spawn_handler(&acting, KEEL_NONE, NULL, &pid, NULL));
    call_ok(pid, keel_atom(nothing)); // idle from here on
    return pid;
}

PROCESS_TEST("what a server sends its caller before the reply is there with the reply")
{
    keel_pid server = new_acting();
    for (int i = 0; i < 1000; i++) {
        CHECK_TERM(call_ok(server, keel_atom(tell)), "answer");
        CHECK_INT(keel_queue_length(), 1);
        EXPECT_MESSAGE("told");
    }
    end_process(server);
}

PROCESS_TEST("a caller that its server kills before it answers does not see the answer")
{
    keel_pid server = new_acting();
    for (int i = 0; i < 100; i++) {
        keel_pid caller = new_puppet();
        keel_ref monitor = keel_monitor(caller);
        start_call(caller, server, keel_atom(kill), KEEL_SECONDS(60));
        EXPECT_MESSAGE("{'DOWN', ^Monitor, process, ^Caller, killed}", monitor, caller);
        EXPECT_NO_MESSAGE(); // {outcome, …} would have come before
    }
    end_process(server);
}

// Calls both: the first leaves a stack behind, which the second could be given.
static void call_both(keel_term servers)
{
    for (size_t i = 0; i < 2; i++) {
        keel_pid server = keel_to_pid(keel_element(servers, i));
        CHECK_TERM(call_ok(server, keel_atom(nothing)), "answer");
    }
}

PROCESS_TEST("a server that waits in the midst of a callback is called, and goes on where "
             "it was")
{
    keel_pid server = new_acting(), other = new_acting();
    tester = keel_self();
    for (int i = 0; i < 100; i++) {
        keel_pid first = new_puppet();
        start_call(first, server, keel_atom(wait), KEEL_SECONDS(60));
        EXPECT_MESSAGE("waits");
        keel_ref monitor;
        keel_spawn_monitor(
                call_both, keel_make("{Other, Server}", other, server), &monitor);
        for (int yields = 0; yields < 5; yields++) {
            keel_yield(); // it calls meanwhile, as a rule
        }
        CHECK_OK(keel_send(server, keel_atom(go)));
        EXPECT_MESSAGE("{outcome, ^First, 0, answer}", first);
        EXPECT_MESSAGE("{'DOWN', ^Monitor, process, _, normal}", monitor);
        end_process(first);
    }
    end_process(other);
    end_process(server);
}

THREADS_TEST("a caller gives up in time when the server it lent its turn holds the thread")
{
    CHECK(sem_init(&gate, 0, 0) == 0);
    keel_pid server = new_acting();
    for (int i = 0; i < 3; i++) {
        keel_term reply = keel_atom(none);
        CHECK_INT(keel_gen_call(keel_from_pid(server), keel_atom(hold),
                          KEEL_IN(KEEL_MS(30)), &reply),
                KEEL_E_TIMEOUT);
        sem_post(&gate); // it was held until now
        CHECK_TERM(call_ok(server, keel_atom(nothing)), "answer");
    }
    end_process(server);
}

static uint32_t calls;
static uint32_t enough;

static void call_without_end(keel_term server)
{
    while (!kl_load_relaxed(&enough)) {
        keel_scope scope = keel_scope_open();
        call_ok(keel_to_pid(server), keel_atom(nothing));
        kl_add_relaxed(&calls, 1);
        keel_scope_close(&scope);
    }
}

// More of them than workers: each worker has at least one that would never stop.
THREADS_TEST("callers that never stop calling give others their turns")
{
    kl_store_relaxed(&enough, 0);
    keel_pid callers[8], servers[8];
    keel_ref monitors[8];
    for (int i = 0; i < 8; i++) {
        servers[i] = new_acting();
        callers[i] = keel_spawn(call_without_end, keel_from_pid(servers[i]));
        monitors[i] = keel_monitor(callers[i]);
    }
    for (int i = 0; i < 20; i++) {
        uint32_t before = kl_load_relaxed(&calls);
        while (kl_load_relaxed(&calls) == before) {
            keel_yield();
        }
    }
    kl_store_relaxed(&enough, 1);
    for (int i = 0; i < 8; i++) {
        EXPECT_MESSAGE(
                "{'DOWN', ^Monitor, process, ^Caller, normal}", monitors[i], callers[i]);
        end_process(servers[i]);
    }
}

// --- a handler that begins on the stack of another ---

static keel_next fail_at_once(void *state, keel_term unused)
{
    (void)state, (void)unused;
    keel_error(keel_atom(oops));
}

static keel_next has_failed(void *state, keel_term reason, const keel_message *message)
{
    (void)state, (void)reason;
    return keel_next_exit(message == NULL ? keel_atom(in_start) : message->body);
}

static const keel_handler failing = {.name = "failing",
        .start = fail_at_once,
        .receive = act_and_answer,
        .failed = has_failed};

PROCESS_TEST("a handler that fails in its start hears of no message that another one had")
{
    keel_pid server = new_acting();
    for (int i = 0; i < 10; i++) {
        CHECK_TERM(call_ok(server, keel_atom(tell)), "answer");
        EXPECT_MESSAGE("told");
        keel_pid pid;
        keel_ref monitor;
        keel_spawn_opts opts = {.monitor = true};
        CHECK_OK(keel_spawn_handler(&failing, KEEL_NONE, &opts, &pid, &monitor));
        CHECK_OK(keel_receive_match(
                KEEL_NEVER, "{'DOWN', ^Ref, process, ^Pid, in_start}", monitor, pid));
    }
    end_process(server);
}
