// gen_server: starts that fail, again and again, and what is left of them; callbacks that
// fail in unusual ways.

#include "otp_testing.h"

static keel_result play_too_long(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    (void)from;
    (void)actor;
    keel_sleep(KEEL_MINUTES(10));
    return keel_ok();
}

// Takes what only one process can have, as its init's resource, and fails by an act.
static keel_result play_with_resource(keel_term act, keel_from from, struct actor *actor)
{
    CHECK_OK(keel_register(keel_atom(the_resource), keel_self()));
    void *function = keel_to_pointer(keel_element(act, 1), NULL);
    return ((actor_act)(uintptr_t)function)(keel_element(act, 2), from, actor);
}

PROCESS_TEST("a start that failed has given everything back by the time it returns")
{
    keel_trap_exit(true);
    static const actor_act acts[] = {play_ignore, play_fail, play_stop, play_exit_with,
            play_error, play_bad, play_too_long};
    static keel_started (*const starts[])(
            const keel_gen_server *, const keel_start_opts *) = {keel_gen_server_start_opt,
            keel_gen_server_start_link_opt, keel_gen_server_start_monitor_opt,
            keel_gen_server_start_opt};
    for (size_t i = 0; i < KEEL_COUNT(acts); i++) {
        for (size_t how = 0; how < KEEL_COUNT(starts); how++) {
            for (int again = 0; again < 3; again++) {
                keel_start_opts opts = {
                        .argument = ACTOR(.init = play_with_resource,
                                .argument = ACT(acts[i], keel_atom(why))),
                        .spawn.link = how == 3, // a start with this option is linked, too
                        .timeout = acts[i] == play_too_long ? KEEL_MS(1) : 0,
                };
                keel_started started = starts[how](&actor_server, &opts);
                CHECK_INT(started.status, i == 0                     ? KEEL_E_IGNORED
                                          : acts[i] == play_too_long ? KEEL_E_TIMEOUT
                                                                     : KEEL_E_EXIT);
                CHECK(no_pid(keel_whereis("the_resource")));
                EXPECT_NO_MESSAGE();
            }
        }
    }
}

PROCESS_TEST("the same start succeeds at once when the one before failed, under its name")
{
    keel_term names = keel_make("[failing, {local, failing}]");
    keel_term name;
    while (keel_list_next(&names, &name)) {
        for (int i = 0; i < 10; i++) {
            keel_start_opts opts = {
                    .argument = ACTOR(.init = i % 2 == 0 ? play_ignore : play_fail,
                            .argument = keel_atom(why)),
                    .name = name};
            CHECK(keel_gen_server_start_opt(&actor_server, &opts).status != KEEL_OK);
            CHECK(no_pid(keel_whereis("failing")));
        }
        keel_started started = keel_gen_server_start(&actor_server, ACTOR(), .name = name);
        CHECK_OK(started.status);
        CHECK(same_pid(keel_whereis("failing"), started.pid));
        stop_actor(started.pid);
    }
}

static keel_result tell_name(keel_term probe, keel_from from, struct actor *actor)
{
    (void)from;
    (void)actor;
    keel_send(probe, keel_tuple_of(keel_atom(is), keel_from_pid(keel_whereis("early"))));
    return keel_ok();
}

PROCESS_TEST("a server has its name before init runs")
{
    keel_started started = keel_gen_server_start(&actor_server,
            ACTOR(.init = tell_name, .argument = keel_from_pid(keel_self())),
            .name = keel_atom(early));
    CHECK_OK(started.status);
    EXPECT_NEXT("{is, ^Pid}", started.pid);
    stop_actor(started.pid);
}

PROCESS_TEST("a start may be told to link, but not to monitor")
{
    keel_trap_exit(true);
    keel_started started = keel_gen_server_start(
            &actor_server, ACTOR(), .spawn.link = true);
    CHECK_OK(started.status);
    CHECK_OK(keel_process_exit(started.pid, keel_atom(kill)));
    EXPECT_NEXT("{'EXIT', ^Pid, killed}", started.pid);
    size_t before = process_count();
    keel_start_opts opts = {.argument = ACTOR(.probed = true), .spawn.monitor = true};
    CHECK_INT(keel_gen_server_start_opt(&actor_server, &opts).status, KEEL_E_BADARG);
    CHECK_INT(keel_gen_server_start_link_opt(&actor_server, &opts).status, KEEL_E_BADARG);
    CHECK_INT(
            keel_gen_server_start_monitor_opt(&actor_server, &opts).status, KEEL_E_BADARG);
    CHECK_INT(process_count(), before);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("an init that declines or is sorry makes no report, one that stops makes one")
{
    catch_reports();
    CHECK_INT(keel_gen_server_start(&actor_server, ACTOR(.init = play_ignore)).status,
            KEEL_E_IGNORED);
    keel_term why = keel_atom(why);
    CHECK_INT(
            keel_gen_server_start(&actor_server, ACTOR(.init = play_fail, .argument = why))
                    .status,
            KEEL_E_EXIT);
    EXPECT_NO_MESSAGE();
    static const actor_act acts[] = {play_stop, play_exit_with, play_error};
    for (size_t i = 0; i < KEEL_COUNT(acts); i++) {
        CHECK_INT(keel_gen_server_start(
                          &actor_server, ACTOR(.init = acts[i], .argument = why))
                          .status,
                KEEL_E_EXIT);
        keel_term info = KEEL_NONE;
        EXPECT_NEXT(
                "{report, 0, #{label := {proc_lib, crash}, report := [Info, []]}}", &info);
        CHECK_TERM(keel_proplist_get(info, keel_atom(error_info)), "{_, why, _}");
        EXPECT_NO_MESSAGE(); // there was no server yet that could report its state
    }
    static const actor_act orderly[] = {play_stop, play_exit_with};
    keel_term shutdown = keel_make("{shutdown, early}");
    for (size_t i = 0; i < KEEL_COUNT(orderly); i++) {
        keel_started started = keel_gen_server_start(
                &actor_server, ACTOR(.init = orderly[i], .argument = shutdown));
        CHECK_TERM(keel_started_to_term(started), "{error, {shutdown, early}}");
        EXPECT_NO_MESSAGE();
    }
}

// --- callbacks ---

PROCESS_TEST("an undef that handle_info meets inside is no missing handle_info")
{
    catch_reports();
    keel_pid pid = lone_actor();
    keel_ref monitor = keel_monitor(pid);
    keel_send(pid, ACT(play_error, keel_atom(undef)));
    CHECK_TERM(await_down(monitor), "{undef, [_ | _]}");
    EXPECT_NEXT("{report, 0, #{label := {gen_server, terminate}, reason := {undef, _}}}");
}

static void end_undefined(keel_term reason, struct actor *actor)
{
    (void)reason;
    (void)actor;
    keel_error(keel_atom(undef));
}

PROCESS_TEST("an undef that terminate meets inside is the reason of the end")
{
    keel_pid pid = lone_actor(.at_end = end_undefined);
    keel_term ended = KEEL_NONE;
    CHECK_INT(
            keel_gen_server_stop_term(keel_from_pid(pid), keel_atom(normal), SOON, &ended),
            KEEL_E_EXIT);
    CHECK_TERM(ended, "{undef, [_ | _]}");
}

static void end_by_exit(keel_term reason, struct actor *actor)
{
    (void)reason;
    (void)actor;
    keel_exit(keel_make("{crash, terminate}"));
}

PROCESS_TEST("an exit in terminate is reported with the message and the state before it")
{
    catch_reports();
    keel_trap_exit(true);
    keel_pid pid = new_actor(.state = keel_atom(st), .at_end = end_by_exit);
    keel_term act = ACT(play_stop_reply, keel_make("{stopped, ok}"));
    CHECK_TERM(keel_call_or_exit(pid, act), "ok");
    EXPECT_MESSAGE("{'EXIT', ^Pid, {crash, terminate}}", pid);
    keel_term report = KEEL_NONE;
    EXPECT_MESSAGE("{report, 0, Report}", &report);
    CHECK_TERM(report,
            "#{label := {gen_server, terminate}, state := st, "
            "reason := {crash, terminate}, client_info := {^Self, _}}",
            keel_self());
    CHECK_EQUAL(keel_map_get(report, keel_atom(last_message)), act);
}

static keel_term act_start(keel_term argument)
{
    return keel_from_pid(
            actor_started(keel_gen_server_start_link(&actor_server, argument)));
}

PROCESS_TEST("a server that does not trap exits ends with its parent, without terminate")
{
    keel_term reasons = keel_make("[shutdown, {shutdown, x}, over]");
    keel_term reason;
    while (keel_list_next(&reasons, &reason)) {
        keel_pid parent = new_puppet();
        keel_pid pid = keel_to_pid(ask(parent, act_start, ACTOR(.probed = true)));
        EXPECT_NEXT("{actor, init, _}");
        keel_ref monitor = keel_monitor(pid);
        tell(parent, act_exit, reason);
        CHECK_EQUAL(await_down(monitor), reason);
        EXPECT_NO_MESSAGE();
    }
}

PROCESS_TEST("a supervisor's shutdown is terminate's reason, if the server traps exits")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {
            KID(deaf, .trap_exit = false), KID(listening, .trap_exit = true)};
    keel_pid supervisor = new_supervisor(children, .strategy = KEEL_ONE_FOR_ONE);
    EXPECT_NEXT("{deaf, init, _}");
    EXPECT_NEXT("{listening, init, _}");
    CHECK_OK(keel_process_exit(supervisor, keel_atom(shutdown)));
    EXPECT_NEXT("{listening, terminate, shutdown}");
    EXPECT_NEXT("{'EXIT', ^Pid, shutdown}", supervisor);
    EXPECT_NO_MESSAGE();
}

// Its exit signal may be any process's: only its parent's ends it.
static keel_term act_signal(keel_term pid)
{
    CHECK_OK(keel_process_exit(keel_to_pid(pid), keel_atom(leave)));
    return keel_nil();
}

PROCESS_TEST("a parent that lives may tell its trapping server to end by a signal")
{
    keel_pid parent = new_puppet();
    keel_pid pid = keel_to_pid(
            ask(parent, act_start, ACTOR(.probed = true, .trap_exit = true)));
    EXPECT_NEXT("{actor, init, _}");
    keel_ref monitor = keel_monitor(pid);
    CHECK_OK(keel_process_exit(pid, keel_atom(leave)));
    EXPECT_NEXT("{actor, info, {'EXIT', ^Self, leave}}", keel_self());
    tell(parent, act_signal, keel_from_pid(pid));
    EXPECT_NEXT("{actor, terminate, leave}");
    CHECK_TERM(await_down(monitor), "leave");
    end_process(parent);
}
