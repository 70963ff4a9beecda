#include "generate.h"
#include "testing/harness.h"
#include "value.h"
#include <stdlib.h>
#include <string.h>

static keel_term parse(const char *text)
{
    keel_term term = KEEL_NONE;
    CHECK_OK(keel_parse(text, strlen(text), &term, NULL));
    return term;
}

TEST("terms print in Erlang notation, as short as that goes")
{
    // Each prints as it stands here.
    static const char *const same[] = {"0", "-17", "4611686018427387904", "1.0", "-2.5e-10",
            "ok", "''", "'A'", "'hello world'", "'it\\'s'", "'a\\\\b'", "'1'", "a1@b_C",
            "'end'", "'\\n\\t\\e\\d\\001\\237'", "\303\245", "'\303\267'", "'\342\202\254'",
            "{}", "{a}", "{a,{b,[c]}}", "[]", "[1]", "[a|b]", "[[],[]]", "[1,2|3]", "#{}",
            "#{a => 1,b => #{}}", "\"abc\"", "\"a\\\"b\"", "\"\303\244\342\202\254\"",
            "[97,0]", "[\"a\",b]", "<<>>", "<<\"abc\">>", "<<\"a\\nb\">>", "<<0,1>>",
            "<<1,2:4>>", "<<3:5>>", "<<\"\303\244\342\202\254\"/utf8>>", "<<\"\303\244\">>",
            "[{a,1},{b,\"x\"}]", "\"\\b\\t\\n\\v\\f\\r\\e\"", "[127]"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        CHECK_STR(keel_show(parse(same[i])), same[i]);
    }
    CHECK_STR(keel_show(parse("[97, 98 | []]")), "\"ab\"");
    CHECK_STR(keel_show(parse("<<16#e4>>")), "<<\"\303\244\">>");
}

TEST("what has no notation is shown by its numbers and names")
{
    struct kl_remote_pid pid = {keel_atom_text("a@b"), 1, 2, 3};
    struct kl_remote_ref ref = {keel_atom_text("a@b"), 3, 3, {7, 8, 9}};
    CHECK_STR(keel_show(keel_from_pid(kl_pid_make(12, 3))), "<0.12.3>");
    CHECK_STR(keel_show(keel_from_pid(kl_pid_make_remote(&pid))), "<a@b.1.2>");
    CHECK_STR(
            keel_show(keel_from_ref(kl_ref_make((uint64_t)5 << 32 | 6))), "#Ref<0.0.5.6>");
    CHECK_STR(keel_show(keel_from_ref(kl_ref_make_remote(&ref))), "#Ref<a@b.9.8.7>");
    CHECK_STR(keel_show(kl_port_make(kl_heap_current(), keel_atom_text("a@b"), 7, 1)),
            "#Port<a@b.7>");
    CHECK_STR(keel_show(keel_export(keel_atom(m), keel_atom_text("F"), 2)), "fun m:'F'/2");
    CHECK_STR(keel_show(keel_resource("file", NULL, NULL)), "#Resource<file.1>");
    CHECK_STR(keel_show(keel_pointer((void *)0x10)), "#Pointer<0x10>");
    CHECK_STR(keel_show(KEEL_NONE), "#None");
    static const uint8_t fun[] = {112, 0, 0, 0, 0, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
            1, 1, 1, 0, 0, 0, 5, 0, 0, 0, 0, 119, 1, 'm', 97, 3, 98, 1, 2, 3, 4, 88, 119, 3,
            'a', '@', 'b', 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 4};
    CHECK_STR(keel_show(kl_fun_make(kl_heap_current(), fun, sizeof fun)),
            "#Fun<m.5.16909060>");
}

TEST("a random term reads back from its text as it was", .seeded = true)
{
    struct kl_generate generate = {.random = kl_test_seed(), .size = 40, .map_max = 40};
    for (int i = 0; i < 100; i++) {
        keel_scope scope = keel_scope_open();
        keel_term term = kl_generate_term(&generate);
        size_t size = keel_print(NULL, 0, term, NULL);
        char *text = malloc(size + 1);
        CHECK_INT(keel_print(text, size + 1, term, NULL), size);
        CHECK_INT(strlen(text), size);
        keel_term again = KEEL_NONE;
        keel_parse_error error;
        if (keel_parse(text, size, &again, &error) != KEEL_OK) {
            kl_test_fail(__FILE__, __LINE__, "%s at %zu of %s", error.message, error.offset,
                    text);
        }
        CHECK(keel_equal(term, again));
        free(text);
        keel_scope_close(&scope);
    }
}

TEST("a text is cut to the buffer, its length is told in full")
{
    char buffer[8];
    keel_term term = parse("{abc, [1, 2]}");
    CHECK_INT(keel_print(buffer, sizeof buffer, term, NULL), 11);
    CHECK_STR(buffer, "{abc,[1");
    CHECK_INT(keel_print(buffer, 1, term, NULL), 11);
    CHECK_STR(buffer, "");
    buffer[0] = 'x';
    CHECK_INT(keel_print(buffer, 0, term, NULL), 11);
    CHECK_INT(buffer[0], 'x');
}

static const char *bounded(const char *text, keel_print_opts opts)
{
    static char buffer[256];
    size_t length = keel_print(buffer, sizeof buffer, parse(text), &opts);
    CHECK_INT(length, strlen(buffer));
    return buffer;
}

TEST("depth, items and bytes are bounded as asked")
{
    const char *text = "{a, [b, {c, #{d => [e]}}], <<1, 2>>}";
    CHECK_STR(bounded(text, (keel_print_opts){.max_depth = 1}), "{a,...,<<1,2>>}");
    CHECK_STR(bounded(text, (keel_print_opts){.max_depth = 2}), "{a,[b,...],<<1,2>>}");
    CHECK_STR(bounded(text, (keel_print_opts){.max_depth = 3}), "{a,[b,{c,...}],<<1,2>>}");
    CHECK_STR(bounded(text, (keel_print_opts){.max_depth = 9}),
            "{a,[b,{c,#{d => [e]}}],<<1,2>>}");
    CHECK_STR(bounded(text, (keel_print_opts){.max_bytes = 7}), "{a,[b,{...");
    CHECK_STR(bounded(text, (keel_print_opts){.max_bytes = 31}),
            "{a,[b,{c,#{d => [e]}}],<<1,2>>}");
    CHECK_STR(bounded(text, (keel_print_opts){.max_bytes = 30}),
            "{a,[b,{c,#{d => [e]}}],<<1,2>>...");
    CHECK_STR(bounded("[1, 2, 3 | 4]", (keel_print_opts){.max_items = 2}), "[1,2,...]");
    CHECK_STR(bounded("[1, 2 | 4]", (keel_print_opts){.max_items = 2}), "[1,2|4]");
    CHECK_STR(bounded("{1, 2, 3}", (keel_print_opts){.max_items = 2}), "{1,2,...}");
    CHECK_STR(bounded("#{1 => a, 2 => b, 3 => c}", (keel_print_opts){.max_items = 2}),
            "#{1 => a,2 => b,...}");
    // Not in the middle of a character.
    CHECK_STR(bounded("\"\342\202\254\342\202\254\"", (keel_print_opts){.max_bytes = 5}),
            "\"\342\202\254...");
    CHECK_STR(bounded("<<\"\342\202\254\342\202\254\"/utf8>>",
                      (keel_print_opts){.max_bytes = 7}),
            "<<\"\342\202\254...");
}

TEST("a long text is shown up to 64 KiB")
{
    char *data = malloc(200000);
    memset(data, 'x', 200000);
    const char *text = keel_show(keel_binary(data, 200000));
    CHECK_INT(strlen(text), 65535);
    CHECK_STR(text + 65530, "xx...");
    text = keel_show(keel_binary(data, 1000));
    CHECK_INT(strlen(text), 1006);
    CHECK_STR(text + 1000, "xxx\">>");
    for (size_t size = 240; size < 260; size++) { // around the first buffer
        CHECK_INT(strlen(keel_show(keel_binary(data, size))), size + 6);
    }
    free(data);
}
