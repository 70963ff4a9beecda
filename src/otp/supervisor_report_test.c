// What supervisors report.

#include "otp_testing.h"

static keel_term next_report(int level)
{
    keel_term report = KEEL_NONE;
    EXPECT_MESSAGE("{report, ^Level, Report}", keel_int(level), &report);
    return report;
}

// The next report of a supervisor's, which must have this context and this reason.
static keel_term expect_report(keel_term context, keel_term reason)
{
    keel_term child = KEEL_NONE;
    EXPECT_MESSAGE("{report, 0, #{label := {supervisor, ^Context}, report := [{supervisor, "
                   "{local, top}}, {errorContext, ^Context}, {reason, ^Reason}, "
                   "{offender, Child}]}}",
            context, reason, &child);
    return child;
}

PROCESS_TEST("each child that starts is told of, with all there is to say", .ids = "SU-147")
{
    keel_trap_exit(true);
    catch_reports();
    keel_child_spec children[] = {keel_child(
            &bare_server, keel_int(1), .id = keel_atom(a), .restart = KEEL_TRANSIENT)};
    keel_pid supervisor = new_supervisor(children, .name = keel_atom(top));
    CHECK_TERM(next_report(2),
            "#{label := {supervisor, progress}, report := [{supervisor, {local, top}}, "
            "{started, [{pid, ^Pid}, {id, a}, {mfargs, {bare, start_link, [1]}}, "
            "{restart_type, transient}, {significant, false}, {shutdown, 5000}, "
            "{child_type, worker}]}]}",
            KID_OF(supervisor, a));
    keel_child_spec added = keel_child(&bare_server, keel_nil(), .id = keel_atom(b));
    CHECK_OK(keel_supervisor_start_child(supervisor, &added).status);
    CHECK_TERM(next_report(3), "#{label := {supervisor, progress}}");
    stop_actor(supervisor);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("an end that is restarted, or a temporary child's abnormal one, is told of",
        .ids = "SU-148")
{
    keel_trap_exit(true);
    catch_reports();
    keel_child_spec children[] = {keel_child(&bare_server, keel_nil(), .id = keel_atom(p)),
            keel_child(&bare_server, keel_nil(), .id = keel_atom(t),
                    .restart = KEEL_TEMPORARY),
            keel_child(&bare_server, keel_nil(), .id = keel_atom(u),
                    .restart = KEEL_TEMPORARY)};
    keel_pid supervisor = new_supervisor(children, .name = keel_atom(top));
    keel_pid p = KID_OF(supervisor, p);
    CHECK_OK(keel_gen_server_stop(p, keel_atom(normal), SOON));
    keel_term child = expect_report(keel_atom(child_terminated), keel_atom(normal));
    CHECK_TERM(child, "[{pid, ^Pid}, {id, p} | _]", p);
    CHECK_OK(keel_gen_server_stop(KID_OF(supervisor, t), keel_atom(normal), SOON));
    end_process(KID_OF(supervisor, u));
    child = expect_report(keel_atom(child_terminated), keel_atom(killed));
    CHECK_TERM(child, "[_, {id, u} | _]");
    stop_actor(supervisor);
    keel_term rest;
    while (keel_receive_until(KEEL_AT_ONCE, &rest) == KEEL_OK) {
        CHECK_TERM(rest, "{report, 2, _}"); // progress alone
    }
}

static void end_late(keel_term reason, struct actor *actor)
{
    (void)reason;
    (void)actor;
    keel_exit(keel_atom(my_own_way));
}

PROCESS_TEST("failed starts, failed shutdowns and giving up are told of",
        .ids = "SU-150 SU-103 SU-152")
{
    keel_trap_exit(true);
    catch_reports();
    keel_child_spec children[] = {
            KID_WITH(ACTOR(.trap_exit = true, .at_end = end_late), .id = keel_atom(odd)),
            KID_WITH(ACTOR(.init = play_stop, .argument = keel_atom(nope)),
                    .id = keel_atom(bad))};
    keel_started started = keel_supervisor_start_link(children, 2, .name = keel_atom(top));
    CHECK_INT(started.status, KEEL_E_EXIT);
    CHECK_TERM(expect_report(keel_atom(start_error), keel_atom(nope)),
            "[{pid, undefined}, {id, bad} | _]");
    CHECK_TERM(expect_report(keel_atom(shutdown_error), keel_atom(my_own_way)),
            "[_, {id, odd} | _]");
    keel_child_spec good[] = {keel_child(&bare_server, keel_nil(), .id = keel_atom(g))};
    keel_pid supervisor = new_supervisor(
            good, .name = keel_atom(top), .intensity = KEEL_NO_RESTARTS);
    keel_send(supervisor, keel_make("{strange, thing}"));
    EXPECT_MESSAGE("{report, 0, #{label := {supervisor, unexpected_msg}, msg := {strange, "
                   "thing}}}");
    CHECK(!no_pid(KID_OF(supervisor, g)));
    end_process(KID_OF(supervisor, g));
    CHECK_TERM(expect_report(keel_atom(shutdown), keel_atom(reached_max_restart_intensity)),
            "[_, {id, g} | _]");
    EXPECT_MESSAGE("{'EXIT', ^Pid, shutdown}", supervisor);
}

PROCESS_TEST("a supervisor without a name is reported by its pid and module")
{
    keel_trap_exit(true);
    catch_reports();
    keel_child_spec children[] = {keel_child(&bare_server, keel_nil(), .id = keel_atom(a))};
    keel_pid supervisor = new_supervisor(children, .intensity = 1);
    CHECK_TERM(next_report(2), "#{report := [{supervisor, {^Pid, supervisor_default}}, _]}",
            supervisor);
    stop_actor(supervisor);
}
