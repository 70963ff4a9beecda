#include "value.h"

#include "generate.h"
#include "testing/harness.h"
#include <string.h>

static keel_term parse(const char *text)
{
    keel_term term = KEEL_NONE;
    CHECK_OK(keel_parse(text, strlen(text), &term, NULL));
    return term;
}

TEST("equal terms have equal hashes however they are made", .seeded = true)
{
    struct kl_generate generate = {.random = kl_test_seed(),
            .map_max = 40,
            .identifiers = true,
            .funs = true,
            .pointers = true};
    for (int i = 0; i < 500; i++) {
        keel_scope scope = keel_scope_open();
        keel_term term = kl_generate_term(&generate);
        CHECK_INT(keel_hash(kl_heap_copy(kl_heap_current(), term)), keel_hash(term));
        keel_scope_close(&scope);
    }
    static const char bytes[] = "short bytes that are shared, or not";
    CHECK_INT(keel_hash(keel_binary_share(bytes, 20, NULL, NULL)),
            keel_hash(keel_binary(bytes, 20)));
    CHECK_INT(keel_hash(parse("0.0")), keel_hash(parse("-0.0")));
    CHECK_INT(keel_hash(parse("#{a => 1, b => 2}")), keel_hash(parse("#{b => 2, a => 1}")));
}

TEST("terms that look alike have different hashes")
{
    static const char *const alike[] = {"1", "1.0", "'1'", "{1}", "[1]", "[1 | 1]",
            "{1, 1}", "<<1>>", "<<1:4>>", "<<1:7>>", "<<0>>", "<<0, 0>>", "#{1 => 1}", "{}",
            "[]", "#{}", "<<>>", "[[], 1]", "[[1]]", "[1, []]", "{{1}}", "{[1]}",
            "18446744073709551616", "-18446744073709551616", "[{}]", "{[]}", "{{}, []}",
            "[{} | []]"};
    size_t count = sizeof alike / sizeof alike[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            bool same = keel_equal(parse(alike[i]), parse(alike[j]));
            if (!same && keel_hash(parse(alike[i])) == keel_hash(parse(alike[j]))) {
                kl_test_fail(__FILE__, __LINE__, "%s and %s", alike[i], alike[j]);
            }
        }
    }
}

TEST("numbers in a row spread over the buckets of a table")
{
    unsigned buckets[256] = {0};
    for (int i = 0; i < 256 * 64; i++) {
        buckets[keel_hash(keel_int(i)) % 256]++;
    }
    for (int i = 0; i < 256; i++) {
        CHECK(buckets[i] > 20 && buckets[i] < 130); // 64 expected
    }
}

TEST("the seed decides the hashes")
{
    keel_term term = parse("{a, [b], 3}");
    kl_hash_seed(1);
    uint64_t first = keel_hash(term);
    kl_hash_seed(2);
    uint64_t second = keel_hash(term);
    CHECK(second != first);
    kl_hash_seed(1);
    CHECK(keel_hash(term) != second);
    kl_hash_seed(3);
    uint64_t third = keel_hash(term);
    kl_hash_seed(3);
    CHECK_INT(keel_hash(term), third);
}
