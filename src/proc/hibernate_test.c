// Hibernation: PR-214 to PR-220.

#include "proc_testing.h"

#include <string.h>

static void go_on_after(keel_term argument)
{
    keel_pid to;
    keel_term value;
    CHECK(keel_match(argument, "{To, Value}", &to, &value));
    keel_term message;
    CHECK_OK(keel_receive_until(KEEL_AT_ONCE, &message));
    keel_send(to, keel_make("{woke, Self, Value, Message}", keel_self(), value, message));
}

static void hibernate_then_go_on(keel_term argument)
{
    keel_hibernate_then(go_on_after, argument);
}

// Waits until `pid` waits for a message.
static void await_waiting(keel_pid pid)
{
    keel_process_view view;
    while (keel_inspect_process(pid, &view) && view.wait != KEEL_WAIT_MESSAGE) {
        keel_yield();
    }
}

PROCESS_TEST("a hibernated process wakes on a message and goes on with its argument",
        .ids = "PR-214")
{
    for (int i = 0; i < 10; i++) {
        keel_term value = keel_make("{the, [argument], I}", i);
        keel_pid pid = keel_spawn(
                hibernate_then_go_on, keel_make("{Self, Value}", keel_self(), value));
        await_waiting(pid);
        EXPECT_NO_MESSAGE();
        keel_send(pid, keel_make("{wake, <<\"up\">>}"));
        keel_term seen;
        EXPECT_NEXT("{woke, ^Pid, Value, {wake, <<\"up\">>}}", pid, &seen);
        CHECK_EQUAL(seen, value);
        end_of(pid);
    }
}

static void count_down(keel_term argument)
{
    int left;
    keel_pid to;
    CHECK(keel_match(argument, "{Left, To}", &left, &to));
    keel_receive();
    keel_send(to, keel_make("{left, Left}", left));
    if (left > 0) {
        keel_hibernate_then(count_down, keel_make("{Left, To}", left - 1, to));
    }
}

PROCESS_TEST("a process may hibernate again and again", .ids = "PR-214")
{
    keel_pid pid = keel_spawn(count_down, keel_make("{1000, To}", keel_self()));
    for (int i = 1000; i >= 0; i--) {
        keel_scope scope = keel_scope_open();
        keel_send(pid, keel_make("{wake, I}", i));
        EXPECT_NEXT("{left, ^I}", i);
        keel_scope_close(&scope);
    }
    end_of(pid);
}

static void tell_messages(keel_term to)
{
    keel_send(to, info_of(keel_self(), keel_atom(messages)));
    keel_flush();
}

static void queue_and_hibernate(keel_term to)
{
    for (int i = 0; i < 5; i++) {
        keel_send(keel_self(), keel_make("{message, I}", i));
    }
    keel_hibernate_then(tell_messages, to);
}

PROCESS_TEST(
        "with messages queued a process that hibernates goes on at once", .ids = "PR-215")
{
    end_of(keel_spawn(queue_and_hibernate, keel_from_pid(keel_self())));
    EXPECT_NEXT("[{message, 0}, {message, 1}, {message, 2}, {message, 3}, {message, 4}]");
}

static void hibernate_in_place(keel_term to)
{
    int local = 42;
    keel_term before = keel_make("{built, [before]}");
    for (int i = 0; i < 3; i++) {
        keel_send(to, keel_make("{round, I}", i));
        keel_hibernate();
        CHECK_INT(keel_queue_length(), 1);
        CHECK_TERM(before, "{built, [before]}");
        keel_term message;
        EXPECT_NEXT("{wake, Message}", &message);
        keel_send(to, keel_make("{woke, Local, Message}", local, message));
    }
}

PROCESS_TEST("hibernating in place returns when a message is there and takes none",
        .ids = "PR-216")
{
    keel_pid pid = keel_spawn(hibernate_in_place, keel_from_pid(keel_self()));
    for (int i = 0; i < 3; i++) {
        EXPECT_NEXT("{round, ^I}", i);
        await_waiting(pid);
        EXPECT_NO_MESSAGE();
        keel_send(pid, keel_make("{wake, I}", i));
        EXPECT_NEXT("{woke, 42, ^I}", i);
    }
    end_of(pid);

    keel_send(keel_self(), keel_atom(queued));
    keel_hibernate();
    EXPECT_NEXT("queued");
}

static void hibernate_then_nothing(keel_term unused)
{
    keel_hibernate_then(NULL, unused);
}

PROCESS_TEST(
        "a process with no continuation ends with undef when it wakes", .ids = "PR-217")
{
    keel_ref monitor;
    keel_pid pid = keel_spawn_monitor(hibernate_then_nothing, KEEL_NONE, &monitor);
    await_waiting(pid);
    keel_send(pid, keel_atom(wake));
    CHECK_TERM(await_down(monitor), "{undef, _}");
}

PROCESS_TEST("a hibernated process waits, has its name, can be linked and killed",
        .ids = "PR-218")
{
    keel_trap_exit(true);
    keel_spawn_opts opts = {.name = keel_atom(sleeper)};
    for (int i = 0; i < 4; i++) {
        keel_pid pid;
        CHECK_OK(keel_spawn_opt(hibernate_then_go_on,
                keel_make("{Self, value}", keel_self()), &opts, &pid, NULL));
        await_waiting(pid);
        keel_process_view view;
        CHECK(keel_inspect_process(pid, &view));
        CHECK_INT(view.state, KEEL_STATE_WAITING);
        CHECK_INT(view.stack, 0);
        CHECK_TERM(info_of(pid, keel_atom(status)), "waiting");
        CHECK_TERM(info_of(pid, keel_atom(registered_name)), "sleeper");
        CHECK(same_pid(keel_whereis("sleeper"), pid));
        CHECK_OK(keel_link(pid));
        CHECK(keel_list_member(keel_from_pid(keel_self()), info_of(pid, keel_atom(links))));
        keel_ref monitor = keel_monitor(pid);
        // None of this has woken it.
        EXPECT_NO_MESSAGE();
        const char *expected = i % 2 ? "killed" : "over";
        keel_process_exit(pid, i % 2 ? keel_atom(kill) : keel_atom(over));
        keel_term reason;
        EXPECT_MESSAGE("{'EXIT', ^Pid, Reason}", pid, &reason);
        CHECK_STR(keel_atom_name(reason), expected);
        CHECK_STR(keel_atom_name(await_down(monitor)), expected);
        CHECK(no_pid(keel_whereis("sleeper")));
        EXPECT_NO_MESSAGE();
    }
}

// --- memory ---

static size_t memory_of(keel_pid pid)
{
    keel_process_view view;
    CHECK(keel_inspect_process(pid, &view));
    return view.memory;
}

static void build_much(void)
{
    keel_term list = keel_nil();
    for (int i = 0; i < 50000; i++) {
        list = keel_cons(keel_make("{I, <<\"text\">>}", i), list);
    }
    size_t length;
    CHECK(keel_list_length(list, &length) && length == 50000);
    // And uses the stack that it has.
    volatile char room[8192];
    memset((void *)room, 1, sizeof room);
}

static void grow_then_hibernate(keel_term to)
{
    build_much();
    keel_send(to, keel_atom(grown));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "hibernate"));
    keel_hibernate_then(go_on_after, keel_make("{To, value}", to));
}

static void grow_then_hibernate_in_place(keel_term to)
{
    keel_scope scope = keel_scope_open();
    build_much();
    keel_scope_close(&scope);
    keel_send(to, keel_atom(grown));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "hibernate"));
    keel_hibernate();
    go_on_after(keel_make("{To, value}", to));
}

PROCESS_TEST("hibernation gives back what a process holds", .ids = "PR-220")
{
    enum { SMALL = 4096 };
    keel_pid pid = keel_spawn(grow_then_hibernate, keel_from_pid(keel_self()));
    EXPECT_NEXT("grown");
    CHECK(memory_of(pid) > 1000000);
    keel_send(pid, keel_atom(hibernate));
    await_waiting(pid);
    while (memory_of(pid) > SMALL) {
        keel_yield(); // it is on its way; if it stays large the test ends by its time limit
    }
    keel_send(pid, keel_atom(wake));
    EXPECT_NEXT("{woke, ^Pid, value, wake}", pid);
    end_of(pid);
}

PROCESS_TEST("hibernation in place gives back what is not in use", .ids = "PR-220")
{
    keel_pid pid = keel_spawn(grow_then_hibernate_in_place, keel_from_pid(keel_self()));
    EXPECT_NEXT("grown");
    keel_send(pid, keel_atom(hibernate));
    await_waiting(pid);
    keel_process_view view;
    do {
        keel_yield();
        CHECK(keel_inspect_process(pid, &view));
    } while (view.memory - view.stack > 64 * 1024);
    keel_send(pid, keel_atom(wake));
    EXPECT_NEXT("{woke, ^Pid, value, wake}", pid);
    end_of(pid);
}

static void tell_what_it_has(keel_term to)
{
    EXPECT_MESSAGE("wake");
    keel_term name;
    CHECK_OK(keel_process_info(keel_self(), keel_atom(registered_name), &name));
    keel_send(to, keel_make("{has, Key, Trap, Label, Name}",
                          keel_process_get(keel_atom(key)), keel_bool(keel_trap_exit(true)),
                          keel_process_get_label(keel_self()), keel_element(name, 1)));
    EXPECT_MESSAGE("by_alias");
    EXPECT_MESSAGE("{timeout, _, by_timer}");
    EXPECT_MESSAGE("{'EXIT', ^To, bye}", keel_to_pid(to));
    keel_send(to, keel_atom(had_it_all));
}

static void hibernate_with_much(keel_term to)
{
    keel_process_put(keel_atom(key), keel_make("[the, {value}]"));
    keel_trap_exit(true);
    CHECK_OK(keel_process_set_label(keel_make("{a, label}")));
    CHECK_OK(keel_register(keel_atom(sleeper), keel_self()));
    keel_ref alias = keel_alias();
    keel_start_timer(KEEL_MS(1), keel_from_pid(keel_self()), keel_atom(by_timer));
    keel_send(to, keel_from_ref(alias));
    keel_hibernate_then(tell_what_it_has, to);
}

PROCESS_TEST("what belongs to a process outlives its hibernation")
{
    keel_pid pid = keel_spawn(hibernate_with_much, keel_from_pid(keel_self()));
    keel_ref alias;
    EXPECT_NEXT("Alias", &alias);
    keel_send(pid, keel_atom(wake));
    keel_send(alias, keel_atom(by_alias));
    EXPECT_NEXT("{has, [the, {value}], true, {a, label}, sleeper}");
    keel_process_exit(pid, keel_atom(bye));
    EXPECT_NEXT("had_it_all");
    end_of(pid);
}
