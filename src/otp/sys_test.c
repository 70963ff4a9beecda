// sys, as those who ask see it.

#include "otp_testing.h"

PROCESS_TEST("a request to nobody tells so", .ids = "SY-008 SY-007")
{
    keel_term answer = keel_atom(untouched);
    CHECK_INT(keel_sys_get_state(dead_pid(), &answer), KEEL_E_NOPROC);
    CHECK_INT(keel_sys_get_state("nobody_here", &answer), KEEL_E_NOPROC);
    CHECK_INT(keel_sys_suspend(keel_make("{global, nobody}")), KEEL_E_NOPROC);
    CHECK_INT(keel_sys_resume(keel_int(5)), KEEL_E_BADARG);
    CHECK_TERM(answer, "untouched");
}

SIMULATED_TEST("a process that knows no system messages lets the request time out",
        .ids = "SY-009")
{
    keel_pid pid = keel_spawn(wait_forever, KEEL_NONE);
    keel_term answer;
    int64_t now = keel_now();
    CHECK_INT(keel_sys_get_state(pid, &answer), KEEL_E_TIMEOUT);
    CHECK(keel_now() - now >= KEEL_SECONDS(5));
    now = keel_now();
    CHECK_INT(keel_sys_request(pid, keel_atom(get_state), KEEL_IN(KEEL_MS(5)), &answer),
            KEEL_E_TIMEOUT);
    CHECK(keel_now() - now < KEEL_MS(10));
    end_process(pid);
    EXPECT_NO_MESSAGE();
}

SIMULATED_TEST("a busy server answers when it is done, and not too late", .ids = "SY-009")
{
    keel_pid pid = lone_actor();
    keel_cast(pid, ACT(play_block, KEEL_NONE));
    keel_term answer;
    CHECK_INT(keel_sys_request(pid, keel_atom(get_state), KEEL_IN(KEEL_MS(20)), &answer),
            KEEL_E_TIMEOUT);
    keel_send(pid, keel_atom(go));
    CHECK_OK(keel_sys_request(pid, keel_atom(get_state), KEEL_NEVER, &answer));
    CHECK_TERM(answer, "{ok, []}");
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
    stop_actor(pid);
}

PROCESS_TEST("a server that ends meanwhile answers with its reason", .ids = "SY-010")
{
    keel_pid pid = lone_actor();
    keel_cast(pid, ACT(play_block, KEEL_NONE));
    keel_cast(pid, ACT(play_stop, keel_atom(over)));
    keel_send_after(KEEL_MS(1), pid, keel_atom(go));
    keel_term answer;
    keel_status status = keel_sys_get_state(pid, &answer);
    CHECK_INT(status, KEEL_E_EXIT);
    CHECK_TERM(answer, "over");
}

PROCESS_TEST("an unknown request is answered, and the server lives", .ids = "SY-032")
{
    keel_pid pid = lone_actor();
    keel_term answer;
    CHECK_OK(keel_sys_request(pid, keel_make("{make, coffee}"), KEEL_NEVER, &answer));
    CHECK_TERM(answer, "{error, {unknown_system_msg, {make, coffee}}}");
    CHECK_OK(keel_sys_request(pid, keel_make("{debug, {make, tea}}"), KEEL_NEVER, &answer));
    CHECK_TERM(answer, "unknown_debug");
    CHECK_OK(keel_sys_request(pid, keel_make("{debug, tea}"), KEEL_NEVER, &answer));
    CHECK_TERM(answer, "unknown_debug");
    CHECK_INT(keel_sys_debug_term(
                      keel_from_pid(pid), keel_atom(make), keel_atom(tea), &answer),
            KEEL_E_REFUSED);
    CHECK_INT(keel_sys_install_term(keel_from_pid(pid), KEEL_NONE, NULL, keel_nil()),
            KEEL_E_BADARG);
    CHECK_INT(keel_sys_replace_state_term(keel_from_pid(pid), NULL, NULL, &answer),
            KEEL_E_BADARG);
    CHECK_TERM(keel_call_or_exit(pid, ACT(play_get, KEEL_NONE)), "[]");
    stop_actor(pid);
}

static keel_term count_runs(keel_term state, void *context)
{
    (*(int *)context)++;
    return state;
}

SIMULATED_TEST(
        "an asker that gave up can be sure that its function will not run", .ids = "SY-009")
{
    keel_pid pid = lone_actor();
    int runs = 0;
    keel_term answer;
    keel_cast(pid, ACT(play_block, KEEL_NONE));
    CHECK_INT(keel_sys_replace_state(pid, count_runs, &runs, &answer), KEEL_E_TIMEOUT);
    keel_send(pid, keel_atom(go));
    CHECK_TERM(keel_call_or_exit(pid, ACT(play_get, KEEL_NONE)), "[]");
    CHECK_INT(runs, 0);
    CHECK_OK(keel_sys_replace_state(pid, count_runs, &runs, &answer));
    CHECK_INT(runs, 1);
    stop_actor(pid);
}

static keel_term run_long(keel_term state, void *context)
{
    keel_sleep(KEEL_SECONDS(8));
    (*(int *)context)++;
    return state;
}

SIMULATED_TEST("an asker waits for its function once it runs", .ids = "SY-009")
{
    keel_pid pid = lone_actor();
    int runs = 0;
    keel_term answer;
    CHECK_INT(keel_sys_replace_state(pid, run_long, &runs, &answer), KEEL_E_TIMEOUT);
    CHECK_INT(runs, 1);
    stop_actor(pid);
}

PROCESS_TEST("terminate ends a server through its callback", .ids = "SY-062 SY-064")
{
    for (int suspended = 0; suspended < 2; suspended++) {
        keel_pid pid = lone_actor(.probed = true);
        EXPECT_NEXT("{actor, init, _}");
        keel_ref monitor = keel_monitor(pid);
        if (suspended) {
            CHECK_OK(keel_sys_suspend(pid));
        }
        CHECK_OK(keel_sys_terminate(pid, keel_atom(enough)));
        EXPECT_MESSAGE("{actor, terminate, enough}");
        CHECK_TERM(await_down(monitor), "enough");
    }
}
