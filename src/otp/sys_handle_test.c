// sys, as those see it who are asked: suspending, and processes written by hand.

#include "otp_testing.h"

PROCESS_TEST("a suspended server handles nothing until it is resumed, then in order",
        .ids = "SY-016 SY-017")
{
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    CHECK_OK(keel_sys_suspend(pid));
    keel_cast(pid, keel_int(1));
    keel_send(pid, keel_int(2));
    keel_cast(pid, keel_int(3));
    keel_term state;
    CHECK_OK(keel_sys_get_state(pid, &state)); // a round trip: it had its chance
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_sys_resume(pid));
    keel_call_or_exit(pid, keel_int(4));
    EXPECT_NEXT("{actor, cast, 1}");
    EXPECT_NEXT("{actor, info, 2}");
    EXPECT_NEXT("{actor, cast, 3}");
    EXPECT_NEXT("{actor, call, 4}");
    end_process(pid);
}

PROCESS_TEST("suspends do not nest", .ids = "SY-018 SY-019")
{
    keel_pid pid = lone_actor();
    CHECK_OK(keel_sys_resume(pid)); // of a running one: fine
    for (int i = 0; i < 3; i++) {
        CHECK_OK(keel_sys_suspend(pid));
    }
    CHECK_OK(keel_sys_resume(pid));
    CHECK_TERM(keel_call_or_exit(pid, ACT(play_get, KEEL_NONE)), "[]");
    stop_actor(pid);
}

SIMULATED_TEST(
        "a call to a suspended server times out and is handled after all", .ids = "SY-020")
{
    keel_pid pid = lone_actor();
    CHECK_OK(keel_sys_suspend(pid));
    keel_term reply;
    CHECK_INT(keel_call_within(
                      pid, ACT(play_push, keel_int(1)), KEEL_IN(KEEL_MS(30)), &reply),
            KEEL_E_TIMEOUT);
    CHECK_OK(keel_sys_resume(pid));
    CHECK_TERM(keel_call_or_exit(pid, ACT(play_get, KEEL_NONE)), "[1]");
    EXPECT_NO_MESSAGE();
    stop_actor(pid);
}

PROCESS_TEST("a suspended server shows its state, is traced and killed", .ids = "SY-023")
{
    keel_trap_exit(true);
    keel_pid pid = new_actor(.state = keel_atom(seen));
    CHECK_OK(keel_sys_suspend(pid));
    keel_term state;
    CHECK_OK(keel_sys_get_state(pid, &state));
    CHECK_TERM(state, "seen");
    CHECK_OK(keel_sys_get_status(pid, &state));
    CHECK_OK(keel_sys_trace(pid, true));
    CHECK_OK(keel_sys_trace(pid, false));
    CHECK_OK(keel_process_exit(pid, keel_atom(kill)));
    EXPECT_NEXT("{'EXIT', ^Pid, killed}", pid);
}

static keel_result play_timeout(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    (void)actor;
    return keel_then_timeout(played(from, keel_atom(ok)), KEEL_MS(20));
}

SIMULATED_TEST("a suspended server has no timeouts; they count anew when it resumes")
{
    keel_pid pid = lone_actor(.probed = true);
    EXPECT_NEXT("{actor, init, _}");
    keel_call_or_exit(pid, ACT(play_timeout, KEEL_NONE));
    EXPECT_NEXT("{actor, call, _}");
    CHECK_OK(keel_sys_suspend(pid));
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_sys_resume(pid));
    EXPECT_NEXT("{actor, info, timeout}");
    end_process(pid);
}

// --- a process written by hand ---

struct special {
    keel_sys sys;
    keel_term value;
    keel_term watcher;
};

static keel_term special_misc(void *state)
{
    return ((struct special *)state)->value;
}

static void special_set(void *state, keel_term term)
{
    keel_set(&((struct special *)state)->value, term);
}

static keel_term special_change(
        void *state, keel_term module, keel_term old_version, keel_term extra)
{
    if (keel_is(extra, fail)) {
        keel_exit(keel_atom(cannot));
    }
    special_set(state, keel_tuple_of(module, old_version, extra));
    return keel_atom(ok);
}

static keel_next special_terminate(void *state, keel_term reason)
{
    keel_send(((struct special *)state)->watcher, keel_tuple_of(keel_atom(ending), reason));
    return keel_next_exit(reason);
}

static keel_next special_resume(void *state)
{
    keel_send(((struct special *)state)->watcher, keel_atom(goes_on));
    return keel_next_wait();
}

static const keel_sys_ops special_ops = {
        .module = "special",
        .misc = special_misc,
        .set_state = special_set,
        .code_change = special_change,
        .resume = special_resume,
        .terminate = special_terminate,
};

static void special(keel_term watcher)
{
    struct special self = {.value = keel_atom(begun), .watcher = watcher};
    keel_sys_options(&self.sys, keel_make("[{log, 3}, rubbish]"));
    keel_gen_ack(keel_atom(up));
    for (;;) {
        keel_term message = keel_receive();
        if (keel_sys_message(&self.sys, &special_ops, &self, message)) {
            continue;
        }
        if (self.sys.debug != NULL) {
            keel_sys_event(
                    &self.sys, &special_ops, &self, keel_tuple_of(keel_atom(in), message));
        }
        keel_send(watcher, keel_tuple_of(keel_atom(got), message));
    }
}

static keel_pid new_special(void)
{
    keel_pid pid;
    keel_term ack;
    CHECK_OK(keel_start_body(
            special, keel_from_pid(keel_self()), NULL, SOON, &pid, NULL, &ack));
    return pid;
}

static keel_term double_up(keel_term state, void *context)
{
    (void)context;
    return keel_tuple_of(state, state);
}

PROCESS_TEST("a process written by hand answers system messages",
        .ids = "SY-065 SY-002 SY-012 SY-067 SY-068")
{
    keel_pid pid = new_special();
    keel_send(pid, keel_atom(one));
    EXPECT_NEXT("{got, one}");
    keel_term answer;
    CHECK_OK(keel_sys_get_state(pid, &answer));
    EXPECT_NEXT("goes_on");
    CHECK_TERM(answer, "begun"); // the whole of misc
    CHECK_OK(keel_sys_replace_state(pid, double_up, NULL, &answer));
    EXPECT_NEXT("goes_on");
    CHECK_TERM(answer, "{begun, begun}");
    CHECK_OK(keel_sys_get_status(pid, &answer));
    EXPECT_NEXT("goes_on");
    CHECK_TERM(answer,
            "{status, ^Pid, {module, special}, "
            "[_, running, ^Pid, [{log, 3}], {begun, begun}]}",
            pid);
    CHECK_OK(keel_sys_log(pid, keel_atom(get), &answer));
    CHECK_TERM(answer, "[{in, one}]");
    EXPECT_NEXT("goes_on");
    CHECK_OK(keel_sys_suspend(pid));
    keel_send(pid, keel_atom(two));
    CHECK_OK(keel_sys_change_code(pid, keel_atom(m), keel_int(1), keel_atom(x), &answer));
    CHECK_INT(
            keel_sys_change_code(pid, keel_atom(m), keel_int(1), keel_atom(fail), &answer),
            KEEL_E_REFUSED);
    CHECK_TERM(answer, "{'EXIT', cannot}");
    CHECK_OK(keel_sys_get_state(pid, &answer));
    CHECK_TERM(answer, "{m, 1, x}");
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_sys_resume(pid));
    EXPECT_NEXT("goes_on");
    EXPECT_NEXT("{got, two}");
    keel_ref monitor = keel_monitor(pid);
    CHECK_OK(keel_sys_terminate(pid, keel_atom(over)));
    EXPECT_NEXT("{ending, over}");
    CHECK_TERM(await_down(monitor), "over");
}

static keel_term act_new_special(keel_term watcher)
{
    keel_pid pid;
    keel_term ack;
    keel_spawn_opts opts = {.link = true};
    CHECK_OK(keel_start_body(special, watcher, &opts, SOON, &pid, NULL, &ack));
    return keel_from_pid(pid);
}

PROCESS_TEST("a suspended process of its own ends with its parent when it traps exits")
{
    // This one does not trap, so the parent's end is an exit signal to it.
    keel_pid parent = new_puppet();
    keel_pid pid = keel_to_pid(ask(parent, act_new_special, keel_from_pid(keel_self())));
    CHECK_OK(keel_sys_suspend(pid));
    keel_ref monitor = keel_monitor(pid);
    tell(parent, act_exit, keel_atom(gone));
    CHECK_TERM(await_down(monitor), "gone");
}

// --- a handler written by hand ---

struct plain {
    keel_sys sys;
    keel_pid watcher;
};

static keel_term plain_misc(void *state)
{
    (void)state;
    return keel_make("[plain]");
}

static const keel_sys_ops plain_ops = {.module = "plain", .misc = plain_misc};

static keel_next plain_start(void *state, keel_term watcher)
{
    struct plain *plain = state;
    plain->watcher = keel_to_pid(watcher);
    keel_gen_ack(keel_atom(ready));
    return keel_next_again();
}

static keel_next plain_call(struct plain *plain, const keel_message *message)
{
    if (keel_is(message->body, logged)) {
        keel_gen_reply(message->from, keel_sys_logged(&plain->sys));
    } else if (keel_is(message->body, parent)) {
        keel_gen_reply(message->from, keel_from_pid(keel_gen_parent()));
    } else {
        keel_gen_reply(message->from, keel_atom(resting));
        return keel_next_suspended();
    }
    return keel_next_wait();
}

static keel_next plain_receive(void *state, const keel_message *message)
{
    struct plain *plain = state;
    if (plain->sys.debug != NULL) {
        keel_sys_event(&plain->sys, &plain_ops, plain, keel_make("{in, B}", message->body));
    }
    switch (message->kind) {
    case KEEL_MESSAGE_AGAIN:
        keel_send(plain->watcher, keel_atom(again));
        return keel_next_hibernate(KEEL_NEVER);
    case KEEL_MESSAGE_SYSTEM:
        return keel_sys_handle(&plain->sys, &plain_ops, plain, message);
    case KEEL_MESSAGE_CALL:
        return plain_call(plain, message);
    default:
        keel_send(plain->watcher, keel_make("{got, B}", message->body));
        return keel_next_wait();
    }
}

static const keel_handler plain_handler = {.name = "plain",
        .state_bytes = sizeof(struct plain),
        .start = plain_start,
        .receive = plain_receive};

PROCESS_TEST(
        "a handler written by hand runs again, rests, logs, and is asked as any server")
{
    keel_spawn_opts opts = {.link = true};
    keel_pid pid;
    keel_term ack = KEEL_NONE, answer = KEEL_NONE;
    CHECK_OK(keel_gen_start(
            &plain_handler, keel_from_pid(keel_self()), &opts, SOON, &pid, NULL, &ack));
    CHECK_TERM(ack, "ready");
    EXPECT_NEXT("again");
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(parent)), "^Self", keel_self());
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(logged)), "[]");
    CHECK_OK(keel_sys_log(pid, keel_bool(true), &answer));
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(logged)), "[{in, logged}]");
    // Resting it takes system messages only; the first of them has it go on.
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(rest)), "resting");
    keel_send(pid, keel_atom(hello));
    CHECK_TERM(info_of(pid, keel_atom(message_queue_len)), "1");
    CHECK_OK(keel_sys_get_status(pid, &answer));
    CHECK_TERM(answer, "{status, ^Pid, {module, plain}, [_, running, _, _, [plain]]}", pid);
    EXPECT_NEXT("{got, hello}");
    keel_unlink(pid);
    // It has no function that changes code, and lives on.
    CHECK_OK(keel_sys_suspend(pid));
    CHECK_INT(keel_sys_change_code(pid, keel_atom(m), keel_int(1), keel_nil(), &answer),
            KEEL_E_REFUSED);
    CHECK_TERM(answer, "{'EXIT', {undef, [{plain, system_code_change, 4, []}]}}");
    CHECK_OK(keel_sys_resume(pid));
    keel_ref monitor = keel_monitor(pid);
    CHECK_OK(keel_sys_terminate(pid, keel_atom(over)));
    CHECK_TERM(await_down(monitor), "over");
    EXPECT_NO_MESSAGE();
}
