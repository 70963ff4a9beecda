// Processes that belong to a test.

#include "kit_testing.h"

#include <keel/gen_server.h>

static keel_result init(keel_term argument, void *state)
{
    keel_trap_exit(true);
    keel_set(state, argument);
    return keel_is(argument, bad) ? keel_stop_with(keel_atom(no_good)) : keel_ok();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    (void)from;
    (void)state;
    return keel_is(request, crash) ? keel_stop_with(keel_atom(crashed))
                                   : keel_reply(keel_atom(ok));
}

// Tells the process under the name `watcher`, which outlives the test's.
static void terminate(keel_term reason, void *state)
{
    (void)reason;
    keel_send("watcher", keel_make("{ended, Name}", *(keel_term *)state));
}

static const keel_gen_server server = {.name = "server",
        .state = KEEL_STATE_TERM,
        .init = init,
        .handle_call = handle_call,
        .terminate = terminate};

static void use_children(keel_term unused)
{
    (void)unused;
    keel_pid one = keel_test_start_supervised_or_exit(
            keel_child(&server, keel_atom(one), .id = keel_atom(one)));
    keel_pid two = keel_test_start_supervised_or_exit(
            keel_child(&server, keel_atom(two), .id = keel_atom(two)));
    keel_started again = keel_test_start_supervised(
            keel_child(&server, keel_atom(two), .id = keel_atom(two)));
    keel_test_check(keel_match(again.reason, "{already_started, ^Two}", two));
    keel_test_check(keel_test_stop_supervised(keel_atom(one)) == KEEL_OK);
    keel_test_check(!keel_process_alive(one));
    keel_test_check(keel_test_stop_supervised(keel_atom(one)) == KEEL_E_NOPROC);
    keel_test_start_supervised_or_exit(
            keel_child(&server, keel_atom(three), .id = keel_atom(three)));
}

SEEDED("children of a test are stopped in the reverse order when it ends")
{
    begin_test();
    keel_pid watcher = keel_test_probe();
    keel_register(keel_atom(watcher), watcher);
    keel_spawn(use_children, keel_nil());
    CHECK(keel_test_expect_next(watcher, "{ended, one}")); // stopped by the test
    CHECK(keel_test_expect_next(watcher, "{ended, three}"));
    CHECK(keel_test_expect_next(watcher, "{ended, two}"));
    CHECK(keel_test_expect_none(watcher));
    end_test();
}

static void crash_often(keel_term unused)
{
    (void)unused;
    keel_test_start_supervised_or_exit(
            keel_child(&server, keel_atom(x), .name = keel_atom(crasher)));
    for (int i = 0; i < 20; i++) {
        keel_term reason;
        keel_test_check(keel_call("crasher", keel_atom(crash), &reason) == KEEL_E_EXIT);
        keel_test_wait_until(KEEL_SECONDS(1), keel_whereis("crasher").word != 0);
    }
}

SEEDED("a child that crashes is there again, however often")
{
    keel_test_opts opts = {0};
    keel_test_report report;
    keel_status status = keel_test_run(
            crash_often, keel_nil(), kl_test_seed(), &opts, &report);
    if (status != KEEL_OK) {
        kl_test_fail(__FILE__, __LINE__, "%s", report.text);
    }
}

static void start_bad(keel_term unused)
{
    (void)unused;
    keel_test_start_supervised_or_exit(keel_child(&server, keel_atom(bad)));
}

SEEDED("a child that does not start fails the test that wants it")
{
    keel_test_report report;
    CHECK_INT(keel_test_run(start_bad, keel_nil(), kl_test_seed(), NULL, &report),
            KEEL_E_FAILED);
    CHECK_HAS(report.text, "the child did not start");
    CHECK_HAS(report.text, "no_good");
}

TEST("outside of a process there is no test they could belong to")
{
    CHECK_INT(keel_test_start_supervised(keel_child(&server, keel_nil())).status,
            KEEL_E_OUTSIDE);
    CHECK_INT(keel_test_start_supervised_spec(NULL).status, KEEL_E_BADARG);
    CHECK_INT(keel_test_stop_supervised(keel_atom(x)), KEEL_E_NOPROC);
}
