#include "utf8.h"

size_t kl_utf8_get(const uint8_t *at, size_t left, uint32_t *ret_character)
{
    // The smallest character that needs so many bytes: a smaller one is written too long.
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};

    if (left == 0) {
        return 0;
    }
    uint8_t first = at[0];
    if (first < 0x80) {
        *ret_character = first;
        return 1;
    }
    size_t size = first < 0xc0   ? 0
                  : first < 0xe0 ? 2
                  : first < 0xf0 ? 3
                  : first < 0xf8 ? 4
                                 : 0;
    if (size == 0 || size > left) {
        return 0;
    }
    uint32_t character = first & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
        character = character << 6 | (at[i] & 0x3f);
    }
    if (character < least[size] || !kl_utf8_valid(character)) {
        return 0;
    }
    *ret_character = character;
    return size;
}

size_t kl_utf8_put(uint8_t to[4], uint32_t character)
{
    if (character < 0x80) {
        to[0] = (uint8_t)character;
        return 1;
    }
    size_t size = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        to[i] = (uint8_t)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    // As many leading ones as there are bytes.
    to[0] = (uint8_t)(0xf00u >> size | character);
    return size;
}

bool kl_utf8_count(const uint8_t *text, size_t size, size_t *ret_characters)
{
    size_t count = 0;
    while (size > 0) {
        uint32_t character;
        size_t used = kl_utf8_get(text, size, &character);
        if (used == 0) {
            return false;
        }
        text += used;
        size -= used;
        count++;
    }
    *ret_characters = count;
    return true;
}
