// Errands and those who wait for them.

#include "errand.h"
#include "proc/proc_testing.h"

static keel_term twice(keel_term number)
{
    return keel_int(2 * keel_to_int(number));
}

static keel_term leave(keel_term reason)
{
    keel_exit(reason);
}

static keel_term sleep_on(keel_term unused)
{
    keel_sleep(KEEL_SECONDS(1000));
    return unused;
}

PROCESS_TEST("an errand's end is told once, with its result or its reason")
{
    keel_trap_exit(true);
    CHECK(kl_errand_start("test:twice", twice, keel_int(21), keel_atom(a)).word != 0);
    keel_term tag, value;
    keel_status status;
    CHECK(kl_errand_ended(keel_receive(), &tag, &status, &value));
    CHECK_TERM(tag, "a");
    CHECK_OK(status);
    CHECK_TERM(value, "42");
    EXPECT_NO_MESSAGE();
    keel_pid pid = kl_errand_start("test:leave", leave, keel_atom(oops), keel_int(7));
    keel_term message;
    CHECK_OK(keel_receive_match(SOON, "{'EXIT', ^Pid, oops}", pid));
    CHECK_OK(keel_receive_until(SOON, &message));
    CHECK(kl_errand_ended(message, &tag, &status, &value));
    CHECK_TERM(tag, "7");
    CHECK_INT(status, KEEL_E_EXIT);
    CHECK_TERM(value, "oops");
    CHECK(!kl_errand_ended(keel_atom(other), &tag, &status, &value));
}

static void have_run(keel_term probe)
{
    keel_pid pid = kl_errand_start("test:sleep_on", sleep_on, KEEL_NONE, keel_nil());
    keel_send(probe, keel_from_pid(pid));
    keel_receive();
}

PROCESS_TEST("an errand ends with who has it run")
{
    keel_pid server = keel_spawn(have_run, keel_from_pid(keel_self()));
    keel_pid errand = keel_to_pid(keel_receive());
    keel_ref monitor = keel_monitor(errand);
    keel_process_exit(server, keel_atom(kill));
    CHECK_TERM(await_down(monitor), "killed");
}

PROCESS_TEST("an outcome travels as a reply")
{
    keel_term value = KEEL_NONE;
    CHECK_OK(kl_errand_outcome(KEEL_OK, kl_errand_reply(KEEL_OK, keel_int(1)), &value));
    CHECK_TERM(value, "1");
    CHECK_INT(kl_errand_outcome(
                      KEEL_OK, kl_errand_reply(KEEL_E_EXIT, keel_atom(oops)), &value),
            KEEL_E_EXIT);
    CHECK_TERM(value, "oops");
    CHECK_INT(kl_errand_outcome(KEEL_E_EXIT, keel_atom(gone), &value), KEEL_E_EXIT);
    CHECK_TERM(value, "gone");
    CHECK_INT(kl_errand_outcome(KEEL_E_TIMEOUT, KEEL_NONE, &value), KEEL_E_TIMEOUT);
    CHECK_TERM(value, "gone");
}
