// Schedules of cron.

#include "cron.h"
#include "testing/harness.h"

#include <stdio.h>
#include <time.h>

// A time as text, such as "2026-03-01 10:00", in seconds.
static int64_t at(const char *text)
{
    struct tm date = {0};
    CHECK(strptime(text, "%Y-%m-%d %H:%M", &date) != NULL);
    return timegm(&date);
}

static void check_next(const char *schedule, const char *after, const char *expected)
{
    struct kl_cron cron;
    char text[32] = "never";
    CHECK(kl_cron_parse(schedule, &cron));
    time_t next = (time_t)kl_cron_next(&cron, at(after));
    struct tm date;
    if (next != 0) {
        strftime(text, sizeof text, "%Y-%m-%d %H:%M", gmtime_r(&next, &date));
    }
    CHECK_STR(text, expected);
}

TEST("a schedule is due at the first minute after that it names")
{
    check_next("* * * * *", "2026-03-01 10:00", "2026-03-01 10:01");
    check_next("*/15 * * * *", "2026-03-01 10:14", "2026-03-01 10:15");
    check_next("*/15 * * * *", "2026-03-01 10:45", "2026-03-01 11:00");
    check_next("5/20 * * * *", "2026-03-01 10:30", "2026-03-01 10:45");
    check_next("0 8-10/2 * * *", "2026-03-01 08:00", "2026-03-01 10:00");
    check_next("59 23 31 12 *", "2026-03-01 10:00", "2026-12-31 23:59");
    check_next("0 0 29 2 *", "2026-03-01 10:00", "2028-02-29 00:00");
    check_next("0 0 30 2 *", "2026-03-01 10:00", "never");
    check_next("30 6 * * mon-fri", "2026-03-06 06:30", "2026-03-09 06:30");
    check_next("0 0 * JAN,Jul *", "2026-03-01 10:00", "2026-07-01 00:00");
    check_next("@daily", "2026-03-01 10:00", "2026-03-02 00:00");
}

TEST("Sunday is 0 and 7")
{
    check_next("0 0 * * 0", "2026-03-02 00:00", "2026-03-08 00:00");
    check_next("0 0 * * 7", "2026-03-02 00:00", "2026-03-08 00:00");
    check_next("0 0 * * 5-7", "2026-03-08 00:00", "2026-03-13 00:00");
}

TEST("of a day of the month and a day of the week one is enough, if both are given")
{
    check_next("0 0 13 * fri", "2026-03-01 10:00", "2026-03-06 00:00");
    check_next("0 0 13 * fri", "2026-03-06 10:00", "2026-03-13 00:00");
    check_next("0 0 13 * *", "2026-03-01 10:00", "2026-03-13 00:00");
}

TEST("what is no schedule is refused")
{
    const char *const bad[] = {"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *",
            "* * 0 * *", "* * * 13 *", "* * * * 8", "*/0 * * * *", "5-1 * * * *",
            "a * * * *", "1, * * * *", "1- * * * *", "*/ * * * *", "@often", "-1 * * * *",
            "1.5 * * * *"};
    struct kl_cron cron;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (kl_cron_parse(bad[i], &cron)) {
            kl_test_fail(__FILE__, __LINE__, "accepted: %s", bad[i]);
        }
    }
}
