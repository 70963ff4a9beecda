#include "erlang_testing.h"
#include "etf.h"
#include "generate.h"
#include "testing/harness.h"
#include "value.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Order, equality, hashes and texts beside a real Erlang's. It answers frames on its
// standard input; tests/term/term_peer.escript says how.

enum { PAIRS = 4000, ROOM = 4 << 20 };

// What Erlang says of a pair.
struct verdict {
    uint32_t hash, pair_hash;
    int order;
    bool same;
    const char *text;
    size_t text_size;
};

static struct verdict judge(struct kl_erlang *erlang, keel_term left, keel_term right)
{
    keel_term external = KEEL_NONE;
    CHECK_OK(keel_etf_encode(keel_tuple_of(left, right), NULL, &external));
    keel_bytes bytes = keel_to_bytes(external);
    keel_bytes answer = kl_erlang_ask(erlang, 'c', bytes.data, bytes.size);
    CHECK(answer.size >= 10);
    return (struct verdict){kl_etf_get_32(answer.data), kl_etf_get_32(answer.data + 4),
            answer.data[8] - 1, answer.data[9] != 0, (const char *)answer.data + 10,
            answer.size - 10};
}

static void check_pair(
        struct kl_erlang *erlang, keel_term left, keel_term right, bool with_text)
{
    struct verdict theirs = judge(erlang, left, right);
    static char text[1 << 20];
    size_t size = keel_print(text, sizeof text, left, NULL);
    CHECK(size < sizeof text);
    int order = keel_compare(left, right);
    const char *wrong = keel_phash2(left, UINT64_C(1) << 32) != theirs.hash ? "phash2"
                        : keel_phash2(keel_tuple_of(left, right), 1000003) !=
                                        theirs.pair_hash
                                ? "phash2 of the pair"
                        : (order > 0) - (order < 0) != theirs.order            ? "order"
                        : keel_equal(left, right) != theirs.same               ? "=:="
                        : keel_equal_value(left, right) != (theirs.order == 0) ? "=="
                        : with_text && (size != theirs.text_size ||
                                               memcmp(text, theirs.text, size) != 0)
                                ? "text"
                                : NULL;
    if (wrong) {
        kl_test_fail(__FILE__, __LINE__, "%s\n# %s\n# %s\n# Erlang: %.*s", wrong, text,
                keel_show(right), (int)theirs.text_size, theirs.text);
    }
}

static void check_generated(struct kl_generate generate, bool with_text)
{
    struct kl_erlang erlang = kl_erlang_start(KL_TERM_PEER, ROOM);
    for (int i = 0; i < PAIRS; i++) {
        keel_scope scope = keel_scope_open();
        keel_term left = kl_generate_term(&generate);
        keel_term right = kl_generate_term(&generate);
        switch (i % 4) {
        case 0: // alike but for one element
            right = keel_tuple_of(left, right);
            left = keel_tuple_of(left, kl_generate_flat(&generate));
            break;
        case 1: // of one length
            right = keel_list_of(kl_generate_flat(&generate), right);
            left = keel_list_of(kl_generate_flat(&generate), left);
            break;
        default:
            break;
        }
        check_pair(&erlang, left, right, with_text);
        keel_scope_close(&scope);
    }
    kl_erlang_stop(&erlang);
}

TEST("order, equality, hash and text of random terms are Erlang's")
{
    check_generated((struct kl_generate){.random = 1}, true);
}

TEST("order, equality and hash of identifiers are Erlang's")
{
    // Under a name of its own, since Erlang is nonode@nohost, too, and knows better what
    // identifiers it has made.
    kl_node_identity_set(keel_atom_text("keel@here"), 77);
    check_generated(
            (struct kl_generate){.random = 2, .size = 4, .identifiers = true}, false);
}

TEST("large maps compare and hash as Erlang's, which keeps them in another way")
{
    check_generated((struct kl_generate){.random = 3, .size = 6, .map_max = 80}, false);
}

// Funs of another node have no order of Erlang's: there they are compared by parts that the
// external form has in another order.
TEST("the hash of funs is Erlang's")
{
    kl_node_identity_set(keel_atom_text("keel@here"), 77);
    struct kl_generate generate = {
            .random = 4, .size = 6, .identifiers = true, .funs = true};
    struct kl_erlang erlang = kl_erlang_start(KL_TERM_PEER, ROOM);
    for (int i = 0; i < PAIRS / 2; i++) {
        keel_scope scope = keel_scope_open();
        keel_term left = kl_generate_term(&generate);
        keel_term right = kl_generate_term(&generate);
        struct verdict theirs = judge(&erlang, left, right);
        CHECK_INT(keel_phash2(left, UINT64_C(1) << 32), theirs.hash);
        CHECK_INT(keel_phash2(keel_tuple_of(left, right), 1000003), theirs.pair_hash);
        CHECK_INT(keel_equal(left, right), theirs.same);
        keel_scope_close(&scope);
    }
    kl_erlang_stop(&erlang);
}

TEST("Erlang reads our texts as the terms they stand for")
{
    struct kl_generate generate = {.random = 5, .map_max = 40};
    struct kl_erlang erlang = kl_erlang_start(KL_TERM_PEER, ROOM);
    for (int i = 0; i < PAIRS / 2; i++) {
        keel_scope scope = keel_scope_open();
        static char text[1 << 20];
        keel_term term = kl_generate_term(&generate);
        size_t size = keel_print(text, sizeof text, term, NULL);
        keel_bytes answer = kl_erlang_ask(&erlang, 'r', text, size);
        keel_term read = KEEL_NONE;
        CHECK_OK(keel_etf_decode(answer.data, answer.size, NULL, NULL, &read));
        if (!keel_equal(read, term)) {
            kl_test_fail(__FILE__, __LINE__, "%s is read as %s", text, keel_show(read));
        }
        keel_scope_close(&scope);
    }
    kl_erlang_stop(&erlang);
}
