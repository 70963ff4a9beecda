// A dynamic supervisor's children: how they end, are restarted and are stopped.

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

// Ends a child from inside with `reason`, and waits for its end.
static void leave(keel_pid child, keel_term reason)
{
    keel_ref monitor = keel_monitor(child);
    keel_cast(child, ACT(play_exit_with, reason));
    CHECK_EQUAL(await_down(monitor), reason);
}

static void kill_child(keel_pid child)
{
    keel_ref monitor = keel_monitor(child);
    keel_process_exit(child, keel_atom(kill));
    CHECK_TERM(await_down(monitor), "killed");
}

// Takes what the actors have told.
static void forget_messages(void)
{
    keel_flush();
}

// The pid of the only child, once the supervisor has dealt with the last one's end.
static keel_pid only_child(keel_pid supervisor)
{
    keel_pid pid = {0};
    CHECK(keel_match(children_of(supervisor), "[{undefined, Pid, worker, _}]", &pid));
    return pid;
}

PROCESS_TEST("a temporary child is not restarted, whatever the reason", .ids = "DS-029")
{
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    leave(add(supervisor, KEEL_TEMPORARY), keel_atom(normal));
    leave(add(supervisor, KEEL_TEMPORARY), keel_atom(shutdown));
    leave(add(supervisor, KEEL_TEMPORARY), keel_atom(whatever));
    kill_child(add(supervisor, KEEL_TEMPORARY));
    CHECK_INT(counts(supervisor).specs, 0);
    stop_actor(supervisor);
    forget_messages();
}

PROCESS_TEST("a transient child is restarted after an abnormal end only", .ids = "DS-030")
{
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link(.intensity = 9));
    leave(add(supervisor, KEEL_TRANSIENT), keel_atom(normal));
    leave(add(supervisor, KEEL_TRANSIENT), keel_atom(shutdown));
    leave(add(supervisor, KEEL_TRANSIENT), keel_make("{shutdown, because}"));
    CHECK_INT(counts(supervisor).specs, 0);
    keel_pid child = add(supervisor, KEEL_TRANSIENT);
    kill_child(child);
    CHECK(!same_pid(only_child(supervisor), child));
    leave(only_child(supervisor), keel_atom(whatever));
    CHECK_INT(counts(supervisor).active, 1);
    stop_actor(supervisor);
    forget_messages();
}

PROCESS_TEST(
        "a permanent child is restarted whatever the reason, the others are left alone",
        .ids = "DS-031 DS-032 DS-033")
{
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link(.intensity = 9));
    keel_pid other = add(supervisor, KEEL_PERMANENT);
    const keel_term reasons[] = {keel_atom(normal), keel_atom(shutdown),
            keel_make("{shutdown, because}"), keel_atom(whatever)};
    for (size_t i = 0; i < KEEL_COUNT(reasons); i++) {
        leave(add(supervisor, KEEL_PERMANENT), reasons[i]);
        keel_child_counts now = counts(supervisor);
        CHECK_INT(now.specs, i + 2);
        CHECK_INT(now.active, i + 2);
    }
    kill_child(add(supervisor, KEEL_PERMANENT));
    CHECK_INT(counts(supervisor).active, 6);
    CHECK(keel_process_alive(other));
    stop_actor(supervisor);
    forget_messages();
}

// A start function that does what the director says: {Director} answers with the outcome.
static keel_started start_directed(keel_term director)
{
    keel_term what = keel_call_or_exit_term(
            director, ACT(play_get, KEEL_NONE), KEEL_FOREVER);
    if (keel_is(what, child)) {
        return keel_gen_server_start_link(&actor_server, ACTOR());
    }
    if (keel_is(what, crash)) {
        keel_error(keel_atom(oops));
    }
    return keel_started_from_term(what);
}

static keel_pid add_directed(keel_pid supervisor, keel_pid director)
{
    return actor_started(keel_dynamic_supervisor_start_child(
            supervisor, &keel_child_fn(start_directed, keel_from_pid(director),
                                .id = keel_atom(directed))));
}

static void direct(keel_pid director, keel_term what)
{
    keel_call_or_exit(director, ACT(play_put, what));
}

// An intensity that no test here reaches by trying again.
enum { PLENTY = 1000000 };

PROCESS_TEST("a child that cannot be restarted is tried again until it can",
        .ids = "DS-035 DS-037 DS-062")
{
    keel_pid director = lone_actor(.state = keel_atom(child));
    keel_pid supervisor = actor_started(
            keel_dynamic_supervisor_start_link(.intensity = PLENTY));
    keel_pid child = add_directed(supervisor, director);
    direct(director, keel_make("{error, busy}"));
    kill_child(child);
    CHECK_TERM(children_of(supervisor), "[{undefined, restarting, worker, [directed]}]");
    CHECK_INT(counts(supervisor).active, 0);
    CHECK_INT(counts(supervisor).workers, 1);
    CHECK_INT(counts(supervisor).specs, 1);
    direct(director, keel_atom(unknown));
    CHECK_TERM(children_of(supervisor), "[{undefined, restarting, _, _}]");
    direct(director, keel_atom(crash));
    CHECK_TERM(children_of(supervisor), "[{undefined, restarting, _, _}]");
    direct(director, keel_atom(child));
    while (counts(supervisor).active == 0) {
        keel_yield();
    }
    CHECK(keel_process_alive(only_child(supervisor)));
    direct(director, keel_atom(again));
    kill_child(only_child(supervisor));
    CHECK_TERM(children_of(supervisor), "[{undefined, restarting, _, _}]");
    stop_actor(supervisor);
    stop_actor(director);
}

PROCESS_TEST("a child that declines to be restarted is forgotten", .ids = "DS-016")
{
    keel_pid director = lone_actor(.state = keel_atom(child));
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    keel_pid child = add_directed(supervisor, director);
    direct(director, keel_atom(ignore));
    kill_child(child);
    CHECK_TERM(children_of(supervisor), "[]");
    stop_actor(supervisor);
    stop_actor(director);
}

PROCESS_TEST("more restarts than allowed, of all children together, end the supervisor",
        .ids = "DS-039 DS-043")
{
    keel_trap_exit(true);
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link(.intensity = 1));
    keel_pid first = add(supervisor, KEEL_PERMANENT);
    keel_pid second = add(supervisor, KEEL_PERMANENT);
    keel_ref third = keel_monitor(add(supervisor, KEEL_TEMPORARY));
    kill_child(first);
    CHECK_INT(counts(supervisor).active, 3);
    kill_child(second);
    CHECK_TERM(await_down(third), "shutdown");
    EXPECT_MESSAGE("{'EXIT', ^Pid, shutdown}", supervisor);
    forget_messages();
}

PROCESS_TEST("each attempt that fails counts as a restart", .ids = "DS-040")
{
    keel_trap_exit(true);
    keel_pid director = lone_actor(.state = keel_atom(child));
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link(.intensity = 5));
    keel_pid child = add_directed(supervisor, director);
    direct(director, keel_make("{error, busy}"));
    kill_child(child);
    EXPECT_MESSAGE("{'EXIT', ^Pid, shutdown}", supervisor);
    stop_actor(director);
}

PROCESS_TEST("a temporary child's arguments are not kept", .ids = "DS-052")
{
    catch_reports();
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link());
    leave(add(supervisor, KEEL_TEMPORARY), keel_atom(whatever));
    EXPECT_MESSAGE("{report, 0, #{label := {supervisor, child_terminated}, report := "
                   "[{supervisor, _}, {errorContext, child_terminated}, "
                   "{reason, whatever}, {offender, [{pid, _}, {id, undefined}, "
                   "{mfargs, {actor, start_link, undefined}}, {restart_type, temporary}, "
                   "{shutdown, 5000}, {child_type, worker}]}]}}");
    stop_actor(supervisor);
    forget_messages();
    keel_report_handler_set(NULL);
}

PROCESS_TEST("reports tell of ends, failed starts and too many restarts", .ids = "DS-072")
{
    keel_trap_exit(true);
    catch_reports();
    keel_pid director = lone_actor(.state = keel_atom(child));
    keel_pid supervisor = actor_started(
            keel_dynamic_supervisor_start_link(.name = keel_atom(reporting),
                    .intensity = 1));
    keel_pid child = add_directed(supervisor, director);
    direct(director, keel_make("{error, busy}"));
    kill_child(child);
    EXPECT_NEXT("{report, 0, #{label := {supervisor, child_terminated}, report := "
                "[{supervisor, {local, reporting}}, {errorContext, child_terminated}, "
                "{reason, killed}, {offender, [{pid, ^Pid}, {id, undefined}, "
                "{mfargs, {directed, start_link, [^Director]}}, "
                "{restart_type, permanent}, {shutdown, 5000}, {child_type, worker}]}]}}",
            child, director);
    EXPECT_NEXT("{report, 0, #{label := {supervisor, start_error}, report := "
                "[_, _, {reason, busy}, {offender, [{pid, {restarting, _}} | _]}]}}");
    EXPECT_NEXT("{report, 0, #{label := {supervisor, shutdown}, report := [_, _, "
                "{reason, reached_max_restart_intensity}, {offender, _}]}}");
    EXPECT_MESSAGE("{'EXIT', ^Pid, shutdown}", supervisor);
    keel_report_handler_set(NULL);
    stop_actor(director);
}

PROCESS_TEST(
        "a child that cannot restart takes a place, until it is terminated by its last pid")
{
    keel_pid director = lone_actor(.state = keel_atom(child));
    keel_pid supervisor = actor_started(
            keel_dynamic_supervisor_start_link(.intensity = PLENTY, .max_children = 1));
    keel_pid child = add_directed(supervisor, director);
    direct(director, keel_make("{error, busy}"));
    kill_child(child);
    CHECK_INT(counts(supervisor).workers, 1);
    CHECK_INT(counts(supervisor).active, 0);
    CHECK_TERM(add_shutdown(supervisor, KEEL_TEMPORARY, 0, ACTOR()).reason, "max_children");
    keel_term why = KEEL_NONE;
    CHECK_OK(keel_dynamic_supervisor_terminate_child(supervisor, child, NULL));
    CHECK_INT(keel_dynamic_supervisor_terminate_child(supervisor, child, &why),
            KEEL_E_REFUSED);
    CHECK_TERM(why, "not_found");
    CHECK_INT(counts(supervisor).specs, 0);
    add(supervisor, KEEL_TEMPORARY);
    stop_actor(supervisor);
    stop_actor(director);
    forget_messages();
}

PROCESS_TEST("children are listed in the order of their starts, and keep their places")
{
    keel_pid supervisor = actor_started(keel_dynamic_supervisor_start_link(.intensity = 9));
    keel_pid a = add(supervisor, KEEL_PERMANENT);
    keel_pid b = add(supervisor, KEEL_PERMANENT);
    keel_pid c = add(supervisor, KEEL_TEMPORARY);
    CHECK_TERM(children_of(supervisor), "[{_, ^A, _, _}, {_, ^B, _, _}, {_, ^C, _, _}]", a,
            b, c);
    kill_child(a);
    CHECK_TERM(children_of(supervisor), "[_, {_, ^B, _, _}, {_, ^C, _, _}]", b, c);
    stop_actor(supervisor);
    forget_messages();
}
