// Suspending and resuming: PR-244, PR-245.

#include "proc_testing.h"

// Counts for ever; read by the test, written by the process.
static uint64_t turns;

static void count_turns(keel_term observer)
{
    keel_send(observer, keel_atom(counting));
    for (;;) {
        __atomic_fetch_add(&turns, 1, __ATOMIC_RELAXED);
        keel_yield();
    }
}

static uint64_t turns_so_far(void)
{
    return __atomic_load_n(&turns, __ATOMIC_RELAXED);
}

static void await_turns(uint64_t more)
{
    uint64_t goal = turns_so_far() + more;
    while (turns_so_far() < goal) {
        keel_yield();
    }
}

PROCESS_TEST("a suspended process does not execute until it is resumed", .ids = "PR-244")
{
    keel_pid pid = keel_spawn(count_turns, keel_from_pid(keel_self()));
    EXPECT_NEXT("counting");
    await_turns(10);
    for (int i = 0; i < 10; i++) {
        CHECK_OK(keel_process_suspend(pid));
        uint64_t stopped_at = turns_so_far();
        for (int j = 0; j < 100; j++) {
            keel_yield();
        }
        keel_sleep(KEEL_MS(1));
        CHECK_INT(turns_so_far(), stopped_at);
        CHECK_TERM(info_of(pid, keel_atom(status)), "suspended");
        CHECK_OK(keel_process_resume(pid));
        await_turns(10);
    }
    end_process(pid);
}

PROCESS_TEST("a process suspended in a receive queues its messages", .ids = "PR-244")
{
    keel_pid pid = new_puppet();
    ask(pid, act_nothing, KEEL_NONE);
    CHECK_OK(keel_process_suspend(pid));
    keel_ref ref = keel_make_ref();
    tell(pid, act_send, keel_make("{Self, {ran, Ref}}", keel_self(), ref));
    for (int i = 0; i < 5; i++) {
        keel_send(pid, keel_int(i));
    }
    for (int j = 0; j < 100; j++) {
        keel_yield();
    }
    EXPECT_NO_MESSAGE();
    CHECK_TERM(info_of(pid, keel_atom(message_queue_len)), "6");
    CHECK_OK(keel_process_resume(pid));
    EXPECT_NEXT("{ran, ^Ref}", ref);
    CHECK_TERM(ask(pid, act_messages, KEEL_NONE), "[0, 1, 2, 3, 4]");
    end_process(pid);
}

PROCESS_TEST("a message before the resume is not lost in the sleep", .ids = "PR-244")
{
    for (int i = 0; i < 100; i++) {
        keel_pid pid = new_puppet();
        if (i % 2) {
            ask(pid, act_nothing, KEEL_NONE);
        }
        CHECK_OK(keel_process_suspend(pid));
        tell(pid, act_send, keel_make("{Self, I}", keel_self(), i));
        CHECK_OK(keel_process_resume(pid));
        EXPECT_NEXT("^I", i);
        end_process(pid);
    }
}

PROCESS_TEST("suspends nest", .ids = "PR-245")
{
    keel_pid pid = keel_spawn(count_turns, keel_from_pid(keel_self()));
    EXPECT_NEXT("counting");
    for (int depth = 1; depth <= 5; depth++) {
        for (int i = 0; i < depth; i++) {
            CHECK_OK(keel_process_suspend(pid));
        }
        uint64_t stopped_at = turns_so_far();
        for (int i = 0; i < depth; i++) {
            for (int j = 0; j < 20; j++) {
                keel_yield();
            }
            CHECK_INT(turns_so_far(), stopped_at);
            CHECK_OK(keel_process_resume(pid));
        }
        await_turns(5);
    }
    end_process(pid);
}

static keel_term act_suspend(keel_term pid)
{
    return keel_int(keel_process_suspend(keel_to_pid(pid)));
}

PROCESS_TEST("two may suspend the same process, and it waits for both", .ids = "PR-245")
{
    keel_pid pid = keel_spawn(count_turns, keel_from_pid(keel_self())),
             other = new_puppet();
    EXPECT_NEXT("counting");
    CHECK_OK(keel_process_suspend(pid));
    CHECK_TERM(ask(other, act_suspend, keel_from_pid(pid)), "0");
    uint64_t stopped_at = turns_so_far();
    CHECK_OK(keel_process_resume(pid));
    for (int j = 0; j < 50; j++) {
        keel_yield();
    }
    CHECK_INT(turns_so_far(), stopped_at);
    // Whoever ends gives up its suspends.
    end_process(other);
    await_turns(5);
    end_process(pid);
}

PROCESS_TEST("a process may be suspended more often than fits in a byte")
{
    keel_pid pid = keel_spawn(count_turns, keel_from_pid(keel_self()));
    EXPECT_NEXT("counting");
    enum { TIMES = 300 };
    for (int i = 0; i < TIMES; i++) {
        CHECK_OK(keel_process_suspend(pid));
    }
    CHECK_TERM(info_of(keel_self(), keel_atom(suspending)), "[{^Pid, 300, 0}]", pid);
    uint64_t stopped_at = turns_so_far();
    for (int i = 0; i < TIMES; i++) {
        keel_yield();
        CHECK_INT(turns_so_far(), stopped_at);
        CHECK_OK(keel_process_resume(pid));
    }
    CHECK_TERM(info_of(keel_self(), keel_atom(suspending)), "[]");
    await_turns(5);
    end_process(pid);
}

static keel_term act_resume(keel_term pid)
{
    return keel_int(keel_process_resume(keel_to_pid(pid)));
}

PROCESS_TEST("only who has suspended a process resumes it")
{
    keel_pid pid = keel_spawn(count_turns, keel_from_pid(keel_self())),
             other = new_puppet();
    EXPECT_NEXT("counting");
    CHECK_OK(keel_process_suspend(pid));
    uint64_t stopped_at = turns_so_far();
    CHECK_TERM(ask(other, act_resume, keel_from_pid(pid)), "^S", (int)KEEL_E_BADARG);
    for (int j = 0; j < 20; j++) {
        keel_yield();
    }
    CHECK_INT(turns_so_far(), stopped_at);
    CHECK_OK(keel_process_resume(pid));
    CHECK_INT(keel_process_resume(pid), KEEL_E_BADARG);
    await_turns(5);
    end_process(pid);
    end_process(other);
}

// --- while it waits with a timeout ---

static void await_waiting(keel_pid pid)
{
    while (!keel_is(info_of(pid, keel_atom(status)), waiting)) {
        keel_yield();
    }
}

// Waits two seconds for `go`, and again; tells the observer how either wait has ended, and
// when.
static void wait_twice(keel_term observer)
{
    for (int i = 0; i < 2; i++) {
        keel_status status = keel_receive_match(KEEL_IN(KEEL_SECONDS(2)), "go");
        keel_send(observer, keel_make("{waited, S, Now}", (int)status, time_now()));
    }
}

SIMULATED_TEST("the timeout of a receive stands still while the process is suspended")
{
    keel_pid pid = keel_spawn(wait_twice, keel_from_pid(keel_self()));
    int64_t when;
    await_waiting(pid);
    keel_sleep(KEEL_SECONDS(1));
    CHECK_OK(keel_process_suspend(pid));
    keel_sleep(KEEL_SECONDS(5));
    // What comes meanwhile does not wake it either.
    keel_send(pid, keel_atom(noise));
    keel_sleep(KEEL_SECONDS(5));
    CHECK_OK(keel_process_resume(pid));
    keel_sleep(KEEL_MS(900));
    EXPECT_NO_MESSAGE();
    keel_send(pid, keel_atom(go));
    EXPECT_NEXT("{waited, 0, _}");

    int64_t begin = time_now();
    await_waiting(pid);
    for (int i = 0; i < 3; i++) {
        // Two suspends: it goes on with the second resume.
        CHECK_OK(keel_process_suspend(pid));
        keel_sleep(KEEL_SECONDS(10));
        CHECK_OK(keel_process_suspend(pid));
        CHECK_OK(keel_process_resume(pid));
        keel_sleep(KEEL_SECONDS(10));
        CHECK_OK(keel_process_resume(pid));
        keel_sleep(KEEL_MS(500));
        EXPECT_NO_MESSAGE();
    }
    EXPECT_NEXT("{waited, ^S, When}", (int)KEEL_E_TIMEOUT, &when);
    CHECK(when - begin >= KEEL_SECONDS(62) && when - begin < KEEL_SECONDS(63));
    end_of(pid);
}

static void sleep_once(keel_term observer)
{
    keel_sleep(KEEL_SECONDS(2));
    keel_send(observer, keel_make("{slept, Now}", time_now()));
}

SIMULATED_TEST("a sleep stands still while the process is suspended")
{
    int64_t begin = time_now(), when;
    keel_pid pid = keel_spawn(sleep_once, keel_from_pid(keel_self()));
    await_waiting(pid);
    CHECK_OK(keel_process_suspend(pid));
    keel_sleep(KEEL_SECONDS(7));
    CHECK_OK(keel_process_resume(pid));
    EXPECT_NEXT("{slept, When}", &when);
    CHECK(when - begin >= KEEL_SECONDS(9) && when - begin < KEEL_SECONDS(10));
    end_of(pid);
}

SIMULATED_TEST("timers for a process stand still while it is suspended")
{
    keel_pid pid = new_puppet();
    keel_term to = keel_from_pid(pid);
    ask(pid, act_nothing, KEEL_NONE);
    keel_duration left;
    keel_ref first = keel_start_timer(KEEL_SECONDS(2), to, keel_atom(first)),
             cancelled = keel_send_after(KEEL_SECONDS(3), pid, keel_atom(never)),
             second = keel_send_after(KEEL_SECONDS(4), pid, keel_atom(second));
    CHECK_OK(keel_register(keel_atom(halted), pid));
    keel_sleep(KEEL_SECONDS(1));
    CHECK_OK(keel_process_suspend(pid));
    keel_sleep(KEEL_SECONDS(10));
    CHECK(keel_read_timer(first, &left));
    CHECK(left > KEEL_MS(990) && left <= KEEL_SECONDS(1));
    CHECK(keel_cancel_timer(cancelled, &left));
    CHECK(left > KEEL_MS(1990) && left <= KEEL_SECONDS(2));
    // Those that are set meanwhile too; those for its name go their way.
    keel_ref third = keel_send_after(KEEL_SECONDS(5), pid, keel_atom(third));
    keel_send_after(KEEL_SECONDS(1), "halted", keel_atom(by_name));
    CHECK_OK(keel_process_suspend(pid));
    CHECK_OK(keel_process_resume(pid));
    keel_sleep(KEEL_SECONDS(10));
    CHECK(keel_read_timer(third, &left));
    CHECK(left > KEEL_MS(4990) && left <= KEEL_SECONDS(5));
    CHECK_TERM(info_of(pid, keel_atom(messages)), "[by_name]");
    int64_t resumed_at = time_now();
    CHECK_OK(keel_process_resume(pid));
    CHECK_TERM(info_of(pid, keel_atom(messages)), "[by_name]");
    keel_sleep(KEEL_MS(1010));
    CHECK_TERM(info_of(pid, keel_atom(messages)), "[by_name, {timeout, ^T, first}]", first);
    CHECK(keel_read_timer(second, &left));
    CHECK(left + (time_now() - resumed_at) >= KEEL_SECONDS(3));
    keel_sleep(KEEL_SECONDS(2));
    keel_sleep(KEEL_SECONDS(2));
    CHECK_TERM(ask(pid, act_messages, KEEL_NONE),
            "[by_name, {timeout, ^T, first}, second, third]", first);
    end_process(pid);
}

PROCESS_TEST("timers of a process suspended again and again each fire once, none early")
{
    enum { COUNT = 40 };
    keel_pid pid = new_puppet();
    keel_ref timers[COUNT];
    size_t cancelled = 0, length;
    for (int i = 0; i < COUNT; i++) {
        timers[i] = keel_send_after(KEEL_US(100 * i), pid, keel_int(i));
        if (i % 4 == 0) {
            CHECK_OK(keel_process_suspend(pid));
            if (i % 8 == 0) {
                keel_sleep(KEEL_US(300));
            }
            if (keel_cancel_timer(timers[i / 2], NULL)) {
                cancelled++;
            }
            CHECK_OK(keel_process_resume(pid));
        }
    }
    for (int i = 0; i < COUNT; i++) {
        while (keel_read_timer(timers[i], NULL)) {
            keel_sleep(KEEL_MS(1));
        }
    }
    ask(pid, act_nothing, KEEL_NONE);
    keel_term messages = ask(pid, act_messages, KEEL_NONE);
    CHECK(keel_list_length(messages, &length));
    CHECK_INT(length, COUNT - cancelled);
    // One that is set on a suspended process ends with it.
    CHECK_OK(keel_process_suspend(pid));
    keel_ref timer = keel_send_after(KEEL_MINUTES(1), pid, keel_atom(never));
    end_process(pid);
    CHECK(!keel_read_timer(timer, NULL));
}

static void receive_shortly(keel_term observer)
{
    int64_t begin = time_now();
    CHECK_INT(keel_receive_match(KEEL_IN(KEEL_MS(2)), "go"), KEEL_E_TIMEOUT);
    keel_send(observer, keel_make("{waited, Time}", time_now() - begin));
}

PROCESS_TEST("a process suspended beyond its timeout goes on when it is resumed")
{
    for (int i = 0; i < 10; i++) {
        keel_pid pid = keel_spawn(receive_shortly, keel_from_pid(keel_self()));
        int64_t time;
        if (i % 2) {
            keel_yield();
        }
        keel_status status = keel_process_suspend(pid);
        keel_sleep(KEEL_MS(1 + i % 4));
        if (status == KEEL_OK) {
            CHECK_OK(keel_process_resume(pid));
        }
        EXPECT_NEXT("{waited, Time}", &time);
        CHECK(time >= KEEL_MS(2));
        end_of(pid);
    }
}

PROCESS_TEST("a suspended process can be killed and its links and monitors hear",
        .ids = "PR-244")
{
    keel_trap_exit(true);
    for (int i = 0; i < 20; i++) {
        keel_pid pid = keel_spawn_link(puppet, KEEL_NONE);
        keel_ref monitor = keel_monitor(pid);
        CHECK_OK(keel_process_suspend(pid));
        keel_process_exit(pid, i % 2 ? keel_atom(kill) : keel_atom(over));
        EXPECT_MESSAGE("{'DOWN', ^Ref, process, ^Pid, _}", monitor, pid);
        EXPECT_MESSAGE("{'EXIT', ^Pid, _}", pid);
        EXPECT_NO_MESSAGE();
    }
}

PROCESS_TEST("oneself, the dead and what is no pid cannot be suspended", .ids = "PR-244")
{
    CHECK_INT(keel_process_suspend(keel_self()), KEEL_E_BADARG);
    CHECK_INT(keel_process_suspend((keel_pid){0}), KEEL_E_BADARG);
    CHECK_INT(keel_process_suspend((keel_pid){keel_atom(pid).word}), KEEL_E_BADARG);
    CHECK_INT(keel_process_suspend(dead_pid()), KEEL_E_NOPROC);
    CHECK_INT(keel_process_resume((keel_pid){0}), KEEL_E_BADARG);
    keel_pid pid = new_puppet();
    CHECK_INT(keel_process_resume(pid), KEEL_E_BADARG);
    CHECK_TERM(ask(pid, act_nothing, KEEL_NONE), "none");
    end_process(pid);
}
