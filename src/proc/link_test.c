// Links: PR-058 to PR-077.

#include "proc_testing.h"

static bool has_link(keel_pid pid, keel_pid other)
{
    return keel_list_member(keel_from_pid(other), info_of(pid, keel_atom(links)));
}

static size_t link_count(keel_pid pid)
{
    size_t count = 0;
    CHECK(keel_list_length(info_of(pid, keel_atom(links)), &count));
    return count;
}

PROCESS_TEST("a link shows on both sides, once", .ids = "PR-058 PR-230")
{
    keel_pid a = new_puppet(), b = new_puppet();
    CHECK(!has_link(a, b) && !has_link(b, a));
    ask(a, act_link, keel_from_pid(b));
    ask(a, act_link, keel_from_pid(b));
    ask(b, act_link, keel_from_pid(a));
    CHECK(has_link(a, b) && has_link(b, a));
    CHECK_INT(link_count(a), 1);
    CHECK_INT(link_count(b), 1);
    ask(b, act_unlink, keel_from_pid(a));
    CHECK(!has_link(a, b) && !has_link(b, a));
    end_process(a);
    CHECK(keel_process_alive(b));
    end_process(b);
}

PROCESS_TEST("a link from both sides at once is one link, and unlinking ends it",
        .ids = "PR-058 PR-059")
{
    for (int i = 0; i < 20; i++) {
        keel_pid a = new_puppet(), b = new_puppet();
        tell(a, act_link, keel_from_pid(b));
        tell(b, act_link, keel_from_pid(a));
        ask(a, act_nothing, KEEL_NONE);
        ask(b, act_nothing, KEEL_NONE);
        CHECK_INT(link_count(a), 1);
        CHECK_INT(link_count(b), 1);
        // Whoever unlinks is free of it at once, the other when it has heard of it.
        ask(i % 2 ? a : b, act_unlink, keel_from_pid(i % 2 ? b : a));
        CHECK_INT(link_count(a), 0);
        CHECK_INT(link_count(b), 0);
        end_process(a);
        CHECK(keel_process_alive(b));
        end_process(b);
    }
}

PROCESS_TEST("either side's abnormal end is a signal to the other", .ids = "PR-059 PR-063")
{
    for (int who = 0; who < 2; who++) {
        keel_pid a = new_puppet(), b = new_puppet();
        ask(a, act_link, keel_from_pid(b));
        keel_pid dying = who ? a : b, other = who ? b : a;
        keel_ref monitor = keel_monitor(other);
        tell(dying, act_exit, keel_make("{over, W}", who));
        CHECK_TERM(await_down(monitor), "{over, ^W}", who);
    }
}

PROCESS_TEST(
        "a peer's normal end leaves a process that does not trap alone", .ids = "PR-061")
{
    keel_pid a = new_puppet(), b = new_puppet();
    ask(a, act_link, keel_from_pid(b));
    keel_ref monitor = keel_monitor(b);
    tell(b, act_exit, keel_atom(normal));
    CHECK_TERM(await_down(monitor), "normal");
    CHECK_TERM(ask(a, act_messages, KEEL_NONE), "[]");
    CHECK_INT(link_count(a), 0);
    end_process(a);
}

PROCESS_TEST("a peer's normal end is a message to one that traps", .ids = "PR-062")
{
    keel_trap_exit(true);
    keel_pid pid = keel_spawn_link(do_nothing, KEEL_NONE);
    EXPECT_NEXT("{'EXIT', ^Pid, normal}", pid);
}

PROCESS_TEST("an abnormal reason travels through links unchanged", .ids = "PR-063")
{
    keel_trap_exit(true);
    // first - second - third - this process; the first dies.
    keel_pid first = new_puppet();
    keel_pid second = keel_to_pid(ask(first, act_spawn_link_puppet, KEEL_NONE));
    keel_pid third = keel_to_pid(ask(second, act_spawn_link_puppet, KEEL_NONE));
    CHECK_OK(keel_link(third));
    keel_ref monitor = keel_monitor(second);
    tell(first, act_exit, keel_make("{because, [it, 1]}"));
    CHECK_TERM(await_down(monitor), "{because, [it, 1]}");
    EXPECT_NEXT("{'EXIT', ^Third, {because, [it, 1]}}", third);
}

PROCESS_TEST("a link to itself is no link", .ids = "PR-064 PR-065")
{
    keel_trap_exit(true);
    keel_pid pid = new_puppet();
    ask(pid, act_link, keel_from_pid(pid));
    CHECK_INT(link_count(pid), 0);
    ask(pid, act_unlink, keel_from_pid(pid));
    keel_ref monitor = keel_monitor(pid);
    tell(pid, act_exit, keel_atom(over));
    CHECK_TERM(await_down(monitor), "over");

    CHECK_OK(keel_link(keel_self()));
    CHECK(!has_link(keel_self(), keel_self()));
    CHECK_OK(keel_unlink(keel_self()));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("unlinking who is not linked is fine", .ids = "PR-065")
{
    keel_pid stranger = new_puppet();
    CHECK_OK(keel_unlink(keel_self()));
    CHECK_OK(keel_unlink(stranger));
    CHECK_OK(keel_unlink(stranger));
    CHECK_OK(keel_unlink(dead_pid()));
    CHECK(keel_process_alive(stranger));
    end_process(stranger);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("linking to what is no pid is refused", .ids = "PR-066")
{
    keel_trap_exit(true);
    size_t before = link_count(keel_self());
    const keel_term others[] = {KEEL_NONE, keel_atom(a_name), keel_int(1), keel_nil(),
            keel_from_ref(keel_make_ref()), keel_make("{a_name, nonode@nohost}")};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        keel_pid pid = {others[i].word};
        CHECK_INT(keel_link(pid), KEEL_E_BADARG);
        CHECK_INT(keel_link_priority(pid), KEEL_E_BADARG);
        CHECK_INT(keel_unlink(pid), KEEL_E_BADARG);
    }
    CHECK_INT(link_count(keel_self()), before);
    EXPECT_NO_MESSAGE();
}

static void link_and_go_on(keel_term peer_and_observer)
{
    keel_link(keel_to_pid(keel_element(peer_and_observer, 0)));
    keel_receive();
    keel_send(keel_element(peer_and_observer, 1), keel_atom(went_on));
}

PROCESS_TEST("linking to a dead process is the exit signal noproc", .ids = "PR-068 PR-075")
{
    keel_pid dead = dead_pid();
    keel_ref monitor;
    keel_spawn_monitor(
            link_and_go_on, keel_make("{Dead, Self}", dead, keel_self()), &monitor);
    CHECK_TERM(await_down(monitor), "noproc");

    keel_trap_exit(true);
    CHECK_OK(keel_link(dead));
    EXPECT_NEXT("{'EXIT', ^Dead, noproc}", dead);
    CHECK(!has_link(keel_self(), dead));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST(
        "linking to a process that dies gives noproc or its reason, once", .ids = "PR-068")
{
    keel_trap_exit(true);
    for (int i = 0; i < 100; i++) {
        keel_pid pid = keel_spawn(exit_with, keel_atom(over));
        CHECK_OK(keel_link(pid));
        keel_term reason;
        EXPECT_NEXT("{'EXIT', ^Pid, Reason}", pid, &reason);
        CHECK(keel_is(reason, over) || keel_is(reason, noproc));
        end_of(pid);
        EXPECT_NO_MESSAGE();
    }
}

static void link_and_report(keel_term peer_and_observer)
{
    keel_term peer = keel_element(peer_and_observer, 0), reason;
    keel_term observer = keel_element(peer_and_observer, 1);
    keel_trap_exit(true);
    CHECK_OK(keel_link(keel_to_pid(peer)));
    keel_send(observer, keel_atom(linked));
    EXPECT_NEXT("{'EXIT', ^Peer, Reason}", peer, &reason);
    keel_send(observer, keel_make("{heard, Self, Reason}", keel_self(), reason));
    // A second signal would be here by the time this answer is.
    EXPECT_MESSAGE("finish");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("each of many linked processes gets exactly one signal", .ids = "PR-073")
{
    enum { COUNT = 200 };
    keel_pid peer = new_puppet();
    static keel_pid pids[COUNT];
    for (int i = 0; i < COUNT; i++) {
        pids[i] = keel_spawn(link_and_report, keel_make("{Peer, Self}", peer, keel_self()));
    }
    for (int i = 0; i < COUNT; i++) {
        EXPECT_MESSAGE("linked");
    }
    CHECK_INT(link_count(peer), COUNT);
    tell(peer, act_exit, keel_atom(over));
    for (int i = 0; i < COUNT; i++) {
        EXPECT_MESSAGE("{heard, ^Pid, over}", pids[i]);
        keel_ref monitor = keel_monitor(pids[i]);
        keel_send(pids[i], keel_atom(finish));
        CHECK_TERM(await_down(monitor), "normal");
    }
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("two linked peers that die give two signals, in the order of their deaths",
        .ids = "PR-074")
{
    keel_trap_exit(true);
    keel_pid a = keel_spawn_link(puppet, KEEL_NONE), b = keel_spawn_link(puppet, KEEL_NONE);
    // The second dies because this process has seen the first one's end.
    tell(b, act_exit, keel_atom(first));
    EXPECT_NEXT("{'EXIT', ^B, first}", b);
    tell(a, act_exit, keel_atom(second));
    EXPECT_NEXT("{'EXIT', ^A, second}", a);

    // Both at once: one signal each, in whatever order.
    a = keel_spawn_link(puppet, KEEL_NONE);
    b = keel_spawn_link(puppet, KEEL_NONE);
    tell(a, act_exit, keel_atom(a_ended));
    tell(b, act_exit, keel_atom(b_ended));
    EXPECT_MESSAGE("{'EXIT', ^A, a_ended}", a);
    EXPECT_MESSAGE("{'EXIT', ^B, b_ended}", b);
    end_of(a);
    end_of(b);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("an EXIT message carries the peer's exact reason", .ids = "PR-075")
{
    keel_trap_exit(true);
    keel_term reasons = keel_make(
            "[normal, shutdown, noproc, killed, {shutdown, x}, 7, [], "
            "<<\"binary\">>, #{map => [1, 2.0]}, {deep, {er, [{x}]}}]");
    keel_term reason, seen;
    while (keel_list_next(&reasons, &reason)) {
        keel_pid pid = keel_spawn_link(exit_with, reason);
        EXPECT_NEXT("{'EXIT', ^Pid, Reason}", pid, &seen);
        CHECK_EQUAL(seen, reason);
    }
}

PROCESS_TEST("when EXIT is seen the link is gone", .ids = "PR-077")
{
    keel_trap_exit(true);
    for (int i = 0; i < 50; i++) {
        keel_pid pid = keel_spawn_link(wait_forever, KEEL_NONE);
        CHECK(has_link(keel_self(), pid));
        keel_process_exit(pid, keel_atom(over));
        EXPECT_NEXT("{'EXIT', ^Pid, over}", pid);
        CHECK(!has_link(keel_self(), pid));
    }
}

PROCESS_TEST("after unlinking no signal of the link arrives")
{
    keel_trap_exit(true);
    for (int i = 0; i < 100; i++) {
        keel_pid pid = keel_spawn_link(do_nothing, KEEL_NONE);
        if (i % 2) {
            keel_yield();
        }
        CHECK_OK(keel_unlink(pid));
        // What had become a message before stays; nothing comes after.
        keel_flush();
        end_of(pid);
        EXPECT_NO_MESSAGE();
    }
}

// Takes the link off, says so, and ends.
static void unlink_and_exit(keel_term unused)
{
    (void)unused;
    keel_pid child;
    EXPECT_NEXT("{go, Child}", &child);
    keel_unlink(child);
    keel_send(child, keel_atom(unlinked));
    keel_exit(keel_atom(bye));
}

// Links to who has just taken its link off and ends.
static void link_again(keel_term parent_term)
{
    keel_pid parent = keel_to_pid(parent_term);
    keel_trap_exit(true);
    CHECK_OK(keel_link(parent));
    keel_send(parent, keel_make("{go, Self}", keel_self()));
    EXPECT_NEXT("unlinked");
    bool alive = keel_process_alive(parent);
    CHECK_OK(keel_link(parent));
    keel_term reason;
    EXPECT_NEXT("{'EXIT', ^Parent, Reason}", parent, &reason);
    CHECK(keel_is(reason, noproc) || (alive && keel_is(reason, bye)));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST(
        "a link made after the other side's unlink hears of the end or of nobody there")
{
    for (int i = 0; i < 50; i++) {
        keel_pid parent = keel_spawn(unlink_and_exit, KEEL_NONE);
        keel_ref monitor;
        keel_spawn_monitor(link_again, keel_from_pid(parent), &monitor);
        CHECK_TERM(await_down(monitor), "normal");
        end_of(parent);
    }
}
