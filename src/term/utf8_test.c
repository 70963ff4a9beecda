#include "utf8.h"

#include "testing/harness.h"

static size_t get(const char *bytes, size_t size, uint32_t *ret_character)
{
    return kl_utf8_get((const uint8_t *)bytes, size, ret_character);
}

TEST("every character is read back as it was written")
{
    for (uint32_t character = 0; character <= 0x10ffff; character++) {
        if (!kl_utf8_valid(character)) {
            continue;
        }
        uint8_t bytes[4];
        size_t size = kl_utf8_put(bytes, character);
        uint32_t read;
        CHECK_INT(kl_utf8_get(bytes, size, &read), size);
        CHECK_INT(read, character);
        CHECK_INT(kl_utf8_get(bytes, size - 1, &read), 0);
    }
}

TEST("what is written too long, cut off, a surrogate or beyond Unicode is refused")
{
    static const char *const bad[] = {"\200", "\277", "\300\200", "\301\277",
            "\340\200\200", "\340\237\277", "\355\240\200", "\355\277\277",
            "\360\200\200\200", "\360\217\277\277", "\364\220\200\200", "\370\210\200\200",
            "\377", "\302x", "\342\202x"};
    uint32_t character;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t size = 0;
        while (bad[i][size] != '\0') {
            size++;
        }
        CHECK_INT(get(bad[i], size, &character), 0);
    }
    CHECK_INT(get("", 0, &character), 0);
}

TEST("characters are counted, not bytes")
{
    size_t count;
    CHECK(kl_utf8_count(
            (const uint8_t *)"a\303\244\342\202\254\360\237\230\200", 10, &count));
    CHECK_INT(count, 4);
    CHECK(kl_utf8_count((const uint8_t *)"", 0, &count));
    CHECK_INT(count, 0);
    CHECK(!kl_utf8_count((const uint8_t *)"a\303", 2, &count));
}
