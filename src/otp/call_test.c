// Calls, casts and stop, as a client sees them.

#include "otp_testing.h"

static keel_result play_reply(keel_term reply, keel_from from, struct actor *actor)
{
    (void)from;
    (void)actor;
    return keel_reply(reply);
}

PROCESS_TEST("a call gets the reply of the callback", .ids = "GS-035")
{
    keel_pid pid = lone_actor();
    keel_term reply = KEEL_NONE;
    CHECK_OK(keel_call(pid, ACT(play_reply, keel_make("{answer, 42}")), &reply));
    CHECK_TERM(reply, "{answer, 42}");
    CHECK_OK(keel_call(pid, keel_make("{what, ever}"), &reply));
    CHECK_TERM(reply, "{unknown, {what, ever}}");
    stop_actor(pid);
}

static keel_result play_keep_from(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    keel_set(&actor->state, keel_from_to_term(from));
    return keel_noreply();
}

static keel_result play_answer_kept(keel_term reply, keel_from from, struct actor *actor)
{
    keel_reply_to(keel_from_of_term(actor->state), reply);
    return played(from, keel_atom(answered));
}

// Calls, tells the asker {answer, {Status, Reply}}, and is a puppet from then on.
static void call_aside(keel_term server_request_asker)
{
    keel_term reply = keel_atom(none);
    keel_status status = keel_call_within(keel_element(server_request_asker, 0),
            keel_element(server_request_asker, 1), KEEL_NEVER, &reply);
    keel_send(keel_element(server_request_asker, 2),
            keel_make("{answer, {Status, Reply}}", status, reply));
    puppet(KEEL_NONE);
}

static keel_pid calling(keel_pid server, keel_term request)
{
    return keel_spawn(call_aside,
            keel_tuple_of(keel_from_pid(server), request, keel_from_pid(keel_self())));
}

PROCESS_TEST("a call left open is answered later by the server", .ids = "GS-036")
{
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    keel_pid caller = calling(pid, ACT(play_keep_from, KEEL_NONE));
    EXPECT_NEXT("{actor, call, _}");
    CHECK_TERM(keel_call_or_exit(pid, ACT(play_answer_kept, keel_atom(late))), "answered");
    EXPECT_MESSAGE("{answer, {0, late}}");
    end_process(caller);
    end_process(pid);
}

PROCESS_TEST("any process may answer a call, once", .ids = "GS-037 GS-055")
{
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    keel_pid caller = calling(pid, ACT(play_keep_from, KEEL_NONE));
    EXPECT_NEXT("{actor, call, _}");
    keel_term from_term = keel_call_or_exit(pid, ACT(play_get, KEEL_NONE));
    CHECK_TERM(from_term, "{^Caller, _}", caller);
    keel_reply_to(keel_from_of_term(from_term), keel_atom(first));
    keel_reply_to(keel_from_of_term(from_term), keel_atom(second));
    EXPECT_MESSAGE("{answer, {0, first}}");
    CHECK_TERM(ask(caller, act_messages, KEEL_NONE), "[]");
    end_process(caller);
    end_process(pid);
}

PROCESS_TEST("an answer to a caller that is dead goes nowhere", .ids = "GS-038")
{
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    keel_pid caller = calling(pid, ACT(play_keep_from, KEEL_NONE));
    EXPECT_NEXT("{actor, call, _}");
    end_process(caller);
    CHECK_TERM(keel_call_or_exit(pid, ACT(play_answer_kept, keel_atom(late))), "answered");
    end_process(pid);
}

static void call_or_exit(keel_term server)
{
    keel_call_or_exit_within(server, keel_atom(hello), KEEL_SECONDS(2));
}

// What a process exits with that calls `server`.
static keel_term exit_of_call(keel_term server)
{
    keel_ref monitor;
    keel_spawn_monitor(call_or_exit, server, &monitor);
    return await_down(monitor);
}

PROCESS_TEST("a call to nobody fails with noproc", .ids = "GS-041 GS-042")
{
    keel_term dead = keel_from_pid(dead_pid());
    keel_term reply = keel_atom(untouched);
    CHECK_INT(keel_call(dead, keel_atom(hello), &reply), KEEL_E_NOPROC);
    CHECK_INT(keel_call("nobody_here", keel_atom(hello), &reply), KEEL_E_NOPROC);
    CHECK_INT(keel_call(keel_make("{global, nobody}"), keel_atom(hello), &reply),
            KEEL_E_NOPROC);
    CHECK_TERM(reply, "untouched");
    CHECK_TERM(
            exit_of_call(dead), "{noproc, {gen_server, call, [^Dead, hello, 2000]}}", dead);
    CHECK_TERM(exit_of_call(keel_atom(nobody_here)),
            "{noproc, {gen_server, call, [nobody_here, hello, 2000]}}");
}

PROCESS_TEST("a call to what is no server is a bad argument")
{
    keel_term reply;
    CHECK_INT(keel_call(keel_int(1), keel_atom(hello), &reply), KEEL_E_BADARG);
    CHECK_INT(keel_call(keel_make("{a, b, c}"), keel_atom(hello), &reply), KEEL_E_BADARG);
    CHECK_INT(keel_call(keel_make("{via, no_such_keeper, c}"), keel_atom(hello), &reply),
            KEEL_E_BADARG);
    CHECK_INT(keel_cast(keel_make("{a, 1}"), keel_atom(hello)), KEEL_E_BADARG);
}

static keel_result play_call_self(keel_term name, keel_from from, struct actor *actor)
{
    (void)from;
    (void)actor;
    keel_term reply;
    CHECK_INT(keel_call_within(keel_self(), keel_atom(hello), KEEL_NEVER, &reply),
            KEEL_E_SELFCALL);
    CHECK_INT(
            keel_call_within(name, keel_atom(hello), KEEL_NEVER, &reply), KEEL_E_SELFCALL);
    CHECK_INT(keel_gen_server_stop(keel_self(), keel_atom(normal), KEEL_NEVER),
            KEEL_E_SELFCALL);
    keel_call_or_exit(keel_self(), keel_atom(hello));
    return keel_noreply();
}

PROCESS_TEST("a server that calls itself learns so at once", .ids = "GS-043 GS-097")
{
    keel_trap_exit(true);
    keel_pid pid = actor_started(
            keel_gen_server_start(&actor_server, ACTOR(), .name = keel_atom(narcissus)));
    keel_term why;
    CHECK_INT(keel_call(pid, ACT(play_call_self, keel_atom(narcissus)), &why), KEEL_E_EXIT);
    CHECK_TERM(why, "{calling_self, {gen_server, call, [^Pid, hello, 5000]}}", pid);
}

SIMULATED_TEST("a call gives up in time and the server handles it all the same",
        .ids = "GS-044 GS-046 GS-056")
{
    keel_pid pid = lone_actor();
    keel_cast(pid, ACT(play_block, KEEL_NONE));
    keel_term reply;
    int64_t before = keel_now();
    CHECK_INT(keel_call_within(
                      pid, ACT(play_push, keel_int(1)), KEEL_IN(KEEL_MS(20)), &reply),
            KEEL_E_TIMEOUT);
    CHECK(keel_now() - before >= KEEL_MS(20) && keel_now() - before < KEEL_MS(40));
    before = keel_now();
    CHECK_INT(keel_call(pid, ACT(play_push, keel_int(2)), &reply), KEEL_E_TIMEOUT);
    CHECK(keel_now() - before >= KEEL_SECONDS(5) && keel_now() - before < KEEL_MS(5100));
    CHECK_INT(keel_call_within(pid, ACT(play_push, keel_int(3)), KEEL_AT_ONCE, &reply),
            KEEL_E_TIMEOUT);
    CHECK_TERM(exit_of_call(keel_from_pid(pid)),
            "{timeout, {gen_server, call, [^Pid, hello, 2000]}}", pid);
    keel_send(pid, keel_atom(go));
    CHECK_OK(keel_call_within(pid, ACT(play_get, KEEL_NONE), KEEL_NEVER, &reply));
    CHECK_TERM(reply, "[3, 2, 1]");
    EXPECT_NO_MESSAGE();
    stop_actor(pid);
}

PROCESS_TEST("a timeout that is no time is refused before anything is sent",
        .ids = "GS-047 GS-101")
{
    keel_deadline deadline;
    CHECK_INT(keel_timeout_from(keel_int(-1), &deadline), KEEL_E_BADARG);
    CHECK_INT(keel_timeout_from(keel_atom(soon), &deadline), KEEL_E_BADARG);
    CHECK_INT(keel_timeout_from(keel_float(1.5), &deadline), KEEL_E_BADARG);
    CHECK_OK(keel_timeout_from(keel_atom(infinity), &deadline));
    CHECK(deadline.at == KEEL_NEVER.at);
}

PROCESS_TEST(
        "a server that ends during a call answers with its reason", .ids = "GS-048 GS-090")
{
    keel_term reasons = keel_make(
            "[normal, shutdown, {shutdown, moved}, {broken, [1]}, killed]");
    keel_term reason;
    while (keel_list_next(&reasons, &reason)) {
        keel_pid pid = lone_actor();
        keel_term why = KEEL_NONE;
        CHECK_INT(keel_call(pid, ACT(play_stop, reason), &why), KEEL_E_EXIT);
        CHECK_EQUAL(why, reason);
    }
}

PROCESS_TEST(
        "a server that is killed answers the callers that wait", .ids = "GS-048 GS-054")
{
    keel_trap_exit(true);
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    keel_pid callers[3];
    for (int i = 0; i < 3; i++) {
        callers[i] = calling(pid, ACT(play_noreply, KEEL_NONE));
        EXPECT_NEXT("{actor, call, _}");
    }
    CHECK_OK(keel_process_exit(pid, keel_atom(kill)));
    for (int i = 0; i < 3; i++) {
        EXPECT_MESSAGE("{answer, {Status, killed}}", &(int){0});
    }
    for (int i = 0; i < 3; i++) {
        CHECK_TERM(ask(callers[i], act_messages, KEEL_NONE), "[]");
        end_process(callers[i]);
    }
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a crash in handle_call reaches the caller with its stack", .ids = "GS-049")
{
    keel_pid pid = lone_actor();
    keel_term why;
    CHECK_INT(keel_call(pid, ACT(play_error, keel_atom(boom)), &why), KEEL_E_EXIT);
    CHECK_TERM(why, "{boom, [_ | _]}");
}

PROCESS_TEST(
        "a call to a node out of reach fails with nodedown", .ids = "GS-050 GS-098 PL-059")
{
    keel_term far = keel_make("{somebody, 'nowhere@127.0.0.1'}");
    keel_term reply;
    CHECK_INT(keel_call(far, keel_atom(hello), &reply), KEEL_E_NODEDOWN);
    CHECK_TERM(exit_of_call(far),
            "{{nodedown, 'nowhere@127.0.0.1'}, {gen_server, call, [_, hello, 2000]}}");
    CHECK_INT(keel_gen_server_stop(far, keel_atom(normal), SOON), KEEL_E_NODEDOWN);
    CHECK_INT(keel_gen_server_stop(keel_make("{global, x}"), keel_atom(normal), SOON),
            KEEL_E_NOPROC);
}

static keel_result play_echo(keel_term reply, keel_from from, struct actor *actor)
{
    keel_set(&actor->state, keel_cons(reply, actor->state));
    return played(from, reply);
}

static void call_in_turn(keel_term server_and_number)
{
    keel_term server = keel_element(server_and_number, 0);
    keel_term number = keel_element(server_and_number, 1);
    for (int i = 0; i < 10; i++) {
        keel_term item = keel_tuple_of(number, keel_int(i));
        CHECK_EQUAL(keel_call_or_exit(server, ACT(play_echo, item)), item);
    }
}

PROCESS_TEST("many callers at once each get their own replies, in their own order",
        .ids = "GS-051")
{
    enum { CALLERS = 20 };
    keel_pid pid = lone_actor();
    keel_ref monitors[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        keel_spawn_monitor(
                call_in_turn, keel_tuple_of(keel_from_pid(pid), keel_int(i)), &monitors[i]);
    }
    for (int i = 0; i < CALLERS; i++) {
        CHECK_TERM(await_down(monitors[i]), "normal");
    }
    keel_term items = keel_call_or_exit(pid, ACT(play_get, KEEL_NONE));
    int64_t expected[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        expected[i] = 9;
    }
    keel_term item;
    while (keel_list_next(&items, &item)) {
        int64_t caller = keel_to_int(keel_element(item, 0));
        CHECK_INT(keel_to_int(keel_element(item, 1)), expected[caller]--);
    }
    stop_actor(pid);
}

PROCESS_TEST("a call leaves nothing behind in the caller", .ids = "GS-053")
{
    keel_pid pid = lone_actor();
    keel_call_or_exit(pid, ACT(play_get, KEEL_NONE));
    CHECK_TERM(info_of(keel_self(), keel_atom(monitors)), "[]");
    CHECK_TERM(info_of(pid, keel_atom(monitored_by)), "[]");
    EXPECT_NO_MESSAGE();
    stop_actor(pid);
}

PROCESS_TEST("a call sees the effect of an earlier cast", .ids = "GS-057 GS-059")
{
    keel_pid pid = lone_actor();
    for (int i = 0; i < 50; i++) {
        CHECK_OK(keel_cast(pid, ACT(play_put, keel_int(i))));
        CHECK_INT(keel_to_int(keel_call_or_exit(pid, ACT(play_get, KEEL_NONE))), i);
    }
    stop_actor(pid);
}

PROCESS_TEST("a cast to nobody is fine", .ids = "GS-060")
{
    CHECK_OK(keel_cast(dead_pid(), keel_atom(hello)));
    CHECK_OK(keel_cast("nobody_here", keel_atom(hello)));
    CHECK_OK(keel_cast(keel_make("{global, nobody}"), keel_atom(hello)));
    CHECK_OK(keel_cast(keel_make("{somebody, 'nowhere@127.0.0.1'}"), keel_atom(hello)));
}

PROCESS_TEST("a cast through a keeper that nobody knows is fine as well")
{
    CHECK_OK(keel_cast(keel_make("{via, no_such_keeper, bar}"), keel_atom(hello)));
    CHECK_INT(keel_cast(keel_make("{via, 1, bar}"), keel_atom(hello)), KEEL_E_BADARG);
}

PROCESS_TEST("a name on this very node is the name")
{
    keel_pid pid = actor_started(
            keel_gen_server_start(&actor_server, ACTOR(), .name = keel_atom(right_here)));
    keel_term here = keel_tuple_of(keel_atom(right_here), keel_node_self());
    CHECK_OK(keel_cast(here, ACT(play_push, keel_int(1))));
    CHECK_TERM(keel_call_or_exit(here, ACT(play_get, KEEL_NONE)), "[1]");
    stop_actor(pid);
    CHECK_TERM(
            exit_of_call(here), "{noproc, {gen_server, call, [^Here, hello, 2000]}}", here);
}

// A server written by hand answers {'$gen_call', {Pid, Tag}, Request} by {Tag, Reply}.
static void echo(keel_term unused)
{
    (void)unused;
    for (;;) {
        keel_term from = KEEL_NONE;
        keel_term request = KEEL_NONE;
        CHECK_OK(keel_receive_match(
                KEEL_NEVER, "{'$gen_call', From, Request}", &from, &request));
        keel_reply_to(keel_from_of_term(from), request);
    }
}

PROCESS_TEST("a plain process may answer calls, and a long mailbox does not slow them")
{
    const int length = many_of(20000);
    keel_pid pid = keel_spawn(echo, KEEL_NONE);
    for (int i = 0; i < length; i++) {
        keel_send(keel_self(), keel_int(i));
    }
    for (int i = 0; i < many_of(2000); i++) {
        keel_scope scope = keel_scope_open();
        CHECK_TERM(keel_call_or_exit(pid, keel_make("{answer, N}", i)), "{answer, ^N}",
                keel_int(i));
        keel_scope_close(&scope);
    }
    CHECK_INT(keel_flush(), length);
    end_process(pid);
}

// --- stop ---

PROCESS_TEST("stop ends a server through terminate and returns when it has ended",
        .ids = "GS-094 GS-095 PL-048 PL-049 SY-062")
{
    keel_term reasons = keel_make("[normal, shutdown, {shutdown, x}, broken]");
    keel_term reason;
    while (keel_list_next(&reasons, &reason)) {
        keel_pid pid = lone_actor(.probed = true);
        EXPECT_NEXT("{actor, init, _}");
        keel_ref monitor = keel_monitor(pid);
        CHECK_OK(keel_gen_server_stop(pid, reason, SOON));
        CHECK(!keel_process_alive(pid));
        EXPECT_MESSAGE("{actor, terminate, ^Reason}", reason);
        CHECK_EQUAL(await_down(monitor), reason);
        EXPECT_NO_MESSAGE();
    }
}

PROCESS_TEST("stop of nobody tells that there is none", .ids = "GS-096 PL-050")
{
    CHECK_INT(keel_gen_server_stop(dead_pid(), keel_atom(normal), SOON), KEEL_E_NOPROC);
    CHECK_INT(keel_gen_server_stop("nobody_here", keel_atom(normal), SOON), KEEL_E_NOPROC);
    CHECK_INT(keel_gen_server_stop(dead_pid(), KEEL_NONE, SOON), KEEL_E_BADARG);
    EXPECT_NO_MESSAGE();
}

static void end_worse(keel_term reason, struct actor *actor)
{
    (void)reason;
    (void)actor;
    keel_exit(keel_atom(worse));
}

static void end_crashing(keel_term reason, struct actor *actor)
{
    (void)reason;
    (void)actor;
    keel_error(keel_atom(oops));
}

PROCESS_TEST(
        "stop gives the reason of a server that ended otherwise", .ids = "PL-051 PL-053")
{
    keel_term ended = KEEL_NONE;
    keel_pid pid = lone_actor(.at_end = end_worse);
    CHECK_INT(
            keel_gen_server_stop_term(keel_from_pid(pid), keel_atom(normal), SOON, &ended),
            KEEL_E_EXIT);
    CHECK_TERM(ended, "worse");
    pid = lone_actor(.at_end = end_crashing);
    CHECK_INT(
            keel_gen_server_stop_term(keel_from_pid(pid), keel_atom(normal), SOON, &ended),
            KEEL_E_EXIT);
    CHECK_TERM(ended, "{oops, [_ | _]}");
}

static void mishandle(keel_term unused)
{
    (void)unused;
    CHECK_OK(keel_receive_match(KEEL_NEVER, "{system, _, _}"));
    keel_exit(keel_atom(what_is_that));
}

PROCESS_TEST(
        "stop of a process that falls over the request gives its reason", .ids = "PL-054")
{
    keel_term ended = KEEL_NONE;
    keel_pid pid = keel_spawn(mishandle, KEEL_NONE);
    CHECK_INT(
            keel_gen_server_stop_term(keel_from_pid(pid), keel_atom(normal), SOON, &ended),
            KEEL_E_EXIT);
    CHECK_TERM(ended, "what_is_that");
}

SIMULATED_TEST("stop gives up in time and leaves nothing behind", .ids = "PL-055")
{
    keel_pid pid = keel_spawn(wait_forever, KEEL_NONE);
    CHECK_INT(keel_gen_server_stop(pid, keel_atom(normal), KEEL_IN(KEEL_MS(50))),
            KEEL_E_TIMEOUT);
    end_process(pid);
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
}

static void end_slowly(keel_term reason, struct actor *actor)
{
    (void)reason;
    (void)actor;
    keel_sleep(KEEL_SECONDS(1));
}

SIMULATED_TEST("stop gives up on a slow terminate, which ends its server all the same")
{
    keel_pid pid = lone_actor(.at_end = end_slowly);
    keel_ref monitor = keel_monitor(pid);
    keel_term ended = keel_atom(untouched);
    CHECK_INT(keel_gen_server_stop_term(
                      keel_from_pid(pid), keel_atom(normal), KEEL_IN(KEEL_MS(50)), &ended),
            KEEL_E_TIMEOUT);
    CHECK(keel_process_alive(pid));
    CHECK_TERM(await_down(monitor), "normal");
    EXPECT_NO_MESSAGE();
}

static void end_normally(keel_term reason, struct actor *actor)
{
    (void)reason;
    (void)actor;
    keel_exit(keel_atom(normal));
}

PROCESS_TEST("stop tells of an orderly end that is not the one it asked for")
{
    keel_pid pid = lone_actor(.at_end = end_normally);
    keel_term ended = KEEL_NONE;
    CHECK_INT(keel_gen_server_stop_term(
                      keel_from_pid(pid), keel_atom(shutdown), SOON, &ended),
            KEEL_E_EXIT);
    CHECK_TERM(ended, "normal");
}

PROCESS_TEST("stop ends a suspended server, through terminate")
{
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    CHECK_OK(keel_sys_suspend(pid));
    keel_cast(pid, keel_atom(never_seen));
    CHECK_OK(keel_gen_server_stop(pid, keel_make("{shutdown, x}"), SOON));
    EXPECT_NEXT("{actor, terminate, {shutdown, x}}");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("stop works by name, and the name is free when it returns",
        .ids = "GS-102 PL-058 GS-091")
{
    keel_pid pid = actor_started(
            keel_gen_server_start(&actor_server, ACTOR(), .name = keel_atom(by_name)));
    CHECK_OK(keel_gen_server_stop("by_name", keel_atom(normal), SOON));
    CHECK(!keel_process_alive(pid));
    pid = actor_started(
            keel_gen_server_start(&actor_server, ACTOR(), .name = keel_atom(by_name)));
    keel_term there = keel_tuple_of(keel_atom(by_name), keel_node_self());
    CHECK_OK(keel_gen_server_stop(there, keel_atom(normal), SOON));
    CHECK(no_pid(keel_whereis("by_name")));
    CHECK(!keel_process_alive(pid));
}

// --- from a thread outside ---

TEST("a thread outside starts, calls, casts to and stops a server")
{
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    keel_started started = keel_gen_server_start(&bare_server, keel_nil());
    CHECK_OK(started.status);
    CHECK_OK(keel_gen_server_stop(started.pid, keel_atom(normal), SOON));
    CHECK_INT(keel_gen_server_stop(started.pid, keel_atom(normal), SOON), KEEL_E_NOPROC);
    CHECK_INT(keel_gen_server_start_link(&bare_server, keel_nil()).status, KEEL_E_OUTSIDE);
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(5)), NULL));
}
