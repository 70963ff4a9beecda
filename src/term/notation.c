#include "notation.h"

#include <string.h>

bool kl_notation_reserved(keel_bytes word)
{
    static const char words[][8] = {"after", "and", "andalso", "band", "begin", "bnot",
            "bor", "bsl", "bsr", "bxor", "case", "catch", "cond", "div", "end", "fun", "if",
            "let", "not", "of", "or", "orelse", "receive", "rem", "try", "when", "xor"};
    char name[8] = {0};
    if (word.size < 2 || word.size >= sizeof name) {
        return false;
    }
    memcpy(name, word.data, word.size);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (memcmp(words[i], name, sizeof name) == 0) {
            return true;
        }
    }
    return false;
}
