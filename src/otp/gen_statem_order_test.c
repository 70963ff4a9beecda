// gen_statem: what comes before what, when events, timeouts, postponed and inserted events
// and the entering of states meet in one transition.

#include "statem_testing.h"

static keel_pid probed(const char *start)
{
    return new_machine(.probed = true, .start = start);
}

SIMULATED_TEST(
        "inserted events come first, then timeouts of no time, then messages, then time")
{
    keel_pid pid = probed("{ok, a, []}");
    CAST(pid, "block");
    keel_term last = keel_make("{do, {next_state, s3, [{state_timeout, 500, 8}]}}");
    keel_term fourth = keel_make(
            "{do, {keep_state, [{state_timeout, 0, Last}, {timeout, 0, 7}]}}", last);
    keel_term second = keel_make(
            "{do, {keep_state, [{timeout, 0, Fourth}, {state_timeout, 0, 5}]}}", fourth);
    keel_term inside = keel_make(
            "{do, {next_state, s2, [{timeout, 0, 2}, {state_timeout, 0, Second}, "
            "{next_event, internal, {do, {keep_state, [{timeout, 0, 3}]}}}]}}",
            second);
    CAST(pid,
            "{next_state, s1, [{timeout, 500, 1}, {state_timeout, 500, 1}, {next_event, "
            "internal, Inside}]}",
            inside);
    CHECK_OK(keel_send(pid, keel_atom(waits)));
    keel_send(pid, keel_atom(go));
    EXPECT_NEXT("{a, cast, {do, block}}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{s1, internal, ^Inside}", inside);
    EXPECT_NEXT("{s2, internal, _}"); // which sets an event timeout that another ends
    EXPECT_NEXT("{s2, state_timeout, ^Second}", second);
    EXPECT_NEXT("{s2, timeout, ^Fourth}", fourth);
    EXPECT_NEXT("{s2, state_timeout, ^Last}", last); // set again before it came
    int64_t before = keel_now();
    EXPECT_NEXT("{s3, info, waits}");
    EXPECT_NEXT("{s3, state_timeout, 8}");
    CHECK(keel_now() - before >= KEEL_MS(490));
    keel_sleep(KEEL_SECONDS(2));
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

SIMULATED_TEST("what was postponed or inserted ends an event timeout of no time")
{
    keel_pid pid = probed("{ok, a, []}");
    CAST(pid, "{keep_state, postpone}");
    CAST(pid, "{keep_state, postpone}");
    CHECK_TERM(
            CALL(pid, "{next_state, b, [{next_event, internal, 3}, {next_event, internal, "
                      "4}, {timeout, 0, never}, {reply, ok}]}"),
            "ok");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, call, _}");
    EXPECT_NEXT("{b, internal, 3}");
    EXPECT_NEXT("{b, internal, 4}");
    EXPECT_NEXT("{b, cast, _}");
    EXPECT_NEXT("{b, cast, _}");
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

PROCESS_TEST("what was postponed stays so while the state is the same, repeated or not")
{
    keel_pid pid = probed("{ok, a, []}");
    CAST(pid, "{keep_state, {postpone, true}}");
    CAST(pid, "{next_state, a, []}");
    CAST(pid, "{repeat_state, []}");
    SYNC(pid);
    EXPECT_NEXT("{a, cast, {do, {keep_state, _}}}");
    EXPECT_NEXT("{a, cast, {do, {next_state, _, _}}}");
    EXPECT_NEXT("{a, cast, {do, {repeat_state, _}}}");
    EXPECT_NEXT("{a, call, _}");
    EXPECT_NO_MESSAGE();
    CAST(pid, "{next_state, b, []}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{b, cast, {do, {keep_state, _}}}");
    end_process(pid);
}

PROCESS_TEST(
        "inserted events and timeouts may be postponed, and come back as what they are")
{
    keel_pid pid = probed("{ok, a, []}");
    CAST(pid, "{keep_state, [{{timeout, n}, 0, {do, {keep_state, postpone}}}, {next_event, "
              "internal, {do, {keep_state, postpone}}}]}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, internal, _}");
    EXPECT_NEXT("{a, {timeout, n}, _}");
    CAST(pid, "{next_state, b, []}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{b, internal, _}");
    EXPECT_NEXT("{b, {timeout, n}, _}");
    end_process(pid);
}

SIMULATED_TEST("an update reaches a timeout whose time is over but which has not come yet")
{
    keel_pid pid = probed("{ok, a, [{state_timeout, 17, old}, {{timeout, n}, 30, old}]}");
    CAST(pid, "{sleep, 50, {keep_state, [{state_timeout, update, new}, {{timeout, n}, "
              "update, "
              "new}]}}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, state_timeout, new}");
    EXPECT_NEXT("{a, {timeout, n}, new}");
    CAST(pid, "{keep_state, [{state_timeout, 17, old}]}");
    CAST(pid, "{sleep, 50, {keep_state, [{state_timeout, cancel}]}}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, cast, _}");
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

SIMULATED_TEST("a state timeout of infinity is none and ends one; one that came is over")
{
    keel_pid pid = probed("{ok, a, [{state_timeout, 30, x}]}");
    CAST(pid, "{keep_state, [{state_timeout, infinity, y}]}");
    EXPECT_NEXT("{a, cast, _}");
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
    int64_t now = keel_now() / KEEL_MS(1);
    CAST(pid,
            "{keep_state, [{state_timeout, At, z, [{abs, true}]}, {timeout, Before, t, "
            "[{abs, "
            "true}]}]}",
            now + 40, now + 20);
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, timeout, t}");
    CHECK(keel_now() / KEEL_MS(1) >= now + 20);
    EXPECT_NEXT("{a, state_timeout, z}");
    CHECK(keel_now() / KEEL_MS(1) >= now + 40);
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

SIMULATED_TEST("timeouts of different names and clocks come in the order of their times")
{
    keel_pid pid = probed("{ok, a, [{{timeout, a}, 1500, 1}, {state_timeout, 1500, 1}, "
                          "{{timeout, b}, 1000, 1}]}");
    int64_t now = keel_now() / KEEL_MS(1);
    CAST(pid,
            "{next_state, s2, [{{timeout, c}, At, 2, {abs, true}}, {{timeout, d}, 0, 2, "
            "[{abs, "
            "false}]}, {timeout, 0, 2}, {{timeout, b}, infinity, 2}, {{timeout, a}, 1000, "
            "{do, {stop, over}}}]}",
            now + 500);
    keel_ref monitor = keel_monitor(pid);
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{s2, {timeout, d}, 2}"); // and ends the event timeout behind it
    EXPECT_NEXT("{s2, {timeout, c}, 2}");
    EXPECT_NEXT("{s2, {timeout, a}, {do, {stop, over}}}");
    EXPECT_NEXT("{terminate, over, s2}");
    CHECK_TERM(await_down(monitor), "over");
    EXPECT_NO_MESSAGE();
}

// --- entering ---

// Repeats the state three times while it is entered.
static keel_result insist(const keel_event *event, void *data)
{
    struct machine *self = data;
    if (!keel_event_is_enter(event)) {
        return machine_event(event, data);
    }
    int64_t count = keel_to_int(self->data);
    keel_set(&self->data, keel_int(count + 1));
    keel_send(self->probe,
            keel_make("{Count, State, Old}", count, event->state, event->content));
    return count % 4 == 3
                   ? keel_keep_state(keel_make(
                             "[{timeout, 0, N}, {state_timeout, 0, M}]", count, count))
                   : keel_repeat_state(keel_make("{timeout, 0, never}"));
}
static const keel_gen_statem insistent = {.name = "insistent",
        MACHINE_CALLBACKS,
        .handle_event = insist,
        .state_enter = true};

PROCESS_TEST(
        "a state that repeats itself while it is entered sees the same old state again")
{
    keel_pid pid = machine_of(&insistent, .probed = true, .data = "0");
    for (int i = 0; i < 4; i++) {
        EXPECT_NEXT("{^I, a, a}", i);
    }
    EXPECT_NEXT("{a, timeout, 3}");
    EXPECT_NEXT("{a, state_timeout, 3}");
    CAST(pid, "{next_state, b, [{next_event, internal, x}]}");
    EXPECT_NEXT("{a, cast, _}");
    for (int i = 4; i < 8; i++) {
        EXPECT_NEXT("{^I, b, a}", i);
    }
    EXPECT_NEXT("{b, internal, x}");
    EXPECT_NEXT("{b, state_timeout, 7}"); // the inserted event has ended the other
    EXPECT_STATE(pid, "{b, 8}");
    end_process(pid);
}

PROCESS_TEST("the first state is entered before what init has inserted")
{
    keel_pid pid = machine_of(&entering_machine, .probed = true,
            .start = "{ok, a, [{next_event, internal, x}, {timeout, 0, never}]}");
    EXPECT_NEXT("{a, enter, a}");
    EXPECT_NEXT("{a, internal, x}");
    SYNC(pid);
    EXPECT_NEXT("{a, call, _}");
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

PROCESS_TEST("a repeated state is entered, postponed events stay, its timeout goes on")
{
    keel_pid pid = machine_of(&entering_machine, .probed = true);
    CAST(pid, "{keep_state, [postpone, {state_timeout, 3600000, s}]}");
    CHECK_TERM(CALL(pid, "{repeat_state, [{reply, repeated}]}"), "repeated");
    EXPECT_NEXT("{a, enter, a}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, call, _}");
    EXPECT_NEXT("{a, enter, a}");
    EXPECT_NO_MESSAGE();
    keel_term status = KEEL_NONE;
    CHECK_OK(keel_sys_get_status(pid, &status));
    CHECK_TERM(status, "{status, _, _, [_, _, _, _, [_, {data, [_, _, _, {_, {1, "
                       "[{state_timeout, s}]}}, _, {_, [{cast, _}]}]} | _]]}");
    end_process(pid);
}

static keel_term into_b(keel_term state_and_data, void *context)
{
    (void)context;
    return keel_tuple_of(keel_atom(b), keel_element(state_and_data, 1));
}

PROCESS_TEST("a state put in from outside is not entered, and nothing is retried for it")
{
    keel_pid pid = machine_of(&entering_machine, .probed = true);
    CAST(pid, "{keep_state, [postpone, {state_timeout, 3600000, s}]}");
    keel_term state = KEEL_NONE;
    CHECK_OK(keel_sys_replace_state(pid, into_b, NULL, &state));
    CHECK_TERM(state, "{b, []}");
    SYNC(pid);
    EXPECT_NEXT("{a, enter, a}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{b, call, _}");
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

// --- hibernating ---

SIMULATED_TEST(
        "a machine hibernates from its start, through events that say so, when suspended")
{
    keel_pid pid = new_machine(.start = "{ok, a, [hibernate]}");
    keel_sleep(KEEL_MS(1)); // by then it waits
    CHECK(hibernates(pid));
    CHECK_TERM(CALL(pid, "{keep_state, [{reply, snooze}, hibernate]}"), "snooze");
    keel_sleep(KEEL_MS(1));
    CHECK(hibernates(pid));
    CHECK_OK(keel_sys_suspend(pid));
    keel_sleep(KEEL_MS(1));
    CHECK(hibernates(pid));
    CHECK_OK(keel_sys_resume(pid));
    keel_sleep(KEEL_MS(1));
    CHECK(hibernates(pid));
    CAST(pid,
            "{keep_state, [hibernate, {next_event, internal, {do, {next_state, c, []}}}]}");
    CHECK_TERM(CALL(pid, "{keep_state, [{reply, awake}]}"), "awake");
    EXPECT_STATE(pid, "{c, []}");
    stop_actor(pid);
}

// --- clients ---

PROCESS_TEST("a cast to nobody is fine, whatever it is named by")
{
    CHECK_OK(keel_cast("nobody_here", keel_atom(x)));
    CHECK_OK(keel_cast(dead_pid(), keel_atom(x)));
    CHECK_OK(keel_cast(keel_make("{nobody_here, nonode@nohost}"), keel_atom(x)));
    CHECK_OK(keel_cast(keel_make("{nobody_here, 'nowhere@nohost'}"), keel_atom(x)));
    CHECK_OK(keel_cast(keel_make("{global, nobody_here}"), keel_atom(x)));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("the caller of a machine that fails hears what it failed with")
{
    keel_term why = KEEL_NONE;
    CHECK_INT(keel_gen_statem_call(new_machine(), DO("{error, oops}"), &why), KEEL_E_EXIT);
    CHECK_TERM(why, "{oops, [_ | _]}");
    CHECK_INT(keel_gen_statem_call(new_machine(), DO("{exit, oops}"), &why), KEEL_E_EXIT);
    CHECK_TERM(why, "oops");
    CHECK_INT(keel_gen_statem_call(new_machine(), DO("{keep_state, [nonsense]}"), &why),
            KEEL_E_EXIT);
    CHECK_TERM(why, "{{bad_action_from_state_function, nonsense}, []}");
    CHECK_INT(keel_gen_statem_call(
                      new_machine(), DO("{keep_state, [{badtimeout, 4711, ouch}]}"), &why),
            KEEL_E_EXIT);
    CHECK_TERM(why, "{{bad_action_from_state_function, {badtimeout, 4711, ouch}}, []}");
}

PROCESS_TEST("stop_and_reply takes a single reply as well as a list, or none")
{
    keel_term reply = KEEL_NONE;
    keel_pid pid = new_machine();
    keel_ref monitor = keel_monitor(pid);
    CHECK_OK(
            keel_gen_statem_call(pid, DO("{stop_and_reply, over, {reply, last}}"), &reply));
    CHECK_TERM(reply, "last");
    CHECK_TERM(await_down(monitor), "over");
    CHECK_INT(keel_gen_statem_call(new_machine(), DO("{stop_and_reply, over, []}"), &reply),
            KEEL_E_EXIT);
    CHECK_TERM(reply, "over");
}
