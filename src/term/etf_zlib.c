#include "etf.h"

#include <zlib.h>

// Compressed terms with zlib. Its memory comes from the host's hooks as all of ours does;
// they want to know the size on freeing, which zlib does not say, so it lies before.

enum { SIZE_BEFORE = 16 };

static void *allocate(void *context, unsigned items, unsigned item_bytes)
{
    (void)context;
    size_t bytes = (size_t)items * item_bytes + SIZE_BEFORE;
    uint8_t *memory = kl_alloc(bytes);
    if (!memory) {
        return NULL;
    }
    memcpy(memory, &bytes, sizeof bytes);
    return memory + SIZE_BEFORE;
}

static void release(void *context, void *memory)
{
    (void)context;
    uint8_t *start = (uint8_t *)memory - SIZE_BEFORE;
    size_t bytes;
    memcpy(&bytes, start, sizeof bytes);
    kl_free(start, bytes);
}

// zlib counts in 32 bits; so do the sizes of compressed terms.
static unsigned clamp(size_t bytes)
{
    return bytes > UINT32_MAX ? UINT32_MAX : (unsigned)bytes;
}

keel_status kl_etf_deflate(int level, const uint8_t *from, size_t size, uint8_t *to,
        size_t room, size_t *ret_size)
{
    z_stream stream = {.zalloc = allocate,
            .zfree = release,
            .next_in = (Bytef *)(uintptr_t)from,
            .avail_in = clamp(size),
            .next_out = to,
            .avail_out = clamp(room)};
    if (size > UINT32_MAX) {
        return KEEL_E_TOO_LARGE;
    }
    if (deflateInit(&stream, level) != Z_OK) {
        return KEEL_E_NOMEM;
    }
    bool is_done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    *ret_size = (size_t)stream.total_out;
    deflateEnd(&stream);
    return is_done ? KEEL_OK : KEEL_E_TOO_LARGE;
}

keel_status kl_etf_inflate(
        const uint8_t *from, size_t from_size, uint8_t *to, size_t size, size_t *ret_used)
{
    z_stream stream = {.zalloc = allocate,
            .zfree = release,
            .next_in = (Bytef *)(uintptr_t)from,
            .avail_in = clamp(from_size),
            .next_out = to,
            .avail_out = clamp(size)};
    if (inflateInit(&stream) != Z_OK) {
        return KEEL_E_NOMEM;
    }
    int result = inflate(&stream, Z_FINISH);
    bool is_exact = result == Z_STREAM_END && stream.avail_out == 0;
    *ret_used = (size_t)stream.total_in;
    inflateEnd(&stream);
    return is_exact ? KEEL_OK : result == Z_MEM_ERROR ? KEEL_E_NOMEM : KEEL_E_MALFORMED;
}
