// Process timers: PR-177 to PR-197.

#include "proc_testing.h"

static const keel_duration long_time = KEEL_MINUTES(60);

PROCESS_TEST("send_after sends the message once, and not early", .ids = "PR-177")
{
    int64_t begin = time_now();
    keel_ref timer = keel_send_after(
            KEEL_MS(10), keel_self(), keel_make("{the, [message]}"));
    CHECK(!no_ref(timer));
    EXPECT_NEXT("{the, [message]}");
    CHECK(time_now() - begin >= KEEL_MS(10));
    CHECK(!keel_read_timer(timer, NULL));
    keel_sleep(KEEL_MS(15));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("start_timer sends {timeout, Ref, Message}", .ids = "PR-178")
{
    int64_t begin = time_now();
    keel_ref timer = keel_start_timer(
            KEEL_MS(10), keel_from_pid(keel_self()), keel_make("#{a => 1}"));
    EXPECT_NEXT("{timeout, ^Ref, #{a := 1}}", timer);
    CHECK(time_now() - begin >= KEEL_MS(10));
    timer = keel_start_timer_at(
            KEEL_IN(KEEL_MS(3)), keel_from_pid(keel_self()), keel_atom(at));
    EXPECT_NEXT("{timeout, ^Ref, at}", timer);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a timer of no time is delivered without waiting", .ids = "PR-179")
{
    for (int i = 0; i < 50; i++) {
        keel_send_after(0, keel_self(), keel_int(i));
        EXPECT_NEXT("^I", i);
        keel_ref timer = keel_start_timer(0, keel_from_pid(keel_self()), keel_int(i));
        EXPECT_NEXT("{timeout, ^Ref, ^I}", timer, i);
    }
}

SIMULATED_TEST("a timer of no time costs no virtual time to speak of", .ids = "PR-179")
{
    int64_t begin = time_now();
    for (int i = 0; i < 100; i++) {
        keel_send_after(0, keel_self(), keel_int(i));
        EXPECT_NEXT("^I", i);
    }
    CHECK(time_now() - begin < KEEL_MS(300));
}

PROCESS_TEST("cancelling gives the time left and the message never comes", .ids = "PR-180")
{
    for (int i = 1; i <= 20; i++) {
        keel_duration left = -1, time = KEEL_MS(5 * i);
        keel_ref timer = keel_send_after(time, keel_self(), keel_int(i));
        CHECK(keel_cancel_timer(timer, &left));
        CHECK(left >= 0 && left <= time);
    }
    keel_sleep(KEEL_MS(120));
    EXPECT_NO_MESSAGE();
    keel_ref timer = keel_start_timer(
            long_time, keel_from_pid(keel_self()), keel_atom(never));
    CHECK(keel_cancel_timer(timer, NULL));
}

SIMULATED_TEST("the time left is exact in virtual time", .ids = "PR-180 PR-182")
{
    keel_ref timer = keel_send_after(KEEL_SECONDS(10), keel_self(), keel_atom(never));
    keel_duration left;
    int64_t begin = time_now();
    for (int i = 1; i < 10; i++) {
        keel_sleep(KEEL_SECONDS(1));
        CHECK(keel_read_timer(timer, &left));
        CHECK_INT(left, KEEL_SECONDS(10) - (time_now() - begin));
    }
    CHECK(keel_cancel_timer(timer, &left));
    CHECK_INT(left, KEEL_SECONDS(10) - (time_now() - begin));
    keel_sleep(KEEL_SECONDS(10));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a cancel that comes at the moment of firing decides one way", .ids = "PR-180")
{
    for (int i = 0; i < 200; i++) {
        keel_duration left = -1;
        keel_ref timer = keel_send_after(KEEL_US(i % 10), keel_self(), keel_int(i));
        if (i % 3 == 0) {
            keel_yield();
        }
        if (keel_cancel_timer(timer, &left)) {
            CHECK(left >= 0);
        } else {
            EXPECT_NEXT("^I", i);
        }
        EXPECT_NO_MESSAGE();
    }
}

PROCESS_TEST("cancelling what does not run is false", .ids = "PR-181 PR-182 PR-197")
{
    keel_duration left = -77;
    keel_ref timer = keel_send_after(0, keel_self(), keel_atom(fired));
    EXPECT_NEXT("fired");
    CHECK(!keel_cancel_timer(timer, &left));
    CHECK(!keel_read_timer(timer, &left));
    timer = keel_send_after(long_time, keel_self(), keel_atom(never));
    CHECK(keel_cancel_timer(timer, NULL));
    CHECK(!keel_cancel_timer(timer, &left));
    CHECK(!keel_read_timer(timer, &left));
    CHECK(!keel_cancel_timer(keel_make_ref(), &left));
    CHECK(!keel_read_timer(keel_make_ref(), &left));
    CHECK(!keel_cancel_timer((keel_ref){0}, &left));
    CHECK(!keel_read_timer((keel_ref){keel_atom(no_ref).word}, &left));
    CHECK_INT(left, -77);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("reading leaves a timer running", .ids = "PR-182")
{
    keel_duration left = -1;
    keel_ref timer = keel_send_after(KEEL_MS(30), keel_self(), keel_atom(fired));
    for (int i = 0; i < 10; i++) {
        CHECK(keel_read_timer(timer, &left));
        CHECK(left >= 0 && left <= KEEL_MS(30));
    }
    EXPECT_NEXT("fired");
    CHECK(!keel_read_timer(timer, &left));
}

PROCESS_TEST("an asynchronous cancel sends its result, unless no info is wanted",
        .ids = "PR-184")
{
    keel_ref timer = keel_send_after(long_time, keel_self(), keel_atom(never));
    int64_t left;
    CHECK_OK(keel_cancel_timer_async(timer, true));
    EXPECT_NEXT("{cancel_timer, ^Ref, Left}", timer, &left);
    CHECK(left >= 0 && left <= 60 * 60 * 1000);
    CHECK(!keel_read_timer(timer, NULL));
    CHECK_OK(keel_cancel_timer_async(timer, true));
    EXPECT_NEXT("{cancel_timer, ^Ref, false}", timer);

    timer = keel_send_after(long_time, keel_self(), keel_atom(never));
    CHECK_OK(keel_cancel_timer_async(timer, false));
    // The result of a later request: by now that of the first would be here.
    keel_ref other = keel_make_ref();
    CHECK_OK(keel_cancel_timer_async(other, true));
    EXPECT_NEXT("{cancel_timer, ^Ref, false}", other);
    CHECK(!keel_read_timer(timer, NULL));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a cancel that wants no result needs none", .ids = "PR-185")
{
    keel_ref timer = keel_send_after(long_time, keel_self(), keel_atom(never));
    CHECK(keel_cancel_timer(timer, NULL));
    CHECK(!keel_read_timer(timer, NULL));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("an asynchronous read sends its result", .ids = "PR-186")
{
    keel_ref timer = keel_send_after(long_time, keel_self(), keel_atom(never));
    int64_t left;
    CHECK_OK(keel_read_timer_async(timer));
    EXPECT_NEXT("{read_timer, ^Ref, Left}", timer, &left);
    CHECK(left >= 0 && left <= 60 * 60 * 1000);
    CHECK(keel_cancel_timer(timer, NULL));
    CHECK_OK(keel_read_timer_async(timer));
    EXPECT_NEXT("{read_timer, ^Ref, false}", timer);
    EXPECT_NO_MESSAGE();
}

static keel_term act_read_and_cancel(keel_term timer)
{
    keel_duration read = -1, cancelled = -1;
    bool running = keel_read_timer(keel_to_ref(timer), &read);
    bool was = keel_cancel_timer(keel_to_ref(timer), &cancelled);
    return keel_make("{A, B, C, D}", running, read, was, cancelled);
}

static keel_term act_start_timer(keel_term to)
{
    return keel_from_ref(keel_send_after(long_time, to, keel_atom(never)));
}

PROCESS_TEST("any process may read and cancel a timer", .ids = "PR-187")
{
    keel_pid other = new_puppet();
    for (int i = 0; i < 20; i++) {
        keel_ref timer = keel_send_after(long_time, keel_self(), keel_atom(never));
        keel_duration read, cancelled;
        CHECK_TERM(ask(other, act_read_and_cancel, keel_from_ref(timer)),
                "{true, Read, true, Left}", &read, &cancelled);
        CHECK(read > 0 && read <= long_time && cancelled > 0 && cancelled <= read);
        CHECK(!keel_cancel_timer(timer, NULL));
        keel_ref theirs = keel_to_ref(
                ask(other, act_start_timer, keel_from_pid(keel_self())));
        CHECK(keel_read_timer(theirs, NULL));
        CHECK(keel_cancel_timer(theirs, NULL));
    }
    end_process(other);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a timer at a point in time fires then, at once when it has passed",
        .ids = "PR-188")
{
    keel_term self = keel_from_pid(keel_self());
    keel_send_at(KEEL_AT_ONCE, self, keel_int(1));
    EXPECT_NEXT("1");
    keel_send_at(keel_deadline_at(-5), self, keel_int(2));
    EXPECT_NEXT("2");
    keel_send_at(keel_deadline_at(time_now() - KEEL_SECONDS(100)), self, keel_int(3));
    EXPECT_NEXT("3");
    int64_t when = time_now() + KEEL_MS(10);
    keel_send_at(keel_deadline_at(when), self, keel_int(4));
    EXPECT_NEXT("4");
    CHECK(time_now() >= when);

    keel_ref timer;
    keel_term absolute = keel_make("[{abs, true}]");
    CHECK_OK(keel_send_after_opt(keel_int(-100000), self, keel_int(5), absolute, &timer));
    EXPECT_NEXT("5");
    CHECK_OK(keel_start_timer_opt(keel_int(-1), self, keel_int(6), absolute, &timer));
    EXPECT_NEXT("{timeout, ^Ref, 6}", timer);
    int64_t in_10_ms = time_now() / 1000000 + 11;
    CHECK_OK(keel_send_after_opt(keel_int(in_10_ms), self, keel_int(7), absolute, &timer));
    EXPECT_NEXT("7");
    CHECK(time_now() >= KEEL_MS(in_10_ms));
    CHECK_OK(keel_send_after_opt(
            keel_int(2), self, keel_int(8), keel_make("[{abs, false}]"), &timer));
    EXPECT_NEXT("8");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a timer with a bad time, destination or option is not made", .ids = "PR-189")
{
    keel_term self = keel_from_pid(keel_self()), message = keel_atom(never);
    const keel_term bad_times[] = {keel_int(-1), keel_float(10.0), keel_atom(infinity),
            KEEL_NONE, keel_nil(), keel_int(INT64_MAX), keel_int(INT64_MIN),
            keel_make("123456789012345678901234567890")};
    const keel_term bad_to[] = {KEEL_NONE, keel_int(1), keel_nil(), keel_string("name"),
            keel_from_ref(keel_make_ref()), keel_make("{name, node}")};
    const keel_term bad_options[] = {keel_atom(abs), keel_make("[abs]"),
            keel_make("[{abs, yes}]"), keel_make("[{abs, true} | x]"),
            keel_make("[{fast, true}]"), keel_make("{abs, true}"), KEEL_NONE, keel_int(1)};
    keel_ref timer = {77};
    for (size_t i = 0; i < sizeof bad_times / sizeof *bad_times; i++) {
        CHECK_INT(keel_send_after_opt(bad_times[i], self, message, keel_nil(), &timer),
                KEEL_E_BADARG);
        CHECK_INT(keel_start_timer_opt(bad_times[i], self, message, keel_nil(), &timer),
                KEEL_E_BADARG);
    }
    for (size_t i = 0; i < sizeof bad_to / sizeof *bad_to; i++) {
        CHECK_INT(keel_send_after_opt(keel_int(1), bad_to[i], message, keel_nil(), &timer),
                KEEL_E_BADARG);
        CHECK_INT(keel_start_timer_opt(keel_int(1), bad_to[i], message, keel_nil(), &timer),
                KEEL_E_BADARG);
        CHECK(no_ref(keel_send_after(KEEL_MS(1), bad_to[i], message)));
        CHECK(no_ref(keel_start_timer(KEEL_MS(1), bad_to[i], message)));
        CHECK(no_ref(keel_send_at(KEEL_AT_ONCE, bad_to[i], message)));
        CHECK(no_ref(keel_start_timer_at(KEEL_AT_ONCE, bad_to[i], message)));
    }
    for (size_t i = 0; i < sizeof bad_options / sizeof *bad_options; i++) {
        CHECK_INT(keel_send_after_opt(keel_int(1), self, message, bad_options[i], &timer),
                KEEL_E_BADARG);
        CHECK_INT(keel_start_timer_opt(keel_int(1), self, message, bad_options[i], &timer),
                KEEL_E_BADARG);
    }
    CHECK(no_ref(keel_send_after(-1, self, message)));
    CHECK(no_ref(keel_start_timer(-1, self, message)));
    CHECK_INT(timer.word, 77);
    keel_runtime_view view;
    keel_inspect_runtime(&view);
    CHECK_INT(view.timers, 0);
    keel_sleep(KEEL_MS(3));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("very long times are accepted, can be read and cancelled", .ids = "PR-190")
{
    const int64_t milliseconds[] = {INT64_C(1) << 31, (INT64_C(1) << 31) + 1,
            INT64_C(1) << 32, INT64_C(1) << 33, (INT64_C(1) << 33) + 7, INT64_C(1) << 40};
    keel_term self = keel_from_pid(keel_self());
    for (size_t i = 0; i < sizeof milliseconds / sizeof *milliseconds; i++) {
        keel_duration left, read;
        keel_ref timer;
        CHECK_OK(keel_send_after_opt(
                keel_int(milliseconds[i]), self, keel_atom(never), keel_nil(), &timer));
        CHECK(keel_read_timer(timer, &read));
        CHECK(read > KEEL_MS(milliseconds[i]) - KEEL_MINUTES(10));
        CHECK(read <= KEEL_MS(milliseconds[i]));
        CHECK(keel_cancel_timer(timer, &left));
        CHECK(left > KEEL_MS(milliseconds[i]) - KEEL_MINUTES(10) && left <= read);
    }
    EXPECT_NO_MESSAGE();
}

SIMULATED_TEST("a timer of months fires in virtual time, not early", .ids = "PR-190")
{
    int64_t begin = time_now(), time = KEEL_MS((INT64_C(1) << 33) + 7);
    keel_send_after(time, keel_self(), keel_atom(at_last));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "at_last"));
    CHECK(time_now() - begin >= time);
    CHECK(time_now() - begin < time + KEEL_SECONDS(10));
}

PROCESS_TEST("a timer goes away with the process it would tell", .ids = "PR-191")
{
    keel_pid pid = new_puppet();
    keel_ref timers[20];
    for (int i = 0; i < 20; i++) {
        timers[i] = keel_send_after(long_time, pid, keel_atom(never));
        CHECK(keel_read_timer(timers[i], NULL));
    }
    CHECK(keel_cancel_timer(timers[7], NULL));
    end_process(pid);
    for (int i = 0; i < 20; i++) {
        CHECK(!keel_read_timer(timers[i], NULL));
        CHECK(!keel_cancel_timer(timers[i], NULL));
    }
    // To one that is dead already: no error, and no timer for long.
    keel_ref timer = keel_send_after(long_time, pid, keel_atom(never));
    CHECK(!no_ref(timer));
    CHECK(!keel_read_timer(timer, NULL));
    timer = keel_start_timer(0, keel_from_pid(pid), keel_atom(never));
    CHECK(!no_ref(timer));
}

static keel_term act_time_itself(keel_term unused)
{
    (void)unused;
    return keel_from_ref(keel_send_after(long_time, keel_self(), keel_atom(never)));
}

PROCESS_TEST("a timer that a process has set for itself goes with it", .ids = "PR-191")
{
    for (int i = 0; i < 20; i++) {
        keel_pid pid = new_puppet();
        keel_ref timer = keel_to_ref(ask(pid, act_time_itself, KEEL_NONE));
        CHECK(keel_read_timer(timer, NULL));
        end_process(pid);
        CHECK(!keel_read_timer(timer, NULL));
    }
    // None of them is armed any more: the end of the test looks for those that are left.
}

PROCESS_TEST("a timer survives who made it", .ids = "PR-193")
{
    keel_pid maker = new_puppet();
    keel_ref timer = keel_to_ref(ask(maker, act_start_timer, keel_from_pid(keel_self())));
    end_process(maker);
    CHECK(keel_read_timer(timer, NULL));
    CHECK(keel_cancel_timer(timer, NULL));
}

static void arm_and_end(keel_term to)
{
    keel_send_after(KEEL_MS(5), to, keel_atom(from_the_dead));
}

PROCESS_TEST("a dead process's timer still fires", .ids = "PR-193")
{
    end_of(keel_spawn(arm_and_end, keel_from_pid(keel_self())));
    EXPECT_NEXT("from_the_dead");
}

static void expect_in_order(void)
{
    enum { COUNT = 30 };
    // Between two of them time may pass, however much: when each is due lies between these.
    int64_t earliest[COUNT], latest[COUNT];
    for (int i = COUNT - 1; i >= 0; i--) {
        int turned = i * 7 % COUNT;
        keel_duration after = KEEL_MS(2 + turned);
        earliest[turned] = KEEL_IN(after).at;
        keel_send_after(after, keel_self(), keel_int(turned));
        latest[turned] = KEEL_IN(after).at;
    }
    int64_t before = INT64_MIN; // what has fired was due then or later
    for (int i = 0; i < COUNT; i++) {
        int fired = -1;
        EXPECT_NEXT("Fired", &fired);
        CHECK(latest[fired] >= before);
        before = earliest[fired] > before ? earliest[fired] : before;
        latest[fired] = INT64_MIN; // once only
    }
    EXPECT_NO_MESSAGE();
}

SIMULATED_TEST("timers to one process fire in the order of their times", .ids = "PR-194")
{
    expect_in_order();
}

// With several workers a timer lies with the one that ran its maker, and one that is held
// up is late with all of its timers.
TEST("timers of one worker fire in the order of their times", .ids = "PR-194")
{
    const keel_config config = {.workers = 1};
    in_process_with(expect_in_order, .config = &config);
}

PROCESS_TEST("a timer to a name finds who has it when it fires", .ids = "PR-177 PR-200")
{
    keel_send_after(KEEL_MS(2), keel_atom(named_later), keel_atom(to_nobody));
    keel_sleep(KEEL_MS(4));
    keel_send_after(KEEL_MS(2), keel_atom(named_later), keel_atom(to_somebody));
    keel_send_after(KEEL_MS(2), "named_later", keel_atom(to_somebody)); // an atom by now
    CHECK_OK(keel_register(keel_atom(named_later), keel_self()));
    EXPECT_NEXT("to_somebody");
    EXPECT_NEXT("to_somebody");
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_unregister(keel_atom(named_later)));
}

PROCESS_TEST("timer references are unique and no monitors or aliases", .ids = "PR-197")
{
    keel_pid pid = new_puppet();
    keel_ref monitor = keel_monitor(pid), alias = keel_alias();
    keel_ref first = keel_send_after(long_time, pid, keel_atom(never));
    keel_ref second = keel_send_after(long_time, pid, keel_atom(never));
    CHECK(!same_ref(first, second) && !same_ref(first, monitor) && !same_ref(first, alias));
    CHECK(!keel_cancel_timer(monitor, NULL));
    CHECK(!keel_cancel_timer(alias, NULL));
    CHECK(!keel_unalias(first));
    CHECK(!keel_demonitor(first, KEEL_DEMONITOR_INFO));
    CHECK(keel_cancel_timer(first, NULL));
    CHECK(keel_cancel_timer(second, NULL));
    CHECK_OK(keel_send(alias, keel_atom(alive)));
    EXPECT_NEXT("alive");
    CHECK(keel_unalias(alias));
    end_process(pid);
    CHECK_TERM(await_down(monitor), "killed");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("cancelling does not take back what the timer has sent")
{
    keel_ref timer = keel_start_timer(0, keel_from_pid(keel_self()), keel_atom(sent));
    while (keel_queue_length() == 0) {
        keel_yield();
    }
    CHECK(!keel_cancel_timer(timer, NULL));
    EXPECT_NEXT("{timeout, ^Ref, sent}", timer);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("of many timers for the same moment each fires once")
{
    enum { COUNT = 300 };
    static bool seen[COUNT];
    keel_deadline when = KEEL_IN(KEEL_MS(3));
    for (int i = 0; i < COUNT; i++) {
        seen[i] = false;
        CHECK(!no_ref(keel_send_at(when, keel_from_pid(keel_self()), keel_int(i))));
    }
    for (int i = 0; i < COUNT; i++) {
        int number;
        EXPECT_NEXT("N", &number);
        CHECK(number >= 0 && number < COUNT && !seen[number]);
        CHECK(time_now() >= when.at);
        seen[number] = true;
    }
    keel_sleep(KEEL_MS(2));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a timer to a name that nobody has when it fires sends nothing")
{
    keel_pid pid = new_puppet();
    CHECK_OK(keel_register(keel_atom(timed), pid));
    keel_ref timer = keel_send_after(KEEL_MS(2), "timed", keel_atom(lost));
    end_process(pid);
    while (keel_read_timer(timer, NULL)) {
        keel_sleep(KEEL_MS(1));
    }
    CHECK(!keel_cancel_timer(timer, NULL));
    EXPECT_NO_MESSAGE();
}
