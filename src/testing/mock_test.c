// Mock servers answer from a table.

#include "kit_testing.h"

#include <keel/gen.h>
#include <keel/link.h>

static keel_term call(keel_pid mock, const char *request)
{
    keel_term term, reply;
    CHECK_OK(keel_parse(request, strlen(request), &term, NULL));
    CHECK_OK(keel_gen_call(keel_from_pid(mock), term, KEEL_IN(KEEL_SECONDS(5)), &reply));
    return reply;
}

static keel_term twice(keel_term request)
{
    return keel_int(2 * keel_to_int(keel_element(request, 1)));
}

static const keel_test_answer store[] = {
        {.request = "{get, colour}", .reply = "{ok, green}", .times = 2},
        {.request = "{get, Key}", .reply = "{error, {unknown, Key, [Key]}}"},
        {.request = "{swap, {A, B}, _Rest}",
                .reply = "{B, A, 'Not a Variable', \"Nor This\"}"},
        {.request = "{twice, _}", .make = twice},
        {.request = "slow", .reply = "at_last", .after = KEEL_SECONDS(3)},
        {.request = "{stop, Why}", .exit = "{shutdown, Why}"},
        {.request = "mute", .silent = true},
};
enum { ROWS = sizeof store / sizeof *store };

SEEDED("a mock answers with the first row that matches; a row may be spent")
{
    begin_test();
    keel_pid mock = keel_test_mock(store, ROWS);
    CHECK(mock.word != 0);
    CHECK_TEXT(call(mock, "{get, colour}"), "{ok,green}");
    CHECK_TEXT(call(mock, "{get, size}"), "{error,{unknown,size,[size]}}");
    CHECK_TEXT(call(mock, "{get, colour}"), "{ok,green}");
    CHECK_TEXT(call(mock, "{get, colour}"), "{error,{unknown,colour,[colour]}}");
    CHECK_TEXT(call(mock, "{swap, {1, [2]}, 3}"), "{[2],1,'Not a Variable',\"Nor This\"}");
    CHECK_TEXT(call(mock, "{twice, 21}"), "42");
    end_test();
}

SEEDED("a mock is a probe as well")
{
    begin_test();
    keel_pid mock = keel_test_mock(store, ROWS);
    call(mock, "{get, size}");
    keel_send(mock, keel_atom(hello));
    keel_gen_cast(keel_from_pid(mock), keel_atom(a_cast));
    CHECK(keel_test_expect_next(mock, "{'$gen_call', _, {get, size}}"));
    CHECK(keel_test_expect_next(mock, "hello"));
    CHECK(keel_test_expect_next(mock, "{'$gen_cast', a_cast}"));
    CHECK(keel_test_expect_none(mock));
    end_test();
}

SEEDED("a mock serves others while an answer takes its time")
{
    begin_test();
    keel_pid mock = keel_test_mock(store, ROWS);
    int64_t before = keel_now();
    keel_test_answer slow = {
            .request = "slow", .reply = "at_last", .after = KEEL_SECONDS(3)};
    CHECK(slow.after == store[4].after);
    CHECK_TEXT(call(mock, "slow"), "at_last");
    CHECK_INT(keel_now() - before, KEEL_SECONDS(3));
    keel_term reply;
    CHECK_INT(keel_gen_call(keel_from_pid(mock), keel_atom(slow), KEEL_IN(KEEL_SECONDS(1)),
                      &reply),
            KEEL_E_TIMEOUT);
    CHECK_TEXT(call(mock, "{twice, 2}"), "4");
    CHECK_INT(keel_gen_call(keel_from_pid(mock), keel_atom(mute), KEEL_IN(KEEL_SECONDS(60)),
                      &reply),
            KEEL_E_TIMEOUT);
    CHECK_INT(keel_now() - before, KEEL_SECONDS(64));
    CHECK_TEXT(call(mock, "{twice, 3}"), "6");
    end_test();
}

SEEDED("a mock ends with the reason of its row")
{
    begin_test();
    keel_pid mock = keel_test_mock(store, ROWS), probe = keel_test_probe();
    keel_test_monitor(probe, mock);
    keel_term reason;
    CHECK_INT(keel_gen_call(
                      keel_from_pid(mock), keel_make("{stop, tired}"), KEEL_NEVER, &reason),
            KEEL_E_EXIT);
    CHECK_TEXT(reason, "{shutdown,tired}");
    CHECK(keel_test_expect(probe, "{'DOWN', _, process, _, {shutdown, tired}}"));
    end_test();
}

TEST("a call that no row matches is a failure that shows the rows")
{
    begin_test();
    keel_pid mock = keel_test_mock(store, 2);
    call(mock, "{get, colour}");
    call(mock, "{get, colour}");
    keel_term reason;
    CHECK_INT(keel_gen_call(keel_from_pid(mock), keel_make("{put, colour, red}"),
                      KEEL_NEVER, &reason),
            KEEL_E_EXIT);
    CHECK_INT(keel_test_stop(&last_report), KEEL_E_FAILED);
    CHECK_HAS(last_report.text, "was called with {put,colour,red}; it answers:\n");
    CHECK_HAS(last_report.text, "\n    {get, colour} (no more)\n    {get, Key}\n");
}

static void check_refused(const keel_test_answer *row, const char *why)
{
    begin_test();
    CHECK_INT(keel_test_mock(row, 1).word, 0);
    CHECK_INT(keel_test_stop(&last_report), KEEL_E_FAILED);
    CHECK_HAS(last_report.text, "mock_test.c:");
    CHECK_HAS(last_report.text, why);
}

TEST("a row that cannot be followed is refused when the mock is made")
{
    check_refused(&(keel_test_answer){.request = "a"}, "one way to answer");
    check_refused(&(keel_test_answer){.reply = "a"}, "wants a request");
    check_refused(&(keel_test_answer){.request = "a", .reply = "b", .silent = true},
            "one way to answer");
    check_refused(&(keel_test_answer){.request = "{a, X}", .reply = "{b, Y}"},
            "Y stands in {b, Y} but not in {a, X}");
    check_refused(
            &(keel_test_answer){.request = "{a, ^X}", .reply = "b"}, "^ has no value");
    check_refused(&(keel_test_answer){.request = "{a, ", .reply = "b"}, "did not start: ");
    check_refused(&(keel_test_answer){.request = "a", .reply = "}b"}, "did not start: ");
}

TEST("variables are told from quoted words, characters and comments")
{
    static const keel_test_answer rows[] = {
            {.request = "{'X Y', \"Z \\\" Z\", $A, $\\\\, B1, _, atom_With@X, % C\n D}",
                    .reply = "[B1, D]"},
    };
    begin_test();
    keel_pid mock = keel_test_mock(rows, 1);
    CHECK_TEXT(
            call(mock, "{'X Y', \"Z \\\" Z\", $A, $\\\\, 1, 2, atom_With@X, 3}"), "[1,3]");
    end_test();
}
