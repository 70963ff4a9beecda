// Selective receive, timeouts and sleep: PR-159 to PR-175.

#include "proc_testing.h"

#include "base/base.h"

static void queue_up(keel_term list)
{
    keel_term message;
    while (keel_list_next(&list, &message)) {
        CHECK_OK(keel_send(keel_self(), message));
    }
}

static bool is_term(keel_term message, void *wanted)
{
    return keel_equal(message, *(keel_term *)wanted);
}

PROCESS_TEST("a selective receive leaves the others in order", .ids = "PR-159")
{
    queue_up(keel_make("[a, b, c]"));
    CHECK_OK(keel_receive_match(KEEL_AT_ONCE, "b"));
    EXPECT_NEXT("a");
    EXPECT_NEXT("c");
    EXPECT_NO_MESSAGE();

    queue_up(keel_make("[a, b, c, d, e]"));
    const char *order[] = {"d", "a", "e", "c", "b"};
    for (int i = 0; i < 5; i++) {
        keel_term wanted, message;
        CHECK_OK(keel_atom_from(order[i], 1, &wanted));
        CHECK_OK(keel_receive_where(is_term, &wanted, KEEL_AT_ONCE, &message));
        CHECK_EQUAL(message, wanted);
    }
    EXPECT_NO_MESSAGE();
}

// Counts how often it saw each of the numbers 0 to 9 and takes none of them.
static bool count_numbers(keel_term message, void *counts)
{
    int64_t number;
    if (keel_get_int(message, &number)) {
        ((int *)counts)[number]++;
        return false;
    }
    return keel_is(message, done);
}

PROCESS_TEST(
        "a receive that matches nothing waits and sees each message once", .ids = "PR-160")
{
    int counts[10] = {0};
    queue_up(keel_make("[0, 1, 2, 3, 4]"));
    keel_pid sender = new_puppet();
    for (int i = 5; i < 10; i++) {
        tell(sender, act_send, keel_make("{Self, I}", keel_self(), i));
    }
    tell(sender, act_send, keel_make("{Self, done}", keel_self()));
    keel_term message;
    CHECK_OK(keel_receive_where(count_numbers, counts, SOON, &message));
    CHECK_TERM(message, "done");
    for (int i = 0; i < 10; i++) {
        CHECK_INT(counts[i], 1);
        EXPECT_NEXT("^I", i);
    }
    EXPECT_NO_MESSAGE();
    end_process(sender);
}

static bool fail_at_b(keel_term message, void *mode)
{
    if (!keel_is(message, b)) {
        return false;
    }
    if (*(int *)mode) {
        keel_error(keel_atom(no_match));
    }
    keel_exit(keel_atom(no_match));
}

static void receive_and_fail(void *mode)
{
    keel_term message;
    (void)!keel_receive_where(fail_at_b, mode, KEEL_NEVER, &message);
    CHECK(false);
}

PROCESS_TEST("a failure in the matching code loses no message", .ids = "PR-163")
{
    for (int mode = 0; mode < 2; mode++) {
        queue_up(keel_make("[a, b, c]"));
        keel_term reason;
        CHECK_INT(keel_try(receive_and_fail, &mode, &reason), KEEL_E_EXIT);
        if (mode) {
            CHECK_TERM(reason, "{no_match, _}");
        } else {
            CHECK_TERM(reason, "no_match");
        }
        CHECK_INT(keel_queue_length(), 3);
        CHECK_OK(keel_receive_match(KEEL_AT_ONCE, "c"));
        EXPECT_NEXT("a");
        EXPECT_NEXT("b");
        EXPECT_NO_MESSAGE();
    }
}

// Answers {From, Ref, Number} with {Ref, Number * 2}, in an order of its own choice.
static void answer_later(keel_term count)
{
    enum { MOST = 64 };
    keel_pid from[MOST];
    keel_ref refs[MOST];
    int numbers[MOST];
    int expected = (int)keel_to_int(count);
    CHECK(expected <= MOST);
    for (int i = 0; i < expected; i++) {
        EXPECT_NEXT("{From, Ref, Number}", &from[i], &refs[i], &numbers[i]);
    }
    for (int left = expected; left > 0; left--) {
        int i = (int)(keel_random() % (unsigned)left);
        keel_send(from[i], keel_make("{Ref, Twice}", refs[i], numbers[i] * 2));
        from[i] = from[left - 1];
        refs[i] = refs[left - 1];
        numbers[i] = numbers[left - 1];
    }
}

PROCESS_TEST("nested requests find their replies in any order", .ids = "PR-165")
{
    enum { SERVERS = 4, EACH = 16 };
    keel_pid servers[SERVERS];
    keel_ref refs[SERVERS * EACH];
    for (int i = 0; i < SERVERS; i++) {
        servers[i] = keel_spawn(answer_later, keel_int(EACH));
    }
    for (int i = 0; i < SERVERS * EACH; i++) {
        refs[i] = keel_make_ref();
        keel_send(
                servers[i % SERVERS], keel_make("{Self, Ref, I}", keel_self(), refs[i], i));
        queue_up(keel_make("[{noise, I}]", i));
    }
    for (int i = SERVERS * EACH - 1; i >= 0; i--) {
        int twice;
        EXPECT_MESSAGE("{^Ref, Twice}", refs[i], &twice);
        CHECK_INT(twice, 2 * i);
    }
    for (int i = 0; i < SERVERS * EACH; i++) {
        EXPECT_NEXT("{noise, ^I}", i);
    }
    EXPECT_NO_MESSAGE();
    for (int i = 0; i < SERVERS; i++) {
        end_of(servers[i]);
    }
}

// --- timeouts ---

PROCESS_TEST(
        "a receive that may not wait times out at once and takes nothing", .ids = "PR-166")
{
    keel_term message = keel_atom(untouched);
    CHECK_INT(keel_receive_until(KEEL_AT_ONCE, &message), KEEL_E_TIMEOUT);
    CHECK_TERM(message, "untouched");
    queue_up(keel_make("[a, b]"));
    CHECK_INT(keel_receive_match(KEEL_AT_ONCE, "c"), KEEL_E_TIMEOUT);
    CHECK_INT(keel_receive_match(KEEL_IN(0), "c"), KEEL_E_TIMEOUT);
    CHECK_INT(keel_receive_match(KEEL_IN(-KEEL_SECONDS(5)), "c"), KEEL_E_TIMEOUT);
    CHECK_INT(keel_queue_length(), 2);
    EXPECT_NEXT("a");
    EXPECT_NEXT("b");
}

PROCESS_TEST("a receive that may not wait looks at every message queued", .ids = "PR-167")
{
    for (int count = 1; count <= 2000; count *= 10) {
        for (int i = 0; i < count; i++) {
            keel_send(keel_self(), keel_int(i));
        }
        keel_send(keel_self(), keel_atom(last));
        CHECK_OK(keel_receive_match(KEEL_AT_ONCE, "last"));
        CHECK_INT(keel_flush(), count);
    }
    // Also what another has sent, once it is known to be there.
    keel_pid sender = new_puppet();
    ask(sender, act_send, keel_make("{Self, from_other}", keel_self()));
    CHECK_OK(keel_receive_match(KEEL_AT_ONCE, "from_other"));
    end_process(sender);
}

PROCESS_TEST("a receive never times out early", .ids = "PR-168")
{
    const keel_duration durations[] = {1, KEEL_US(1), KEEL_US(300), KEEL_MS(1),
            KEEL_US(1700), KEEL_MS(7), KEEL_MS(20)};
    queue_up(keel_make("[noise]"));
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
        int64_t begin = time_now();
        CHECK_INT(keel_receive_match(KEEL_IN(durations[i]), "never_sent"), KEEL_E_TIMEOUT);
        CHECK(time_now() - begin >= durations[i]);
        begin = time_now();
        keel_sleep(durations[i]);
        CHECK(time_now() - begin >= durations[i]);
    }
    EXPECT_NEXT("noise");
}

SIMULATED_TEST(
        "in virtual time a receive times out exactly at its deadline", .ids = "PR-168")
{
    for (int i = 1; i < 40; i++) {
        keel_duration duration = KEEL_MS(i * i * i) + i;
        int64_t begin = time_now();
        CHECK_INT(keel_receive_match(KEEL_IN(duration), "never_sent"), KEEL_E_TIMEOUT);
        int64_t late = time_now() - begin - duration;
        CHECK(late >= 0);
        CHECK(late < KEEL_MS(2));
    }
}

static void wait_without_end(keel_term observer)
{
    keel_send(observer, keel_atom(waiting));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "go"));
    keel_send(observer, keel_atom(went));
}

SIMULATED_TEST("a receive without end waits on for years", .ids = "PR-169")
{
    keel_pid pid = keel_spawn(wait_without_end, keel_from_pid(keel_self()));
    EXPECT_NEXT("waiting");
    keel_send(pid, keel_atom(noise));
    keel_sleep(KEEL_MINUTES(60) * 24 * 365 * 3);
    EXPECT_NO_MESSAGE();
    keel_send(pid, keel_atom(go));
    EXPECT_NEXT("went");
    end_of(pid);
}

PROCESS_TEST("a receive without end waits until a match comes", .ids = "PR-169")
{
    keel_pid sender = new_puppet();
    for (int i = 0; i < 20; i++) {
        tell(sender, act_send, keel_make("{Self, noise}", keel_self()));
        tell(sender, act_send, keel_make("{Self, {number, I}}", keel_self(), i));
        int number;
        CHECK_OK(keel_receive_match(KEEL_NEVER, "{number, N}", &number));
        CHECK_INT(number, i);
    }
    CHECK_INT(keel_flush(), 20);
    end_process(sender);
}

PROCESS_TEST("timeouts that OTP refuses are refused", .ids = "PR-171")
{
    uint8_t huge[9] = {[8] = 1};
    const keel_term bad[] = {keel_int(-1), keel_int(INT64_MIN), keel_float(1.0),
            keel_int(INT64_C(1) << 32), keel_int(INT64_MAX),
            keel_int_from_bytes(false, huge, 9), keel_int_from_bytes(true, huge, 9),
            keel_atom(never), keel_nil(), keel_string("5"), keel_from_pid(keel_self()),
            KEEL_NONE, keel_atom(undefined)};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        keel_deadline deadline = {77};
        CHECK_INT(keel_timeout_from(bad[i], &deadline), KEEL_E_BADARG);
        CHECK_INT(deadline.at, 77);
    }
    keel_deadline deadline;
    CHECK_OK(keel_timeout_from(keel_atom(infinity), &deadline));
    CHECK_INT(deadline.at, KEEL_NEVER.at);
    CHECK_OK(keel_timeout_from(keel_int(0), &deadline));
    CHECK(keel_deadline_passed(deadline));
    CHECK_OK(keel_timeout_from(keel_int(1500), &deadline));
    CHECK(deadline.at >= time_now() + KEEL_MS(1400));
}

PROCESS_TEST("the longest timeout is accepted and a message interrupts it", .ids = "PR-172")
{
    keel_deadline deadline;
    CHECK_OK(keel_timeout_from(keel_int((INT64_C(1) << 32) - 1), &deadline));
    keel_pid sender = new_puppet();
    for (int i = 0; i < 10; i++) {
        tell(sender, act_send, keel_make("{Self, {number, I}}", keel_self(), i));
        CHECK_OK(keel_receive_match(deadline, "{number, ^N}", i));
    }
    end_process(sender);
}

SIMULATED_TEST("the longest timeout passes in virtual time", .ids = "PR-172")
{
    keel_deadline deadline;
    int64_t begin = time_now(), milliseconds = (INT64_C(1) << 32) - 1;
    CHECK_OK(keel_timeout_from(keel_int(milliseconds), &deadline));
    keel_term message;
    CHECK_INT(keel_receive_until(deadline, &message), KEEL_E_TIMEOUT);
    CHECK(time_now() - begin >= KEEL_MS(milliseconds));
}

static void wait_and_tell(keel_term to_and_duration)
{
    keel_duration duration = keel_to_int(keel_element(to_and_duration, 1));
    int64_t begin = time_now();
    keel_term message;
    CHECK_INT(keel_receive_until(KEEL_IN(duration), &message), KEEL_E_TIMEOUT);
    CHECK(time_now() - begin >= duration);
    keel_send(keel_element(to_and_duration, 0), keel_atom(timed_out));
}

PROCESS_TEST("many waiting processes time out, none early", .ids = "PR-173")
{
    const int count = many_of(10000);
    keel_term before = keel_process_list();
    for (int i = 0; i < count; i++) {
        keel_scope scope = keel_scope_open();
        keel_duration duration = i % 2 ? KEEL_MS(50)
                                       : KEEL_US((int64_t)(keel_random() % 100000));
        keel_spawn(wait_and_tell, keel_make("{Self, D}", keel_self(), duration));
        keel_scope_close(&scope);
    }
    for (int i = 0; i < count; i++) {
        keel_scope scope = keel_scope_open();
        EXPECT_NEXT("timed_out");
        keel_scope_close(&scope);
    }
    await_others(before);
    EXPECT_NO_MESSAGE();
}

// --- sleep ---

SIMULATED_TEST("sleep takes durations beyond 2^32 milliseconds", .ids = "PR-174")
{
    int64_t begin = time_now();
    keel_duration duration = KEEL_MS((INT64_C(1) << 32) + 5);
    keel_sleep(duration);
    CHECK(time_now() - begin >= duration);
}

static void sleep_very_long(keel_term observer)
{
    keel_send(observer, keel_atom(sleeping));
    keel_sleep(INT64_MAX);
    CHECK(false);
}

PROCESS_TEST("a sleep of centuries does not fail", .ids = "PR-174")
{
    keel_pid pid = keel_spawn(sleep_very_long, keel_from_pid(keel_self()));
    EXPECT_NEXT("sleeping");
    keel_sleep(KEEL_MS(5));
    CHECK(keel_process_alive(pid));
    end_process(pid);
}

PROCESS_TEST("sleep takes no message", .ids = "PR-175")
{
    queue_up(keel_make("[a, b]"));
    keel_pid sender = new_puppet();
    for (int i = 0; i < 5; i++) {
        tell(sender, act_send, keel_make("{Self, I}", keel_self(), i));
    }
    int64_t begin = time_now();
    keel_sleep(KEEL_MS(5));
    CHECK(time_now() - begin >= KEEL_MS(5));
    keel_sleep(0);
    keel_sleep(-1);
    ask(sender, act_nothing, KEEL_NONE);
    CHECK_TERM(info_of(keel_self(), keel_atom(messages)), "[a, b, 0, 1, 2, 3, 4]");
    CHECK_INT(keel_flush(), 7);
    end_process(sender);
}

static void wait_among_noise(keel_term observer)
{
    keel_status status = keel_receive_match(KEEL_IN(KEEL_SECONDS(10)), "never");
    keel_send(observer, keel_make("{gave_up, S, Now}", (int)status, time_now()));
}

SIMULATED_TEST("a message that does not match does not put off the timeout")
{
    int64_t begin = time_now(), when;
    keel_pid pid = keel_spawn(wait_among_noise, keel_from_pid(keel_self()));
    for (int i = 0; i < 9; i++) {
        keel_sleep(KEEL_SECONDS(1));
        keel_send(pid, keel_make("{noise, I}", i));
    }
    EXPECT_NEXT("{gave_up, ^S, When}", (int)KEEL_E_TIMEOUT, &when);
    CHECK(when - begin >= KEEL_SECONDS(10) && when - begin < KEEL_SECONDS(11));
    end_of(pid);
}

PROCESS_TEST("a call finds its answer whatever waits in the mailbox, and leaves that there")
{
    const int count = many_of(10000);
    for (int i = 0; i < count; i++) {
        keel_send(keel_self(), keel_int(i));
    }
    keel_pid pid = new_puppet();
    for (int i = 0; i < 5; i++) {
        CHECK_TERM(ask(pid, act_nothing, KEEL_NONE), "none");
    }
    CHECK_INT(keel_queue_length(), count);
    for (int i = 0; i < count; i++) {
        keel_scope scope = keel_scope_open();
        EXPECT_NEXT("^I", i);
        keel_scope_close(&scope);
    }
    EXPECT_NO_MESSAGE();
    end_process(pid);
}
