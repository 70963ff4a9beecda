#include "testing/harness.h"
#include "tls.h"
#include "tls_testing.h"
#include <stdlib.h>
#include <string.h>

// Two sessions and what travels between them.
struct pair {
    keel_transport *transports[2];
    struct kl_session *sides[2]; // 0 dials 1
    keel_status status[2]; // the first failure
    size_t piece; // so many bytes travel at a time
    size_t travelled;
};

static void prepare(void)
{
    kl_tls_testing_prepare();
    kl_tls_testing_authority("authority");
    kl_tls_testing_authority("stranger");
    kl_tls_testing_certificate("node", "authority", "IP:127.0.0.1,DNS:box");
    kl_tls_testing_certificate("elsewhere", "authority", "DNS:elsewhere");
    kl_tls_testing_certificate("strange", "stranger", "IP:127.0.0.1");
}

static struct pair pair_of(
        keel_tls_opts dialling, keel_tls_opts accepting, const char *host)
{
    struct pair pair = {.piece = 1000};
    const keel_tls_opts opts[2] = {dialling, accepting};
    for (int i = 0; i < 2; i++) {
        CHECK_OK(keel_tls_new(&opts[i], NULL, 0, &pair.transports[i]));
        CHECK_OK(kl_tls_transport.open(
                pair.transports[i]->context, i == 0 ? host : NULL, &pair.sides[i]));
    }
    return pair;
}

static void close_pair(struct pair *pair)
{
    for (int i = 0; i < 2; i++) {
        kl_tls_transport.close(pair->sides[i]);
        keel_tls_free(pair->transports[i]);
    }
}

// Takes everything across, both ways, until nobody has anything left to send.
static void carry(struct pair *pair)
{
    for (bool more = true; more;) {
        more = false;
        for (int i = 0; i < 2; i++) {
            const uint8_t *data;
            size_t size = kl_tls_transport.outgoing(pair->sides[i], &data);
            if (size == 0) {
                continue;
            }
            size = size < pair->piece ? size : pair->piece;
            keel_status status = kl_tls_transport.receive(pair->sides[!i], data, size);
            kl_tls_transport.sent(pair->sides[i], size);
            pair->travelled += size;
            more = true;
            if (status != KEEL_OK && pair->status[!i] == KEEL_OK) {
                pair->status[!i] = status;
            }
        }
    }
}

static void say(struct pair *pair, int side, const char *text)
{
    struct iovec pieces[2] = {{(void *)(uintptr_t)text, 1},
            {(void *)(uintptr_t)(text + 1), strlen(text) - 1}};
    CHECK_OK(kl_tls_transport.write(pair->sides[side], pieces, 2));
}

static void hear(struct pair *pair, int side, const char *expected)
{
    uint8_t text[100];
    size_t size = 0;
    CHECK_OK(kl_tls_transport.read(pair->sides[side], text, sizeof text, &size));
    CHECK_INT(size, strlen(expected));
    CHECK(memcmp(text, expected, size) == 0);
}

// The status of both sides when a handshake has run and each has tried to read.
static void run(struct pair *pair)
{
    uint8_t byte;
    size_t size;
    carry(pair);
    for (int i = 0; i < 2; i++) {
        keel_status status = kl_tls_transport.read(pair->sides[i], &byte, 1, &size);
        if (pair->status[i] == KEEL_OK) {
            pair->status[i] = status;
        }
    }
}

static const char *why(const struct pair *pair, int side)
{
    return kl_tls_transport.why(pair->sides[side]);
}

TEST("two nodes with good certificates talk both ways, however the bytes travel")
{
    prepare();
    keel_tls_opts opts = kl_tls_testing_opts("node", "authority");
    const size_t pieces[] = {1, 7, 1000, 100000};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct pair pair = pair_of(opts, opts, "127.0.0.1");
        pair.piece = pieces[i];
        carry(&pair);
        say(&pair, 0, "from the one who dialled");
        say(&pair, 1, "from the other");
        carry(&pair);
        hear(&pair, 1, "from the one who dialled");
        hear(&pair, 0, "from the other");
        hear(&pair, 0, "");
        CHECK_STR(why(&pair, 0), "");
        close_pair(&pair);
    }
}

TEST("what is written before the session stands is sent when it does")
{
    prepare();
    keel_tls_opts opts = kl_tls_testing_opts("node", "authority");
    struct pair pair = pair_of(opts, opts, "box");
    say(&pair, 0, "early ");
    say(&pair, 0, "words");
    say(&pair, 1, "early, too");
    carry(&pair);
    hear(&pair, 1, "early words");
    hear(&pair, 0, "early, too");
    close_pair(&pair);
}

TEST("much is carried whole and in order, and read in small pieces")
{
    enum { SIZE = 300000 };
    prepare();
    keel_tls_opts opts = kl_tls_testing_opts("node", "authority");
    struct pair pair = pair_of(opts, opts, "127.0.0.1");
    carry(&pair);
    uint8_t *data = malloc(SIZE), *got = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        data[i] = (uint8_t)(i % 251);
    }
    struct iovec piece = {data, SIZE};
    CHECK_OK(kl_tls_transport.write(pair.sides[0], &piece, 1));
    pair.travelled = 0;
    carry(&pair);
    CHECK(pair.travelled > SIZE && pair.travelled < SIZE + SIZE / 20);
    size_t at = 0, size;
    do {
        CHECK_OK(kl_tls_transport.read(
                pair.sides[1], got + at, SIZE - at < 777 ? SIZE - at : 777, &size));
        at += size;
    } while (size > 0 && at < SIZE);
    CHECK_INT(at, SIZE);
    CHECK(memcmp(data, got, SIZE) == 0);
    free(data);
    free(got);
    close_pair(&pair);
}

TEST("who dials refuses a certificate of strangers and says so on both sides")
{
    prepare();
    struct pair pair = pair_of(kl_tls_testing_opts("node", "authority"),
            kl_tls_testing_opts("strange", "authority"), "127.0.0.1");
    run(&pair);
    CHECK_INT(pair.status[0], KEEL_E_REFUSED);
    CHECK(strstr(why(&pair, 0), "the certificate of 127.0.0.1 is refused: unable to get"));
    CHECK_INT(pair.status[1], KEEL_E_REFUSED);
    CHECK(strstr(why(&pair, 1), "the peer refused us: "));
    CHECK(strstr(why(&pair, 1), "unknown ca"));
    close_pair(&pair);
}

TEST("who is dialled refuses a certificate of strangers and says so on both sides")
{
    prepare();
    struct pair pair = pair_of(kl_tls_testing_opts("strange", "authority"),
            kl_tls_testing_opts("node", "authority"), "127.0.0.1");
    run(&pair);
    CHECK_INT(pair.status[1], KEEL_E_REFUSED);
    CHECK(strstr(why(&pair, 1), "the certificate of the peer is refused: unable to get"));
    CHECK_INT(pair.status[0], KEEL_E_REFUSED);
    CHECK(strstr(why(&pair, 0), "127.0.0.1 refused us: "));
    close_pair(&pair);
}

TEST("a certificate must name the host that was dialled, unless any will do")
{
    prepare();
    keel_tls_opts node = kl_tls_testing_opts("node", "authority");
    keel_tls_opts elsewhere = kl_tls_testing_opts("elsewhere", "authority");
    struct pair pair = pair_of(node, elsewhere, "127.0.0.1");
    run(&pair);
    CHECK_INT(pair.status[0], KEEL_E_REFUSED);
    CHECK(strstr(why(&pair, 0), "IP address mismatch"));
    close_pair(&pair);
    pair = pair_of(node, elsewhere, "box");
    run(&pair);
    CHECK_INT(pair.status[0], KEEL_E_REFUSED);
    CHECK(strstr(why(&pair, 0), "hostname mismatch"));
    close_pair(&pair);
    pair = pair_of(node, elsewhere, "elsewhere");
    run(&pair);
    CHECK_OK(pair.status[0]);
    CHECK_OK(pair.status[1]);
    close_pair(&pair);
    node.any_host = true;
    pair = pair_of(node, elsewhere, "127.0.0.1");
    run(&pair);
    CHECK_OK(pair.status[0]);
    close_pair(&pair);
    // The one who dials may come from anywhere.
    pair = pair_of(elsewhere, kl_tls_testing_opts("node", "authority"), "127.0.0.1");
    run(&pair);
    CHECK_OK(pair.status[1]);
    close_pair(&pair);
}

TEST("any certificate will do where none is verified")
{
    prepare();
    keel_tls_opts node = kl_tls_testing_opts("node", "authority");
    keel_tls_opts strange = kl_tls_testing_opts("strange", "stranger");
    node.no_verify = strange.no_verify = true;
    struct pair pair = pair_of(node, strange, "anywhere");
    run(&pair);
    CHECK_OK(pair.status[0]);
    CHECK_OK(pair.status[1]);
    say(&pair, 0, "hello");
    carry(&pair);
    hear(&pair, 1, "hello");
    close_pair(&pair);
}

TEST("who verifies nobody is still refused by who does")
{
    prepare();
    keel_tls_opts strange = kl_tls_testing_opts("strange", "stranger");
    strange.no_verify = true;
    struct pair pair = pair_of(
            strange, kl_tls_testing_opts("node", "authority"), "127.0.0.1");
    run(&pair);
    CHECK_INT(pair.status[1], KEEL_E_REFUSED);
    close_pair(&pair);
}

TEST("bytes that are no TLS are refused, and nothing is taken after that")
{
    prepare();
    keel_tls_opts opts = kl_tls_testing_opts("node", "authority");
    struct pair pair = pair_of(opts, opts, "127.0.0.1");
    const uint8_t plain[] = {0, 20, 'N', 0, 0, 0, 13, 7, 223, 127, 189, 0, 0, 0, 1};
    uint8_t byte;
    size_t size;
    struct iovec piece = {&byte, 1};
    CHECK_INT(kl_tls_transport.receive(pair.sides[1], plain, sizeof plain), KEEL_E_REFUSED);
    CHECK(strstr(why(&pair, 1), "TLS with the peer failed: "));
    CHECK_INT(kl_tls_transport.receive(pair.sides[1], plain, 1), KEEL_E_REFUSED);
    CHECK_INT(kl_tls_transport.read(pair.sides[1], &byte, 1, &size), KEEL_E_REFUSED);
    CHECK_INT(kl_tls_transport.write(pair.sides[1], &piece, 1), KEEL_E_REFUSED);
    kl_tls_transport.shut(pair.sides[1]);
    close_pair(&pair);
}

TEST("bytes that were changed on the way end the session, those before are good")
{
    prepare();
    keel_tls_opts opts = kl_tls_testing_opts("node", "authority");
    struct pair pair = pair_of(opts, opts, "127.0.0.1");
    carry(&pair);
    say(&pair, 0, "good");
    carry(&pair);
    say(&pair, 0, "changed");
    const uint8_t *data;
    uint8_t copy[500], byte;
    size_t size = kl_tls_transport.outgoing(pair.sides[0], &data);
    CHECK(size > 0 && size < sizeof copy);
    memcpy(copy, data, size);
    copy[size - 1] ^= 1;
    kl_tls_transport.receive(pair.sides[1], copy, size);
    hear(&pair, 1, "good");
    CHECK_INT(kl_tls_transport.read(pair.sides[1], &byte, 1, &size), KEEL_E_REFUSED);
    CHECK(why(&pair, 1)[0]);
    close_pair(&pair);
}

TEST("who says that nothing more will come is heard after what came before")
{
    prepare();
    keel_tls_opts opts = kl_tls_testing_opts("node", "authority");
    struct pair pair = pair_of(opts, opts, "127.0.0.1");
    carry(&pair);
    say(&pair, 0, "last words");
    kl_tls_transport.shut(pair.sides[0]);
    carry(&pair);
    CHECK(!kl_tls_transport.ended(pair.sides[1]));
    hear(&pair, 1, "last words");
    hear(&pair, 1, "");
    CHECK(kl_tls_transport.ended(pair.sides[1]));
    CHECK(!kl_tls_transport.ended(pair.sides[0]));
    close_pair(&pair);
}

TEST("a session that is given up halfway leaves nothing behind")
{
    prepare();
    keel_tls_opts opts = kl_tls_testing_opts("node", "authority");
    struct pair pair = pair_of(opts, opts, "127.0.0.1");
    say(&pair, 0, "never sent");
    kl_tls_transport.shut(pair.sides[0]);
    close_pair(&pair);
    kl_tls_transport.close(NULL);
}
