#include "generate.h"
#include "testing/harness.h"
#include "value.h"
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// Order, equality, hashes and texts beside a real Erlang's. It answers frames on its
// standard input; tests/term/term_peer.escript says how.

enum { PAIRS = 4000, ROOM = 4 << 20 };

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

static void send_bytes(struct peer *peer, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size > 0) {
        ssize_t written = write(peer->to, at, size);
        CHECK(written > 0 || errno == EINTR);
        at += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
}

static void receive_bytes(struct peer *peer, void *data, size_t size)
{
    uint8_t *at = data;
    while (size > 0) {
        ssize_t got = read(peer->from, at, size);
        CHECK(got > 0 || (got < 0 && errno == EINTR)); // 0: Erlang is gone
        at += got > 0 ? got : 0;
        size -= got > 0 ? (size_t)got : 0;
    }
}

static uint32_t number_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
           bytes[3];
}

// The answer is valid until the next question.
static keel_bytes ask(struct peer *peer, char op, const void *data, size_t size)
{
    uint32_t length = (uint32_t)size + 1;
    uint8_t head[5] = {(uint8_t)(length >> 24), (uint8_t)(length >> 16),
            (uint8_t)(length >> 8), (uint8_t)length, (uint8_t)op};
    send_bytes(peer, head, sizeof head);
    send_bytes(peer, data, size);
    receive_bytes(peer, head, 4);
    size_t answer = number_at(head);
    CHECK(answer <= ROOM);
    receive_bytes(peer, peer->answer, answer);
    return (keel_bytes){peer->answer, answer};
}

static struct peer start(void)
{
    if (!is_installed("escript")) {
        kl_test_skip("no Erlang is installed (escript)");
    }
    int to[2];
    int from[2];
    CHECK(pipe(to) == 0 && pipe(from) == 0);
    struct peer peer = {.to = to[1], .from = from[0], .answer = malloc(ROOM)};
    peer.pid = fork();
    CHECK(peer.pid >= 0);
    if (peer.pid == 0) {
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        close(to[1]);
        close(from[0]);
        execlp("escript", "escript", KL_TERM_PEER, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    signal(SIGPIPE, SIG_IGN);
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

// What Erlang says of a pair.
struct verdict {
    uint32_t hash, pair_hash;
    int order;
    bool same;
    const char *text;
    size_t text_size;
};

static struct verdict judge(struct peer *peer, keel_term left, keel_term right)
{
    keel_term external = KEEL_NONE;
    CHECK_OK(keel_etf_encode(keel_tuple_of(left, right), NULL, &external));
    keel_bytes bytes = keel_to_bytes(external);
    keel_bytes answer = ask(peer, 'c', bytes.data, bytes.size);
    CHECK(answer.size >= 10);
    return (struct verdict){number_at(answer.data), number_at(answer.data + 4),
            answer.data[8] - 1, answer.data[9] != 0, (const char *)answer.data + 10,
            answer.size - 10};
}

static void check_pair(struct peer *peer, keel_term left, keel_term right, bool with_text)
{
    struct verdict erlang = judge(peer, left, right);
    static char text[1 << 20];
    size_t size = keel_print(text, sizeof text, left, NULL);
    CHECK(size < sizeof text);
    int order = keel_compare(left, right);
    const char *wrong = keel_phash2(left, UINT64_C(1) << 32) != erlang.hash ? "phash2"
                        : keel_phash2(keel_tuple_of(left, right), 1000003) !=
                                        erlang.pair_hash
                                ? "phash2 of the pair"
                        : (order > 0) - (order < 0) != erlang.order            ? "order"
                        : keel_equal(left, right) != erlang.same               ? "=:="
                        : keel_equal_value(left, right) != (erlang.order == 0) ? "=="
                        : with_text && (size != erlang.text_size ||
                                               memcmp(text, erlang.text, size) != 0)
                                ? "text"
                                : NULL;
    if (wrong) {
        kl_test_fail(__FILE__, __LINE__, "%s\n# %s\n# %s\n# Erlang: %.*s", wrong, text,
                keel_show(right), (int)erlang.text_size, erlang.text);
    }
}

static void check_generated(struct kl_generate generate, bool with_text)
{
    struct peer peer = start();
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
        check_pair(&peer, left, right, with_text);
        keel_scope_close(&scope);
    }
    stop(&peer);
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
    struct peer peer = start();
    for (int i = 0; i < PAIRS / 2; i++) {
        keel_scope scope = keel_scope_open();
        keel_term left = kl_generate_term(&generate);
        keel_term right = kl_generate_term(&generate);
        struct verdict erlang = judge(&peer, left, right);
        CHECK_INT(keel_phash2(left, UINT64_C(1) << 32), erlang.hash);
        CHECK_INT(keel_phash2(keel_tuple_of(left, right), 1000003), erlang.pair_hash);
        CHECK_INT(keel_equal(left, right), erlang.same);
        keel_scope_close(&scope);
    }
    stop(&peer);
}

TEST("Erlang reads our texts as the terms they stand for")
{
    struct kl_generate generate = {.random = 5, .map_max = 40};
    struct peer peer = start();
    for (int i = 0; i < PAIRS / 2; i++) {
        keel_scope scope = keel_scope_open();
        static char text[1 << 20];
        keel_term term = kl_generate_term(&generate);
        size_t size = keel_print(text, sizeof text, term, NULL);
        keel_bytes answer = ask(&peer, 'r', text, size);
        keel_term read = KEEL_NONE;
        CHECK_OK(keel_etf_decode(answer.data, answer.size, NULL, NULL, &read));
        if (!keel_equal(read, term)) {
            kl_test_fail(__FILE__, __LINE__, "%s is read as %s", text, keel_show(read));
        }
        keel_scope_close(&scope);
    }
    stop(&peer);
}
