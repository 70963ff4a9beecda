// Supervisors: restarts that fail, that take others along, and what is left of children.

#include "otp_testing.h"

// A child whose starts go by the plan: a list of ok, ignore, {stop, R} kept by an actor.
static keel_result play_next(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    keel_term next = keel_head(actor->state);
    if (keel_is_none(next)) {
        return played(from, keel_atom(ok));
    }
    keel_term result = keel_keep(next);
    keel_set(&actor->state, keel_tail(actor->state));
    return played(from, result);
}

static keel_result play_plan(keel_term planner, keel_from from, struct actor *actor)
{
    (void)from;
    (void)actor;
    keel_term next = keel_call_or_exit_within(
            planner, ACT(play_next, KEEL_NONE), KEEL_FOREVER);
    keel_term reason = KEEL_NONE;
    if (keel_is(next, ignore)) {
        return keel_ignore();
    }
    return keel_match(next, "{stop, Reason}", &reason) ? keel_stop_with(reason) : keel_ok();
}

#define PLANNED(tag, planner)                                                              \
    KID(tag, .init = play_plan, .argument = keel_from_pid(planner))

PROCESS_TEST("a child that declines its restart stays down", .ids = "SU-070")
{
    keel_trap_exit(true);
    keel_pid planner = lone_actor(.state = keel_make("[ok, ignore]"));
    keel_child_spec child = PLANNED(a, planner);
    keel_pid supervisor = actor_started(keel_supervisor_start_link(&child, 1));
    end_process(expect_init(keel_atom(a)));
    expect_init(keel_atom(a));
    CHECK_TERM(children_of(supervisor), "[{a, undefined, _, _}]");
    EXPECT_NO_MESSAGE();
    stop_actor(supervisor);
    stop_actor(planner);
}

PROCESS_TEST("a restart that fails is tried again, and each attempt counts",
        .ids = "SU-085 SU-080")
{
    keel_trap_exit(true);
    keel_pid planner = lone_actor(.state = keel_make("[ok, {stop, no}, {stop, no}, ok]"));
    keel_child_spec child = PLANNED(a, planner);
    keel_pid supervisor = actor_started(
            keel_supervisor_start_link(&child, 1, .intensity = 3));
    keel_pid first = expect_init(keel_atom(a));
    end_process(first);
    expect_init(keel_atom(a));
    expect_init(keel_atom(a));
    keel_pid last = expect_init(keel_atom(a));
    keel_ref monitor = keel_monitor(supervisor);
    keel_unlink(supervisor);
    CHECK(same_pid(KID_OF(supervisor, a), last) || keel_process_alive(last));
    end_process(last); // the fourth within the period
    CHECK_TERM(await_down(monitor), "shutdown");
    EXPECT_NO_MESSAGE();
    stop_actor(planner);
}

// --- siblings ---

PROCESS_TEST(
        "with one_for_all a sibling that cannot start again takes the others down once "
        "more, until all start")
{
    keel_trap_exit(true);
    keel_pid planner = lone_actor(.state = keel_make("[ok, {stop, no}, ok]"));
    keel_child_spec children[] = {KID(a, .trap_exit = true), PLANNED(b, planner)};
    keel_pid supervisor = new_supervisor(
            children, .strategy = KEEL_ONE_FOR_ALL, .intensity = 2);
    keel_pid first = expect_init(keel_atom(a));
    expect_init(keel_atom(b));
    end_process(first);
    keel_pid second = expect_init(keel_atom(a));
    expect_init(keel_atom(b)); // which stops
    EXPECT_NEXT("{a, terminate, shutdown}");
    keel_pid third = expect_init(keel_atom(a));
    keel_pid b = expect_init(keel_atom(b));
    CHECK_TERM(children_of(supervisor), "[{b, ^B, _, _}, {a, ^A, _, _}]", b, third);
    CHECK(!keel_process_alive(second));
    EXPECT_NO_MESSAGE();
    stop_actor(supervisor);
    stop_actor(planner);
}

PROCESS_TEST("with rest_for_one those that did start again stay when a later one does not")
{
    keel_trap_exit(true);
    keel_pid planner = lone_actor(.state = keel_make("[ok, {stop, no}, ok]"));
    keel_child_spec children[] = {
            KID(a, .trap_exit = true), PLANNED(b, planner), KID(c, .trap_exit = true)};
    keel_pid supervisor = new_supervisor(
            children, .strategy = KEEL_REST_FOR_ONE, .intensity = 2);
    keel_pid first = expect_init(keel_atom(a));
    expect_init(keel_atom(b));
    expect_init(keel_atom(c));
    end_process(first);
    EXPECT_NEXT("{c, terminate, shutdown}");
    keel_pid a = expect_init(keel_atom(a));
    expect_init(keel_atom(b)); // which stops
    keel_pid b = expect_init(keel_atom(b));
    keel_pid c = expect_init(keel_atom(c));
    CHECK_TERM(children_of(supervisor), "[{c, ^C, _, _}, {b, ^B, _, _}, {a, ^A, _, _}]", c,
            b, a);
    EXPECT_NO_MESSAGE();
    stop_actor(supervisor);
    stop_actor(planner);
}

PROCESS_TEST("a group restart starts those as well that were down")
{
    keel_trap_exit(true);
    keel_strategy strategies[] = {KEEL_ONE_FOR_ALL, KEEL_REST_FOR_ONE};
    for (size_t i = 0; i < KEEL_COUNT(strategies); i++) {
        keel_child_spec children[] = {KID(a), KID(b), KID(c)};
        children[1].restart = KEEL_TRANSIENT;
        keel_pid supervisor = new_supervisor(children, .strategy = strategies[i]);
        keel_pid a = expect_init(keel_atom(a));
        finish_actor(expect_init(keel_atom(b)), keel_atom(normal));
        CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(c), NULL));
        CHECK_TERM(children_of(supervisor),
                "[{c, undefined, _, _}, {b, undefined, _, _}, {a, ^A, _, _}]", a);
        keel_flush();
        end_process(a);
        expect_init(keel_atom(a));
        expect_init(keel_atom(b));
        expect_init(keel_atom(c));
        stop_actor(supervisor);
    }
}

PROCESS_TEST("what was added later is not there after a restart of its supervisor")
{
    keel_trap_exit(true);
    keel_child_spec leaf = KID(leaf);
    keel_child_spec inner = keel_child_supervisor(&test_supervisor,
            keel_make("{ok, {#{intensity => 0}, [Spec]}}", keel_child_spec_to_term(&leaf)),
            .id = keel_atom(inner));
    keel_pid outer = actor_started(keel_supervisor_start_link(&inner, 1));
    keel_pid before = KID_OF(outer, inner);
    keel_pid first = expect_init(keel_atom(leaf));
    keel_child_spec later = KID(later);
    CHECK_OK(keel_supervisor_start_child(before, &later).status);
    expect_init(keel_atom(later));
    keel_ref monitor = keel_monitor(before);
    end_process(first);
    CHECK_TERM(await_down(monitor), "shutdown");
    keel_pid again = expect_init(keel_atom(leaf));
    CHECK_TERM(children_of(KID_OF(outer, inner)), "[{leaf, ^Pid, _, _}]", again);
    stop_actor(outer);
}

// --- what is left of children ---

PROCESS_TEST("a child that restart_child cannot start stays down, and may be tried again")
{
    keel_trap_exit(true);
    keel_pid planner = lone_actor(.state = keel_make("[ok, {stop, no}, ok]"));
    keel_child_spec child = PLANNED(a, planner);
    keel_pid supervisor = actor_started(keel_supervisor_start_link(&child, 1));
    CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(a), NULL));
    keel_started again = keel_supervisor_restart_child(supervisor, keel_atom(a));
    CHECK_INT(again.status, KEEL_E_REFUSED);
    CHECK_TERM(again.reason, "no");
    CHECK_TERM(children_of(supervisor), "[{a, undefined, worker, [actor]}]");
    CHECK_OK(keel_supervisor_restart_child(supervisor, keel_atom(a)).status);
    stop_actor(supervisor);
    stop_actor(planner);
}

// Adds a child, ends it with `end` (by_hand: through its supervisor), and adds it again.
static keel_started add_again(keel_pid supervisor, keel_restart restart, keel_term end)
{
    keel_child_spec child = KID_WITH(ACTOR(), .id = keel_atom(x), .restart = restart);
    keel_started started = keel_supervisor_start_child(supervisor, &child);
    CHECK_OK(started.status);
    if (keel_is(end, by_hand)) {
        CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(x), NULL));
    } else {
        finish_actor(started.pid, end);
    }
    return keel_supervisor_start_child(supervisor, &child);
}

PROCESS_TEST("a temporary child's specification goes with it, another's stays")
{
    keel_trap_exit(true);
    keel_strategy strategies[] = {KEEL_ONE_FOR_ONE, KEEL_ONE_FOR_ALL, KEEL_REST_FOR_ONE};
    enum { RUNS, STAYS, NOTHING };
    static const struct {
        const char *end;
        int left[3]; // of a permanent, a transient and a temporary child
    } table[] = {{"kill", {RUNS, RUNS, NOTHING}}, {"boom", {RUNS, RUNS, NOTHING}},
            {"normal", {RUNS, STAYS, NOTHING}}, {"by_hand", {STAYS, STAYS, NOTHING}}};
    for (size_t i = 0; i < KEEL_COUNT(strategies) * 3 * KEEL_COUNT(table); i++) {
        size_t kind = i / 3 % 3;
        size_t row = i / 9;
        keel_term end = KEEL_NONE;
        CHECK_OK(keel_atom_from(table[row].end, __builtin_strlen(table[row].end), &end));
        keel_child_spec none[1];
        keel_pid supervisor = actor_started(
                keel_supervisor_start_link(none, 0, .strategy = strategies[i % 3]));
        keel_started again = add_again(supervisor, (keel_restart)kind, end);
        int found = again.status == KEEL_OK                            ? NOTHING
                    : keel_match(again.reason, "{already_started, _}") ? RUNS
                                                                       : STAYS;
        CHECK_INT(found, table[row].left[kind]);
        CHECK(found != STAYS || keel_is(again.reason, already_present));
        stop_actor(supervisor);
    }
}

// --- what is told of it ---

// The offender of the next report of this context.
static keel_term expect_offender(keel_term context)
{
    keel_term child = KEEL_NONE;
    EXPECT_MESSAGE("{report, 0, #{label := {supervisor, ^Context}, report := "
                   "[_, _, _, {offender, Child}]}}",
            context, &child);
    return child;
}

PROCESS_TEST("reports tell a child that has ended from one that waits for an attempt")
{
    keel_trap_exit(true);
    catch_reports();
    keel_pid planner = lone_actor(.state = keel_make("[ok, {stop, no}, {stop, no}]"));
    keel_child_spec child = PLANNED(a, planner);
    keel_pid supervisor = actor_started(
            keel_supervisor_start_link(&child, 1, .intensity = 2));
    keel_term pid = keel_from_pid(KID_OF(supervisor, a));
    end_process(keel_to_pid(pid));
    EXPECT_MESSAGE("{'EXIT', ^Pid, shutdown}", supervisor);
    CHECK_TERM(expect_offender(keel_atom(child_terminated)), "[{pid, ^Pid} | _]", pid);
    CHECK_TERM(expect_offender(keel_atom(start_error)), "[{pid, ^Pid} | _]", pid);
    keel_term waiting = keel_tuple_of(keel_atom(restarting), pid);
    CHECK_TERM(expect_offender(keel_atom(start_error)), "[{pid, ^Pid} | _]", waiting);
    CHECK_TERM(expect_offender(keel_atom(shutdown)),
            "[{pid, ^Pid}, {id, a}, {mfargs, {actor, start_link, [_]}}, "
            "{restart_type, permanent}, {significant, false}, {shutdown, 5000}, "
            "{child_type, worker}]",
            waiting);
    stop_actor(planner);
}
