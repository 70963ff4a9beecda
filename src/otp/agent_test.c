// Agents.

#include "otp_testing.h"
#include <keel/agent.h>

static keel_term first_state(keel_term argument)
{
    return argument;
}

static keel_term put(keel_term state, keel_term pair)
{
    return keel_map_put(state, keel_element(pair, 0), keel_element(pair, 1));
}

static keel_term get(keel_term state, keel_term key)
{
    keel_term value = keel_map_get(state, key);
    return keel_is_none(value) ? keel_atom(nil) : value;
}

static keel_term add(keel_term state, keel_term by)
{
    return keel_int(keel_to_int(state) + keel_to_int(by));
}

static keel_term pop(keel_term list, keel_term unused)
{
    (void)unused;
    return keel_tuple_of(keel_head(list), keel_tail(list));
}

static keel_term take_all(keel_term state, keel_term next)
{
    return keel_tuple_of(state, next);
}

static keel_term fail(keel_term state, keel_term reason)
{
    (void)state;
    keel_error(reason);
}

static keel_term leave(keel_term state, keel_term reason)
{
    (void)state;
    keel_exit(reason);
}

static keel_term self_of(keel_term state, keel_term unused)
{
    (void)state;
    (void)unused;
    return keel_from_pid(keel_self());
}

static keel_term state_of(keel_pid agent)
{
    return keel_agent_get_or_exit(agent, keel_agent_state, keel_nil());
}

static keel_pid agent_with(keel_term state)
{
    return actor_started(keel_agent_start(first_state, state));
}

static keel_term exit_of(keel_body body, keel_term argument)
{
    keel_ref monitor;
    keel_spawn_monitor(body, argument, &monitor);
    return await_down(monitor);
}

PROCESS_TEST("an agent's state is what its function made, and it works by functions",
        .ids = "AG-001 AG-010 AG-011 AG-012 AG-013 AG-028 AG-033")
{
    keel_trap_exit(true);
    keel_pid agent = actor_started(keel_agent_start_link(first_state, keel_make("#{}")));
    CHECK_TERM(info_of(agent, keel_atom(links)), "[_]");
    CHECK_TERM(keel_agent_update_or_exit(agent, put, keel_make("{hello, world}")), "ok");
    CHECK_TERM(keel_agent_get_or_exit(agent, get, keel_atom(hello)), "world");
    CHECK_TERM(state_of(agent), "#{hello := world}");
    CHECK_TERM(keel_agent_get_and_update_or_exit(agent, take_all, keel_make("#{a => 1}")),
            "#{hello := world}");
    CHECK_OK(keel_agent_cast(agent, put, keel_make("{b, 2}")));
    CHECK_OK(keel_agent_cast(agent, put, keel_make("{b, 3}")));
    CHECK_TERM(state_of(agent), "#{a := 1, b := 3}");
    keel_term state = KEEL_NONE;
    CHECK_OK(keel_sys_get_state(agent, &state));
    CHECK_TERM(state, "#{a := 1, b := 3}");
    CHECK_OK(keel_gen_server_stop(agent, keel_atom(normal), SOON));
    EXPECT_NEXT("{'EXIT', ^Pid, normal}", agent);
}

PROCESS_TEST("an agent without a link, under a name", .ids = "AG-002 AG-003 AG-015")
{
    keel_started started = keel_agent_start(
            first_state, keel_int(40), .name = keel_atom(counter));
    CHECK_OK(started.status);
    CHECK_TERM(info_of(started.pid, keel_atom(links)), "[]");
    CHECK_TERM(keel_agent_update_or_exit("counter", add, keel_int(2)), "ok");
    CHECK_TERM(keel_agent_get_or_exit("counter", keel_agent_state, keel_nil()), "42");
    keel_started again = keel_agent_start(
            first_state, keel_int(0), .name = keel_atom(counter));
    CHECK_INT(again.status, KEEL_E_TAKEN);
    CHECK_TERM(again.reason, "{already_started, ^Pid}", started.pid);
    stop_actor(started.pid);
}

static keel_term fail_first(keel_term reason)
{
    keel_error(reason);
}

static keel_term leave_first(keel_term reason)
{
    keel_exit(reason);
}

static keel_term wait_first(keel_term unused)
{
    keel_sleep(KEEL_SECONDS(1000));
    return unused;
}

PROCESS_TEST("a first function that fails fails the start", .ids = "AG-004")
{
    keel_started started = keel_agent_start(fail_first, keel_atom(oops));
    CHECK_INT(started.status, KEEL_E_EXIT);
    CHECK_TERM(started.reason, "{oops, _}");
    started = keel_agent_start(leave_first, keel_atom(oops));
    CHECK_TERM(started.reason, "oops");
}

PROCESS_TEST("a first function may take too long", .ids = "AG-005")
{
    size_t before = process_count();
    keel_started started = keel_agent_start(
            wait_first, keel_atom(x), .timeout = KEEL_MS(10));
    CHECK_INT(started.status, KEEL_E_TIMEOUT);
    CHECK_TERM(started.reason, "timeout");
    CHECK_INT(process_count(), before);
}

PROCESS_TEST("spawn options apply, and the first function names the process",
        .ids = "AG-006 AG-007")
{
    keel_pid agent = actor_started(keel_agent_start(
            first_state, keel_nil(), .spawn.priority = KEEL_HIGH_PRIORITY));
    CHECK_TERM(info_of(agent, keel_atom(priority)), "high");
    CHECK_TERM(info_of(agent, keel_atom(initial_call)), "<<\"first_state\">>");
    stop_actor(agent);
}

PROCESS_TEST("an agent is a permanent child unless it is told otherwise", .ids = "AG-008")
{
    keel_child_spec children[] = {keel_child_agent(first_state, keel_int(1)),
            keel_child_agent(first_state, keel_int(2), .name = keel_atom(second))};
    CHECK_TERM(keel_child_spec_to_term(&children[0]),
            "#{id := agent, restart := permanent, shutdown := 5000, type := worker}");
    children[1].id = keel_atom(other);
    children[1].restart = KEEL_TEMPORARY;
    keel_pid supervisor = new_supervisor(children, .strategy = KEEL_ONE_FOR_ONE);
    CHECK_TERM(children_of(supervisor), "[{other, _, worker, _}, {agent, _, worker, _}]");
    CHECK_TERM(keel_agent_get_or_exit("second", keel_agent_state, keel_nil()), "2");
    CHECK_TERM(state_of(KID_OF(supervisor, agent)), "1");
    stop_actor(supervisor);
}

PROCESS_TEST("functions run in the agent", .ids = "AG-014")
{
    keel_pid agent = agent_with(keel_nil());
    CHECK_EQUAL(keel_agent_get_or_exit(agent, self_of, keel_nil()), keel_from_pid(agent));
    stop_actor(agent);
}

enum { ADDERS = 8, ADDS = 50 };

static void add_many(keel_term agent)
{
    for (int i = 0; i < ADDS; i++) {
        keel_agent_update_or_exit(agent, add, keel_int(1));
    }
}

PROCESS_TEST("updates of several processes are not lost", .ids = "AG-016")
{
    keel_pid agent = agent_with(keel_int(0));
    keel_ref adders[ADDERS];
    for (int i = 0; i < ADDERS; i++) {
        keel_spawn_monitor(add_many, keel_from_pid(agent), &adders[i]);
    }
    for (int i = 0; i < ADDERS; i++) {
        CHECK_TERM(await_down(adders[i]), "normal");
    }
    CHECK_INT(keel_to_int(state_of(agent)), ADDERS * ADDS);
    stop_actor(agent);
}

static void get_failing(keel_term agent)
{
    keel_agent_get_or_exit(agent, fail, keel_atom(oops));
}

static void update_failing(keel_term agent)
{
    keel_agent_update_or_exit(agent, fail, keel_atom(oops));
}

static void get_and_update_failing(keel_term agent)
{
    keel_agent_get_and_update_or_exit(agent, leave, keel_atom(oops));
}

PROCESS_TEST(
        "a function that fails ends the agent, and its caller with it", .ids = "AG-018")
{
    keel_pid agent = agent_with(keel_nil());
    keel_ref monitor = keel_monitor(agent);
    CHECK_TERM(exit_of(get_failing, keel_from_pid(agent)),
            "{{oops, _}, {gen_server, call, _}}");
    CHECK_TERM(await_down(monitor), "{oops, _}");
    agent = agent_with(keel_nil());
    CHECK_TERM(exit_of(update_failing, keel_from_pid(agent)),
            "{{oops, _}, {gen_server, call, _}}");
    agent = agent_with(keel_nil());
    CHECK_TERM(exit_of(get_and_update_failing, keel_from_pid(agent)),
            "{oops, {gen_server, call, _}}");
    agent = agent_with(keel_make("[a]"));
    keel_term reason = KEEL_NONE;
    CHECK_INT(keel_agent_get_and_update(agent, keel_agent_state, keel_nil(), &reason),
            KEEL_E_EXIT);
    CHECK_TERM(reason, "{bad_return_value, [a]}");
}

PROCESS_TEST("a part of the old state may be the reply", .ids = "AG-012")
{
    keel_pid agent = agent_with(keel_make("[{a, [1, 2, 3]}, b]"));
    CHECK_TERM(keel_agent_get_and_update_or_exit(agent, pop, keel_nil()), "{a, [1, 2, 3]}");
    CHECK_TERM(state_of(agent), "[b]");
    stop_actor(agent);
}

static keel_term sleep_on(keel_term state, keel_term unused)
{
    (void)unused;
    keel_sleep(KEEL_SECONDS(6));
    return state;
}

static void get_slowly(keel_term agent)
{
    keel_agent_get_or_exit(agent, sleep_on, keel_nil());
}

SIMULATED_TEST("operations wait for five seconds", .ids = "AG-021")
{
    keel_pid agent = agent_with(keel_nil());
    keel_term reply = KEEL_NONE;
    CHECK_TERM(exit_of(get_slowly, keel_from_pid(agent)),
            "{timeout, {gen_server, call, [_, _, 5000]}}");
    CHECK_INT(keel_agent_get(agent, sleep_on, keel_nil(), &reply), KEEL_E_TIMEOUT);
    CHECK_OK(keel_agent_get_within(agent, sleep_on, keel_nil(), KEEL_NEVER, &reply));
    stop_actor(agent);
}

PROCESS_TEST(
        "operations on nobody fail with noproc, a cast does not", .ids = "AG-023 AG-030")
{
    keel_pid dead = dead_pid();
    CHECK_TERM(exit_of(get_failing, keel_from_pid(dead)), "{noproc, _}");
    CHECK_TERM(exit_of(update_failing, keel_atom(nobody)), "{noproc, _}");
    CHECK_TERM(exit_of(get_and_update_failing, keel_atom(nobody)), "{noproc, _}");
    CHECK_OK(keel_agent_cast(dead, put, keel_nil()));
    CHECK_OK(keel_agent_cast("nobody", put, keel_nil()));
    CHECK_INT(keel_gen_server_stop(dead, keel_atom(normal), SOON), KEEL_E_NOPROC);
}

static keel_term get_itself(keel_term state, keel_term unused)
{
    (void)state;
    return keel_agent_get_or_exit(keel_self(), keel_agent_state, unused);
}

PROCESS_TEST("an agent that calls itself ends", .ids = "AG-024")
{
    keel_pid agent = agent_with(keel_nil());
    keel_term reason = KEEL_NONE;
    CHECK_INT(keel_agent_get(agent, get_itself, keel_nil(), &reason), KEEL_E_EXIT);
    CHECK_TERM(reason, "{calling_self, _}");
}

PROCESS_TEST("messages that mean nothing are reported and dropped", .ids = "AG-025")
{
    catch_reports();
    keel_pid agent = agent_with(keel_int(7));
    keel_send(agent, keel_atom(hello));
    EXPECT_NEXT("{report, _, #{label := {gen_server, no_handle_info}, message := hello}}");
    CHECK_TERM(state_of(agent), "7");
    stop_actor(agent);
    keel_report_handler_set(NULL);
}

PROCESS_TEST("a request or cast that no agent knows ends it, as in Elixir")
{
    keel_report_level_set(KEEL_REPORT_NONE);
    keel_term unknown = keel_make("[fly, {fly, a, b}]");
    keel_term request;
    while (keel_list_next(&unknown, &request)) {
        keel_term why = KEEL_NONE;
        keel_pid agent = actor_started(keel_agent_start(first_state, keel_int(7)));
        CHECK_INT(keel_call(agent, request, &why), KEEL_E_EXIT);
        CHECK_TERM(why, "{function_clause, [_ | _]}");
        agent = actor_started(keel_agent_start(first_state, keel_int(7)));
        keel_ref monitor = keel_monitor(agent);
        keel_cast(agent, request);
        CHECK_TERM(await_down(monitor), "{function_clause, [_ | _]}");
    }
}

PROCESS_TEST("any term may be the state", .ids = "AG-027")
{
    keel_term odd = keel_make("{Ref, F, Self, <<1, 2>>}", keel_make_ref(),
            keel_export(keel_atom(a), keel_atom(b), 1), keel_self());
    keel_pid agent = agent_with(odd);
    CHECK_EQUAL(state_of(agent), odd);
    stop_actor(agent);
}

PROCESS_TEST("stop takes a reason and a deadline", .ids = "AG-029")
{
    keel_pid agent = agent_with(keel_nil());
    keel_ref monitor = keel_monitor(agent);
    CHECK_OK(keel_gen_server_stop(agent, keel_make("{shutdown, because}"), SOON));
    CHECK_TERM(await_down(monitor), "{shutdown, because}");
}

PROCESS_TEST("a code change is a function on the state", .ids = "AG-031")
{
    keel_pid agent = agent_with(keel_int(1));
    CHECK_OK(keel_sys_suspend(agent));
    CHECK_OK(keel_sys_change_code(agent, keel_atom(agent), keel_nil(),
            keel_agent_change(add, keel_int(10)), NULL));
    CHECK_OK(keel_sys_resume(agent));
    CHECK_TERM(state_of(agent), "11");
    CHECK_OK(keel_sys_suspend(agent));
    keel_term why = KEEL_NONE;
    CHECK_INT(keel_sys_change_code(agent, keel_atom(agent), keel_nil(), keel_nil(), &why),
            KEEL_E_REFUSED);
    CHECK_OK(keel_sys_resume(agent));
    CHECK_TERM(state_of(agent), "11");
    stop_actor(agent);
}

PROCESS_TEST("a code change whose function fails leaves the state as it was")
{
    keel_report_level_set(KEEL_REPORT_NONE);
    keel_pid agent = agent_with(keel_make("#{a => 1}"));
    CHECK_OK(keel_sys_suspend(agent));
    keel_term why = KEEL_NONE;
    CHECK_INT(keel_sys_change_code(agent, keel_atom(agent), keel_atom(vsn),
                      keel_agent_change(fail, keel_atom(oops)), &why),
            KEEL_E_REFUSED);
    CHECK_TERM(why, "{'EXIT', {oops, [_ | _]}}");
    CHECK_INT(keel_sys_change_code(agent, keel_atom(agent), keel_atom(vsn),
                      keel_agent_change(leave, keel_atom(oops)), &why),
            KEEL_E_REFUSED);
    CHECK_TERM(why, "{'EXIT', oops}");
    CHECK_OK(keel_sys_resume(agent));
    CHECK_TERM(state_of(agent), "#{a := 1}");
    stop_actor(agent);
}

PROCESS_TEST("a cast whose function fails ends the agent, and not who cast")
{
    keel_report_level_set(KEEL_REPORT_NONE);
    keel_pid agent = agent_with(keel_nil());
    keel_ref monitor = keel_monitor(agent);
    CHECK_OK(keel_agent_cast(agent, fail, keel_atom(oops)));
    CHECK_TERM(await_down(monitor), "{oops, [_ | _]}");
    agent = agent_with(keel_nil());
    monitor = keel_monitor(agent);
    CHECK_OK(keel_agent_cast(agent, leave, keel_atom(normal)));
    CHECK_TERM(await_down(monitor), "normal");
    EXPECT_NO_MESSAGE();
}

SIMULATED_TEST("a function that is too late has its effect, and its reply never comes")
{
    keel_pid agent = agent_with(keel_int(1));
    CHECK_OK(keel_agent_cast(agent, sleep_on, keel_nil()));
    keel_term reply = KEEL_NONE;
    CHECK_INT(keel_agent_update(agent, add, keel_int(1), &reply), KEEL_E_TIMEOUT);
    keel_sleep(KEEL_SECONDS(10));
    EXPECT_NO_MESSAGE();
    CHECK_TERM(state_of(agent), "2");
    stop_actor(agent);
}
