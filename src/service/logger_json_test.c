// Events as JSON.

#include "logger.h"
#include "testing/harness.h"
#include <keel/match.h>
#include <string.h>

static const char *json_of(keel_term message, keel_term metadata)
{
    static char text[1024];
    keel_log_event event = {.level = KEEL_LOG_INFO,
            .time = 1700000000123456789,
            .message = message,
            .metadata = metadata};
    size_t length = keel_log_format_json(text, sizeof text, &event);
    CHECK_INT(length, strlen(text));
    CHECK_INT(keel_log_format_json(NULL, 0, &event), length);
    return text;
}

TEST("an event is one object")
{
    CHECK_STR(json_of(keel_string("hello"), keel_make("#{line => 7, ok => true}")),
            "{\"time\":\"2023-11-14T22:13:20.123456Z\",\"level\":\"info\",\"message\":"
            "\"hello\",\"line\":7,\"ok\":true}");
}

TEST("values keep their kind where JSON has it")
{
    const char *text = json_of(keel_string(""),
            keel_make(
                    "#{m => #{a => [1, -2.5, <<\"x\">>, false]}, t => {a, 1}, w => word}"));
    CHECK(strstr(text, ",\"m\":{\"a\":[1,-2.5,\"x\",false]}") != NULL);
    CHECK(strstr(text, ",\"t\":\"{a,1}\"") != NULL);
    CHECK(strstr(text, ",\"w\":\"word\"") != NULL);
}

TEST("text is escaped, and bytes that are none are replaced")
{
    const char *text = json_of(keel_string("a\"b\\c\n\x01 \xc3\xa4 \xff\xc3"), KEEL_NONE);
    CHECK(strstr(text, "\"a\\\"b\\\\c\\n\\u0001 \xc3\xa4 \\ufffd\\ufffd\"") != NULL);
}

TEST("a report is text and an object")
{
    const char *text = json_of(keel_make("{report, #{event => slow}}"), KEEL_NONE);
    CHECK(strstr(text,
                  "\"message\":\"#{event => slow}\",\"report\":{\"event\":\"slow\"}") !=
            NULL);
}
