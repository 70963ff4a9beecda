#include "notation.h"

#include "testing/harness.h"
#include <string.h>

static bool reserved(const char *word)
{
    return kl_notation_reserved((keel_bytes){(const uint8_t *)word, strlen(word)});
}

TEST("the words of the language are reserved, what only begins or ends as they do is not")
{
    CHECK(reserved("end") && reserved("of") && reserved("andalso") && reserved("receive"));
    CHECK(reserved("cond") && reserved("let") && reserved("xor") && reserved("after"));
    CHECK(!reserved("") && !reserved("e") && !reserved("en") && !reserved("ends"));
    CHECK(!reserved("andalsoo") && !reserved("maybe") && !reserved("ok") &&
            !reserved("else"));
}

TEST("letters are those of Latin-1")
{
    CHECK(kl_notation_lower('a') && kl_notation_lower('z') && kl_notation_lower(0xdf));
    CHECK(kl_notation_lower(0xff) && !kl_notation_lower(0xf7) && !kl_notation_lower(0x100));
    CHECK(!kl_notation_lower('A') && !kl_notation_lower('_') && !kl_notation_lower('0'));
    CHECK(kl_notation_upper('A') && kl_notation_upper(0xc0) && !kl_notation_upper(0xd7));
    CHECK(!kl_notation_upper(0xdf) && kl_notation_upper(0xde) && !kl_notation_upper('a'));
    CHECK(kl_notation_name('@') && kl_notation_name('_') && kl_notation_name('9'));
    CHECK(!kl_notation_name('.') && !kl_notation_name(' ') && !kl_notation_name(0x20ac));
}
