// Expectations: what they take, how long they wait, what they say when they are not met.

#include "kit_testing.h"

#include <keel/timer.h>

SEEDED("an expectation takes the first message that matches and leaves the others")
{
    begin_test();
    keel_pid probe = keel_test_probe();
    const char *texts[] = {"{a, 1}", "b", "{a, 2}", "c"};
    for (size_t i = 0; i < 4; i++) {
        keel_term term;
        CHECK_OK(keel_parse(texts[i], strlen(texts[i]), &term, NULL));
        keel_send(probe, term);
    }
    int number = 0;
    CHECK(keel_test_expect(probe, "{a, Number}", &number));
    CHECK_INT(number, 1);
    CHECK_TEXT(keel_test_messages(probe), "[b,{a,2},c]");
    CHECK(keel_test_expect(probe, "{a, ^Two}", 2));
    CHECK(keel_test_expect(probe, "c"));
    CHECK(keel_test_expect_next(probe, "b"));
    CHECK(keel_test_expect_none(probe));
    CHECK(keel_test_refute(probe, "{a, _}"));
    end_test();
}

static void send_late(keel_term probe)
{
    keel_send(probe, keel_atom(at_once));
    keel_sleep(KEEL_SECONDS(2));
    keel_send(probe, keel_atom(other));
    keel_sleep(KEEL_SECONDS(1));
    keel_send(probe, keel_atom(late));
}

SEEDED("an expectation waits without moving time, or as long as it is told")
{
    begin_test();
    keel_pid probe = keel_test_probe();
    int64_t before = keel_now();
    keel_spawn(send_late, keel_from_pid(probe));
    CHECK(keel_test_expect(probe, "at_once"));
    CHECK_INT(keel_now(), before);
    CHECK(keel_test_refute(probe, "late"));
    CHECK_INT(keel_now(), before);
    CHECK(keel_test_expect_within(KEEL_SECONDS(5), probe, "late"));
    CHECK_INT(keel_now() - before, KEEL_SECONDS(3));
    CHECK(keel_test_expect_next(probe, "other"));
    CHECK(!keel_test_expect_within(KEEL_SECONDS(5), probe, "never"));
    CHECK_INT(keel_now() - before, KEEL_SECONDS(8));
    CHECK_INT(keel_test_stop(&last_report), KEEL_E_FAILED);
    CHECK_HAS(last_report.text, "expected never within 5.000000000 s; at 8.000000000 s");
}

static void expect_inside(keel_term probe)
{
    keel_pid pid = keel_to_pid(probe);
    int64_t before = keel_now();
    keel_spawn(send_late, probe);
    keel_test_expect(pid, "at_once");
    KEEL_ASSERT(keel_now() - before <= 1);
    keel_test_refute(pid, "other");
    keel_test_expect_within(KEEL_SECONDS(5), pid, "late");
    KEEL_ASSERT(keel_now() - before == KEEL_SECONDS(3));
    keel_test_expect_next(pid, "other");
    keel_test_expect_none(pid);
    keel_send(probe, keel_atom(passed));
}

SEEDED("a process expects of a probe as the thread does")
{
    begin_test();
    keel_pid probe = keel_test_probe();
    keel_spawn(expect_inside, keel_from_pid(probe));
    CHECK(keel_test_expect_within(KEEL_SECONDS(10), probe, "passed"));
    end_test();
}

static void expect_of_self(keel_term probe)
{
    keel_spawn(send_late, keel_from_pid(keel_self()));
    keel_test_expect(keel_self(), "at_once");
    keel_test_refute(keel_self(), "other");
    keel_test_expect_within(KEEL_SECONDS(5), keel_self(), "late");
    keel_test_expect_next(keel_self(), "other");
    keel_test_expect_none(keel_self());
    keel_send(keel_self(), keel_make("{number, 7}"));
    keel_send(keel_self(), keel_make("{number, 8}"));
    int number = 0;
    keel_test_expect(keel_self(), "{number, N}", &number);
    KEEL_ASSERT(number == 7);
    keel_test_expect_next(keel_self(), "{number, N}", &number);
    KEEL_ASSERT(number == 8);
    keel_send(probe, keel_atom(passed));
}

SEEDED("a process expects of its own mailbox")
{
    begin_test();
    keel_pid probe = keel_test_probe();
    keel_spawn(expect_of_self, keel_from_pid(probe));
    CHECK(keel_test_expect_within(KEEL_SECONDS(10), probe, "passed"));
    end_test();
}

TEST("an expectation that is not met names its place and shows what was there, and when")
{
    begin_test();
    keel_pid probe = keel_test_probe();
    keel_send(probe, keel_make("{apple, 1}"));
    CHECK_OK(keel_test_advance(KEEL_MS(1500)));
    keel_send(probe, keel_make("{pear, 2}"));
    CHECK(keel_test_expect(probe, "{apple, 1}"));
    int count = 17;
    CHECK(!keel_test_expect(probe, "{plum, Count}", &count));
    int line = __LINE__ - 1;
    CHECK_INT(count, 17);
    CHECK_INT(keel_test_stop(&last_report), KEEL_E_FAILED);
    char expected[100];
    snprintf(expected, sizeof expected,
            "expect_test.c:%d: expected {plum, Count}; at 1.500000000 s the probe <", line);
    CHECK_HAS(last_report.text, expected);
    CHECK_HAS(last_report.text, "> has:\n    at 1.500000000 s  {pear,2}\n");
    CHECK_LACKS(last_report.text, "apple");
}

TEST("a wrong order and an unwanted message are told as such")
{
    begin_test();
    keel_pid probe = keel_test_probe();
    keel_send(probe, keel_atom(second));
    keel_send(probe, keel_atom(first));
    CHECK(!keel_test_expect_next(probe, "first"));
    CHECK_INT(keel_test_stop(&last_report), KEEL_E_FAILED);
    CHECK_HAS(last_report.text, ": expected next first; at 0.000000000 s the probe ");
    CHECK_HAS(last_report.text, "has:\n    at 0.000000000 s  second\n");

    begin_test();
    probe = keel_test_probe();
    keel_send(probe, keel_make("{error, disk_full}"));
    CHECK(!keel_test_refute(probe, "{error, _}"));
    CHECK_INT(keel_test_stop(&last_report), KEEL_E_FAILED);
    CHECK_HAS(last_report.text, ": did not expect {error, _}; at ");
    CHECK_HAS(last_report.text, "{error,disk_full}");

    begin_test();
    probe = keel_test_probe();
    CHECK(!keel_test_expect(probe, "anything"));
    CHECK_INT(keel_test_stop(&last_report), KEEL_E_FAILED);
    CHECK_HAS(last_report.text, " has: nothing\n");
}

static void fail_on_self(keel_term unused)
{
    (void)unused;
    keel_send(keel_self(), keel_make("{apple, 1}"));
    keel_test_expect(keel_self(), "pear");
    keel_exit(keel_atom(went_on));
}

TEST("in a process an expectation that is not met ends it")
{
    CHECK_INT(keel_test_run(fail_on_self, KEEL_NONE, 1, NULL, &last_report), KEEL_E_FAILED);
    CHECK_HAS(last_report.text, ": expected pear; in the mailbox at 0.000000001 s:\n");
    CHECK_HAS(last_report.text, "    {apple,1}\n");
    CHECK_HAS(keel_show(last_report.reason), "{test_failed,<<");
    CHECK_LACKS(last_report.text, "further");
}

TEST("an expectation of what is no probe fails as such")
{
    begin_test();
    keel_pid probe = keel_test_probe();
    keel_process_exit(probe, keel_atom(kill));
    CHECK_OK(keel_test_settle());
    CHECK(!keel_test_expect(probe, "anything"));
    CHECK(!keel_test_expect_none(probe));
    CHECK(!keel_test_expect_within(KEEL_SECONDS(1), probe, "anything"));
    CHECK_INT(keel_test_stop(&last_report), KEEL_E_FAILED);
    CHECK_HAS(last_report.text, ", which is no probe or has ended\n");
    CHECK_HAS(last_report.text, "and 2 further failures\n");
}

TEST("without a simulation nothing is expected in vain")
{
    keel_pid none = {0};
    CHECK(!keel_test_expect(none, "anything"));
    CHECK(!keel_test_expect_none(none));
}
