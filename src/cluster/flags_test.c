#include "flags.h"
#include "testing/harness.h"
#include <string.h>

TEST("what we offer is what the trial against OTP 25 to 29 found to work")
{
    CHECK_INT(kl_dist_flags_offered(false) | KL_FLAG_MANDATORY_25_DIGEST, 0xD07DF4FBC);
    CHECK_INT(kl_dist_flags_offered(true), kl_dist_flags_offered(false) | 1);
}

TEST("the caches for atoms are declined")
{
    const uint64_t otp = 0x6D07DF7FBD;
    CHECK(otp & KL_FLAG_HEADER_ATOM_CACHE);
    uint64_t agreed = kl_dist_flags_agreed(kl_dist_flags_offered(true), otp);
    CHECK(!(agreed & (KL_FLAG_HEADER_ATOM_CACHE | KL_FLAG_ATOM_CACHE)));
    CHECK(!(agreed & KL_FLAG_ALTACT_SIG));
    CHECK(agreed & KL_FLAG_FRAGMENTS);
}

TEST("each mandatory flag alone keeps a peer out")
{
    const uint64_t otp_25 = 0xD07DF7FBD & ~KL_FLAG_MANDATORY_25_DIGEST;
    CHECK_INT(kl_dist_flags_missing(otp_25), 0);
    int count = 0;
    for (int bit = 0; bit < 64; bit++) {
        uint64_t flag = UINT64_C(1) << bit;
        bool mandatory = (KL_FLAGS_MANDATORY_25 & flag) != 0;
        count += mandatory;
        CHECK_INT(kl_dist_flags_missing(otp_25 & ~flag), mandatory ? flag : 0);
    }
    CHECK_INT(count, 11);
}

TEST("the digest stands for all mandatory flags")
{
    CHECK_INT(kl_dist_flags_missing(KL_FLAG_MANDATORY_25_DIGEST), 0);
    uint64_t agreed = kl_dist_flags_agreed(
            kl_dist_flags_offered(false), KL_FLAG_MANDATORY_25_DIGEST);
    CHECK_INT(agreed, KL_FLAGS_MANDATORY_25 | KL_FLAG_MANDATORY_25_DIGEST);
}

TEST("whether a peer is visible is told by its own flag alone")
{
    uint64_t hidden = kl_dist_flags_offered(false), visible = kl_dist_flags_offered(true);
    CHECK(kl_dist_flags_agreed(hidden, visible) & KL_FLAG_PUBLISHED);
    CHECK(!(kl_dist_flags_agreed(visible, hidden) & KL_FLAG_PUBLISHED));
}

TEST("flags are told by the names that OTP gives them")
{
    char text[100];
    kl_dist_flags_text(KL_FLAG_UTF8_ATOMS | KL_FLAG_V4_NC, text, sizeof text);
    CHECK_STR(text, "UTF8_ATOMS V4_NC");
    kl_dist_flags_text(KL_FLAG_MAP_TAG | UINT64_C(1) << 40, text, sizeof text);
    CHECK_STR(text, "MAP_TAG 0x10000000000");
    kl_dist_flags_text(UINT64_C(1) << 40, text, sizeof text);
    CHECK_STR(text, "0x10000000000");
    kl_dist_flags_text(0, text, sizeof text);
    CHECK_STR(text, "");
}

TEST("names of flags are cut to the room there is")
{
    char text[12];
    memset(text, 'x', sizeof text);
    kl_dist_flags_text(~UINT64_C(0), text, sizeof text - 1);
    CHECK_INT(strlen(text), sizeof text - 2);
    CHECK(text[sizeof text - 1] == 'x');
}
