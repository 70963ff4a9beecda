#include "check.h"
#include "service_monitor.h"

#include <string.h>

static bool api_is_well; // set by each check

static keel_status look(keel_term url, keel_duration timeout, keel_term *ret_reason)
{
    keel_sleep(KEEL_MS(12));
    *ret_reason = keel_make("{bad_status, 503}");
    return api_is_well || keel_match(url, "<<\"http://web\">>") ? KEEL_OK : KEEL_E_REFUSED;
}

static void check_status(const char *service, const char *expected)
{
    keel_term status = service_monitor_service_status(keel_string(service));
    keel_term shown = keel_map_get(status, keel_atom(status));
    if (strcmp(keel_show(shown), expected) != 0) {
        keel_test_fail("%s is %s, not %s", service, keel_show(shown), expected);
    }
}

static void begin(void)
{
    service_monitor_get = look;
    api_is_well = true;
    keel_logger_level_set(KEEL_LOG_NONE);
    keel_started_or_exit(service_monitor_start_link(
            keel_make("#{check_interval => 1000, max_failures => 3}")));
    service_monitor_add(keel_string("api"), keel_string("http://api"));
    service_monitor_add(keel_string("web"), keel_string("http://web"));
}

static void a_service_degrades_turns_critical_and_recovers(keel_term unused)
{
    begin();
    check_status("api", "unknown");
    keel_sleep(KEEL_MS(1500));
    check_status("api", "healthy");
    api_is_well = false;
    keel_sleep(KEEL_SECONDS(2));
    check_status("api", "degraded");
    keel_sleep(KEEL_SECONDS(1));
    check_status("api", "critical");
    check_status("web", "healthy");
    api_is_well = true;
    keel_sleep(KEEL_SECONDS(1));
    check_status("api", "healthy");
}

static void services_come_and_go(keel_term unused)
{
    begin();
    keel_sleep(KEEL_MS(1500));
    keel_test_check(keel_match(service_monitor_status(),
            "#{<<\"api\">> := #{status := healthy, response_time := 12},"
            " <<\"web\">> := #{status := healthy}}"));
    service_monitor_remove(keel_string("api"));
    CHECK_SHOWN(service_monitor_service_status(keel_string("api")), "nil");
    keel_test_check(keel_map_size(service_monitor_status()) == 1);
}

CHECKS({"a service degrades, turns critical and recovers",
               a_service_degrades_turns_critical_and_recovers},
        {"services come and go", services_come_and_go})
