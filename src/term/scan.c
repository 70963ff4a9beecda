#include "scan.h"

#include "notation.h"
#include "utf8.h"

static const char bad_utf8[] = "the text is not UTF-8";
static const char bad_escape[] = "an escape that stands for no character";

static void scan_name(struct kl_scanner *scanner, struct kl_token *token);
static void scan_quoted(struct kl_scanner *scanner, struct kl_token *token, char quote);
static void scan_number(struct kl_scanner *scanner, struct kl_token *token);
static void scan_character(struct kl_scanner *scanner, struct kl_token *token);
static void scan_sign(struct kl_scanner *scanner, struct kl_token *token);

// The byte `ahead` of where the scanner is; 0 beyond the end.
static uint8_t byte_at(const struct kl_scanner *scanner, size_t ahead)
{
    return ahead < scanner->size - scanner->at ? (uint8_t)scanner->text[scanner->at + ahead]
                                               : 0;
}

// The character at the scanner; 0 bytes when there is none or it is no UTF-8.
static size_t character_at(const struct kl_scanner *scanner, uint32_t *ret_character)
{
    return kl_utf8_get((const uint8_t *)scanner->text + scanner->at,
            scanner->size - scanner->at, ret_character);
}

static void fail(struct kl_scanner *scanner, struct kl_token *token, const char *message)
{
    token->kind = KL_TOKEN_ERROR;
    token->message = message;
    scanner->at = token->start; // so that the same error comes again
}

static bool is_space(uint32_t c)
{
    return (c > 0 && c <= ' ') || (c >= 0x80 && c <= 0xa0);
}

static void skip_space(struct kl_scanner *scanner)
{
    uint32_t character;
    size_t used;
    while ((used = character_at(scanner, &character)) > 0) {
        if (character == '%') {
            while (scanner->at < scanner->size && byte_at(scanner, 0) != '\n') {
                scanner->at++;
            }
        } else if (is_space(character)) {
            scanner->at += used;
        } else {
            return;
        }
    }
}

struct kl_token kl_scan_next(struct kl_scanner *scanner)
{
    skip_space(scanner);
    struct kl_token token = {.start = scanner->at};
    if (scanner->at == scanner->size) {
        return token;
    }
    uint32_t character;
    if (character_at(scanner, &character) == 0) {
        fail(scanner, &token, bad_utf8);
    } else if (kl_notation_lower(character)) {
        token.kind = KL_TOKEN_ATOM;
        scan_name(scanner, &token);
    } else if (kl_notation_upper(character) || character == '_') {
        token.kind = KL_TOKEN_VARIABLE;
        scan_name(scanner, &token);
    } else if (kl_notation_digit(character)) {
        scan_number(scanner, &token);
    } else if (character == '\'') {
        token.kind = KL_TOKEN_ATOM;
        scan_quoted(scanner, &token, '\'');
    } else if (character == '"') {
        token.kind = KL_TOKEN_STRING;
        scan_quoted(scanner, &token, '"');
    } else if (character == '$') {
        scan_character(scanner, &token);
    } else {
        scan_sign(scanner, &token);
    }
    return token;
}

struct kl_token kl_scan_peek(const struct kl_scanner *scanner)
{
    struct kl_scanner ahead = *scanner;
    return kl_scan_next(&ahead);
}

static void scan_name(struct kl_scanner *scanner, struct kl_token *token)
{
    uint32_t character;
    size_t used;
    while ((used = character_at(scanner, &character)) > 0 && kl_notation_name(character)) {
        scanner->at += used;
    }
    token->text = scanner->text + token->start;
    token->size = scanner->at - token->start;
    if (token->kind == KL_TOKEN_ATOM &&
            kl_notation_reserved((keel_bytes){(const uint8_t *)token->text, token->size})) {
        fail(scanner, token, "a reserved word is an atom in quotes only");
    }
}

// --- numbers ---

// The value of a digit in bases up to 36; 99 for what is none.
static unsigned digit_value(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - (unsigned)'0';
    }
    c |= 0x20; // lower case
    return c >= 'a' && c <= 'z' ? c - (unsigned)'a' + 10 : 99;
}

static bool is_digit(uint8_t c, unsigned base)
{
    return digit_value(c) < base;
}

// Goes over digits with single underscores between them; false when there are none.
static bool skip_digits(struct kl_scanner *scanner, unsigned base)
{
    if (!is_digit(byte_at(scanner, 0), base)) {
        return false;
    }
    do {
        scanner->at++;
        if (byte_at(scanner, 0) == '_' && is_digit(byte_at(scanner, 1), base)) {
            scanner->at++;
        }
    } while (is_digit(byte_at(scanner, 0), base));
    return true;
}

static void scan_fraction(struct kl_scanner *scanner, struct kl_token *token)
{
    token->kind = KL_TOKEN_FLOAT;
    scanner->at++;
    skip_digits(scanner, 10);
    if ((byte_at(scanner, 0) | 0x20) == 'e') {
        size_t sign = byte_at(scanner, 1) == '-' || byte_at(scanner, 1) == '+';
        if (is_digit(byte_at(scanner, 1 + sign), 10)) {
            scanner->at += 1 + sign;
            skip_digits(scanner, 10);
        }
    }
}

static void scan_number(struct kl_scanner *scanner, struct kl_token *token)
{
    token->kind = KL_TOKEN_INTEGER;
    token->base = 10;
    skip_digits(scanner, 10);
    size_t digits = token->start;
    if (byte_at(scanner, 0) == '.' && is_digit(byte_at(scanner, 1), 10)) {
        scan_fraction(scanner, token);
    } else if (byte_at(scanner, 0) == '#' && byte_at(scanner, 1) != '{') {
        unsigned base = 0;
        for (size_t i = token->start; i < scanner->at && base <= 36; i++) {
            if (scanner->text[i] != '_') {
                base = base * 10 + (unsigned)(scanner->text[i] - '0');
            }
        }
        scanner->at++;
        digits = scanner->at;
        token->base = base;
        if (base < 2 || base > 36) {
            fail(scanner, token, "the base of a number is 2 to 36");
            return;
        }
        if (!skip_digits(scanner, base)) {
            fail(scanner, token, "a base without digits of it");
            return;
        }
    }
    uint32_t character;
    if (character_at(scanner, &character) > 0 && kl_notation_name(character)) {
        fail(scanner, token, "a number runs into a word");
        return;
    }
    token->text = scanner->text + digits;
    token->size = scanner->at - digits;
}

// --- text ---

// Goes over one character, resolving an escape; false when it is none.
static bool take_character(const char **at, const char *end, bool escapes, uint32_t *ret)
{
    static const char letters[] = "b\bd\177e\033f\fn\nr\rs t\tv\v";
    size_t used = kl_utf8_get((const uint8_t *)*at, (size_t)(end - *at), ret);
    *at += used;
    if (used == 0 || !escapes || *ret != '\\') {
        return used > 0;
    }
    used = kl_utf8_get((const uint8_t *)*at, (size_t)(end - *at), ret);
    *at += used;
    if (used == 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof letters - 1; i += 2) {
        if (*ret == (uint8_t)letters[i]) {
            *ret = (uint8_t)letters[i + 1];
            return true;
        }
    }
    unsigned base = *ret == 'x' ? 16 : *ret >= '0' && *ret <= '7' ? 8 : 0;
    if (*ret == '^') { // control character
        if (*at == end || **at < '@' || **at > '_') {
            return false;
        }
        *ret = (uint32_t)(*(*at)++ - '@');
        return true;
    }
    if (base == 0) {
        return true; // any other character stands for itself
    }
    bool braces = base == 16 && *at < end && **at == '{';
    size_t most = base == 8 ? 2 : braces ? 8 : 2;
    uint32_t value = base == 8 ? *ret - '0' : 0;
    *at += braces;
    size_t count = 0;
    for (; count < most && *at < end && is_digit((uint8_t) * *at, base); count++, (*at)++) {
        value = value * base + digit_value((uint8_t) * *at);
    }
    if (braces && (*at == end || *(*at)++ != '}')) {
        return false;
    }
    *ret = value;
    return base == 8 || (count > 0 && (braces || count == 2) && kl_utf8_valid(value));
}

bool kl_scan_character(struct kl_token *token, uint32_t *ret_character)
{
    const char *at = token->text;
    const char *end = at + token->size;
    if (at == end || !take_character(&at, end, token->quoted, ret_character)) {
        return false;
    }
    token->text = at;
    token->size = (size_t)(end - at);
    return true;
}

static void scan_quoted(struct kl_scanner *scanner, struct kl_token *token, char quote)
{
    const char *end = scanner->text + scanner->size;
    const char *at = scanner->text + scanner->at + 1;
    token->text = at;
    token->quoted = true;
    for (;;) {
        if (at == end) {
            fail(scanner, token, "a quote that is not closed");
            return;
        }
        if (*at == quote) {
            break;
        }
        const char *before = at;
        uint32_t character;
        if (!take_character(&at, end, true, &character)) {
            token->start = (size_t)(before - scanner->text);
            fail(scanner, token, *before == '\\' ? bad_escape : bad_utf8);
            return;
        }
    }
    token->size = (size_t)(at - token->text);
    scanner->at = (size_t)(at + 1 - scanner->text);
}

// $c, a character's code.
static void scan_character(struct kl_scanner *scanner, struct kl_token *token)
{
    const char *end = scanner->text + scanner->size;
    const char *at = scanner->text + scanner->at + 1;
    if (at == end || !take_character(&at, end, true, &token->character)) {
        fail(scanner, token, "a $ without a character");
        return;
    }
    token->kind = KL_TOKEN_INTEGER;
    token->base = 0;
    scanner->at = (size_t)(at - scanner->text);
}

// --- signs ---

static void scan_sign(struct kl_scanner *scanner, struct kl_token *token)
{
    static const struct {
        char first, second; // 0: one character
        enum kl_token_kind kind;
    } signs[] = {
            {'{', 0, KL_TOKEN_OPEN_TUPLE},
            {'}', 0, KL_TOKEN_CLOSE_BRACE},
            {'[', 0, KL_TOKEN_OPEN_LIST},
            {']', 0, KL_TOKEN_CLOSE_LIST},
            {'#', '{', KL_TOKEN_OPEN_MAP},
            {'<', '<', KL_TOKEN_OPEN_BINARY},
            {'>', '>', KL_TOKEN_CLOSE_BINARY},
            {',', 0, KL_TOKEN_COMMA},
            {'|', 0, KL_TOKEN_BAR},
            {'=', '>', KL_TOKEN_ARROW},
            {':', '=', KL_TOKEN_EXACTLY},
            {':', 0, KL_TOKEN_COLON},
            {'/', 0, KL_TOKEN_SLASH},
            {'-', 0, KL_TOKEN_MINUS},
            {'+', 0, KL_TOKEN_PLUS},
            {'^', 0, KL_TOKEN_PIN},
    };
    uint8_t first = byte_at(scanner, 0);
    uint8_t second = byte_at(scanner, 1);
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (first == signs[i].first &&
                (signs[i].second == 0 || second == signs[i].second)) {
            token->kind = signs[i].kind;
            scanner->at += signs[i].second != 0 ? 2 : 1;
            return;
        }
    }
    if (first == '.' &&
            (scanner->size - scanner->at == 1 || is_space(second) || second == '%')) {
        token->kind = KL_TOKEN_DOT;
        scanner->at++;
        return;
    }
    fail(scanner, token, "a character that begins no term");
}
