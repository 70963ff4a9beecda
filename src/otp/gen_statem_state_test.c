// gen_statem: what callbacks return, entering states, postponing and inserting events.

#include "statem_testing.h"

// --- results ---

PROCESS_TEST(
        "the state stays with keep_state and repeat_state", .ids = "SM-046 SM-048 SM-061")
{
    keel_pid pid = new_machine(.probed = true);
    CHECK_TERM(CALL(pid, "{data, d1, {keep_state, {reply, 1}}}"), "1");
    EXPECT_STATE(pid, "{a, d1}");
    CHECK_TERM(CALL(pid, "{data, d2, {repeat_state, [{reply, 2}]}}"), "2");
    EXPECT_STATE(pid, "{a, d2}");
    CAST(pid, "{keep_state, []}");
    CAST(pid, "{repeat_state, []}");
    CAST(pid, "{next_state, a, []}");
    SYNC(pid);
    EXPECT_STATE(pid, "{a, d2}");
    for (int i = 0; i < 6; i++) {
        EXPECT_NEXT("{a, _, {do, _}}");
    }
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

// What a machine ends with that obeys the script in a cast.
static keel_term end_after(const keel_gen_statem *module, keel_term content)
{
    keel_pid pid = machine_of(module);
    keel_ref monitor = keel_monitor(pid);
    CHECK_OK(keel_cast(pid, content));
    return await_down(monitor);
}

PROCESS_TEST("a result or an action that is none ends the machine",
        .ids = "SM-050 SM-051 SM-052")
{
    CHECK_TERM(end_after(&machine, DO("bad")), "{{bad_return_from_state_function, _}, []}");
    CHECK_TERM(end_after(&machine, DO("{keep_state, [nonsense]}")),
            "{{bad_action_from_state_function, nonsense}, []}");
    CHECK_TERM(end_after(&machine, DO("{keep_state, {timeout, x, y}}")),
            "{{bad_action_from_state_function, {timeout, x, y}}, []}");
}

// Inserts a call that nobody made.
static keel_result insert_nobody(const keel_event *event, void *data)
{
    (void)data;
    return keel_keep_state(keel_do_next_event(KEEL_EVENT_CALL, event->content));
}
static const keel_gen_statem careless = {
        .name = "careless", MACHINE_CALLBACKS, .handle_event = insert_nobody};

PROCESS_TEST("a call that nobody made cannot be inserted", .ids = "SM-077")
{
    CHECK_TERM(end_after(&careless, keel_atom(x)),
            "{{bad_action_from_state_function, {next_event, {call, undefined}, x}}, []}");
}

// Answers a call with what is no term.
static keel_result answer_nothing(const keel_event *event, void *data)
{
    (void)data;
    return keel_keep_state(keel_do_reply(event->from, KEEL_NONE));
}
static const keel_gen_statem speechless = {
        .name = "speechless", MACHINE_CALLBACKS, .handle_event = answer_nothing};

PROCESS_TEST("a reply that is no term ends the machine, and its caller hears of it",
        .ids = "SM-051")
{
    keel_term why = KEEL_NONE;
    CHECK_INT(
            keel_gen_statem_call(machine_of(&speechless), keel_atom(x), &why), KEEL_E_EXIT);
    CHECK_TERM(why, "{{bad_action_from_state_function, {reply, {_, _}}}, []}");
}

PROCESS_TEST("replies before a bad action are sent all the same")
{
    keel_pid pid = new_machine();
    keel_ref monitor = keel_monitor(pid);
    CHECK_TERM(CALL(pid, "{keep_state, [{reply, sent}, nonsense]}"), "sent");
    CHECK_TERM(await_down(monitor), "{{bad_action_from_state_function, nonsense}, []}");
}

static const keel_state_function no_states[] = {{NULL, NULL}};
static const keel_gen_statem unhandled = {
        .name = "unhandled", MACHINE_CALLBACKS, .states = no_states};

PROCESS_TEST("a state without a callback is undef, and one that is no name a mistake",
        .ids = "SM-055 SM-057")
{
    CHECK_TERM(end_after(&unhandled, keel_atom(x)), "{undef, [{unhandled, a, 3, []}]}");
    CHECK_TERM(end_after(&stateful_machine, DO("{next_state, d, [{next_event, cast, x}]}")),
            "{undef, [{stateful_machine, d, 3, []}]}");
    CHECK_TERM(end_after(&stateful_machine,
                       DO("{next_state, {a, tuple}, [{next_event, cast, x}]}")),
            "{badarg, [_ | _]}");
}

PROCESS_TEST("each state has its own function", .ids = "SM-057")
{
    keel_pid pid = machine_of(&stateful_machine, .probed = true);
    CAST(pid, "{next_state, b, []}");
    CAST(pid, "{next_state, c, []}");
    CAST(pid, "{keep_state, []}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{b, cast, _}");
    EXPECT_NEXT("{c, cast, _}");
    end_process(pid);
}

PROCESS_TEST("an event that no clause takes is reported, a call or cast ends the machine")
{
    catch_reports();
    keel_pid pid = new_machine();
    keel_send(pid, DO("unexpected"));
    EXPECT_NEXT(
            "{report, 1, #{label := {gen_statem, unexpected_event}, state := a, event := "
            "{info, {do, unexpected}}}}");
    EXPECT_STATE(pid, "{a, []}");
    end_process(pid);
    CHECK_TERM(end_after(&machine, DO("unexpected")),
            "{{bad_cast, {do, unexpected}}, [{machine, handle_event, 4, []}]}");
    EXPECT_MESSAGE("{report, 0, #{label := {gen_statem, terminate}}}");
    EXPECT_MESSAGE("{report, 0, #{label := {proc_lib, crash}}}");
    CHECK_TERM(end_after(&stateful_machine, DO("unexpected")),
            "{{bad_cast, {do, unexpected}}, [{stateful_machine, a, 3, []}]}");
    EXPECT_MESSAGE("{report, 0, #{label := {gen_statem, terminate}}}");
    EXPECT_MESSAGE("{report, 0, #{label := {proc_lib, crash}}}");
}

// --- entering states ---

PROCESS_TEST("a state that is entered is told of it, before anything else",
        .ids = "SM-059 SM-060 SM-061 SM-069")
{
    keel_pid pid = machine_of(&entering_machine, .probed = true);
    EXPECT_NEXT("{a, enter, a}");
    CAST(pid, "{next_state, b, [{next_event, internal, x}]}");
    CAST(pid, "{next_state, b, []}");
    CAST(pid, "{keep_state, []}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{b, enter, a}");
    EXPECT_NEXT("{b, internal, x}");
    EXPECT_NEXT("{b, cast, _}");
    EXPECT_NEXT("{b, cast, _}");
    end_process(pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a state that is repeated is entered again", .ids = "SM-062 SM-048")
{
    keel_pid pid = machine_of(&entering_machine, .probed = true);
    EXPECT_NEXT("{a, enter, a}");
    CAST(pid, "{next_state, b, []}");
    CAST(pid, "{repeat_state, [{next_event, internal, after_it}]}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{b, enter, a}");
    EXPECT_NEXT("{b, cast, _}");
    EXPECT_NEXT("{b, enter, b}");
    EXPECT_NEXT("{b, internal, after_it}");
    end_process(pid);
}

PROCESS_TEST("entering may reply, set timeouts, change the data; replies come before it",
        .ids = "SM-064 SM-067 SM-107")
{
    keel_term self = keel_from_pid(keel_self());
    char text[100];
    keel_print(text, sizeof text, self, NULL);
    keel_pid pid = machine_of(&entering_machine, .probed = true,
            .enters = "#{b => {data, entered, {keep_state, [{state_timeout, 0, now}, "
                      "hibernate]}}, c => {next_state, c, []}, d => {next_state, e, []}, f "
                      "=> "
                      "unexpected, g => {stop, at_once}}");
    EXPECT_NEXT("{a, enter, a}");
    CAST(pid, "{next_state, b, [{reply, {Self, tag}, first}]}", self);
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{tag, first}");
    EXPECT_NEXT("{b, enter, a}");
    EXPECT_NEXT("{b, state_timeout, now}");
    EXPECT_STATE(pid, "{b, entered}");
    CAST(pid, "{next_state, c, []}");
    SYNC(pid);
    CAST(pid, "{next_state, f, []}");
    SYNC(pid);
    keel_ref monitor = keel_monitor(pid);
    CAST(pid, "{next_state, d, []}");
    CHECK_TERM(await_down(monitor),
            "{{bad_state_enter_return_from_state_function, {next_state, e, []}}, []}");
    EXPECT_MESSAGE("{terminate, _, d}");
    pid = machine_of(&entering_machine, .enters = "#{g => {stop, at_once}}");
    monitor = keel_monitor(pid);
    CAST(pid, "{next_state, g, []}");
    CHECK_TERM(await_down(monitor), "at_once");
}

PROCESS_TEST("a crash while a state is entered shows the state before", .ids = "SM-032")
{
    keel_pid pid = machine_of(
            &entering_machine, .probed = true, .enters = "#{b => {exit, inside}}");
    keel_ref monitor = keel_monitor(pid);
    EXPECT_NEXT("{a, enter, a}");
    CAST(pid, "{next_state, b, []}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{b, enter, a}");
    EXPECT_NEXT("{terminate, inside, a}");
    CHECK_TERM(await_down(monitor), "inside");
}

PROCESS_TEST("without state_enter nobody is told", .ids = "SM-068")
{
    keel_pid pid = new_machine(.probed = true);
    CAST(pid, "{next_state, b, []}");
    CAST(pid, "{repeat_state, []}");
    SYNC(pid);
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{b, cast, _}");
    EXPECT_NEXT("{b, call, _}");
    end_process(pid);
}

// --- postponing and inserting ---

PROCESS_TEST("what was postponed comes again when the state has changed, oldest first",
        .ids = "SM-072 SM-075")
{
    keel_pid pid = new_machine(.probed = true);
    for (int i = 0; i < 3; i++) {
        CAST(pid, "{keep_state, [postpone, {hibernate, false}, {timeout, infinity, N}]}",
                i);
        EXPECT_NEXT("{a, cast, _}");
    }
    SYNC(pid);
    EXPECT_NEXT("{a, call, _}");
    CAST(pid, "{next_state, b, []}");
    CHECK_OK(keel_cast(pid, keel_atom(newer)));
    EXPECT_NEXT("{a, cast, _}");
    for (int i = 0; i < 3; i++) { // and are postponed again
        EXPECT_NEXT("{b, cast, {do, {_, [_, _, {timeout, infinity, ^N}]}}}", i);
    }
    EXPECT_NEXT("{b, cast, newer}");
    CAST(pid, "{next_state, c, []}");
    EXPECT_NEXT("{b, cast, _}");
    for (int i = 0; i < 3; i++) {
        EXPECT_NEXT("{c, cast, {do, {_, [_, _, {timeout, infinity, ^N}]}}}", i);
    }
    end_process(pid);
}

// Postpones calls until it is open.
static keel_result wait_until_open(const keel_event *event, void *data)
{
    (void)data;
    if (event->type != KEEL_EVENT_CALL) {
        return keel_next_state(event->content);
    }
    return keel_is(event->state, open)
                   ? keel_keep_state(keel_do_reply(event->from, event->content))
                   : keel_keep_state(keel_do_postpone());
}
static const keel_gen_statem gate = {
        .name = "gate", MACHINE_CALLBACKS, .handle_event = wait_until_open};

static void call_the_gate(keel_term gate_and_number)
{
    keel_term number = keel_element(gate_and_number, 1);
    keel_term reply = keel_gen_statem_call_or_exit(
            keel_to_pid(keel_element(gate_and_number, 0)), number);
    keel_exit(keel_tuple_of(keel_atom(got), reply));
}

PROCESS_TEST("a call that is postponed is answered later; its caller just waits",
        .ids = "SM-074")
{
    keel_pid pid = machine_of(&gate);
    keel_ref callers[10];
    for (int i = 0; i < 10; i++) {
        keel_spawn_monitor(
                call_the_gate, keel_tuple_of(keel_from_pid(pid), keel_int(i)), &callers[i]);
    }
    CHECK_OK(keel_cast(pid, keel_atom(ajar)));
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_cast(pid, keel_atom(open)));
    for (int i = 0; i < 10; i++) {
        CHECK_TERM(await_down(callers[i]), "{got, ^I}", i);
    }
    stop_actor(pid);
}

PROCESS_TEST("callers whose calls are postponed hear of the end")
{
    keel_pid pid = machine_of(&gate);
    keel_ref caller;
    keel_spawn_monitor(
            call_the_gate, keel_tuple_of(keel_from_pid(pid), keel_int(1)), &caller);
    keel_request request = keel_send_request(pid, keel_atom(x));
    CHECK_OK(keel_gen_statem_stop(pid, keel_atom(over), SOON));
    keel_term reason;
    CHECK_INT(keel_receive_response(request, SOON, &reason), KEEL_E_EXIT);
    CHECK_TERM(reason, "over");
    CHECK_TERM(await_down(caller), "{_, {gen_statem, call, _}}");
}

PROCESS_TEST("an inserted event comes before all others, several in order",
        .ids = "SM-076 SM-069")
{
    keel_pid pid = new_machine(.probed = true);
    CAST(pid, "{keep_state, postpone}");
    CAST(pid, "block");
    CAST(pid, "{next_state, b, [{next_event, internal, 1}, {next_event, cast, 2}]}");
    CHECK_OK(keel_cast(pid, keel_atom(queued)));
    keel_send(pid, keel_atom(go));
    EXPECT_NEXT("{a, cast, {do, {keep_state, postpone}}}");
    EXPECT_NEXT("{a, cast, {do, block}}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{b, internal, 1}");
    EXPECT_NEXT("{b, cast, 2}");
    EXPECT_NEXT("{b, cast, {do, {keep_state, postpone}}}");
    EXPECT_NEXT("{b, cast, queued}");
    end_process(pid);
}

PROCESS_TEST("events of every type can be inserted", .ids = "SM-077 SM-081")
{
    keel_pid pid = new_machine(.probed = true);
    keel_term self = keel_from_pid(keel_self());
    CAST(pid,
            "{keep_state, [{state_timeout, 3600000, real}, {next_event, cast, 1}, "
            "{next_event, "
            "info, 2}, {next_event, internal, 3}, {next_event, {call, {Self, tag}}, {do, "
            "{keep_state, {reply, 4}}}}, {next_event, timeout, 5}, {next_event, "
            "state_timeout, "
            "6}, {next_event, {timeout, n}, 7}]}",
            self);
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, cast, 1}");
    EXPECT_NEXT("{a, info, 2}");
    EXPECT_NEXT("{a, internal, 3}");
    EXPECT_NEXT("{a, call, _}");
    EXPECT_NEXT("{tag, 4}");
    EXPECT_NEXT("{a, timeout, 5}");
    EXPECT_NEXT("{a, state_timeout, 6}");
    EXPECT_NEXT("{a, {timeout, n}, 7}");
    keel_term status;
    CHECK_OK(keel_sys_get_status(pid, &status));
    CHECK_TERM(status, "{status, _, _, [_, _, _, _, [_, {data, [_, _, _, {_, {1, "
                       "[{state_timeout, real}]}} | _]} | _]]}");
    end_process(pid);
}
