#include "check.h"
#include "rate_limiter.h"

static void each_user_has_a_limit_in_each_window(keel_term unused)
{
    keel_started_or_exit(rate_limiter_start_link(keel_make("{2, 1000}")));
    keel_test_check(keel_is(rate_limiter_check(keel_atom(ana)), ok));
    keel_test_check(keel_is(rate_limiter_check(keel_atom(ana)), ok));
    keel_test_check(keel_is(rate_limiter_check(keel_atom(ana)), rate_limited));
    keel_test_check(keel_is(rate_limiter_check(keel_atom(leo)), ok));
    keel_sleep(KEEL_MS(1001));
    keel_test_check(keel_is(rate_limiter_check(keel_atom(ana)), ok));
}

static void bad_limits_do_not_start(keel_term unused)
{
    keel_trap_exit(true);
    keel_started started = rate_limiter_start_link(keel_atom(many));
    keel_test_check(started.status == KEEL_E_EXIT && keel_is(started.reason, badarg));
}

CHECKS({"each user has a limit in each window", each_user_has_a_limit_in_each_window},
        {"bad limits do not start", bad_limits_do_not_start})
