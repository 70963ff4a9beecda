// gen_server: what a callback may ask for beside its result, and what comes before what.

#include "otp_testing.h"

// {Way, Milliseconds, Message}: way is message, hibernate (both with a message), timeout.
static keel_result asked(keel_result result, keel_term plan)
{
    keel_duration time = KEEL_MS(keel_to_int(keel_element(plan, 1)));
    if (keel_is(keel_element(plan, 0), timeout)) {
        return keel_then_timeout(result, time);
    }
    result = keel_then_message(result, KEEL_IN(time), keel_element(plan, 2));
    return keel_is(keel_element(plan, 0), hibernate) ? keel_then_hibernate(result) : result;
}

// Asks for it when something is in its mailbox already.
static keel_result play_ask(keel_term plan, keel_from from, struct actor *actor)
{
    (void)actor;
    keel_send(keel_self(), keel_atom(queued));
    return asked(played(from, keel_atom(ok)), plan);
}

static keel_result init_asking(keel_term plan, keel_from from, struct actor *actor)
{
    (void)from;
    (void)actor;
    keel_send(keel_self(), keel_atom(queued));
    return asked(keel_ok(), plan);
}

static keel_result play_continue(keel_term argument, keel_from from, struct actor *actor)
{
    (void)actor;
    return keel_then_continue(played(from, keel_atom(ok)), argument);
}

static void deliver(keel_pid pid, int how, keel_term act)
{
    if (how == 0) {
        CHECK_TERM(keel_call_or_exit(pid, act), "ok");
    } else if (how == 1) {
        CHECK_OK(keel_cast(pid, act));
    } else if (how == 2) {
        CHECK_OK(keel_send(pid, act));
    } else {
        CHECK_OK(keel_cast(pid, ACT(play_continue, act)));
        EXPECT_NEXT("{actor, cast, _}");
    }
}

PROCESS_TEST("a message that is due at once goes before what is queued, from any callback")
{
    keel_term plans = keel_make("[{message, 0, now}, {hibernate, 0, now}]");
    keel_term plan;
    while (keel_list_next(&plans, &plan)) {
        keel_pid pid = lone_actor(.probed = true, .init = init_asking, .argument = plan);
        EXPECT_NEXT("{actor, init, _}");
        EXPECT_NEXT("{actor, info, now}");
        EXPECT_NEXT("{actor, info, queued}");
        for (int how = 0; how < 4; how++) {
            deliver(pid, how, ACT(play_ask, plan));
            EXPECT_NEXT("{actor, _, {act, _, _}}");
            EXPECT_NEXT("{actor, info, now}");
            EXPECT_NEXT("{actor, info, queued}");
        }
        EXPECT_NO_MESSAGE(); // and only once
        stop_actor(pid);
        EXPECT_NEXT("{actor, terminate, normal}");
    }
}

PROCESS_TEST("a timeout of zero does not come when something is queued")
{
    keel_pid pid = lone_actor(.probed = true, .init = init_asking,
            .argument = keel_make("{timeout, 0}"));
    EXPECT_NEXT("{actor, init, _}");
    EXPECT_NEXT("{actor, info, queued}");
    for (int how = 0; how < 4; how++) {
        deliver(pid, how, ACT(play_ask, keel_make("{timeout, 0}")));
        EXPECT_NEXT("{actor, _, {act, _, _}}");
        EXPECT_NEXT("{actor, info, queued}");
    }
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(last)), "{unknown, last}");
    EXPECT_NEXT("{actor, call, last}");
    end_process(pid);
}

static keel_result play_wait(keel_term plan, keel_from from, struct actor *actor)
{
    (void)actor;
    return asked(played(from, keel_atom(ok)), plan);
}

SIMULATED_TEST("system messages neither take a message from a server nor delay it")
{
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    keel_term plans = keel_make("[{message, 100, up}, {hibernate, 100, up}]");
    keel_term plan;
    while (keel_list_next(&plans, &plan)) {
        int64_t start = keel_now();
        keel_cast(pid, ACT(play_wait, plan));
        EXPECT_NEXT("{actor, cast, _}");
        for (int i = 0; i < 3; i++) {
            keel_sleep(KEEL_MS(20));
            keel_term state;
            CHECK_OK(keel_sys_get_state(pid, &state));
            CHECK_OK(keel_sys_suspend(pid));
            CHECK_OK(keel_sys_resume(pid));
        }
        EXPECT_NEXT("{actor, info, up}");
        int64_t passed = keel_now() - start;
        CHECK(passed >= KEEL_MS(100) && passed < KEEL_MS(103));
    }
    end_process(pid);
}

SIMULATED_TEST("a server that is told to sleep when idle wakes for its message in time")
{
    keel_pid pid = actor_started(keel_gen_server_start(
            &actor_server, ACTOR(.probed = true), .hibernate_after = KEEL_MS(10)));
    EXPECT_NEXT("{actor, init, _}");
    for (int milliseconds = 5; milliseconds <= 500; milliseconds *= 10) {
        int64_t start = keel_now();
        keel_cast(pid, ACT(play_wait, keel_make("{message, Time, up}", milliseconds)));
        EXPECT_NEXT("{actor, cast, _}");
        EXPECT_NEXT("{actor, info, up}");
        int64_t passed = keel_now() - start;
        CHECK(passed >= KEEL_MS(milliseconds) && passed < KEEL_MS(milliseconds + 3));
        keel_sleep(KEEL_SECONDS(1));
        EXPECT_NO_MESSAGE();
    }
    end_process(pid);
}

SIMULATED_TEST("a continue may ask for whatever another callback may")
{
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    keel_term plans = keel_make(
            "[{timeout, 20}, {message, 20, timeout}, {hibernate, 20, timeout}]");
    keel_term plan;
    while (keel_list_next(&plans, &plan)) {
        keel_cast(pid, ACT(play_continue, ACT(play_wait, plan)));
        EXPECT_NEXT("{actor, cast, _}");
        EXPECT_NEXT("{actor, continue, _}");
        EXPECT_NEXT("{actor, info, timeout}");
        keel_cast(pid, ACT(play_continue, ACT(play_wait, plan)));
        keel_cast(pid, keel_atom(anything)); // takes it away
        EXPECT_NEXT("{actor, cast, _}");
        EXPECT_NEXT("{actor, continue, _}");
        EXPECT_NEXT("{actor, cast, anything}");
        keel_sleep(KEEL_SECONDS(1));
        EXPECT_NO_MESSAGE();
    }
    end_process(pid);
}

// The timeouts are never: only what is queued or sent can come.
PROCESS_TEST("a reply goes out before its server waits, sleeps or goes on")
{
    keel_pid pid = lone_actor(.state = keel_atom(kept));
    keel_term plans = keel_make(
            "[{timeout, 60000}, {hibernate, 60000, x}, {message, 0, x}]");
    keel_term plan;
    while (keel_list_next(&plans, &plan)) {
        CHECK_TERM(keel_call_or_exit(pid, ACT(play_wait, plan)), "ok");
    }
    CHECK_TERM(keel_call_or_exit(pid, ACT(play_get, KEEL_NONE)), "kept");
    stop_actor(pid);
}

PROCESS_TEST("a crash over a message that was due at once is reported with it")
{
    catch_reports();
    keel_pid pid = lone_actor();
    CHECK_OK(keel_sys_log(pid, keel_bool(true), NULL));
    keel_ref monitor = keel_monitor(pid);
    keel_cast(pid, ACT(play_wait, keel_make("{message, 0, Act}",
                                          ACT(play_exit_with, keel_atom(over)))));
    CHECK_TERM(await_down(monitor), "over");
    EXPECT_MESSAGE(
            "{report, 0, #{label := {gen_server, terminate}, "
            "last_message := {act, _, over}, "
            "log := [{in, {'$gen_cast', _}}, {noreply, []}, {in, {act, _, over}}]}}");
}
