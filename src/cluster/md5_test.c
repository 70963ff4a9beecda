#include "md5.h"
#include "testing/harness.h"
#include <stdio.h>
#include <string.h>

static const char *hex_of(const uint8_t digest[KL_MD5_BYTES])
{
    static char text[2 * KL_MD5_BYTES + 1];
    for (size_t i = 0; i < KL_MD5_BYTES; i++) {
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    }
    return text;
}

static const char *md5_of(const char *data, size_t size, size_t piece)
{
    struct kl_md5 md5;
    uint8_t digest[KL_MD5_BYTES];
    kl_md5_init(&md5);
    for (size_t at = 0; at < size; at += piece) {
        kl_md5_add(&md5, data + at, size - at < piece ? size - at : piece);
    }
    kl_md5_done(&md5, digest);
    return hex_of(digest);
}

TEST("the digests of RFC 1321 come out")
{
    static const char *const vectors[][2] = {
            {"", "d41d8cd98f00b204e9800998ecf8427e"},
            {"a", "0cc175b9c0f1b6a831c399e269772661"},
            {"abc", "900150983cd24fb0d6963f7d28e17f72"},
            {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
            {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
            {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                    "d174ab98d277d9f5a5611c2c9f419d9f"},
            {"12345678901234567890123456789012345678901234567890123456789012345678901234567"
             "890",
                    "57edf4a22be3c955ac49da2e2107b67a"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        CHECK_STR(md5_of(vectors[i][0], strlen(vectors[i][0]), 1000), vectors[i][1]);
    }
}

TEST("it does not matter in which pieces the bytes come, nor where a block ends")
{
    char data[200];
    memset(data, 'x', sizeof data);
    for (size_t size = 50; size < 140; size++) {
        char whole[2 * KL_MD5_BYTES + 1];
        strcpy(whole, md5_of(data, size, 1000));
        CHECK_STR(md5_of(data, size, 1), whole);
        CHECK_STR(md5_of(data, size, 64), whole);
        CHECK_STR(md5_of(data, size, 63), whole);
    }
    // From another implementation: 55, 56, 63, 64 and 119 times the letter x.
    CHECK_STR(md5_of(data, 55, 9), "04364420e25c512fd958a70738aa8f72");
    CHECK_STR(md5_of(data, 56, 9), "668a72d5ba17f08e62dabcafad6db14b");
    CHECK_STR(md5_of(data, 63, 9), "7dc2ca208106a2f703567bdff99d8981");
    CHECK_STR(md5_of(data, 64, 9), "c1bb4f81d892b2d57947682aeb252456");
    CHECK_STR(md5_of(data, 119, 9), "ab347a5f68c8a443cfcddc633f12c24f");
}

TEST("a digest leaves nothing of what was hashed behind")
{
    struct kl_md5 md5;
    uint8_t digest[KL_MD5_BYTES];
    kl_md5_init(&md5);
    kl_md5_add(&md5, "secret", 6);
    kl_md5_done(&md5, digest);
    const struct kl_md5 blank = {0};
    CHECK(memcmp(md5.block, blank.block, sizeof md5.block) == 0);
    CHECK(memcmp(md5.state, blank.state, sizeof md5.state) == 0);
}
