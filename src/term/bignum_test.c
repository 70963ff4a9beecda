#include "bignum.h"

#include "generate.h"
#include "testing/harness.h"
#include <math.h>
#include <string.h>

static keel_term parse(const char *text)
{
    keel_term term = KEEL_NONE;
    CHECK_OK(keel_parse(text, strlen(text), &term, NULL));
    return term;
}

TEST("zeros on top of a magnitude do not count, and what fits a word becomes one")
{
    uint8_t bytes[32] = {5};
    CHECK_INT(keel_int_from_bytes(false, bytes, 32).word, keel_int(5).word);
    CHECK_INT(keel_int_from_bytes(true, bytes, 1).word, keel_int(-5).word);
    CHECK_INT(keel_int_from_bytes(true, bytes + 1, 31).word, keel_int(0).word);
    CHECK_INT(keel_int_from_bytes(false, NULL, 0).word, keel_int(0).word);
    memset(bytes, 0xff, 8);
    CHECK(keel_equal(keel_int_from_bytes(false, bytes, 32), keel_uint(UINT64_MAX)));
    uint64_t place[8];
    keel_term term;
    CHECK(kl_big_write(place, true, bytes, 7, &term) == place);
    CHECK_INT(term.word, keel_int(-((INT64_C(1) << 56) - 1)).word);
    CHECK(kl_big_write(place, false, bytes, 32, &term) == place + 2);
    CHECK(keel_equal(term, keel_uint(UINT64_MAX)));
    bytes[10] = 1;
    CHECK(kl_big_write(place, true, bytes, 32, &term) == place + 3);
    CHECK(keel_equal(term, keel_int_from_bytes(true, bytes, 11)));
}

TEST("the decimal text of an integer reads back as the integer", .seeded = true)
{
    struct kl_generate generate = {.random = kl_test_seed()};
    for (int i = 0; i < 2000; i++) {
        keel_scope scope = keel_scope_open();
        uint8_t bytes[200];
        size_t size = kl_generate_below(&generate, sizeof bytes);
        for (size_t j = 0; j < size; j++) {
            bytes[j] = (uint8_t)kl_generate_below(&generate, 3) - 1;
        }
        keel_term term = keel_int_from_bytes(i % 2 == 0, bytes, size);
        CHECK(keel_equal(parse(keel_show(term)), term));
        keel_scope_close(&scope);
    }
}

TEST("texts of big integers are right in every base")
{
    static const char *const same[][2] = {
            {"18446744073709551616", "16#10000000000000000"},
            {"-340282366920938463463374607431768211456",
                    "-2#1"
                    "0000000000000000000000000000000000000000000000000000000000000000"
                    "0000000000000000000000000000000000000000000000000000000000000000"},
            {"100000000000000000000000000000000000000000000",
                    "36#2ngnb2nqdrzqxghd7sp622bnmfshs"},
            {"4611686018427387904", "4_611_686_018_427_387_904"},
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        CHECK_STR(keel_show(parse(same[i][1])), same[i][0]);
        CHECK_STR(keel_show(parse(same[i][0])), same[i][0]);
    }
    CHECK_INT(keel_to_int(parse("36#zz")), 35 * 36 + 35);
}

TEST("integers and floats compare by exact value")
{
    static const struct {
        const char *integer;
        double real;
        int order;
    } pairs[] = {
            {"0", 0.0, 0},
            {"0", -0.0, 0},
            {"1", 1.5, -1},
            {"-1", -1.5, 1},
            {"9007199254740993", 9007199254740992.0, 1},
            {"9007199254740992", 9007199254740992.0, 0},
            {"-9007199254740993", -9007199254740992.0, -1},
            {"4611686018427387903", 0x1p62, -1},
            {"4611686018427387904", 0x1p62, 0},
            {"-4611686018427387904", -0x1p62, 0},
            {"-4611686018427387905", -0x1p62, -1},
            {"4611686018427387904", 1.0, 1},
            {"-4611686018427387905", 1e300, -1},
            {"18446744073709551616", 0x1p64, 0},
            {"18446744073709551617", 0x1p64, 1},
            {"18446744073709551615", 0x1p64, -1},
            {"340282366920938463463374607431768211456", 0x1p128, 0},
            {"340282366920938463463374607431768211457", 0x1p128, 1},
            {"340282366920938463463374607431768211455", 0x1p128, -1},
            {"-340282366920938463463374607431768211457", -0x1p128, -1},
            {"36893488147419103232", 0.5, 1},
            {"36893488147419103232", 5e-324, 1},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        keel_term integer = parse(pairs[i].integer);
        CHECK_INT(kl_int_compare_double(integer, pairs[i].real), pairs[i].order);
        CHECK_INT(keel_compare(keel_float(pairs[i].real), integer), -pairs[i].order);
        CHECK_INT(
                keel_equal_value(integer, keel_float(pairs[i].real)), pairs[i].order == 0);
        CHECK(!keel_equal(integer, keel_float(pairs[i].real)));
    }
}

TEST("a big integer becomes the nearest float, ties to even, and no infinity")
{
    double value;
    CHECK(kl_int_to_double(parse("18446744073709551616"), &value) && value == 0x1p64);
    // Half way between two floats: down to the even one, up with anything more.
    CHECK(kl_int_to_double(parse("16#100000000000008000000000000"), &value));
    CHECK(value == 0x1p104);
    CHECK(kl_int_to_double(parse("16#100000000000008000000000001"), &value));
    CHECK(value == 0x1.0000000000001p104);
    CHECK(kl_int_to_double(parse("-16#100000000000018000000000000"), &value));
    CHECK(value == -0x1.0000000000002p104);
    uint8_t bytes[129];
    memset(bytes, 0xff, sizeof bytes);
    bytes[121] = 0xfb; // the first bit below the 53 that a float holds
    CHECK(kl_int_to_double(keel_int_from_bytes(false, bytes, 128), &value));
    CHECK(value == 0x1.fffffffffffffp1023);
    memset(bytes, 0xff, sizeof bytes);
    CHECK(!kl_int_to_double(keel_int_from_bytes(false, bytes, 128), &value));
    CHECK(!kl_int_to_double(keel_int_from_bytes(false, bytes, 129), &value));
    CHECK(keel_to_float(keel_int_from_bytes(false, bytes, 129)) == 0);
}
