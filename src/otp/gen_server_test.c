// gen_server: starting, init, names.

#include "otp_testing.h"

PROCESS_TEST("start returns when init has finished, and the server has the state it made",
        .ids = "GS-001")
{
    keel_started started = keel_gen_server_start(
            &actor_server, ACTOR(.probed = true, .state = keel_int(7)));
    CHECK_OK(started.status);
    EXPECT_NEXT("{actor, init, ^Pid}", started.pid);
    CHECK(keel_process_alive(started.pid));
    CHECK_INT(keel_to_int(keel_call_or_exit(started.pid, ACT(play_get, KEEL_NONE))), 7);
    stop_actor(started.pid);
}

PROCESS_TEST("start makes no link and start_link makes one", .ids = "GS-002")
{
    keel_trap_exit(true);
    keel_pid alone = lone_actor();
    keel_pid linked = new_actor();
    end_process(alone);
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_process_exit(linked, keel_atom(kill)));
    EXPECT_NEXT("{'EXIT', ^Pid, killed}", linked);
}

PROCESS_TEST("start_monitor gives a monitor of the new server", .ids = "GS-003")
{
    keel_started started = keel_gen_server_start_monitor(&actor_server, ACTOR());
    CHECK_OK(started.status);
    CHECK_OK(keel_process_exit(started.pid, keel_atom(over)));
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, over}", started.monitor, started.pid);
}

// Starts an actor whose init plays `act`, linked to the caller, and returns its first
// report's pid.
static keel_started start_playing(actor_act act, keel_term argument)
{
    return keel_gen_server_start_link(
            &actor_server, ACTOR(.probed = true, .init = act, .argument = argument));
}

static keel_pid started_pid(void)
{
    keel_pid pid;
    EXPECT_MESSAGE("{actor, init, Pid}", &pid);
    return pid;
}

PROCESS_TEST("init may decline to start", .ids = "GS-005 GS-008")
{
    keel_started started = start_playing(play_ignore, KEEL_NONE);
    CHECK_INT(started.status, KEEL_E_IGNORED);
    CHECK_TERM(keel_started_to_term(started), "ignore");
    CHECK_TERM(end_of(started_pid()), "noproc");
    EXPECT_NO_MESSAGE();
}

// Init links the new process to `witness_and_act`'s first pid, which hears how it ends.
static keel_result play_before(
        keel_term witness_and_act, keel_from from, struct actor *actor)
{
    CHECK_OK(keel_link(keel_to_pid(keel_element(witness_and_act, 0))));
    keel_term act = keel_element(witness_and_act, 1);
    void *function = keel_to_pointer(keel_element(act, 1), NULL);
    return ((actor_act)(uintptr_t)function)(keel_element(act, 2), from, actor);
}

static void tell_exits(keel_term watcher)
{
    keel_trap_exit(true);
    keel_send(watcher, keel_atom(ready));
    for (;;) {
        keel_send(watcher, keel_receive());
    }
}

// {Reason, Stack} of an error as {Reason, stack}.
static keel_term without_stack(keel_term reason)
{
    bool error = keel_match(reason, "{_, [_ | _]}");
    return error ? keel_tuple_of(keel_element(reason, 0), keel_atom(stack)) : reason;
}

PROCESS_TEST("a monitored start that fails gives the error and leaves no message",
        .ids = "GS-005 GS-006")
{
    keel_pid witness = keel_spawn(tell_exits, keel_from_pid(keel_self()));
    EXPECT_NEXT("ready");
    static const actor_act acts[] = {
            play_ignore, play_fail, play_stop, play_exit_with, play_error, play_bad};
    keel_term bad = keel_make("{bad_return_value, {keel_result, 0}}");
    keel_term ends = keel_make("{{none, normal}, {why, normal}, {why, why}, {why, why}, "
                               "{{why, stack}, {why, stack}}, {Bad, Bad}}",
            bad);
    for (size_t i = 0; i < KEEL_COUNT(acts); i++) {
        keel_term plan = keel_tuple_of(
                keel_from_pid(witness), ACT(acts[i], keel_atom(why)));
        keel_started started = keel_gen_server_start_monitor(
                &actor_server, ACTOR(.init = play_before, .argument = plan));
        keel_term end = keel_element(ends, i);
        CHECK_INT(started.status, i == 0 ? KEEL_E_IGNORED : KEEL_E_EXIT);
        CHECK(no_ref(started.monitor));
        if (i > 0) {
            CHECK_EQUAL(without_stack(started.reason), keel_element(end, 0));
        }
        keel_term reason = KEEL_NONE;
        EXPECT_NEXT("{'EXIT', _, Reason}", &reason);
        CHECK_EQUAL(without_stack(reason), keel_element(end, 1));
        EXPECT_NO_MESSAGE();
    }
    end_process(witness);
}

static void leave(keel_term reason, struct actor *actor)
{
    keel_send(actor->probe, keel_tuple_of(keel_atom(terminated), reason));
}

PROCESS_TEST(
        "init may fail with a reason, and terminate is not called", .ids = "GS-006 GS-082")
{
    keel_trap_exit(true);
    keel_started started = keel_gen_server_start_link(
            &actor_server, ACTOR(.probed = true, .trap_exit = true, .init = play_stop,
                                   .argument = keel_make("{no, 1}"), .at_end = leave));
    CHECK_INT(started.status, KEEL_E_EXIT);
    CHECK_TERM(keel_started_to_term(started), "{error, {no, 1}}");
    EXPECT_NEXT("{actor, init, _}");
    EXPECT_NO_MESSAGE();
}

static void start_failing(keel_term act)
{
    keel_started started = keel_gen_server_start_link(
            &actor_server, keel_make("{actor, actor, [], false, Act, [], AtEnd}", act,
                                   keel_pointer(NULL)));
    keel_exit(keel_tuple_of(keel_atom(went_on), keel_started_to_term(started)));
}

PROCESS_TEST("a starter that does not trap survives an error and falls with a stop",
        .ids = "GS-008")
{
    keel_ref monitor;
    keel_spawn_monitor(start_failing, ACT(play_fail, keel_atom(sorry)), &monitor);
    CHECK_TERM(await_down(monitor), "{went_on, {error, sorry}}");
    keel_spawn_monitor(start_failing, ACT(play_ignore, KEEL_NONE), &monitor);
    CHECK_TERM(await_down(monitor), "{went_on, ignore}");
    keel_spawn_monitor(start_failing, ACT(play_stop, keel_atom(broken)), &monitor);
    CHECK_TERM(await_down(monitor), "broken");
}

PROCESS_TEST("a crash in init is the error of the start, with its stack", .ids = "GS-010")
{
    keel_trap_exit(true);
    keel_started started = start_playing(play_error, keel_atom(oops));
    CHECK_INT(started.status, KEEL_E_EXIT);
    CHECK_TERM(started.reason, "{oops, [_ | _]}");
    CHECK_TERM(end_of(started_pid()), "noproc");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("an exit in init is the error of the start", .ids = "GS-011")
{
    keel_trap_exit(true);
    keel_started started = start_playing(play_exit_with, keel_atom(gone));
    CHECK_INT(started.status, KEEL_E_EXIT);
    CHECK_TERM(started.reason, "gone");
    CHECK_TERM(end_of(started_pid()), "noproc");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a result that init may not give is a bad return value", .ids = "GS-013")
{
    keel_trap_exit(true);
    keel_started started = start_playing(play_noreply, KEEL_NONE);
    CHECK_TERM(keel_started_to_term(started), "{error, {bad_return_value, noreply}}");
    started = start_playing(play_bad, KEEL_NONE);
    CHECK_TERM(
            keel_started_to_term(started), "{error, {bad_return_value, {keel_result, 0}}}");
    CHECK_TERM(end_of(started_pid()), "noproc");
    CHECK_TERM(end_of(started_pid()), "noproc");
    EXPECT_NO_MESSAGE();
}

static const keel_gen_server initless = {.name = "initless"};

PROCESS_TEST("a server without init cannot start", .ids = "GS-014")
{
    keel_started started = keel_gen_server_start(&initless, KEEL_NONE);
    CHECK_INT(started.status, KEEL_E_EXIT);
    CHECK_TERM(started.reason, "{undef, [{initless, init, 1, []}]}");
    CHECK_INT(keel_gen_server_start(NULL, KEEL_NONE).status, KEEL_E_BADARG);
    static const keel_gen_server nameless = {.init = keel_init_term};
    CHECK_TERM(keel_gen_server_start(&nameless, KEEL_NONE).reason, "{badarg, name}");
}

static keel_result play_slow(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    (void)from;
    keel_sleep(KEEL_SECONDS(1));
    keel_send(actor->probe, keel_atom(too_late));
    return keel_ok();
}

SIMULATED_TEST("an init that takes longer than the start's timeout is killed",
        .ids = "GS-015 GS-016 PL-018 PL-019 PL-023 PL-024")
{
    keel_trap_exit(true);
    for (int linked = 0; linked < 2; linked++) {
        keel_start_opts opts = {
                .argument = ACTOR(.probed = true, .init = play_slow),
                .name = keel_atom(slow),
                .timeout = KEEL_MS(30),
        };
        int64_t before = keel_now();
        keel_started started = linked ? keel_gen_server_start_link_opt(&actor_server, &opts)
                                      : keel_gen_server_start_opt(&actor_server, &opts);
        CHECK_INT(started.status, KEEL_E_TIMEOUT);
        CHECK_TERM(keel_started_to_term(started), "{error, timeout}");
        CHECK(keel_now() - before >= KEEL_MS(30));
        keel_pid pid = started_pid();
        CHECK(!keel_process_alive(pid));
        CHECK(no_pid(keel_whereis("slow")));
        keel_sleep(KEEL_SECONDS(2));
        EXPECT_NO_MESSAGE();
    }
}

static keel_result send_itself(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    (void)from;
    (void)actor;
    keel_send(keel_self(), ACT(play_push, keel_int(1)));
    keel_cast(keel_self(), ACT(play_push, keel_int(2)));
    keel_send(keel_self(), ACT(play_push, keel_int(3)));
    return keel_ok();
}

PROCESS_TEST(
        "what init sends to its own process is handled after it, in order", .ids = "GS-018")
{
    keel_pid pid = lone_actor(.init = send_itself);
    CHECK_TERM(keel_call_or_exit(pid, ACT(play_get, KEEL_NONE)), "[3, 2, 1]");
    stop_actor(pid);
}

PROCESS_TEST("debug options of the start are active from the first message",
        .ids = "GS-019 GS-021 SY-068")
{
    keel_started started = keel_gen_server_start(&actor_server, ACTOR(),
            .hibernate_after = KEEL_SECONDS(1), .timeout = KEEL_SECONDS(5),
            .spawn = {.priority = KEEL_HIGH_PRIORITY},
            .debug = keel_make("[nonsense, {log, 5}, statistics, {log, none}]"));
    CHECK_OK(started.status);
    keel_call_or_exit(started.pid, keel_atom(first));
    keel_term log;
    CHECK_OK(keel_sys_log(started.pid, keel_atom(get), &log));
    CHECK_TERM(keel_head(log), "{in, {'$gen_call', _, first}}");
    keel_term statistics;
    CHECK_OK(keel_sys_statistics(started.pid, keel_atom(get), &statistics));
    CHECK_INT(keel_to_int(keel_proplist_get(statistics, keel_atom(messages_in))), 1);
    stop_actor(started.pid);
}

PROCESS_TEST("spawn options given at the start are applied", .ids = "GS-020")
{
    keel_started started = keel_gen_server_start(&actor_server, ACTOR(),
            .spawn = {.priority = KEEL_HIGH_PRIORITY, .label = keel_make("{label, 1}")});
    CHECK_TERM(info_of(started.pid, keel_atom(priority)), "high");
    CHECK_TERM(keel_process_get_label(started.pid), "{label, 1}");
    stop_actor(started.pid);
}

static keel_result tell_trapping(keel_term trap, keel_from from, struct actor *actor)
{
    (void)actor;
    keel_trap_exit(keel_to_bool(trap));
    return played(from, keel_atom(ok));
}

static keel_term act_new_actor(keel_term trap_and_probe)
{
    keel_term argument = keel_make("{actor, actor, Probe, Trap, none, [], none}",
            keel_element(trap_and_probe, 1), keel_element(trap_and_probe, 0));
    return keel_from_pid(
            actor_started(keel_gen_server_start_link(&actor_server, argument)));
}

PROCESS_TEST("a parent's normal end ends a server that traps exits, through terminate",
        .ids = "GS-023 GS-081")
{
    keel_term probe = keel_from_pid(keel_self());
    keel_pid parent = new_puppet();
    keel_term calm = keel_tuple_of(keel_bool(false), probe);
    keel_pid patient = keel_to_pid(ask(parent, act_new_actor, calm));
    keel_term trapping = keel_tuple_of(keel_bool(true), probe);
    keel_pid heir = keel_to_pid(ask(parent, act_new_actor, trapping));
    EXPECT_NEXT("{actor, init, _}");
    EXPECT_NEXT("{actor, init, _}");
    keel_ref monitor = keel_monitor(heir);
    tell(parent, act_exit, keel_atom(normal));
    EXPECT_NEXT("{actor, terminate, normal}");
    CHECK_TERM(await_down(monitor), "normal");
    CHECK_TERM(keel_call_or_exit(patient, ACT(play_get, KEEL_NONE)), "[]");
    EXPECT_NEXT("{actor, call, _}");
    CHECK_TERM(keel_call_or_exit(patient, ACT(tell_trapping, keel_bool(true))), "ok");
    end_process(patient);
}

// --- names ---

PROCESS_TEST("a server with a local name is called and cast to by it", .ids = "GS-024")
{
    keel_started started = keel_gen_server_start(
            &actor_server, ACTOR(), .name = keel_atom(named));
    CHECK_OK(started.status);
    CHECK(same_pid(keel_whereis("named"), started.pid));
    CHECK_OK(keel_cast("named", ACT(play_push, keel_int(1))));
    CHECK_TERM(keel_call_or_exit(keel_atom(named), ACT(play_get, KEEL_NONE)), "[1]");
    keel_started local = keel_gen_server_start(
            &actor_server, ACTOR(), .name = keel_make("{local, named_too}"));
    CHECK(same_pid(keel_whereis("named_too"), local.pid));
    stop_actor(local.pid);
    stop_actor(started.pid);
}

PROCESS_TEST("a taken name gives its holder, and init is not run", .ids = "GS-026 GS-032")
{
    keel_trap_exit(true);
    keel_pid holder = actor_started(
            keel_gen_server_start(&actor_server, ACTOR(), .name = keel_atom(taken)));
    keel_start_opts opts = {.argument = ACTOR(.probed = true), .name = keel_atom(taken)};
    keel_started again[] = {
            keel_gen_server_start_opt(&actor_server, &opts),
            keel_gen_server_start_link_opt(&actor_server, &opts),
            keel_gen_server_start_monitor_opt(&actor_server, &opts),
    };
    for (size_t i = 0; i < KEEL_COUNT(again); i++) {
        CHECK_INT(again[i].status, KEEL_E_TAKEN);
        CHECK_TERM(
                keel_started_to_term(again[i]), "{error, {already_started, ^Pid}}", holder);
        CHECK(same_pid(again[i].pid, holder));
    }
    EXPECT_NO_MESSAGE();
    keel_ref monitor = keel_monitor(holder);
    CHECK_OK(keel_process_exit(holder, keel_atom(kill)));
    await_down(monitor);
    CHECK_OK(keel_gen_server_start_opt(&actor_server, &opts).status);
    EXPECT_NEXT("{actor, init, Pid}", &holder);
    stop_actor(holder);
}

PROCESS_TEST(
        "a server named nil has no name, and nobody can call nil", .ids = "GS-029 GS-031")
{
    keel_started started = keel_gen_server_start(
            &actor_server, ACTOR(), .name = keel_atom(nil));
    CHECK_OK(started.status);
    CHECK_TERM(info_of(started.pid, keel_atom(registered_name)), "[]");
    keel_term reply;
    CHECK_INT(keel_call(keel_atom(nil), keel_atom(hello), &reply), KEEL_E_NOPROC);
    stop_actor(started.pid);
}

PROCESS_TEST("a name of the wrong shape is an argument error, and nothing starts",
        .ids = "GS-030")
{
    keel_term names = keel_make(
            "[\"text\", <<\"text\">>, 1, {global}, {via, no_keeper, 1}, "
            "{via, \"text\", 1}, {local, 1}, true]");
    keel_term name;
    size_t before = process_count();
    while (keel_list_next(&names, &name)) {
        keel_started started = keel_gen_server_start(
                &actor_server, ACTOR(.probed = true), .name = name);
        CHECK_INT(started.status, KEEL_E_BADARG);
        CHECK_TERM(keel_started_to_term(started), "{error, badarg}");
    }
    CHECK_INT(process_count(), before);
    EXPECT_NO_MESSAGE();
}

// --- entering the loop ---

static keel_result first_state(keel_term argument, void *state)
{
    struct actor *actor = state;
    keel_set(&actor->state, argument);
    actor->tag = keel_atom(entered);
    return keel_ok();
}

static keel_result first_timeout(keel_term argument, void *state)
{
    struct actor *actor = state;
    actor->probe = keel_to_pid(argument);
    actor->tag = keel_atom(entered);
    return keel_then_timeout(keel_ok(), KEEL_MS(5));
}

static keel_result first_continue(keel_term argument, void *state)
{
    struct actor *actor = state;
    actor->probe = keel_to_pid(argument);
    actor->tag = keel_atom(entered);
    return keel_then_continue(keel_ok(), ACT(play_push, keel_int(1)));
}

static keel_result first_hibernate(keel_term argument, void *state)
{
    first_state(argument, state);
    return keel_then_hibernate(keel_ok());
}

typedef keel_result (*first_function)(keel_term argument, void *state);

static void enter(keel_term first_and_argument)
{
    void *first = keel_to_pointer(keel_element(first_and_argument, 0), NULL);
    keel_gen_ack(keel_atom(up));
    keel_start_opts opts = {.argument = keel_element(first_and_argument, 1),
            .name = keel_element(first_and_argument, 2)};
    keel_gen_server_enter_loop(&actor_server, (first_function)(uintptr_t)first, &opts);
}

static keel_term entering(first_function first, keel_term argument, keel_term name)
{
    return keel_tuple_of(keel_pointer((const void *)(uintptr_t)first), argument, name);
}

static keel_pid started_entering(first_function first, keel_term argument)
{
    keel_pid pid;
    keel_term ack;
    CHECK_OK(keel_start_body(enter, entering(first, argument, keel_atom(nil)), NULL, SOON,
            &pid, NULL, &ack));
    return pid;
}

PROCESS_TEST("a plain process becomes a server with the state it is given", .ids = "GS-171")
{
    keel_pid pid = started_entering(first_state, keel_make("[given]"));
    CHECK_TERM(keel_call_or_exit(pid, ACT(play_get, KEEL_NONE)), "[given]");
    keel_term status;
    CHECK_OK(keel_sys_get_status(pid, &status));
    CHECK_TERM(status, "{status, ^Pid, {module, gen_server}, [_, running, _, _, _]}", pid);
    keel_term state;
    CHECK_OK(keel_sys_get_state(pid, &state));
    CHECK_TERM(state, "[given]");
    stop_actor(pid);
}

PROCESS_TEST(
        "entering the loop works with a timeout, hibernation, a continue", .ids = "GS-172")
{
    keel_term self = keel_from_pid(keel_self());
    keel_pid pid = started_entering(first_timeout, self);
    EXPECT_NEXT("{entered, info, timeout}");
    end_process(pid);
    pid = started_entering(first_continue, self);
    EXPECT_NEXT("{entered, continue, _}");
    end_process(pid);
    pid = started_entering(first_hibernate, keel_atom(asleep));
    CHECK_TERM(keel_call_or_exit(pid, ACT(play_get, KEEL_NONE)), "asleep");
    stop_actor(pid);
}

static void enter_at_once(keel_term first_and_argument)
{
    keel_start_opts opts = {.name = keel_element(first_and_argument, 2)};
    keel_gen_server_enter_loop(&actor_server, first_state, &opts);
}

PROCESS_TEST(
        "a process that was not started to be one cannot become a server", .ids = "GS-174")
{
    keel_ref monitor;
    keel_spawn_monitor(
            enter_at_once, entering(first_state, keel_nil(), keel_atom(nil)), &monitor);
    CHECK_TERM(await_down(monitor), "process_was_not_started_by_proc_lib");
}

// What a process ends with that enters the loop under `name`, which is not its own.
static keel_term entering_as(keel_term name)
{
    keel_spawn_opts opts = {.monitor = true};
    keel_pid pid;
    keel_ref monitor;
    keel_term ack;
    CHECK_OK(keel_start_body(enter, entering(first_state, keel_nil(), name), &opts, SOON,
            &pid, &monitor, &ack));
    return await_down(monitor);
}

static keel_pid nobody(keel_term key)
{
    (void)key;
    return (keel_pid){0};
}
static bool register_nobody(keel_term key, keel_pid pid)
{
    (void)key;
    (void)pid;
    return false;
}
static void unregister_nobody(keel_term key)
{
    (void)key;
}
static const keel_via_ops empty_keeper = {.whereis = nobody,
        .register_name = register_nobody,
        .unregister_name = unregister_nobody};

PROCESS_TEST(
        "entering the loop under a name that is not the caller's ends it", .ids = "GS-173")
{
    CHECK_OK(keel_via_register(keel_atom(empty_keeper), &empty_keeper));
    CHECK_TERM(entering_as(keel_atom(somebody)), "process_not_registered");
    CHECK_TERM(entering_as(keel_make("{global, x}")), "process_not_registered_globally");
    CHECK_TERM(entering_as(keel_make("{via, empty_keeper, x}")),
            "{process_not_registered_via, empty_keeper}");
}
