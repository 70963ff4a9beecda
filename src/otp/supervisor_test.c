// Supervisors: starting them, their flags, code changes.

#include "otp_testing.h"

PROCESS_TEST("a supervisor without children starts and has none", .ids = "SU-001")
{
    keel_trap_exit(true);
    keel_pid supervisor = actor_started(
            keel_supervisor_start_link(NULL, 0, .strategy = KEEL_ONE_FOR_ALL));
    CHECK_TERM(children_of(supervisor), "[]");
    keel_child_counts counts;
    CHECK_OK(keel_supervisor_count_children(supervisor, &counts));
    CHECK_INT(counts.specs + counts.active + counts.supervisors + counts.workers, 0);
    CHECK_TERM(info_of(supervisor, keel_atom(trap_exit)), "true");
    stop_actor(supervisor);
}

PROCESS_TEST("children start in the order of the list, before the supervisor has started",
        .ids = "SU-002 SU-019 GS-155 SY-001")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {KID(a), KID(b), KID(c)};
    keel_pid supervisor = new_supervisor(children, .name = keel_atom(top));
    EXPECT_NEXT("{a, init, _}");
    EXPECT_NEXT("{b, init, _}");
    EXPECT_NEXT("{c, init, _}");
    EXPECT_NO_MESSAGE();
    CHECK_TERM(info_of(KID_OF(supervisor, a), keel_atom(parent)), "^Pid", supervisor);
    keel_term state;
    CHECK_OK(keel_sys_get_state(supervisor, &state));
    CHECK_TERM(state,
            "{state, {local, top}, one_for_one, [{child, _, a, _, _, _, _, _, _}, _, _], "
            "3, 5, 0, never}");
    keel_term status;
    CHECK_OK(keel_sys_get_status(supervisor, &status));
    CHECK_TERM(status, "{status, ^Pid, {module, gen_server}, [_, running, ^Self, _, _]}",
            supervisor, keel_self());
    stop_actor(supervisor);
}

static keel_started start_module(keel_term init_result)
{
    return keel_supervisor_start_link_module(&test_supervisor, init_result);
}

PROCESS_TEST("init may decline", .ids = "SU-003")
{
    CHECK_INT(start_module(keel_atom(ignore)).status, KEEL_E_IGNORED);
}

PROCESS_TEST("what init may not return is the error of the start", .ids = "SU-004 SU-018")
{
    keel_trap_exit(true);
    keel_started started = start_module(keel_make("{odd, thing}"));
    CHECK_INT(started.status, KEEL_E_EXIT);
    CHECK_TERM(started.reason, "{bad_return, {_, init, {odd, thing}}}");
    started = start_module(keel_make("{ok, {#{strategy => one_for_none}, []}}"));
    CHECK_TERM(started.reason, "{supervisor_data, {invalid_strategy, one_for_none}}");
    started = start_module(keel_make("{ok, {#{}, [#{id => a}]}}"));
    CHECK_TERM(started.reason, "{start_spec, missing_start}");
    started = start_module(keel_make("{ok, {#{}, nonsense}}"));
    CHECK_TERM(started.reason, "{start_spec, {invalid_child_spec, nonsense}}");
    EXPECT_NO_MESSAGE();
}

static keel_term fail(keel_term reason)
{
    keel_error(reason);
}

static const keel_supervisor failing = {.name = "failing", .init = fail};

PROCESS_TEST("an init that fails is the error of the start, with its stack")
{
    keel_trap_exit(true);
    keel_started started = keel_supervisor_start_link_module(&failing, keel_atom(fail));
    CHECK_INT(started.status, KEEL_E_EXIT);
    CHECK_TERM(keel_started_to_term(started), "{error, {fail, [_ | _]}}");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a wrong or doubled specification keeps every child from starting",
        .ids = "SU-009 SU-031")
{
    keel_trap_exit(true);
    keel_child_spec wrong[] = {KID(a), KID(b)};
    wrong[1].shutdown = -5;
    keel_started started = keel_supervisor_start_link(wrong, 2, .intensity = 1);
    CHECK_TERM(started.reason, "{start_spec, {invalid_shutdown, _}}");
    keel_child_spec twins[] = {KID(a), KID(a)};
    started = keel_supervisor_start_link(twins, 2, .intensity = 1);
    CHECK_TERM(started.reason, "{start_spec, {duplicate_child_name, a}}");
    EXPECT_NO_MESSAGE();
    started = keel_supervisor_start_link(twins, 1, .period = -1);
    CHECK_TERM(started.reason, "{supervisor_data, {invalid_period, _}}");
    CHECK_INT(keel_supervisor_start_link_opt(NULL, NULL).status, KEEL_E_BADARG);
    CHECK_INT(keel_supervisor_start_link(NULL, 1).status, KEEL_E_BADARG);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a child that does not start takes those before it down, in reverse order",
        .ids = "SU-011 SU-012 SU-018")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {KID(a, .trap_exit = true), KID(b, .trap_exit = true),
            KID(c, .init = play_stop, .argument = keel_atom(nope)), KID(d)};
    keel_started started = keel_supervisor_start_link(children, 4);
    CHECK_INT(started.status, KEEL_E_EXIT);
    CHECK_TERM(keel_started_to_term(started),
            "{error, {shutdown, {failed_to_start_child, c, nope}}}");
    EXPECT_NEXT("{a, init, _}");
    EXPECT_NEXT("{b, init, _}");
    EXPECT_NEXT("{c, init, _}");
    EXPECT_NEXT("{b, terminate, shutdown}");
    EXPECT_NEXT("{a, terminate, shutdown}");
    EXPECT_NO_MESSAGE();
}

static keel_started start_oddly(keel_term what)
{
    if (keel_is(what, exit)) {
        keel_exit(keel_atom(out));
    }
    if (keel_is(what, nothing)) {
        return (keel_started){0};
    }
    return keel_started_from_term(what);
}

PROCESS_TEST(
        "whatever a start function gives or does is understood", .ids = "SU-013 SU-017")
{
    keel_trap_exit(true);
    const struct {
        const char *what, *pattern;
    } table[] = {{"{odd, thing}", "{odd,thing}"}, {"exit", "{'EXIT',out}"},
            {"nothing", "badarg"}, {"{error, no}", "no"}};
    for (size_t i = 0; i < KEEL_COUNT(table); i++) {
        keel_term what = KEEL_NONE;
        CHECK_OK(keel_parse(table[i].what, __builtin_strlen(table[i].what), &what, NULL));
        keel_child_spec child = keel_child_fn(start_oddly, what, .id = keel_atom(odd));
        keel_started started = keel_supervisor_start_link(&child, 1);
        keel_term why = KEEL_NONE;
        CHECK(keel_match(
                started.reason, "{shutdown, {failed_to_start_child, odd, Why}}", &why));
        CHECK_STR(keel_show(why), table[i].pattern);
    }
    EXPECT_NO_MESSAGE();
}

static keel_started start_with_info(keel_term argument)
{
    keel_started started = keel_gen_server_start_link(&actor_server, argument);
    return started.status == KEEL_OK ? keel_started_ok_with(started.pid, keel_atom(info))
                                     : started;
}

PROCESS_TEST("children with something to tell start, and those that decline are kept",
        .ids = "SU-015 SU-017")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {
            keel_child_fn(start_with_info, ACTOR(), .id = keel_atom(a)),
            KID(b, .init = play_ignore),
            KID(t, .init = play_ignore),
    };
    children[2].restart = KEEL_TEMPORARY;
    keel_pid supervisor = new_supervisor(children, .intensity = 1);
    keel_flush();
    CHECK_TERM(children_of(supervisor),
            "[{b, undefined, worker, [actor]}, {a, _, worker, [a]}]");
    CHECK(keel_process_alive(KID_OF(supervisor, a)));
    stop_actor(supervisor);
}

// --- names ---

PROCESS_TEST("a supervisor has a name, and a second one of that name is refused",
        .ids = "SU-020 SU-021")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {KID(a)};
    keel_pid supervisor = new_supervisor(children, .name = keel_atom(top));
    EXPECT_NEXT("{a, init, _}");
    CHECK_TERM(children_of(keel_whereis("top")), "[{a, _, _, _}]");
    keel_started again = keel_supervisor_start_link(children, 1, .name = keel_atom(top));
    CHECK_TERM(keel_started_to_term(again), "{error, {already_started, ^Pid}}", supervisor);
    again = keel_supervisor_start_link_module(
            &test_supervisor, keel_atom(ignore), .name = keel_atom(top));
    CHECK_TERM(keel_started_to_term(again), "{error, {already_started, ^Pid}}", supervisor);
    again = keel_supervisor_start_link(children, 1, .name = keel_int(5));
    CHECK_INT(again.status, KEEL_E_BADARG);
    EXPECT_NO_MESSAGE();
    stop_actor(supervisor);
}

PROCESS_TEST("the callback module of a supervisor can be asked for", .ids = "SU-062")
{
    keel_trap_exit(true);
    keel_pid plain = actor_started(keel_supervisor_start_link(NULL, 0));
    keel_pid module = actor_started(start_module(keel_make("{ok, {#{}, []}}")));
    CHECK_TERM(
            keel_call_or_exit(plain, keel_atom(get_callback_module)), "supervisor_default");
    CHECK_TERM(
            keel_call_or_exit(module, keel_atom(get_callback_module)), "test_supervisor");
    stop_actor(plain);
    stop_actor(module);
}

PROCESS_TEST("an exit signal of a stranger does not stop a supervisor", .ids = "SU-100")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {KID(a)};
    keel_pid supervisor = new_supervisor(children, .intensity = 1);
    keel_pid stranger = new_puppet();
    ask(stranger, act_link, keel_from_pid(supervisor));
    keel_ref monitor = keel_monitor(stranger);
    tell(stranger, act_exit, keel_atom(odd));
    await_down(monitor);
    CHECK(keel_process_alive(KID_OF(supervisor, a)));
    stop_actor(supervisor);
}

SIMULATED_TEST("an idle supervisor hibernates and wakes for requests", .ids = "SU-153")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {KID(a)};
    keel_pid supervisor = new_supervisor(children, .hibernate_after = KEEL_MS(50));
    keel_sleep(KEEL_MS(200));
    CHECK_TERM(children_of(supervisor), "[{a, _, _, _}]");
    keel_sleep(KEEL_SECONDS(2));
    end_process(KID_OF(supervisor, a));
    CHECK_TERM(children_of(supervisor), "[{a, _, _, _}]");
    stop_actor(supervisor);
}

PROCESS_TEST("a supervisor that is stuck in a child's start can be killed",
        .ids = "SU-040 SU-107")
{
    keel_trap_exit(true);
    keel_pid supervisor = actor_started(keel_supervisor_start_link(NULL, 0));
    keel_child_spec slow = KID(slow, .init = play_block);
    keel_send(supervisor, keel_make("{'$gen_call', {Self, tag}, {start_child, Spec}}",
                                  keel_self(), keel_child_spec_to_term(&slow)));
    keel_pid child;
    EXPECT_NEXT("{slow, init, Pid}", &child);
    keel_ref monitor = keel_monitor(child);
    CHECK_OK(keel_process_exit(supervisor, keel_atom(kill)));
    EXPECT_MESSAGE("{'EXIT', ^Pid, killed}", supervisor);
    CHECK_TERM(await_down(monitor), "killed");
}

// --- code change ---

// A supervisor whose plan is looked up in the process dictionary of whoever asks: `plans`.
static uint64_t plans_server; // the pid's word

static keel_term read_plan(keel_term unused)
{
    (void)unused;
    keel_pid pid = {__atomic_load_n(&plans_server, __ATOMIC_SEQ_CST)};
    return keel_call_or_exit(pid, ACT(play_get, KEEL_NONE));
}

static const keel_supervisor planned = {.name = "planned", .init = read_plan};

static void set_plan(keel_term plan)
{
    keel_pid pid = {__atomic_load_n(&plans_server, __ATOMIC_SEQ_CST)};
    keel_call_or_exit(pid, ACT(play_put, plan));
}

static keel_pid start_planned(keel_term plan)
{
    keel_pid plans = lone_actor(.state = plan);
    __atomic_store_n(&plans_server, plans.word, __ATOMIC_SEQ_CST);
    return actor_started(keel_supervisor_start_link_module(&planned, keel_nil()));
}

static keel_status change(keel_pid supervisor, keel_term plan, keel_term *ret_error)
{
    set_plan(plan);
    CHECK_OK(keel_sys_suspend(supervisor));
    keel_status status = keel_sys_change_code(
            supervisor, keel_atom(planned), keel_atom(old), keel_nil(), ret_error);
    CHECK_OK(keel_sys_resume(supervisor));
    return status;
}

static void end_planned(keel_pid supervisor)
{
    stop_actor(supervisor);
    stop_actor((keel_pid){__atomic_load_n(&plans_server, __ATOMIC_SEQ_CST)});
}

static keel_term plan_of(keel_term flags, const keel_child_spec *children, size_t count)
{
    keel_term specs = keel_nil();
    for (size_t i = count; i > 0; i--) {
        specs = keel_cons(keel_child_spec_to_term(&children[i - 1]), specs);
    }
    return keel_make("{ok, {Flags, Specs}}", flags, specs);
}

PROCESS_TEST("a code change reads init again: flags, specifications and order",
        .ids = "SU-141 SU-142 SU-146 SU-121")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {KID(a), KID(b), KID(c)};
    keel_pid supervisor = start_planned(plan_of(keel_make("#{}"), children, 3));
    keel_pid a = KID_OF(supervisor, a);
    keel_pid b = KID_OF(supervisor, b);
    keel_flush();
    keel_child_spec changed[] = {KID(b), KID(a), KID(n)};
    changed[1].restart = KEEL_TEMPORARY;
    changed[1].significant = true;
    keel_term flags = keel_make("#{strategy => rest_for_one, intensity => 7, auto_shutdown "
                                "=> any_significant}");
    CHECK_OK(change(supervisor, plan_of(flags, changed, 3), NULL));
    // The latest first: c was not in the new list and stays behind the others.
    CHECK_TERM(children_of(supervisor),
            "[{c, _, _, _}, {n, undefined, _, _}, {a, ^A, _, _}, {b, ^B, _, _}]", a, b);
    keel_term spec;
    CHECK_OK(keel_supervisor_get_childspec(supervisor, keel_atom(a), &spec));
    CHECK_TERM(spec, "#{restart := temporary, significant := true}");
    keel_term state;
    CHECK_OK(keel_sys_get_state(supervisor, &state));
    CHECK_TERM(state, "{state, _, rest_for_one, _, 7, 5, _, any_significant}");
    EXPECT_NO_MESSAGE();
    end_planned(supervisor);
}

static keel_pid add_significant(keel_pid supervisor, keel_term id)
{
    keel_child_spec child = KID_WITH(
            ACTOR(), .id = id, .restart = KEEL_TRANSIENT, .significant = true);
    return keel_supervisor_start_child(supervisor, &child).pid;
}

// What becomes of a supervisor whose auto_shutdown is changed, with two significant
// children where those are allowed: how many must end until it does.
PROCESS_TEST("a code change decides anew about automatic shutdown")
{
    keel_trap_exit(true);
    static const struct {
        const char *before, *after;
        int ends;
    } table[] = {{"never", "any_significant", 1}, {"never", "all_significant", 2},
            {"any_significant", "never", 3}, {"all_significant", "never", 3},
            {"any_significant", "all_significant", 2},
            {"all_significant", "any_significant", 1}};
    for (size_t i = 0; i < KEEL_COUNT(table); i++) {
        keel_term flags[2];
        CHECK_OK(keel_atom_from(
                table[i].before, __builtin_strlen(table[i].before), &flags[0]));
        CHECK_OK(keel_atom_from(
                table[i].after, __builtin_strlen(table[i].after), &flags[1]));
        keel_pid supervisor = start_planned(
                plan_of(keel_make("#{auto_shutdown => How}", flags[0]), NULL, 0));
        bool first = !no_pid(add_significant(supervisor, keel_atom(a)));
        CHECK_INT(first, i > 1); // with never it is refused
        keel_term changed = plan_of(
                keel_make("#{auto_shutdown => How}", flags[1]), NULL, 0);
        CHECK_OK(change(supervisor, changed, NULL));
        if (table[i].ends < 3) {
            add_significant(supervisor, keel_atom(a));
            CHECK(!no_pid(add_significant(supervisor, keel_atom(b))));
        } else {
            CHECK(no_pid(add_significant(supervisor, keel_atom(b))));
        }
        finish_actor(KID_OF(supervisor, a), keel_atom(normal));
        if (table[i].ends > 1) {
            CHECK_TERM(children_of(supervisor), "[_ | _]");
        }
        if (table[i].ends == 2) {
            finish_actor(KID_OF(supervisor, b), keel_atom(normal));
        }
        if (table[i].ends < 3) {
            EXPECT_MESSAGE("{'EXIT', ^Pid, shutdown}", supervisor);
            stop_actor((keel_pid){__atomic_load_n(&plans_server, __ATOMIC_SEQ_CST)});
        } else {
            CHECK_OK(keel_supervisor_restart_child(supervisor, keel_atom(a)).status);
            end_planned(supervisor);
        }
    }
}

PROCESS_TEST(
        "a code change that fails, or declines, changes nothing", .ids = "SU-141 SU-144")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {KID(a)};
    keel_pid supervisor = start_planned(plan_of(keel_make("#{}"), children, 1));
    keel_term before;
    keel_term after;
    CHECK_OK(keel_sys_get_state(supervisor, &before));
    keel_term error;
    keel_term bad_flags = plan_of(keel_make("#{intensity => none}"), children, 1);
    CHECK_INT(change(supervisor, bad_flags, &error), KEEL_E_REFUSED);
    CHECK_TERM(error, "{error, {invalid_intensity, none}}");
    CHECK_INT(change(supervisor, plan_of(keel_atom(junk), children, 1), &error),
            KEEL_E_REFUSED);
    CHECK_TERM(error, "{error, {bad_flags, junk}}");
    keel_child_spec bad[] = {KID(a), KID(b)};
    bad[1].restart = (keel_restart)5;
    CHECK_INT(
            change(supervisor, plan_of(keel_make("#{}"), bad, 2), &error), KEEL_E_REFUSED);
    CHECK_TERM(error, "{error, {invalid_restart_type, 5}}");
    CHECK_INT(change(supervisor, keel_atom(nonsense), &error), KEEL_E_REFUSED);
    CHECK_OK(change(supervisor, keel_atom(ignore), NULL));
    CHECK_OK(keel_sys_get_state(supervisor, &after));
    CHECK_EQUAL(after, before);
    end_planned(supervisor);
}

static keel_term wrap_state(keel_term state, void *context)
{
    (void)context;
    return keel_tuple_of(state);
}

PROCESS_TEST("a supervisor's state is seen and not replaced")
{
    keel_trap_exit(true);
    keel_pid supervisor = actor_started(keel_supervisor_start_link(NULL, 0));
    keel_term answer;
    CHECK_INT(
            keel_sys_replace_state(supervisor, wrap_state, NULL, &answer), KEEL_E_REFUSED);
    CHECK_TERM(answer, "{callback_failed, _, _}");
    CHECK_TERM(children_of(supervisor), "[]");
    stop_actor(supervisor);
}
