#include "etf.h"
#include "utf8.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

// The text is what printf("%.20e") writes. strtod knows more spellings than the format
// allows and reads the decimal point that the host's locale says. So the digits are
// checked here and handed over without a point, which moves into the exponent.
bool kl_etf_float_text(const uint8_t *text, double *ret_value)
{
    char number[KL_ETF_FLOAT_TEXT + sizeof "e-2147483648"];
    const uint8_t *at = text, *end = memchr(text, 0, KL_ETF_FLOAT_TEXT);
    if (!end) {
        return false;
    }
    size_t size = 0;
    if (*at == '-' || *at == '+') {
        number[size++] = (char)*at++;
    }
    const uint8_t *whole = at;
    while (is_digit(*at)) {
        number[size++] = (char)*at++;
    }
    // Writers under other locales than C have left a comma; OTP reads it, too.
    if (at == whole || (*at != '.' && *at != ',')) {
        return false;
    }
    const uint8_t *fraction = ++at;
    while (is_digit(*at)) {
        number[size++] = (char)*at++;
    }
    int digits = (int)(at - fraction), exponent = 0;
    bool negative = false;
    if (digits > 0 && (*at == 'e' || *at == 'E')) {
        at++;
        negative = *at == '-';
        at += *at == '-' || *at == '+';
        const uint8_t *first = at;
        for (; is_digit(*at); at++) {
            exponent = exponent < 100000 ? 10 * exponent + (*at - '0') : exponent;
        }
        if (at == first) {
            return false;
        }
    }
    if (digits == 0 || at != end) {
        return false;
    }
    snprintf(number + size, sizeof number - size, "e%d",
            (negative ? -exponent : exponent) - digits);
    *ret_value = strtod(number, NULL);
    return isfinite(*ret_value);
}

size_t kl_etf_utf8_of_latin1(
        uint8_t utf8[2 * KEEL_ATOM_CHARS_MAX], const uint8_t *latin1, size_t size)
{
    uint8_t *to = utf8;
    for (size_t i = 0; i < size; i++) {
        to += kl_utf8_put(to, latin1[i]);
    }
    return (size_t)(to - utf8);
}

bool kl_etf_atom_text_is_valid(const uint8_t *text, size_t size)
{
    uint8_t all = 0;
    for (size_t i = 0; i < size; i++) {
        all |= text[i];
    }
    size_t characters = size;
    return (all < 0x80 || kl_utf8_count(text, size, &characters)) &&
           characters <= KEEL_ATOM_CHARS_MAX;
}
