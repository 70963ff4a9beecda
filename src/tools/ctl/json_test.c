// Rows as JSON, read again by a reader that knows nothing of the writer.

#include "ctl_testing.h"
#include "json.h"
#include <string.h>

static void check_json(int line, keel_term term, const char *expected)
{
    struct caught caught;
    catch_output(&caught, true, false, 0);
    kl_ctl_json_term(caught.out.file, term);
    fclose(caught.out.file);
    kl_test_check_str(__FILE__, line, "json", caught.text, expected);
    CHECK(is_json(caught.text, caught.size));
    free(caught.text);
}
#define CHECK_JSON(term, expected) check_json(__LINE__, (term), (expected))

TEST("terms become what is most like them")
{
    CHECK_JSON(keel_int(-7), "-7");
    CHECK_JSON(keel_uint(UINT64_MAX), "18446744073709551615");
    CHECK_JSON(keel_float(0.5), "0.5");
    CHECK_JSON(keel_float(1e300), "1.0e300");
    CHECK_JSON(keel_bool(true), "true");
    CHECK_JSON(keel_string("text"), "\"text\"");
    CHECK_JSON(keel_nil(), "[]");
    CHECK_JSON(keel_make("[1, <<\"b\">>, [2]]"), "[1, \"b\", [2]]");
    CHECK_JSON(keel_make("#{<<\"k\">> => 1, <<\"l\">> => #{}}"), "{\"k\": 1, \"l\": {}}");
    CHECK_JSON(keel_make("{a, [1 | 2]}"), "\"{a,[1|2]}\"");
    CHECK_JSON(keel_make("[1 | 2]"), "\"[1|2]\"");
    CHECK_JSON(keel_make("#{1 => x}"), "{\"1\": \"x\"}");
}

TEST("strings are escaped, and what is not UTF-8 in them is replaced")
{
    CHECK_JSON(keel_string("a\"b\\c"), "\"a\\\"b\\\\c\"");
    CHECK_JSON(keel_string("\033\n\177"), "\"\\u001b\\u000a\\u007f\"");
    CHECK_JSON(keel_string("é日\xf0\x9f\x98\x80"), "\"é日\xf0\x9f\x98\x80\"");
    CHECK_JSON(keel_string("\xff\xc3"), "\"\\ufffd\\ufffd\"");
    CHECK_JSON(keel_string("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\""); // a surrogate
    CHECK_JSON(keel_string("\xc0\xaf"), "\"\\ufffd\\ufffd\""); // too long a form
    CHECK_JSON(keel_binary("a\0b", 3), "\"a\\u0000b\"");
}

TEST("the reader of the tests refuses what is no JSON")
{
    static const char *const right[] = {
            "0", " [1, -2.5e+3, true, null, {\"a\": []}] ", "\"\\u00e9\""};
    static const char *const wrong[] = {"", "01", "[1,]", "{\"a\"}", "{a: 1}", "[1] 2",
            "\"\n\"", "\"\\x\"", "tru", "1.", "-", "[", "{\"a\": 1,}", "\"abc"};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        CHECK(is_json(right[i], strlen(right[i])));
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK(!is_json(wrong[i], strlen(wrong[i])));
    }
}
