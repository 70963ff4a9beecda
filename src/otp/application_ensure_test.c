// Starting with everything that is needed.

#include "application_testing.h"

static keel_term ensure(const char *names, bool concurrent)
{
    keel_term result = KEEL_NONE;
    keel_status status = keel_application_ensure_all_started(
            term_of(names), KEEL_TEMPORARY, concurrent, &result);
    return status == KEEL_OK          ? keel_tuple_of(keel_atom(ok), result)
           : status == KEEL_E_REFUSED ? keel_tuple_of(keel_atom(error), result)
                                      : keel_int(status);
}

// a needs b and c, both need d.
static void load_diamond(const char *argument_of_c)
{
    load_app("a", "[b, c]", NULL);
    load_app("b", "[d]", NULL);
    load_app("c", "[d]", argument_of_c);
    load_app("d", NULL, NULL);
}

PROCESS_TEST("what is missing is started first, each once", .ids = "AP-044 AP-045")
{
    application_test_begin();
    load_diamond(NULL);
    CHECK_TERM(ensure("a", false), "{ok, [d, b, c, a]}");
    CHECK_TERM(running(), "[a, c, b, d]");
    CHECK_TERM(ensure("a", false), "{ok, []}");
    CHECK_OK(keel_application_stop(keel_atom(a), NULL));
    CHECK_TERM(ensure("a", false), "{ok, [a]}"); // those that ran are not in the list
    application_test_end();
}

PROCESS_TEST("several names at once, without repeats", .ids = "AP-046")
{
    application_test_begin();
    load_diamond(NULL);
    CHECK_TERM(ensure("[c, b, d, c]", false), "{ok, [d, c, b]}");
    CHECK_TERM(ensure("[]", false), "{ok, []}");
    application_test_end();
}

PROCESS_TEST("the one that fails is named, and what was started is stopped again",
        .ids = "AP-047")
{
    application_test_begin();
    load_diamond("{error, broken}");
    CHECK_TERM(ensure("a", false), "{error, {c, {broken, {test_app, start, _}}}}");
    CHECK_TERM(running(), "[]");
    EXPECT_MESSAGE("{stop, b, _}");
    EXPECT_MESSAGE("{stop, d, _}");
    load_app("e", "[nowhere]", NULL);
    CHECK_TERM(ensure("e", false),
            "{error, {nowhere, {\"no such file or directory\", \"nowhere.app\"}}}");
    CHECK_TERM(ensure("[d, nowhere]", false), "{error, {nowhere, _}}");
    CHECK_TERM(running(), "[]");
    application_test_end();
}

static void ensure_and_tell(keel_term parent)
{
    keel_send(keel_to_pid(parent), keel_tuple_of(keel_atom(answer), ensure("a", true)));
}

// The process that runs the start of an application that waits in it.
static keel_pid starter_of(keel_term app)
{
    keel_term all = keel_process_list();
    keel_term item;
    while (keel_list_next(&all, &item)) {
        if (keel_equal(keel_application_of(keel_to_pid(item)), app)) {
            return keel_to_pid(item);
        }
    }
    return (keel_pid){0};
}

PROCESS_TEST("those that do not need each other start at the same time", .ids = "AP-049")
{
    application_test_begin();
    load_app("a", "[b, c]", NULL);
    load_app("b", NULL, "{wait, []}");
    load_app("c", NULL, "{wait, []}");
    keel_spawn(ensure_and_tell, keel_from_pid(keel_self()));
    EXPECT_MESSAGE("{start, b, _, _}"); // both have begun, and neither is done
    EXPECT_MESSAGE("{start, c, _, _}");
    keel_send(starter_of(keel_atom(c)), keel_make("{go, c}"));
    keel_send(starter_of(keel_atom(b)), keel_make("{go, b}"));
    EXPECT_MESSAGE("{start, a, _, _}");
    keel_term list = KEEL_NONE;
    EXPECT_MESSAGE("{answer, {ok, List}}", &list);
    size_t length = 0;
    CHECK(keel_list_length(list, &length));
    CHECK_INT(length, 3);
    CHECK_TERM(keel_head(keel_tail(keel_tail(list))), "a");
    CHECK_TERM(ensure("a", true), "{ok, []}");
    application_test_end();
}

PROCESS_TEST("a failure of one of several is cleaned up as well", .ids = "AP-049")
{
    application_test_begin();
    load_diamond("{error, broken}");
    CHECK_TERM(ensure("a", true), "{error, {c, {broken, {test_app, start, _}}}}");
    CHECK_TERM(running(), "[]");
    EXPECT_MESSAGE("{stop, d, _}");
    load_app("x", "[y]", NULL);
    load_app("y", "[x]", NULL);
    CHECK_TERM(ensure("x", true), "{error, {_, {circular_dependency, _}}}");
    CHECK_TERM(ensure("x", false), "{error, {y, {not_started, x}}}");
    application_test_end();
}

PROCESS_TEST("an optional one is started first where it is there", .ids = "AP-050")
{
    application_test_begin();
    keel_term reason = KEEL_NONE;
    load_app_with("a", "[opt, gone]", NULL, "[{optional_applications, [opt, gone]}]");
    load_app("opt", NULL, NULL);
    CHECK_OK(keel_application_start(keel_atom(a), KEEL_TEMPORARY, &reason));
    CHECK_TERM(running(), "[a]"); // a plain start ignores one that does not run
    CHECK_OK(keel_application_stop(keel_atom(a), NULL));
    CHECK_TERM(ensure("a", false), "{ok, [opt, a]}");
    application_test_end();
}
