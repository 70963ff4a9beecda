// simple_one_for_one.

#include "otp_testing.h"
#include <stdio.h>

// A child whose arguments are in its state: init gets the list of them.
static keel_result list_init(keel_term arguments, void *state)
{
    keel_set(state, arguments);
    keel_trap_exit(true);
    keel_term act = keel_head(keel_tail(arguments));
    keel_term reason = KEEL_NONE;
    if (keel_is(act, ignore)) {
        return keel_ignore();
    }
    if (keel_match(act, "{stop, Reason}", &reason)) {
        return keel_stop_with(reason);
    }
    return keel_ok();
}

static keel_result list_cast(keel_term reason, void *state)
{
    (void)state;
    return keel_stop_with(reason);
}

static keel_result list_call(keel_term request, keel_from from, void *state)
{
    (void)request;
    (void)from;
    return keel_reply(*(keel_term *)state);
}

// {finish, R} as the second argument: ends with R whatever it is told; wait: never.
static void list_terminate(keel_term reason, void *state)
{
    keel_term own = KEEL_NONE;
    if (keel_match(*(keel_term *)state, "[_, {finish, Own}]", &own)) {
        keel_exit(own);
    }
    if (keel_match(*(keel_term *)state, "[_, wait]")) {
        CHECK_OK(keel_receive_match(KEEL_NEVER, "never"));
    }
    (void)reason;
}

static const keel_gen_server list_server = {
        .name = "list",
        .state = KEEL_STATE_TERM,
        .init = list_init,
        .handle_call = list_call,
        .handle_cast = list_cast,
        .terminate = list_terminate,
};

static keel_pid start_simple(keel_restart restart, keel_duration shutdown, int intensity)
{
    keel_child_spec pattern = keel_child(
            &list_server, keel_atom(first), .restart = restart, .shutdown = shutdown);
    return actor_started(
            keel_supervisor_start_link(&pattern, 1, .strategy = KEEL_SIMPLE_ONE_FOR_ONE,
                    .intensity = intensity, .name = keel_atom(simple)));
}

static keel_started add(keel_pid supervisor, const char *arguments)
{
    keel_term list = KEEL_NONE;
    CHECK_OK(keel_parse(arguments, __builtin_strlen(arguments), &list, NULL));
    return keel_supervisor_start_child_of(supervisor, list);
}

static keel_term ask_state(keel_pid pid)
{
    return keel_call_or_exit(pid, keel_atom(state));
}

PROCESS_TEST(
        "arguments are put behind those of the specification, for any number of children",
        .ids = "SU-124 SU-125 SU-140")
{
    keel_trap_exit(true);
    keel_pid supervisor = start_simple(KEEL_TEMPORARY, 0, 1);
    CHECK_TERM(children_of(supervisor), "[]");
    keel_pid a = actor_started(add(supervisor, "[a, 1]"));
    keel_pid b = actor_started(add(supervisor, "[]"));
    CHECK_TERM(ask_state(a), "[first, a, 1]");
    CHECK_TERM(ask_state(b), "[first]");
    CHECK_TERM(children_of(supervisor),
            "[{undefined, ^A, worker, [list]}, {undefined, ^B, worker, [list]}]", a, b);
    keel_child_counts counts;
    CHECK_OK(keel_supervisor_count_children(supervisor, &counts));
    CHECK_INT(counts.specs, 1);
    CHECK_INT(counts.active, 2);
    CHECK_INT(counts.workers, 2);
    CHECK_INT(counts.supervisors, 0);
    keel_started improper = add(supervisor, "[a | b]");
    CHECK_INT(improper.status, KEEL_E_REFUSED);
    keel_term state;
    CHECK_OK(keel_sys_get_state(supervisor, &state));
    CHECK_TERM(state,
            "{state, {local, simple}, simple_one_for_one, {list, [^A, ^B]}, 1, 5, 0, "
            "never}",
            a, b);
    stop_actor(supervisor);
    CHECK(!keel_process_alive(a) && !keel_process_alive(b));
}

PROCESS_TEST("a specification without an argument puts nothing first", .ids = "SU-124")
{
    keel_trap_exit(true);
    keel_child_spec pattern = keel_child(&list_server, KEEL_NONE);
    keel_pid supervisor = actor_started(
            keel_supervisor_start_link(&pattern, 1, .strategy = KEEL_SIMPLE_ONE_FOR_ONE));
    CHECK_TERM(ask_state(actor_started(add(supervisor, "[[x]]"))), "[x]");
    CHECK_TERM(ask_state(actor_started(add(supervisor, "[x, y]"))), "[x, y]");
    stop_actor(supervisor);
}

PROCESS_TEST("what a start gives is answered as it is, and nothing is kept",
        .ids = "SU-126 SU-127")
{
    keel_trap_exit(true);
    keel_restart kinds[] = {KEEL_PERMANENT, KEEL_TEMPORARY};
    for (int kind = 0; kind < 2; kind++) {
        keel_pid supervisor = start_simple(kinds[kind], 0, 1);
        CHECK_INT(add(supervisor, "[ignore]").status, KEEL_E_IGNORED);
        keel_term answer = keel_call_or_exit(
                supervisor, keel_make("{start_child, [ignore]}"));
        CHECK_TERM(answer, "{ok, undefined}");
        answer = keel_call_or_exit(
                supervisor, keel_make("{start_child, [{stop, {no, 1}}]}"));
        CHECK_TERM(answer, "{error, {no, 1}}");
        CHECK_TERM(children_of(supervisor), "[]");
        stop_actor(supervisor);
    }
}

PROCESS_TEST("a child that fails is restarted with its own arguments",
        .ids = "SU-128 SU-138 SU-068")
{
    keel_trap_exit(true);
    keel_pid supervisor = start_simple(KEEL_PERMANENT, 0, 2);
    actor_started(add(supervisor, "[a]"));
    keel_pid b = actor_started(add(supervisor, "[b]"));
    end_process(b);
    keel_term children = children_of(supervisor);
    keel_pid again;
    CHECK(keel_match(children, "[_, {undefined, B, _, _}]", &again));
    CHECK_TERM(ask_state(again), "[first, b]");
    end_process(again);
    CHECK(keel_match(children_of(supervisor), "[_, {undefined, B, _, _}]", &again));
    end_process(again); // one more than allowed
    EXPECT_NEXT("{'EXIT', ^Pid, shutdown}", supervisor);
}

PROCESS_TEST("children are stopped and asked for by pid, not by id",
        .ids = "SU-129 SU-131 SU-132")
{
    keel_trap_exit(true);
    keel_pid supervisor = start_simple(KEEL_PERMANENT, 0, 1);
    keel_pid a = actor_started(add(supervisor, "[a]"));
    keel_term pid = keel_from_pid(a);
    keel_term answer = KEEL_NONE;
    CHECK_OK(keel_supervisor_which_child(supervisor, pid, &answer));
    CHECK_TERM(answer, "{undefined, ^A, worker, [list]}", a);
    CHECK_OK(keel_supervisor_get_childspec(supervisor, pid, &answer));
    CHECK_TERM(answer, "#{id := list, start := {list, start_link, [first]}}");
    CHECK_INT(keel_supervisor_which_child(supervisor, keel_atom(list), &answer),
            KEEL_E_REFUSED);
    CHECK_TERM(answer, "simple_one_for_one");
    CHECK_INT(keel_supervisor_terminate_child(supervisor, keel_atom(list), &answer),
            KEEL_E_REFUSED);
    CHECK_TERM(answer, "simple_one_for_one");
    CHECK_INT(keel_supervisor_delete_child(supervisor, pid, &answer), KEEL_E_REFUSED);
    CHECK_TERM(answer, "simple_one_for_one");
    CHECK_TERM(keel_supervisor_restart_child(supervisor, pid).reason, "simple_one_for_one");
    CHECK_INT(keel_supervisor_terminate_child(
                      supervisor, keel_from_pid(keel_self()), &answer),
            KEEL_E_REFUSED);
    CHECK_TERM(answer, "not_found");
    CHECK_OK(keel_supervisor_terminate_child(supervisor, pid, NULL));
    CHECK(!keel_process_alive(a));
    CHECK_TERM(children_of(supervisor), "[]");
    stop_actor(supervisor);
}

PROCESS_TEST("brutal_kill kills all at once", .ids = "SU-135")
{
    keel_trap_exit(true);
    keel_pid supervisor = start_simple(KEEL_TEMPORARY, KEEL_BRUTAL_KILL, 1);
    keel_ref monitors[5];
    for (int i = 0; i < 5; i++) {
        monitors[i] = keel_monitor(actor_started(add(supervisor, "[a]")));
    }
    stop_actor(supervisor);
    for (int i = 0; i < 5; i++) {
        CHECK_TERM(await_down(monitors[i]), "killed");
    }
}

PROCESS_TEST(
        "unexpected ends while being stopped are reported by reason, with their number",
        .ids = "SU-136")
{
    catch_reports();
    keel_trap_exit(true);
    keel_pid supervisor = start_simple(KEEL_TEMPORARY, 0, 1);
    for (int i = 0; i < 3; i++) {
        actor_started(add(supervisor, "[{finish, odd}]"));
        actor_started(add(supervisor, "[calm]"));
    }
    actor_started(add(supervisor, "[{finish, strange}]"));
    stop_actor(supervisor);
    EXPECT_MESSAGE("{report, 0, #{label := {supervisor, shutdown_error}, report := "
                   "[{supervisor, {local, simple}}, _, {reason, odd}, "
                   "{offender, [{nb_children, 3}, {id, list} | _]}]}}");
    EXPECT_MESSAGE("{report, 0, #{label := {supervisor, shutdown_error}, report := "
                   "[_, _, {reason, strange}, {offender, [{nb_children, 1} | _]}]}}");
    keel_term rest;
    while (keel_receive_until(KEEL_AT_ONCE, &rest) == KEEL_OK) {
        CHECK(!keel_match(rest, "{report, 0, #{label := {supervisor, shutdown_error}}}"));
    }
}

PROCESS_TEST("many temporary children come and go and leave nothing behind",
        .ids = "SU-137 SU-139")
{
    const int count = many_of(3000);
    keel_trap_exit(true);
    keel_pid supervisor = start_simple(KEEL_TEMPORARY, 0, 1);
    keel_process_view before;
    keel_process_view after;
    keel_report_level_set(KEEL_REPORT_NONE);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < count; i++) {
            keel_scope scope = keel_scope_open();
            keel_started started = add(
                    supervisor, "[\"a rather long argument that nobody needs any more\"]");
            CHECK_OK(started.status);
            keel_ref monitor = keel_monitor(started.pid);
            keel_cast(started.pid, i % 2 ? keel_atom(normal) : keel_atom(odd));
            await_down(monitor);
            keel_scope_close(&scope);
        }
        CHECK_TERM(children_of(supervisor), "[]");
        CHECK(keel_inspect_process(supervisor, round == 0 ? &before : &after));
    }
    CHECK(after.memory <= before.memory + 131072); // a stack, at most
    keel_report_level_set(KEEL_REPORT_DEBUG);
    stop_actor(supervisor);
}

PROCESS_TEST("what it may not be combined with, and how many specifications there must be",
        .ids = "SU-122 SU-005")
{
    keel_trap_exit(true);
    keel_child_spec patterns[] = {keel_child(&list_server, keel_nil(), .id = keel_int(1)),
            keel_child(&list_server, keel_nil(), .id = keel_int(2))};
    keel_started started = keel_supervisor_start_link(patterns, 1,
            .strategy = KEEL_SIMPLE_ONE_FOR_ONE, .auto_shutdown = KEEL_ANY_SIGNIFICANT);
    CHECK_TERM(keel_started_to_term(started),
            "{error, {supervisor_data, {bad_combination, "
            "[{auto_shutdown, any_significant}, {strategy, simple_one_for_one}]}}}");
    started = keel_supervisor_start_link(patterns, 2, .strategy = KEEL_SIMPLE_ONE_FOR_ONE);
    CHECK_TERM(started.reason, "{bad_start_spec, [_, _]}");
    patterns[0].restart = (keel_restart)7;
    started = keel_supervisor_start_link(patterns, 1, .strategy = KEEL_SIMPLE_ONE_FOR_ONE);
    CHECK_TERM(started.reason, "{start_spec, {invalid_restart_type, 7}}");
}

// --- code change ---

static uint64_t plans_server; // the pid's word

static keel_term read_plan(keel_term unused)
{
    (void)unused;
    keel_pid pid = {__atomic_load_n(&plans_server, __ATOMIC_SEQ_CST)};
    return keel_call_or_exit(pid, ACT(play_get, KEEL_NONE));
}

static const keel_supervisor planned = {.name = "planned", .init = read_plan};

static keel_term plan_of(const keel_child_spec *children, size_t count)
{
    keel_term specs = keel_nil();
    for (size_t i = count; i > 0; i--) {
        specs = keel_cons(keel_child_spec_to_term(&children[i - 1]), specs);
    }
    return keel_make("{ok, {#{strategy => simple_one_for_one}, Specs}}", specs);
}

static keel_status change(keel_pid supervisor, keel_term plan, keel_term *ret_error)
{
    keel_pid plans = {__atomic_load_n(&plans_server, __ATOMIC_SEQ_CST)};
    keel_call_or_exit(plans, ACT(play_put, plan));
    CHECK_OK(keel_sys_suspend(supervisor));
    keel_status status = keel_sys_change_code(
            supervisor, keel_atom(planned), keel_atom(old), keel_nil(), ret_error);
    CHECK_OK(keel_sys_resume(supervisor));
    return status;
}

PROCESS_TEST("a code change takes another specification, but only one", .ids = "SU-145")
{
    keel_trap_exit(true);
    keel_child_spec patterns[] = {keel_child(&list_server, keel_atom(one)),
            keel_child(&list_server, keel_atom(two), .restart = KEEL_TEMPORARY)};
    keel_pid plans = lone_actor(.state = plan_of(patterns, 1));
    __atomic_store_n(&plans_server, plans.word, __ATOMIC_SEQ_CST);
    keel_pid supervisor = actor_started(
            keel_supervisor_start_link_module(&planned, keel_nil()));
    keel_pid a = actor_started(add(supervisor, "[a]"));
    CHECK_OK(change(supervisor, plan_of(&patterns[1], 1), NULL));
    keel_pid b = actor_started(add(supervisor, "[b]"));
    CHECK_TERM(ask_state(a), "[one, a]");
    CHECK_TERM(ask_state(b), "[two, b]");
    keel_term why;
    CHECK_INT(change(supervisor, plan_of(patterns, 2), &why), KEEL_E_REFUSED);
    CHECK_TERM(why, "{error, {bad_start_spec, _}}");
    CHECK_INT(change(supervisor, keel_make("{ok, {#{strategy => one_for_all}, []}}"), &why),
            KEEL_E_REFUSED);
    CHECK_TERM(ask_state(actor_started(add(supervisor, "[c]"))), "[two, c]");
    stop_actor(supervisor);
    stop_actor(plans);
}

PROCESS_TEST(
        "a child that has ended may be stopped once more, and asked for its specification")
{
    keel_trap_exit(true);
    keel_pid supervisor = start_simple(KEEL_TEMPORARY, 0, 1);
    keel_pid a = actor_started(add(supervisor, "[a]"));
    keel_term pid = keel_from_pid(a);
    CHECK_OK(keel_supervisor_terminate_child(supervisor, pid, NULL));
    CHECK_OK(keel_supervisor_terminate_child(supervisor, pid, NULL));
    keel_term answer = KEEL_NONE;
    CHECK_INT(keel_supervisor_which_child(supervisor, pid, &answer), KEEL_E_REFUSED);
    CHECK_TERM(answer, "not_found");
    CHECK_OK(keel_supervisor_get_childspec(supervisor, pid, &answer));
    CHECK_TERM(answer, "#{id := list, restart := temporary, type := worker, "
                       "shutdown := 5000, significant := false, modules := [list]}");
    CHECK_OK(keel_supervisor_get_childspec(supervisor, keel_atom(list), &answer));
    CHECK_INT(keel_supervisor_get_childspec(supervisor, keel_atom(other), &answer),
            KEEL_E_REFUSED);
    CHECK_TERM(answer, "not_found");
    keel_term own = keel_from_pid(keel_self());
    CHECK_INT(keel_supervisor_get_childspec(supervisor, own, &answer), KEEL_E_REFUSED);
    CHECK_TERM(answer, "not_found");
    stop_actor(supervisor);
}

// --- restarts that fail ---

// [Gate]: starts while the gate has ok; else what it has is the result.
static keel_started start_gated(keel_term arguments)
{
    keel_term what = keel_call_or_exit_term(
            keel_head(arguments), ACT(play_get, KEEL_NONE), KEEL_FOREVER);
    if (keel_is(what, crash)) {
        keel_error(keel_atom(oops));
    }
    return keel_is(what, ok) ? keel_gen_server_start_link(&actor_server, ACTOR())
                             : keel_started_from_term(what);
}

static keel_pid start_gated_simple(keel_pid gate, keel_restart restart)
{
    keel_child_spec pattern = keel_child_fn(
            start_gated, keel_from_pid(gate), .id = keel_atom(gated), .restart = restart);
    return actor_started(
            keel_supervisor_start_link(&pattern, 1, .strategy = KEEL_SIMPLE_ONE_FOR_ONE,
                    .intensity = 1000000, .name = keel_atom(simple)));
}

static void set_gate(keel_pid gate, const char *what)
{
    keel_term term = KEEL_NONE;
    CHECK_OK(keel_parse(what, __builtin_strlen(what), &term, NULL));
    keel_call_or_exit(gate, ACT(play_put, term));
}

PROCESS_TEST(
        "children that cannot restart are counted, shown, and stopped by their last pid")
{
    keel_trap_exit(true);
    keel_report_level_set(KEEL_REPORT_NONE);
    keel_pid gate = lone_actor(.state = keel_atom(ok));
    keel_pid supervisor = start_gated_simple(gate, KEEL_PERMANENT);
    keel_pid pids[3];
    for (int i = 0; i < 3; i++) {
        pids[i] = actor_started(add(supervisor, "[]"));
    }
    set_gate(gate, "{error, closed}");
    end_process(pids[0]);
    end_process(pids[1]);
    CHECK_TERM(children_of(supervisor),
            "[{undefined, restarting, worker, [gated]}, {undefined, restarting, _, _}, "
            "{undefined, ^Pid, _, _}]",
            pids[2]);
    keel_child_counts counts;
    CHECK_OK(keel_supervisor_count_children(supervisor, &counts));
    CHECK_INT(counts.specs, 1);
    CHECK_INT(counts.active, 1);
    CHECK_INT(counts.workers, 3);
    keel_term answer = KEEL_NONE;
    CHECK_OK(keel_supervisor_which_child(supervisor, keel_from_pid(pids[0]), &answer));
    CHECK_TERM(answer, "{undefined, restarting, worker, [gated]}");
    CHECK_TERM(keel_supervisor_restart_child(supervisor, keel_atom(gated)).reason,
            "simple_one_for_one");
    CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_from_pid(pids[0]), NULL));
    CHECK_TERM(children_of(supervisor), "[{undefined, restarting, _, _}, _]");
    set_gate(gate, "ok");
    do {
        CHECK_OK(keel_supervisor_count_children(supervisor, &counts));
        keel_yield();
    } while (counts.active != 2);
    CHECK_INT(counts.workers, 2);
    set_gate(gate, "{error, closed}");
    end_process(pids[2]);
    CHECK_OK(keel_process_exit(supervisor, keel_atom(shutdown)));
    EXPECT_MESSAGE("{'EXIT', ^Pid, shutdown}", supervisor);
    stop_actor(gate);
    keel_report_level_set(KEEL_REPORT_DEBUG);
}

PROCESS_TEST("a child that declines its restart is forgotten, whatever its restart type")
{
    keel_trap_exit(true);
    keel_restart kinds[] = {KEEL_PERMANENT, KEEL_TRANSIENT};
    for (int kind = 0; kind < 2; kind++) {
        keel_pid gate = lone_actor(.state = keel_atom(ok));
        keel_pid supervisor = start_gated_simple(gate, kinds[kind]);
        end_process(actor_started(add(supervisor, "[]")));
        keel_pid again;
        CHECK(keel_match(children_of(supervisor), "[{undefined, Pid, _, _}]", &again));
        set_gate(gate, "ignore");
        end_process(again);
        CHECK_TERM(children_of(supervisor), "[]");
        stop_actor(supervisor);
        stop_actor(gate);
    }
}

PROCESS_TEST("a start function that fails is told as by the other strategies")
{
    keel_trap_exit(true);
    keel_pid gate = lone_actor(.state = keel_atom(crash));
    keel_pid supervisor = start_gated_simple(gate, KEEL_TEMPORARY);
    CHECK_TERM(add(supervisor, "[]").reason, "{'EXIT', {oops, [_ | _]}}");
    set_gate(gate, "{error, {already_started, me}}");
    CHECK_TERM(add(supervisor, "[]").reason, "{already_started, me}");
    set_gate(gate, "unknown");
    CHECK_TERM(add(supervisor, "[]").reason, "unknown");
    CHECK_TERM(children_of(supervisor), "[]");
    stop_actor(supervisor);
    stop_actor(gate);
}

// --- what is told ---

PROCESS_TEST("reports have the specification's id and all its fields")
{
    keel_trap_exit(true);
    catch_reports();
    keel_pid gate = lone_actor(.state = keel_atom(ok));
    keel_pid supervisor = start_gated_simple(gate, KEEL_TEMPORARY);
    keel_pid child = actor_started(add(supervisor, "[]"));
    end_process(child);
    EXPECT_MESSAGE("{report, 0, #{label := {supervisor, child_terminated}, report := "
                   "[{supervisor, {local, simple}}, {errorContext, child_terminated}, "
                   "{reason, killed}, {offender, [{pid, ^Pid}, {id, gated}, "
                   "{mfargs, {gated, start_link, undefined}}, {restart_type, temporary}, "
                   "{significant, false}, {shutdown, 5000}, {child_type, worker}]}]}}",
            child);
    stop_actor(supervisor);
    stop_actor(gate);
}

// Whether the end of a child with this reason, as it was stopped, is told of.
static bool told_of_end(keel_restart restart, const char *reason, bool by_hand)
{
    char arguments[40];
    keel_pid supervisor = start_simple(restart, 0, 1);
    snprintf(arguments, sizeof arguments, "[{finish, %s}]", reason);
    keel_pid child = actor_started(add(supervisor, arguments));
    if (by_hand) {
        CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_from_pid(child), NULL));
    }
    stop_actor(supervisor);
    keel_term whom = KEEL_NONE;
    bool told = keel_receive_match(KEEL_AT_ONCE,
                        "{report, 0, #{label := {supervisor, shutdown_error}, report := "
                        "[_, _, _, {offender, [Whom, {id, list} | _]}]}}",
                        &whom) == KEEL_OK;
    if (told && by_hand) {
        CHECK_TERM(whom, "{pid, ^Pid}", child);
    } else if (told) {
        CHECK_TERM(whom, "{nb_children, 1}");
    }
    return told;
}

PROCESS_TEST("how a stopped child may end depends on its restart type, as with the others")
{
    keel_trap_exit(true);
    catch_reports();
    for (int i = 0; i < 6; i++) {
        keel_restart restart = (keel_restart)(i % 3);
        bool permanent = restart == KEEL_PERMANENT;
        CHECK_INT(told_of_end(restart, "shutdown", i > 2), false);
        CHECK_INT(told_of_end(restart, "normal", i > 2), permanent);
        CHECK_INT(told_of_end(restart, "{shutdown, x}", i > 2), permanent);
        CHECK_INT(told_of_end(restart, "odd", i > 2), true);
    }
}

PROCESS_TEST("each child has its time, and those that need more are killed")
{
    keel_trap_exit(true);
    keel_pid supervisor = start_simple(KEEL_TEMPORARY, KEEL_MS(20), 1);
    keel_ref quick = keel_monitor(actor_started(add(supervisor, "[a]")));
    keel_ref slow = keel_monitor(actor_started(add(supervisor, "[wait]")));
    stop_actor(supervisor);
    CHECK_TERM(await_down(quick), "shutdown");
    CHECK_TERM(await_down(slow), "killed");
}

PROCESS_TEST("supervisors as children are counted as such, and one specification is needed")
{
    keel_trap_exit(true);
    keel_child_spec pattern = keel_child_supervisor(
            &test_supervisor, KEEL_NONE, .restart = KEEL_TEMPORARY);
    keel_pid supervisor = actor_started(
            keel_supervisor_start_link(&pattern, 1, .strategy = KEEL_SIMPLE_ONE_FOR_ONE));
    keel_pid inner = actor_started(add(supervisor, "[{ok, {#{}, []}}]"));
    keel_child_counts counts;
    CHECK_OK(keel_supervisor_count_children(supervisor, &counts));
    CHECK_INT(counts.active, 1);
    CHECK_INT(counts.supervisors, 1);
    CHECK_INT(counts.workers, 0);
    CHECK_TERM(children_of(supervisor),
            "[{undefined, ^Pid, supervisor, [test_supervisor]}]", inner);
    stop_actor(supervisor);
    keel_started none = keel_supervisor_start_link(
            &pattern, 0, .strategy = KEEL_SIMPLE_ONE_FOR_ONE);
    CHECK_TERM(keel_started_to_term(none), "{error, {bad_start_spec, []}}");
}
