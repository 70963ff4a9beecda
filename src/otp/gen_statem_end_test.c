// How a state machine ends, and what is told of it.

#include "statem_testing.h"

PROCESS_TEST("stop runs terminate with the state of that moment, then the machine is gone",
        .ids = "SM-015 SM-016 SM-032")
{
    keel_pid pid = new_machine(.probed = true);
    CAST(pid, "{next_state, b, []}");
    CHECK_OK(keel_gen_statem_stop(pid, keel_atom(normal), SOON));
    CHECK(!keel_process_alive(pid));
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{terminate, normal, b}");
    pid = new_machine(.probed = true);
    keel_ref monitor = keel_monitor(pid);
    CHECK_OK(keel_gen_statem_stop(pid, keel_make("{shutdown, why}"), SOON));
    EXPECT_NEXT("{terminate, {shutdown, why}, a}");
    CHECK_TERM(await_down(monitor), "{shutdown, why}");
}

SIMULATED_TEST("stopping what is not there, or takes too long, is told",
        .ids = "SM-017 SM-018 SM-020")
{
    CHECK_INT(keel_gen_statem_stop(dead_pid(), keel_atom(normal), SOON), KEEL_E_NOPROC);
    CHECK_INT(keel_gen_statem_stop("nobody_here", keel_atom(normal), SOON), KEEL_E_NOPROC);
    keel_pid pid = new_machine();
    CAST(pid, "{sleep, 1000, {keep_state, []}}");
    CHECK_INT(keel_gen_statem_stop(pid, keel_atom(normal), KEEL_IN(KEEL_MS(10))),
            KEEL_E_TIMEOUT);
    CHECK(keel_process_alive(pid));
    end_process(pid);
    keel_term away = keel_make("{somebody, 'nowhere@nohost'}");
    CHECK_INT(keel_gen_statem_stop(away, keel_atom(normal), SOON), KEEL_E_NODEDOWN);
}

PROCESS_TEST(
        "a stop without a reason to speak of leaves the machine as it is", .ids = "SM-021")
{
    keel_pid pid = new_machine();
    CHECK_INT(keel_gen_statem_stop(pid, KEEL_NONE, KEEL_AT_ONCE), KEEL_E_BADARG);
    EXPECT_STATE(pid, "{a, []}");
    end_process(pid);
}

// What a machine ends with that obeys the script; its terminate is reported.
static keel_term end_with(keel_term content)
{
    keel_pid pid = new_machine(.probed = true);
    keel_ref monitor = keel_monitor(pid);
    CHECK_OK(keel_cast(pid, content));
    EXPECT_NEXT("{a, cast, _}");
    return await_down(monitor);
}

PROCESS_TEST("a callback stops the machine with its reason", .ids = "SM-023")
{
    CHECK_TERM(end_with(DO("{stop, normal}")), "normal");
    EXPECT_NEXT("{terminate, normal, a}");
    CHECK_TERM(end_with(DO("{stop, {some, reason}}")), "{some, reason}");
    EXPECT_NEXT("{terminate, {some, reason}, a}");
    CHECK_TERM(end_with(DO("{data, {crash_at_end, seen}, {stop, normal}}")), "seen");
    EXPECT_NEXT("{terminate, normal, a}");
}

PROCESS_TEST("terminate gets the reason of an error without its stack, others as they are")
{
    keel_report_level_set(KEEL_REPORT_NONE);
    CHECK_TERM(end_with(DO("{error, oops}")), "{oops, [_ | _]}");
    EXPECT_NEXT("{terminate, oops, a}");
    CHECK_TERM(end_with(DO("{keep_state, [nonsense]}")),
            "{{bad_action_from_state_function, nonsense}, []}");
    EXPECT_NEXT("{terminate, {bad_action_from_state_function, nonsense}, a}");
    CHECK_TERM(end_with(DO("{keep_state, [{timeout, -1, x}]}")),
            "{{bad_action_from_state_function, {timeout, -1, x}}, []}");
    EXPECT_NEXT("{terminate, {bad_action_from_state_function, {timeout, -1, x}}, a}");
    CHECK_TERM(end_with(DO("bad")), "{{bad_return_from_state_function, _}, []}");
    EXPECT_NEXT("{terminate, {bad_return_from_state_function, _}, a}");
    CHECK_TERM(end_with(DO("{stop, {some, []}}")), "{some, []}");
    EXPECT_NEXT("{terminate, {some, []}, a}");
    CHECK_TERM(end_with(DO("{exit, {some, [reason]}}")), "{some, [reason]}");
    EXPECT_NEXT("{terminate, {some, [reason]}, a}");
}

PROCESS_TEST("replies go out before the end, in order", .ids = "SM-024 SM-025")
{
    keel_pid pid = new_machine(.probed = true);
    keel_term self = keel_from_pid(keel_self());
    keel_ref monitor = keel_monitor(pid);
    keel_request request = keel_send_request(pid,
            DO("{data, d2, {stop_and_reply, over, [{reply, {Self, 1}, x}, {reply, mine}, "
               "{reply, {Self, 2}, y}]}}",
                    self));
    keel_term reply;
    CHECK_OK(keel_receive_response(request, SOON, &reply));
    CHECK_TERM(reply, "mine");
    EXPECT_NEXT("{a, call, _}");
    EXPECT_NEXT("{1, x}");
    EXPECT_NEXT("{2, y}");
    EXPECT_NEXT("{terminate, over, a}");
    CHECK_TERM(await_down(monitor), "over");
    CHECK_TERM(end_with(DO("{stop_and_reply, over, [{reply, {Self, 3}, z}, bad]}", self)),
            "{{bad_reply_action_from_state_function, bad}, []}");
    EXPECT_NEXT("{3, z}");
}

static const keel_gen_statem unterminated = {.name = "unterminated",
        .data = KEEL_STATE(struct machine, data, probe, enters),
        .init = machine_init,
        .handle_event = machine_event};

PROCESS_TEST("without terminate the end is the same", .ids = "SM-027")
{
    keel_term reasons = keel_make("[normal, {a, reason}]");
    keel_term reason;
    while (keel_list_next(&reasons, &reason)) {
        keel_pid pid = machine_of(&unterminated);
        keel_ref monitor = keel_monitor(pid);
        CAST(pid, "{stop, R}", reason);
        CHECK_EQUAL(await_down(monitor), reason);
    }
}

PROCESS_TEST("a crash in terminate is the reason then, and is reported", .ids = "SM-028")
{
    catch_reports();
    keel_pid pid = new_machine(.data = "{crash_at_end, fell_over}");
    keel_ref monitor = keel_monitor(pid);
    CAST(pid, "{stop, normal}");
    CHECK_TERM(await_down(monitor), "fell_over");
    EXPECT_NEXT(
            "{report, 0, #{label := {gen_statem, terminate}, reason := {exit, fell_over, "
            "[]}}}");
    EXPECT_NEXT("{report, 0, #{label := {proc_lib, crash}}}");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("an orderly end is not reported, and callers hear its reason", .ids = "SM-029")
{
    catch_reports();
    keel_term reasons = keel_make("[shutdown, {shutdown, term}, normal]");
    keel_term reason;
    while (keel_list_next(&reasons, &reason)) {
        keel_term why = KEEL_NONE;
        CHECK_INT(keel_gen_statem_call(new_machine(), DO("{stop, R}", reason), &why),
                KEEL_E_EXIT);
        CHECK_EQUAL(why, reason);
    }
    EXPECT_NO_MESSAGE();
}

// --- links ---

static keel_term act_new_machine(keel_term probe)
{
    keel_term argument = keel_make("{machine, Probe, Trap, {ok, a, []}, [], Enters}", probe,
            keel_bool(true), keel_make("#{}"));
    return keel_from_pid(actor_started(keel_gen_statem_start_link(&machine, argument)));
}

PROCESS_TEST("the parent's end terminates a machine that traps exits; no event tells of it",
        .ids = "SM-030")
{
    keel_pid parent = new_puppet();
    keel_term heir = ask(parent, act_new_machine, keel_from_pid(keel_self()));
    keel_ref monitor = keel_monitor(heir);
    tell(parent, act_exit, keel_atom(bye));
    EXPECT_NEXT("{terminate, bye, a}");
    CHECK_TERM(await_down(monitor), "bye");
}

PROCESS_TEST("another linked process's end is an event to a machine that traps exits",
        .ids = "SM-031")
{
    keel_pid pid = new_machine(.probed = true, .trap_exit = true);
    keel_pid other = new_puppet();
    ask(other, act_link, keel_from_pid(pid));
    tell(other, act_exit, keel_atom(bye));
    EXPECT_NEXT("{a, info, {'EXIT', ^Other, bye}}", other);
    end_process(pid);
}

// --- reports ---

static keel_term next_report(void)
{
    keel_term report = KEEL_NONE;
    CHECK_OK(keel_receive_match(SOON, "{report, 0, Report}", &report));
    CHECK_TERM(report, "#{label := {gen_statem, terminate}}");
    return report;
}

static keel_term item(keel_term report, const char *key)
{
    keel_term atom = KEEL_NONE;
    CHECK_OK(keel_atom_from(key, __builtin_strlen(key), &atom));
    return keel_map_get(report, atom);
}

static void label_me(keel_term unused)
{
    (void)unused;
}

static keel_result label_and_start(keel_term argument, void *data)
{
    label_me(argument);
    keel_process_set_label(keel_make("{the, label}"));
    return machine_init(argument, data);
}
static const keel_gen_statem labelled = {.name = "labelled",
        .data = KEEL_STATE(struct machine, data, probe, enters),
        .init = label_and_start,
        .handle_event = machine_event,
        .get_data = machine_get_data};

PROCESS_TEST("an abnormal end gives one report with all there is", .ids = "SM-130 SM-133")
{
    catch_reports();
    keel_pid pid = actor_started(keel_gen_statem_start(&labelled, MACHINE(.data = "held"),
            .name = keel_atom(reporter), .debug = keel_make("[{log, 3}]")));
    CAST(pid, "{keep_state, [postpone, {{timeout, n}, 3600000, later}]}");
    CAST(pid, "{keep_state, []}");
    keel_request request = keel_send_request(pid,
            DO("{keep_state, [{next_event, {call, {Self, tag}}, {do, {exit, enough}}}, "
               "{next_event, internal, queued}]}",
                    keel_self()));
    keel_term reply;
    CHECK_INT(keel_receive_response(request, SOON, &reply), KEEL_E_EXIT);
    keel_term report = next_report();
    CHECK_TERM(item(report, "name"), "reporter");
    CHECK_TERM(item(report, "queue"),
            "[{{call, {^Self, tag}}, {do, {exit, enough}}}, {internal, queued}]",
            keel_self());
    CHECK_TERM(item(report, "postponed"), "[{cast, {do, {keep_state, [postpone | _]}}}]");
    CHECK_TERM(item(report, "state"), "{a, held}");
    CHECK_TERM(item(report, "timeouts"), "{1, [{{timeout, n}, later}]}");
    CHECK_TERM(item(report, "reason"), "{exit, enough, []}");
    CHECK_TERM(item(report, "callback_mode"), "handle_event_function");
    CHECK_TERM(item(report, "state_enter"), "false");
    CHECK_TERM(item(report, "modules"), "[labelled]");
    CHECK_TERM(item(report, "client_info"), "{^Self, {^Self, []}}", keel_self());
    CHECK_TERM(item(report, "process_label"), "{the, label}");
    CHECK_TERM(item(report, "log"),
            "[{in, {{call, {_, tag}}, _}, a}, {in, {internal, queued}, a}, "
            "{consume, {{call, _}, _}, a, a}]");
    EXPECT_NEXT("{report, 0, #{label := {proc_lib, crash}}}");
    EXPECT_NO_MESSAGE();
    char text[4000];
    keel_report_format(text, sizeof text, report, false, NULL);
    CHECK(__builtin_strstr(text, "state machine reporter terminating: enough") != NULL);
    CHECK(__builtin_strstr(text, "{the,label}") != NULL);
    CHECK(__builtin_strstr(text, "later") != NULL);
    CHECK(__builtin_strstr(text, "postponed: [{cast,") != NULL);
}

PROCESS_TEST("an error's report tells it from its stack", .ids = "SM-130")
{
    catch_reports();
    keel_pid pid = machine_of(&stateful_machine, .data = "held");
    CAST(pid, "{error, oops}");
    keel_term report = next_report();
    CHECK_TERM(item(report, "reason"), "{error, oops, [_ | _]}");
    CHECK_TERM(item(report, "callback_mode"), "state_functions");
    CHECK_TERM(item(report, "client_info"), "undefined");
    CHECK_TERM(item(report, "queue"), "[{cast, {do, {error, oops}}}]");
    EXPECT_NEXT("{report, 0, #{label := {proc_lib, crash}}}");
}

static keel_term hide_all(keel_term status)
{
    CHECK(keel_is_none(keel_map_get(status, keel_atom(state))) == false);
    return keel_make(
            "#{state => hidden, data => data_hidden, reason => changed, queue => [q], "
            "postponed => [p], log => [l], timeouts => [{t, u}]}");
}
static keel_term fail_at_it(keel_term status)
{
    keel_error(status);
}
static const keel_gen_statem hiding = {.name = "hiding",
        MACHINE_CALLBACKS,
        .handle_event = machine_event,
        .format_status = hide_all};
static const keel_gen_statem failing = {.name = "failing",
        MACHINE_CALLBACKS,
        .handle_event = machine_event,
        .format_status = fail_at_it};

PROCESS_TEST("format_status decides what report and status show", .ids = "SM-131 SM-132")
{
    catch_reports();
    keel_pid pid = machine_of(&hiding);
    keel_term status;
    CHECK_OK(keel_sys_get_status(pid, &status));
    CHECK_TERM(status,
            "{status, _, _, [_, _, _, _, [_, {data, [_, _, _, {_, {0, [{t, u}]}}, "
            "{_, [l]}, {_, [p]}]}, {data, [{\"State\", {hidden, data_hidden}}]}]]}");
    CAST(pid, "{stop, secret}");
    keel_term report = next_report();
    CHECK_TERM(item(report, "state"), "{hidden, data_hidden}");
    CHECK_TERM(item(report, "reason"), "{exit, changed, []}");
    CHECK_TERM(item(report, "queue"), "[q]");
    CHECK_TERM(item(report, "postponed"), "[p]");
    CHECK_TERM(item(report, "timeouts"), "{1, [{t, u}]}");
    CHECK_TERM(item(report, "log"), "[l]");
    EXPECT_NEXT("{report, 0, #{label := {proc_lib, crash}}}");
    pid = machine_of(&failing, .data = "secret");
    CAST(pid, "{stop, crashed}");
    report = next_report();
    CHECK_TERM(item(report, "reason"), "{exit, crashed, []}");
    CHECK(!keel_match(item(report, "state"), "{_, secret}"));
}
