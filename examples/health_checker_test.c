#include "check.h"
#include "health_checker.h"

#include <string.h>

static keel_status look(keel_term url, keel_duration timeout, keel_term *ret_reason)
{
    *ret_reason = keel_nil();
    return keel_match(url, "<<\"http://good\">>")  ? KEEL_OK
           : keel_match(url, "<<\"http://bad\">>") ? KEEL_E_REFUSED
                                                   : KEEL_E_NODEDOWN;
}

static void urls_are_checked_at_every_interval(keel_term unused)
{
    health_checker_get = look;
    keel_logger_level_set(KEEL_LOG_NONE);
    keel_started_or_exit(health_checker_start_link(keel_make(
            "#{urls => [<<\"http://good\">>, <<\"http://bad\">>, <<\"http://gone\">>],"
            " interval => 1000}")));
    CHECK_SHOWN(health_checker_status(), "#{}");
    keel_sleep(KEEL_MS(1500));
    CHECK_SHOWN(health_checker_status(),
            "#{<<\"http://bad\">> => unhealthy,<<\"http://gone\">> => unreachable,"
            "<<\"http://good\">> => healthy}");
}

CHECKS({"URLs are checked at every interval", urls_are_checked_at_every_interval})
