// Events as text.

#include "logger.h"
#include "testing/harness.h"
#include <keel/match.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static keel_log_event event_of(keel_log_level level, keel_term message, keel_term metadata)
{
    setenv("TZ", "UTC", 1);
    tzset();
    return (keel_log_event){.level = level,
            .time = 1700000000123456789,
            .message = message,
            .metadata = metadata};
}

TEST("a line has time, level, metadata and message")
{
    char text[256];
    keel_log_event event = event_of(KEEL_LOG_WARNING, keel_string("hot"),
            keel_make("#{time => 1, line => 7, request => <<\"a b\">>, n => {1, 2}}"));
    size_t length = keel_log_format_text(text, sizeof text, &event, false);
    CHECK_STR(text, "2023-11-14 22:13:20.123 [warning] n={1,2} request=a b hot");
    CHECK_INT(length, strlen(text));
    keel_log_format_text(text, sizeof text, &event, true);
    CHECK(strstr(text, " \033[33m[warning]\033[0m n=") != NULL);
    char small[12];
    CHECK_INT(keel_log_format_text(small, sizeof small, &event, false), length);
    CHECK_STR(small, "2023-11-14 ");
    CHECK_INT(keel_log_format_text(NULL, 0, &event, false), length);
}

TEST("a report becomes text")
{
    char text[512];
    keel_log_event event = event_of(
            KEEL_LOG_INFO, keel_make("{report, #{event => slow, ms => 12}}"), KEEL_NONE);
    keel_log_format_text(text, sizeof text, &event, false);
    CHECK(strstr(text, "[info] #{event => slow,ms => 12}") != NULL);
}
