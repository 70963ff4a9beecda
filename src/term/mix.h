#ifndef KL_TERM_MIX_H
#define KL_TERM_MIX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Mixing words into a 64-bit hash: the two halves of a full product folded together. For
// hash tables of this program only; nothing that is written down depends on it.

static inline uint64_t kl_mix(uint64_t hash, uint64_t word)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)(hash ^ word ^ 0x2d358dccaa6c78a5u) * (word ^ 0x8bb84b93962eacc9u);
    return (uint64_t)product ^ (uint64_t)(product >> 64) ^ hash << 1;
}

static inline uint64_t kl_mix_bytes(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *at = data;
    hash = kl_mix(hash, size);
    while (size >= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = kl_mix(hash, word);
        at += 8;
        size -= 8;
    }
    if (size > 0) {
        uint64_t word = 0;
        memcpy(&word, at, size);
        hash = kl_mix(hash, word);
    }
    return hash;
}

#endif // KL_TERM_MIX_H
