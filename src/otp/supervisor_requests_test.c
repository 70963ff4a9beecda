// What supervisors answer.

#include "otp_testing.h"

static keel_pid start_one(void)
{
    keel_child_spec children[] = {KID(a)};
    keel_pid supervisor = new_supervisor(children, .intensity = 3);
    EXPECT_NEXT("{a, init, _}");
    return supervisor;
}

static keel_started add(keel_pid supervisor, keel_child_spec spec)
{
    return keel_supervisor_start_child(supervisor, &spec);
}

PROCESS_TEST("a child that is added is the last in order", .ids = "SU-032 SU-055")
{
    keel_trap_exit(true);
    keel_pid supervisor = start_one();
    keel_started started = add(supervisor, KID(b, .trap_exit = true));
    CHECK_OK(started.status);
    EXPECT_NEXT("{b, init, ^Pid}", started.pid);
    CHECK_TERM(children_of(supervisor),
            "[{b, ^B, worker, [actor]}, {a, _, worker, [actor]}]", started.pid);
    stop_actor(supervisor);
    EXPECT_NEXT("{b, terminate, shutdown}");
}

static keel_started start_with_info(keel_term argument)
{
    keel_started started = keel_gen_server_start_link(&actor_server, argument);
    return started.status == KEEL_OK ? keel_started_ok_with(started.pid, keel_atom(info))
                                     : started;
}

PROCESS_TEST("what a child's start says reaches whoever added it",
        .ids = "SU-033 SU-034 SU-037 SU-047 SU-050")
{
    keel_trap_exit(true);
    keel_pid supervisor = start_one();
    keel_started started = add(
            supervisor, keel_child_fn(start_with_info, ACTOR(), .id = keel_atom(i)));
    CHECK_OK(started.status);
    CHECK_TERM(started.info, "info");
    CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(i), NULL));
    started = keel_supervisor_restart_child(supervisor, keel_atom(i));
    CHECK_OK(started.status);
    CHECK_TERM(started.info, "info");

    started = add(supervisor, KID(declines, .init = play_ignore));
    CHECK_INT(started.status, KEEL_E_IGNORED);
    CHECK_TERM(children_of(supervisor), "[{declines, undefined, _, _}, _, _]");
    CHECK_INT(keel_supervisor_restart_child(supervisor, keel_atom(declines)).status,
            KEEL_E_IGNORED);
    keel_child_spec fleeting = KID(fleeting, .init = play_ignore);
    fleeting.restart = KEEL_TEMPORARY;
    CHECK_INT(add(supervisor, fleeting).status, KEEL_E_IGNORED);
    CHECK_TERM(children_of(supervisor), "[{declines, undefined, _, _}, _, _]");

    started = add(supervisor, KID(fails, .init = play_stop, .argument = keel_atom(nope)));
    CHECK_INT(started.status, KEEL_E_REFUSED);
    CHECK_TERM(started.reason, "{nope, {child, undefined, fails, {actor, start_link, [_]}, "
                               "permanent, false, 5000, "
                               "worker, [actor]}}");
    CHECK_TERM(children_of(supervisor), "[{declines, undefined, _, _}, _, _]");
    stop_actor(supervisor);
}

PROCESS_TEST("an id in use is refused, with the pid if it runs", .ids = "SU-035 SU-036")
{
    keel_trap_exit(true);
    keel_pid supervisor = start_one();
    keel_pid a = KID_OF(supervisor, a);
    keel_started again = add(supervisor, KID(a));
    CHECK_INT(again.status, KEEL_E_REFUSED);
    CHECK_TERM(again.reason, "{already_started, ^Pid}", a);
    CHECK(same_pid(again.pid, a));
    CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(a), NULL));
    CHECK_TERM(add(supervisor, KID(a)).reason, "already_present");
    EXPECT_NO_MESSAGE();
    stop_actor(supervisor);
}

PROCESS_TEST("a name that somebody else has is told like an id that is in use")
{
    keel_trap_exit(true);
    keel_pid supervisor = start_one();
    keel_pid owner = new_puppet();
    CHECK_OK(keel_register(keel_atom(taken), owner));
    keel_started started = add(
            supervisor, KID_WITH(ACTOR(), .id = keel_atom(b), .name = keel_atom(taken)));
    CHECK_INT(started.status, KEEL_E_REFUSED);
    CHECK_TERM(keel_started_to_term(started), "{error, {already_started, ^Pid}}", owner);
    CHECK_TERM(children_of(supervisor), "[{a, _, _, _}]");
    stop_actor(supervisor);
    end_process(owner);
}

PROCESS_TEST("a wrong specification is told, and nothing starts", .ids = "SU-039 SU-024")
{
    keel_trap_exit(true);
    keel_pid supervisor = start_one();
    CHECK_TERM(add(supervisor, keel_child_term(keel_atom(junk))).reason,
            "{invalid_child_spec, junk}");
    CHECK_TERM(add(supervisor, keel_child_term(keel_make("#{start => {m, f, []}}"))).reason,
            "missing_id");
    CHECK_TERM(add(supervisor, keel_child_term(keel_make("#{id => a}"))).reason,
            "missing_start");
    keel_child_spec bad = KID(b);
    bad.restart = (keel_restart)8;
    CHECK_TERM(add(supervisor, bad).reason, "{invalid_restart_type, 8}");
    bad = KID(b);
    bad.significant = true;
    bad.restart = KEEL_TRANSIENT;
    CHECK_TERM(add(supervisor, bad).reason,
            "{bad_combination, [{auto_shutdown, never}, {significant, true}]}");
    CHECK_TERM(children_of(supervisor), "[{a, _, _, _}]");
    EXPECT_NO_MESSAGE();
    stop_actor(supervisor);
}

PROCESS_TEST("a start function that nobody registered is undefined")
{
    keel_trap_exit(true);
    keel_pid supervisor = start_one();
    keel_started started = add(supervisor,
            keel_child_term(keel_make("#{id => x, start => {nobody, knows, [1]}}")));
    CHECK_INT(started.status, KEEL_E_REFUSED);
    CHECK_TERM(started.reason, "{{'EXIT', {undef, [{nobody, knows, [1], []}]}}, _}");
    stop_actor(supervisor);
}

static keel_started start_by_name(keel_term arguments)
{
    return keel_gen_server_start_link(&actor_server, keel_head(arguments));
}

PROCESS_TEST("specifications in terms start what is registered under their names",
        .ids = "SU-029 SU-030")
{
    keel_trap_exit(true);
    CHECK_OK(keel_start_register(keel_atom(fixture), keel_atom(start_link), start_by_name));
    keel_pid supervisor = start_one();
    keel_term spec = keel_make("#{id => m, start => {fixture, start_link, [Argument]}}",
            ACTOR(.tag = "m", .probed = true));
    keel_term reply = keel_call_or_exit(
            supervisor, keel_tuple_of(keel_atom(start_child), spec));
    keel_pid pid;
    CHECK(keel_match(reply, "{ok, Pid}", &pid));
    EXPECT_NEXT("{m, init, ^Pid}", pid);
    keel_term tuple = keel_make(
            "{t, {fixture, start_link, [Argument]}, temporary, 10, worker, [fixture]}",
            ACTOR(.tag = "t", .probed = true));
    CHECK_OK(add(supervisor, keel_child_term(tuple)).status);
    EXPECT_NEXT("{t, init, _}");
    CHECK_TERM(children_of(supervisor), "[{t, _, worker, [fixture]}, {m, _, worker, "
                                        "[fixture]}, {a, _, worker, [actor]}]");
    end_process(pid); // restarted by the same name
    EXPECT_NEXT("{m, init, _}");
    stop_actor(supervisor);
}

PROCESS_TEST("a terminated child is down until it is restarted or deleted",
        .ids = "SU-041 SU-042 SU-046 SU-047 SU-051")
{
    keel_trap_exit(true);
    keel_pid supervisor = start_one();
    keel_pid first = KID_OF(supervisor, a);
    CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(a), NULL));
    CHECK(!keel_process_alive(first));
    CHECK_TERM(children_of(supervisor), "[{a, undefined, worker, [actor]}]");
    CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(a), NULL));
    EXPECT_NO_MESSAGE();
    keel_term state;
    CHECK_OK(keel_sys_get_state(supervisor, &state));
    CHECK_INT(keel_to_int(keel_element(state, 6)), 0); // no restart
    keel_started again = keel_supervisor_restart_child(supervisor, keel_atom(a));
    CHECK_OK(again.status);
    EXPECT_NEXT("{a, init, ^Pid}", again.pid);
    CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(a), NULL));
    CHECK_OK(keel_supervisor_delete_child(supervisor, keel_atom(a), NULL));
    CHECK_TERM(children_of(supervisor), "[]");
    CHECK_OK(add(supervisor, KID(a)).status);
    stop_actor(supervisor);
}

PROCESS_TEST("a temporary child that is terminated is forgotten", .ids = "SU-067 SU-041")
{
    keel_trap_exit(true);
    keel_pid supervisor = start_one();
    keel_child_spec fleeting = KID(t);
    fleeting.restart = KEEL_TEMPORARY;
    CHECK_OK(add(supervisor, fleeting).status);
    CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(t), NULL));
    CHECK_TERM(children_of(supervisor), "[{a, _, _, _}]");
    stop_actor(supervisor);
}

static void refused(keel_pid supervisor, const char *what, keel_term id, const char *why)
{
    keel_term atom = KEEL_NONE;
    keel_term reason = KEEL_NONE;
    CHECK_OK(keel_atom_from(what, __builtin_strlen(what), &atom));
    CHECK_INT(keel_supervisor_ask_term(keel_from_pid(supervisor), atom, id, &reason),
            KEEL_E_REFUSED);
    CHECK_STR(keel_show(reason), why);
}

PROCESS_TEST("requests about children that run or do not exist are refused",
        .ids = "SU-043 SU-048 SU-052 SU-057 SU-060")
{
    keel_trap_exit(true);
    keel_pid supervisor = start_one();
    refused(supervisor, "terminate_child", keel_atom(z), "not_found");
    refused(supervisor, "restart_child", keel_atom(z), "not_found");
    refused(supervisor, "delete_child", keel_atom(z), "not_found");
    refused(supervisor, "get_childspec", keel_atom(z), "not_found");
    refused(supervisor, "which_child", keel_atom(z), "not_found");
    refused(supervisor, "restart_child", keel_atom(a), "running");
    refused(supervisor, "delete_child", keel_atom(a), "running");
    keel_pid a = KID_OF(supervisor, a);
    refused(supervisor, "terminate_child", keel_from_pid(a), "not_found"); // it has an id
    CHECK(keel_process_alive(a));
    stop_actor(supervisor);
}

static void ends_by(keel_pid supervisor, keel_term request)
{
    keel_term why = KEEL_NONE;
    keel_term exit = KEEL_NONE;
    CHECK_INT(keel_call(supervisor, request, &why), KEEL_E_EXIT);
    CHECK_TERM(why, "{function_clause, [_ | _]}");
    CHECK_OK(keel_receive_match(SOON, "{'EXIT', ^Pid, Exit}", supervisor, &exit));
    CHECK_EQUAL(exit, why);
}

PROCESS_TEST("a request that no supervisor knows ends it, as in OTP")
{
    keel_child_spec none[1];
    keel_child_spec pattern[] = {keel_child(&bare_server, keel_nil())};
    keel_trap_exit(true);
    keel_report_level_set(KEEL_REPORT_NONE);
    keel_term requests = keel_make("[fly, {fly, a}, {}, {fly, a, b}]");
    keel_term request;
    while (keel_list_next(&requests, &request)) {
        ends_by(actor_started(keel_supervisor_start_link(none, 0)), request);
    }
    requests = keel_make("[fly, {fly, a}, {}, {fly, a, b}]");
    while (keel_list_next(&requests, &request)) {
        ends_by(actor_started(keel_dynamic_supervisor_start_link(.intensity = 1)), request);
        ends_by(new_supervisor(pattern, .strategy = KEEL_SIMPLE_ONE_FOR_ONE), request);
    }
    keel_pid supervisor = start_one();
    keel_cast(supervisor, keel_atom(fly));
    EXPECT_MESSAGE("{'EXIT', ^Pid, {function_clause, [_ | _]}}", supervisor);
}

PROCESS_TEST("ids may be any terms")
{
    keel_trap_exit(true);
    keel_pid supervisor = start_one();
    keel_term ids = keel_make("[{a, 1}, \"text\", 7, 7.0, [1 | 2], #{k => 1}]");
    keel_term left = ids;
    keel_term id;
    while (keel_list_next(&left, &id)) {
        CHECK_OK(add(supervisor, keel_child(&bare_server, keel_nil(), .id = id)).status);
    }
    while (keel_list_next(&ids, &id)) {
        refused(supervisor, "restart_child", id, "running");
        CHECK_OK(keel_supervisor_terminate_child(supervisor, id, NULL));
        CHECK_OK(keel_supervisor_delete_child(supervisor, id, NULL));
    }
    CHECK_TERM(children_of(supervisor), "[{a, _, _, _}]");
    stop_actor(supervisor);
}

PROCESS_TEST("a single child, the counts, the specification with its defaults",
        .ids = "SU-055 SU-057 SU-058 SU-060 SU-022")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {
            KID(a),
            keel_child_supervisor(
                    &test_supervisor, keel_make("{ok, {#{}, []}}"), .id = keel_atom(s)),
            KID(i, .init = play_ignore),
    };
    children[0].restart = KEEL_TRANSIENT;
    children[0].shutdown = KEEL_MS(77);
    keel_pid supervisor = new_supervisor(children, .intensity = 1);
    CHECK_TERM(children_of(supervisor), "[{i, undefined, worker, [actor]}, "
                                        "{s, _, supervisor, [test_supervisor]}, "
                                        "{a, _, worker, [actor]}]");
    keel_term child = KEEL_NONE;
    CHECK_OK(keel_supervisor_which_child(supervisor, keel_atom(a), &child));
    CHECK_TERM(child, "{a, _, worker, [actor]}");
    keel_child_counts counts;
    CHECK_OK(keel_supervisor_count_children(supervisor, &counts));
    CHECK_INT(counts.specs, 3);
    CHECK_INT(counts.active, 2);
    CHECK_INT(counts.supervisors, 1);
    CHECK_INT(counts.workers, 2);
    CHECK_TERM(keel_call_or_exit(supervisor, keel_atom(count_children)),
            "[{specs, 3}, {active, 2}, {supervisors, 1}, {workers, 2}]");
    keel_term spec = KEEL_NONE;
    CHECK_OK(keel_supervisor_get_childspec(supervisor, keel_atom(a), &spec));
    CHECK_EQUAL(keel_map_remove(spec, keel_atom(start)),
            keel_make("#{id => a, restart => transient, shutdown => 77, significant => "
                      "false, "
                      "type => worker, modules => [actor]}"));
    CHECK_TERM(keel_map_get(spec, keel_atom(start)), "{actor, start_link, [_]}");
    CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(s), NULL));
    CHECK_OK(keel_supervisor_count_children(supervisor, &counts));
    CHECK_INT(counts.active, 1);
    CHECK_INT(counts.specs, 3);
    stop_actor(supervisor);
}

// --- a restart that hangs ---

// Declines to start again while the atom `gate` is closed: each start asks.
static keel_result play_gate(keel_term gate, keel_from from, struct actor *actor)
{
    (void)from;
    (void)actor;
    keel_term open = keel_call_or_exit_within(gate, ACT(play_get, KEEL_NONE), KEEL_FOREVER);
    return keel_to_bool(open) ? keel_ok() : keel_stop_with(keel_atom(closed));
}

static void hang(keel_strategy strategy, bool with_back_off)
{
    keel_trap_exit(true);
    keel_pid gate = lone_actor(.state = keel_bool(true));
    keel_child_spec children[] = {
            KID(a), KID(b, .init = play_gate, .argument = keel_from_pid(gate)), KID(c)};
    keel_pid supervisor = new_supervisor(children, .strategy = strategy,
            .intensity = 1000000, .backoff = with_back_off ? KEEL_MS(50) : 0);
    keel_pid a = KID_OF(supervisor, a);
    keel_flush();
    keel_call_or_exit(gate, ACT(play_put, keel_bool(false)));
    end_process(KID_OF(supervisor, b));
    keel_term seen = children_of(supervisor);
    while (!keel_match(seen, "[_, {b, restarting, _, _}, _]")) {
        seen = children_of(supervisor);
    }
    if (strategy == KEEL_REST_FOR_ONE) {
        CHECK_TERM(seen, "[{c, undefined, _, _}, {b, restarting, _, _}, {a, ^A, _, _}]", a);
    } else {
        CHECK_TERM(seen, "[{c, _, _, _}, {b, restarting, _, _}, {a, ^A, _, _}]", a);
    }
    refused(supervisor, "restart_child", keel_atom(b), "restarting");
    refused(supervisor, "delete_child", keel_atom(b), "restarting");
    CHECK_TERM(add(supervisor, KID(b)).reason, "already_present");
    keel_call_or_exit(gate, ACT(play_put, keel_bool(true)));
    while (no_pid(KID_OF(supervisor, b))) {
        keel_sleep(KEEL_MS(1)); // time has to pass for the next attempt
    }
    CHECK_TERM(info_of(KID_OF(supervisor, b), keel_atom(parent)), "^Pid", supervisor);
    CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(b), NULL));
    stop_actor(supervisor);
    stop_actor(gate);
}

PROCESS_TEST("a supervisor whose child cannot restart still answers",
        .ids = "SU-036 SU-048 SU-052 SU-085")
{
    hang(KEEL_ONE_FOR_ONE, false);
}

PROCESS_TEST("so it does with rest_for_one, whose later children wait",
        .ids = "SU-063 SU-089 SU-036")
{
    hang(KEEL_REST_FOR_ONE, false);
}

PROCESS_TEST("so it does with back-off")
{
    hang(KEEL_ONE_FOR_ONE, true);
}

PROCESS_TEST("a supervisor whose child cannot restart can be stopped")
{
    keel_strategy strategies[] = {KEEL_ONE_FOR_ONE, KEEL_ONE_FOR_ALL, KEEL_REST_FOR_ONE};
    keel_trap_exit(true);
    for (size_t i = 0; i < KEEL_COUNT(strategies); i++) {
        keel_pid gate = lone_actor(.state = keel_bool(true));
        keel_child_spec children[] = {KID(a, .trap_exit = true),
                KID(b, .init = play_gate, .argument = keel_from_pid(gate))};
        keel_pid supervisor = new_supervisor(children, .strategy = strategies[i],
                .intensity = 1000000, .name = keel_atom(hanging));
        keel_call_or_exit(gate, ACT(play_put, keel_bool(false)));
        end_process(KID_OF(supervisor, b));
        CHECK_TERM(children_of(supervisor), "[{b, restarting, _, _}, {a, _, _, _}]");
        keel_child_counts counts;
        CHECK_OK(keel_supervisor_count_children(supervisor, &counts));
        CHECK_INT(counts.specs, 2);
        CHECK_INT(counts.active, 1);
        CHECK_INT(counts.workers, 2);
        CHECK_OK(keel_process_exit(supervisor, keel_atom(shutdown)));
        EXPECT_MESSAGE("{'EXIT', ^Pid, shutdown}", supervisor);
        EXPECT_MESSAGE("{a, terminate, shutdown}");
        CHECK(no_pid(keel_whereis("hanging")));
        stop_actor(gate);
        keel_flush();
    }
}

PROCESS_TEST("a child being restarted may be terminated", .ids = "SU-042")
{
    keel_trap_exit(true);
    keel_pid gate = lone_actor(.state = keel_bool(true));
    keel_child_spec children[] = {
            KID(b, .init = play_gate, .argument = keel_from_pid(gate))};
    keel_pid supervisor = new_supervisor(children, .intensity = 1000000);
    keel_call_or_exit(gate, ACT(play_put, keel_bool(false)));
    end_process(KID_OF(supervisor, b));
    CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(b), NULL));
    CHECK_TERM(children_of(supervisor), "[{b, undefined, _, _}]");
    keel_call_or_exit(gate, ACT(play_put, keel_bool(true)));
    CHECK_TERM(children_of(supervisor), "[{b, undefined, _, _}]");
    stop_actor(supervisor);
    stop_actor(gate);
}
