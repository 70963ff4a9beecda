#include "pattern.h"

#include "testing/harness.h"
#include <keel/match.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

static keel_term parse(const char *text)
{
    keel_term term = KEEL_NONE;
    CHECK_OK(keel_parse(text, strlen(text), &term, NULL));
    return term;
}

static int anything;

TEST("a pattern without variables matches what equals it")
{
    CHECK(keel_match(parse("reset"), "reset"));
    CHECK(!keel_match(parse("set"), "reset"));
    CHECK(keel_match(parse("{a, [1, 2.5 | b], \"abc\", <<1, 2:3>>, {}}"),
            "{a, [1, 2.5 | b], \"abc\", <<1, 2:3>>, {}}"));
    CHECK(!keel_match(parse("{a, 1}"), "{a, 1.0}"));
    CHECK(!keel_match(parse("{a, 1, 2}"), "{a, 1}"));
    CHECK(keel_match(parse("[]"), "[]"));
    CHECK(keel_match(parse("18446744073709551616"), "18446744073709551616"));
    CHECK(!keel_match(KEEL_NONE, "_"));
    CHECK(keel_match(parse("{a}"), "_"));
}

TEST("variables are captured in the order in which they stand")
{
    int64_t by = 0;
    keel_term name;
    CHECK(keel_match(parse("{increment, 17}"), "{increment, By}", &by));
    CHECK_INT(by, 17);
    CHECK(!keel_match(parse("{decrement, 18}"), "{increment, By}", &by));
    CHECK_INT(by, 17);
    CHECK(keel_match(parse("{x, 1}"), "{Name, By}", &name, &by));
    CHECK(keel_is(name, x));
    CHECK_INT(by, 1);
    CHECK(keel_match(parse("99"), "By", &by));
    CHECK_INT(by, 99);
}

TEST("going back out of what is nested goes on in the right place")
{
    keel_term a, b, c, d;
    CHECK(keel_match(parse("{{1, {2}}, {3, [4, {5}], 6}, 7}"),
            "{{_, {A}}, {_, [B, {C}], _}, D}", &a, &b, &c, &d));
    CHECK_STR(keel_show(keel_list_of(a, b, c, d)), "[2,4,5,7]");
    CHECK(keel_match(parse("[{1}, {2} | {3}]"), "[{A}, {B} | {C}]", &a, &b, &c));
    CHECK_STR(keel_show(keel_list_of(a, b, c)), "[1,2,3]");
    CHECK(keel_match(parse("{[[1, 2], [3]], 4}"), "{[[A, B], [C]], D}", &a, &b, &c, &d));
    CHECK_STR(keel_show(keel_list_of(a, b, c, d)), "[1,2,3,4]");
    CHECK(!keel_match(parse("{[[1, 2], [3]], 4}"), "{[[A, B], []], D}", &a, &b, &c));
    CHECK(!keel_match(parse("{[[1, 2]], 4}"), "{[[A, B], [C]], D}", &a, &b, &c, &d));
    CHECK(keel_match(parse("{[1, 2, 3], x}"), "{[A | B], C}", &a, &b, &c));
    CHECK_STR(keel_show(keel_list_of(a, b, c)), "[1,[2,3],x]");
    CHECK(!keel_match(parse("{[], x}"), "{[A | B], C}", &a, &b, &c));
}

TEST("a map matches when it has the keys, whatever else it has")
{
    keel_term map = parse("#{name => \"joe\", age => 30, {k} => #{in => 1}, 7 => seven}");
    int age = 0;
    keel_term name, inner;
    CHECK(keel_match(map, "#{}"));
    CHECK(keel_match(map, "#{age => 30}"));
    CHECK(!keel_match(map, "#{age => 31}"));
    CHECK(!keel_match(map, "#{size => _}"));
    CHECK(keel_match(map, "#{age := Age, name := Name}", &age, &name));
    CHECK_INT(age, 30);
    CHECK_STR(keel_show(name), "\"joe\"");
    CHECK(keel_match(map, "#{{k} := #{in := Inner}, 7 => seven}", &inner));
    CHECK_INT(keel_to_int(inner), 1);
    CHECK(keel_match(parse("{#{a => {1}}, #{b => [2]}, 3}"),
            "{#{a := {A}}, #{b := [B]}, C}", &name, &inner, &age));
    CHECK_INT(age, 3);
    CHECK(!keel_match(parse("{a}"), "#{}"));
    CHECK(keel_match(parse("{x, #{a => 1, b => 2}}"), "{x, #{a => 1}}"));
    CHECK(keel_match(parse("#{#{a => 1} => b}"), "#{#{a => 1} := b}"));
    CHECK(!keel_match(parse("#{#{a => 1, c => 2} => b}"), "#{#{a => 1} := b}"));
}

TEST("a variable that stands twice must be the same twice")
{
    keel_term x;
    CHECK(keel_match(parse("{[1], [1]}"), "{X, X}", &x));
    CHECK(!keel_match(parse("{1, 1.0}"), "{X, X}", &x));
    CHECK(!keel_match(parse("{[1], [2]}"), "{X, X}", &x));
    CHECK(keel_match(parse("{1, {2, 1}}"), "{X, {_, X}}", &x));
}

TEST("a variable with ^ is a value that must be there")
{
    keel_term ref = keel_from_ref(keel_make_ref());
    keel_term tuple = keel_tuple_of(ref, keel_int(5));
    keel_term value;
    CHECK(keel_match(tuple, "{^Ref, Value}", keel_to_ref(ref), &value));
    CHECK_INT(keel_to_int(value), 5);
    CHECK(!keel_match(tuple, "{^Ref, Value}", keel_make_ref(), &value));
    CHECK(keel_match(tuple, "{_, ^Five}", 5));
    CHECK(keel_match(tuple, "{_, ^Five}", 5u));
    CHECK(!keel_match(tuple, "{_, ^Five}", 5.0));
    CHECK(!keel_match(tuple, "{_, ^Five}", (bool)true));
    CHECK(keel_match(parse("5.0"), "^F", 5.0));
    CHECK(keel_match(parse("true"), "^B", (bool)true));
    CHECK(!keel_match(parse("true"), "^B", (bool)false));
    CHECK(keel_match(parse("<<\"text\">>"), "^S", "text"));
    CHECK(!keel_match(parse("<<\"text\">>"), "^S", "tex"));
    CHECK(!keel_match(parse("text"), "^S", "text"));
    CHECK(keel_match(
            parse("<<\"te\">>"), "^S", ((keel_bytes){(const uint8_t *)"text", 2})));
    CHECK(keel_match(parse("18446744073709551615"), "^N", UINT64_MAX));
    CHECK(!keel_match(parse("-1"), "^N", UINT64_MAX));
    CHECK(keel_match(parse("{1, 1}"), "{^N, ^N}", 1));
}

TEST("the type of a capture is a guard")
{
    static const char *const terms[] = {"0", "-1", "2147483647", "2147483648",
            "-2147483648", "-2147483649", "4294967295", "4294967296", "9223372036854775807",
            "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
            "18446744073709551615", "18446744073709551616"};
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        int64_t a = 7;
        int b = 7;
        uint64_t c = 7;
        unsigned d = 7;
        keel_term term = parse(terms[i]);
        double value = keel_to_float(term);
        CHECK_INT(keel_match(term, "A", &a),
                value >= -0x1p63 && i != 9 && value <= 0x1p63 && i != 11);
        CHECK_INT(keel_match(term, "B", &b), value >= INT_MIN && value <= INT_MAX);
        CHECK_INT(keel_match(term, "C", &c), value >= 0 && i != 13);
        CHECK_INT(keel_match(term, "D", &d), value >= 0 && value <= UINT_MAX);
        CHECK(a == 7 || (double)a == value);
        CHECK(b == 7 || (double)b == value);
        CHECK(c == 7 || (double)c == value);
        CHECK(d == 7 || (double)d == value);
    }
    double real;
    CHECK(keel_match(parse("2"), "R", &real) && real == 2);
    CHECK(keel_match(parse("2.5"), "R", &real) && real == 2.5);
    CHECK(!keel_match(parse("two"), "R", &real));
    bool flag;
    CHECK(keel_match(parse("true"), "F", &flag) && flag);
    CHECK(keel_match(parse("false"), "F", &flag) && !flag);
    CHECK(!keel_match(parse("undefined"), "F", &flag));
    const char *name;
    CHECK(keel_match(parse("'an atom'"), "N", &name));
    CHECK_STR(name, "an atom");
    CHECK(!keel_match(parse("<<\"an atom\">>"), "N", &name));
    keel_bytes bytes;
    CHECK(keel_match(parse("<<\"bytes\">>"), "B", &bytes) && bytes.size == 5);
    CHECK(!keel_match(parse("<<1:3>>"), "B", &bytes));
    CHECK(!keel_match(parse("\"bytes\""), "B", &bytes));
    keel_pid pid;
    keel_ref ref;
    CHECK(keel_match(keel_from_pid(kl_pid_make(3, 4)), "P", &pid) && kl_pid_slot(pid) == 3);
    CHECK(!keel_match(keel_from_pid(kl_pid_make(3, 4)), "R", &ref));
    CHECK(keel_match(keel_from_ref(kl_ref_make(9)), "R", &ref) && kl_ref_number(ref) == 9);
    CHECK(!keel_match(keel_from_ref(kl_ref_make(9)), "P", &pid));
    void *pointer;
    CHECK(keel_match(keel_pointer(&anything), "P", &pointer) && pointer == &anything);
    CHECK(keel_match(keel_resource("r", &anything, NULL), "P", &pointer));
    CHECK(pointer == &anything);
    CHECK(!keel_match(parse("1"), "P", &pointer));
}

TEST("nothing is written unless everything matches")
{
    int64_t first = 1;
    int second = 2;
    CHECK(!keel_match(parse("{10, 20, x}"), "{First, Second, y}", &first, &second));
    CHECK(!keel_match(parse("{10, 99999999999}"), "{First, Second}", &first, &second));
    CHECK_INT(first, 1);
    CHECK_INT(second, 2);
}

// --- mistakes ---

static char told[256];

static void tell(const char *text, const char *why)
{
    strncpy(told, why, sizeof told - 1);
    CHECK(text != NULL);
}

static int logged;
static void count_logged(void *context, enum kl_log_level level, const char *text)
{
    (void)context;
    (void)text;
    CHECK_INT(level, KL_LOG_ERROR);
    logged++;
}

TEST("a pattern that is wrong matches nothing and is told each time, with the reason")
{
    int64_t a = 0;
    int64_t b = 0;
    keel_term term = parse("{1, 2}");
    kl_log_sink_set(count_logged, NULL);
    CHECK(!keel_match(term, "{A, B", &a, &b));
    CHECK_INT(logged, 1);
    kl_pattern_error = tell;
    for (int i = 0; i < 2; i++) {
        told[0] = '\0';
        CHECK(!keel_match(term, "{A, B", &a, &b));
        CHECK_STR(told, "a comma or } is missing, at character 6");
    }
    CHECK(!keel_match(term, "{A, B}", &a));
    CHECK_STR(told, "arguments needed: 2, given: 1");
    CHECK(!keel_match(term, "{1, 2}", &a));
    CHECK_STR(told, "arguments needed: 0, given: 1");
    CHECK(!keel_match(term, "{A, B}", 1, 2));
    CHECK_STR(told, "an argument for a variable must be the address of a capture");
    CHECK(!keel_match(term, "{^A, ^B}", &a, &b));
    CHECK_STR(told, "an argument for a ^variable must be a value, not an address");
    CHECK(!keel_match(term, "{A, ^A}", &a));
    CHECK_STR(told, "a variable that stands with and without ^, at character 5");
    CHECK(!keel_match(term, "{^_, 2}"));
    CHECK(!keel_match(term, "{A, B} x", &a, &b));
    CHECK_STR(told, "something follows the pattern, at character 8");
    CHECK(!keel_match(term, "#{A => 1}", &a));
    CHECK_STR(told, "a key of a map must not have variables");
    CHECK(!keel_match(term, ""));
    CHECK(!keel_match(term,
            "{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{A}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}",
            &a));
    CHECK_STR(told, "nested too deep");
    CHECK(keel_match(parse("{{{{{{{{{{{{{{{{{{{{{{{{{5}}}}}}}}}}}}}}}}}}}}}}}}}"),
            "{{{{{{{{{{{{{{{{{{{{{{{{{A}}}}}}}}}}}}}}}}}}}}}}}}}", &a));
    CHECK_INT(a, 5);
}

// --- threads ---

enum { THREADS = 4 };

static keel_pattern_site raced = {"{[A | _], #{key := B}, \"constant\"}", NULL};

static void *match_all(void *unused)
{
    keel_term term = parse("{[1, 2], #{key => {3}, other => 4}, \"constant\"}");
    for (int i = 0; i < 1000; i++) {
        int64_t a = 0;
        keel_term b = KEEL_NONE;
        const keel_arg args[] = {KEEL_ARG(&a), KEEL_ARG(&b)};
        CHECK(keel_match_at(&raced, term, args, 2));
        CHECK_INT(a, 1);
        CHECK_INT(keel_tuple_size(b), 1);
    }
    return unused;
}

TEST("threads that meet at a place for the first time agree on its pattern")
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, match_all, NULL) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}
