#include "compare.h"

#include "generate.h"
#include "testing/harness.h"
#include <string.h>

static keel_term parse(const char *text)
{
    keel_term term = KEEL_NONE;
    CHECK_OK(keel_parse(text, strlen(text), &term, NULL));
    return term;
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static struct kl_generate everything(uint64_t seed)
{
    return (struct kl_generate){.random = seed,
            .size = 12,
            .map_max = 5,
            .identifiers = true,
            .funs = true,
            .pointers = true};
}

TEST("terms stand in the order that Erlang gives them")
{
    static const char *const sorted[] = {"-18446744073709551616", "-1.0e10", "-1", "0",
            "0.5", "1", "1.5", "18446744073709551616", "1.0e300", "''", "'A'", "a", "aa",
            "b", "{}", "{z}", "{1, 2}", "{1, 3}", "{1.5, 0}", "{0, 0, 0}", "#{}",
            "#{b => 0}", "#{a => 1, b => 0}", "#{a => 1, c => 0}", "[]", "[0]", "[1 | 0]",
            "[1 | {}]", "[1]", "[1, 0]", "<<>>", "<<0:1>>", "<<0>>", "<<0, 1>>", "<<1:4>>",
            "<<16>>", "<<1:1>>", "<<128>>", "<<255>>"};
    size_t count = sizeof sorted / sizeof sorted[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            int order = keel_compare(parse(sorted[i]), parse(sorted[j]));
            if (sign(order) != (i > j) - (i < j)) {
                kl_test_fail(
                        __FILE__, __LINE__, "%s and %s: %d", sorted[i], sorted[j], order);
            }
        }
    }
}

TEST("numbers are equal by value to ==, by value and kind to =:=")
{
    CHECK(keel_equal_value(parse("1"), parse("1.0")));
    CHECK(!keel_equal(parse("1"), parse("1.0")));
    CHECK(keel_equal_value(parse("{[1.0], #{a => 2}}"), parse("{[1], #{a => 2.0}}")));
    CHECK(!keel_equal(parse("{[1.0], #{a => 2}}"), parse("{[1], #{a => 2.0}}")));
    CHECK(keel_equal(parse("0.0"), parse("-0.0")));
    CHECK_INT(keel_compare(parse("0.0"), parse("-0.0")), 0);
    // Keys of maps are told apart even by ==.
    CHECK(!keel_equal_value(parse("#{1 => a}"), parse("#{1.0 => a}")));
    CHECK(keel_compare(parse("#{1 => b}"), parse("#{1.0 => a}")) < 0);
    // The order with numbers told apart puts all integers before all floats.
    CHECK(kl_compare_exact(parse("5"), parse("1.0")) < 0);
    CHECK(kl_compare_exact(parse("-1.0"), parse("18446744073709551616")) > 0);
    CHECK(kl_compare_exact(parse("{5, 0}"), parse("{1.0, 0}")) < 0);
}

TEST("the order is total and agrees with equality and hashes", .seeded = true)
{
    struct kl_generate generate = everything(kl_test_seed());
    enum { TERMS = 60 };
    keel_term terms[TERMS];
    for (int i = 0; i < TERMS; i++) {
        terms[i] = i % 3 == 2 ? keel_list_of(terms[i - 1], terms[i - 2])
                              : kl_generate_term(&generate);
    }
    for (int i = 0; i < TERMS; i++) {
        CHECK_INT(keel_compare(terms[i], terms[i]), 0);
        for (int j = 0; j < TERMS; j++) {
            int order = sign(keel_compare(terms[i], terms[j]));
            int exact = sign(kl_compare_exact(terms[i], terms[j]));
            CHECK_INT(order, -sign(keel_compare(terms[j], terms[i])));
            CHECK_INT(exact, -sign(kl_compare_exact(terms[j], terms[i])));
            CHECK_INT(order == 0, keel_equal_value(terms[i], terms[j]));
            CHECK_INT(exact == 0, keel_equal(terms[i], terms[j]));
            CHECK(exact != 0 || order == 0);
            CHECK(exact != 0 || keel_hash(terms[i]) == keel_hash(terms[j]));
            CHECK(exact != 0 ||
                    keel_phash2(terms[i], 1 << 27) == keel_phash2(terms[j], 1 << 27));
            for (int k = 0; k < TERMS; k++) {
                int next = sign(keel_compare(terms[j], terms[k]));
                int exact_next = sign(kl_compare_exact(terms[j], terms[k]));
                CHECK(order > 0 || next > 0 || keel_compare(terms[i], terms[k]) <= 0);
                CHECK(exact > 0 || exact_next > 0 ||
                        kl_compare_exact(terms[i], terms[k]) <= 0);
            }
        }
    }
}

TEST("a change anywhere inside of a term is seen", .seeded = true)
{
    struct kl_generate generate = everything(kl_test_seed());
    for (int i = 0; i < 500; i++) {
        keel_scope scope = keel_scope_open();
        keel_term left = kl_generate_term(&generate);
        keel_term inside = kl_generate_flat(&generate);
        keel_term other = kl_generate_flat(&generate);
        bool same = keel_equal(inside, other);
        int order = sign(keel_compare(inside, other));
        for (int level = 0; level < 5; level++) {
            keel_term key = keel_int(level);
            switch (kl_generate_below(&generate, 4)) {
            case 0:
                inside = keel_tuple_of(left, inside, left);
                other = keel_tuple_of(left, other, left);
                break;
            case 1:
                inside = keel_cons(left, inside);
                other = keel_cons(left, other);
                break;
            case 2:
                inside = keel_list_of(inside, left);
                other = keel_list_of(other, left);
                break;
            default:
                inside = keel_map(&key, &inside, 1);
                other = keel_map(&key, &other, 1);
                break;
            }
        }
        CHECK_INT(keel_equal(inside, other), same);
        // A list that goes on sorts among lists, its end may be anything: cells before a
        // shorter list change what is compared, but not whether.
        CHECK_INT(keel_compare(inside, other) == 0, order == 0);
        keel_scope_close(&scope);
    }
}

static keel_term pid_of(const char *node, uint32_t id, uint32_t serial, uint32_t creation)
{
    keel_term name;
    CHECK_OK(keel_atom_from(node, strlen(node), &name));
    return keel_from_pid(
            kl_pid_make_remote(&(struct kl_remote_pid){name, id, serial, creation}));
}

static keel_term ref_of(
        const char *node, uint32_t creation, uint32_t count, uint32_t low, uint32_t high)
{
    keel_term name;
    CHECK_OK(keel_atom_from(node, strlen(node), &name));
    return keel_from_ref(kl_ref_make_remote(
            &(struct kl_remote_ref){name, creation, count, {low, 0, high}}));
}

TEST("pids are ordered by serial, number, node; references by node, then from the last "
     "word")
{
    keel_term sorted[] = {pid_of("b@h", 1, 0, 1), pid_of("a@h", 2, 0, 1),
            pid_of("a@h", 2, 0, 2), pid_of("b@h", 2, 0, 1), pid_of("a@h", 1, 1, 1)};
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 5; j++) {
            CHECK_INT(sign(keel_compare(sorted[i], sorted[j])), (i > j) - (i < j));
        }
    }
    keel_term refs[] = {ref_of("a@h", 1, 3, 9, 0), ref_of("a@h", 1, 3, 1, 1),
            ref_of("a@h", 1, 3, 2, 1), ref_of("a@h", 2, 3, 0, 0),
            ref_of("b@h", 1, 3, 0, 0)};
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 5; j++) {
            CHECK_INT(sign(keel_compare(refs[i], refs[j])), (i > j) - (i < j));
        }
    }
    keel_term longer = ref_of("a@h", 1, 5, 9, 0);
    CHECK(keel_equal(longer, refs[0]));
    CHECK_INT(keel_hash(longer), keel_hash(refs[0]));
}

TEST("local pids and references stand among those of this node's name")
{
    keel_term local = keel_from_pid(kl_pid_make(7, 2));
    CHECK(keel_compare(local, keel_from_pid(kl_pid_make(8, 2))) < 0);
    CHECK(keel_compare(local, keel_from_pid(kl_pid_make(6, 3))) < 0);
    CHECK(keel_compare(local, pid_of("zz@h", 7, 2, 0)) < 0);
    CHECK(keel_compare(local, pid_of("aa@h", 7, 2, 0)) > 0);
    CHECK(keel_compare(local, pid_of("nonode@nohost", 7, 2, 0)) != 0);
    CHECK(!keel_equal(local, pid_of("nonode@nohost", 7, 2, 0)));
    kl_node_identity_set(keel_atom_text("b@h"), 3);
    CHECK(keel_compare(local, pid_of("a@h", 7, 2, 0)) > 0);
    CHECK(keel_compare(local, pid_of("b@h", 7, 2, 4)) < 0);
    keel_term ref = keel_from_ref(kl_ref_make(5));
    CHECK(keel_compare(ref, keel_from_ref(kl_ref_make(6))) < 0);
    CHECK(keel_compare(ref, ref_of("a@h", 1, 3, 9, 9)) > 0);
    CHECK(keel_compare(ref, ref_of("b@h", 3, 3, 6, 0)) < 0);
    CHECK(keel_compare(ref, ref_of("b@h", 3, 3, 4, 0)) > 0);
}
