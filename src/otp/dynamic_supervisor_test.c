// Dynamic supervisors: starting them, starting children, what they look like.

#include "otp_testing.h"
#include <keel/dynamic_supervisor.h>

// An actor as a child, with a restart type.
static keel_started add(keel_pid supervisor, keel_restart restart, keel_term argument)
{
    return keel_dynamic_supervisor_start_child(
            supervisor, &keel_child(&actor_server, argument, .restart = restart));
}

static keel_pid add_actor(keel_pid supervisor, keel_restart restart)
{
    return actor_started(add(supervisor, restart, ACTOR()));
}

static keel_child_counts counts(keel_pid supervisor)
{
    keel_child_counts counts = {0};
    CHECK_OK(keel_supervisor_count_children(supervisor, &counts));
    return counts;
}

static keel_term children(keel_pid supervisor)
{
    keel_term children = KEEL_NONE;
    CHECK_OK(keel_supervisor_which_children(supervisor, &children));
    return children;
}

PROCESS_TEST("without options a dynamic supervisor has OTP's defaults", .ids = "DS-001")
{
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    keel_term state = KEEL_NONE;
    CHECK_OK(keel_sys_get_state(supervisor, &state));
    CHECK_TERM(state, "#{strategy := one_for_one, max_restarts := 3, max_seconds := 5, "
                      "max_children := infinity, extra_arguments := []}");
    CHECK_TERM(children(supervisor), "[]");
    stop_actor(supervisor);
}

static keel_term pool_init(keel_term argument)
{
    return argument;
}

static const keel_dynamic_supervisor pool = {.name = "pool", .init = pool_init};

PROCESS_TEST("a module's flags have OTP's defaults, and unknown ones are let be")
{
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link_module(
            &pool, keel_make("{ok, #{silly => true}}")));
    keel_term state = KEEL_NONE;
    CHECK_OK(keel_sys_get_state(supervisor, &state));
    CHECK_TERM(state, "#{strategy := one_for_one, max_restarts := 1, max_seconds := 5, "
                      "max_children := infinity, extra_arguments := []}");
    stop_actor(supervisor);
}

PROCESS_TEST("start_link links, registers the name, and stop frees it", .ids = "DS-007")
{
    keel_trap_exit(true);
    keel_pid supervisor = actor_started(
            keel_dynamic_supervisor_start_link(.name = keel_atom(my_pool)));
    CHECK(same_pid(keel_whereis("my_pool"), supervisor));
    CHECK_OK(keel_gen_server_stop("my_pool", keel_atom(normal), SOON));
    EXPECT_NEXT("{'EXIT', ^Pid, normal}", supervisor);
    CHECK(no_pid(keel_whereis("my_pool")));
}

PROCESS_TEST("spawn options reach the supervisor's process, which traps exits",
        .ids = "DS-008 DS-011")
{
    keel_pid supervisor = actor_started(
            keel_dynamic_supervisor_start_link(.spawn.priority = KEEL_HIGH_PRIORITY));
    CHECK_TERM(info_of(supervisor, keel_atom(priority)), "high");
    CHECK_TERM(info_of(supervisor, keel_atom(trap_exit)), "true");
    stop_actor(supervisor);
}

PROCESS_TEST("a dynamic supervisor is known as a supervisor", .ids = "DS-009")
{
    keel_pid dynamic = actor_started(keel_dynamic_supervisor_start_link());
    keel_pid fixed = actor_started(keel_supervisor_start_link(NULL, 0));
    keel_term item = keel_atom(initial_call);
    CHECK_EQUAL(info_of(dynamic, item), info_of(fixed, item));
    stop_actor(dynamic);
    stop_actor(fixed);
}

PROCESS_TEST("several live in one tree, told apart by their names", .ids = "DS-010")
{
    keel_child_spec specs[] = {
            keel_child_dynamic_supervisor(.name = keel_atom(first)),
            keel_child_dynamic_supervisor(.name = keel_atom(second)),
            keel_child_dynamic_supervisor_module(&pool, keel_make("{ok, #{}}")),
            keel_child_dynamic_supervisor(),
    };
    keel_pid tree = actor_started(keel_supervisor_start_link(specs, KEEL_COUNT(specs)));
    CHECK_TERM(children(tree), "[{dynamic_supervisor, _, supervisor, _}, "
                               "{pool, _, supervisor, _}, "
                               "{second, _, supervisor, [dynamic_supervisor]}, "
                               "{first, _, supervisor, [dynamic_supervisor]}]");
    CHECK_OK(add(keel_whereis("second"), KEEL_TEMPORARY, ACTOR()).status);
    CHECK_INT(counts(keel_whereis("second")).active, 1);
    CHECK_INT(counts(keel_whereis("first")).active, 0);
    stop_actor(tree);
}

// --- start_child ---

static keel_started start_as_told(keel_term told)
{
    keel_term what = keel_head(told);
    if (keel_is(what, crash)) {
        keel_error(keel_atom(oops));
    }
    if (keel_is(what, leave)) {
        keel_exit(keel_atom(left));
    }
    if (keel_is(what, child)) {
        return keel_gen_server_start_link(&actor_server, ACTOR());
    }
    if (keel_is(what, info)) {
        keel_started started = keel_gen_server_start_link(&actor_server, ACTOR());
        started.info = keel_atom(more);
        return started;
    }
    return keel_started_from_term(what);
}

static keel_started start_told(keel_pid supervisor, keel_term what)
{
    return keel_dynamic_supervisor_start_child(supervisor,
            &keel_child_fn(start_as_told, keel_list_of(what), .id = keel_atom(told)));
}

static keel_started start_list(keel_term arguments)
{
    keel_pid asker;
    CHECK(keel_match(keel_head(arguments), "{asker, Pid}", &asker));
    keel_send(asker, keel_tuple_of(keel_atom(started_with), keel_tail(arguments)));
    return keel_gen_server_start_link(&actor_server, ACTOR());
}

PROCESS_TEST("a specification may be a struct, a map or a tuple", .ids = "DS-012 DS-014")
{
    CHECK_OK(keel_start_register(keel_atom(test), keel_atom(start), start_list));
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    keel_term start = keel_make("{test, start, [{asker, Pid}, 1]}", keel_self());
    keel_term map = keel_make("#{id => 1, start => Start}", start);
    CHECK_OK(keel_dynamic_supervisor_start_child(supervisor, &keel_child_term(map)).status);
    CHECK_OK(keel_dynamic_supervisor_start_child(supervisor, &keel_child_term(map)).status);
    keel_term tuple = keel_make("{1, Start, permanent, 5000, worker, [test]}", start);
    CHECK_OK(keel_dynamic_supervisor_start_child(supervisor, &keel_child_term(tuple))
                     .status);
    CHECK_OK(add(supervisor, KEEL_PERMANENT, ACTOR()).status);
    for (int i = 0; i < 3; i++) {
        EXPECT_MESSAGE("{started_with, [1]}");
    }
    CHECK_INT(counts(supervisor).active, 4);
    stop_actor(supervisor);
}

PROCESS_TEST("another node's client sends the specification as a tuple of five",
        .ids = "DS-012 DS-028")
{
    CHECK_OK(keel_start_register(keel_atom(test), keel_atom(start), start_list));
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    keel_term request = keel_make(
            "{start_child, {{test, start, [{asker, Pid}]}, temporary, 100, worker, [a]}}",
            keel_self());
    CHECK_TERM(keel_call_or_exit(supervisor, request), "{ok, _}");
    EXPECT_MESSAGE("{started_with, []}");
    CHECK_TERM(children(supervisor), "[{undefined, _, worker, [a]}]");
    stop_actor(supervisor);
}

PROCESS_TEST("what the start function gives is passed on", .ids = "DS-015 DS-016 DS-017")
{
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    CHECK_TERM(keel_started_to_term(start_told(supervisor, keel_atom(child))), "{ok, _}");
    CHECK_TERM(
            keel_started_to_term(start_told(supervisor, keel_atom(info))), "{ok, _, more}");
    CHECK_INT(start_told(supervisor, keel_atom(ignore)).status, KEEL_E_IGNORED);
    keel_started failed = start_told(supervisor, keel_make("{error, nope}"));
    CHECK_INT(failed.status, KEEL_E_REFUSED);
    CHECK_TERM(failed.reason, "nope");
    CHECK_TERM(start_told(supervisor, keel_atom(unknown)).reason, "unknown");
    CHECK_INT(counts(supervisor).specs, 2);
    stop_actor(supervisor);
}

PROCESS_TEST("a start function that fails does not harm the supervisor", .ids = "DS-019")
{
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    CHECK_TERM(start_told(supervisor, keel_atom(crash)).reason, "{oops, _}");
    CHECK_TERM(start_told(supervisor, keel_atom(leave)).reason, "left");
    CHECK_OK(start_told(supervisor, keel_atom(child)).status);
    CHECK_INT(counts(supervisor).active, 1);
    stop_actor(supervisor);
}

static void play_crash(keel_pid child)
{
    keel_ref monitor = keel_monitor(child);
    keel_process_exit(child, keel_atom(crash));
    CHECK_TERM(await_down(monitor), "crash");
}

PROCESS_TEST("extra arguments go first, at the start and at each restart",
        .ids = "DS-020 DS-038")
{
    CHECK_OK(keel_start_register(keel_atom(test), keel_atom(start), start_list));
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link(
                    .extra_arguments = keel_make("[{asker, Pid}, extra]", keel_self())));
    keel_child_spec by_term = keel_child_term(
            keel_make("#{id => a, start => {test, start, [own, more]}}"));
    keel_started started = keel_dynamic_supervisor_start_child(supervisor, &by_term);
    EXPECT_MESSAGE("{started_with, [extra, own, more]}");
    play_crash(started.pid);
    EXPECT_MESSAGE("{started_with, [extra, own, more]}");
    keel_child_spec by_function = keel_child_fn(
            start_list, keel_atom(own), .id = keel_atom(b));
    CHECK_OK(keel_dynamic_supervisor_start_child(supervisor, &by_function).status);
    EXPECT_MESSAGE("{started_with, [extra, own]}");
    stop_actor(supervisor);
}

PROCESS_TEST("max_children bounds the children, and a child that ended makes room",
        .ids = "DS-021 DS-024")
{
    keel_pid none = actor_started(
            keel_dynamic_supervisor_start_link(.max_children = KEEL_NO_CHILDREN));
    CHECK_TERM(start_told(none, keel_atom(crash)).reason, "max_children");
    stop_actor(none);
    keel_pid supervisor = actor_started(
            keel_dynamic_supervisor_start_link(.max_children = 2));
    keel_pid first = add_actor(supervisor, KEEL_TEMPORARY);
    add_actor(supervisor, KEEL_TEMPORARY);
    CHECK_TERM(start_told(supervisor, keel_atom(crash)).reason, "max_children");
    play_crash(first);
    CHECK_OK(start_told(supervisor, keel_atom(child)).status);
    CHECK_TERM(start_told(supervisor, keel_atom(child)).reason, "max_children");
    stop_actor(supervisor);
}

PROCESS_TEST("a child that was restarted counts once", .ids = "DS-023")
{
    keel_pid supervisor = actor_started(
            keel_dynamic_supervisor_start_link(.max_children = 1));
    play_crash(add_actor(supervisor, KEEL_PERMANENT));
    CHECK_INT(counts(supervisor).specs, 1);
    CHECK_TERM(start_told(supervisor, keel_atom(child)).reason, "max_children");
    stop_actor(supervisor);
}

static void start_at_nobody(keel_term supervisor)
{
    keel_started_or_exit(keel_dynamic_supervisor_start_child(
            supervisor, &keel_child(&actor_server, ACTOR())));
}

PROCESS_TEST("to start a child at nobody fails with noproc", .ids = "DS-025")
{
    keel_ref monitor;
    keel_spawn_monitor(start_at_nobody, keel_from_pid(dead_pid()), &monitor);
    CHECK_TERM(await_down(monitor), "{noproc, {gen_server, call, _}}");
    keel_started started = keel_dynamic_supervisor_start_child(
            "nobody", &keel_child(&actor_server, ACTOR()));
    CHECK_INT(started.status, KEEL_E_NOPROC);
}

static keel_started start_slowly(keel_term asker)
{
    keel_send(keel_to_pid(asker), keel_make("{starting, Pid}", keel_self()));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "go"));
    return keel_gen_server_start_link(&actor_server, ACTOR());
}

static void add_slowly(keel_term supervisor_and_asker)
{
    keel_dynamic_supervisor_start_child(keel_element(supervisor_and_asker, 0),
            &keel_child_fn(start_slowly, keel_element(supervisor_and_asker, 1),
                    .id = keel_atom(slow)));
}

PROCESS_TEST("children are started one after another", .ids = "DS-026")
{
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    keel_pid adder = keel_spawn(add_slowly,
            keel_tuple_of(keel_from_pid(supervisor), keel_from_pid(keel_self())));
    EXPECT_MESSAGE("{starting, _}");
    keel_term reply = KEEL_NONE;
    CHECK_INT(keel_call_within(
                      supervisor, keel_atom(count_children), KEEL_IN(KEEL_MS(20)), &reply),
            KEEL_E_TIMEOUT);
    keel_send(supervisor, keel_atom(go));
    CHECK_INT(counts(supervisor).active, 1);
    CHECK_TERM(end_of(adder), "_");
    stop_actor(supervisor);
}

PROCESS_TEST("fields of a specification have the same defaults as the static supervisor's",
        .ids = "DS-028 DS-050 DS-051")
{
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    keel_pid child = add_actor(supervisor, KEEL_PERMANENT);
    CHECK_TERM(children(supervisor), "[{undefined, ^Pid, worker, [actor]}]", child);
    keel_child_counts all = counts(supervisor);
    CHECK_INT(all.specs, 1);
    CHECK_INT(all.active, 1);
    CHECK_INT(all.supervisors, 0);
    CHECK_INT(all.workers, 1);
    keel_child_spec nested = keel_child_dynamic_supervisor();
    CHECK_OK(keel_dynamic_supervisor_start_child(supervisor, &nested).status);
    CHECK_INT(counts(supervisor).supervisors, 1);
    play_crash(child);
    CHECK_INT(counts(supervisor).workers, 1); // permanent is the default
    stop_actor(supervisor);
}

// --- code change and what does not belong ---

static keel_term change_code(keel_pid supervisor)
{
    keel_term why = keel_atom(ok);
    CHECK_OK(keel_sys_suspend(supervisor));
    keel_status status = keel_sys_change_code(
            supervisor, keel_atom(pool), keel_nil(), keel_nil(), &why);
    CHECK(status == KEEL_OK || status == KEEL_E_REFUSED);
    CHECK_OK(keel_sys_resume(supervisor));
    return why;
}

static keel_term planned_init(keel_term holder)
{
    return keel_call_or_exit_term(holder, ACT(play_get, KEEL_NONE), KEEL_FOREVER);
}

static const keel_dynamic_supervisor planned = {.name = "planned", .init = planned_init};

PROCESS_TEST("a code change takes over new limits, and refuses wrong ones",
        .ids = "DS-067 DS-068 DS-069")
{
    keel_pid plan = new_actor(.state = keel_make("{ok, #{max_children => 1}}"));
    keel_pid supervisor = actor_started(
            keel_dynamic_supervisor_start_link_module(&planned, keel_from_pid(plan)));
    keel_pid child = add_actor(supervisor, KEEL_TEMPORARY);
    keel_call_or_exit(plan, ACT(play_put, keel_make("{ok, #{max_children => 2}}")));
    CHECK_TERM(change_code(supervisor), "ok");
    add_actor(supervisor, KEEL_TEMPORARY);
    CHECK(keel_process_alive(child));
    CHECK_TERM(add(supervisor, KEEL_TEMPORARY, ACTOR()).reason, "max_children");
    keel_call_or_exit(plan, ACT(play_put, keel_make("{ok, #{max_children => wrong}}")));
    CHECK_TERM(change_code(supervisor),
            "{error, {supervisor_data, {invalid_max_children, wrong}}}");
    keel_call_or_exit(plan, ACT(play_put, keel_atom(ignore)));
    CHECK_TERM(change_code(supervisor), "ok");
    keel_call_or_exit(plan, ACT(play_put, keel_atom(unknown)));
    CHECK_TERM(change_code(supervisor), "unknown");
    CHECK_TERM(add(supervisor, KEEL_TEMPORARY, ACTOR()).reason, "max_children");
    stop_actor(supervisor);
    stop_actor(plan);
}

PROCESS_TEST(
        "messages that mean nothing are reported, casts are not", .ids = "DS-042 DS-071")
{
    catch_reports();
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    keel_send(supervisor, keel_make("{'EXIT', Pid, oops}", dead_pid()));
    keel_cast(supervisor, keel_atom(what));
    keel_send(supervisor, keel_atom(hello));
    EXPECT_NEXT("{report, 0, #{label := {dynamic_supervisor, unexpected_msg}, "
                "msg := hello}}");
    CHECK_INT(counts(supervisor).specs, 0);
    stop_actor(supervisor);
    EXPECT_NO_MESSAGE();
    keel_report_handler_set(NULL);
}
