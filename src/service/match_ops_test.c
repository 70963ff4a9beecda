#include "match_spec.h"

#include "testing/harness.h"
#include <string.h>

static keel_term term(const char *text)
{
    keel_term parsed;
    CHECK_OK(keel_parse(text, strlen(text), &parsed, NULL));
    return parsed;
}

// Every function, with what it gives for some arguments; NULL: it fails.
static const struct {
    const char *name;
    const char *arguments;
    const char *value;
} cases[] = {
        {"==", "[1, 1.0]", "true"},
        {"/=", "[1, 1.0]", "false"},
        {"=:=", "[1, 1.0]", "false"},
        {"=/=", "[1, 1.0]", "true"},
        {"<", "[1, a]", "true"},
        {"=<", "[2, 2]", "true"},
        {">", "[2, 2]", "false"},
        {">=", "[2, 2]", "true"},
        {"and", "[true, false]", "false"},
        {"and", "[true, 1]", NULL},
        {"or", "[true, false]", "true"},
        {"or", "[false, x]", NULL},
        {"xor", "[true, true]", "false"},
        {"not", "[false]", "true"},
        {"not", "[x]", NULL},
        {"andalso", "[true, true]", "true"},
        {"orelse", "[false, true]", "true"},
        {"is_atom", "[a]", "true"},
        {"is_binary", "[<<\"x\">>]", "true"},
        {"is_boolean", "[maybe]", "false"},
        {"is_float", "[1]", "false"},
        {"is_function", "[1]", "false"},
        {"is_integer", "[123456789012345678901234567890]", "true"},
        {"is_list", "[[]]", "true"},
        {"is_map", "[#{}]", "true"},
        {"is_map_key", "[a, #{a => 1}]", "true"},
        {"is_number", "[1.5]", "true"},
        {"is_pid", "[1]", "false"},
        {"is_port", "[1]", "false"},
        {"is_record", "[{point, 1, 2}, point, 3]", "true"},
        {"is_record", "[{point, 1}, point, 3]", "false"},
        {"is_reference", "[1]", "false"},
        {"is_tuple", "[{}]", "true"},
        {"element", "[2, {a, b}]", "b"},
        {"element", "[3, {a, b}]", NULL},
        {"element", "[0, {a, b}]", NULL},
        {"hd", "[[a, b]]", "a"},
        {"hd", "[[]]", NULL},
        {"tl", "[[a, b]]", "[b]"},
        {"length", "[[a, b]]", "2"},
        {"length", "[[a | b]]", NULL},
        {"size", "[{a, b}]", "2"},
        {"size", "[<<\"abc\">>]", "3"},
        {"size", "[a]", NULL},
        {"tuple_size", "[{a}]", "1"},
        {"tuple_size", "[a]", NULL},
        {"byte_size", "[<<1:4>>]", "1"},
        {"bit_size", "[<<1:4>>]", "4"},
        {"map_size", "[#{a => 1}]", "1"},
        {"map_get", "[a, #{a => 1}]", "1"},
        {"map_get", "[b, #{a => 1}]", NULL},
        {"self", "[]", NULL}, // outside a process
        {"+", "[1, 2]", "3"},
        {"+", "[1, 2.5]", "3.5"},
        {"+", "[1, a]", NULL},
        {"+", "[9223372036854775807, 1]", NULL},
        {"-", "[1, 2]", "-1"},
        {"-", "[5]", "-5"},
        {"*", "[3, 4]", "12"},
        {"*", "[1.0e300, 1.0e300]", NULL},
        {"/", "[3, 2]", "1.5"},
        {"/", "[3, 0]", NULL},
        {"div", "[-7, 2]", "-3"},
        {"div", "[-9223372036854775808, -1]", NULL},
        {"rem", "[-7, 2]", "-1"},
        {"rem", "[-9223372036854775808, -1]", "0"},
        {"rem", "[1, 0]", NULL},
        {"abs", "[-3]", "3"},
        {"abs", "[-2.5]", "2.5"},
        {"abs", "[a]", NULL},
        {"band", "[6, 3]", "2"},
        {"bor", "[6, 3]", "7"},
        {"bxor", "[6, 3]", "5"},
        {"bnot", "[0]", "-1"},
        {"band", "[6, 1.0]", NULL},
};

TEST("guard functions give what Erlang's do", .ids = "RG-033")
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        keel_term list = term(cases[i].arguments);
        keel_term arguments[3];
        size_t count = 0;
        while (keel_list_next(&list, &arguments[count])) {
            count++;
        }
        const struct kl_match_op *op = kl_match_op_find(cases[i].name, count);
        CHECK(op != NULL);
        keel_term value;
        bool done = op->apply(arguments, &value);
        const char *got = done ? keel_show(value) : "nothing";
        const char *wanted = cases[i].value == NULL ? "nothing"
                                                    : keel_show(term(cases[i].value));
        if (strcmp(got, wanted) != 0) {
            kl_test_fail(__FILE__, __LINE__, "%s %s gives %s, not %s", cases[i].name,
                    cases[i].arguments, got, wanted);
        }
    }
    CHECK(kl_match_op_find("is_atom", 2) == NULL);
    CHECK(kl_match_op_find("spawn", 1) == NULL);
}
