#include "bignum.h"

#include "heap.h"
#include <math.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

static size_t trim(const uint64_t *limbs, size_t count)
{
    while (count > 0 && limbs[count - 1] == 0) {
        count--;
    }
    return count;
}

// True, and the term, when the magnitude fits a small integer.
static bool make_small(bool negative, const uint64_t *limbs, size_t count, keel_term *ret)
{
    uint64_t magnitude = count > 0 ? limbs[0] : 0;
    if (count > 1 || magnitude > (uint64_t)KL_SMALL_MAX + negative) {
        return false;
    }
    *ret = kl_small(negative ? -(int64_t)magnitude : (int64_t)magnitude);
    return true;
}

keel_term kl_big_make(
        struct kl_heap *heap, bool negative, const uint64_t *limbs, size_t count)
{
    keel_term term;
    count = trim(limbs, count);
    if (make_small(negative, limbs, count, &term)) {
        return term;
    }
    struct kl_big *big = kl_heap_alloc(heap, sizeof *big + count * sizeof *limbs);
    if (!big) {
        return KEEL_NONE;
    }
    big->header = kl_header(KL_KIND_BIG, count) | (negative ? KL_HEADER_NEGATIVE : 0);
    memcpy(big->limb, limbs, count * sizeof *limbs);
    return kl_boxed(big);
}

uint64_t *kl_big_write(uint64_t *at, bool negative, const uint8_t *magnitude, size_t size,
        keel_term *ret_term)
{
    while (size > 0 && magnitude[size - 1] == 0) {
        size--;
    }
    if (size == 0) {
        *ret_term = kl_small(0);
        return at;
    }
    if (size <= sizeof(uint64_t)) {
        uint64_t limb = 0;
        memcpy(&limb, magnitude, size);
        if (make_small(negative, &limb, 1, ret_term)) {
            return at;
        }
    }
    struct kl_big *big = (struct kl_big *)at;
    size_t count = (size + 7) / 8;
    big->header = kl_header(KL_KIND_BIG, count) | (negative ? KL_HEADER_NEGATIVE : 0);
    big->limb[count - 1] = 0;
    memcpy(big->limb, magnitude, size);
    *ret_term = kl_boxed(big);
    return big->limb + count;
}

keel_term keel_int_from_bytes(bool negative, const uint8_t *magnitude, size_t size)
{
    if (!magnitude && size > 0) {
        return KEEL_NONE;
    }
    while (size > 0 && magnitude[size - 1] == 0) {
        size--;
    }
    if (size == 0) {
        return kl_small(0);
    }
    keel_term term;
    uint64_t limb = 0;
    if (size <= sizeof limb) {
        memcpy(&limb, magnitude, size);
        return kl_big_make(kl_heap_current(), negative, &limb, 1);
    }
    uint64_t *at = kl_heap_alloc(kl_heap_current(), 8 + (size + 7) / 8 * 8);
    if (!at) {
        return KEEL_NONE;
    }
    kl_big_write(at, negative, magnitude, size, &term);
    return term;
}

int kl_big_compare(keel_term left, keel_term right)
{
    bool negative = kl_big_negative(left);
    if (negative != kl_big_negative(right)) {
        return negative ? -1 : 1;
    }
    int sign = negative ? -1 : 1;
    size_t count = kl_big_limbs(left);
    if (count != kl_big_limbs(right)) {
        return count < kl_big_limbs(right) ? -sign : sign;
    }
    const uint64_t *a = kl_big(left)->limb;
    const uint64_t *b = kl_big(right)->limb;
    while (count-- > 0) {
        if (a[count] != b[count]) {
            return a[count] < b[count] ? -sign : sign;
        }
    }
    return 0;
}

// The highest 64 bits of a magnitude, its length in bits, and whether any bit below is set.
static uint64_t leading_bits(
        const uint64_t *limbs, size_t count, size_t *ret_bits, bool *ret_more)
{
    unsigned empty = (unsigned)__builtin_clzll(limbs[count - 1]);
    uint64_t lead = limbs[count - 1] << empty;
    bool more = false;
    size_t below = count - 1;
    if (empty > 0 && count > 1) {
        lead |= limbs[count - 2] >> (64 - empty);
        more = limbs[count - 2] << empty != 0;
        below--;
    }
    for (size_t i = 0; i < below && !more; i++) {
        more = limbs[i] != 0;
    }
    *ret_bits = count * 64 - empty;
    *ret_more = more;
    return lead;
}

int kl_int_compare_double(keel_term integer, double value)
{
    if (kl_is_small(integer)) {
        // Beyond a small integer's range the sign decides; inside it the value cut to an
        // integer is exact, and so is what was cut off.
        if (value >= 0x1p62 || value < -0x1p62) {
            return value < 0 ? 1 : -1;
        }
        int64_t small = kl_small_value(integer);
        int64_t whole = (int64_t)value;
        if (small != whole) {
            return small < whole ? -1 : 1;
        }
        double rest = value - (double)whole;
        return rest > 0 ? -1 : rest < 0 ? 1 : 0;
    }

    bool negative = kl_big_negative(integer);
    int sign = negative ? -1 : 1;
    if (value == 0 || negative != (value < 0)) {
        return sign;
    }
    int exponent;
    double fraction = frexp(fabs(value), &exponent);
    size_t bits;
    bool more;
    uint64_t lead = leading_bits(
            kl_big(integer)->limb, kl_big_limbs(integer), &bits, &more);
    if (exponent < 0 || (size_t)exponent != bits) {
        return exponent < 0 || (size_t)exponent < bits ? sign : -sign;
    }
    uint64_t digits = (uint64_t)ldexp(fraction, 64);
    if (lead != digits) {
        return lead < digits ? -sign : sign;
    }
    return more ? sign : 0;
}

bool kl_int_to_double(keel_term integer, double *ret_value)
{
    if (kl_is_small(integer)) {
        *ret_value = (double)kl_small_value(integer);
        return true;
    }
    size_t bits;
    bool more;
    uint64_t lead = leading_bits(
            kl_big(integer)->limb, kl_big_limbs(integer), &bits, &more);
    if (bits > 1024) {
        return false;
    }
    // The lowest of the 64 bits stands for all below it, so that the one rounding, from 64
    // to 53 bits, goes the right way.
    double value = ldexp((double)(lead | more), (int)bits - 64);
    *ret_value = kl_big_negative(integer) ? -value : value;
    return isfinite(value);
}

// --- text ---

// limbs = limbs * factor + add, growing by a limb when needed.
static size_t multiply_add(uint64_t *limbs, size_t count, uint64_t factor, uint64_t add)
{
    uint64_t carry = add;
    for (size_t i = 0; i < count; i++) {
        wide product = (wide)limbs[i] * factor + carry;
        limbs[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
    if (carry != 0) {
        limbs[count++] = carry;
    }
    return count;
}

// limbs = limbs / divisor; returns the remainder.
static uint64_t divide(uint64_t *limbs, size_t count, uint64_t divisor)
{
    uint64_t rest = 0;
    for (size_t i = count; i-- > 0;) {
        wide value = (wide)rest << 64 | limbs[i];
        limbs[i] = (uint64_t)(value / divisor);
        rest = (uint64_t)(value % divisor);
    }
    return rest;
}

size_t kl_limbs_for_digits(size_t digits, unsigned base)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(base - 1);
    return digits / 64 * bits + (digits % 64 * bits + 63) / 64 + 1;
}

static unsigned digit_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return (unsigned)(digit - '0');
    }
    return (unsigned)((digit | 0x20) - 'a') + 10;
}

size_t kl_limbs_from_digits(
        uint64_t *limbs, const char *digits, size_t count, unsigned base)
{
    size_t used = 0;
    size_t at = 0;
    while (at < count) {
        // As many digits at once as a word holds.
        uint64_t factor = 1;
        uint64_t value = 0;
        while (at < count && factor <= UINT64_MAX / base / base) {
            value = value * base + digit_value(digits[at++]);
            factor *= base;
        }
        used = multiply_add(limbs, used, factor, value);
    }
    return used;
}

char *kl_big_text(keel_term big, size_t *ret_size, size_t *ret_room)
{
    static const uint64_t step = 10000000000000000000u; // 19 digits
    size_t count = kl_big_limbs(big);
    // 19.27 digits a limb. The limbs to be divided lie in the same block, behind the text.
    size_t text_bytes = (count * 20 + 8) & ~(size_t)7;
    size_t room = text_bytes + count * sizeof(uint64_t);
    char *text = kl_alloc(room);
    if (!text) {
        return NULL;
    }
    uint64_t *limbs = (uint64_t *)(void *)(text + text_bytes);
    memcpy(limbs, kl_big(big)->limb, count * sizeof *limbs);

    char *at = text + text_bytes;
    while (count > 0) {
        uint64_t rest = divide(limbs, count, step);
        count = trim(limbs, count);
        for (int i = 0; i < 19 && (count > 0 || rest > 0); i++) {
            *--at = (char)('0' + rest % 10);
            rest /= 10;
        }
    }
    if (kl_big_negative(big)) {
        *--at = '-';
    }
    *ret_size = (size_t)(text + text_bytes - at);
    *ret_room = room;
    memmove(text, at, *ret_size);
    return text;
}
