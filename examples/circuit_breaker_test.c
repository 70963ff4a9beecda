#include "check.h"
#include "circuit_breaker.h"
#include <string.h>

static int calls;

static keel_term work(keel_term fails)
{
    calls++;
    if (keel_to_bool(fails)) {
        keel_exit(keel_atom(broken));
    }
    return keel_atom(fine);
}

static keel_term ask(keel_pid breaker, bool fails)
{
    return circuit_breaker_call(breaker, work, keel_bool(fails));
}

static keel_pid opened(void)
{
    keel_pid breaker = keel_started_or_exit(circuit_breaker_start_link(keel_nil()));
    calls = 0;
    for (int i = 0; i < 5; i++) {
        CHECK_SHOWN(ask(breaker, true), "{error,broken}");
    }
    CHECK_SHOWN(ask(breaker, false), "{error,circuit_open}");
    keel_test_check(calls == 5);
    return breaker;
}

static void it_closes_when_the_trial_succeeds(keel_term unused)
{
    keel_pid breaker = opened();
    keel_sleep(KEEL_SECONDS(31));
    CHECK_SHOWN(ask(breaker, false), "{ok,fine}");
    CHECK_SHOWN(ask(breaker, true), "{error,broken}");
    CHECK_SHOWN(ask(breaker, false), "{ok,fine}");
}

static void it_opens_again_when_the_trial_fails(keel_term unused)
{
    keel_pid breaker = opened();
    keel_sleep(KEEL_SECONDS(31));
    CHECK_SHOWN(ask(breaker, true), "{error,broken}");
    CHECK_SHOWN(ask(breaker, false), "{error,circuit_open}");
}

CHECKS({"it closes when the trial succeeds", it_closes_when_the_trial_succeeds},
        {"it opens again when the trial fails", it_opens_again_when_the_trial_fails})
