// The order of signals: PR-130 to PR-136.

#include "proc_testing.h"

enum { SENDERS = 8, EACH = 300 };

// Sends {Sender, Number} counted up from 0; now and then lets others run.
static void send_in_order(keel_term to_and_count)
{
    int64_t count = keel_to_int(keel_element(to_and_count, 1));
    keel_term to = keel_element(to_and_count, 0);
    for (int64_t number = 0; number < count; number++) {
        keel_scope scope = keel_scope_open();
        CHECK_OK(keel_send(to, keel_make("{Self, Number}", keel_self(), number)));
        if (keel_random() % 16 == 0) {
            keel_yield();
        }
        keel_scope_close(&scope);
    }
}

PROCESS_TEST("messages of each sender arrive in order, none lost, none twice",
        .ids = "PR-130 PR-135")
{
    keel_pid senders[SENDERS];
    int64_t next[SENDERS] = {0};
    keel_ref monitors[SENDERS];
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = keel_spawn_monitor(send_in_order,
                keel_make("{Self, Count}", keel_self(), (int)EACH), &monitors[i]);
    }
    for (int ended = 0; ended < SENDERS;) {
        keel_scope scope = keel_scope_open();
        keel_term message = next_message(__FILE__, __LINE__);
        keel_pid from;
        int64_t number;
        if (keel_match(message, "{From, Number}", &from, &number)) {
            int i = 0;
            while (i < SENDERS && !same_pid(senders[i], from)) {
                i++;
            }
            CHECK(i < SENDERS);
            CHECK_INT(number, next[i]);
            next[i]++;
        } else {
            // An end is a signal like others: behind all that its sender has sent.
            keel_ref monitor;
            CHECK_TERM(message, "{'DOWN', Ref, process, From, normal}", &monitor, &from);
            int i = 0;
            while (i < SENDERS && !same_pid(senders[i], from)) {
                i++;
            }
            CHECK(i < SENDERS);
            CHECK(same_ref(monitors[i], monitor));
            CHECK_INT(next[i], EACH);
            ended++;
        }
        keel_scope_close(&scope);
    }
    EXPECT_NO_MESSAGE();
}

// Takes {Sender, Number} of several senders and sends the observer a word at the end.
static void count_in_order(keel_term observer)
{
    keel_pid from[SENDERS];
    int64_t next[SENDERS] = {0};
    int known = 0;
    for (int i = 0; i < SENDERS * EACH; i++) {
        keel_scope scope = keel_scope_open();
        keel_pid sender;
        int64_t number;
        EXPECT_NEXT("{Sender, Number}", &sender, &number);
        int j = 0;
        while (j < known && !same_pid(from[j], sender)) {
            j++;
        }
        if (j == known) {
            CHECK(known < SENDERS);
            from[known++] = sender;
        }
        CHECK_INT(number, next[j]);
        next[j]++;
        keel_scope_close(&scope);
    }
    EXPECT_NO_MESSAGE();
    keel_send(observer, keel_atom(all_came));
}

PROCESS_TEST("a receiver by name or alias gets the same order", .ids = "PR-130 PR-135")
{
    keel_spawn_opts opts = {.name = keel_atom(counter)};
    keel_pid receiver;
    CHECK_OK(keel_spawn_opt(
            count_in_order, keel_from_pid(keel_self()), &opts, &receiver, NULL));
    for (int i = 0; i < SENDERS; i++) {
        keel_term to = i % 2 ? keel_from_pid(receiver) : keel_atom(counter);
        keel_spawn(send_in_order, keel_make("{To, Count}", to, (int)EACH));
    }
    EXPECT_NEXT("all_came");
    end_of(receiver);
}

PROCESS_TEST("messages, trapped exits and DOWN of one sender keep their order",
        .ids = "PR-130 PR-132")
{
    keel_trap_exit(true);
    keel_pid other = new_puppet();
    for (int i = 0; i < 20; i++) {
        keel_pid pid = keel_spawn_link(puppet, KEEL_NONE);
        keel_ref monitor = keel_monitor(pid);
        tell(other, act_send, keel_make("{Self, noise}", keel_self()));
        tell(pid, act_send, keel_make("{Self, 1}", keel_self()));
        tell(pid, act_send, keel_make("{Self, 2}", keel_self()));
        tell(pid, act_exit, keel_atom(over));
        keel_term first, second;
        EXPECT_MESSAGE("1");
        EXPECT_MESSAGE("2");
        // After the messages both signals of its end come, in whatever order.
        EXPECT_MESSAGE("noise");
        EXPECT_NEXT("First", &first);
        EXPECT_NEXT("Second", &second);
        bool exit_first = keel_match(first, "{'EXIT', _, _}");
        CHECK_TERM(exit_first ? first : second, "{'EXIT', ^Pid, over}", pid);
        CHECK_TERM(exit_first ? second : first, "{'DOWN', ^Ref, process, ^Pid, over}",
                monitor, pid);
    }
    end_process(other);
    EXPECT_NO_MESSAGE();
}

static keel_term act_mixed_signals(keel_term to)
{
    for (int i = 0; i < 50; i++) {
        keel_send(to, keel_int(i));
        keel_process_exit(keel_to_pid(to), keel_make("{signal, I}", i));
        if (keel_random() % 8 == 0) {
            keel_yield();
        }
    }
    return KEEL_NONE;
}

PROCESS_TEST(
        "trapped exit signals stand among the messages as they were sent", .ids = "PR-132")
{
    keel_trap_exit(true);
    enum { COUNT = 4 };
    keel_pid senders[COUNT];
    int next[COUNT] = {0};
    for (int i = 0; i < COUNT; i++) {
        senders[i] = new_puppet();
    }
    for (int i = 0; i < COUNT; i++) {
        // Each sends alone to a mailbox in which all the others' signals arrive too.
        tell(senders[i], act_mixed_signals, keel_from_pid(keel_self()));
    }
    // Of a plain number one does not see whose it is; the signals tell.
    int numbers = 0;
    for (int signals = 0; signals < COUNT * 50;) {
        keel_scope scope = keel_scope_open();
        keel_term message = next_message(__FILE__, __LINE__);
        keel_pid from;
        int number;
        if (keel_match(message, "{'EXIT', From, {signal, N}}", &from, &number)) {
            for (int i = 0; i < COUNT; i++) {
                if (same_pid(senders[i], from)) {
                    CHECK_INT(number, next[i]);
                    next[i]++;
                }
            }
            signals++;
        } else {
            CHECK(keel_is_int(message));
            numbers++;
        }
        // Each signal comes after its sender's number.
        CHECK(numbers >= signals);
        keel_scope_close(&scope);
    }
    CHECK_INT(numbers, COUNT * 50);
    for (int i = 0; i < COUNT; i++) {
        end_process(senders[i]);
    }
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("one sender's numbers and trapped signals alternate exactly", .ids = "PR-132")
{
    keel_trap_exit(true);
    keel_pid sender = new_puppet();
    tell(sender, act_mixed_signals, keel_from_pid(keel_self()));
    for (int i = 0; i < 50; i++) {
        EXPECT_NEXT("^I", i);
        EXPECT_NEXT("{'EXIT', ^From, {signal, ^I}}", sender, i);
    }
    end_process(sender);
}

PROCESS_TEST("what is asked about a process comes after the asker's own signals",
        .ids = "PR-136 PR-225")
{
    for (int i = 0; i < 30; i++) {
        keel_pid pid = new_puppet();
        for (int j = 0; j < 7; j++) {
            keel_send(pid, keel_int(j));
            CHECK_TERM(info_of(pid, keel_atom(message_queue_len)), "^N", j + 1);
        }
        CHECK_TERM(info_of(pid, keel_atom(messages)), "[0, 1, 2, 3, 4, 5, 6]");
        keel_process_exit(pid, keel_atom(over));
        if (i % 2) {
            CHECK(!keel_process_alive(pid));
        } else {
            CHECK_TERM(info_of(pid, keel_atom(status)), "undefined");
        }
    }
}

PROCESS_TEST("asking after an exit signal to a process that computes waits for its end",
        .ids = "PR-136")
{
    for (int i = 0; i < 20; i++) {
        keel_pid pid = keel_spawn(send_in_order,
                keel_make("{To, Count}", dead_pid(), (int64_t)1000000000000));
        keel_process_exit(pid, keel_atom(over));
        CHECK(!keel_process_alive(pid));
    }
}

// May get what was sent before the signal, and nothing that was sent after.
static void look_out_for_later(keel_term unused)
{
    (void)unused;
    for (;;) {
        keel_scope scope = keel_scope_open();
        if (keel_receive_match(KEEL_AT_ONCE, "may_not_reach") == KEEL_OK) {
            keel_exit(keel_atom(wrong_order));
        }
        (void)!keel_receive_match(KEEL_AT_ONCE, "may_reach");
        keel_scope_close(&scope);
        keel_yield();
    }
}

PROCESS_TEST("what is sent after an exit signal does not reach who ends of it")
{
    for (int i = 0; i < 40; i++) {
        keel_ref monitor;
        keel_pid pid = keel_spawn_monitor(look_out_for_later, KEEL_NONE, &monitor);
        for (int j = 0; j < 3; j++) {
            keel_send(pid, keel_atom(may_reach));
        }
        keel_process_exit(pid, keel_atom(right_order));
        for (int j = 0; j < 3; j++) {
            keel_send(pid, keel_atom(may_not_reach));
        }
        CHECK_TERM(await_down(monitor), "right_order");
    }
}

// Counts down to 1, each number to another of the addresses.
static void count_down_to(keel_term addresses)
{
    EXPECT_NEXT("go");
    size_t size = keel_tuple_size(addresses);
    for (int number = 200; number > 0; number--) {
        CHECK_OK(keel_send(
                keel_element(addresses, (size_t)number % size), keel_int(number)));
    }
}

PROCESS_TEST(
        "by whatever address, one sender's messages come in order, its end behind them")
{
    CHECK_OK(keel_register(keel_atom(addressed), keel_self()));
    keel_ref alias = keel_alias(), monitor;
    keel_term full = keel_tuple_of(keel_atom(addressed), keel_node_self()), addresses;
    for (int i = 0; i < 10; i++) {
        keel_ref first;
        addresses = keel_make("{Self, addressed, Full, Alias}", keel_self(), full, alias);
        keel_pid sender = keel_spawn_monitor(count_down_to, addresses, &first);
        CHECK_OK(keel_register(keel_atom(sender), sender));
        keel_monitor_opts opts = {.alias = KEEL_ALIAS_EXPLICIT_UNALIAS};
        CHECK_OK(keel_monitor_opt(keel_atom(sender), &opts, &monitor));
        keel_send(sender, keel_atom(go));
        for (int number = 200; number > 0; number--) {
            EXPECT_NEXT("^N", number);
        }
        EXPECT_MESSAGE("{'DOWN', ^Ref, process, ^Pid, normal}", first, sender);
        EXPECT_MESSAGE("{'DOWN', ^Ref, process, {sender, _}, normal}", monitor);
        EXPECT_NO_MESSAGE();
        CHECK(keel_unalias(monitor));
    }
    CHECK(keel_unalias(alias));
    CHECK_OK(keel_unregister(keel_atom(addressed)));
}
