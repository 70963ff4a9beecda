#include "float_text.h"

#include "base/base.h"
#include "testing/harness.h"
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(double value)
{
    static char text[KL_FLOAT_TEXT_MAX + 1];
    text[kl_float_text(text, value)] = '\0';
    return text;
}

TEST("floats are written with the fewest digits, and an exponent where that is shorter")
{
    static const struct {
        double value;
        const char *text;
    } known[] = {
            {0.0, "0.0"},
            {-0.0, "-0.0"},
            {1, "1.0"},
            {-1.5, "-1.5"},
            {0.1, "0.1"},
            {0.001, "0.001"},
            {0.0001, "0.0001"},
            {0.00012, "1.2e-4"},
            {100, "100.0"},
            {1000, "1.0e3"},
            {10000, "1.0e4"},
            {123456, "123456.0"},
            {1234567.25, "1234567.25"},
            {9007199254740991, "9007199254740991.0"},
            {9007199254740992, "9.007199254740992e15"},
            {1e22, "1.0e22"},
            {1e23, "1.0e23"},
            {5e-324, "5.0e-324"},
            {2.2250738585072014e-308, "2.2250738585072014e-308"},
            {1.7976931348623157e308, "1.7976931348623157e308"},
            {0x1p-44, "5.684341886080802e-14"},
            {3.141592653589793, "3.141592653589793"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        CHECK_STR(text_of(known[i].value), known[i].text);
    }
}

TEST("a float reads back from its text, any of them", .seeded = true)
{
    uint64_t random = kl_test_seed();
    for (int i = 0; i < 5000; i++) {
        uint64_t bits = kl_random_next(&random);
        double value;
        if (i % 3 == 0) {
            bits &= ~(((uint64_t)1 << (bits % 53)) - 1); // few digits in the mantissa
        }
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            CHECK(strtod(text_of(value), NULL) == value);
        }
    }
}

TEST("digits read as strtod reads them, however many there are")
{
    double value;
    CHECK(kl_float_from_digits("0", 1, 5, &value) && value == 0);
    CHECK(kl_float_from_digits("", 0, 5, &value) && value == 0);
    CHECK(kl_float_from_digits("15", 2, -1, &value) && value == 1.5);
    CHECK(!kl_float_from_digits("1", 1, 309, &value));
    CHECK(!kl_float_from_digits("1", 1, 1000000000, &value));
    CHECK(kl_float_from_digits("1", 1, -1000000000, &value) && value == 0);
    // 1 + 2^-53 lies half way to the next float and goes down; any digit more goes up.
    char digits[3000];
    memset(digits, '0', sizeof digits);
    const char *half = "100000000000000011102230246251565404236316680908203125";
    memcpy(digits, half, strlen(half));
    CHECK(kl_float_from_digits(digits, sizeof digits, -2999, &value) && value == 1);
    digits[2999] = '1';
    CHECK(kl_float_from_digits(digits, sizeof digits, -2999, &value));
    CHECK(value == nextafter(1, 2));
}

TEST("the locale changes nothing")
{
    static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE"};
    bool set = false;
    for (size_t i = 0; i < sizeof locales / sizeof locales[0] && !set; i++) {
        set = setlocale(LC_NUMERIC, locales[i]) != NULL;
    }
    if (!set) {
        kl_test_skip("no locale with a decimal comma is installed");
    }
    double value;
    CHECK_STR(text_of(1234.5), "1234.5");
    CHECK(kl_float_from_digits("12345", 5, -1, &value) && value == 1234.5);
}
