#include "etf.h"

// In the place of etf_zlib.c in a build without zlib.

keel_status kl_etf_deflate(int level, const uint8_t *from, size_t size, uint8_t *to,
        size_t room, size_t *ret_size)
{
    (void)level, (void)from, (void)size, (void)to, (void)room, (void)ret_size;
    return KEEL_E_UNSUPPORTED;
}

keel_status kl_etf_inflate(
        const uint8_t *from, size_t from_size, uint8_t *to, size_t size, size_t *ret_used)
{
    (void)from, (void)from_size, (void)to, (void)size, (void)ret_used;
    return KEEL_E_UNSUPPORTED;
}
