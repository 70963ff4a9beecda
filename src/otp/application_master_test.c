// The functions of an application: in which process they run, what they get and return.

#include "application_testing.h"
#include <stdio.h>

static keel_term start_reason(const char *argument)
{
    keel_term app = load_app("a", NULL, argument);
    keel_term reason = KEEL_NONE;
    CHECK_INT(keel_application_start(app, KEEL_TEMPORARY, &reason), KEEL_E_REFUSED);
    CHECK_TERM(running(), "[]");
    CHECK_OK(keel_application_unload(app, NULL)); // it is loaded still
    return reason;
}

PROCESS_TEST("start is called with normal and the argument, in a fresh process",
        .ids = "AP-025 AP-076")
{
    application_test_begin();
    keel_term app = load_app("a", NULL, "[some, {argument, 1}]");
    CHECK_OK(keel_application_start(app, KEEL_TEMPORARY, NULL));
    EXPECT_NEXT("{start, a, normal, [some, {argument, 1}]}");
    CHECK_TERM(running(), "[a]");
    keel_pid top = keel_application_supervisor(app);
    CHECK(!no_pid(top) &&
            !same_pid(keel_to_pid(info_of(top, keel_atom(parent))), keel_self()));
    CHECK(keel_is_none(keel_application_start_type()));
    application_test_end();
}

static keel_started start_telling_type(keel_term type, keel_term argument)
{
    (void)type;
    (void)argument;
    keel_term mine = keel_application_start_type();
    keel_send("probe", keel_tuple_of(keel_atom(type), mine));
    return keel_started_failed(keel_atom(enough));
}

PROCESS_TEST("the type of the start can be asked for by the process that starts",
        .ids = "AP-076")
{
    static const keel_application typed = {.name = "typed", .start = start_telling_type};
    application_test_begin();
    keel_term reason = KEEL_NONE;
    CHECK_REFUSED(keel_application_start(
                          keel_application_register(&typed), KEEL_TEMPORARY, &reason),
            reason, "{enough, {typed, start, [normal, []]}}");
    EXPECT_NEXT("{type, normal}");
    CHECK(keel_is_none(keel_application_start_type()));
    application_test_end();
}

PROCESS_TEST("the state that start returned goes to the functions of the stop",
        .ids = "AP-026 AP-056")
{
    application_test_begin();
    keel_term app = start_app("a", NULL, "{state, {my, state}}");
    keel_pid worker = KID_OF(keel_application_supervisor(app), kid);
    keel_ref monitor = keel_monitor(worker);
    CHECK_OK(keel_application_stop(app, NULL));
    EXPECT_NEXT("{prep_stop, a, {my, state}}"); // before any process is stopped
    EXPECT_NEXT("{'DOWN', ^Monitor, process, _, shutdown}", monitor);
    EXPECT_NEXT("{stop, a, {prepared, {my, state}}}");
    start_app("b", NULL, NULL);
    CHECK_OK(keel_application_stop(keel_atom(b), NULL));
    EXPECT_NEXT("{prep_stop, b, []}");
    EXPECT_NEXT("{stop, b, {prepared, []}}");
    application_test_end();
}

PROCESS_TEST("a start that fails says why, and leaves nothing behind",
        .ids = "AP-030 AP-031 AP-034 AP-035 SU-156")
{
    application_test_begin();
    CHECK_TERM(start_reason("{error, no_disk}"),
            "{no_disk, {test_app, start, [normal, {error, no_disk}]}}");
    CHECK_TERM(start_reason("ignore"),
            "{bad_return, {{test_app, start, [normal, ignore]}, ignore}}");
    CHECK_TERM(start_reason("nothing"),
            "{bad_return, {{test_app, start, [normal, nothing]}, {ok, undefined}}}");
    CHECK_TERM(start_reason("{exit, oops}"),
            "{bad_return, {{test_app, start, [normal, {exit, oops}]}, {'EXIT', oops}}}");
    CHECK_TERM(start_reason("{exit, normal}"),
            "{{'EXIT', normal}, {test_app, start, [normal, {exit, normal}]}}");
    CHECK_TERM(start_reason("bad_child"),
            "{{shutdown, {failed_to_start_child, kid, broken}}, {test_app, start, [normal, "
            "bad_child]}}");
    keel_term app = load_app("again", NULL, "{wait, {error, first}}");
    keel_flush();
    application_test_end();
    (void)app;
}

PROCESS_TEST("an application that failed to start can be started again", .ids = "AP-035")
{
    application_test_begin();
    keel_term app = load_app("a", "[b]", NULL);
    keel_term reason = KEEL_NONE;
    CHECK_REFUSED(keel_application_start(app, KEEL_TEMPORARY, &reason), reason,
            "{not_started, b}");
    start_app("b", NULL, NULL);
    CHECK_OK(keel_application_start(app, KEEL_TEMPORARY, NULL));
    CHECK_TERM(running(), "[a, b]");
    application_test_end();
}

PROCESS_TEST("phases are run in their order, and then it counts as running",
        .ids = "AP-039 AP-053")
{
    application_test_begin();
    keel_term app = load_app_with(
            "a", NULL, "{wait, []}", "[{start_phases, [{init, 1}, {go, [2]}]}]");
    keel_ref request = keel_gen_send_request(
            keel_atom(application_controller), keel_make("{start, a, temporary}"));
    EXPECT_MESSAGE("{start, a, normal, _}");
    CHECK_TERM(running(), "[]");
    keel_process_list(); // its master is the one that knows the name
    keel_pid master = {0};
    keel_term all = keel_process_list();
    keel_term item;
    while (keel_list_next(&all, &item)) {
        if (keel_is(keel_application_of(keel_to_pid(item)), a)) {
            master = keel_to_pid(item);
        }
    }
    CHECK(!no_pid(master));
    keel_send(master, keel_make("{go, a}"));
    EXPECT_MESSAGE("{phase, a, init, normal, 1}");
    EXPECT_MESSAGE("{phase, a, go, normal, [2]}");
    keel_term reply = KEEL_NONE;
    CHECK_OK(keel_gen_wait_response(request, SOON, &reply));
    CHECK_TERM(reply, "ok");
    CHECK_TERM(running(), "[a]");
    CHECK_OK(keel_application_stop(app, NULL));
    application_test_end();
}

static void check_phase(const char *phase, const char *expected)
{
    char more[128];
    snprintf(more, sizeof more, "[{start_phases, [{first, %s}, {second, []}]}]", phase);
    keel_term app = load_app_with("a", NULL, NULL, more);
    keel_term reason = KEEL_NONE;
    CHECK_INT(keel_application_start(app, KEEL_TEMPORARY, &reason), KEEL_E_REFUSED);
    CHECK_EQUAL(reason, term_of(expected));
    CHECK_TERM(running(), "[]");
    CHECK_OK(keel_application_unload(app, NULL));
    keel_term messages = keel_nil();
    while (keel_queue_length() > 0) {
        messages = keel_cons(keel_receive(), messages);
    }
    CHECK_TERM(messages, "[{phase, a, first, normal, _}, {start, a, normal, _}]");
}

PROCESS_TEST(
        "a phase that fails fails the start, and the tree is shut down", .ids = "AP-055")
{
    application_test_begin();
    size_t before = process_count();
    check_phase("{answer, {error, cold}}",
            "{cold, {test_app, start_phase, [first, normal, {answer, {error, cold}}]}}");
    check_phase("{answer, what}", "{bad_return, {{test_app, start_phase, [first, normal, "
                                  "{answer, what}]}, what}}");
    check_phase("crash",
            "{bad_return, {{test_app, start_phase, [first, normal, crash]}, {'EXIT', "
            "crashed}}}");
    CHECK(process_count() <= before + 2); // the controller, and a master about to end
    application_test_end();
}

PROCESS_TEST(
        "functions of the stop that crash do not keep it from stopping", .ids = "AP-063")
{
    application_test_begin();
    keel_term app = start_app("a", NULL, "{state, crash}");
    keel_ref monitor = keel_monitor(keel_application_supervisor(app));
    CHECK_OK(keel_application_stop(app, NULL));
    CHECK_TERM(await_down(monitor), "shutdown");
    EXPECT_MESSAGE("{prep_stop, a, crash}");
    EXPECT_MESSAGE("{stop, a, crash}");
    CHECK_TERM(running(), "[]");
    application_test_end();
}

PROCESS_TEST("stop is called also when the tree ends by itself", .ids = "AP-061 AP-070")
{
    application_test_begin();
    keel_term app = start_app("a", NULL, "{state, {kept, 1}}");
    end_top(app, keel_atom(kill));
    EXPECT_NEXT("{stop, a, {kept, 1}}");
    while (!keel_is_nil(running())) {
        keel_yield();
    }
    CHECK_TERM(keel_application_loaded(), "[{a, _, _}]");
    application_test_end();
}

static void stop_app(keel_term pair)
{
    keel_status status = keel_application_stop(keel_element(pair, 0), NULL);
    keel_send(keel_to_pid(keel_element(pair, 1)),
            keel_tuple_of(keel_atom(stopped), keel_int(status)));
}

PROCESS_TEST("a stop waits for the top process as long as it takes", .ids = "AP-064")
{
    application_test_begin();
    keel_term app = start_app("a", NULL, "stubborn");
    keel_pid top = keel_application_supervisor(app);
    keel_spawn(stop_app, keel_tuple_of(app, keel_from_pid(keel_self())));
    EXPECT_MESSAGE("{prep_stop, a, _}");
    keel_send(top, keel_atom(leave));
    EXPECT_MESSAGE("{stop, a, _}");
    EXPECT_MESSAGE("{stopped, 0}");
    application_test_end();
}

SIMULATED_TEST("a stop waits for the top process for hours", .ids = "AP-064")
{
    application_test_begin();
    keel_term app = start_app("a", NULL, "stubborn");
    keel_pid top = keel_application_supervisor(app);
    keel_spawn(stop_app, keel_tuple_of(app, keel_from_pid(keel_self())));
    EXPECT_MESSAGE("{prep_stop, a, _}");
    keel_sleep(KEEL_MINUTES(600));
    EXPECT_NO_MESSAGE();
    keel_send(top, keel_atom(leave));
    EXPECT_MESSAGE("{stopped, 0}");
    application_test_end();
}
