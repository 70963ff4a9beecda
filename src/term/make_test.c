#include "testing/harness.h"
#include "value.h"
#include <keel/match.h>
#include <math.h>
#include <string.h>

TEST("a pattern without variables makes the same term each time, without memory")
{
    keel_term first = KEEL_NONE;
    for (int i = 0; i < 3; i++) {
        struct kl_heap heap = *kl_heap_current();
        keel_term term = keel_make("{a, [1, 2.5 | b], \"abc\", <<1, 2:3>>, #{k => {}}}");
        CHECK(i == 0 || term.word == first.word);
        CHECK(i == 0 || memcmp(&heap, kl_heap_current(), sizeof heap) == 0);
        first = term;
    }
    CHECK_STR(keel_show(first), "{a,[1,2.5|b],\"abc\",<<1,2:3>>,#{k => {}}}");
    CHECK(keel_is(keel_make("ok"), ok));
}

TEST("variables are filled in, in the order in which they stand")
{
    keel_term rest = keel_list_of(keel_int(8), keel_int(9));
    CHECK_STR(keel_show(keel_make("{ok, {count, N}, [first | Rest]}", 17, rest)),
            "{ok,{count,17},[first,8,9]}");
    CHECK_STR(keel_show(keel_make("X", 5)), "5");
    CHECK_STR(keel_show(keel_make("[A, {B}, [], C | D]", 1, 2, 3, 4)), "[1,{2},[],3|4]");
    CHECK_STR(keel_show(keel_make("{X, [X], Y, X}", 1, 2)), "{1,[1],2,1}");
    CHECK_STR(keel_show(keel_make("[X]", rest)), "[\"\\b\\t\"]");
    CHECK_STR(keel_show(keel_make("{[[A]], [[[B]]]}", 1, 2)), "{[[1]],[[[2]]]}");
}

TEST("values of every C type become terms")
{
    keel_pid pid = kl_pid_make(5, 6);
    keel_ref ref = kl_ref_make(7);
    keel_bytes bytes = {(const uint8_t *)"bytes", 3};
    uint16_t port = 4000;
    CHECK_STR(keel_show(keel_make("{A, B, C, D, E}", port, (signed char)-1, (uint8_t)255,
                      (short)-2, 1.5f)),
            "{4000,-1,255,-2,1.5}");
    // What C compares is an int.
    CHECK_STR(keel_show(keel_make("{A, B}", port == 4000, keel_bool(port == 4000))),
            "{1,true}");
    CHECK_STR(
            keel_show(keel_make("{A, B, C, D, E, F, G, H, I, J, K}", -1, INT64_MIN, 3u,
                    UINT64_MAX, 1.5, (bool)true, "text", bytes, pid, ref, keel_atom(term))),
            "{-1,-9223372036854775808,3,18446744073709551615,1.5,true,<<\"text\">>,"
            "<<\"byt\">>,<0.5.6>,#Ref<0.0.0.7>,term}");
}

TEST("maps are made in order, whatever the keys turn out to be")
{
    CHECK_STR(keel_show(keel_make("#{c => C, a => A, b => B}", 3, 1, 2)),
            "#{a => 1,b => 2,c => 3}");
    for (int i = 0; i < 3; i++) {
        CHECK_STR(keel_show(keel_make("#{K => V, b => x, L => W}", keel_atom(c), i,
                          keel_atom(a), i + 1)),
                i == 0   ? "#{a => 1,b => x,c => 0}"
                : i == 1 ? "#{a => 2,b => x,c => 1}"
                         : "#{a => 3,b => x,c => 2}");
    }
    CHECK_STR(keel_show(keel_make("#{K => 1, b => 2, L => 3}", keel_atom(b), keel_atom(b))),
            "#{b => 3}");
    CHECK_STR(keel_show(keel_make("#{a => A, a => B}", 1, 2)), "#{a => 2}");
    CHECK_STR(keel_show(keel_make("#{#{Y => 1, X => 2} => Z, #{x => 2, w => 1} => 0}",
                      keel_atom(y), keel_atom(x), 9)),
            "#{#{w => 1,x => 2} => 0,#{x => 2,y => 1} => 9}");
    CHECK_STR(keel_show(keel_make("{#{a => #{b => B}}}", 1)), "{#{a => #{b => 1}}}");
    keel_term value;
    keel_term map = keel_make("#{K => 1, L => 2}", keel_atom(z), keel_atom(y));
    CHECK(keel_match(map, "#{z := V}", &value));
    CHECK_INT(keel_to_int(value), 1);
}

TEST("what is made of no term is no term")
{
    const char *none = NULL;
    CHECK(keel_is_none(keel_make("{a, X}", KEEL_NONE)));
    CHECK(keel_is_none(keel_make("{a, X}", NAN)));
    CHECK(keel_is_none(keel_make("{a, X}", none)));
    CHECK(keel_is_none(keel_make("{a, X}", (keel_pid){0})));
}

static char told[256];
static void tell(const char *text, const char *why)
{
    CHECK(text != NULL);
    strncpy(told, why, sizeof told - 1);
}

TEST("a pattern that is wrong makes nothing and is told, with the reason")
{
    int64_t a = 0;
    kl_pattern_error = tell;
    CHECK(keel_is_none(keel_make("{A, _}", 1)));
    CHECK_STR(told, "a _ has no value");
    CHECK(keel_is_none(keel_make("{A, ^B}", 1, 2)));
    CHECK_STR(told, "a ^ has no meaning in what is made");
    CHECK(keel_is_none(keel_make("{A}", &a)));
    CHECK_STR(told, "an argument must be a value, not the address of a capture");
    CHECK(keel_is_none(keel_make("{A}")));
    CHECK_STR(told, "arguments needed: 1, given: 0");
    CHECK(keel_is_none(keel_make("{A", 1)));
    CHECK(keel_is_none(keel_make("{1.0e999}")));
    CHECK_STR(told, "a float out of range, at character 2");
}

TEST("a made term is copied, kept and carried like any other")
{
    keel_scope scope = keel_scope_open();
    keel_term kept = keel_keep(keel_make("{[X, \"constant\"], #{a => {X}}}",
            "a long text that "
            "is shared because it has more than sixty-four bytes in it"));
    keel_scope_close(&scope);
    CHECK_INT(keel_to_bytes(keel_head(keel_element(kept, 0))).size, 74);
    CHECK_STR(keel_show(keel_head(keel_tail(keel_element(kept, 0)))), "\"constant\"");
    keel_drop(kept);
    kept = keel_keep(keel_make("{only, \"constants\"}"));
    CHECK_STR(keel_show(kept), "{only,\"constants\"}");
    keel_drop(kept);
}
