#include "md5.h"
#include <endian.h>
#include <string.h>

// The sines of 1 to 64, as RFC 1321 has them: floor(2^32 * |sin(i)|).
static const uint32_t sines[64] = {0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee,
        0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1,
        0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340,
        0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6,
        0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
        0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60,
        0xbebfbc70, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5,
        0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3,
        0x8f0ccc92, 0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
        0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
static const uint8_t turns[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t rotate(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

// One step: what it mixes in of b, c and d, and which word of the block, by its round.
static uint32_t mix(unsigned step, uint32_t b, uint32_t c, uint32_t d, unsigned *ret_word)
{
    switch (step / 16) {
    case 0:
        *ret_word = step;
        return (b & c) | (~b & d);
    case 1:
        *ret_word = (5 * step + 1) % 16;
        return (b & d) | (c & ~d);
    case 2:
        *ret_word = (3 * step + 5) % 16;
        return b ^ c ^ d;
    default:
        *ret_word = 7 * step % 16;
        return c ^ (b | ~d);
    }
}

static void add_block(uint32_t state[4], const uint8_t block[64])
{
    uint32_t words[16];
    memcpy(words, block, sizeof words);
    for (unsigned i = 0; i < 16; i++) {
        words[i] = le32toh(words[i]);
    }

    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    for (unsigned step = 0; step < 64; step++) {
        unsigned word;
        uint32_t mixed = a + mix(step, b, c, d, &word) + sines[step] + words[word];
        a = d;
        d = c;
        c = b;
        b += rotate(mixed, turns[step / 16][step % 4]);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void kl_md5_init(struct kl_md5 *md5)
{
    *md5 = (struct kl_md5){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
}

void kl_md5_add(struct kl_md5 *md5, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size > 0) {
        size_t filled = md5->size % sizeof md5->block;
        size_t taken = sizeof md5->block - filled;
        if (taken > size) {
            taken = size;
        }
        memcpy(md5->block + filled, at, taken);
        md5->size += taken;
        at += taken;
        size -= taken;
        if (filled + taken == sizeof md5->block) {
            add_block(md5->state, md5->block);
        }
    }
}

void kl_md5_done(struct kl_md5 *md5, uint8_t ret_digest[KL_MD5_BYTES])
{
    static const uint8_t padding[64] = {0x80};
    uint64_t bits = htole64(md5->size * 8);
    size_t filled = md5->size % 64;
    kl_md5_add(md5, padding, (filled < 56 ? 56 : 120) - filled);
    kl_md5_add(md5, &bits, sizeof bits);
    for (unsigned i = 0; i < 4; i++) {
        uint32_t word = htole32(md5->state[i]);
        memcpy(ret_digest + i * sizeof word, &word, sizeof word);
    }
    explicit_bzero(md5, sizeof *md5);
}
