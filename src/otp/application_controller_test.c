// Starting and stopping, and what the end of an application means to the others.

#include "application_testing.h"
#include <sched.h>

PROCESS_TEST("an application without functions is just marked as running",
        .ids = "AP-027 AP-075")
{
    static const keel_application plain = {.name = "plain", .version = "1"};
    keel_term app = keel_application_register(&plain);
    CHECK_OK(keel_application_start(app, KEEL_PERMANENT, NULL)); // loads it, too
    CHECK_TERM(running(), "[plain]");
    CHECK(no_pid(keel_application_supervisor(app)));
    CHECK_OK(keel_application_stop(app, NULL));
    CHECK_TERM(running(), "[]");
    application_test_end();
}

PROCESS_TEST("one that runs is not started again, one that does not is not stopped",
        .ids = "AP-028 AP-043 AP-057 AP-058")
{
    application_test_begin();
    keel_term reason = KEEL_NONE;
    keel_term app = load_app_with("a", NULL, NULL, "[{env, [{k, 1}]}]");
    CHECK_REFUSED(keel_application_stop(app, &reason), reason, "{not_started, a}");
    CHECK_OK(keel_application_ensure_started(app, KEEL_TEMPORARY, NULL));
    CHECK_REFUSED(keel_application_start(app, KEEL_TEMPORARY, &reason), reason,
            "{already_started, a}");
    CHECK_OK(keel_application_ensure_started(app, KEEL_TEMPORARY, NULL));
    CHECK_REFUSED(
            keel_application_ensure_started(keel_atom(nowhere), KEEL_TEMPORARY, &reason),
            reason, "{\"no such file or directory\", _}");
    CHECK_OK(keel_application_stop(app, NULL));
    CHECK_REFUSED(keel_application_stop(app, &reason), reason, "{not_started, a}");
    CHECK_TERM(keel_application_loaded(), "[{a, _, _}]");
    CHECK_TERM(keel_application_get_env(app, keel_atom(k), KEEL_NONE), "1");
    CHECK_OK(keel_application_start(app, KEEL_TEMPORARY, NULL));
    CHECK_TERM(running(), "[a]");
    application_test_end();
}

PROCESS_TEST("the first one needed that does not run is named", .ids = "AP-029 AP-040")
{
    application_test_begin();
    keel_term reason = KEEL_NONE;
    keel_term app = load_app("a", "[b, c, d]", NULL);
    load_app("c", NULL, NULL);
    start_app("b", NULL, NULL);
    CHECK_REFUSED(keel_application_start(app, KEEL_TEMPORARY, &reason), reason,
            "{not_started, c}");
    EXPECT_NO_MESSAGE();
    CHECK_TERM(running(), "[b]");
    CHECK_REFUSED(keel_application_start(app, (keel_restart)77, &reason), reason,
            "{invalid_restart_type, 77}");
    application_test_end();
}

PROCESS_TEST("those that run are listed with description and version, the latest first",
        .ids = "AP-072")
{
    application_test_begin();
    load_app_with("a", NULL, NULL, "[{description, \"An a\"}, {vsn, \"1.0\"}]");
    CHECK_OK(keel_application_start(keel_atom(a), KEEL_TEMPORARY, NULL));
    start_app("b", NULL, NULL);
    CHECK_TERM(keel_application_which(), "[{b, [], []}, {a, \"An a\", \"1.0\"}]");
    CHECK_OK(keel_application_stop(keel_atom(a), NULL));
    CHECK_OK(keel_application_start(keel_atom(a), KEEL_TEMPORARY, NULL));
    CHECK_TERM(running(), "[a, b]");
    application_test_end();
}

PROCESS_TEST("a process of the tree belongs to its application", .ids = "AP-073 AP-075")
{
    application_test_begin();
    keel_term app = start_app("a", NULL, NULL);
    keel_pid top = keel_application_supervisor(app);
    keel_pid worker = KID_OF(top, kid);
    CHECK_TERM(keel_application_of(top), "a");
    CHECK_TERM(keel_application_of(worker), "a");
    CHECK(keel_is_none(keel_application_of(keel_self())));
    CHECK_OK(keel_application_stop(app, NULL));
    CHECK(keel_is_none(keel_application_of(worker)));
    CHECK(no_pid(keel_application_supervisor(app)));
    CHECK(no_pid(keel_application_supervisor(keel_atom(nowhere))));
    application_test_end();
}

PROCESS_TEST("included applications are loaded, and their processes are the other's",
        .ids = "AP-052")
{
    application_test_begin();
    static const keel_application part = {.name = "part", .version = "2"};
    keel_application_register(&part);
    keel_term app = load_app_with("a", NULL, NULL, "[{included_applications, [part]}]");
    CHECK_OK(keel_application_start(app, KEEL_TEMPORARY, NULL));
    CHECK_TERM(running(), "[a]");
    CHECK_TERM(keel_application_get_key(keel_atom(part), keel_atom(vsn)), "\"2\"");
    application_test_end();
}

// --- the end of one by itself ---

static void tell_end(keel_term reason)
{
    keel_send("probe", keel_tuple_of(keel_atom(all_ended), reason));
}

static void await_controller(void)
{
    while (!no_pid(keel_whereis_term(keel_atom(application_controller)))) {
        keel_yield();
    }
}

static void await_stopped(keel_term app)
{
    while (keel_list_member(app, running())) {
        keel_yield();
    }
}

PROCESS_TEST("the end of a temporary one is the end of it alone", .ids = "AP-066 AP-070")
{
    application_test_begin();
    keel_application_hook before = keel_application_on_end(tell_end);
    keel_term other = start_app("b", NULL, NULL);
    keel_term app = start_app("a", NULL, NULL);
    end_top(app, keel_atom(kill));
    await_stopped(app);
    CHECK_TERM(running(), "[b]");
    size_t loaded = 0;
    CHECK(keel_list_length(keel_application_loaded(), &loaded));
    CHECK_INT(loaded, 2);
    CHECK_OK(keel_application_start(app, KEEL_TEMPORARY, NULL));
    CHECK_OK(keel_application_stop(other, NULL));
    keel_application_on_end(before);
    application_test_end();
}

// The first of the messages that tell what ended, with the rest thrown away.
static void check_all_end(keel_restart type, keel_term reason)
{
    application_test_begin();
    keel_application_hook before = keel_application_on_end(tell_end);
    start_app("b", NULL, NULL);
    keel_term app = load_app("a", NULL, "stubborn");
    CHECK_OK(keel_application_start(app, type, NULL));
    EXPECT_MESSAGE("{start, a, _, _}");
    keel_pid top = keel_application_supervisor(app);
    keel_ref monitor = keel_monitor(top);
    if (keel_is(reason, normal)) {
        keel_send(top, keel_atom(leave));
    } else {
        keel_process_exit(top, reason);
    }
    await_down(monitor);
    EXPECT_MESSAGE("{prep_stop, b, []}"); // the others are stopped in order
    EXPECT_MESSAGE("{stop, b, _}");
    keel_term why = KEEL_NONE;
    EXPECT_MESSAGE("{all_ended, {a, Why}}", &why);
    CHECK_EQUAL(why, keel_is(reason, kill) ? keel_atom(killed) : reason);
    await_controller();
    CHECK_TERM(running(), "[]");
    keel_application_on_end(before);
    keel_flush();
    keel_unregister(keel_atom(probe));
}

PROCESS_TEST("the end of a permanent one is the end of all, whatever the reason",
        .ids = "AP-068")
{
    check_all_end(KEEL_PERMANENT, keel_atom(normal));
    check_all_end(KEEL_PERMANENT, keel_atom(kill));
}

PROCESS_TEST("the end of a transient one is the end of all unless it was normal",
        .ids = "AP-067")
{
    check_all_end(KEEL_TRANSIENT, keel_atom(kill));
    application_test_begin();
    keel_application_hook before = keel_application_on_end(tell_end);
    keel_term app = load_app("a", NULL, "stubborn");
    CHECK_OK(keel_application_start(app, KEEL_TRANSIENT, NULL));
    keel_send(keel_application_supervisor(app), keel_atom(leave));
    await_stopped(app);
    start_app("b", NULL, NULL); // they go on
    app = load_app("c", NULL, NULL);
    CHECK_OK(keel_application_start(app, KEEL_TRANSIENT, NULL));
    end_top(app, keel_atom(shutdown)); // a supervisor ends with it only for its parent
    CHECK_TERM(running(), "[c, b]");
    keel_application_on_end(before);
    application_test_end();
}

// Why one does not start.
static keel_term start_in_vain(const char *argument, keel_restart type)
{
    keel_term app = load_app("a", NULL, argument), reason = KEEL_NONE;
    CHECK_INT(keel_application_start(app, type, &reason), KEEL_E_REFUSED);
    return reason;
}

static keel_term check_all_end_at_start(const char *argument, keel_restart type)
{
    application_test_begin();
    keel_application_hook before = keel_application_on_end(tell_end);
    start_app("b", NULL, NULL);
    keel_term reason = start_in_vain(argument, type), why = KEEL_NONE;
    EXPECT_MESSAGE("{prep_stop, b, []}");
    EXPECT_MESSAGE("{stop, b, _}");
    EXPECT_MESSAGE("{all_ended, {application_start_failure, a, Why}}", &why);
    CHECK_EQUAL(why, reason);
    await_controller();
    keel_application_on_end(before);
    keel_flush();
    keel_unregister(keel_atom(probe));
    return reason;
}

PROCESS_TEST("a permanent one that does not start is the end of all; its starter hears why",
        .ids = "AP-038")
{
    CHECK_TERM(check_all_end_at_start("{error, tired}", KEEL_PERMANENT), "{tired, _}");
    CHECK_TERM(check_all_end_at_start("{exit, normal}", KEEL_PERMANENT),
            "{{'EXIT', normal}, _}");
    CHECK_TERM(check_all_end_at_start("bad_child", KEEL_PERMANENT), "{{shutdown, _}, _}");
}

PROCESS_TEST("so is a transient one that does not start, unless with normal")
{
    CHECK_TERM(check_all_end_at_start("{error, tired}", KEEL_TRANSIENT), "{tired, _}");
    application_test_begin();
    keel_application_hook before = keel_application_on_end(tell_end);
    start_app("b", NULL, NULL);
    CHECK_TERM(start_in_vain("{exit, normal}", KEEL_TRANSIENT), "{{'EXIT', normal}, _}");
    CHECK_TERM(running(), "[b]");
    keel_application_on_end(before);
    application_test_end();
}

PROCESS_TEST("a temporary one that does not start is reported, and nothing else")
{
    application_test_begin();
    catch_reports();
    start_app("b", NULL, NULL);
    CHECK_TERM(start_in_vain("{error, tired}", KEEL_TEMPORARY), "{tired, _}");
    EXPECT_MESSAGE("{report, 2, #{label := {application_controller, exit}, report := "
                   "[{application, a}, {exited, {tired, _}}, {type, temporary}]}}");
    CHECK_TERM(running(), "[b]");
    application_test_end();
}

PROCESS_TEST("stopping has no such effect, whatever the type", .ids = "AP-069")
{
    application_test_begin();
    keel_application_hook before = keel_application_on_end(tell_end);
    keel_term app = load_app("a", NULL, NULL);
    CHECK_OK(keel_application_start(app, KEEL_PERMANENT, NULL));
    CHECK_OK(keel_application_stop(app, NULL));
    CHECK_OK(keel_application_start(app, KEEL_TRANSIENT, NULL));
    CHECK_OK(keel_application_stop(app, NULL));
    CHECK(!no_pid(keel_whereis_term(keel_atom(application_controller))));
    keel_flush();
    keel_application_on_end(before);
    application_test_end();
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("starts and ends are reported with name, reason and type", .ids = "AP-071")
{
    application_test_begin();
    catch_reports();
    keel_term app = load_app("a", NULL, NULL);
    CHECK_OK(keel_application_start(app, KEEL_TRANSIENT, NULL));
    EXPECT_MESSAGE("{report, 2, #{label := {application_controller, progress}, report := "
                   "[{application, a}, {started_at, _}]}}");
    CHECK_OK(keel_application_stop(app, NULL));
    EXPECT_MESSAGE("{report, 2, #{label := {application_controller, exit}, report := "
                   "[{application, a}, {exited, stopped}, {type, transient}]}}");
    CHECK_OK(keel_application_start(app, KEEL_TEMPORARY, NULL));
    end_top(app, keel_atom(kill));
    EXPECT_MESSAGE("{report, 2, #{label := {application_controller, exit}, report := "
                   "[{application, a}, {exited, killed}, {type, temporary}]}}");
    application_test_end();
}

// --- the end of all ---

static void tell_shutdown(keel_term reason)
{
    keel_send("probe", keel_tuple_of(keel_atom(shutting_down), reason));
}

PROCESS_TEST("all are stopped in the reverse order of their start, after the hook",
        .ids = "AP-077 AP-078")
{
    application_test_begin();
    keel_application_hook before = keel_application_on_shutdown(tell_shutdown);
    start_app("a", NULL, NULL);
    start_app("b", "[a]", NULL);
    start_app("c", NULL, NULL);
    CHECK_OK(keel_application_stop_all());
    EXPECT_NEXT("{shutting_down, shutdown}");
    EXPECT_NEXT("{prep_stop, c, _}");
    EXPECT_NEXT("{stop, c, _}");
    EXPECT_NEXT("{prep_stop, b, _}");
    EXPECT_NEXT("{stop, b, _}");
    EXPECT_NEXT("{prep_stop, a, _}");
    EXPECT_NEXT("{stop, a, _}");
    CHECK_TERM(keel_application_loaded(), "[]");
    keel_application_on_shutdown(before);
    CHECK_OK(keel_application_stop_all()); // there is nothing to stop
}

PROCESS_TEST("an application is held back until it is permitted", .ids = "AP-081")
{
    application_test_begin();
    keel_term reason = KEEL_NONE;
    CHECK_REFUSED(keel_application_permit(keel_atom(a), false, &reason), reason,
            "{not_loaded, a}");
    keel_term app = load_app("a", NULL, NULL);
    CHECK_OK(keel_application_permit(app, false, NULL));
    CHECK_OK(keel_application_start(app, KEEL_TEMPORARY, NULL));
    CHECK_TERM(running(), "[]");
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_application_permit(app, true, NULL));
    EXPECT_NEXT("{start, a, normal, _}");
    CHECK_TERM(running(), "[a]");
    CHECK_OK(keel_application_permit(app, false, NULL));
    EXPECT_NEXT("{prep_stop, a, _}");
    EXPECT_NEXT("{stop, a, _}");
    CHECK_TERM(running(), "[]");
    CHECK_OK(keel_application_permit(app, true, NULL));
    CHECK_TERM(running(), "[a]");
    application_test_end();
}

// --- several who ask at the same time ---

static void start_and_tell(keel_term pair)
{
    keel_term reason = keel_atom(ok);
    keel_application_start(keel_element(pair, 0), KEEL_TEMPORARY, &reason);
    keel_send(keel_to_pid(keel_element(pair, 1)), keel_tuple_of(keel_atom(answer), reason));
}

PROCESS_TEST("who asks for what is starting or stopping gets the answer when that is done")
{
    application_test_begin();
    keel_term app = load_app("a", NULL, "stubborn");
    CHECK_OK(keel_application_start(app, KEEL_TEMPORARY, NULL));
    EXPECT_NEXT("{start, a, _, _}");
    keel_pid top = keel_application_supervisor(app);
    keel_term pair = keel_tuple_of(app, keel_from_pid(keel_self()));
    keel_ref stop = keel_gen_send_request(
            keel_atom(application_controller), keel_make("{stop, a}"));
    EXPECT_NEXT("{prep_stop, a, _}");
    keel_spawn(start_and_tell, pair);
    keel_spawn(start_and_tell, pair);
    keel_yield();
    keel_send(top, keel_atom(leave));
    EXPECT_NEXT("{stop, a, _}");
    keel_term reply = KEEL_NONE;
    CHECK_OK(keel_gen_wait_response(stop, SOON, &reply));
    EXPECT_MESSAGE("{start, a, _, _}");
    keel_term first = KEEL_NONE;
    keel_term second = KEEL_NONE;
    EXPECT_MESSAGE("{answer, First}", &first);
    EXPECT_MESSAGE("{answer, Second}", &second);
    CHECK(keel_is(first, ok) || keel_is(second, ok));
    keel_send(keel_application_supervisor(app), keel_atom(leave));
    application_test_end();
}

PROCESS_TEST("stopping all ends one that is starting")
{
    application_test_begin();
    load_app("a", NULL, "{wait, []}");
    keel_spawn(start_and_tell, keel_tuple_of(keel_atom(a), keel_from_pid(keel_self())));
    EXPECT_NEXT("{start, a, _, _}");
    application_test_end();
    CHECK_TERM(running(), "[]");
}

static const keel_application lone = {.name = "lone"};

TEST("a thread outside may start applications, and keel_stop stops them")
{
    keel_config config = {.workers = 2};
    CHECK_OK(keel_start(&config));
    keel_term app = keel_application_register(&lone);
    CHECK_OK(keel_application_start(app, KEEL_PERMANENT, NULL));
    CHECK_OK(keel_application_put_env(app, keel_atom(k), keel_int(1)));
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(5)), NULL));
    CHECK(keel_is_none(keel_application_get_env(app, keel_atom(k), KEEL_NONE)));
    CHECK_INT(keel_application_start(app, KEEL_PERMANENT, NULL), KEEL_E_STOPPED);
}

static void end_at_once(keel_term unused)
{
    (void)unused;
    keel_gen_ack(keel_atom(ok));
}

static keel_started start_brief(keel_term type, keel_term argument)
{
    (void)type;
    keel_spawn_opts opts = {.link = true};
    keel_pid pid = {0};
    keel_term ack = KEEL_NONE;
    CHECK_OK(keel_start_body(end_at_once, argument, &opts, KEEL_NEVER, &pid, NULL, &ack));
    return keel_started_ok(pid);
}

static const keel_application brief = {.name = "brief", .start = start_brief};

static void start_brief_application(keel_term unused)
{
    (void)unused;
    keel_application_start(keel_application_register(&brief), KEEL_PERMANENT, NULL);
}

TEST("the runtime stops when a permanent application has ended", .ids = "AP-068")
{
    keel_config config = {.workers = 2};
    CHECK_OK(keel_start(&config));
    CHECK(!no_pid(keel_spawn(start_brief_application, keel_nil())));
    while (keel_is_running()) { // a thread of the library stops it
        sched_yield();
    }
}
