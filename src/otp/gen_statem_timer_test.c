// The timeouts of a state machine.

#include "statem_testing.h"

// Waits for the event timeout and so on, and says how long it took.
#define EXPECT_AFTER(milliseconds, before, ...)                                            \
    do {                                                                                   \
        EXPECT_NEXT(__VA_ARGS__);                                                          \
        CHECK_INT((keel_now() - (before)) / KEEL_MS(1), (milliseconds));                   \
    } while (0)

static keel_pid timed(const char *start)
{
    return new_machine(.probed = true, .start = start);
}

// The timeouts that run: {Count, [{Type, Content}, …]}.
static keel_term running(keel_pid pid)
{
    keel_term status = KEEL_NONE;
    keel_term timeouts = KEEL_NONE;
    CHECK_OK(keel_sys_get_status(pid, &status));
    CHECK(keel_match(status,
            "{status, _, _, [_, _, _, _, [_, {data, [_, _, _, {_, Timeouts} | _]} | _]]}",
            &timeouts));
    return timeouts;
}

// --- the event timeout ---

SIMULATED_TEST("the event timeout comes when no event has come", .ids = "SM-082")
{
    int64_t before = keel_now();
    keel_pid pid = timed("{ok, a, [{timeout, 30, idle}]}");
    EXPECT_AFTER(30, before, "{a, timeout, idle}");
    before = keel_now();
    CAST(pid, "{keep_state, 20}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_AFTER(20, before, "{a, timeout, 20}");
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

SIMULATED_TEST("any event ends the event timeout", .ids = "SM-083 SM-086 SM-106")
{
    keel_pid pid = timed("{ok, a, [{timeout, 30, idle}]}");
    keel_sleep(KEEL_MS(10));
    CHECK_OK(keel_send(pid, keel_atom(hello)));
    EXPECT_NEXT("{a, info, hello}");
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
    CAST(pid, "{keep_state, [{timeout, 30, idle}, {next_event, internal, inserted}]}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, internal, inserted}");
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
    CAST(pid, "{keep_state, [{timeout, 30, idle}, {{timeout, n}, 20, other}]}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, {timeout, n}, other}");
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
    CAST(pid, "{keep_state, postpone}");
    CAST(pid, "{next_state, b, [{timeout, 30, idle}]}"); // the retried one ends it
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{b, cast, {do, {keep_state, postpone}}}");
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

SIMULATED_TEST("an event timeout of infinity is none, and ends one", .ids = "SM-087")
{
    keel_pid pid = timed("{ok, a, [{timeout, 30, x}, {timeout, infinity, y}]}");
    CAST(pid, "{keep_state, [{timeout, 10, x}, infinity]}");
    EXPECT_NEXT("{a, cast, _}");
    CHECK_TERM(running(pid), "{0, []}");
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

// --- the state timeout ---

SIMULATED_TEST("the state timeout comes unless the state changes", .ids = "SM-088")
{
    int64_t before = keel_now();
    keel_pid pid = timed("{ok, a, [{state_timeout, 50, over}]}");
    for (int i = 0; i < 4; i++) {
        keel_sleep(KEEL_MS(10));
        CAST(pid, "{keep_state, []}");
        EXPECT_NEXT("{a, cast, _}");
    }
    CAST(pid, "{next_state, a, []}");
    EXPECT_NEXT("{a, cast, _}");
    CAST(pid, "{repeat_state, []}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_AFTER(50, before, "{a, state_timeout, over}");
    end_process(pid);
}

SIMULATED_TEST("a change of state ends the state timeout for good", .ids = "SM-089")
{
    keel_pid pid = timed("{ok, a, [{state_timeout, 50, over}]}");
    CAST(pid, "{next_state, b, []}");
    CAST(pid, "{next_state, a, []}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{b, cast, _}");
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
    int64_t before = keel_now();
    CAST(pid, "{next_state, b, [{state_timeout, 20, anew}]}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_AFTER(20, before, "{b, state_timeout, anew}");
    end_process(pid);
}

SIMULATED_TEST("setting the state timeout again replaces time and content", .ids = "SM-091")
{
    keel_pid pid = timed("{ok, a, [{state_timeout, 10, first}]}");
    int64_t before = keel_now();
    CAST(pid, "{keep_state, [{state_timeout, 40, second}]}");
    EXPECT_NEXT("{a, cast, _}");
    CHECK_TERM(running(pid), "{1, [{state_timeout, second}]}");
    EXPECT_AFTER(40, before, "{a, state_timeout, second}");
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

// --- named timeouts ---

SIMULATED_TEST("named timeouts run side by side, through changes of state",
        .ids = "SM-095 SM-096 SM-106")
{
    int64_t before = keel_now();
    keel_pid pid = timed(
            "{ok, a, [{{timeout, {x, 1}}, 30, late}, {{timeout, y}, 20, early}, "
            "{state_timeout, 25, never}]}");
    CAST(pid, "{next_state, b, []}");
    CHECK_TERM(running(pid), "{2, [{{timeout, {x, 1}}, late}, {{timeout, y}, early}]}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_AFTER(20, before, "{b, {timeout, y}, early}");
    EXPECT_AFTER(30, before, "{b, {timeout, {x, 1}}, late}");
    CAST(pid, "{keep_state, [{{timeout, y}, 10, one}]}");
    EXPECT_NEXT("{b, cast, _}");
    before = keel_now();
    CAST(pid, "{keep_state, [{{timeout, y}, 40, two}]}");
    EXPECT_NEXT("{b, cast, _}");
    EXPECT_AFTER(40, before, "{b, {timeout, y}, two}");
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

SIMULATED_TEST("timeouts are cancelled by infinity and by cancel, also when none runs",
        .ids = "SM-097 SM-100")
{
    keel_pid pid = timed("{ok, a, [{{timeout, x}, 10, x}, {{timeout, y}, 10, y}, "
                         "{state_timeout, 10, s}, {timeout, 10, t}]}");
    CHECK_TERM(running(pid), "{4, _}");
    CAST(pid, "{keep_state, [{{timeout, x}, infinity, x}, {{timeout, y}, cancel}, "
              "{state_timeout, cancel}, {timeout, cancel}]}");
    CHECK_TERM(running(pid), "{0, []}");
    CAST(pid, "{keep_state, [{{timeout, y}, cancel}, {state_timeout, cancel}, {timeout, "
              "cancel}]}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, cast, _}");
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

SIMULATED_TEST("an absolute time is one of the monotonic clock", .ids = "SM-098")
{
    keel_pid pid = timed("{ok, a, []}");
    keel_sleep(KEEL_US(300)); // the clock stands at no whole millisecond
    int64_t now = keel_now() / KEEL_MS(1);
    CAST(pid, "{keep_state, [{{timeout, x}, At, x, [{abs, true}]}]}", now + 30);
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, {timeout, x}, x}");
    CHECK_INT(keel_now() / KEEL_MS(1), now + 30);
    CAST(pid, "{keep_state, [{{timeout, x}, At, gone, [{abs, true}]}]}", now);
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, {timeout, x}, gone}");
    CHECK_INT(keel_now() / KEEL_MS(1), now + 30);
    int64_t before = keel_now();
    CAST(pid, "{keep_state, [{{timeout, x}, 15, x, [{abs, false}]}]}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_AFTER(15, before, "{a, {timeout, x}, x}");
    keel_deadline when = KEEL_IN(KEEL_US(500));
    keel_cast(pid, keel_make("{do, {keep_state, [Action]}}",
                           keel_do_state_timeout_at(when, keel_atom(fine))));
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, state_timeout, fine}");
    CHECK(keel_now() >= when.at && keel_now() < when.at + KEEL_MS(1));
    end_process(pid);
}

// --- updating ---

SIMULATED_TEST(
        "an update changes the content of what runs, else comes at once", .ids = "SM-100")
{
    int64_t before = keel_now();
    keel_pid pid = timed("{ok, a, [{state_timeout, 40, old}, {{timeout, x}, 30, old}]}");
    CAST(pid, "{keep_state, [{state_timeout, update, new}, {{timeout, x}, update, new}, "
              "{timeout, update, now}]}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_AFTER(0, before, "{a, timeout, now}");
    EXPECT_AFTER(30, before, "{a, {timeout, x}, new}");
    EXPECT_AFTER(40, before, "{a, state_timeout, new}");
    end_process(pid);
}

// --- no time at all ---

PROCESS_TEST("a timeout of 0 comes before messages that wait, after inserted events",
        .ids = "SM-099 SM-104")
{
    keel_pid pid = timed("{ok, a, []}");
    CAST(pid, "block");
    CAST(pid,
            "{keep_state, [{{timeout, x}, 0, 1}, {state_timeout, 0, 2}, {{timeout, y}, 0, "
            "3}, {next_event, internal, 0}]}");
    CHECK_OK(keel_cast(pid, keel_atom(waits)));
    keel_send(pid, keel_atom(go));
    EXPECT_NEXT("{a, cast, {do, block}}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, internal, 0}");
    EXPECT_NEXT("{a, {timeout, x}, 1}");
    EXPECT_NEXT("{a, state_timeout, 2}");
    EXPECT_NEXT("{a, {timeout, y}, 3}");
    EXPECT_NEXT("{a, cast, waits}");
    end_process(pid);
}

PROCESS_TEST("a timeout of 0 that an event or a change of state ends does not come",
        .ids = "SM-083 SM-089")
{
    keel_pid pid = timed("{ok, a, []}");
    CAST(pid, "{keep_state, [{timeout, 0, never}, {next_event, internal, 1}]}");
    CAST(pid, "{keep_state, [{state_timeout, 0, never}, {next_event, internal, {do, "
              "{next_state, b, []}}}]}");
    CAST(pid, "{keep_state, [{{timeout, x}, 0, never}, {next_event, internal, {do, "
              "{keep_state, [{{timeout, x}, cancel}]}}}]}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, internal, 1}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{a, internal, _}");
    EXPECT_NEXT("{b, cast, _}");
    EXPECT_NEXT("{b, internal, _}");
    SYNC(pid);
    EXPECT_NEXT("{b, call, _}");
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

// --- together ---

SIMULATED_TEST("of each kind the last one in a list counts, and those of entering override",
        .ids = "SM-109 SM-064")
{
    keel_pid pid = machine_of(&entering_machine, .probed = true,
            .enters = "#{b => {keep_state, [{state_timeout, 20, entered}]}}");
    EXPECT_NEXT("{a, enter, a}");
    CAST(pid, "{keep_state, [{{timeout, x}, 5, one}, {{timeout, y}, 6, other}, {{timeout, "
              "x}, "
              "10, two}]}");
    EXPECT_NEXT("{a, cast, _}");
    CHECK_TERM(running(pid), "{2, [{{timeout, y}, other}, {{timeout, x}, two}]}");
    EXPECT_NEXT("{a, {timeout, y}, other}");
    EXPECT_NEXT("{a, {timeout, x}, two}");
    int64_t before = keel_now();
    CAST(pid, "{next_state, b, [{state_timeout, 10, left}]}");
    EXPECT_NEXT("{a, cast, _}");
    EXPECT_NEXT("{b, enter, a}");
    EXPECT_AFTER(20, before, "{b, state_timeout, entered}");
    end_process(pid);
}

SIMULATED_TEST(
        "the event, state and named timeouts do not disturb each other", .ids = "SM-106")
{
    int64_t before = keel_now();
    keel_pid pid = timed(
            "{ok, a, [{timeout, 10, t}, {state_timeout, 20, s}, {{timeout, n}, "
            "30, n}]}");
    EXPECT_AFTER(10, before, "{a, timeout, t}");
    EXPECT_AFTER(20, before, "{a, state_timeout, s}");
    EXPECT_AFTER(30, before, "{a, {timeout, n}, n}");
    end_process(pid);
}

PROCESS_TEST("a timeout that was cancelled too late is not heard of")
{
    keel_pid pid = timed("{ok, a, []}");
    for (int i = 0; i < 20; i++) {
        CAST(pid, "{keep_state, [{state_timeout, 1, never}]}");
        CAST(pid, "{sleep, 2, {next_state, N, [{state_timeout, cancel}]}}", i);
        EXPECT_NEXT("{_, cast, _}");
        EXPECT_NEXT("{_, cast, _}");
    }
    SYNC(pid);
    EXPECT_NEXT("{_, call, _}");
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

PROCESS_TEST("a message that only looks like a timeout is one of the user's")
{
    keel_pid pid = timed("{ok, a, [{state_timeout, 3600000, x}]}");
    keel_ref timer = keel_start_timer(0, keel_from_pid(pid), keel_atom(mine));
    EXPECT_NEXT("{a, info, {timeout, ^Timer, mine}}", timer);
    end_process(pid);
}
