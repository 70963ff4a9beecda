#include "text.h"

#include "testing/harness.h"

#include <string.h>

TEST("a text grows with what is added")
{
    struct kl_text text = {0};
    for (int index = 0; index < 1000; index++) {
        kl_text_print(&text, "%03d,", index);
    }
    CHECK_INT(text.size, 4000);
    CHECK(memcmp(text.data + 3996, "999,", 5) == 0);
    kl_text_add(&text, NULL, 0);
    CHECK_INT(text.size, 4000);
    kl_text_done(&text);
    CHECK(text.data == NULL);
}

static size_t length_of(const char *bytes)
{
    return kl_utf8_length((const uint8_t *)bytes, strlen(bytes));
}

TEST("only what is UTF-8 has a length")
{
    CHECK_INT(length_of("a"), 1);
    CHECK_INT(length_of("\xc3\xbc"), 2);
    CHECK_INT(length_of("\xe2\x82\xac"), 3);
    CHECK_INT(length_of("\xf0\x9f\x98\x80"), 4);
    static const char *const wrong[] = {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80",
            "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xc3z", "\xff"};
    for (size_t index = 0; index < sizeof(wrong) / sizeof(wrong[0]); index++) {
        CHECK_INT(length_of(wrong[index]), 0);
    }
}

TEST("hashes go on where they were left")
{
    uint64_t whole = kl_text_hash(KL_HASH_BEGIN, "abcd", 4);
    CHECK(whole == kl_text_hash(kl_text_hash(KL_HASH_BEGIN, "ab", 2), "cd", 2));
    CHECK(whole != kl_text_hash(KL_HASH_BEGIN, "abdc", 4));
}
