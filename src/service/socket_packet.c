// Packets in a stream, as pure functions.

#include "socket.h"
#include <string.h>

static size_t header_bytes(keel_packet packet)
{
    return packet == KEEL_PACKET_1   ? 1
           : packet == KEEL_PACKET_2 ? 2
           : packet == KEEL_PACKET_4 ? 4
                                     : 0;
}

static enum kl_packet_state find_line(
        const char *data, size_t used, size_t limit, size_t *ret_size, size_t *ret_whole)
{
    const char *end = used > 0 ? memchr(data, '\n', used) : NULL;
    *ret_whole = end != NULL ? (size_t)(end - data) + 1 : used + 1;
    *ret_size = *ret_whole;
    if (*ret_whole > limit) {
        return KL_PACKET_TOO_LARGE;
    }
    return end != NULL ? KL_PACKET_WHOLE : KL_PACKET_PART;
}

enum kl_packet_state kl_packet_find(keel_packet packet, const char *data, size_t used,
        size_t wanted, size_t limit, size_t *ret_offset, size_t *ret_size,
        size_t *ret_whole)
{
    *ret_offset = header_bytes(packet);
    if (packet == KEEL_PACKET_LINE) {
        return find_line(data, used, limit, ret_size, ret_whole);
    }
    if (packet == KEEL_PACKET_RAW) {
        *ret_size = wanted != 0 ? wanted : used;
        *ret_whole = wanted != 0 ? wanted : used > 0 ? used : 1;
        return used >= *ret_whole ? KL_PACKET_WHOLE : KL_PACKET_PART;
    }
    size_t length = 0;
    for (size_t i = 0; i < *ret_offset && i < used; i++) {
        length = length << 8 | (uint8_t)data[i];
    }
    if (used < *ret_offset) {
        *ret_whole = *ret_offset;
        return KL_PACKET_PART;
    }
    *ret_size = length;
    *ret_whole = *ret_offset + length;
    if (length > limit) {
        return KL_PACKET_TOO_LARGE;
    }
    return used >= *ret_whole ? KL_PACKET_WHOLE : KL_PACKET_PART;
}

int kl_packet_header(keel_packet packet, size_t size, char header[4])
{
    size_t bytes = header_bytes(packet);
    if (bytes > 0 && size >= (uint64_t)1 << (8 * bytes)) {
        return -1;
    }
    for (size_t i = 0; i < bytes && i < 4; i++) {
        header[i] = (char)(size >> (8 * (bytes - 1 - i)));
    }
    return (int)bytes;
}
