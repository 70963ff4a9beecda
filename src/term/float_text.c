#include "float_text.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A positive float as decimal digits: 0.DIGITS times ten to `point`.
struct decimal {
    char digits[20];
    int count;
    int point;
};

static void shortest(struct decimal *decimal, double value);
static size_t write_plain(char *to, const struct decimal *decimal);
static size_t write_scientific(char *to, const struct decimal *decimal);

size_t kl_float_text(char text[KL_FLOAT_TEXT_MAX], double value)
{
    size_t size = 0;
    if (signbit(value)) {
        text[size++] = '-';
        value = -value;
    }
    if (value == 0) {
        memcpy(text + size, "0.0", 3);
        return size + 3;
    }
    struct decimal decimal;
    shortest(&decimal, value);
    char plain[64];
    char scientific[KL_FLOAT_TEXT_MAX];
    size_t scientific_size = write_scientific(scientific, &decimal);
    // Zeros beyond the digits are worth as much as an exponent is long. From 2^53 on they
    // would pretend a precision that is not there.
    if (decimal.point >= -5 && decimal.point <= 22 && value < 0x1p53) {
        size_t plain_size = write_plain(plain, &decimal);
        if (plain_size <= scientific_size) {
            memcpy(text + size, plain, plain_size);
            return size + plain_size;
        }
    }
    memcpy(text + size, scientific, scientific_size);
    return size + scientific_size;
}

static size_t write_plain(char *to, const struct decimal *decimal)
{
    size_t size = 0;
    if (decimal->point <= 0) {
        to[size++] = '0';
        to[size++] = '.';
        for (int i = decimal->point; i < 0; i++) {
            to[size++] = '0';
        }
    }
    int zeros = decimal->point - decimal->count;
    for (int i = 0; i < decimal->count; i++) {
        if (i > 0 && i == decimal->point) {
            to[size++] = '.';
        }
        to[size++] = decimal->digits[i];
    }
    for (int i = 0; i < zeros; i++) {
        to[size++] = '0';
    }
    if (zeros >= 0) {
        to[size++] = '.';
        to[size++] = '0';
    }
    return size;
}

static size_t write_scientific(char *to, const struct decimal *decimal)
{
    size_t size = 0;
    to[size++] = decimal->digits[0];
    to[size++] = '.';
    if (decimal->count == 1) {
        to[size++] = '0';
    }
    memcpy(to + size, decimal->digits + 1, (size_t)decimal->count - 1);
    size += (size_t)decimal->count - 1;
    return size + (size_t)snprintf(to + size, 8, "e%d", decimal->point - 1);
}

// --- shortest digits ---

// The correctly rounded decimal of `digits` digits.
static void round_to(struct decimal *decimal, double value, int digits)
{
    // d?ddd…e±dd, where ? is whatever the locale has for a point.
    char text[48];
    snprintf(text, sizeof text, "%.*e", digits - 1, value);
    const char *exponent = strrchr(text, 'e');
    decimal->count = 0;
    for (const char *at = text; at < exponent; at++) {
        if (*at >= '0' && *at <= '9') {
            decimal->digits[decimal->count++] = *at;
        }
    }
    decimal->point = atoi(exponent + 1) + 1;
    while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0') {
        decimal->count--;
    }
}

static bool reads_back(const struct decimal *decimal, double value)
{
    double read;
    return kl_float_from_digits(decimal->digits, (size_t)decimal->count,
                   decimal->point - decimal->count, &read) &&
           read == value;
}

// The next larger decimal of as many digits; false when there is none.
static bool next_up(struct decimal *decimal, int digits)
{
    while (decimal->count < digits) {
        decimal->digits[decimal->count++] = '0';
    }
    for (int i = digits; i-- > 0;) {
        if (decimal->digits[i] < '9') {
            decimal->digits[i]++;
            return true;
        }
        decimal->digits[i] = '0';
    }
    return false;
}

// The decimal of the fewest digits that reads back as `value`, and of those the nearest.
static void shortest(struct decimal *decimal, double value)
{
    // A float of the normal range that has a decimal of up to 15 digits is given back by
    // rounding to 15, with zeros at the end. Below that range any number may be enough.
    int digits = value < 0x1p-1022 ? 1 : 15;
    // A power of two has its lower neighbour twice as near as its upper one: then the
    // nearest decimal may read back as the lower while the one above it does not.
    int exponent;
    bool power_of_two = frexp(value, &exponent) == 0.5;
    for (;; digits++) {
        round_to(decimal, value, digits);
        if (digits >= 17 || reads_back(decimal, value)) {
            return;
        }
        if (power_of_two) {
            struct decimal above = *decimal;
            if (next_up(&above, digits) && reads_back(&above, value)) {
                *decimal = above;
                return;
            }
        }
    }
}

// --- reading digits ---

bool kl_float_from_digits(
        const char *digits, size_t count, long exponent, double *ret_value)
{
    // More digits than these matter only by being there: all further ones count as a single
    // digit that is not zero.
    enum { DIGITS_MAX = 800 };
    char text[DIGITS_MAX + 32];
    while (count > 0 && *digits == '0') {
        digits++;
        count--;
    }
    size_t used = count < DIGITS_MAX ? count : DIGITS_MAX;
    memcpy(text, digits, used);
    exponent += (long)(count - used);
    for (size_t i = DIGITS_MAX; i < count; i++) {
        if (digits[i] != '0') {
            text[used++] = '1';
            exponent--;
            break;
        }
    }
    if (used == 0) {
        *ret_value = 0;
        return true;
    }
    // An integer with an exponent needs no point, which would be the locale's.
    snprintf(text + used, sizeof text - used, "e%ld", exponent);
    *ret_value = strtod(text, NULL);
    return isfinite(*ret_value);
}
