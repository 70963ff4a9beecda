// Packets in a stream.

#include "socket.h"
#include "testing/harness.h"
#include <string.h>

static size_t offset, size, whole;

static enum kl_packet_state find(
        keel_packet packet, const char *data, size_t used, size_t wanted)
{
    return kl_packet_find(packet, data, used, wanted, 10, &offset, &size, &whole);
}

TEST("raw: what is there, or as much as is wanted")
{
    CHECK_INT(find(KEEL_PACKET_RAW, NULL, 0, 0), KL_PACKET_PART);
    CHECK_INT(whole, 1);
    CHECK_INT(find(KEEL_PACKET_RAW, "abc", 3, 0), KL_PACKET_WHOLE);
    CHECK(offset == 0 && size == 3 && whole == 3);
    CHECK_INT(find(KEEL_PACKET_RAW, "abc", 3, 2), KL_PACKET_WHOLE);
    CHECK(size == 2 && whole == 2);
    CHECK_INT(find(KEEL_PACKET_RAW, "abc", 3, 5), KL_PACKET_PART);
    CHECK_INT(whole, 5);
}

TEST("lines end with their newline, and have a limit")
{
    CHECK_INT(find(KEEL_PACKET_LINE, "ab\ncd", 5, 0), KL_PACKET_WHOLE);
    CHECK(offset == 0 && size == 3 && whole == 3);
    CHECK_INT(find(KEEL_PACKET_LINE, "abc", 3, 0), KL_PACKET_PART);
    CHECK_INT(find(KEEL_PACKET_LINE, NULL, 0, 0), KL_PACKET_PART);
    CHECK_INT(find(KEEL_PACKET_LINE, "123456789\n", 10, 0), KL_PACKET_WHOLE);
    CHECK_INT(find(KEEL_PACKET_LINE, "1234567890\n", 11, 0), KL_PACKET_TOO_LARGE);
    CHECK_INT(find(KEEL_PACKET_LINE, "1234567890", 10, 0), KL_PACKET_TOO_LARGE);
}

TEST("a length stands before the packet, big-endian, of one, two or four bytes")
{
    CHECK_INT(find(KEEL_PACKET_1, "\x02xyz", 4, 0), KL_PACKET_WHOLE);
    CHECK(offset == 1 && size == 2 && whole == 3);
    CHECK_INT(find(KEEL_PACKET_2, "\0\x03xyz", 5, 0), KL_PACKET_WHOLE);
    CHECK(offset == 2 && size == 3 && whole == 5);
    CHECK_INT(find(KEEL_PACKET_4, "\0\0\0\x00", 4, 0), KL_PACKET_WHOLE);
    CHECK(offset == 4 && size == 0 && whole == 4);
    CHECK_INT(find(KEEL_PACKET_2, "\0", 1, 0), KL_PACKET_PART);
    CHECK_INT(whole, 2);
    CHECK_INT(find(KEEL_PACKET_2, "\0\x0axyz", 5, 0), KL_PACKET_PART);
    CHECK_INT(whole, 12);
    CHECK_INT(find(KEEL_PACKET_2, "\0\x0bxyz", 5, 0), KL_PACKET_TOO_LARGE);
    CHECK_INT(find(KEEL_PACKET_4, "\xff\xff\xff\xff", 4, 0), KL_PACKET_TOO_LARGE);
}

TEST("headers are made when the length fits")
{
    char header[4];
    CHECK_INT(kl_packet_header(KEEL_PACKET_RAW, 1000000, header), 0);
    CHECK_INT(kl_packet_header(KEEL_PACKET_LINE, 1000000, header), 0);
    CHECK_INT(kl_packet_header(KEEL_PACKET_1, 255, header), 1);
    CHECK_INT((uint8_t)header[0], 255);
    CHECK_INT(kl_packet_header(KEEL_PACKET_1, 256, header), -1);
    CHECK_INT(kl_packet_header(KEEL_PACKET_2, 0x102, header), 2);
    CHECK(header[0] == 1 && header[1] == 2);
    CHECK_INT(kl_packet_header(KEEL_PACKET_2, 65536, header), -1);
    CHECK_INT(kl_packet_header(KEEL_PACKET_4, 0x01020304, header), 4);
    CHECK(memcmp(header, "\1\2\3\4", 4) == 0);
}
