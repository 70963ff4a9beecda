// gen_statem: starting, events, hibernating, entering the loop. Its states are in
// gen_statem_state_test.c.

#include "statem_testing.h"

// --- starting ---

PROCESS_TEST("a machine starts in the state that init gives", .ids = "SM-001 SM-045")
{
    keel_started started = keel_gen_statem_start(
            &machine, MACHINE(.start = "{ok, {any, term}, []}", .data = "[data]"));
    CHECK_OK(started.status);
    EXPECT_STATE(started.pid, "{{any, term}, [data]}");
    CHECK_TERM(CALL(started.pid, "{data, d2, {next_state, s2, [{reply, done}]}}"), "done");
    EXPECT_STATE(started.pid, "{s2, d2}");
    stop_actor(started.pid);
}

PROCESS_TEST("start_link links, start does not, start_monitor monitors", .ids = "SM-002")
{
    keel_trap_exit(true);
    keel_pid alone = new_machine();
    keel_started linked = keel_gen_statem_start_link(&machine, MACHINE());
    keel_started watched = keel_gen_statem_start_monitor(&machine, MACHINE());
    end_process(alone);
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_process_exit(linked.pid, keel_atom(kill)));
    EXPECT_NEXT("{'EXIT', ^Pid, killed}", linked.pid);
    CHECK_OK(keel_process_exit(watched.pid, keel_atom(over)));
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, over}", watched.monitor, watched.pid);
}

static keel_started start_linked(const char *script)
{
    return keel_gen_statem_start_link(&machine, MACHINE(.probed = true, .start = script));
}

PROCESS_TEST("init may stop, fail or decline, and a trapping starter finds nothing",
        .ids = "SM-003 SM-004 SM-005 SM-007")
{
    keel_trap_exit(true);
    CHECK_TERM(keel_started_to_term(start_linked("{stop, no}")), "{error, no}");
    CHECK_TERM(keel_started_to_term(start_linked("{fail, sorry}")), "{error, sorry}");
    CHECK_TERM(keel_started_to_term(start_linked("ignore")), "ignore");
    CHECK_TERM(keel_started_to_term(start_linked("{exit, gone}")), "{error, gone}");
    CHECK_TERM(keel_started_to_term(start_linked("{error, oops}")),
            "{error, {oops, [_ | _]}}");
    CHECK_TERM(keel_started_to_term(start_linked("{keep_state, []}")),
            "{error, {bad_return_from_init, {keep_state, []}}}");
    CHECK_TERM(keel_started_to_term(start_linked("bad")),
            "{error, {bad_return_from_init, _}}");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("init that fails ends normally and without a report", .ids = "SM-004")
{
    catch_reports();
    keel_started started = keel_gen_statem_start_monitor(
            &machine, MACHINE(.start = "{fail, sorry}"));
    CHECK_TERM(keel_started_to_term(started), "{error, sorry}");
    CHECK(no_ref(started.monitor));
    EXPECT_NO_MESSAGE(); // not even of the monitor
}

SIMULATED_TEST(
        "an init that takes longer than the start's timeout is killed", .ids = "SM-006")
{
    keel_trap_exit(true);
    keel_started started = keel_gen_statem_start_link(&machine,
            MACHINE(.start = "{sleep, 1000, {ok, a, []}}"), .timeout = KEEL_MS(30),
            .name = keel_atom(slow));
    CHECK_TERM(keel_started_to_term(started), "{error, timeout}");
    CHECK(no_pid(keel_whereis("slow")));
    keel_sleep(KEEL_SECONDS(2));
    EXPECT_NO_MESSAGE();
}

static const keel_gen_statem modeless = {.name = "modeless", MACHINE_CALLBACKS};
static const keel_state_function no_states[] = {{NULL, NULL}};
static const keel_gen_statem two_modes = {.name = "two_modes",
        MACHINE_CALLBACKS,
        .handle_event = machine_event,
        .states = no_states};
static const keel_gen_statem initless = {.name = "initless"};

static keel_term end_of_started(const keel_gen_statem *module)
{
    keel_started started = keel_gen_statem_start_monitor(module, MACHINE());
    CHECK_OK(started.status);
    return await_down(started.monitor);
}

PROCESS_TEST("a machine must have one of the two modes", .ids = "SM-009")
{
    CHECK_TERM(end_of_started(&modeless), "{{bad_return_from_callback_mode, []}, _}");
    CHECK_TERM(end_of_started(&two_modes), "{{bad_return_from_callback_mode, "
                                           "[state_functions, handle_event_function]}, _}");
    CHECK_TERM(keel_started_to_term(keel_gen_statem_start(&initless, KEEL_NONE)),
            "{error, {undef, [{initless, init, 1, []}]}}");
    CHECK_INT(keel_gen_statem_start(NULL, KEEL_NONE).status, KEEL_E_BADARG);
    static const keel_gen_statem nameless = {.init = keel_init_term};
    CHECK_TERM(keel_gen_statem_start(&nameless, KEEL_NONE).reason, "{badarg, name}");
}

PROCESS_TEST("init's actions are done before the first message, in order",
        .ids = "SM-011 SM-012")
{
    keel_pid pid = new_machine(.probed = true,
            .start = "{ok, a, [{next_event, internal, 1}, {next_event, info, 2}, postpone, "
                     "{next_event, cast, {do, {next_state, b, []}}}]}");
    CAST(pid, "{keep_state, []}");
    EXPECT_NEXT("{a, internal, 1}");
    EXPECT_NEXT("{a, info, 2}");
    EXPECT_NEXT("{a, cast, {do, {next_state, b, []}}}");
    EXPECT_NEXT("{b, cast, {do, {keep_state, []}}}");
    stop_actor(pid);
    EXPECT_NEXT("{terminate, normal, b}");
}

PROCESS_TEST("a bad action of init ends the machine after it has started")
{
    keel_started started = keel_gen_statem_start_monitor(
            &machine, MACHINE(.start = "{ok, a, [nonsense]}"));
    CHECK_OK(started.status);
    CHECK_TERM(
            await_down(started.monitor), "{{bad_action_from_state_function, nonsense}, _}");
}

// A keeper of names: {via, nicknames, Key} is the local name Key.
static keel_pid whereis_nickname(keel_term key)
{
    return keel_whereis_term(key);
}
static bool register_nickname(keel_term key, keel_pid pid)
{
    return keel_register(key, pid) == KEEL_OK;
}
static void unregister_nickname(keel_term key)
{
    keel_unregister(key);
}
static const keel_via_ops nicknames = {.whereis = whereis_nickname,
        .register_name = register_nickname,
        .unregister_name = unregister_nickname};

PROCESS_TEST("a machine has names as a server has", .ids = "SM-010 SM-022")
{
    keel_trap_exit(true);
    CHECK_OK(keel_via_register(keel_atom(nicknames), &nicknames));
    keel_term names = keel_make("[here, {local, here}, {via, nicknames, nick}]");
    keel_term name;
    while (keel_list_next(&names, &name)) {
        keel_start_opts opts = {.argument = MACHINE(), .name = name};
        keel_started started = keel_gen_statem_start_opt(&machine, &opts);
        CHECK_OK(started.status);
        keel_term who = keel_is(keel_element(name, 0), local) ? keel_atom(here) : name;
        CHECK_EQUAL(keel_server_whereis(who), keel_from_pid(started.pid));
        CHECK_TERM(keel_gen_statem_call_or_exit(who, DO("{keep_state, [{reply, yes}]}")),
                "yes");
        CHECK_TERM(keel_started_to_term(keel_gen_statem_start_link_opt(&machine, &opts)),
                "{error, {already_started, ^Pid}}", started.pid);
        CHECK_OK(keel_gen_statem_stop(who, keel_atom(normal), SOON));
        CHECK(keel_is_none(keel_server_whereis(who)));
    }
    CHECK_OK(keel_via_register(keel_atom(nicknames), NULL));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("failing starts under one name never find it taken", .ids = "SM-014")
{
    keel_trap_exit(true);
    for (int i = 0; i < 200; i++) {
        keel_started started = keel_gen_statem_start_link(
                &machine, MACHINE(.start = "{stop, no}"), .name = keel_atom(again));
        CHECK_TERM(keel_started_to_term(started), "{error, no}");
    }
    EXPECT_NO_MESSAGE();
}

// --- events ---

PROCESS_TEST("calls, casts and messages come with their types, one at a time",
        .ids = "SM-033 SM-038 SM-044")
{
    keel_pid pid = new_machine(.probed = true);
    CHECK_OK(keel_cast(pid, keel_atom(one)));
    CHECK_OK(keel_send(pid, keel_make("{two}")));
    CHECK_TERM(CALL(pid, "{keep_state, [{reply, {x, y}}]}"), "{x, y}");
    EXPECT_NEXT("{a, cast, one}");
    EXPECT_NEXT("{a, info, {two}}");
    EXPECT_NEXT("{a, call, {do, _}}");
    stop_actor(pid);
    EXPECT_NEXT("{terminate, normal, a}");
    CHECK_OK(keel_cast(pid, keel_atom(nobody)));
}

SIMULATED_TEST("a callback that runs long delays everything, timeouts too", .ids = "SM-044")
{
    keel_pid pid = new_machine(.probed = true);
    CAST(pid, "{keep_state, [{{timeout, t}, 5, late}]}");
    CAST(pid, "{sleep, 100, {keep_state, []}}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, cast, _}");
    keel_sleep(KEEL_MS(10));
    CHECK_OK(keel_cast(pid, keel_atom(later)));
    int64_t before = keel_now();
    EXPECT_NEXT("{a, {timeout, t}, late}");
    CHECK(keel_now() - before >= KEEL_MS(80));
    EXPECT_NEXT("{a, cast, later}");
    end_process(pid);
}

SIMULATED_TEST("a call waits for ever unless it is told otherwise, and no late reply comes",
        .ids = "SM-034 SM-035 SM-036")
{
    keel_pid pid = new_machine();
    keel_term reply = KEEL_NONE;
    CHECK_OK(keel_gen_statem_call(
            pid, DO("{sleep, 20000, {keep_state, [{reply, late}]}}"), &reply));
    CHECK_TERM(reply, "late");
    CHECK_INT(
            keel_gen_statem_call_within(pid, DO("{sleep, 50, {keep_state, [{reply, x}]}}"),
                    KEEL_IN(KEEL_MS(10)), &reply),
            KEEL_E_TIMEOUT);
    keel_sleep(KEEL_MS(100));
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

static void call_and_exit(keel_term pid_and_script)
{
    keel_gen_statem_call_or_exit_within(keel_to_pid(keel_element(pid_and_script, 0)),
            keel_element(pid_and_script, 1), KEEL_MS(500));
}

static keel_term end_of_caller(keel_pid pid, keel_term request)
{
    keel_ref monitor;
    keel_spawn_monitor(call_and_exit, keel_tuple_of(keel_from_pid(pid), request), &monitor);
    return await_down(monitor);
}

PROCESS_TEST("a call that fails ends its caller with what OTP says",
        .ids = "SM-035 SM-037 SM-050")
{
    keel_trap_exit(true);
    CHECK_TERM(end_of_caller(dead_pid(), keel_atom(x)),
            "{noproc, {gen_statem, call, [_, x, 500]}}");
    keel_pid pid = new_machine();
    CHECK_TERM(end_of_caller(pid, keel_atom(unanswered)),
            "{timeout, {gen_statem, call, [^Pid, unanswered, 500]}}", pid);
    CHECK_TERM(end_of_caller(pid, DO("{stop, enough}")),
            "{enough, {gen_statem, call, [^Pid, _, 500]}}", pid);
    CHECK_TERM(end_of_caller(pid, keel_atom(x)), "{noproc, _}");
    pid = new_machine();
    CHECK_TERM(end_of_caller(pid, DO("bad")),
            "{{{bad_return_from_state_function, _}, []}, {gen_statem, call, _}}");
    keel_term reply;
    CHECK_INT(keel_gen_statem_call("nobody_here", keel_atom(x), &reply), KEEL_E_NOPROC);
}

// The call is kept in the data by the machine of the next test.
static keel_result keep_call(const keel_event *event, void *data)
{
    struct machine *self = data;
    if (event->type == KEEL_EVENT_CALL) {
        keel_set(&self->data, keel_from_to_term(event->from));
        return keel_next_state(keel_atom(owing));
    }
    return keel_keep_state(keel_do_reply(keel_from_of_term(self->data), event->content));
}
static const keel_gen_statem keeper = {
        .name = "keeper", MACHINE_CALLBACKS, .handle_event = keep_call};

PROCESS_TEST("a reply may come in a later state, or from anybody", .ids = "SM-039 SM-033")
{
    keel_pid pid = machine_of(&keeper);
    keel_request request = keel_send_request(pid, keel_atom(question));
    CHECK_OK(keel_send(pid, keel_atom(the_answer)));
    keel_term reply = KEEL_NONE;
    CHECK_OK(keel_receive_response(request, SOON, &reply));
    CHECK_TERM(reply, "the_answer");
    request = keel_send_request(pid, keel_atom(question));
    keel_term state = state_of(pid); // {owing, From}
    keel_reply_to(keel_from_of_term(keel_element(state, 1)), keel_atom(from_me));
    CHECK_OK(keel_wait_response(request, SOON, &reply));
    CHECK_TERM(reply, "from_me");
    stop_actor(pid);
}

PROCESS_TEST("requests are collected as those of a server", .ids = "SM-041")
{
    keel_pid pid = new_machine();
    keel_requests *requests = keel_requests_new();
    for (int i = 0; i < 3; i++) {
        keel_request request = keel_send_request(pid, DO("{keep_state, [{reply, N}]}", i));
        CHECK_OK(keel_requests_add(requests, request, keel_int(i)));
    }
    for (int i = 0; i < 3; i++) {
        keel_response response;
        CHECK_OK(keel_requests_receive(requests, SOON, true, &response));
        CHECK_INT(response.status, KEEL_OK);
        CHECK(keel_equal(response.reply, response.label));
    }
    keel_requests_free(requests);
    keel_request request = keel_send_request(pid, DO("{keep_state, [{reply, checked}]}"));
    keel_term reply;
    CHECK_OK(keel_check_response(keel_receive(), request, &reply));
    CHECK_TERM(reply, "checked");
    request = keel_send_request(pid, DO("{stop, over}"));
    CHECK_INT(keel_wait_response(request, SOON, &reply), KEEL_E_EXIT);
    CHECK_TERM(reply, "over");
    stop_actor(new_machine());
}

PROCESS_TEST("the tag of a call by hand may carry more", .ids = "SM-040")
{
    keel_pid pid = new_machine();
    keel_ref alias = keel_alias();
    keel_term tag = keel_make("[[alias | Alias] | payload]", alias);
    keel_send(pid, keel_make("{'$gen_call', {Self, Tag}, {do, {keep_state, [{reply, x}]}}}",
                           keel_self(), tag));
    EXPECT_NEXT("{^Tag, x}", tag);
    keel_unalias(alias);
    stop_actor(pid);
}

PROCESS_TEST("replies go out in order", .ids = "SM-042 SM-107")
{
    keel_pid pid = new_machine();
    keel_term self = keel_from_pid(keel_self());
    CAST(pid, "{keep_state, [{reply, {Self, 1}, a}, {reply, {Self, 2}, b}]}", self);
    EXPECT_NEXT("{1, a}");
    EXPECT_NEXT("{2, b}");
    CHECK_OK(keel_gen_statem_reply(
            keel_make("[{reply, {Self, 3}, a}, {reply, {Self, 4}, b}]", self)));
    CHECK_OK(keel_gen_statem_reply(keel_make("{reply, {Self, 5}, c}", self)));
    EXPECT_NEXT("{3, a}");
    EXPECT_NEXT("{4, b}");
    EXPECT_NEXT("{5, c}");
    stop_actor(pid);
}

// --- hibernating ---

SIMULATED_TEST("a machine hibernates until the next event, and system requests leave it so",
        .ids = "SM-114 SM-118")
{
    keel_pid pid = new_machine(.start = "{ok, a, [hibernate]}");
    CHECK_TERM(CALL(pid, "{keep_state, [hibernate, {reply, 1}]}"), "1");
    EXPECT_STATE(pid, "{a, []}");
    keel_sleep(KEEL_MS(1)); // by then it waits
    CHECK(hibernates(pid));
    CHECK_TERM(CALL(pid, "{next_state, b, [{reply, 2}]}"), "2");
    EXPECT_STATE(pid, "{b, []}");
    stop_actor(pid);
}

SIMULATED_TEST("a machine hibernates by itself when it has been idle, and timeouts wake it",
        .ids = "SM-116 SM-117")
{
    keel_started started = keel_gen_statem_start(&machine,
            MACHINE(.probed = true, .start = "{ok, a, [{{timeout, t}, 100, wake}]}"),
            .hibernate_after = KEEL_MS(10));
    CHECK_OK(started.status);
    keel_sleep(KEEL_MS(50));
    CHECK(hibernates(started.pid));
    EXPECT_NEXT("{a, {timeout, t}, wake}");
    keel_sleep(KEEL_MS(50));
    CHECK_TERM(CALL(started.pid, "{keep_state, [{reply, awake}, {state_timeout, 5, x}, "
                                 "hibernate]}"),
            "awake");
    EXPECT_NEXT("{a, call, _}");
    EXPECT_NEXT("{a, state_timeout, x}");
    end_process(started.pid);
}

// --- entering the loop ---

static keel_result first_state(keel_term argument, void *data)
{
    struct machine *self = data;
    self->probe = keel_to_pid(argument);
    keel_set(&self->data, keel_atom(given));
    keel_set(&self->enters, keel_make("#{}"));
    return keel_ok_in(
            keel_atom(entered), keel_do_next_event(KEEL_EVENT_INTERNAL, keel_atom(x)));
}

static keel_result first_bad(keel_term argument, void *data)
{
    (void)argument;
    (void)data;
    return keel_keep_state();
}

static void enter(keel_term first_and_options)
{
    void *first = keel_to_pointer(keel_element(first_and_options, 0), NULL);
    keel_gen_ack(keel_atom(up));
    keel_start_opts opts = {.argument = keel_element(first_and_options, 1),
            .name = keel_element(first_and_options, 2)};
    keel_gen_statem_enter_loop(
            &machine, (keel_result(*)(keel_term, void *))(uintptr_t)first, &opts);
}

static keel_ref enter_loop(
        keel_result (*first)(keel_term, void *), keel_term name, keel_pid *pid)
{
    keel_spawn_opts opts = {.monitor = true};
    keel_term ack;
    keel_ref monitor;
    CHECK_OK(keel_start_body(enter,
            keel_tuple_of(keel_pointer((const void *)(uintptr_t)first),
                    keel_from_pid(keel_self()), name),
            &opts, SOON, pid, &monitor, &ack));
    return monitor;
}

PROCESS_TEST(
        "a plain process becomes a machine with state, data and actions", .ids = "SM-134")
{
    keel_pid pid;
    keel_ref monitor = enter_loop(first_state, keel_atom(nil), &pid);
    EXPECT_NEXT("{entered, internal, x}");
    EXPECT_STATE(pid, "{entered, given}");
    CHECK_OK(keel_gen_statem_stop(pid, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{terminate, normal, entered}");
    CHECK_TERM(await_down(monitor), "normal");
    monitor = enter_loop(first_state, keel_atom(somebody_else), &pid);
    CHECK_TERM(await_down(monitor), "process_not_registered");
    monitor = enter_loop(first_bad, keel_atom(nil), &pid);
    CHECK_TERM(await_down(monitor), "{bad_return_from_init, _}");
}
