#include "erlang_testing.h"
#include "etf.h"
#include "generate.h"
#include "testing/harness.h"
#include <keel/term.h>
#include <stdio.h>
#include <stdlib.h>

// The same terms through a real Erlang, byte for byte, in both directions. One Erlang runs
// for each test and answers frames on its standard input; tests/etf/etf_peer.escript says
// how.

enum { TERMS = 4000, ROOM = 16 << 20 };

static void fail(const char *what, uint64_t seed, keel_bytes ours, keel_bytes theirs)
{
    size_t at = 0;
    while (at < ours.size && at < theirs.size && ours.data[at] == theirs.data[at]) {
        at++;
    }
    kl_test_fail(__FILE__, __LINE__,
            "%s, seed %llu: %zu bytes of ours, %zu of Erlang's, different from byte %zu on",
            what, (unsigned long long)seed, ours.size, theirs.size, at);
}

static bool same(keel_bytes left, keel_bytes right)
{
    return left.size == right.size && memcmp(left.data, right.data, left.size) == 0;
}

static keel_bytes encode(keel_term term)
{
    keel_term binary = KEEL_NONE;
    CHECK_OK(keel_etf_encode(term, NULL, &binary));
    return keel_to_bytes(binary);
}

TEST("random terms of ours come back from Erlang byte for byte", .timeout_s = 120)
{
    struct kl_erlang erlang = kl_erlang_start(KL_ETF_PEER, ROOM);
    // Another name than Erlang's, whose own pids must exist.
    kl_node_identity_set(keel_atom_text("keel@host"), 77);
    for (uint64_t seed = 1; seed <= TERMS; seed++) {
        keel_scope scope = keel_scope_open();
        // Funs of other nodes are ordered by their bytes, which is not Erlang's order: with
        // them a map has one pair.
        bool funs = seed % 2 == 0;
        struct kl_generate generate = {.random = seed,
                .size = seed % 100 == 0 ? 600 : 24,
                .map_max = funs             ? 1
                           : seed % 10 == 1 ? 100
                                            : 8,
                .identifiers = true,
                .funs = funs};
        keel_bytes ours = encode(kl_generate_term(&generate));
        keel_bytes answer = kl_erlang_ask(&erlang, 'e', ours.data, ours.size);
        if (answer.data[0] != 1) {
            kl_test_fail(__FILE__, __LINE__, "Erlang cannot read seed %llu",
                    (unsigned long long)seed);
        }
        keel_bytes theirs = {answer.data + 1, answer.size - 1};
        if (!same(ours, theirs)) {
            fail("encoding of ours", seed, ours, theirs);
        }
        keel_scope_close(&scope);
    }
    kl_erlang_stop(&erlang);
}

static void check_generated(bool is_foreign)
{
    struct kl_erlang erlang = kl_erlang_start(KL_ETF_PEER, ROOM);
    if (is_foreign) {
        kl_node_identity_set(keel_atom_text("keel@host"), 77);
    }
    for (uint64_t seed = 1; seed <= TERMS; seed++) {
        keel_scope scope = keel_scope_open();
        uint8_t request[8];
        kl_etf_put_64(request, seed);
        keel_bytes answer = kl_erlang_ask(&erlang, 'g', request, sizeof request);
        keel_bytes theirs = {answer.data + 1, answer.size - 1};
        keel_term term;
        keel_status status = keel_etf_decode(theirs.data, theirs.size, NULL, NULL, &term);
        if (status != KEEL_OK) {
            kl_test_fail(__FILE__, __LINE__, "seed %llu of Erlang's: %s",
                    (unsigned long long)seed, keel_status_name(status));
        }
        keel_bytes ours = encode(term);
        if (!same(ours, theirs)) {
            fail("encoding of Erlang's", seed, ours, theirs);
        }
        keel_scope_close(&scope);
    }
    kl_erlang_stop(&erlang);
}

TEST("random terms of Erlang's are read and written byte for byte", .timeout_s = 120)
{
    check_generated(true);
}

TEST("so they are when this node has the same name, and their pids are local",
        .timeout_s = 120)
{
    check_generated(false);
}

TEST("what Erlang compresses is read, and what we compress Erlang reads", .timeout_s = 120)
{
    uint8_t nothing[8] = {0};
    size_t size;
    if (kl_etf_deflate(1, nothing, 0, nothing, sizeof nothing, &size) != KEEL_OK) {
        kl_test_skip("this build has no zlib");
    }
    struct kl_erlang erlang = kl_erlang_start(KL_ETF_PEER, ROOM);
    kl_node_identity_set(keel_atom_text("keel@host"), 77);
    size_t compressed = 0;
    for (uint64_t seed = 1; seed <= TERMS / 10; seed++) {
        keel_scope scope = keel_scope_open();
        struct kl_generate generate = {.random = seed, .size = 200, .identifiers = true};
        keel_term term = kl_generate_term(&generate), again, packed;
        int level = (int)(seed % 9) + 1;
        keel_bytes plain = encode(term);
        uint8_t *request = malloc(plain.size + 1);
        request[0] = (uint8_t)level;
        memcpy(request + 1, plain.data, plain.size);
        keel_bytes answer = kl_erlang_ask(&erlang, 'c', request, plain.size + 1);
        free(request);
        compressed += answer.data[2] == KL_ETF_COMPRESSED;
        CHECK_OK(keel_etf_decode(answer.data + 1, answer.size - 1, NULL, NULL, &again));
        CHECK(keel_equal(term, again));

        CHECK_OK(keel_etf_encode(term, &(keel_etf_opts){.compress = level}, &packed));
        keel_bytes ours = keel_to_bytes(packed);
        answer = kl_erlang_ask(&erlang, 'e', ours.data, ours.size);
        keel_bytes theirs = {answer.data + 1, answer.size - 1};
        if (answer.data[0] != 1 || !same(plain, theirs)) {
            fail("compressed by us", seed, plain, theirs);
        }
        keel_scope_close(&scope);
    }
    CHECK(compressed > TERMS / 100);
    kl_erlang_stop(&erlang);
}
