// Stopping children, one or all at once.

#include "otp_testing.h"
#include <keel/dynamic_supervisor.h>

static keel_started add_shutdown(keel_pid supervisor, keel_restart restart,
        keel_duration shutdown, keel_term argument)
{
    return keel_dynamic_supervisor_start_child(supervisor,
            &keel_child(&actor_server, argument, .restart = restart, .shutdown = shutdown));
}

static keel_pid add(keel_pid supervisor, keel_restart restart)
{
    return actor_started(
            add_shutdown(supervisor, restart, 0, ACTOR(.probed = true, .tag = "kid")));
}

static keel_child_counts counts(keel_pid supervisor)
{
    keel_child_counts counts = {0};
    CHECK_OK(keel_supervisor_count_children(supervisor, &counts));
    return counts;
}

// Takes what the actors have told.
static void forget_messages(void)
{
    keel_flush();
}

// --- terminate_child ---

PROCESS_TEST("terminate_child stops a child in the way its specification says",
        .ids = "DS-046 DS-047 DS-049")
{
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link(.intensity = 1));
    keel_pid gentle = add(supervisor, KEEL_PERMANENT);
    keel_pid brutal = actor_started(
            add_shutdown(supervisor, KEEL_PERMANENT, KEEL_BRUTAL_KILL, ACTOR()));
    keel_ref gentle_end = keel_monitor(gentle);
    keel_ref brutal_end = keel_monitor(brutal);
    keel_term why = KEEL_NONE;
    CHECK_OK(keel_dynamic_supervisor_terminate_child(supervisor, gentle, NULL));
    CHECK(!keel_process_alive(gentle));
    CHECK_TERM(await_down(gentle_end), "shutdown");
    CHECK_INT(counts(supervisor).specs, 1);
    CHECK_OK(keel_dynamic_supervisor_terminate_child(supervisor, brutal, NULL));
    CHECK_TERM(await_down(brutal_end), "killed");
    CHECK_TERM(children_of(supervisor), "[]");
    CHECK_INT(keel_dynamic_supervisor_terminate_child(supervisor, brutal, &why),
            KEEL_E_REFUSED);
    CHECK_TERM(why, "not_found");
    CHECK_INT(keel_dynamic_supervisor_terminate_child(supervisor, keel_self(), &why),
            KEEL_E_REFUSED);
    for (int i = 0; i < 5; i++) { // none of these counts as a restart
        keel_pid child = add(supervisor, KEEL_PERMANENT);
        CHECK_OK(keel_dynamic_supervisor_terminate_child(supervisor, child, NULL));
    }
    CHECK_INT(counts(supervisor).specs, 0);
    stop_actor(supervisor);
    forget_messages();
}

// --- the end of the supervisor ---

static void stop_now(keel_term reason, struct actor *actor)
{
    (void)actor;
    (void)reason;
}

// Waits until all siblings have been told as well: a supervisor that told one after
// another would never get past the first.
static void wait_for_go(keel_term reason, struct actor *actor)
{
    (void)reason;
    (void)actor;
    CHECK_OK(keel_receive_match(KEEL_NEVER, "go"));
}

static void release_all(keel_term pids)
{
    keel_term pid;
    while (keel_list_next(&pids, &pid)) {
        keel_send_term(pid, keel_atom(go));
    }
}

PROCESS_TEST("all children are told at the same moment, and awaited without limit",
        .ids = "DS-053 DS-055 DS-064")
{
    keel_trap_exit(true);
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    keel_term pids = keel_nil();
    for (int i = 0; i < 3; i++) {
        keel_pid child = actor_started(
                add_shutdown(supervisor, KEEL_PERMANENT, KEEL_FOREVER,
                        ACTOR(.trap_exit = true, .probed = true, .at_end = wait_for_go)));
        keel_monitor(child);
        pids = keel_cons(keel_from_pid(child), pids);
    }
    keel_process_exit(supervisor, keel_atom(shutdown));
    for (int i = 0; i < 3; i++) {
        EXPECT_MESSAGE("{actor, terminate, shutdown}");
    }
    CHECK(keel_process_alive(supervisor));
    release_all(pids);
    for (int i = 0; i < 3; i++) {
        EXPECT_MESSAGE("{'DOWN', _, process, _, shutdown}");
    }
    EXPECT_MESSAGE("{'EXIT', ^Pid, shutdown}", supervisor);
    forget_messages();
}

PROCESS_TEST("children with brutal_kill are killed, the others get shutdown",
        .ids = "DS-054 DS-056 DS-060")
{
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    keel_ref brutal = keel_monitor(actor_started(add_shutdown(
            supervisor, KEEL_PERMANENT, KEEL_BRUTAL_KILL, ACTOR(.trap_exit = true))));
    keel_ref timed = keel_monitor(actor_started(
            add_shutdown(supervisor, KEEL_PERMANENT, KEEL_SECONDS(50), ACTOR())));
    keel_ref patient = keel_monitor(actor_started(add_shutdown(supervisor, KEEL_PERMANENT,
            KEEL_FOREVER, ACTOR(.trap_exit = true, .at_end = stop_now))));
    stop_actor(supervisor);
    CHECK_TERM(await_down(brutal), "killed");
    CHECK_TERM(await_down(timed), "shutdown");
    CHECK_TERM(await_down(patient), "shutdown");
}

PROCESS_TEST("a child that outlives its time is killed, and that is reported",
        .ids = "DS-056 DS-072")
{
    catch_reports();
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    keel_pid stubborn = actor_started(add_shutdown(supervisor, KEEL_TEMPORARY, KEEL_MS(20),
            ACTOR(.trap_exit = true, .at_end = wait_for_go)));
    keel_ref end = keel_monitor(stubborn);
    stop_actor(supervisor);
    CHECK_TERM(await_down(end), "killed");
    EXPECT_MESSAGE("{report, 0, #{label := {supervisor, shutdown_error}, report := "
                   "[_, _, {reason, killed}, {offender, [{pid, ^Pid} | _]}]}}",
            stubborn);
    keel_report_handler_set(NULL);
}

static void end_otherwise(keel_term reason, struct actor *actor)
{
    (void)reason;
    keel_exit(actor->state);
}

PROCESS_TEST("a child may end with a reason of its own", .ids = "DS-057")
{
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    keel_ref first = keel_monitor(
            actor_started(add_shutdown(supervisor, KEEL_TRANSIENT, KEEL_FOREVER,
                    ACTOR(.trap_exit = true, .at_end = end_otherwise,
                            .state = keel_make("{shutdown, oops}")))));
    keel_ref second = keel_monitor(actor_started(add_shutdown(supervisor, KEEL_TRANSIENT,
            KEEL_SECONDS(50),
            ACTOR(.trap_exit = true, .at_end = end_otherwise, .state = keel_atom(oops)))));
    keel_ref third = keel_monitor(
            actor_started(add_shutdown(supervisor, KEEL_PERMANENT, 0, ACTOR())));
    stop_actor(supervisor);
    CHECK_TERM(await_down(first), "{shutdown, oops}");
    CHECK_TERM(await_down(second), "oops");
    CHECK_TERM(await_down(third), "shutdown");
}

PROCESS_TEST("children that had ended before they were told are reported with their reason",
        .ids = "DS-057 DS-072")
{
    catch_reports();
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    keel_pid brutal = actor_started(
            add_shutdown(supervisor, KEEL_TEMPORARY, KEEL_BRUTAL_KILL, ACTOR()));
    CHECK_OK(keel_sys_suspend(supervisor)); // so that it does not hear of the end
    keel_process_exit(brutal, keel_atom(oops));
    end_of(brutal);
    EXPECT_NEXT("{report, 0, #{label := {proc_lib, crash}}}");
    stop_actor(supervisor);
    EXPECT_NEXT("{report, 0, #{label := {supervisor, shutdown_error}, report := "
                "[_, _, {reason, oops}, {offender, [{pid, ^Pid} | _]}]}}",
            brutal);
    EXPECT_NO_MESSAGE();
    keel_report_handler_set(NULL);
}

PROCESS_TEST("a normal end is one that was not asked for where children are permanent")
{
    keel_restart kinds[] = {KEEL_PERMANENT, KEEL_TRANSIENT, KEEL_TEMPORARY};
    keel_trap_exit(true);
    catch_reports();
    for (int kind = 0; kind < 3; kind++) {
        keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
        keel_pid child = actor_started(add_shutdown(supervisor, kinds[kind], KEEL_FOREVER,
                ACTOR(.trap_exit = true, .at_end = end_otherwise,
                        .state = keel_atom(normal))));
        keel_ref end = keel_monitor(child);
        stop_actor(supervisor);
        CHECK_TERM(await_down(end), "normal");
        bool told =
                keel_receive_match(KEEL_AT_ONCE,
                        "{report, 0, #{label := {supervisor, shutdown_error}, report := "
                        "[_, _, {reason, normal}, _]}}") == KEEL_OK;
        CHECK_INT(told, kinds[kind] == KEEL_PERMANENT);
    }
    keel_report_handler_set(NULL);
}

PROCESS_TEST("what had ended before it was told is told of unless that was in order")
{
    static const char *const ends[] = {"normal", "shutdown"};
    keel_trap_exit(true);
    catch_reports();
    for (int i = 0; i < 4; i++) {
        keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
        keel_pid child = actor_started(add_shutdown(supervisor,
                i < 2 ? KEEL_PERMANENT : KEEL_TEMPORARY, KEEL_SECONDS(9), ACTOR()));
        keel_term end = KEEL_NONE;
        CHECK_OK(keel_atom_from(ends[i % 2], __builtin_strlen(ends[i % 2]), &end));
        CHECK_OK(keel_sys_suspend(supervisor)); // so that it does not hear of the end
        finish_actor(child, end);
        stop_actor(supervisor);
        keel_term reason = KEEL_NONE;
        bool told =
                keel_receive_match(KEEL_AT_ONCE,
                        "{report, 0, #{label := {supervisor, shutdown_error}, report := "
                        "[_, _, {reason, Reason}, _]}}",
                        &reason) == KEEL_OK;
        CHECK_INT(told, i != 2); // a temporary child's normal end
    }
    keel_report_handler_set(NULL);
}

PROCESS_TEST("each child has the time of its specification, of which there may be none")
{
    keel_trap_exit(true);
    keel_duration times[] = {KEEL_NO_TIME, KEEL_MS(1), KEEL_MS(2)};
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    keel_ref stubborn[3];
    keel_ref meek[3];
    for (int i = 0; i < 3; i++) {
        stubborn[i] = keel_monitor(actor_started(add_shutdown(supervisor, KEEL_PERMANENT,
                times[i], ACTOR(.trap_exit = true, .at_end = wait_for_go))));
        meek[i] = keel_monitor(
                actor_started(add_shutdown(supervisor, KEEL_PERMANENT, times[i], ACTOR())));
    }
    stop_actor(supervisor);
    for (int i = 0; i < 3; i++) {
        CHECK_TERM(await_down(stubborn[i]), "killed");
        CHECK_TERM(await_down(meek[i]), "shutdown");
    }
}

// --- many ---

enum { MANY = 2000 };

// Half of them are killed while the supervisor is being stopped.
THREADS_TEST("thousands of children are stopped together", .ids = "DS-053 DS-064")
{
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    size_t before = process_count();
    keel_term pids = keel_nil();
    for (int i = 0; i < MANY; i++) {
        keel_started started = add_shutdown(supervisor, KEEL_TEMPORARY, 0, ACTOR());
        CHECK_OK(started.status);
        if (i % 2 == 0) {
            pids = keel_cons(keel_from_pid(started.pid), pids);
        }
    }
    CHECK_INT(counts(supervisor).active, MANY);
    CHECK_INT(process_count(), before + MANY);
    keel_term pid;
    while (keel_list_next(&pids, &pid)) {
        keel_process_exit(keel_to_pid(pid), keel_atom(kill));
    }
    stop_actor(supervisor);
    CHECK_INT(process_count(), before - 1);
}
