#include "parse.h"

#include "generate.h"
#include "testing/harness.h"
#include <keel/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static keel_status read(const char *text, keel_term *ret_term, keel_parse_error *ret_error)
{
    return keel_parse(text, strlen(text), ret_term, ret_error);
}

// What stands left prints as what stands right.
static const char *const understood[][2] = {
        {" 1 ", "1"},
        {"1.", "1"},
        {"% first\n [a, % second\n b].% last", "[a,b]"},
        {"1_000_000", "1000000"},
        {"16#FF", "255"},
        {"2#1_0", "2"},
        {"36#Zz", "1295"},
        {"-16#ff", "-255"},
        {"+5", "5"},
        {"- 5", "-5"},
        {"$a", "97"},
        {"$\\n", "10"},
        {"$\\s", "32"},
        {"$ ", "32"},
        {"-$a", "-97"},
        {"$\342\202\254", "8364"},
        {"[$\\\\, $\\', $\\^A, $\\x41, $\\x{20ac}, $\\101, $\\0]",
                "[92,39,1,65,8364,65,0]"},
        {"1.5", "1.5"},
        {"1.5e3", "1.5e3"},
        {"1.5E+3", "1.5e3"},
        {"15.0e-1", "1.5"},
        {"-0.0", "-0.0"},
        {"1_0.2_5", "10.25"},
        {"a@b.", "a@b"},
        {"'a b'", "'a b'"},
        {"'\\x{e5}'", "\303\245"},
        {"'new\nline'", "'new\\nline'"},
        {"''", "''"},
        {"\"abc\"", "\"abc\""},
        {"\"a\" \"b\"\n\"c\"", "\"abc\""},
        {"\"\"", "[]"},
        {"\"\\x{41}\\102\\e\\d\"", "[65,66,27,127]"},
        {"{}", "{}"},
        {"{ a , { } , [ ] }", "{a,{},[]}"},
        {"[a|[b|[c|[]]]]", "[a,b,c]"},
        {"[a, b | c]", "[a,b|c]"},
        {"#{}", "#{}"},
        {"#{ a => 1, \"k\" => #{ } }", "#{a => 1,\"k\" => #{}}"},
        {"#{a => 1, a => 2}", "#{a => 2}"},
        {"#{c => 1, b => 2, a => 3}", "#{a => 3,b => 2,c => 1}"},
        {"<<>>", "<<>>"},
        {"<< >>", "<<>>"},
        {"<<1, 2, 300, -1>>", "<<1,2,44,255>>"},
        {"<<\"abc\", $d>>", "<<\"abcd\">>"},
        {"<<\"\303\244\">>", "<<\"\303\244\">>"},
        {"<<\"\303\244\"/utf8, 0>>", "<<195,164,0>>"},
        {"<<1:1, 0:1, 3:2>>", "<<11:4>>"},
        {"<<5:16, 1:3>>", "<<0,5,1:3>>"},
        {"<<1:4, \"A\", 2:4>>", "<<20,18>>"},
        {"<<-1:70>>", "<<255,255,255,255,255,255,255,255,63:6>>"},
        {"<<0:0>>", "<<>>"},
        {"<<16#123456789abcdef012345:80>>", "<<35,69,103,137,171,205,239,1,35,69>>"},
        {"<<-16#1000000000000000000:80>>", "<<255,0,0,0,0,0,0,0,0,0>>"},
        {"<<-16#1000000000000000001:80>>",
                "<<\"\303\276\303\277\303\277\303\277\303\277\303\277"
                "\303\277\303\277\303\277\303\277\">>"},
};

TEST("everything that Erlang writes a term with is understood")
{
    for (size_t i = 0; i < sizeof understood / sizeof understood[0]; i++) {
        keel_term term = KEEL_NONE;
        keel_parse_error error;
        keel_status status = read(understood[i][0], &term, &error);
        if (status != KEEL_OK) {
            kl_test_fail(__FILE__, __LINE__, "%s: %s", understood[i][0], error.message);
        }
        CHECK_STR(keel_show(term), understood[i][1]);
    }
}

static const struct {
    const char *text;
    size_t offset;
    keel_status status;
} refused[] = {
        {"", 0, KEEL_E_SYNTAX},
        {"  % nothing", 11, KEEL_E_SYNTAX},
        {".", 0, KEEL_E_SYNTAX},
        {"a b", 2, KEEL_E_SYNTAX},
        {"a. b", 3, KEEL_E_SYNTAX},
        {"{a", 2, KEEL_E_SYNTAX},
        {"{a]", 2, KEEL_E_SYNTAX},
        {"{a,}", 3, KEEL_E_SYNTAX},
        {"[a,]", 3, KEEL_E_SYNTAX},
        {"[|a]", 1, KEEL_E_SYNTAX},
        {"[a|b,c]", 4, KEEL_E_SYNTAX},
        {"[a|b|c]", 4, KEEL_E_SYNTAX},
        {"[a}", 2, KEEL_E_SYNTAX},
        {"{a|b}", 2, KEEL_E_SYNTAX},
        {"#{a}", 3, KEEL_E_SYNTAX},
        {"#{a => }", 7, KEEL_E_SYNTAX},
        {"#{a => 1 b => 2}", 9, KEEL_E_SYNTAX},
        {"#{a := 1}", 4, KEEL_E_SYNTAX},
        {"#{a => 1, b}", 11, KEEL_E_SYNTAX},
        {"#{a => 1]", 8, KEEL_E_SYNTAX},
        {"# {}", 0, KEEL_E_SYNTAX},
        {"Variable", 0, KEEL_E_SYNTAX},
        {"{a, _}", 4, KEEL_E_SYNTAX},
        {"^A", 0, KEEL_E_SYNTAX},
        {"end", 0, KEEL_E_SYNTAX},
        {"fun m:f/1", 0, KEEL_E_SYNTAX},
        {"<0.1.2>", 0, KEEL_E_SYNTAX},
        {"#Ref<0.1.2.3>", 0, KEEL_E_SYNTAX},
        {"'open", 0, KEEL_E_SYNTAX},
        {"\"open\\\"", 0, KEEL_E_SYNTAX},
        {"\"\\x{110000}\"", 1, KEEL_E_SYNTAX},
        {"\"\\x{d800}\"", 1, KEEL_E_SYNTAX},
        {"\"\\x{}\"", 1, KEEL_E_SYNTAX},
        {"\"\\xg\"", 1, KEEL_E_SYNTAX},
        {"\"\\x{41\"", 1, KEEL_E_SYNTAX},
        {"\"\377\"", 1, KEEL_E_SYNTAX},
        {"\377", 0, KEEL_E_SYNTAX},
        {"$", 0, KEEL_E_SYNTAX},
        {"1a", 0, KEEL_E_SYNTAX},
        {"1.5e", 0, KEEL_E_SYNTAX},
        {"1__0", 0, KEEL_E_SYNTAX},
        {"1.e5", 1, KEEL_E_SYNTAX},
        {"1e5", 0, KEEL_E_SYNTAX},
        {"1.0e400", 0, KEEL_E_SYNTAX},
        {"37#1", 0, KEEL_E_SYNTAX},
        {"1#0", 0, KEEL_E_SYNTAX},
        {"2#2", 0, KEEL_E_SYNTAX},
        {"99999999999999999999#1", 0, KEEL_E_SYNTAX},
        {"-a", 0, KEEL_E_SYNTAX},
        {"--1", 0, KEEL_E_SYNTAX},
        {"<<1", 3, KEEL_E_SYNTAX},
        {"<<a>>", 2, KEEL_E_SYNTAX},
        {"<<1.5>>", 2, KEEL_E_SYNTAX},
        {"<<1,>>", 4, KEEL_E_SYNTAX},
        {"<<1:a>>", 4, KEEL_E_SYNTAX},
        {"<<1:-1>>", 4, KEEL_E_SYNTAX},
        {"<<1/little>>", 3, KEEL_E_SYNTAX},
        {"<<\"a\"/utf16>>", 6, KEEL_E_SYNTAX},
        {"<<\"\342\202\254\">>", 2, KEEL_E_SYNTAX},
        {"<<0:65537>>", 4, KEEL_E_TOO_LARGE},
        {"<<0:99999999999999999999>>", 4, KEEL_E_SYNTAX},
        {"a;", 1, KEEL_E_SYNTAX},
};

TEST("what is no term is refused, with where and why")
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        keel_term term = keel_int(7);
        keel_parse_error error = {0};
        keel_status status = read(refused[i].text, &term, &error);
        if (status != refused[i].status || error.offset != refused[i].offset) {
            kl_test_fail(__FILE__, __LINE__, "%s: %d at %zu: %s", refused[i].text, status,
                    error.offset, error.message);
        }
        CHECK_INT(keel_to_int(term), 7);
        CHECK(strlen(error.message) > 0);
    }
}

TEST("a place is told by line and column, counted in characters")
{
    keel_term term;
    keel_parse_error error;
    CHECK_INT(read("{a,\n \303\244, % x\n  }", &term, &error), KEEL_E_SYNTAX);
    CHECK_INT(error.line, 3);
    CHECK_INT(error.column, 3);
    CHECK_INT(read("\"\303\244\303\244\" x", &term, &error), KEEL_E_SYNTAX);
    CHECK_INT(error.line, 1);
    CHECK_INT(error.column, 6);
    CHECK_INT(read("x y", &term, NULL), KEEL_E_SYNTAX);
}

TEST("terms with full stops are read one after the other")
{
    const char *text = "{a, 1.5}.\n% between\nb.\n\n  [c].  % end";
    size_t size = strlen(text);
    size_t offset = 0;
    keel_term term;
    CHECK_OK(keel_parse_next(text, size, &offset, &term, NULL));
    CHECK_STR(keel_show(term), "{a,1.5}");
    CHECK_OK(keel_parse_next(text, size, &offset, &term, NULL));
    CHECK_STR(keel_show(term), "b");
    CHECK_OK(keel_parse_next(text, size, &offset, &term, NULL));
    CHECK_STR(keel_show(term), "[c]");
    CHECK_OK(keel_parse_next(text, size, &offset, &term, NULL));
    CHECK(keel_is_none(term));
    CHECK_INT(offset, size);
    CHECK_OK(keel_parse_next(text, size, &offset, &term, NULL));
    CHECK(keel_is_none(term));

    offset = 0;
    CHECK_INT(keel_parse_next("a b.", 4, &offset, &term, NULL), KEEL_E_SYNTAX);
    CHECK_INT(offset, 0);
    CHECK_INT(keel_parse_next("a", 1, &offset, &term, NULL), KEEL_E_SYNTAX);
    offset = 2;
    CHECK_INT(keel_parse_next("a", 1, &offset, &term, NULL), KEEL_E_BADARG);
    offset = 0;
    CHECK_OK(keel_parse_next(NULL, 0, &offset, &term, NULL));
    CHECK_INT(keel_parse(NULL, 0, &term, NULL), KEEL_E_SYNTAX);
}

static char *nested(size_t levels, const char *open, const char *close)
{
    char *text = malloc(levels * (strlen(open) + strlen(close)) + 1);
    text[0] = '\0';
    char *at = text;
    for (size_t i = 0; i < levels; i++) {
        at = stpcpy(at, open);
    }
    for (size_t i = 0; i < levels; i++) {
        at = stpcpy(at, close);
    }
    return text;
}

TEST("a thousand levels are read, one more is too deep")
{
    static const char *const pairs[][2] = {{"{", "}"}, {"[", "]"}, {"#{a => ", "}"}};
    for (size_t i = 0; i < 3; i++) {
        // The innermost container may be empty, a map's value may not.
        size_t most = 1000;
        char *text = nested(most, pairs[i][0], pairs[i][1]);
        keel_term term;
        keel_parse_error error;
        keel_status status = read(text, &term, &error);
        CHECK_INT(status, i == 2 ? KEEL_E_SYNTAX : KEEL_OK);
        free(text);
        text = nested(most + 1, pairs[i][0], pairs[i][1]);
        CHECK_INT(read(text, &term, &error), KEEL_E_TOO_DEEP);
        CHECK_INT(error.offset, most * strlen(pairs[i][0]));
        free(text);
    }
}

TEST("an integer of over a million bits is refused, a smaller one is not")
{
    char *text = malloc(400000);
    memset(text, '9', 400000);
    keel_term term;
    CHECK_INT(keel_parse(text, 400000, &term, NULL), KEEL_E_TOO_LARGE);
    CHECK_OK(keel_parse(text, 100000, &term, NULL));
    CHECK_INT(keel_print(NULL, 0, term, NULL), 100000);
    text[0] = '0';
    text[1] = '.';
    CHECK_OK(keel_parse(text, 400000, &term, NULL));
    CHECK(keel_to_float(term) == 1.0);
    free(text);
}

TEST("atoms are bounded and counted")
{
    char text[300];
    keel_term term;
    memset(text, 'a', sizeof text);
    CHECK_OK(keel_parse(text, 255, &term, NULL));
    CHECK_INT(keel_parse(text, 256, &term, NULL), KEEL_E_SYNTAX);
    kl_atom_limit_set(keel_atom_count(NULL));
    CHECK_OK(read("ok", &term, NULL));
    CHECK_INT(read("never_seen_before", &term, NULL), KEEL_E_SYSTEM_LIMIT);
}

TEST("a text that is refused leaves nothing behind")
{
    keel_term term;
    CHECK_INT(read("[{a, \"b\"}, <<1:3>>, 1.5, 99999999999999999999, #{x => y}, ]", &term,
                      NULL),
            KEEL_E_SYNTAX);
    int64_t before = keel_memory_used();
    struct kl_heap heap = *kl_heap_current();
    CHECK_INT(read("[{a, \"b\"}, <<1:3>>, 1.5, 99999999999999999999, #{x => y}, ]", &term,
                      NULL),
            KEEL_E_SYNTAX);
    CHECK_INT(keel_memory_used(), before);
    CHECK(memcmp(&heap, kl_heap_current(), sizeof heap) == 0);
}

TEST("a text that is cut, changed or mixed up is refused or read, never worse",
        .seeded = true)
{
    struct kl_generate generate = {.random = kl_test_seed(), .size = 12};
    static const char noise[] = "{}[]()<>#|,.:/=-+^'\"\\$%_ aZ09\n\200\377\303";
    char text[4096];
    char small[64];
    for (int i = 0; i < 1000; i++) {
        keel_scope scope = keel_scope_open();
        size_t size = keel_print(text, sizeof text, kl_generate_term(&generate), NULL);
        size = size < sizeof text ? size : sizeof text - 1;
        size_t changes = kl_generate_below(&generate, 5);
        for (size_t j = 0; j < changes && size > 0; j++) {
            size_t at = kl_generate_below(&generate, size);
            text[at] = noise[kl_generate_below(&generate, sizeof noise)];
        }
        size = kl_generate_below(&generate, 4) == 0 ? kl_generate_below(&generate, size + 1)
                                                    : size;
        // A block of its own, so that reading beyond it is seen.
        char *exact = malloc(size > 0 ? size : 1);
        memcpy(exact, text, size);
        keel_term term;
        keel_parse_error error;
        keel_status status = keel_parse(exact, size, &term, &error);
        CHECK(status != KEEL_OK || keel_type_of(term) != KEEL_TYPE_NONE);
        CHECK(status == KEEL_OK || error.offset <= size);
        if (status == KEEL_OK) {
            keel_print(small, sizeof small, term, NULL);
        }
        free(exact);
        keel_scope_close(&scope);
    }
}
