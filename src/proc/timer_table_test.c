// Who gives a timer's record back: its receiver, who fires it, who cancels it. Each test's
// end looks for timers that are left.

#include "proc_testing.h"

static const keel_duration long_time = KEEL_MINUTES(60);

static size_t armed(void)
{
    keel_runtime_view view;
    keel_inspect_runtime(&view);
    return view.timers;
}

static keel_term act_cancel(keel_term timer)
{
    return keel_bool(keel_cancel_timer(keel_to_ref(timer), NULL));
}

static keel_term act_time_itself(keel_term unused)
{
    (void)unused;
    return keel_from_ref(keel_send_after(long_time, keel_self(), keel_atom(never)));
}

PROCESS_TEST("a timer that another process has set is disarmed with its receiver",
        .ids = "PR-191")
{
    for (int i = 0; i < 20; i++) {
        keel_pid pid = new_puppet();
        for (int j = 0; j < 5; j++) {
            keel_send_after(long_time, pid, keel_atom(never));
        }
        CHECK(armed() >= 5);
        end_process(pid);
    }
}

PROCESS_TEST(
        "what another process cancels is off the list of its receiver", .ids = "PR-187")
{
    keel_pid other = new_puppet();
    keel_ref timers[30];
    for (int i = 0; i < 30; i++) {
        timers[i] = keel_send_after(long_time, keel_self(), keel_atom(never));
    }
    for (int i = 0; i < 30; i += 2) {
        CHECK(keel_is(ask(other, act_cancel, keel_from_ref(timers[i])), true));
        CHECK(keel_is(ask(other, act_cancel, keel_from_ref(timers[i])), false));
        CHECK(!keel_cancel_timer(timers[i], NULL));
        timers[i] = keel_send_after(long_time, keel_self(), keel_atom(never));
    }
    // First, last and in between.
    for (int i = 0; i < 30; i++) {
        CHECK(keel_cancel_timer(timers[i * 7 % 30], NULL));
    }
    end_process(other);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a receiver that ends takes all of its timers with it, whoever has set them",
        .ids = "PR-191")
{
    for (int i = 0; i < 20; i++) {
        keel_pid pid = new_puppet();
        keel_ref own = keel_to_ref(ask(pid, act_time_itself, KEEL_NONE));
        keel_ref ours = keel_send_after(long_time, pid, keel_atom(never));
        keel_ref cancelled = keel_to_ref(ask(pid, act_time_itself, KEEL_NONE));
        CHECK(keel_cancel_timer(cancelled, NULL)); // told while it ends, or just before
        end_process(pid);
        CHECK(!keel_read_timer(own, NULL));
        CHECK(!keel_read_timer(ours, NULL));
    }
}

// Sets timers for itself that fire while it ends.
static void end_among_timers(keel_term watcher)
{
    for (int i = 0; i < 8; i++) {
        keel_ref timer = keel_send_after(KEEL_US(i * 3), keel_self(), keel_atom(tick));
        keel_send(keel_to_pid(watcher),
                keel_tuple_of(keel_atom(timer), keel_from_ref(timer)));
    }
    if (keel_to_pid(watcher).word % 2 == 0) {
        keel_yield();
    }
}

PROCESS_TEST(
        "timers fire and are cancelled while their receiver ends", .ids = "PR-191 PR-180")
{
    for (int round = 0; round < 100; round++) {
        keel_ref monitor;
        keel_pid pid = keel_spawn_monitor(
                end_among_timers, keel_from_pid(keel_self()), &monitor);
        for (int i = 0; i < 4; i++) {
            keel_send_after(KEEL_US(i * 5), pid, keel_atom(tock));
        }
        for (int i = 0; i < 8; i++) {
            keel_ref timer;
            CHECK_OK(keel_receive_match(KEEL_NEVER, "{timer, Ref}", &timer));
            if (i % 2 == 0) {
                keel_cancel_timer(timer, NULL);
            }
        }
        CHECK_OK(keel_receive_match(
                KEEL_NEVER, "{'DOWN', ^Ref, process, _, normal}", monitor));
    }
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("records of timers that have fired are used again", .ids = "PR-177")
{
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 40; i++) {
            keel_send_after(KEEL_US(i), keel_self(), keel_int(i));
        }
        for (int i = 0; i < 40; i++) {
            CHECK_OK(keel_receive_match(KEEL_NEVER, "^I", i));
        }
    }
    CHECK_INT(armed(), 0);
}
