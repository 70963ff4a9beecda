// Probes remember what they get.

#include "kit_testing.h"

#include <keel/gen.h>
#include <keel/link.h>
#include <keel/timer.h>

static void wait_for_any(keel_term unused)
{
    (void)unused;
    keel_receive();
}

SEEDED("a probe remembers messages in the order in which they came")
{
    begin_test();
    keel_pid probe = keel_test_probe();
    CHECK(probe.word != 0);
    CHECK_TEXT(keel_test_messages(probe), "[]");
    for (int i = 0; i < 5; i++) {
        keel_send(probe, keel_int(i));
    }
    CHECK_TEXT(keel_test_messages(probe), "[0,1,2,3,4]");
    CHECK_TEXT(keel_test_messages(probe), "[0,1,2,3,4]"); // looking takes nothing
    end_test();
}

static void call_and_cast(keel_term probe)
{
    keel_term reply;
    keel_gen_cast(probe, keel_atom(a_cast));
    keel_status status = keel_gen_call(
            probe, keel_atom(a_call), KEEL_IN(KEEL_SECONDS(1)), &reply);
    keel_send(probe, keel_make("{status, Status}", status));
    status = keel_gen_system_call(
            probe, keel_atom(get_state), KEEL_IN(KEEL_SECONDS(1)), &reply);
    keel_send(probe, keel_make("{status, Status, Reply}", status, reply));
}

SEEDED("a probe shows calls, casts and system messages as Erlang does, and can be answered")
{
    begin_test();
    keel_pid probe = keel_test_probe();
    keel_pid caller = keel_spawn(call_and_cast, keel_from_pid(probe));
    keel_pid from_pid;
    keel_term from;
    CHECK(keel_test_expect_next(probe, "{'$gen_cast', a_cast}"));
    CHECK(keel_test_expect_next(probe, "{'$gen_call', {Pid, _}, a_call}", &from_pid));
    CHECK_INT(from_pid.word, caller.word);
    CHECK_OK(keel_test_advance(KEEL_SECONDS(1)));
    CHECK(keel_test_expect_next(probe, "{status, ^Timeout}", KEEL_E_TIMEOUT));
    CHECK(keel_test_expect_next(probe, "{system, From, get_state}", &from));
    keel_gen_reply(keel_from_of_term(from), keel_make("{a, state}"));
    CHECK(keel_test_expect_next(probe, "{status, 0, {a, state}}"));
    end_test();
}

SEEDED("a probe monitors and links, and lives on when those end")
{
    begin_test();
    keel_pid probe = keel_test_probe();
    keel_pid pid = keel_spawn(wait_for_any, KEEL_NONE);
    keel_ref monitor = keel_test_monitor(probe, pid);
    CHECK(monitor.word != 0);
    CHECK_OK(keel_test_link(probe, pid));
    CHECK(keel_test_expect_none(probe));
    keel_process_exit(pid, keel_atom(enough));
    CHECK(keel_test_expect(probe, "{'DOWN', ^Ref, process, ^Pid, enough}", monitor, pid));
    CHECK(keel_test_expect(probe, "{'EXIT', ^Pid, enough}", pid));
    CHECK(keel_test_expect_none(probe));
    monitor = keel_test_monitor(probe, keel_atom(nobody_here));
    CHECK(keel_test_expect(
            probe, "{'DOWN', ^Ref, process, {nobody_here, _}, noproc}", monitor));
    CHECK_OK(keel_test_link(probe, pid));
    CHECK(keel_test_expect(probe, "{'EXIT', ^Pid, noproc}", pid));
    end_test();
}

TEST("what is no probe is refused")
{
    begin_test();
    keel_pid none = {0}, probe = keel_test_probe();
    keel_pid other = keel_spawn(wait_for_any, KEEL_NONE);
    CHECK_OK(keel_test_settle());
    CHECK(keel_is_none(keel_test_messages(other)));
    CHECK(keel_is_none(keel_test_messages(none)));
    CHECK_INT(keel_test_link(other, probe), KEEL_E_NOPROC);
    CHECK_INT(keel_test_link(probe, none), KEEL_E_BADARG);
    CHECK_INT(keel_test_monitor(other, probe).word, 0);
    CHECK_INT(keel_test_monitor(probe, keel_int(7)).word, 0);
    CHECK_INT(keel_test_monitor(probe, KEEL_NONE).word, 0);
    keel_process_exit(probe, keel_atom(kill));
    CHECK_OK(keel_test_settle());
    CHECK(keel_is_none(keel_test_messages(probe)));
    end_test();
}

TEST("probes are none of those left behind")
{
    begin_test();
    keel_pid probe = keel_test_probe();
    keel_send(probe, keel_make("{some, #{message => [1, 2, 3]}}"));
    keel_send_after(KEEL_MINUTES(1), probe, keel_atom(late));
    end_test();
    CHECK_INT(last_report.processes, 0);
    CHECK_INT(last_report.timers, 0);
}
