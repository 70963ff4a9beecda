#include "scan.h"

#include "testing/harness.h"
#include <stdlib.h>
#include <string.h>

TEST("a text is cut into tokens")
{
    static const char text[] =
            "{}[]#{<<>>,|=>:=:/-+^ a 'b c' V _x _ 12 16#ff 1.5e3 $x \"s\" . ";
    static const enum kl_token_kind kinds[] = {KL_TOKEN_OPEN_TUPLE, KL_TOKEN_CLOSE_BRACE,
            KL_TOKEN_OPEN_LIST, KL_TOKEN_CLOSE_LIST, KL_TOKEN_OPEN_MAP,
            KL_TOKEN_OPEN_BINARY, KL_TOKEN_CLOSE_BINARY, KL_TOKEN_COMMA, KL_TOKEN_BAR,
            KL_TOKEN_ARROW, KL_TOKEN_EXACTLY, KL_TOKEN_COLON, KL_TOKEN_SLASH,
            KL_TOKEN_MINUS, KL_TOKEN_PLUS, KL_TOKEN_PIN, KL_TOKEN_ATOM, KL_TOKEN_ATOM,
            KL_TOKEN_VARIABLE, KL_TOKEN_VARIABLE, KL_TOKEN_VARIABLE, KL_TOKEN_INTEGER,
            KL_TOKEN_INTEGER, KL_TOKEN_FLOAT, KL_TOKEN_INTEGER, KL_TOKEN_STRING,
            KL_TOKEN_DOT, KL_TOKEN_END, KL_TOKEN_END};
    struct kl_scanner scanner = {text, sizeof text - 1, 0};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        CHECK_INT(kl_scan_peek(&scanner).kind, kinds[i]);
        CHECK_INT(kl_scan_next(&scanner).kind, kinds[i]);
    }
}

TEST("a token tells where it starts and what it holds")
{
    struct kl_scanner scanner = {"  36#zZ 'a\\x{e4}b'", 18, 0};
    struct kl_token number = kl_scan_next(&scanner);
    CHECK_INT(number.start, 2);
    CHECK_INT(number.base, 36);
    CHECK_INT(number.size, 2);
    CHECK(memcmp(number.text, "zZ", 2) == 0);
    struct kl_token atom = kl_scan_next(&scanner);
    CHECK_INT(atom.start, 8);
    uint32_t character;
    CHECK(kl_scan_character(&atom, &character) && character == 'a');
    CHECK(kl_scan_character(&atom, &character) && character == 0xe4);
    CHECK(kl_scan_character(&atom, &character) && character == 'b');
    CHECK(!kl_scan_character(&atom, &character));
}

TEST("a dot is a full stop only before white space, a comment or the end")
{
    struct kl_scanner scanner = {".a", 2, 0};
    CHECK_INT(kl_scan_next(&scanner).kind, KL_TOKEN_ERROR);
    CHECK_INT(kl_scan_next(&scanner).kind, KL_TOKEN_ERROR);
    scanner = (struct kl_scanner){".%", 2, 0};
    CHECK_INT(kl_scan_next(&scanner).kind, KL_TOKEN_DOT);
    scanner = (struct kl_scanner){"a.", 2, 0};
    CHECK_INT(kl_scan_next(&scanner).kind, KL_TOKEN_ATOM);
    CHECK_INT(kl_scan_next(&scanner).kind, KL_TOKEN_DOT);
}

TEST("nothing beyond the end of a text is looked at")
{
    static const char *const starts[] = {"'a", "\"a\\", "$", "$\\", "16#", "1.", "1.5e",
            "\303", "<", "=", ":", "#", "\"\\x{", "\"\\x{4", "\"\\1", "\"\\^", "%",
            "'\342\202"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        size_t size = strlen(starts[i]);
        char *exact = malloc(size); // without a NUL: sanitizers see what is read behind
        memcpy(exact, starts[i], size);
        struct kl_scanner scanner = {exact, size, 0};
        for (int j = 0; j < 4; j++) {
            struct kl_token token = kl_scan_next(&scanner);
            CHECK(token.start <= size && scanner.at <= size);
        }
        free(exact);
    }
}
