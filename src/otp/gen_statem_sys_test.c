// What a state machine answers to sys.

#include "statem_testing.h"

PROCESS_TEST("the status has everything a machine holds", .ids = "SM-119 SM-001")
{
    keel_pid pid = actor_started(keel_gen_statem_start(
            &machine, MACHINE(.data = "held"), .name = keel_atom(shown)));
    CAST(pid,
            "{keep_state, [postpone, {state_timeout, 3600000, s}, {{timeout, n}, 3600000, "
            "t}]}");
    CHECK_OK(keel_sys_log(pid, keel_bool(true), NULL));
    SYNC(pid);
    keel_term status;
    CHECK_OK(keel_sys_get_status(pid, &status));
    keel_term data = KEEL_NONE;
    CHECK_TERM(status,
            "{status, ^Pid, {module, gen_statem}, [_, running, ^Pid, _, [{header, \"Status "
            "for "
            "state machine shown\"}, _, {data, [{\"State\", {a, held}}]}]]}",
            pid);
    CHECK(keel_match(status, "{status, _, _, [_, _, _, _, [_, {data, Data}, _]]}", &data));
    CHECK_TERM(data,
            "[{\"Status\", running}, {\"Parent\", ^Pid}, {\"Modules\", [machine]}, "
            "{\"Time-outs\", {2, [{state_timeout, s}, {{timeout, n}, t}]}}, {\"Logged "
            "Events\", [_, _ | _]}, {\"Postponed\", [{cast, {do, _}}]}]",
            pid);
    end_process(pid);
}

PROCESS_TEST(
        "while suspended nothing is handled, then all in order", .ids = "SM-120 SM-123")
{
    keel_pid pid = new_machine(.probed = true);
    CHECK_OK(keel_sys_suspend(pid));
    CHECK_OK(keel_cast(pid, keel_int(1)));
    keel_request request = keel_send_request(pid, DO("{keep_state, [{reply, 2}]}"));
    CHECK_OK(keel_cast(pid, keel_int(3)));
    EXPECT_STATE(pid, "{a, []}");
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_sys_resume(pid));
    keel_term reply;
    CHECK_OK(keel_receive_response(request, SOON, &reply));
    CHECK_TERM(reply, "2");
    EXPECT_NEXT("{a, cast, 1}");
    EXPECT_NEXT("{a, call, _}");
    EXPECT_NEXT("{a, cast, 3}");
    end_process(pid);
}

SIMULATED_TEST("timeouts of a suspended machine wait too", .ids = "SM-120")
{
    keel_pid pid = new_machine(.probed = true,
            .start = "{ok, a, [{state_timeout, 10, x}]}");
    CHECK_OK(keel_sys_suspend(pid));
    keel_sleep(KEEL_MS(100));
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_sys_resume(pid));
    EXPECT_NEXT("{a, state_timeout, x}");
    end_process(pid);
}

static keel_term move_on(keel_term state_and_data, void *context)
{
    CHECK_TERM(state_and_data, "{a, [1]}");
    CHECK(context != NULL);
    return keel_make("{b, [2, Data]}", keel_element(state_and_data, 1));
}

static keel_term crash(keel_term state_and_data, void *context)
{
    (void)state_and_data;
    (void)context;
    keel_error(keel_atom(oops));
}

static keel_term no_pair(keel_term state_and_data, void *context)
{
    (void)context;
    return keel_element(state_and_data, 0);
}

PROCESS_TEST("state and data are replaced together, or not at all", .ids = "SM-121 SM-123")
{
    keel_pid pid = new_machine(.data = "[1]");
    int context;
    keel_term state = KEEL_NONE;
    CHECK_OK(keel_sys_replace_state(pid, move_on, &context, &state));
    CHECK_TERM(state, "{b, [2, [1]]}");
    EXPECT_STATE(pid, "{b, [2, [1]]}");
    CHECK_INT(keel_sys_replace_state(pid, crash, NULL, &state), KEEL_E_REFUSED);
    CHECK_TERM(state, "{callback_failed, {gen_statem, system_replace_state}, {error, "
                      "oops}}");
    CHECK_INT(keel_sys_replace_state(pid, no_pair, NULL, &state), KEEL_E_REFUSED);
    EXPECT_STATE(pid, "{b, [2, [1]]}");
    CHECK_OK(keel_sys_suspend(pid));
    CHECK_INT(keel_sys_replace_state(pid, crash, NULL, &state), KEEL_E_REFUSED);
    EXPECT_STATE(pid, "{b, [2, [1]]}");
    CHECK_OK(keel_sys_resume(pid));
    SYNC(pid);
    end_process(pid);
}

PROCESS_TEST("sys may terminate a machine")
{
    keel_pid pid = new_machine(.probed = true);
    keel_ref monitor = keel_monitor(pid);
    CHECK_OK(keel_sys_terminate(pid, keel_atom(over)));
    EXPECT_NEXT("{terminate, over, a}");
    CHECK_TERM(await_down(monitor), "over");
}

PROCESS_TEST("events are told of as OTP tells of them")
{
    keel_pid pid = actor_started(
            keel_gen_statem_start(&machine, MACHINE(), .debug = keel_make("[{log, 20}]")));
    CAST(pid, "{keep_state, [postpone, {state_timeout, 3600000, x}]}");
    CHECK_TERM(CALL(pid, "{next_state, b, {reply, r}}"), "r");
    SYNC(pid);
    keel_term log = KEEL_NONE;
    CHECK_OK(keel_sys_log(pid, keel_atom(get), &log));
    keel_term item;
    CHECK(keel_list_next(&log, &item));
    CHECK_TERM(item, "{enter, _, a}");
    CHECK(keel_list_next(&log, &item));
    CHECK_TERM(item, "{consume, {internal, init_state}, a, a}");
    CHECK(keel_list_next(&log, &item));
    CHECK_TERM(item, "{in, {cast, {do, _}}, a}");
    CHECK(keel_list_next(&log, &item));
    CHECK_TERM(item, "{postpone, {cast, _}, a, a}");
    CHECK(keel_list_next(&log, &item));
    CHECK_TERM(item, "{start_timer, {state_timeout, 3600000, x, []}, a}");
    CHECK(keel_list_next(&log, &item));
    CHECK_TERM(item, "{in, {{call, _}, _}, a}");
    CHECK(keel_list_next(&log, &item));
    CHECK_TERM(item, "{out, r, {_, _}}");
    CHECK(keel_list_next(&log, &item));
    CHECK_TERM(item, "{consume, {{call, _}, _}, a, b}");
    CHECK(keel_list_next(&log, &item));
    CHECK_TERM(item, "{postpone, {cast, _}, b, b}"); // once more; it came in long ago
    end_process(pid);
}

// --- other versions ---

static keel_term grow(keel_term old_version, keel_term *state, void *data, keel_term extra)
{
    struct machine *self = data;
    if (keel_is(extra, refuse)) {
        *state = keel_atom(lost);
        keel_set(&self->data, keel_atom(lost));
        return keel_make("{ok, only_data}");
    }
    if (keel_is(extra, crash)) {
        keel_set(&self->data, keel_atom(lost));
        keel_error(keel_atom(oops));
    }
    *state = keel_make("{new, State}", *state);
    keel_set(&self->data, keel_make("{grown, Data, From}", self->data, old_version));
    return keel_atom(ok);
}
static const keel_gen_statem changing = {.name = "changing",
        MACHINE_CALLBACKS,
        .handle_event = machine_event,
        .code_change = grow,
        .version = "1"};

static keel_status change(keel_pid pid, keel_term extra, keel_term *ret_error)
{
    CHECK_OK(keel_sys_suspend(pid));
    keel_status status = keel_sys_change_code(
            pid, keel_atom(changing), keel_atom(v0), extra, ret_error);
    CHECK_OK(keel_sys_resume(pid));
    return status;
}

PROCESS_TEST(
        "a change of code gives new state and data, or leaves both", .ids = "SM-125 SM-127")
{
    keel_pid pid = machine_of(&changing, .data = "d");
    keel_term error = KEEL_NONE;
    CHECK_OK(change(pid, keel_nil(), &error));
    EXPECT_STATE(pid, "{{new, a}, {grown, d, v0}}");
    CHECK_INT(change(pid, keel_atom(refuse), &error), KEEL_E_REFUSED);
    CHECK_TERM(error, "{ok, only_data}");
    CHECK_INT(change(pid, keel_atom(crash), &error), KEEL_E_REFUSED);
    CHECK_TERM(error, "{'EXIT', {oops, [_ | _]}}");
    EXPECT_STATE(pid, "{{new, a}, {grown, d, v0}}");
    SYNC(pid);
    end_process(pid);
}

PROCESS_TEST("a machine without code_change cannot change, and lives", .ids = "SM-128")
{
    keel_pid pid = new_machine();
    keel_term error = KEEL_NONE;
    CHECK_INT(change(pid, keel_nil(), &error), KEEL_E_REFUSED);
    CHECK_TERM(error, "{'EXIT', {undef, [{machine, code_change, 4, []}]}}");
    SYNC(pid);
    end_process(pid);
}

// The next version: functions for states, and a field more.
struct wider {
    int64_t count;
    keel_term enters, data;
    keel_pid probe;
};

static keel_result ready(const keel_event *event, void *data)
{
    struct wider *self = data;
    self->count++;
    return event->type == KEEL_EVENT_CALL
                   ? keel_keep_state(keel_do_reply(
                             event->from, keel_make("{N, Data}", self->count, self->data)))
                   : keel_keep_state();
}

static keel_term widen(keel_term old_version, keel_term *state, void *data, keel_term extra)
{
    struct wider *self = data;
    CHECK_TERM(old_version, "<<\"1\">>");
    CHECK_TERM(*state, "a");
    self->count = keel_to_int(extra);
    *state = keel_atom(ready);
    return keel_is(extra, no) ? extra : keel_atom(ok);
}
static const keel_gen_statem next_version = {.name = "changing",
        .data = KEEL_STATE(struct wider, count, enters, data, probe),
        .states = KEEL_STATES(ready),
        .code_change = widen};
static const keel_gen_statem broken_version = {
        .name = "changing", .data = KEEL_STATE(struct wider, count)};

PROCESS_TEST("another version may have other data and another mode", .ids = "SM-125")
{
    keel_pid pid = machine_of(&changing, .data = "kept");
    keel_term error = KEEL_NONE;
    CHECK_INT(keel_gen_statem_upgrade(pid, &next_version, keel_atom(no), &error),
            KEEL_E_REFUSED);
    CHECK_TERM(error, "no");
    CHECK_INT(keel_gen_statem_upgrade(pid, &broken_version, keel_nil(), &error),
            KEEL_E_REFUSED);
    CHECK_TERM(error, "{{bad_return_from_callback_mode, []}, []}");
    EXPECT_STATE(pid, "{a, kept}");
    keel_request request = keel_send_request(pid, DO("{keep_state, [{reply, old}]}"));
    CHECK_OK(keel_gen_statem_upgrade(pid, &next_version, keel_int(40), &error));
    keel_term reply = KEEL_NONE;
    CHECK_OK(keel_receive_response(request, SOON, &reply));
    CHECK_TERM(reply, "old");
    CHECK_TERM(keel_gen_statem_call_or_exit(pid, keel_atom(x)), "{41, kept}");
    EXPECT_STATE(pid, "{ready, #{count := 41, data := kept}}");
    CHECK_INT(keel_gen_statem_upgrade(pid, NULL, keel_nil(), &error), KEEL_E_BADARG);
    end_process(pid);
}
