// gen_server: how it ends, and what is reported of it.

#include "otp_testing.h"

// The report of a server's end, or KEEL_NONE when there is none.
static keel_term terminate_report(void)
{
    keel_term report = KEEL_NONE;
    EXPECT_MESSAGE("{report, 0, Report}", &report);
    CHECK_TERM(report, "#{label := {gen_server, terminate}}");
    return report;
}

static keel_term item(keel_term report, const char *key)
{
    keel_term atom = KEEL_NONE;
    CHECK_OK(keel_atom_from(key, __builtin_strlen(key), &atom));
    return keel_map_get(report, atom);
}

PROCESS_TEST("a result of no known shape ends the server, and the caller hears of it",
        .ids = "GS-074 GS-081")
{
    keel_pid pid = lone_actor(.probed = true);
    keel_term why;
    CHECK_INT(keel_call(pid, ACT(play_bad, KEEL_NONE), &why), KEEL_E_EXIT);
    CHECK_TERM(why, "{bad_return_value, {keel_result, 0}}");
    EXPECT_MESSAGE("{actor, terminate, {bad_return_value, {keel_result, 0}}}");
    pid = lone_actor();
    CHECK_INT(keel_call(pid, ACT(play_ignore, KEEL_NONE), &why), KEEL_E_EXIT);
    CHECK_TERM(why, "{bad_return_value, ignore}");
}

static keel_result then_bad(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    (void)from;
    (void)actor;
    return keel_then_continue(keel_noreply(), ACT(play_bad, KEEL_NONE));
}

PROCESS_TEST("a bad result of cast, info or continue ends the server", .ids = "GS-075")
{
    actor_act acts[] = {play_bad, play_bad, then_bad};
    for (int how = 0; how < 3; how++) {
        keel_pid pid = lone_actor();
        keel_ref monitor = keel_monitor(pid);
        keel_term act = ACT(acts[how], KEEL_NONE);
        how == 0 ? keel_send(pid, act) : keel_cast(pid, act);
        CHECK_TERM(await_down(monitor), "{bad_return_value, {keel_result, 0}}");
    }
}

PROCESS_TEST("an exit in a callback runs terminate; orderly reasons are not reported",
        .ids = "GS-079 GS-163 PL-034 GS-081")
{
    catch_reports();
    keel_term reasons = keel_make("[normal, shutdown, {shutdown, x}, over]");
    keel_term reason;
    while (keel_list_next(&reasons, &reason)) {
        keel_pid pid = lone_actor(.probed = true);
        keel_ref monitor = keel_monitor(pid);
        keel_send(pid, ACT(play_exit_with, reason));
        CHECK_EQUAL(await_down(monitor), reason);
        EXPECT_MESSAGE("{actor, init, _}");
        EXPECT_MESSAGE("{actor, info, _}");
        EXPECT_MESSAGE("{actor, terminate, ^Reason}", reason);
        if (keel_is(reason, over)) {
            CHECK_TERM(item(terminate_report(), "reason"), "over");
            EXPECT_MESSAGE("{report, 0, #{label := {proc_lib, crash}}}");
        }
        EXPECT_NO_MESSAGE();
    }
}

PROCESS_TEST("an error in a callback gives terminate the reason with its stack",
        .ids = "GS-080 GS-165 GS-162 PL-033")
{
    catch_reports();
    keel_pid pid = lone_actor(.probed = true, .state = keel_make("{held, 1}"));
    keel_ref monitor = keel_monitor(pid);
    keel_cast(pid, ACT(play_error, keel_atom(boom)));
    CHECK_TERM(await_down(monitor), "{boom, [_ | _]}");
    EXPECT_MESSAGE("{actor, terminate, {boom, [_ | _]}}");
    keel_term report = terminate_report();
    CHECK_TERM(item(report, "reason"), "{boom, [_ | _]}");
    CHECK_TERM(item(report, "last_message"), "{'$gen_cast', {act, _, boom}}");
    CHECK_TERM(item(report, "state"), "{held, 1}");
    CHECK_TERM(item(report, "client_info"), "undefined");
    CHECK_TERM(item(report, "name"), "^Pid", keel_from_pid(pid));
}

// What the compiler and its sanitizers may not see coming.
__attribute__((noinline, no_sanitize("address"), no_sanitize("undefined"))) static void
touch(uintptr_t address)
{
    *(volatile char *)address = 1;
}

static keel_result play_fault(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    (void)actor;
    touch(0);
    return played(from, keel_atom(unharmed));
}

static void meet_fault(void)
{
    catch_reports();
    keel_pid pid = lone_actor(.probed = true, .state = keel_atom(held));
    keel_term why = KEEL_NONE;
    CHECK_INT(keel_call(pid, ACT(play_fault, KEEL_NONE), &why), KEEL_E_EXIT);
    CHECK_TERM(why, "{_, [_ | _]}");
    EXPECT_MESSAGE("{actor, terminate, ^Why}", why);
    keel_term report = terminate_report();
    CHECK_TERM(item(report, "state"), "held");
    CHECK_EQUAL(item(report, "reason"), why);
}

TEST("a fault in a callback runs terminate and is reported", .ids = "GS-080 GS-081")
{
    in_process_with(meet_fault, .catch_faults = true);
}

static void call_and_wait(keel_term pid_and_request)
{
    CHECK_OK(keel_register(keel_atom(the_client), keel_self()));
    keel_term reply;
    CHECK_INT(keel_call_within(keel_element(pid_and_request, 0),
                      keel_element(pid_and_request, 1), KEEL_NEVER, &reply),
            KEEL_E_EXIT);
}

PROCESS_TEST("the report names the client of the last call", .ids = "GS-162")
{
    catch_reports();
    keel_pid pid = actor_started(
            keel_gen_server_start(&actor_server, ACTOR(), .name = keel_atom(reporter)));
    keel_term call = ACT(play_stop, keel_atom(enough));
    keel_ref monitor;
    keel_pid client = keel_spawn_monitor(
            call_and_wait, keel_tuple_of(keel_from_pid(pid), call), &monitor);
    CHECK_TERM(await_down(monitor), "normal");
    keel_term report = terminate_report();
    CHECK_TERM(item(report, "name"), "reporter");
    CHECK_EQUAL(item(report, "last_message"), call);
    CHECK_TERM(
            item(report, "client_info"), "{^Pid, {the_client, _}}", keel_from_pid(client));
    CHECK_TERM(item(report, "reason"), "enough");
}

static keel_result play_block_and_stop(
        keel_term reason, keel_from from, struct actor *actor)
{
    play_block(reason, from, actor);
    return keel_stop_with(reason);
}

PROCESS_TEST("a client that is dead by then is reported so", .ids = "GS-162")
{
    catch_reports();
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    keel_term call = ACT(play_block_and_stop, keel_atom(late));
    keel_pid client = keel_spawn(call_and_wait, keel_tuple_of(keel_from_pid(pid), call));
    EXPECT_NEXT("{actor, call, _}");
    end_process(client);
    keel_send(pid, keel_atom(go));
    EXPECT_MESSAGE("{actor, terminate, late}");
    CHECK_TERM(
            item(terminate_report(), "client_info"), "{^Pid, dead}", keel_from_pid(client));
}

static keel_result play_label(keel_term label, keel_from from, struct actor *actor)
{
    (void)actor;
    CHECK_OK(keel_process_set_label(label));
    return played(from, keel_atom(ok));
}

PROCESS_TEST(
        "the report has the label and the log of events", .ids = "GS-168 GS-169 PL-047")
{
    catch_reports();
    keel_pid pid = lone_actor();
    CHECK_OK(keel_sys_log(pid, keel_atom(true), NULL));
    keel_call_or_exit(pid, ACT(play_label, keel_make("{shop, 7}")));
    keel_cast(pid, ACT(play_stop, keel_atom(broken)));
    keel_term report = terminate_report();
    CHECK_TERM(item(report, "process_label"), "{shop, 7}");
    CHECK_TERM(item(report, "log"), "[{in, _}, {out, ok, _, _}, {in, {'$gen_cast', _}}]");
    keel_term crash = KEEL_NONE;
    EXPECT_MESSAGE(
            "{report, 0, #{label := {proc_lib, crash}, report := [Info, _]}}", &crash);
    CHECK_TERM(keel_proplist_get(crash, keel_atom(process_label)), "{shop, 7}");
}

PROCESS_TEST("a linked stranger's end is a message to a trapping server", .ids = "GS-085")
{
    keel_pid pid = lone_actor(.probed = true, .trap_exit = true);
    EXPECT_NEXT("{actor, init, _}");
    keel_pid stranger = new_puppet();
    ask(stranger, act_link, keel_from_pid(pid));
    tell(stranger, act_exit, keel_atom(crash));
    EXPECT_NEXT("{actor, info, {'EXIT', ^Pid, crash}}", stranger);
    // Whoever started it without a link is a stranger, too.
    CHECK_OK(keel_process_exit(pid, keel_atom(go_away)));
    EXPECT_NEXT("{actor, info, {'EXIT', ^Self, go_away}}", keel_self());
    end_process(pid);
}

static keel_term act_start_linked(keel_term argument)
{
    return keel_from_pid(
            actor_started(keel_gen_server_start_link(&actor_server, argument)));
}

PROCESS_TEST("a trapping server terminates when its parent ends", .ids = "GS-081 SY-064")
{
    for (int suspended = 0; suspended < 2; suspended++) {
        keel_pid parent = new_puppet();
        keel_pid pid = keel_to_pid(
                ask(parent, act_start_linked, ACTOR(.probed = true, .trap_exit = true)));
        EXPECT_NEXT("{actor, init, _}");
        if (suspended) {
            CHECK_OK(keel_sys_suspend(pid));
        }
        keel_ref monitor = keel_monitor(pid);
        tell(parent, act_exit, keel_atom(over));
        EXPECT_NEXT("{actor, terminate, over}");
        CHECK_TERM(await_down(monitor), "over");
    }
}

PROCESS_TEST("killing runs no terminate", .ids = "GS-082 PL-040")
{
    catch_reports();
    keel_pid pid = lone_actor(.probed = true, .trap_exit = true);
    EXPECT_NEXT("{actor, init, _}");
    end_process(pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("without terminate a server ends with the same reason", .ids = "GS-086")
{
    for (int i = 0; i < 2; i++) {
        keel_pid pid = actor_started(keel_gen_server_start(&bare_server, keel_nil()));
        keel_ref monitor = keel_monitor(pid);
        keel_term reason = i == 0 ? keel_atom(shutdown) : keel_atom(odd);
        CHECK_OK(keel_gen_server_stop(pid, reason, SOON));
        CHECK_EQUAL(await_down(monitor), reason);
    }
}

static void forget_all(keel_term reason, struct actor *actor)
{
    (void)reason;
    keel_set(&actor->state, KEEL_NONE);
}

PROCESS_TEST("the state in the report is the one before terminate", .ids = "GS-089 GS-162")
{
    catch_reports();
    keel_pid pid = lone_actor(.state = keel_make("[precious]"), .at_end = forget_all);
    keel_send(pid, ACT(play_stop, keel_atom(odd)));
    CHECK_TERM(item(terminate_report(), "state"), "[precious]");
}

static void end_with_error(keel_term reason, struct actor *actor)
{
    (void)reason;
    (void)actor;
    keel_error(keel_atom(in_terminate));
}

PROCESS_TEST("a crash in terminate is the reason then, and is reported", .ids = "GS-081")
{
    catch_reports();
    keel_pid pid = lone_actor(.at_end = end_with_error);
    keel_ref monitor = keel_monitor(pid);
    keel_send(pid, ACT(play_stop, keel_atom(normal)));
    CHECK_TERM(await_down(monitor), "{in_terminate, [_ | _]}");
    CHECK_TERM(item(terminate_report(), "reason"), "{in_terminate, _}");
    // Also when it was called because of a crash.
    pid = lone_actor(.at_end = end_with_error);
    monitor = keel_monitor(pid);
    keel_send(pid, ACT(play_error, keel_atom(first)));
    CHECK_TERM(await_down(monitor), "{in_terminate, [_ | _]}");
}

PROCESS_TEST("messages behind the one that stops a server are not handled", .ids = "GS-090")
{
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    keel_cast(pid, ACT(play_block_and_stop, keel_atom(normal)));
    for (int i = 0; i < 5; i++) {
        keel_cast(pid, keel_int(i));
    }
    keel_ref monitor = keel_monitor(pid);
    keel_send(pid, keel_atom(go));
    CHECK_TERM(await_down(monitor), "normal");
    EXPECT_NEXT("{actor, cast, {act, _, _}}");
    EXPECT_NEXT("{actor, terminate, normal}");
    EXPECT_NO_MESSAGE();
}

static void look_for_name(keel_term reason, struct actor *actor)
{
    (void)reason;
    keel_send(actor->probe,
            keel_tuple_of(keel_atom(name_is), keel_from_pid(keel_whereis("mortal"))));
}

PROCESS_TEST("the name stays while terminate runs and is free when the end is known",
        .ids = "GS-091 GS-032")
{
    for (int i = 0; i < 20; i++) {
        keel_started started = keel_gen_server_start_monitor(&actor_server,
                ACTOR(.probed = true, .at_end = look_for_name), .name = keel_atom(mortal));
        CHECK_OK(started.status);
        keel_send(started.pid, ACT(play_stop, keel_atom(normal)));
        CHECK_TERM(await_down(started.monitor), "normal");
        CHECK(no_pid(keel_whereis("mortal")));
        EXPECT_MESSAGE("{name_is, ^Pid}", started.pid);
    }
    keel_flush();
}

PROCESS_TEST("a reply given with stop reaches the caller when terminate has run",
        .ids = "GS-081")
{
    keel_pid pid = lone_actor(.probed = true);
    keel_ref monitor = keel_monitor(pid);
    keel_term stop = ACT(play_stop_reply, keel_make("{{shutdown, 1}, bye}"));
    CHECK_TERM(keel_call_or_exit(pid, stop), "bye");
    EXPECT_MESSAGE("{actor, terminate, {shutdown, 1}}");
    CHECK_TERM(await_down(monitor), "{shutdown, 1}");
    // A terminate that fails does not keep the reply back.
    pid = lone_actor(.at_end = end_with_error);
    CHECK_TERM(keel_call_or_exit(pid, stop), "bye");
}
