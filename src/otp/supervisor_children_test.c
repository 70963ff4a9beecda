// Supervisors: what happens when children end, and how they are stopped.

#include "otp_testing.h"

// --- who is restarted ---

PROCESS_TEST("permanent, transient and temporary children after every kind of end",
        .ids = "SU-065 SU-067 SU-068")
{
    keel_trap_exit(true);
    keel_term ends = keel_make("[normal, shutdown, {shutdown, x}, boom, kill]");
    keel_restart kinds[] = {KEEL_PERMANENT, KEEL_TRANSIENT, KEEL_TEMPORARY};
    for (int kind = 0; kind < 3; kind++) {
        keel_term left = ends;
        keel_term end;
        while (keel_list_next(&left, &end)) {
            keel_child_spec child = KID(a);
            child.restart = kinds[kind];
            keel_pid supervisor = actor_started(keel_supervisor_start_link(&child, 1));
            keel_pid first = expect_init(keel_atom(a));
            finish_actor(first, end);
            bool abnormal = keel_is(end, boom) || keel_is(end, kill);
            keel_term children = children_of(supervisor); // the end is known by then
            if (kind == 0 || (kind == 1 && abnormal)) {
                keel_pid second;
                EXPECT_MESSAGE("{a, init, Pid}", &second);
                CHECK(!same_pid(first, second));
                CHECK_TERM(children, "[{a, ^Pid, worker, [actor]}]", second);
            } else if (kind == 1) {
                CHECK_TERM(children, "[{a, undefined, worker, [actor]}]");
            } else {
                CHECK_TERM(children, "[]");
            }
            stop_actor(supervisor);
            keel_flush();
        }
    }
}

static keel_pid start_abc(keel_strategy strategy, keel_restart restart, keel_pid *pids)
{
    keel_child_spec children[] = {KID(a, .trap_exit = true), KID(b, .trap_exit = true),
            KID(c, .trap_exit = true)};
    for (size_t i = 0; i < 3; i++) {
        children[i].restart = restart;
    }
    keel_pid supervisor = new_supervisor(children, .strategy = strategy, .intensity = 9);
    pids[0] = expect_init(keel_atom(a));
    pids[1] = expect_init(keel_atom(b));
    pids[2] = expect_init(keel_atom(c));
    return supervisor;
}

PROCESS_TEST("one_for_one restarts the child that ended alone", .ids = "SU-071 SU-056")
{
    keel_trap_exit(true);
    keel_pid pids[3];
    keel_pid supervisor = start_abc(KEEL_ONE_FOR_ONE, KEEL_PERMANENT, pids);
    end_process(pids[1]);
    keel_pid again = expect_init(keel_atom(b));
    CHECK_TERM(children_of(supervisor), "[{c, ^C, _, _}, {b, ^B, _, _}, {a, ^A, _, _}]",
            pids[2], again, pids[0]);
    EXPECT_NO_MESSAGE();
    stop_actor(supervisor);
}

PROCESS_TEST("one_for_all stops the others in reverse order and starts all in order",
        .ids = "SU-072 SU-056")
{
    keel_trap_exit(true);
    keel_pid pids[3];
    keel_pid supervisor = start_abc(KEEL_ONE_FOR_ALL, KEEL_PERMANENT, pids);
    end_process(pids[1]);
    EXPECT_NEXT("{c, terminate, shutdown}");
    EXPECT_NEXT("{a, terminate, shutdown}");
    expect_init(keel_atom(a));
    expect_init(keel_atom(b));
    expect_init(keel_atom(c));
    CHECK_TERM(children_of(supervisor), "[{c, _, _, _}, {b, _, _, _}, {a, _, _, _}]");
    EXPECT_NO_MESSAGE();
    stop_actor(supervisor);
}

PROCESS_TEST("rest_for_one takes those along that were started later", .ids = "SU-073")
{
    keel_trap_exit(true);
    keel_pid pids[3];
    keel_pid supervisor = start_abc(KEEL_REST_FOR_ONE, KEEL_PERMANENT, pids);
    end_process(pids[1]);
    EXPECT_NEXT("{c, terminate, shutdown}");
    expect_init(keel_atom(b));
    pids[2] = expect_init(keel_atom(c));
    CHECK(same_pid(KID_OF(supervisor, a), pids[0]));
    EXPECT_NO_MESSAGE();
    end_process(pids[2]); // the last one alone
    expect_init(keel_atom(c));
    EXPECT_NO_MESSAGE();
    end_process(pids[0]); // the first one takes all
    EXPECT_NEXT("{c, terminate, shutdown}");
    EXPECT_NEXT("{b, terminate, shutdown}");
    expect_init(keel_atom(a));
    expect_init(keel_atom(b));
    expect_init(keel_atom(c));
    CHECK_OK(keel_sys_suspend(supervisor));
    CHECK_OK(keel_sys_resume(supervisor));
    EXPECT_NO_MESSAGE();
    stop_actor(supervisor);
}

PROCESS_TEST("with rest_for_one the end of an earlier child is not lost over that of a "
             "later one",
        .ids = "SU-073")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {keel_child(&bare_server, keel_nil(), .id = keel_atom(a)),
            keel_child(&bare_server, keel_nil(), .id = keel_atom(b)),
            keel_child(&bare_server, keel_nil(), .id = keel_atom(c))};
    keel_pid supervisor = new_supervisor(
            children, .strategy = KEEL_REST_FOR_ONE, .intensity = 3);
    keel_pid before[] = {
            KID_OF(supervisor, a), KID_OF(supervisor, b), KID_OF(supervisor, c)};
    CHECK_OK(keel_sys_suspend(supervisor)); // hears of both at once
    end_process(before[2]);
    end_process(before[0]);
    CHECK_OK(keel_sys_resume(supervisor));
    keel_pid after[] = {
            KID_OF(supervisor, a), KID_OF(supervisor, b), KID_OF(supervisor, c)};
    for (int i = 0; i < 3; i++) {
        CHECK(!no_pid(after[i]) && !same_pid(after[i], before[i]));
        CHECK(keel_process_alive(after[i]));
    }
    stop_actor(supervisor);
}

PROCESS_TEST(
        "a transient child that ends normally leaves its siblings alone", .ids = "SU-077")
{
    keel_trap_exit(true);
    keel_pid pids[3];
    keel_pid supervisor = start_abc(KEEL_ONE_FOR_ALL, KEEL_TRANSIENT, pids);
    finish_actor(pids[1], keel_atom(normal));
    EXPECT_NEXT("{b, cast, _}");
    EXPECT_NEXT("{b, terminate, normal}");
    CHECK_TERM(children_of(supervisor),
            "[{c, ^C, _, _}, {b, undefined, _, _}, {a, ^A, _, _}]", pids[2], pids[0]);
    EXPECT_NO_MESSAGE();
    stop_actor(supervisor);
}

PROCESS_TEST("a group restart forgets temporary children", .ids = "SU-067 SU-072")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {KID(a), KID(t, .trap_exit = true), KID(c)};
    children[1].restart = KEEL_TEMPORARY;
    keel_pid supervisor = new_supervisor(children, .strategy = KEEL_ONE_FOR_ALL);
    keel_pid a = expect_init(keel_atom(a));
    expect_init(keel_atom(t));
    expect_init(keel_atom(c));
    end_process(a);
    EXPECT_NEXT("{t, terminate, shutdown}");
    expect_init(keel_atom(a));
    expect_init(keel_atom(c));
    CHECK_TERM(children_of(supervisor), "[{c, _, _, _}, {a, _, _, _}]");
    stop_actor(supervisor);
}

// --- too many restarts ---

PROCESS_TEST("as many restarts as the intensity allows, and one more ends it all",
        .ids = "SU-080 SU-091")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {
            KID(a, .trap_exit = true), KID(b), KID(c, .trap_exit = true)};
    keel_pid supervisor = new_supervisor(children, .intensity = 2);
    keel_flush();
    end_process(KID_OF(supervisor, b));
    expect_init(keel_atom(b));
    end_process(KID_OF(supervisor, a)); // the history is the supervisor's, not the child's
    expect_init(keel_atom(a));
    end_process(KID_OF(supervisor, b));
    EXPECT_MESSAGE("{'EXIT', ^Pid, shutdown}", supervisor);
    EXPECT_NEXT("{c, terminate, shutdown}");
    EXPECT_NEXT("{a, terminate, shutdown}");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST(
        "with no restarts allowed the first failure ends the supervisor", .ids = "SU-081")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {KID(a)};
    keel_pid supervisor = new_supervisor(children, .intensity = KEEL_NO_RESTARTS);
    end_process(expect_init(keel_atom(a)));
    EXPECT_NEXT("{'EXIT', ^Pid, shutdown}", supervisor);
    // Ends that need no restart do not count.
    keel_child_spec calm[] = {KID(t), KID(u)};
    calm[0].restart = KEEL_TRANSIENT;
    calm[1].restart = KEEL_TEMPORARY;
    supervisor = new_supervisor(calm, .intensity = KEEL_NO_RESTARTS);
    finish_actor(expect_init(keel_atom(t)), keel_atom(normal));
    end_process(KID_OF(supervisor, u));
    CHECK_TERM(children_of(supervisor), "[{t, undefined, _, _}]");
    stop_actor(supervisor);
}

SIMULATED_TEST("restarts are forgotten when their period is over", .ids = "SU-080")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {KID(a)};
    keel_pid supervisor = new_supervisor(
            children, .intensity = 1, .period = KEEL_SECONDS(1));
    for (int i = 0; i < 5; i++) {
        end_process(expect_init(keel_atom(a)));
        keel_sleep(KEEL_MS(1010));
    }
    keel_pid last = expect_init(keel_atom(a));
    EXPECT_NO_MESSAGE();
    end_process(last);
    keel_sleep(KEEL_MS(900));
    end_process(expect_init(keel_atom(a)));
    EXPECT_NEXT("{'EXIT', ^Pid, shutdown}", supervisor);
}

PROCESS_TEST("a group restart counts once", .ids = "SU-084")
{
    keel_trap_exit(true);
    keel_strategy strategies[] = {KEEL_ONE_FOR_ALL, KEEL_REST_FOR_ONE};
    for (size_t i = 0; i < 2; i++) {
        keel_child_spec children[] = {KID(a), KID(b), KID(c), KID(d)};
        keel_pid supervisor = new_supervisor(
                children, .strategy = strategies[i], .intensity = 1);
        end_process(KID_OF(supervisor, a));
        CHECK(!no_pid(KID_OF(supervisor, d)));
        keel_ref monitor = keel_monitor(supervisor);
        keel_unlink(supervisor);
        end_process(KID_OF(supervisor, a));
        CHECK_TERM(await_down(monitor), "shutdown");
        keel_flush();
    }
}

PROCESS_TEST("a child of a one_for_all that ends with others at once is restarted once",
        .ids = "SU-084 SU-103")
{
    keel_trap_exit(true);
    keel_pid pids[3];
    keel_pid supervisor = start_abc(KEEL_ONE_FOR_ALL, KEEL_PERMANENT, pids);
    CHECK_OK(keel_sys_suspend(supervisor)); // so that all exits are there at once
    for (int i = 0; i < 3; i++) {
        end_process(pids[i]);
    }
    CHECK_OK(keel_sys_resume(supervisor));
    expect_init(keel_atom(a));
    expect_init(keel_atom(b));
    expect_init(keel_atom(c));
    keel_term state;
    CHECK_OK(keel_sys_get_state(supervisor, &state));
    CHECK_INT(keel_to_int(keel_element(state, 6)), 1);
    EXPECT_NO_MESSAGE();
    stop_actor(supervisor);
}

// --- trees ---

static keel_term leaf_tree(keel_term unused)
{
    (void)unused;
    keel_pid probe = keel_whereis("the_probe");
    keel_child_spec leaf = keel_child(&actor_server,
            keel_make("{actor, leaf, Probe, false, none, [], none}", probe),
            .id = keel_atom(leaf));
    return keel_supervisor_init(&leaf, 1, .intensity = KEEL_NO_RESTARTS);
}

static const keel_supervisor leaf_supervisor = {.name = "inner", .init = leaf_tree};

PROCESS_TEST("a supervisor that gave up is restarted by its own, as its restart type says",
        .ids = "SU-090 SU-155 SU-109")
{
    keel_trap_exit(true);
    CHECK_OK(keel_register(keel_atom(the_probe), keel_self()));
    for (int transient = 0; transient < 2; transient++) {
        keel_child_spec inner = keel_child_supervisor(&leaf_supervisor, keel_nil(),
                .restart = transient ? KEEL_TRANSIENT : KEEL_PERMANENT);
        keel_pid outer = actor_started(keel_supervisor_start_link(&inner, 1));
        keel_pid leaf = expect_init(keel_atom(leaf));
        keel_pid before = KID_OF(outer, inner);
        keel_ref monitor = keel_monitor(before);
        end_process(leaf);
        CHECK_TERM(await_down(monitor), "shutdown");
        if (transient) {
            CHECK_TERM(children_of(outer), "[{inner, undefined, supervisor, [inner]}]");
        } else {
            leaf = expect_init(keel_atom(leaf));
            CHECK(!same_pid(KID_OF(outer, inner), before));
            CHECK(same_pid(KID_OF(KID_OF(outer, inner), leaf), leaf));
        }
        EXPECT_NO_MESSAGE();
        stop_actor(outer);
    }
}

static keel_term end_tree(keel_term unused)
{
    (void)unused;
    keel_pid probe = keel_whereis("the_probe");
    keel_child_spec leaves[] = {
            keel_child(&actor_server,
                    keel_make("{actor, first, Probe, true, none, [], none}", probe),
                    .id = keel_atom(first)),
            keel_child(&actor_server,
                    keel_make("{actor, second, Probe, true, none, [], none}", probe),
                    .id = keel_atom(second)),
    };
    return keel_supervisor_init(leaves, 2, .intensity = 1);
}

static const keel_supervisor branch = {.name = "branch", .init = end_tree};

PROCESS_TEST("a tree stops from its last leaf to its first", .ids = "SU-098 SU-109")
{
    keel_trap_exit(true);
    CHECK_OK(keel_register(keel_atom(the_probe), keel_self()));
    keel_child_spec children[] = {
            keel_child_supervisor(&branch, keel_nil(), .id = keel_atom(left)),
            KID(middle, .trap_exit = true),
            keel_child_supervisor(&branch, keel_nil(), .id = keel_atom(right)),
    };
    keel_pid supervisor = new_supervisor(children, .intensity = 1);
    keel_flush();
    stop_actor(supervisor);
    static const char *const order[] = {"second", "first", "middle", "second", "first"};
    for (size_t i = 0; i < KEEL_COUNT(order); i++) {
        keel_term tag = KEEL_NONE;
        EXPECT_NEXT("{Tag, terminate, shutdown}", &tag);
        CHECK_STR(keel_atom_name(tag), order[i]);
    }
}

// --- stopping children ---

PROCESS_TEST("children stop in reverse order, each gone before the next is told",
        .ids = "SU-098 SU-101")
{
    keel_trap_exit(true);
    keel_pid pids[3];
    keel_pid supervisor = start_abc(KEEL_ONE_FOR_ONE, KEEL_PERMANENT, pids);
    CHECK_OK(keel_gen_server_stop(supervisor, keel_make("{shutdown, x}"), SOON));
    EXPECT_NEXT("{c, terminate, shutdown}");
    EXPECT_NEXT("{b, terminate, shutdown}");
    EXPECT_NEXT("{a, terminate, shutdown}");
    EXPECT_NEXT("{'EXIT', ^Pid, {shutdown, x}}", supervisor);
    for (int i = 0; i < 3; i++) {
        CHECK(!keel_process_alive(pids[i]));
    }
}

static keel_term act_supervise(keel_term specs)
{
    return keel_from_pid(actor_started(keel_supervisor_start_link_module(
            &test_supervisor, keel_make("{ok, {#{}, Specs}}", specs))));
}

PROCESS_TEST(
        "a supervisor whose parent ends stops its children and ends alike", .ids = "SU-099")
{
    keel_term reasons = keel_make("[shutdown, odd, normal]");
    keel_term reason;
    while (keel_list_next(&reasons, &reason)) {
        keel_child_spec child = KID(a, .trap_exit = true);
        keel_pid parent = new_puppet();
        keel_pid supervisor = keel_to_pid(
                ask(parent, act_supervise, keel_list_of(keel_child_spec_to_term(&child))));
        expect_init(keel_atom(a));
        keel_ref monitor = keel_monitor(supervisor);
        tell(parent, act_exit, reason);
        EXPECT_NEXT("{a, terminate, shutdown}");
        CHECK_EQUAL(await_down(monitor), reason);
    }
}

PROCESS_TEST("a killed supervisor's children get the exit signal killed", .ids = "SU-107")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {KID(a, .trap_exit = true), KID(b)};
    keel_pid supervisor = new_supervisor(children, .intensity = 1);
    expect_init(keel_atom(a));
    keel_ref monitor = keel_monitor(expect_init(keel_atom(b)));
    CHECK_OK(keel_process_exit(supervisor, keel_atom(kill)));
    CHECK_TERM(await_down(monitor), "killed");
    EXPECT_MESSAGE("{a, terminate, killed}");
}

static void end_slowly(keel_term reason, struct actor *actor)
{
    (void)reason;
    keel_sleep(KEEL_SECONDS(60));
    keel_send(actor->probe, keel_atom(done));
}

SIMULATED_TEST("a child that is too slow to end is killed, one in time is not",
        .ids = "SU-094 SU-097 SU-106 GS-093")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {KID(slow, .trap_exit = true, .at_end = end_slowly),
            KID(quick, .trap_exit = true)};
    children[0].shutdown = KEEL_MS(50);
    children[1].shutdown = KEEL_MS(50);
    keel_pid supervisor = new_supervisor(children, .intensity = 1);
    keel_ref slow = keel_monitor(expect_init(keel_atom(slow)));
    keel_ref quick = keel_monitor(expect_init(keel_atom(quick)));
    int64_t now = keel_now();
    CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(quick), NULL));
    CHECK_TERM(await_down(quick), "shutdown");
    CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(slow), NULL));
    CHECK_TERM(await_down(slow), "killed");
    CHECK(keel_now() - now >= KEEL_MS(50) && keel_now() - now < KEEL_MS(60));
    stop_actor(supervisor);
}

static void end_never(keel_term reason, struct actor *actor)
{
    (void)actor;
    CHECK_TERM(reason, "shutdown");
    CHECK_OK(keel_receive_match(KEEL_NEVER, "never"));
}

PROCESS_TEST("with no time at all a child is told and killed")
{
    keel_trap_exit(true);
    catch_reports();
    keel_child_spec children[] = {KID_WITH(ACTOR(.trap_exit = true, .at_end = end_never),
                                          .id = keel_atom(traps), .shutdown = KEEL_NO_TIME),
            KID_WITH(ACTOR(), .id = keel_atom(meek), .shutdown = KEEL_NO_TIME)};
    keel_pid supervisor = new_supervisor(children, .intensity = 1);
    keel_term spec = KEEL_NONE;
    CHECK_OK(keel_supervisor_get_childspec(supervisor, keel_atom(meek), &spec));
    CHECK_TERM(spec, "#{shutdown := 0}");
    keel_ref traps = keel_monitor(KID_OF(supervisor, traps));
    keel_ref meek = keel_monitor(KID_OF(supervisor, meek));
    CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(traps), NULL));
    CHECK_TERM(await_down(traps), "killed");
    EXPECT_MESSAGE("{report, 0, #{label := {supervisor, shutdown_error}, report := "
                   "[_, _, {reason, killed}, _]}}");
    stop_actor(supervisor);
    CHECK_TERM(await_down(meek), "shutdown");
    keel_term rest;
    while (keel_receive_until(KEEL_AT_ONCE, &rest) == KEEL_OK) {
        CHECK(!keel_match(rest, "{report, 0, _}"));
    }
}

SIMULATED_TEST("with infinity the supervisor waits, also for a worker", .ids = "SU-095")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {KID(slow, .trap_exit = true, .at_end = end_slowly)};
    children[0].shutdown = KEEL_FOREVER;
    keel_pid supervisor = new_supervisor(children, .intensity = 1);
    int64_t now = keel_now();
    CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(slow), NULL));
    CHECK(keel_now() - now >= KEEL_SECONDS(60));
    EXPECT_MESSAGE("done");
    stop_actor(supervisor);
}

PROCESS_TEST("brutal_kill kills at once, without terminate", .ids = "SU-096")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {KID(a, .trap_exit = true)};
    children[0].shutdown = KEEL_BRUTAL_KILL;
    keel_pid supervisor = new_supervisor(children, .intensity = 1);
    keel_ref monitor = keel_monitor(expect_init(keel_atom(a)));
    CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(a), NULL));
    CHECK_TERM(await_down(monitor), "killed");
    EXPECT_NO_MESSAGE();
    stop_actor(supervisor);
}

static keel_result play_unlink(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    (void)actor;
    keel_unlink(keel_parent());
    return played(from, keel_atom(ok));
}

PROCESS_TEST("children that are down are passed over, and one that unlinked is stopped",
        .ids = "SU-111")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {KID(a, .init = play_ignore), KID(b, .trap_exit = true),
            KID(c, .trap_exit = true)};
    children[2].restart = KEEL_TRANSIENT;
    keel_pid supervisor = new_supervisor(children, .intensity = 1);
    keel_flush();
    keel_call_or_exit(KID_OF(supervisor, b), ACT(play_unlink, KEEL_NONE));
    finish_actor(KID_OF(supervisor, c), keel_atom(normal));
    keel_flush();
    stop_actor(supervisor);
    EXPECT_NEXT("{b, terminate, shutdown}");
    EXPECT_NO_MESSAGE();
}

static void wait_for_go(keel_term reason, struct actor *actor)
{
    (void)reason;
    (void)actor;
    CHECK_OK(keel_receive_match(KEEL_NEVER, "go"));
}

PROCESS_TEST("children that end by themselves while others are stopped are judged by their "
             "restart type")
{
    keel_trap_exit(true);
    catch_reports();
    static const char *const reasons[] = {"normal", "shutdown", "{shutdown, test}", "odd"};
    static const bool told[3][4] = {{true, false, true, true}, {[3] = true}, {[3] = true}};
    keel_child_spec children[13];
    for (int i = 0; i < 12; i++) {
        children[i] = KID_WITH(
                ACTOR(), .id = keel_int(i), .restart = (keel_restart)(i / 4));
    }
    children[12] = KID(z, .trap_exit = true, .at_end = wait_for_go);
    keel_pid supervisor = new_supervisor(children, .intensity = 1);
    keel_pid z = KID_OF(supervisor, z);
    keel_pid pids[12];
    for (int i = 0; i < 12; i++) {
        pids[i] = kid(supervisor, keel_int(i));
    }
    CHECK_OK(keel_process_exit(supervisor, keel_atom(shutdown)));
    EXPECT_MESSAGE("{z, terminate, shutdown}");
    for (int i = 0; i < 12; i++) {
        keel_term reason = KEEL_NONE;
        const char *text = reasons[i % 4];
        CHECK_OK(keel_parse(text, __builtin_strlen(text), &reason, NULL));
        finish_actor(pids[i], reason);
    }
    keel_send(z, keel_atom(go));
    EXPECT_MESSAGE("{'EXIT', ^Pid, shutdown}", supervisor);
    for (int i = 11; i >= 0; i--) {
        keel_term reason = KEEL_NONE;
        keel_term left = KEEL_NONE;
        bool found =
                keel_receive_match(KEEL_AT_ONCE,
                        "{report, 0, #{label := {supervisor, shutdown_error}, report := "
                        "[_, _, {reason, Reason}, {offender, [_, {id, ^I} | _]}]}}",
                        &reason, keel_int(i)) == KEEL_OK;
        CHECK_INT(found, told[i / 4][i % 4]);
        if (found) {
            const char *text = reasons[i % 4];
            CHECK_OK(keel_parse(text, __builtin_strlen(text), &left, NULL));
            CHECK_EQUAL(reason, left);
        }
    }
}

PROCESS_TEST("many children stop in a time linear in their number", .ids = "SU-108")
{
    const int count = many_of(10000);
    keel_trap_exit(true);
    keel_child_spec *children = keel_alloc((size_t)count * sizeof *children);
    for (int i = 0; i < count; i++) {
        children[i] = keel_child(&bare_server, keel_nil(), .id = keel_int(i),
                .restart = i % 2 ? KEEL_TEMPORARY : KEEL_PERMANENT);
    }
    keel_pid supervisor = actor_started(keel_supervisor_start_link(
            children, (size_t)count, .strategy = KEEL_ONE_FOR_ALL));
    keel_free(children);
    keel_child_counts counts;
    CHECK_OK(keel_supervisor_count_children(supervisor, &counts));
    CHECK_INT(counts.active, count);
    keel_pid middle = kid(supervisor, keel_int(count / 2));
    end_process(middle); // all are stopped, half of them started again
    CHECK_OK(keel_supervisor_count_children(supervisor, &counts));
    CHECK_INT(counts.active, count / 2);
    stop_actor(supervisor);
}

// --- back-off, beyond OTP ---

SIMULATED_TEST("with back-off, a child that ends again soon waits ever longer")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {KID(a), KID(b)};
    keel_pid supervisor = new_supervisor(children, .intensity = 100,
            .period = KEEL_SECONDS(10), .backoff = KEEL_MS(100),
            .backoff_max = KEEL_MS(300));
    keel_pid a = expect_init(keel_atom(a));
    expect_init(keel_atom(b));
    static const int waits[] = {0, 100, 200, 300, 300};
    for (size_t i = 0; i < KEEL_COUNT(waits); i++) {
        int64_t now = keel_now();
        end_process(a);
        if (waits[i] > 0) {
            keel_term reason = KEEL_NONE;
            CHECK_TERM(children_of(supervisor), "[{b, _, _, _}, {a, restarting, _, _}]");
            CHECK_INT(keel_supervisor_delete_child(supervisor, keel_atom(a), &reason),
                    KEEL_E_REFUSED);
            CHECK_TERM(reason, "restarting");
        }
        a = expect_init(keel_atom(a));
        int64_t waited = keel_now() - now;
        CHECK(waited >= KEEL_MS(waits[i]) && waited < KEEL_MS(waits[i] + 10));
    }
    keel_sleep(KEEL_SECONDS(11)); // it ran long enough: the next end is a first one again
    int64_t now = keel_now();
    end_process(a);
    expect_init(keel_atom(a));
    CHECK(keel_now() - now < KEEL_MS(10));
    stop_actor(supervisor);
}
