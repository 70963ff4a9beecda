// Priority messages: PR-249, PR-251.

#include "proc_testing.h"

static keel_term act_send_priority(keel_term to_and_message)
{
    CHECK_OK(keel_send_priority(
            keel_element(to_and_message, 0), keel_element(to_and_message, 1)));
    return KEEL_NONE;
}

static keel_ref priority_alias(void)
{
    keel_ref alias;
    CHECK_OK(keel_alias_opt(keel_make("[priority]"), &alias));
    return alias;
}

PROCESS_TEST("priority messages go before ordinary and after earlier priority ones",
        .ids = "PR-249")
{
    keel_ref alias = priority_alias();
    keel_pid sender = new_puppet();
    for (int i = 0; i < 3; i++) {
        ask(sender, act_send, keel_make("{Self, {ordinary, I}}", keel_self(), i));
        ask(sender, act_send_priority, keel_make("{Alias, {priority, I}}", alias, i));
    }
    CHECK_TERM(info_of(keel_self(), keel_atom(messages)),
            "[{priority, 0}, {priority, 1}, {priority, 2}, {ordinary, 0}, {ordinary, 1}, "
            "{ordinary, 2}]");
    for (int i = 0; i < 3; i++) {
        EXPECT_NEXT("{priority, ^I}", i);
    }
    for (int i = 0; i < 3; i++) {
        EXPECT_NEXT("{ordinary, ^I}", i);
    }
    EXPECT_NO_MESSAGE();
    CHECK(keel_unalias(alias));
    end_process(sender);
}

PROCESS_TEST("without the option on both sides a message is ordinary", .ids = "PR-249")
{
    keel_ref alias = priority_alias(), plain = keel_alias();
    keel_pid sender = new_puppet();
    ask(sender, act_send, keel_make("{Self, 1}", keel_self()));
    ask(sender, act_send, keel_make("{Alias, 2}", alias));
    ask(sender, act_send_priority, keel_make("{Alias, 3}", plain));
    ask(sender, act_send_priority, keel_make("{Self, 4}", keel_self()));
    ask(sender, act_send_priority, keel_make("{Alias, 0}", alias));
    CHECK_TERM(info_of(keel_self(), keel_atom(messages)), "[0, 1, 2, 3, 4]");
    keel_flush();
    CHECK(keel_unalias(alias));
    CHECK(keel_unalias(plain));
    end_process(sender);
}

PROCESS_TEST(
        "a priority message through an alias that has ended is dropped", .ids = "PR-249")
{
    keel_ref alias = priority_alias();
    CHECK(keel_unalias(alias));
    CHECK_OK(keel_send_priority(keel_from_ref(alias), keel_int(1)));
    EXPECT_NO_MESSAGE();
}

static void queue_ordinary(void)
{
    keel_send(keel_self(), keel_atom(first));
    keel_send(keel_self(), keel_atom(second));
}

static void expect_ordinary(void)
{
    EXPECT_NEXT("first");
    EXPECT_NEXT("second");
}

PROCESS_TEST(
        "a monitor with the option gives DOWN before ordinary messages", .ids = "PR-251")
{
    for (int priority = 0; priority < 2; priority++) {
        keel_pid pid = new_puppet();
        keel_ref monitor, other = keel_monitor(pid);
        CHECK_OK(keel_monitor_opt(
                keel_from_pid(pid), &(keel_monitor_opts){.priority = priority}, &monitor));
        queue_ordinary();
        tell(pid, act_exit, keel_atom(over));
        await_down(other);
        while (keel_queue_length() < 3) {
            keel_yield();
        }
        if (!priority) {
            expect_ordinary();
        }
        EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, over}", monitor, pid);
        if (priority) {
            expect_ordinary();
        }
        EXPECT_NO_MESSAGE();
    }
}

PROCESS_TEST("a link with the option gives EXIT before ordinary messages", .ids = "PR-251")
{
    keel_trap_exit(true);
    for (int priority = 0; priority < 2; priority++) {
        keel_pid pid = new_puppet();
        CHECK_OK(priority ? keel_link_priority(pid) : keel_link(pid));
        queue_ordinary();
        tell(pid, act_exit, keel_atom(over));
        while (keel_queue_length() < 3) {
            keel_yield();
        }
        if (!priority) {
            expect_ordinary();
        }
        EXPECT_NEXT("{'EXIT', ^Pid, over}", pid);
        if (priority) {
            expect_ordinary();
        }
        EXPECT_NO_MESSAGE();
    }
}

PROCESS_TEST("the monitor of a spawn may have the option", .ids = "PR-251")
{
    keel_spawn_opts opts = {.monitor = true, .monitor_opts = {.priority = true}};
    keel_pid pid;
    keel_ref monitor;
    CHECK_OK(keel_spawn_opt(puppet, KEEL_NONE, &opts, &pid, &monitor));
    queue_ordinary();
    tell(pid, act_exit, keel_atom(over));
    while (keel_queue_length() < 3) {
        keel_yield();
    }
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, over}", monitor, pid);
    expect_ordinary();
}

PROCESS_TEST("linking again turns the priority of a link on and off", .ids = "PR-251")
{
    keel_trap_exit(true);
    for (int last = 0; last < 2; last++) {
        keel_pid pid = new_puppet();
        CHECK_OK(last ? keel_link(pid) : keel_link_priority(pid));
        CHECK_OK(last ? keel_link_priority(pid) : keel_link(pid));
        queue_ordinary();
        tell(pid, act_exit, keel_atom(over));
        while (keel_queue_length() < 3) {
            keel_yield();
        }
        if (!last) {
            expect_ordinary();
        }
        EXPECT_NEXT("{'EXIT', ^Pid, over}", pid);
        if (last) {
            expect_ordinary();
        }
        EXPECT_NO_MESSAGE();
    }
}
