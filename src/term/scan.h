#ifndef KL_TERM_SCAN_H
#define KL_TERM_SCAN_H

#include <keel/term.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Cuts text in Erlang notation into tokens. Believes nothing of the text, allocates
// nothing.

enum kl_token_kind {
    KL_TOKEN_END,
    KL_TOKEN_ERROR, // message says what is wrong, start says where
    KL_TOKEN_DOT, // full stop: a dot before white space, a comment or the end
    KL_TOKEN_ATOM, // text; quoted or not
    KL_TOKEN_VARIABLE, // text, `_` too
    KL_TOKEN_INTEGER, // digits, base; a character as well
    KL_TOKEN_FLOAT, // digits: with point, exponent and underscores
    KL_TOKEN_STRING, // text
    KL_TOKEN_OPEN_TUPLE,
    KL_TOKEN_CLOSE_BRACE,
    KL_TOKEN_OPEN_LIST,
    KL_TOKEN_CLOSE_LIST,
    KL_TOKEN_OPEN_MAP, // #{
    KL_TOKEN_OPEN_BINARY, // <<
    KL_TOKEN_CLOSE_BINARY, // >>
    KL_TOKEN_COMMA,
    KL_TOKEN_BAR,
    KL_TOKEN_ARROW, // =>
    KL_TOKEN_EXACTLY, // :=
    KL_TOKEN_COLON,
    KL_TOKEN_SLASH,
    KL_TOKEN_MINUS,
    KL_TOKEN_PLUS,
    KL_TOKEN_PIN, // ^
};

struct kl_token {
    enum kl_token_kind kind;
    size_t start; // offset of its first byte
    const char *text; // inside the quotes, escapes and all; or the digits
    size_t size;
    bool quoted; // escapes count
    unsigned base; // of an integer; 0: `character` is its value
    uint32_t character;
    const char *message;
};

struct kl_scanner {
    const char *text;
    size_t size;
    size_t at;
};

// Takes the next token. After KL_TOKEN_END and KL_TOKEN_ERROR the same comes again.
struct kl_token kl_scan_next(struct kl_scanner *scanner);
// Looks at it only.
struct kl_token kl_scan_peek(const struct kl_scanner *scanner);

// Takes the next character of a token's text, whose start and size move on; escapes are
// resolved. The scanner has checked the text. False at its end.
bool kl_scan_character(struct kl_token *token, uint32_t *ret_character);

#endif // KL_TERM_SCAN_H
