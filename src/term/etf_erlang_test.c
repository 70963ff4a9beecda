#include "etf.h"
#include "generate.h"
#include "testing/harness.h"
#include <errno.h>
#include <keel/term.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

// The same terms through a real Erlang, byte for byte, in both directions. One Erlang runs
// for each test and answers frames on its standard input; tests/etf/etf_peer.escript says
// how.

enum { TERMS = 4000, ROOM = 16 << 20 };

struct peer {
    pid_t pid;
    int to, from;
    uint8_t *answer; // ROOM bytes
};

static bool is_installed(const char *program)
{
    const char *path = getenv("PATH");
    while (path && *path) {
        size_t length = strcspn(path, ":");
        char name[PATH_MAX];
        snprintf(name, sizeof name, "%.*s/%s", (int)length, path, program);
        if (access(name, X_OK) == 0) {
            return true;
        }
        path += length + (path[length] == ':');
    }
    return false;
}

static void write_all(struct peer *peer, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size > 0) {
        ssize_t written = write(peer->to, at, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        CHECK(written > 0);
        at += written;
        size -= (size_t)written;
    }
}

static void read_all(struct peer *peer, void *data, size_t size)
{
    uint8_t *at = data;
    while (size > 0) {
        ssize_t got = read(peer->from, at, size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        CHECK(got > 0); // 0: Erlang is gone
        at += got;
        size -= (size_t)got;
    }
}

// Asks `op` with `size` bytes of `data` behind it; the answer is valid until the next one.
static keel_bytes ask(struct peer *peer, char op, const void *data, size_t size)
{
    uint8_t head[5];
    kl_etf_put_32(head, (uint32_t)size + 1);
    head[4] = (uint8_t)op;
    write_all(peer, head, sizeof head);
    write_all(peer, data, size);
    uint8_t length[4];
    read_all(peer, length, sizeof length);
    size_t answer = kl_etf_get_32(length);
    CHECK(answer <= ROOM);
    read_all(peer, peer->answer, answer);
    return (keel_bytes){peer->answer, answer};
}

static struct peer start(void)
{
    if (!is_installed("escript")) {
        kl_test_skip("no Erlang is installed (escript)");
    }
    int to[2], from[2];
    CHECK(pipe(to) == 0 && pipe(from) == 0);
    struct peer peer = {.to = to[1], .from = from[0], .answer = malloc(ROOM)};
    peer.pid = fork();
    CHECK(peer.pid >= 0);
    if (peer.pid == 0) {
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        close(to[1]);
        close(from[0]);
        execlp("escript", "escript", KL_ETF_PEER, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    keel_bytes release = ask(&peer, 'v', NULL, 0);
    printf("# OTP %.*s\n", (int)release.size, (const char *)release.data);
    return peer;
}

static void stop(struct peer *peer)
{
    close(peer->to);
    int status;
    CHECK(waitpid(peer->pid, &status, 0) == peer->pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(peer->from);
    free(peer->answer);
}

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
    struct peer peer = start();
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
        keel_bytes answer = ask(&peer, 'e', ours.data, ours.size);
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
    stop(&peer);
}

static void check_generated(bool is_foreign)
{
    struct peer peer = start();
    if (is_foreign) {
        kl_node_identity_set(keel_atom_text("keel@host"), 77);
    }
    for (uint64_t seed = 1; seed <= TERMS; seed++) {
        keel_scope scope = keel_scope_open();
        uint8_t request[8];
        kl_etf_put_64(request, seed);
        keel_bytes answer = ask(&peer, 'g', request, sizeof request);
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
    stop(&peer);
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
    struct peer peer = start();
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
        keel_bytes answer = ask(&peer, 'c', request, plain.size + 1);
        free(request);
        compressed += answer.data[2] == KL_ETF_COMPRESSED;
        CHECK_OK(keel_etf_decode(answer.data + 1, answer.size - 1, NULL, NULL, &again));
        CHECK(keel_equal(term, again));

        CHECK_OK(keel_etf_encode(term, &(keel_etf_opts){.compress = level}, &packed));
        keel_bytes ours = keel_to_bytes(packed);
        answer = ask(&peer, 'e', ours.data, ours.size);
        keel_bytes theirs = {answer.data + 1, answer.size - 1};
        if (answer.data[0] != 1 || !same(plain, theirs)) {
            fail("compressed by us", seed, plain, theirs);
        }
        keel_scope_close(&scope);
    }
    CHECK(compressed > TERMS / 100);
    stop(&peer);
}
