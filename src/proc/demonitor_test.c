// Demonitor: PR-100 to PR-106.

#include "proc_testing.h"

PROCESS_TEST("after demonitor no DOWN comes", .ids = "PR-100")
{
    keel_pid pid = new_puppet();
    keel_ref monitor = keel_monitor(pid);
    CHECK(keel_demonitor(monitor, 0));
    CHECK_TERM(info_of(pid, keel_atom(monitored_by)), "[]");
    end_process(pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("demonitor racing with the end: a DOWN is queued by then or never comes",
        .ids = "PR-100")
{
    for (int i = 0; i < 100; i++) {
        keel_ref monitor;
        keel_pid pid = keel_spawn_monitor(do_nothing, KEEL_NONE, &monitor);
        if (i % 2) {
            keel_yield();
        }
        CHECK(keel_demonitor(monitor, 0));
        keel_flush();
        end_of(pid);
        EXPECT_NO_MESSAGE();
    }
}

PROCESS_TEST("demonitor with flush takes its DOWN out of the queue, and only its",
        .ids = "PR-102")
{
    keel_pid pid = new_puppet();
    keel_ref first = keel_monitor(pid), second = keel_monitor(pid),
             third = keel_monitor(pid);
    tell(pid, act_exit, keel_atom(over));
    CHECK_TERM(await_down(third), "over");
    while (keel_queue_length() < 2) {
        keel_yield();
    }
    keel_send(keel_self(), keel_atom(last));
    CHECK(keel_demonitor(first, KEEL_DEMONITOR_FLUSH));
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, over}", second, pid);
    EXPECT_NEXT("last");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("demonitor with flush leaves no DOWN, whoever is first", .ids = "PR-102")
{
    for (int i = 0; i < 200; i++) {
        keel_ref monitor;
        keel_pid pid = keel_spawn_monitor(do_nothing, KEEL_NONE, &monitor);
        if (i % 3) {
            keel_yield();
        }
        CHECK(keel_demonitor(monitor, KEEL_DEMONITOR_FLUSH));
        end_of(pid);
        EXPECT_NO_MESSAGE();
    }
}

PROCESS_TEST("demonitor of what is no monitor of the caller is fine", .ids = "PR-103")
{
    keel_pid pid = new_puppet(), other = new_puppet();
    keel_ref monitor = keel_monitor(pid);
    CHECK(keel_demonitor(monitor, 0));
    CHECK(keel_demonitor(monitor, 0));
    CHECK(keel_demonitor(monitor, KEEL_DEMONITOR_FLUSH));
    CHECK(keel_demonitor(keel_make_ref(), 0));
    CHECK(keel_demonitor(keel_make_ref(), KEEL_DEMONITOR_FLUSH));
    // Another process's monitor is not touched.
    keel_term foreign = ask(other, act_monitor, keel_from_pid(pid));
    keel_demonitor(keel_to_ref(foreign), 0);
    CHECK_TERM(info_of(pid, keel_atom(monitored_by)), "[^Other]", other);
    end_process(other);
    end_process(pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("demonitor with info says whether there was a monitor", .ids = "PR-104")
{
    keel_pid pid = new_puppet();
    keel_ref monitor = keel_monitor(pid);
    CHECK(keel_demonitor(monitor, KEEL_DEMONITOR_INFO));
    CHECK(!keel_demonitor(monitor, KEEL_DEMONITOR_INFO));
    CHECK(!keel_demonitor(keel_make_ref(), KEEL_DEMONITOR_INFO));

    // Its DOWN is in the queue: no active monitor; with flush it is taken all the same.
    monitor = keel_monitor(pid);
    keel_ref second = keel_monitor(pid);
    tell(pid, act_exit, keel_atom(over));
    await_down(second);
    while (keel_queue_length() == 0) {
        keel_yield();
    }
    CHECK(!keel_demonitor(monitor, KEEL_DEMONITOR_INFO));
    CHECK_INT(keel_queue_length(), 1);
    CHECK(!keel_demonitor(monitor, KEEL_DEMONITOR_INFO | KEEL_DEMONITOR_FLUSH));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST(
        "demonitor with options as a list does what the flags do", .ids = "PR-102 PR-104")
{
    keel_pid pid = new_puppet();
    keel_term monitor = keel_from_ref(keel_monitor(pid));
    bool result = false;
    CHECK_OK(keel_demonitor_opt(monitor, keel_make("[info, flush]"), &result));
    CHECK(result);
    CHECK_OK(keel_demonitor_opt(monitor, keel_make("[info]"), &result));
    CHECK(!result);
    CHECK_OK(keel_demonitor_opt(monitor, keel_nil(), &result));
    CHECK(result);
    CHECK_OK(keel_demonitor_opt(monitor, keel_make("[flush, flush]"), NULL));
    end_process(pid);
}

PROCESS_TEST("demonitor refuses unknown options, other lists and what is no reference",
        .ids = "PR-106")
{
    keel_pid pid = new_puppet();
    keel_term monitor = keel_from_ref(keel_monitor(pid));
    const keel_term bad_options[] = {keel_atom(flush), keel_make("[flush, fast]"),
            keel_make("[info | flush]"), keel_make("{flush}"), keel_int(1), KEEL_NONE,
            keel_make("[{flush, true}]")};
    bool result = true;
    for (size_t i = 0; i < sizeof bad_options / sizeof *bad_options; i++) {
        CHECK_INT(keel_demonitor_opt(monitor, bad_options[i], &result), KEEL_E_BADARG);
    }
    const keel_term no_refs[] = {KEEL_NONE, keel_atom(a), keel_int(1), keel_nil(),
            keel_from_pid(pid), keel_make("{ref}")};
    for (size_t i = 0; i < sizeof no_refs / sizeof *no_refs; i++) {
        CHECK_INT(keel_demonitor_opt(no_refs[i], keel_nil(), &result), KEEL_E_BADARG);
        CHECK_INT(keel_demonitor_opt(no_refs[i], keel_make("[flush]"), &result),
                KEEL_E_BADARG);
    }
    // The monitor has seen none of that.
    tell(pid, act_exit, keel_atom(over));
    CHECK_TERM(await_down(keel_to_ref(monitor)), "over");
}

PROCESS_TEST("demonitor refuses a reference that another node has made")
{
    static const uint8_t bytes[] = "\x83\x5a\x00\x03\x77\x03"
                                   "b@c"
                                   "\0\0\0\1\0\0\0\1\0\0\0\2\0\0\0\3";
    keel_term foreign;
    bool result = true;
    CHECK_OK(keel_etf_decode(bytes, sizeof bytes - 1, NULL, NULL, &foreign));
    CHECK(keel_is_ref(foreign));
    CHECK_INT(keel_demonitor_opt(foreign, keel_nil(), &result), KEEL_E_BADARG);
    CHECK_INT(keel_demonitor_opt(foreign, keel_make("[flush, info]"), &result),
            KEEL_E_BADARG);
    CHECK(result);
}
