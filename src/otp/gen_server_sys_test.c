// gen_server: its state seen and replaced from outside, its status, code changes.

#include "otp_testing.h"

struct counter {
    int64_t value;
    keel_term name; // kept
};

static keel_result counter_init(keel_term initial, void *state)
{
    struct counter *counter = state;
    counter->value = keel_to_int(initial);
    keel_set(&counter->name, keel_string("a name that is longer than one word can be"));
    return keel_ok();
}

static keel_result counter_call(keel_term request, keel_from from, void *state)
{
    (void)from;
    struct counter *counter = state;
    if (keel_is(request, next)) {
        return keel_reply(keel_int(counter->value++));
    }
    return keel_unexpected(request);
}

// Extra: ok, or what to answer, or {exit, R}, after the state was changed.
static keel_term counter_change(keel_term old_version, void *state, keel_term extra)
{
    struct counter *counter = state;
    counter->value += 1000;
    keel_set(&counter->name, keel_tuple_of(keel_atom(changed), old_version));
    keel_term reason = KEEL_NONE;
    if (keel_match(extra, "{exit, Reason}", &reason)) {
        keel_exit(reason);
    }
    return extra;
}

static const keel_gen_server counter_server = {
        .name = "counter",
        .state = KEEL_STATE(struct counter, value, name),
        .init = counter_init,
        .handle_call = counter_call,
        .code_change = counter_change,
};

static keel_pid new_counter(int value)
{
    return actor_started(keel_gen_server_start(&counter_server, keel_int(value)));
}

static keel_term state_of(keel_pid pid)
{
    keel_term state = KEEL_NONE;
    CHECK_OK(keel_sys_get_state(pid, &state));
    return state;
}

PROCESS_TEST("the state of a server is shown field by field", .ids = "GS-155 SY-001")
{
    keel_pid pid = new_counter(3);
    CHECK_TERM(state_of(pid),
            "#{value := 3, name := <<\"a name that is longer than one word "
            "can be\">>}");
    keel_call_or_exit(pid, keel_atom(next));
    CHECK_TERM(state_of(pid), "#{value := 4}");
    CHECK_OK(keel_register(keel_atom(counted), pid));
    keel_term state;
    CHECK_OK(keel_sys_get_state("counted", &state));
    CHECK_OK(keel_sys_get_state(
            keel_tuple_of(keel_atom(counted), keel_node_self()), &state));
    stop_actor(pid);
}

static keel_term add_hundred(keel_term state, void *context)
{
    *(bool *)context = true;
    int64_t value;
    CHECK(keel_match(state, "#{value := Value}", &value));
    return keel_map_put(state, keel_atom(value), keel_int(value + 100));
}

PROCESS_TEST("replacing a state gives the new one, which is then in force",
        .ids = "GS-156 GS-158 SY-003 SY-006")
{
    keel_pid pid = new_counter(1);
    for (int suspended = 0; suspended < 2; suspended++) {
        bool ran = false;
        keel_term state;
        CHECK_OK(keel_sys_replace_state(pid, add_hundred, &ran, &state));
        CHECK(ran);
        CHECK_TERM(state, "#{value := Value}", &(int){0});
        CHECK_INT(
                keel_to_int(keel_map_get(state, keel_atom(value))), 101 + 100 * suspended);
        CHECK_EQUAL(state_of(pid), state);
        CHECK_OK(keel_sys_suspend(pid));
    }
    CHECK_OK(keel_sys_resume(pid));
    CHECK_INT(keel_to_int(keel_call_or_exit(pid, keel_atom(next))), 201);
    stop_actor(pid);
}

static keel_term fail_to_replace(keel_term state, void *context)
{
    (void)state;
    if (context == NULL) {
        keel_exit(keel_atom(no_idea));
    }
    keel_error(keel_atom(broken));
}

PROCESS_TEST("a function that fails leaves the state as it was", .ids = "GS-157 SY-005")
{
    keel_pid pid = new_counter(5);
    keel_term why;
    CHECK_INT(keel_sys_replace_state(pid, fail_to_replace, NULL, &why), KEEL_E_REFUSED);
    CHECK_TERM(
            why, "{callback_failed, {gen_server, system_replace_state}, {exit, no_idea}}");
    CHECK_INT(
            keel_sys_replace_state(pid, fail_to_replace, pid.word != 0 ? &pid : NULL, &why),
            KEEL_E_REFUSED);
    CHECK_TERM(why, "{callback_failed, _, {error, broken}}");
    CHECK_TERM(state_of(pid), "#{value := 5}");
    CHECK_INT(keel_to_int(keel_call_or_exit(pid, keel_atom(next))), 5);
    stop_actor(pid);
}

static keel_term fail_to_show(const void *state)
{
    (void)state;
    keel_error(keel_atom(secret));
}

static const keel_gen_server secretive_server = {
        .name = "secretive",
        .state = KEEL_STATE(struct counter, value),
        .init = counter_init,
        .handle_call = counter_call,
        .get_state = fail_to_show,
};

PROCESS_TEST("a get_state that fails is the asker's loss", .ids = "SY-005")
{
    keel_pid pid = actor_started(keel_gen_server_start(&secretive_server, keel_int(1)));
    keel_term why;
    CHECK_INT(keel_sys_get_state(pid, &why), KEEL_E_REFUSED);
    CHECK_TERM(why, "{callback_failed, {gen_server, system_get_state}, {error, secret}}");
    CHECK_OK(keel_sys_get_status(pid, &why));
    CHECK_INT(keel_to_int(keel_call_or_exit(pid, keel_atom(next))), 1);
    stop_actor(pid);
}

static keel_term wrap(keel_term state, void *context)
{
    (void)context;
    return keel_tuple_of(keel_atom(wrapped), state);
}

PROCESS_TEST("a state that is one term is shown as it is", .ids = "GS-155 GS-156")
{
    static const keel_gen_server holder = {
            .name = "holder", .state = KEEL_STATE_TERM, .init = keel_init_term};
    keel_pid pid = actor_started(keel_gen_server_start(&holder, keel_make("{a, [b]}")));
    CHECK_TERM(state_of(pid), "{a, [b]}");
    keel_term state;
    CHECK_OK(keel_sys_replace_state(pid, wrap, NULL, &state));
    CHECK_TERM(state_of(pid), "{wrapped, {a, [b]}}");
    stop_actor(pid);
}

// --- status ---

static keel_term misc_of(keel_pid pid)
{
    keel_term status = KEEL_NONE;
    keel_term misc = KEEL_NONE;
    CHECK_OK(keel_sys_get_status(pid, &status));
    CHECK(keel_match(status, "{status, ^Pid, {module, gen_server}, [_, _, _, _, Misc]}",
            keel_from_pid(pid), &misc));
    return misc;
}

// The value of a "Label" in the {data, List} entries.
static keel_term data_of(keel_term misc, const char *label)
{
    keel_term entry;
    while (keel_list_next(&misc, &entry)) {
        keel_term list = KEEL_NONE;
        if (keel_match(entry, "{data, List}", &list)) {
            keel_term value = keel_proplist_get(list, keel_charlist(label));
            if (!keel_is_none(value)) {
                return value;
            }
        }
    }
    return KEEL_NONE;
}

PROCESS_TEST("the status has header, state, parent and whether it is suspended",
        .ids = "SY-012 SY-013")
{
    keel_trap_exit(true);
    keel_pid pid = actor_started(keel_gen_server_start_link(
            &counter_server, keel_int(2), .name = keel_atom(status_counter)));
    keel_term status;
    CHECK_OK(keel_sys_get_status(pid, &status));
    CHECK_TERM(status, "{status, ^Pid, {module, gen_server}, [_, running, ^Self, [], _]}",
            pid, keel_self());
    keel_term misc = misc_of(pid);
    CHECK_EQUAL(keel_element(keel_head(misc), 1),
            keel_charlist("Status for generic server status_counter"));
    CHECK_TERM(data_of(misc, "State"), "#{value := 2}");
    CHECK_TERM(data_of(misc, "Status"), "running");
    CHECK_TERM(data_of(misc, "Parent"), "^Self", keel_self());
    CHECK_OK(keel_sys_suspend(pid));
    CHECK_OK(keel_sys_get_status(pid, &status));
    CHECK_TERM(status, "{status, _, _, [_, suspended, _, _, _]}");
    CHECK_TERM(data_of(misc_of(pid), "Status"), "suspended");
    CHECK_OK(keel_sys_resume(pid));
    stop_actor(pid);
    pid = new_counter(1);
    CHECK_OK(keel_sys_get_status(pid, &status));
    CHECK_TERM(status, "{status, ^Pid, _, [_, _, ^Parent, _, _]}", pid, pid);
    stop_actor(pid);
}

static keel_term hide(keel_term status)
{
    keel_term key;
    keel_term value;
    keel_term hidden = status;
    for (size_t i = 0; keel_map_at(status, i, &key, &value); i++) {
        hidden = keel_map_put(hidden, key, keel_tuple_of(keel_atom(hidden), key));
    }
    return hidden;
}

static keel_term fail_to_format(keel_term status)
{
    keel_exit(status);
}

static const keel_gen_server discreet = {.name = "discreet",
        .state = KEEL_STATE(struct counter, value),
        .init = counter_init,
        .handle_call = counter_call,
        .format_status = hide};

static const keel_gen_server failing = {.name = "failing",
        .state = KEEL_STATE(struct counter, value),
        .init = counter_init,
        .handle_call = counter_call,
        .format_status = fail_to_format};

PROCESS_TEST("format_status decides what status and report show", .ids = "GS-166 SY-014")
{
    catch_reports();
    keel_pid pid = actor_started(keel_gen_server_start(&discreet, keel_int(1)));
    keel_term misc = misc_of(pid);
    CHECK_TERM(data_of(misc, "State"), "{hidden, state}");
    CHECK_TERM(data_of(misc, "Logged events"), "{hidden, log}");
    keel_term why;
    CHECK_INT(keel_call(pid, keel_atom(strange), &why), KEEL_E_EXIT);
    EXPECT_MESSAGE(
            "{report, 0, #{label := {gen_server, terminate}, state := {hidden, state}, "
            "reason := {hidden, reason}, last_message := {hidden, message}, "
            "log := {hidden, log}}}");
}

PROCESS_TEST("a format_status that fails hides the state and harms nobody", .ids = "GS-166")
{
    keel_pid pid = actor_started(keel_gen_server_start(&failing, keel_int(1)));
    CHECK_TERM(data_of(misc_of(pid), "State"), "\"failing:format_status/1 crashed\"");
    CHECK_INT(keel_to_int(keel_call_or_exit(pid, keel_atom(next))), 1);
    stop_actor(pid);
}

// --- code change ---

static keel_status change(keel_pid pid, keel_term extra, keel_term *ret_error)
{
    return keel_sys_change_code(
            pid, keel_atom(counter), keel_atom_text("1"), extra, ret_error);
}

PROCESS_TEST("a code change makes a new state of the old one", .ids = "GS-159 SY-027")
{
    keel_pid pid = new_counter(1);
    CHECK_OK(keel_sys_suspend(pid));
    CHECK_OK(change(pid, keel_atom(ok), NULL));
    CHECK_TERM(state_of(pid), "#{value := 1001, name := {changed, '1'}}");
    CHECK_OK(keel_sys_resume(pid));
    CHECK_INT(keel_to_int(keel_call_or_exit(pid, keel_atom(next))), 1001);
    stop_actor(pid);
}

PROCESS_TEST("a server without code_change cannot change, and lives")
{
    keel_pid pid = actor_started(keel_gen_server_start(&bare_server, keel_nil()));
    CHECK_OK(keel_sys_suspend(pid));
    keel_term why = KEEL_NONE;
    CHECK_INT(change(pid, keel_nil(), &why), KEEL_E_REFUSED);
    CHECK_TERM(why, "{'EXIT', {undef, [{bare, code_change, 3, []}]}}");
    CHECK_OK(keel_sys_resume(pid));
    CHECK(keel_process_alive(pid));
    stop_actor(pid);
}

PROCESS_TEST("a code change that fails leaves everything as it was",
        .ids = "GS-160 SY-029 SY-031")
{
    keel_pid pid = new_counter(7);
    keel_term before = state_of(pid);
    CHECK_OK(keel_sys_suspend(pid));
    keel_term why;
    CHECK_INT(change(pid, keel_make("{error, no}"), &why), KEEL_E_REFUSED);
    CHECK_TERM(why, "{error, no}");
    CHECK_EQUAL(state_of(pid), before);
    CHECK_INT(change(pid, keel_make("{exit, crash}"), &why), KEEL_E_REFUSED);
    CHECK_TERM(why, "{'EXIT', crash}");
    CHECK_EQUAL(state_of(pid), before);
    keel_term status;
    CHECK_OK(keel_sys_get_status(pid, &status));
    CHECK_TERM(status, "{status, _, _, [_, suspended, _, _, _]}");
    CHECK_OK(keel_sys_resume(pid));
    CHECK_INT(keel_to_int(keel_call_or_exit(pid, keel_atom(next))), 7);
    stop_actor(pid);
}

PROCESS_TEST("the code of a server that is not suspended does not change", .ids = "SY-028")
{
    keel_pid pid = new_counter(1);
    keel_term why;
    CHECK_INT(change(pid, keel_atom(ok), &why), KEEL_E_REFUSED);
    CHECK_TERM(why, "{unknown_system_msg, {change_code, counter, '1', ok}}");
    CHECK_TERM(state_of(pid), "#{value := 1}");
    stop_actor(pid);
}
