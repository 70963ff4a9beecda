#include "flags.h"
#include "handshake.h"
#include "testing/harness.h"
#include "wire.h"
#include <string.h>

// MD5 of "biscuit4022250974" and of "biscuit11", made elsewhere.
#define DIGEST_B "\x26\xc1\xd4\x48\x07\x6a\xa8\xe4\x2f\x7b\x97\x80\xf7\x99\x1e\xd8"
#define DIGEST_A "\x61\xf4\x1b\xec\x9c\xa1\xa4\xee\x63\xd7\x92\x6b\x0e\xb8\x7e\x34"

// Both sides of a handshake and what travels between them.
struct talk {
    struct kl_handshake a, b; // a dials b
    size_t piece; // so many bytes are fed at a time
    enum kl_handshake_status status; // what b answers to a's name
    const char *b_cookie;
    bool replace; // what a says when there is a connection
    int names_told;
};

static struct kl_handshake_opts opts_of(const char *name, uint32_t challenge)
{
    return (struct kl_handshake_opts){
            .own_name = name,
            .creation = 0x10000 + challenge,
            .flags = kl_dist_flags_offered(true),
            .challenge = challenge,
            .length_bytes = 2,
    };
}

static struct talk talk_of(unsigned length_bytes)
{
    struct talk talk = {.piece = 1000, .b_cookie = "biscuit"};
    struct kl_handshake_opts a = opts_of("a@box", 11), b = opts_of("b@box", 4022250974u);
    a.length_bytes = b.length_bytes = length_bytes;
    a.peer_name = "b@box";
    a.cookie = "biscuit";
    kl_handshake_init(&talk.a, &a);
    kl_handshake_init(&talk.b, &b);
    return talk;
}

// Feeds all that `from` has to say to `to`, asking the caller's questions on the way.
static bool pass(struct talk *talk, struct kl_handshake *from, struct kl_handshake *to)
{
    const uint8_t *data;
    uint8_t copy[2000];
    size_t size = kl_handshake_output(from, &data), at = 0;
    memcpy(copy, data, size);
    while (at < size && (to->event == KL_HANDSHAKE_MORE)) {
        size_t used, piece = talk->piece < size - at ? talk->piece : size - at;
        enum kl_handshake_event event = kl_handshake_feed(to, copy + at, piece, &used);
        at += used;
        if (event == KL_HANDSHAKE_NAME) {
            talk->names_told++;
            kl_handshake_answer(to, talk->status, talk->b_cookie);
        } else if (event == KL_HANDSHAKE_ALIVE) {
            kl_handshake_proceed(to, talk->replace);
        }
    }
    return size > 0;
}

static void run(struct talk *talk)
{
    bool more = true;
    while (more) {
        more = pass(talk, &talk->a, &talk->b);
        more = pass(talk, &talk->b, &talk->a) || more;
    }
}

TEST("two nodes with the same cookie come to an end, however the bytes arrive")
{
    for (unsigned length_bytes = 2; length_bytes <= 4; length_bytes += 2) {
        for (size_t piece = 1; piece < 60; piece++) {
            struct talk talk = talk_of(length_bytes);
            talk.piece = piece;
            run(&talk);
            CHECK_INT(talk.a.event, KL_HANDSHAKE_DONE);
            CHECK_INT(talk.b.event, KL_HANDSHAKE_DONE);
        }
    }
}

TEST("each side learns name, creation and abilities of the other")
{
    struct talk talk = talk_of(2);
    talk.b.opts.flags = kl_dist_flags_offered(false) & ~KL_FLAG_FRAGMENTS;
    run(&talk);
    CHECK_STR(talk.a.peer.name, "b@box");
    CHECK_STR(talk.b.peer.name, "a@box");
    CHECK_INT(talk.a.peer.creation, 0x10000 + 4022250974u);
    CHECK_INT(talk.b.peer.creation, 0x10000 + 11);
    CHECK(!(talk.a.peer.agreed & (KL_FLAG_FRAGMENTS | KL_FLAG_PUBLISHED)));
    CHECK(talk.b.peer.agreed & KL_FLAG_PUBLISHED);
    CHECK_INT(talk.b.peer.agreed & ~KL_FLAG_PUBLISHED, talk.a.peer.agreed);
}

static void expect_output(struct kl_handshake *hs, const char *expected, size_t size)
{
    const uint8_t *data;
    CHECK_INT(kl_handshake_output(hs, &data), size);
    CHECK(memcmp(data, expected, size) == 0);
}
#define EXPECT_OUTPUT(hs, text) expect_output(hs, text, sizeof(text) - 1)

static enum kl_handshake_event feed(struct kl_handshake *hs, const char *data, size_t size)
{
    size_t used;
    return kl_handshake_feed(hs, (const uint8_t *)data, size, &used);
}
#define FEED(hs, text) feed(hs, text, sizeof(text) - 1)

TEST("the dialling side says its words byte for byte")
{
    struct talk talk = talk_of(2);
    talk.a.opts.flags = 0x0102030405060708;
    struct kl_handshake_opts opts = talk.a.opts;
    opts.peer_name = "b@box";
    opts.cookie = "biscuit";
    kl_handshake_init(&talk.a, &opts);
    EXPECT_OUTPUT(&talk.a, "\0\x14N\x01\x02\x03\x04\x05\x06\x07\x08\0\x01\0\x0b\0\x05"
                           "a@box");
    CHECK_INT(FEED(&talk.a, "\0\x03sok"), KL_HANDSHAKE_MORE);
    EXPECT_OUTPUT(&talk.a, "");
    CHECK_INT(FEED(&talk.a, "\0\x18N\0\0\0\0\0\0\0\0\xef\xbe\xad\xde\0\0\0\x01\0\x05"
                            "b@box"),
            KL_HANDSHAKE_REFUSED); // those flags are none
    kl_handshake_init(&talk.a, &opts);
    FEED(&talk.a, "\0\x03sok");
    CHECK_INT(FEED(&talk.a,
                      "\0\x18N\0\0\0\x0d\x07\xdf\x7f\xbd\xef\xbe\xad\xde\0\0\0\x01\0\x05"
                      "b@box"),
            KL_HANDSHAKE_MORE);
    const uint8_t *data;
    size_t size = kl_handshake_output(&talk.a, &data);
    CHECK_INT(size, 2 + 20 + 2 + 21);
    // The digest of "biscuit4022250974".
    CHECK(memcmp(data + 22, "\0\x15r\0\0\0\x0b" DIGEST_B, 23) == 0);
    // The digest of "biscuit11", and the first byte of a frame.
    const char ack[] = "\0\x11"
                       "a" DIGEST_A "\0";
    size_t used;
    CHECK_INT(kl_handshake_feed(&talk.a, (const uint8_t *)ack, sizeof ack - 1, &used),
            KL_HANDSHAKE_DONE);
    CHECK_INT(used, sizeof ack - 2);
}

TEST("the accepting side says its words byte for byte")
{
    struct talk talk = talk_of(2);
    talk.b.opts.flags = KL_FLAG_MANDATORY_25_DIGEST;
    CHECK_INT(FEED(&talk.b, "\0\x14N\0\0\0\x0d\x07\xdf\x7f\xbd\0\0\0\x01\0\x05"
                            "a@box"),
            KL_HANDSHAKE_NAME);
    CHECK_STR(talk.b.peer.name, "a@box");
    CHECK_INT(kl_handshake_answer(&talk.b, KL_STATUS_OK_SIMULTANEOUS, "biscuit"),
            KL_HANDSHAKE_MORE);
    EXPECT_OUTPUT(&talk.b, "\0\x10sok_simultaneous"
                           "\0\x18N\0\0\0\0\x04\0\0\0\xef\xbe\xad\xde\xef\xbf\xad\xde\0\x05"
                           "b@box");
    CHECK_INT(FEED(&talk.b, "\0\x15r\0\0\0\x0b" DIGEST_B), KL_HANDSHAKE_DONE);
    EXPECT_OUTPUT(&talk.b, "\0\x11"
                           "a" DIGEST_A);
}

TEST("who does not know the cookie gets no digest")
{
    struct talk talk = talk_of(2);
    talk.b_cookie = "biscuits";
    run(&talk);
    CHECK_INT(talk.b.event, KL_HANDSHAKE_REFUSED);
    CHECK_INT(talk.b.refusal, KL_REFUSAL_COOKIE);
    CHECK_STR(talk.b.why, "a@box has another cookie");
    CHECK_INT(talk.a.event, KL_HANDSHAKE_MORE);
    CHECK_INT(kl_handshake_closed(&talk.a), KL_HANDSHAKE_REFUSED);
    CHECK_INT(talk.a.refusal, KL_REFUSAL_COOKIE);
}

TEST("a peer that accepts everything does not get in without the cookie")
{
    struct talk talk = talk_of(2);
    run(&talk);
    struct talk again = talk_of(2);
    FEED(&again.a, "\0\x03sok");
    FEED(&again.a, "\0\x18N\0\0\0\x0d\x07\xdf\x7f\xbd\xef\xbe\xad\xde\0\0\0\x01\0\x05"
                   "b@box");
    CHECK_INT(FEED(&again.a, "\0\x11"
                             "a0123456789abcdef"),
            KL_HANDSHAKE_REFUSED);
    CHECK_INT(again.a.refusal, KL_REFUSAL_COOKIE);
}

TEST("a proof that is wrong in any one bit is refused")
{
    for (unsigned bit = 0; bit < 128; bit++) {
        struct talk talk = talk_of(2);
        FEED(&talk.b, "\0\x14N\0\0\0\x0d\x07\xdf\x7f\xbd\0\0\0\x01\0\x05"
                      "a@box");
        kl_handshake_answer(&talk.b, KL_STATUS_OK, "biscuit");
        char reply[] = "\0\x15r\0\0\0\x0b" DIGEST_B;
        reply[7 + bit / 8] ^= (char)(1 << bit % 8);
        CHECK_INT(feed(&talk.b, reply, sizeof reply - 1), KL_HANDSHAKE_REFUSED);
        CHECK_INT(talk.b.refusal, KL_REFUSAL_COOKIE);
    }
}

TEST("the cookie is wiped when the handshake is over, however it ended")
{
    static const char blank[KL_COOKIE_MAX + 1];
    struct talk talk = talk_of(2);
    CHECK_STR(talk.a.cookie, "biscuit");
    run(&talk);
    CHECK(memcmp(talk.a.cookie, blank, sizeof blank) == 0);
    CHECK(memcmp(talk.b.cookie, blank, sizeof blank) == 0);
    talk = talk_of(2);
    FEED(&talk.a, "\0\x04snok");
    CHECK(memcmp(talk.a.cookie, blank, sizeof blank) == 0);
    talk = talk_of(2);
    kl_handshake_done(&talk.a);
    CHECK(memcmp(talk.a.cookie, blank, sizeof blank) == 0);
}

TEST("each flag that is missing is told, on both sides")
{
    for (int bit = 0; bit < 64; bit++) {
        uint64_t flag = UINT64_C(1) << bit;
        if (!(KL_FLAGS_MANDATORY_25 & flag)) {
            continue;
        }
        char name[40];
        kl_dist_flags_text(flag, name, sizeof name);
        struct talk talk = talk_of(2);
        uint64_t less = 0xD07DF7FBD & ~flag & ~KL_FLAG_MANDATORY_25_DIGEST;
        struct kl_handshake_opts a = talk.a.opts;
        a.flags = less;
        a.peer_name = "b@box";
        a.cookie = "biscuit";
        kl_handshake_init(&talk.a, &a);
        run(&talk);
        CHECK_INT(talk.b.refusal, KL_REFUSAL_FLAGS);
        CHECK(strstr(talk.b.why, name));
        CHECK_INT(talk.a.refusal, KL_REFUSAL_NOT_ALLOWED);

        talk = talk_of(2);
        talk.b.opts.flags = less;
        run(&talk);
        CHECK_INT(talk.a.refusal, KL_REFUSAL_FLAGS);
        CHECK(strstr(talk.a.why, name));
        CHECK_INT(kl_handshake_closed(&talk.b), KL_HANDSHAKE_REFUSED);
        CHECK_INT(talk.b.refusal, KL_REFUSAL_CLOSED);
    }
}

TEST("of two nodes that dial each other the one with the greater name wins")
{
    CHECK_INT(kl_handshake_decide("b@x", "a@x", false, true), KL_STATUS_NOK);
    CHECK_INT(kl_handshake_decide("a@x", "b@x", false, true), KL_STATUS_OK_SIMULTANEOUS);
    CHECK_INT(kl_handshake_decide("a@x", "b@x", false, false), KL_STATUS_OK);
    CHECK_INT(kl_handshake_decide("b@x", "a@x", false, false), KL_STATUS_OK);
    CHECK_INT(kl_handshake_decide("b@x", "a@x", true, false), KL_STATUS_ALIVE);
    CHECK_INT(kl_handshake_decide("a@x", "b@x", true, true), KL_STATUS_ALIVE);
}

TEST("the side that gives way to its own dialling says nok")
{
    struct talk talk = talk_of(2);
    talk.status = KL_STATUS_NOK;
    run(&talk);
    CHECK_INT(talk.a.refusal, KL_REFUSAL_BUSY);
    CHECK_INT(talk.b.refusal, KL_REFUSAL_BUSY);
}

TEST("a peer that is not allowed is told so")
{
    struct talk talk = talk_of(2);
    talk.status = KL_STATUS_NOT_ALLOWED;
    run(&talk);
    CHECK_INT(talk.a.refusal, KL_REFUSAL_NOT_ALLOWED);
    CHECK_INT(talk.b.refusal, KL_REFUSAL_NOT_ALLOWED);
    CHECK_INT(talk.names_told, 1);
}

TEST("a connection that is alive is replaced when the dialling side says so")
{
    struct talk talk = talk_of(2);
    talk.status = KL_STATUS_ALIVE;
    talk.replace = true;
    run(&talk);
    CHECK_INT(talk.a.event, KL_HANDSHAKE_DONE);
    CHECK_INT(talk.b.event, KL_HANDSHAKE_DONE);
}

TEST("a connection that is alive stays when the dialling side says so")
{
    struct talk talk = talk_of(2);
    talk.status = KL_STATUS_ALIVE;
    run(&talk);
    CHECK_INT(talk.a.refusal, KL_REFUSAL_ALIVE);
    CHECK_INT(talk.b.refusal, KL_REFUSAL_ALIVE);
}

TEST("a peer that bears our own name is sent away")
{
    struct talk talk = talk_of(2);
    talk.b.opts.own_name = "a@box";
    run(&talk);
    CHECK_INT(talk.b.refusal, KL_REFUSAL_OWN_NAME);
    CHECK_INT(talk.a.refusal, KL_REFUSAL_BUSY);
    CHECK_INT(talk.names_told, 0);
}

TEST("who answers under another name than the one dialled gets no digest")
{
    struct talk talk = talk_of(2);
    talk.b.opts.own_name = "c@box";
    run(&talk);
    CHECK_INT(talk.a.refusal, KL_REFUSAL_NAME);
    CHECK_INT(talk.b.event, KL_HANDSHAKE_MORE);
    talk = talk_of(2);
    talk.b.opts.own_name = "b@boxx";
    run(&talk);
    CHECK_INT(talk.a.refusal, KL_REFUSAL_NAME);
}

TEST("a peer that asks for a name gets none")
{
    struct talk talk = talk_of(2);
    CHECK_INT(FEED(&talk.b, "\0\x12N\0\0\0\x0f\x07\xdf\x7f\xbd\0\0\0\x01\0\x03"
                            "box"),
            KL_HANDSHAKE_REFUSED);
    CHECK_INT(talk.b.refusal, KL_REFUSAL_NAME);
    EXPECT_OUTPUT(&talk.b, "\0\x0csnot_allowed");
}

TEST("a name that is none is refused before anybody hears of it")
{
    struct talk talk = talk_of(2);
    CHECK_INT(FEED(&talk.b, "\0\x12N\0\0\0\x0d\x07\xdf\x7f\xbd\0\0\0\x01\0\x03"
                            "\xe9@b"),
            KL_HANDSHAKE_REFUSED);
    CHECK_INT(talk.b.refusal, KL_REFUSAL_NAME);
    CHECK_STR(talk.b.peer.name, "");
}

// A fresh machine on one of the sides, fed with one packet.
static enum kl_handshake_refusal refusal_of(bool dialling, const char *data, size_t size)
{
    struct talk talk = talk_of(2);
    struct kl_handshake *hs = dialling ? &talk.a : &talk.b;
    CHECK_INT(feed(hs, data, size), KL_HANDSHAKE_REFUSED);
    CHECK(hs->why[0]);
    return hs->refusal;
}

TEST("packets that are no handshake are refused")
{
#define REFUSED(dialling, text) refusal_of(dialling, text, sizeof(text) - 1)
    CHECK_INT(REFUSED(false, "\0\0"), KL_REFUSAL_PROTOCOL);
    CHECK_INT(REFUSED(false, "GET / HTTP/1.1\r\n\r\n"), KL_REFUSAL_PROTOCOL);
    CHECK_INT(REFUSED(false, "\x02\x01"), KL_REFUSAL_PROTOCOL); // one byte too many
    CHECK_INT(REFUSED(false, "\0\x08n\0\x05\x07\xdf\x7f\xbd"
                             "a"),
            KL_REFUSAL_PROTOCOL);
    CHECK_INT(REFUSED(false, "\0\x0eN\0\0\0\x0d\x07\xdf\x7f\xbd\0\0\0\x01\0"),
            KL_REFUSAL_PROTOCOL);
    CHECK_INT(REFUSED(false, "\0\x14N\0\0\0\x0d\x07\xdf\x7f\xbd\0\0\0\x01\0\x06"
                             "a@box"),
            KL_REFUSAL_PROTOCOL);
    CHECK_INT(REFUSED(true, "\0\0"), KL_REFUSAL_PROTOCOL);
    CHECK_INT(REFUSED(true, "\0\x02so"), KL_REFUSAL_PROTOCOL);
    CHECK_INT(REFUSED(true, "\0\x04sokk"), KL_REFUSAL_PROTOCOL);
    CHECK_INT(REFUSED(true, "\0\x0dsnamed:x@y\0\0\0\0"), KL_REFUSAL_PROTOCOL);
#undef REFUSED
}

TEST("a packet whose length has four bytes may not be longer either")
{
    struct talk talk = talk_of(4);
    CHECK_INT(FEED(&talk.b, "\0\x01\0\0"), KL_HANDSHAKE_REFUSED);
    CHECK_INT(talk.b.refusal, KL_REFUSAL_PROTOCOL);
}

TEST("the longest names there are get through")
{
    char names[2][KL_NODE_NAME_MAX + 1];
    for (int i = 0; i < 2; i++) {
        memset(names[i], 'a' + i, KL_NODE_NAME_MAX);
        names[i][100] = '@';
        names[i][KL_NODE_NAME_MAX] = 0;
    }
    struct talk talk = talk_of(4);
    struct kl_handshake_opts a = talk.a.opts, b = talk.b.opts;
    a.own_name = names[0];
    a.peer_name = b.own_name = names[1];
    a.cookie = "biscuit";
    kl_handshake_init(&talk.a, &a);
    kl_handshake_init(&talk.b, &b);
    run(&talk);
    CHECK_INT(talk.a.event, KL_HANDSHAKE_DONE);
    CHECK_INT(talk.b.event, KL_HANDSHAKE_DONE);
    CHECK_STR(talk.b.peer.name, names[0]);
}

TEST("nothing more is taken once it is over")
{
    struct talk talk = talk_of(2);
    FEED(&talk.a, "\0\x04snok");
    size_t used = 7;
    CHECK_INT(kl_handshake_feed(&talk.a, (const uint8_t *)"\0\x03sok", 5, &used),
            KL_HANDSHAKE_REFUSED);
    CHECK_INT(used, 0);
    CHECK_INT(kl_handshake_closed(&talk.a), KL_HANDSHAKE_REFUSED);
    CHECK_INT(talk.a.refusal, KL_REFUSAL_BUSY);
    CHECK_INT(kl_handshake_proceed(&talk.a, true), KL_HANDSHAKE_REFUSED);
    CHECK_INT(kl_handshake_answer(&talk.a, KL_STATUS_OK, "biscuit"), KL_HANDSHAKE_REFUSED);
}
