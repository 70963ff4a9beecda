// A machine whose callbacks another module takes over.

#include "statem_testing.h"

// Tells who handled the event: the probe gets {Module, State, Content}.
static keel_result tell_of(const char *who, const keel_event *event, void *data)
{
    struct machine *self = data;
    keel_send(self->probe,
            keel_make("{Who, State, Content}", who, event->state, event->content));
    if (keel_is(event->content, pop)) {
        return keel_next_state(keel_atom(back), keel_do_pop_module());
    }
    return keel_keep_state();
}

static keel_result second_event(const keel_event *event, void *data)
{
    return tell_of("second", event, data);
}
static keel_result third_event(const keel_event *event, void *data)
{
    return tell_of("third", event, data);
}

static const keel_state_function third_states[] = {{"deep", third_event}, {NULL, NULL}};
static const keel_gen_statem second = {.name = "second",
        MACHINE_CALLBACKS,
        .handle_event = second_event,
        .state_enter = true};
static const keel_gen_statem third = {
        .name = "third", MACHINE_CALLBACKS, .states = third_states};
static const keel_gen_statem modeless = {.name = "modeless", MACHINE_CALLBACKS};
static const keel_gen_statem other_data = {
        .name = "other_data", .data = KEEL_STATE_TERM, .handle_event = second_event};

static keel_term with_module(keel_term action)
{
    return DO("{next_state, deep, [Action]}", action);
}

PROCESS_TEST("another module takes over, with the mode it has", .ids = "SM-110")
{
    keel_pid pid = new_machine(.probed = true);
    CHECK_OK(keel_cast(pid, with_module(keel_do_change_module(&second))));
    CHECK_OK(keel_cast(pid, keel_atom(hello)));
    EXPECT_NEXT("{a, cast, {do, _}}");
    EXPECT_NEXT("{<<\"second\">>, deep, a}"); // entered: the new module wants to know
    EXPECT_NEXT("{<<\"second\">>, deep, hello}");
    end_process(pid);
    pid = new_machine(.probed = true);
    CHECK_OK(keel_cast(pid, with_module(keel_do_change_module(&third))));
    CHECK_OK(keel_cast(pid, keel_atom(hello)));
    EXPECT_NEXT("{a, cast, {do, _}}");
    EXPECT_NEXT("{<<\"third\">>, deep, hello}");
    end_process(pid);
}

PROCESS_TEST("a module that was pushed gives way to the one before", .ids = "SM-112")
{
    keel_pid pid = new_machine(.probed = true);
    CHECK_OK(keel_cast(pid, with_module(keel_do_push_module(&third))));
    CHECK_OK(keel_cast(pid, keel_atom(hello)));
    keel_term status;
    CHECK_OK(keel_sys_get_status(pid, &status));
    CHECK_TERM(status,
            "{status, _, _, [_, _, _, _, [_, {data, [_, _, {_, [third, machine]} "
            "| _]} | _]]}");
    CHECK_OK(keel_cast(pid, keel_atom(pop)));
    SYNC(pid);
    EXPECT_NEXT("{a, cast, {do, _}}");
    EXPECT_NEXT("{<<\"third\">>, deep, hello}");
    EXPECT_NEXT("{<<\"third\">>, deep, pop}");
    EXPECT_NEXT("{back, call, _}");
    keel_ref monitor = keel_monitor(pid);
    CAST(pid, "{keep_state, pop_callback_module}"); // one too many
    CHECK_TERM(await_down(monitor),
            "{{bad_action_from_state_function, pop_callback_module}, []}");
}

static keel_term end_after(keel_term action)
{
    keel_pid pid = new_machine();
    keel_ref monitor = keel_monitor(pid);
    CHECK_OK(keel_cast(pid, with_module(action)));
    return await_down(monitor);
}

PROCESS_TEST("a module without a mode, or with data of another size, cannot take over",
        .ids = "SM-110 SM-009")
{
    CHECK_TERM(end_after(keel_do_change_module(&modeless)),
            "{{bad_return_from_callback_mode, []}, []}");
    CHECK_TERM(end_after(keel_do_push_module(&other_data)),
            "{{bad_action_from_state_function, {push_callback_module, _}}, []}");
}
