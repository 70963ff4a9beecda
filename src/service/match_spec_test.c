#include "match_spec.h"

#include "testing/harness.h"
#include <string.h>

static keel_term term(const char *text)
{
    keel_term parsed;
    CHECK_OK(keel_parse(text, strlen(text), &parsed, NULL));
    return parsed;
}

TEST("a pattern binds its variables in order, and a repeated one must be the same",
        .ids = "RG-030")
{
    struct kl_bindings bindings = {0};
    CHECK(kl_match_pattern(
            term("{'$2', ['$1' | '_'], '$2'}"), term("{x, [1, 2], x}"), &bindings));
    CHECK_INT(bindings.count, 2);
    CHECK_STR(keel_atom_name(bindings.variable[0].name), "$2");
    CHECK_INT(keel_to_int(bindings.variable[1].value), 1);
    bindings.count = 0;
    CHECK(!kl_match_pattern(term("{'$1', '$1'}"), term("{1, 1.0}"), &bindings));
    bindings.count = 0;
    CHECK(kl_match_pattern(
            term("{'$', '$x', '$1x'}"), term("{'$', '$x', '$1x'}"), &bindings));
    CHECK_INT(bindings.count, 0); // these are plain atoms
}

TEST("what is not a specification is refused", .ids = "RG-042")
{
    CHECK(kl_match_is_valid(term("{'$1', '_'}"), term("[{'>', '$1', 3}]"), term("['$$']")));
    CHECK(kl_match_is_valid(term("'_'"), KEEL_NONE, KEEL_NONE));
    CHECK(!kl_match_is_valid(KEEL_NONE, KEEL_NONE, KEEL_NONE));
    CHECK(!kl_match_is_valid(term("'_'"), term("[{'>', '$1', 3}]"), KEEL_NONE));
    CHECK(!kl_match_is_valid(term("'_'"), term("[{}]"), KEEL_NONE));
    CHECK(!kl_match_is_valid(term("'_'"), term("[{1, 2}]"), KEEL_NONE));
    CHECK(!kl_match_is_valid(term("'_'"), term("[true | x]"), KEEL_NONE));
    CHECK(!kl_match_is_valid(term("'_'"), KEEL_NONE, term("[]")));
    CHECK(!kl_match_is_valid(term("#{'$1' => 1}"), KEEL_NONE, KEEL_NONE));
    CHECK(!kl_match_is_valid(term("'_'"), KEEL_NONE, term("[#{a => '$1'}]")));
    keel_term deep = keel_nil();
    for (int i = 0; i < 1000; i++) {
        deep = keel_list_of(deep);
    }
    CHECK(!kl_match_is_valid(deep, KEEL_NONE, KEEL_NONE));
    keel_term many[KL_MATCH_VARIABLES + 1];
    for (int i = 0; i <= KL_MATCH_VARIABLES; i++) {
        keel_bytes name = keel_to_bytes(keel_format("$%d", i));
        CHECK_OK(keel_atom_from((const char *)name.data, name.size, &many[i]));
    }
    CHECK(kl_match_is_valid(keel_tuple(many, KL_MATCH_VARIABLES), KEEL_NONE, KEEL_NONE));
    CHECK(!kl_match_is_valid(
            keel_tuple(many, KL_MATCH_VARIABLES + 1), KEEL_NONE, KEEL_NONE));
}

TEST("a body gives the value of its last expression, 'EXIT' when it fails", .ids = "RG-037")
{
    struct kl_bindings bindings = {0};
    CHECK(kl_match_pattern(term("{'$1', '$2'}"), term("{3, [a]}"), &bindings));
    CHECK_STR(keel_show(kl_match_body(
                      term("[x, {{'$2', {'+', '$1', 1}, #{k => '$1'}}}]"), &bindings)),
            "{[a],4,#{k => 3}}");
    CHECK_STR(keel_show(kl_match_body(term("[{{1, {hd, '$1'}}}]"), &bindings)), "'EXIT'");
    CHECK_STR(keel_show(kl_match_body(term("[[{hd, '$2'}, {const, '$1'}]]"), &bindings)),
            "[a,'$1']");
    CHECK(kl_match_guards(term("[{'orelse', true, {hd, 1}}]"), &bindings));
    CHECK(!kl_match_guards(term("[{'andalso', true, {hd, 1}}]"), &bindings));
}
