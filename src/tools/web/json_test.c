#include "testing/harness.h"

#include <keel/keel.h>
#include <keel/web/json.h>
#include <stdlib.h>
#include <string.h>

static const char *encoded(keel_term term)
{
    static char text[1024];
    keel_bytes bytes = keel_to_bytes(keel_json_encode(term));
    memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = '\0';
    return text;
}

static const char *read_back(const char *json)
{
    keel_term term;
    keel_json_error error;
    keel_status status = keel_json_decode(json, strlen(json), &term, &error);
    return status == KEEL_OK ? keel_show(term) : keel_status_name(status);
}

TEST("terms become JSON")
{
    CHECK_STR(encoded(keel_make(
                      "#{a => 1, b => [true, nil, undefined, done], c => <<\"x\">>}")),
            "{\"a\":1,\"b\":[true,null,null,\"done\"],\"c\":\"x\"}");
    CHECK_STR(encoded(keel_make("{[{z, 1.5}, {a, {[]}}]}")), "{\"z\":1.5,\"a\":{}}");
    CHECK_STR(encoded(keel_make("{ok, 1}")), "\"{ok,1}\"");
    CHECK_STR(encoded(keel_int(INT64_MIN)), "-9223372036854775808");
    CHECK_STR(encoded(keel_string("\"\\\n\x7f\xff\xe2\x82\xac")),
            "\"\\\"\\\\\\u000a\\u007f\xef\xbf\xbd\xe2\x82\xac\"");
}

TEST("JSON becomes terms")
{
    CHECK_STR(read_back("{\"a\": [1, -2.5, true, null, \"x\\u00e9\"]}"),
            "#{<<\"a\">> => [1,-2.5,true,nil,<<\"x\xc3\xa9\"/utf8>>]}");
    CHECK_STR(read_back("7"), "7");
}

TEST("what is no JSON is refused with its place")
{
    keel_term term;
    keel_json_error error;
    static const char *const wrong[] = {"", "{", "{\"a\":1,\"a\":2}", "[1,]", "nul",
            "\"\xff\"", "{\"a\" 1}", "1e999", "99999999999999999999999999", "\"\\ud800\"",
            "\"a\\u0000b\""};
    for (size_t index = 0; index < KEEL_COUNT(wrong); index++) {
        CHECK_INT(keel_json_decode(wrong[index], strlen(wrong[index]), &term, &error),
                KEEL_E_SYNTAX);
        CHECK(error.text[0] != '\0');
    }
    CHECK_INT(keel_json_decode("{\n \"a\": }", 9, &term, &error), KEEL_E_SYNTAX);
    CHECK_INT(error.line, 2);
}

TEST("nesting without end is refused, brackets in strings are none")
{
    keel_term term;
    char deep[4096];
    memset(deep, '[', sizeof(deep));
    CHECK_INT(keel_json_decode(deep, sizeof(deep), &term, NULL), KEEL_E_TOO_DEEP);
    deep[0] = '"';
    deep[sizeof(deep) - 1] = '"';
    CHECK_OK(keel_json_decode(deep, sizeof(deep), &term, NULL));
}

TEST("a term nested without end is written as text at last")
{
    keel_term term = keel_nil();
    for (int depth = 0; depth < 200; depth++) {
        term = keel_cons(term, keel_nil());
    }
    CHECK(strstr(encoded(term), "[[[[") != NULL);
}
