#include "testing/harness.h"
#include <keel/term.h>
#include <stdint.h>
#include <string.h>

static keel_term parse(const char *text)
{
    keel_term term = KEEL_NONE;
    CHECK_OK(keel_parse(text, strlen(text), &term, NULL));
    return term;
}

TEST("a list gives its items one after the other and then its tail")
{
    keel_term list = parse("[1, 2, 3]");
    keel_term item;
    for (int i = 1; i <= 3; i++) {
        CHECK(keel_list_next(&list, &item));
        CHECK_INT(keel_to_int(item), i);
    }
    CHECK(!keel_list_next(&list, &item));
    CHECK(keel_is_nil(list));
    list = parse("[1 | two]");
    CHECK(keel_list_next(&list, &item));
    CHECK(!keel_list_next(&list, &item));
    CHECK(keel_is(list, two));
    CHECK_INT(keel_to_int(item), 1);
}

TEST("only a proper list has a length, a reverse and may be put before another")
{
    size_t length;
    CHECK(keel_list_length(parse("[a, b, c]"), &length));
    CHECK_INT(length, 3);
    CHECK(keel_list_length(keel_nil(), &length));
    CHECK_INT(length, 0);
    CHECK(!keel_list_length(parse("[a | b]"), &length));
    CHECK(!keel_list_length(keel_int(1), &length));
    CHECK_STR(keel_show(keel_list_reverse(parse("[a, b, c]"))), "[c,b,a]");
    CHECK(keel_is_nil(keel_list_reverse(keel_nil())));
    CHECK(keel_is_none(keel_list_reverse(parse("[a | b]"))));
    CHECK_STR(keel_show(keel_list_append(parse("[a, b]"), parse("[c]"))), "[a,b,c]");
    CHECK_STR(keel_show(keel_list_append(parse("[a]"), parse("b"))), "[a|b]");
    CHECK_STR(keel_show(keel_list_append(keel_nil(), parse("b"))), "b");
    CHECK(keel_is_none(keel_list_append(parse("[a | b]"), keel_nil())));
    CHECK(keel_is_none(keel_list_append(keel_nil(), KEEL_NONE)));
}

TEST("the first items of a list are a list of their own")
{
    keel_term list = parse("[a, b, c]");
    CHECK_STR(keel_show(keel_list_take(list, 2)), "[a,b]");
    CHECK_STR(keel_show(keel_list_take(list, 3)), "[a,b,c]");
    CHECK_STR(keel_show(keel_list_take(list, SIZE_MAX)), "[a,b,c]");
    CHECK(keel_is_nil(keel_list_take(list, 0)));
    CHECK(keel_is_nil(keel_list_take(keel_nil(), 5)));
    CHECK_STR(keel_show(keel_list_take(parse("[a, b | c]"), 2)), "[a,b]");
    CHECK(keel_is_none(keel_list_take(parse("[a, b | c]"), 3)));
    CHECK(keel_is_none(keel_list_take(keel_int(1), 1)));
}

TEST("members are found by =:=")
{
    keel_term list = parse("[1, 2.0, {a, [b]}]");
    CHECK(keel_list_member(parse("{a, [b]}"), list));
    CHECK(keel_list_member(parse("2.0"), list));
    CHECK(!keel_list_member(parse("2"), list));
    CHECK(!keel_list_member(parse("1"), keel_nil()));
    CHECK(!keel_list_member(parse("1"), parse("1")));
}

TEST("a property is the first pair of its key, an atom alone means true")
{
    keel_term list = parse("[{a, 1}, b, {a, 2}, {\"c\", 3}, 7, {d}, {e, 1, 2}, {e, 3}]");
    CHECK_INT(keel_to_int(keel_proplist_get(list, parse("a"))), 1);
    CHECK(keel_to_bool(keel_proplist_get(list, parse("b"))));
    CHECK_INT(keel_to_int(keel_proplist_get(list, parse("\"c\""))), 3);
    CHECK(keel_is_none(keel_proplist_get(list, parse("x"))));
    CHECK(keel_is_none(keel_proplist_get(list, parse("d"))));
    CHECK(keel_is_none(keel_proplist_get(list, parse("e"))));
    CHECK(keel_is_none(keel_proplist_get(list, parse("7"))));
}

TEST("a list of characters holds code points, and bytes that are no UTF-8 as they are")
{
    CHECK(keel_equal(keel_charlist("a\303\244\342\202\254"), parse("[97, 228, 8364]")));
    CHECK(keel_equal(keel_charlist("x\377y\303"), parse("[120, 255, 121, 195]")));
    CHECK(keel_is_nil(keel_charlist("")));
    CHECK(keel_is_nil(keel_list(NULL, 0)));
}
