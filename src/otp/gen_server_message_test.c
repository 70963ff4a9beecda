// gen_server: casts and other messages, timeouts, continue, hibernate.

#include "otp_testing.h"

PROCESS_TEST("casts and plain messages run their callbacks in order of arrival",
        .ids = "GS-059 GS-061 GS-062")
{
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    CHECK_OK(keel_cast(pid, keel_make("{hello, 1}")));
    CHECK_OK(keel_send(pid, keel_make("{just, <<\"a message\">>}")));
    CHECK_OK(keel_cast(pid, keel_atom(again)));
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(last)), "{unknown, last}");
    EXPECT_NEXT("{actor, cast, {hello, 1}}");
    EXPECT_NEXT("{actor, info, {just, <<\"a message\">>}}");
    EXPECT_NEXT("{actor, cast, again}");
    EXPECT_NEXT("{actor, call, last}");
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

PROCESS_TEST("a call made by hand is answered with its own tag")
{
    keel_pid pid = lone_actor(.state = keel_atom(here));
    keel_term tag = keel_make("{my, tag}");
    keel_send(pid, keel_make("{'$gen_call', {Self, Tag}, Request}", keel_self(), tag,
                           ACT(play_get, KEEL_NONE)));
    EXPECT_NEXT("{{my, tag}, here}");
    stop_actor(pid);
}

PROCESS_TEST("cast and info may stop the server", .ids = "GS-063 GS-081")
{
    for (int plain = 0; plain < 2; plain++) {
        keel_pid pid = lone_actor(.probed = true);
        EXPECT_NEXT("{actor, init, _}");
        keel_ref monitor = keel_monitor(pid);
        keel_term stop = ACT(play_stop, keel_atom(enough));
        plain ? keel_send(pid, stop) : keel_cast(pid, stop);
        CHECK_TERM(await_down(monitor), "enough");
        EXPECT_MESSAGE("{actor, terminate, enough}");
        keel_flush();
    }
}

PROCESS_TEST("a message nobody handles is told of, and the server carries on",
        .ids = "GS-064 GS-069")
{
    catch_reports();
    keel_pid pid = actor_started(keel_gen_server_start(&bare_server, keel_nil()));
    keel_send(pid, keel_make("{strange, 1}"));
    EXPECT_MESSAGE("{report, 1, #{label := {gen_server, no_handle_info}, "
                   "module := <<\"bare\">>, message := {strange, 1}}}");
    CHECK(keel_process_alive(pid));
    stop_actor(pid);
}

static keel_result play_unexpected(keel_term request, keel_from from, struct actor *actor)
{
    (void)from;
    (void)actor;
    return keel_unexpected(request);
}

PROCESS_TEST("an unexpected call or cast ends the server, any other message does not",
        .ids = "GS-069")
{
    catch_reports();
    keel_term why = KEEL_NONE;
    keel_pid pid = lone_actor();
    keel_send(pid, ACT(play_unexpected, keel_nil()));
    EXPECT_MESSAGE("{report, 1, #{label := {gen_server, no_handle_info}}}");
    CHECK_INT(keel_call(pid, ACT(play_unexpected, keel_atom(what)), &why), KEEL_E_EXIT);
    CHECK_TERM(why, "{{bad_call, what}, [{actor, handle_call, 3, []}]}");
    pid = lone_actor();
    keel_ref monitor = keel_monitor(pid);
    keel_cast(pid, ACT(play_unexpected, keel_atom(what)));
    CHECK_TERM(await_down(monitor), "{{bad_cast, what}, [{actor, handle_cast, 2, []}]}");
}

static keel_result init_continue(keel_term argument, void *state)
{
    (void)argument;
    (void)state;
    return keel_then_continue(keel_ok(), keel_atom(more));
}

PROCESS_TEST("a missing callback that is needed ends the server with undef",
        .ids = "GS-066 GS-067 GS-068")
{
    static const keel_gen_server without = {.name = "without", .init = init_continue};
    keel_term why;
    keel_pid pid = actor_started(keel_gen_server_start(&bare_server, keel_nil()));
    CHECK_INT(keel_call(pid, keel_atom(hello), &why), KEEL_E_EXIT);
    CHECK_TERM(why, "{undef, [{bare, handle_call, 3, []}]}");
    pid = actor_started(keel_gen_server_start(&bare_server, keel_nil()));
    keel_ref monitor = keel_monitor(pid);
    keel_cast(pid, keel_atom(hello));
    CHECK_TERM(await_down(monitor), "{undef, [{bare, handle_cast, 2, []}]}");
    keel_started started = keel_gen_server_start_monitor(&without, keel_nil());
    CHECK_OK(started.status);
    CHECK_TERM(await_down(started.monitor), "{undef, [{without, handle_continue, 2, []}]}");
}

// --- timeouts ---

static keel_result play_timeout(keel_term milliseconds, keel_from from, struct actor *actor)
{
    (void)actor;
    return keel_then_timeout(
            played(from, keel_atom(ok)), KEEL_MS(keel_to_int(milliseconds)));
}

static keel_result play_init_timeout(
        keel_term milliseconds, keel_from from, struct actor *actor)
{
    (void)from;
    (void)actor;
    return keel_then_timeout(keel_ok(), KEEL_MS(keel_to_int(milliseconds)));
}

// The probe's next report is `pattern`'s at `at` ms after `since`, give or take one.
static void check_time(int64_t since, int64_t milliseconds)
{
    int64_t passed = keel_now() - since;
    CHECK(passed >= KEEL_MS(milliseconds) && passed < KEEL_MS(milliseconds + 3));
}

SIMULATED_TEST(
        "a timeout that init asks for comes when no message has", .ids = "GS-103 GS-104")
{
    int64_t now = keel_now();
    keel_pid pid = lone_actor(.probed = true, .init = play_init_timeout,
            .argument = keel_int(20));
    EXPECT_NEXT("{actor, init, _}");
    EXPECT_NEXT("{actor, info, timeout}");
    check_time(now, 20);
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE(); // once is all
    end_process(pid);
}

SIMULATED_TEST(
        "a timeout from any callback comes unless a message does", .ids = "GS-070 GS-103")
{
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    keel_term wait = ACT(play_timeout, keel_int(50));
    for (int how = 0; how < 3; how++) {
        int64_t now = keel_now();
        if (how == 0) {
            keel_call_or_exit(pid, wait);
        } else if (how == 1) {
            keel_cast(pid, wait);
        } else {
            keel_send(pid, wait);
        }
        EXPECT_MESSAGE("{actor, info, timeout}");
        check_time(now, 50);
        keel_flush();
        keel_cast(pid, wait);
        keel_sleep(KEEL_MS(30));
        keel_cast(pid, keel_atom(anything));
        keel_sleep(KEEL_SECONDS(1));
        keel_term messages = keel_nil();
        keel_term message;
        while (keel_receive_until(KEEL_AT_ONCE, &message) == KEEL_OK) {
            messages = keel_cons(message, messages);
        }
        CHECK_TERM(messages, "[{actor, cast, anything}, {actor, cast, _}]");
    }
    end_process(pid);
}

SIMULATED_TEST("a negative timeout is none, and zero comes at once", .ids = "GS-106")
{
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    keel_cast(pid, ACT(play_timeout, keel_int(-1)));
    EXPECT_NEXT("{actor, cast, _}");
    keel_sleep(KEEL_MINUTES(10));
    EXPECT_NO_MESSAGE();
    int64_t now = keel_now();
    keel_cast(pid, ACT(play_timeout, keel_int(0)));
    EXPECT_NEXT("{actor, cast, _}");
    EXPECT_NEXT("{actor, info, timeout}");
    check_time(now, 0);
    end_process(pid);
}

SIMULATED_TEST("a system message in between does not lose a timeout", .ids = "GS-103")
{
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    keel_cast(pid, ACT(play_timeout, keel_int(50)));
    EXPECT_NEXT("{actor, cast, _}");
    keel_sleep(KEEL_MS(30));
    keel_term state;
    CHECK_OK(keel_sys_get_state(pid, &state));
    EXPECT_NEXT("{actor, info, timeout}");
    end_process(pid);
}

// {How, Milliseconds, Message}: how is relative, absolute, never, hibernate.
static keel_result play_message(keel_term plan, keel_from from, struct actor *actor)
{
    (void)actor;
    keel_result result = keel_is_none(from.tag) ? keel_noreply()
                                                : keel_reply(keel_atom(ok));
    if (keel_is(keel_element(plan, 0), init)) {
        result = keel_ok();
    }
    keel_deadline when = KEEL_IN(KEEL_MS(keel_to_int(keel_element(plan, 1))));
    if (keel_is(keel_element(plan, 0), never)) {
        when = KEEL_NEVER;
    } else if (keel_is(keel_element(plan, 0), absolute)) {
        when = keel_deadline_at(keel_now() + KEEL_MS(keel_to_int(keel_element(plan, 1))));
    }
    result = keel_then_message(result, when, keel_element(plan, 2));
    return keel_is(keel_element(plan, 0), hibernate) ? keel_then_hibernate(result) : result;
}

static keel_term plan(const char *how, int milliseconds)
{
    keel_term atom = KEEL_NONE;
    CHECK_OK(keel_atom_from(how, __builtin_strlen(how), &atom));
    return ACT(play_message, keel_make("{How, Time, {wake, [up]}}", atom, milliseconds));
}

SIMULATED_TEST("a message at a time comes at that time, from every callback",
        .ids = "GS-109 GS-113 GS-114 GS-116")
{
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    static const char *const ways[] = {"relative", "absolute", "hibernate"};
    for (size_t way = 0; way < KEEL_COUNT(ways); way++) {
        for (int how = 0; how < 4; how++) {
            int64_t now = keel_now();
            keel_term wait = plan(ways[way], 40);
            if (how == 0) {
                keel_call_or_exit(pid, wait);
            } else if (how == 1) {
                keel_cast(pid, wait);
            } else if (how == 2) {
                keel_send(pid, wait);
            } else {
                keel_send(pid, plan("absolute", -1)); // a past point, at once
                now -= KEEL_MS(40);
            }
            EXPECT_MESSAGE("{actor, info, {wake, [up]}}");
            check_time(now, 40);
            keel_flush();
        }
    }
    end_process(pid);
}

SIMULATED_TEST("init may ask for a message at a time", .ids = "GS-113 GS-116")
{
    int64_t now = keel_now();
    keel_pid pid = lone_actor(.probed = true, .init = play_message,
            .argument = keel_make("{init, 25, hello}"));
    EXPECT_NEXT("{actor, init, _}");
    EXPECT_NEXT("{actor, info, hello}");
    check_time(now, 25);
    end_process(pid);
}

SIMULATED_TEST("any other message cancels one that is to come, and never is never",
        .ids = "GS-112 GS-115")
{
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    keel_cast(pid, plan("relative", 40));
    EXPECT_NEXT("{actor, cast, _}");
    keel_send(pid, keel_atom(hello));
    EXPECT_NEXT("{actor, info, hello}");
    keel_sleep(KEEL_SECONDS(1));
    keel_cast(pid, plan("never", 0));
    EXPECT_NEXT("{actor, cast, _}");
    keel_sleep(KEEL_MINUTES(1));
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

// --- continue ---

static keel_result play_continue(keel_term argument, keel_from from, struct actor *actor)
{
    (void)actor;
    return keel_then_continue(played(from, keel_atom(ok)), argument);
}

static keel_result init_then(keel_term argument, keel_from from, struct actor *actor)
{
    (void)from;
    (void)actor;
    keel_send(keel_self(), keel_atom(queued));
    return keel_then_continue(keel_ok(), argument);
}

PROCESS_TEST("a continue after init runs before any message", .ids = "GS-119 GS-116")
{
    keel_pid pid = lone_actor(.probed = true, .init = init_then,
            .argument = keel_atom(next));
    keel_call_or_exit(pid, keel_atom(call));
    EXPECT_NEXT("{actor, init, _}");
    EXPECT_NEXT("{actor, continue, next}");
    EXPECT_NEXT("{actor, info, queued}");
    EXPECT_NEXT("{actor, call, call}");
    end_process(pid);
}

PROCESS_TEST("start does not wait for the continue", .ids = "GS-120")
{
    keel_pid pid = lone_actor(.init = init_then, .argument = ACT(play_block, KEEL_NONE));
    keel_send(pid, keel_atom(go)); // only now may the continue end
    CHECK_TERM(keel_call_or_exit(pid, ACT(play_get, KEEL_NONE)), "[]");
    stop_actor(pid);
}

PROCESS_TEST("a continue runs right after its callback, and a reply goes before",
        .ids = "GS-070 GS-121")
{
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    keel_term block = ACT(play_block, KEEL_NONE);
    CHECK_TERM(keel_call_or_exit(pid, ACT(play_continue, block)), "ok");
    EXPECT_NEXT("{actor, call, _}");
    EXPECT_NEXT("{actor, continue, _}");
    keel_send(pid, keel_atom(go));
    keel_cast(pid, ACT(play_continue, keel_atom(after_cast)));
    keel_send(pid, ACT(play_continue, keel_atom(after_info)));
    keel_cast(pid, keel_atom(last));
    EXPECT_NEXT("{actor, cast, _}");
    EXPECT_NEXT("{actor, continue, after_cast}");
    EXPECT_NEXT("{actor, info, _}");
    EXPECT_NEXT("{actor, continue, after_info}");
    EXPECT_NEXT("{actor, cast, last}");
    end_process(pid);
}

PROCESS_TEST(
        "a chain of continues runs to its end before any message", .ids = "GS-122 GS-123")
{
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    keel_ref monitor = keel_monitor(pid);
    keel_term stop = ACT(play_stop, keel_atom(done));
    keel_term third = ACT(play_continue, stop);
    keel_cast(pid, ACT(play_continue, ACT(play_continue, third)));
    keel_cast(pid, keel_atom(never_seen));
    EXPECT_NEXT("{actor, cast, {act, _, _}}");
    for (int i = 0; i < 3; i++) {
        EXPECT_NEXT("{actor, continue, _}");
    }
    EXPECT_NEXT("{actor, terminate, done}");
    CHECK_TERM(await_down(monitor), "done");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST(
        "a continue may run thousands of times without gathering memory", .ids = "GS-122")
{
    keel_pid pid = lone_actor();
    keel_term deep = keel_nil();
    for (int i = 0; i < 10; i++) {
        deep = keel_cons(
                keel_string("some text that lies in memory of its own, not in a word"),
                deep);
    }
    keel_term chain = ACT(play_get, deep);
    for (int i = 0; i < 200; i++) {
        chain = ACT(play_continue, chain);
    }
    keel_call_or_exit(pid, chain);
    keel_process_view before;
    keel_process_view after;
    keel_call_or_exit(pid, ACT(play_get, KEEL_NONE));
    CHECK(keel_inspect_process(pid, &before));
    for (int i = 0; i < many_of(100); i++) {
        keel_call_or_exit(pid, chain);
    }
    keel_call_or_exit(pid, ACT(play_get, KEEL_NONE));
    CHECK(keel_inspect_process(pid, &after));
    CHECK(after.memory <= before.memory + 131072); // a stack, at most
    stop_actor(pid);
}

PROCESS_TEST(
        "a crash in a continue ends the server, and the report says so", .ids = "GS-124")
{
    catch_reports();
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    keel_ref monitor = keel_monitor(pid);
    keel_cast(pid, ACT(play_continue, ACT(play_exit_with, keel_atom(late))));
    CHECK_TERM(await_down(monitor), "late");
    EXPECT_MESSAGE("{actor, terminate, late}");
    EXPECT_MESSAGE("{report, 0, #{label := {gen_server, terminate}, "
                   "last_message := {continue, {act, _, late}}}}");
}

// --- hibernate ---

static keel_result play_hibernate(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    (void)actor;
    return keel_then_hibernate(played(from, keel_atom(ok)));
}

static keel_result init_hibernate(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    (void)from;
    (void)actor;
    return keel_then_hibernate(keel_ok());
}

PROCESS_TEST("a server hibernates from init and from callbacks, and answers as before",
        .ids = "GS-126 GS-127 GS-070")
{
    keel_pid pid = lone_actor(.init = init_hibernate, .state = keel_atom(kept));
    CHECK_TERM(keel_call_or_exit(pid, ACT(play_get, KEEL_NONE)), "kept");
    CHECK_TERM(keel_call_or_exit(pid, ACT(play_hibernate, KEEL_NONE)), "ok");
    keel_cast(pid, ACT(play_hibernate, KEEL_NONE));
    CHECK_TERM(keel_call_or_exit(pid, ACT(play_get, KEEL_NONE)), "kept");
    stop_actor(pid);
}

PROCESS_TEST("messages that are queued already are handled without delay", .ids = "GS-128")
{
    keel_pid pid = lone_actor();
    keel_cast(pid, ACT(play_block, KEEL_NONE));
    keel_cast(pid, ACT(play_hibernate, KEEL_NONE));
    for (int i = 0; i < 5; i++) {
        keel_cast(pid, ACT(play_push, keel_int(i)));
    }
    keel_send(pid, keel_atom(go));
    CHECK_TERM(keel_call_or_exit(pid, ACT(play_get, KEEL_NONE)), "[4, 3, 2, 1, 0]");
    stop_actor(pid);
}

SIMULATED_TEST("a server that is idle long enough hibernates by itself", .ids = "GS-130")
{
    keel_started started = keel_gen_server_start(
            &actor_server, ACTOR(.probed = true), .hibernate_after = KEEL_MS(100));
    keel_pid pid = actor_started(started);
    EXPECT_NEXT("{actor, init, _}");
    keel_sleep(KEEL_MS(150));
    CHECK(hibernates(pid));
    for (int i = 0; i < 3; i++) {
        keel_call_or_exit(pid, keel_atom(wake));
        EXPECT_NEXT("{actor, call, wake}");
        keel_sleep(KEEL_MS(90 + 20 * i));
    }
    // A timeout of its own goes before.
    keel_cast(pid, ACT(play_timeout, keel_int(300)));
    EXPECT_NEXT("{actor, cast, _}");
    EXPECT_NEXT("{actor, info, timeout}");
    end_process(pid);
}

PROCESS_TEST("a hibernated server is suspended, stopped and killed as any other",
        .ids = "GS-132")
{
    keel_trap_exit(true);
    keel_pid pid = lone_actor(.init = init_hibernate);
    CHECK_OK(keel_sys_suspend(pid));
    CHECK_OK(keel_sys_resume(pid));
    CHECK_OK(keel_gen_server_stop(pid, keel_atom(normal), SOON));
    pid = new_actor(.init = init_hibernate);
    CHECK_OK(keel_process_exit(pid, keel_atom(kill)));
    EXPECT_NEXT("{'EXIT', ^Pid, killed}", pid);
}
