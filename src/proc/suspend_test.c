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
