#include "flags.h"
#include "frame.h"
#include "testing/harness.h"
#include "wire.h"
#include <stdlib.h>

// Everything that a writer gives, in one buffer.
struct sent {
    uint8_t *data;
    size_t size;
    unsigned frames;
};

static struct sent write_all(enum kl_frame_form form, const char *control,
        size_t control_size, const void *payload, size_t payload_size)
{
    struct iovec control_bytes = {(void *)(uintptr_t)control, control_size};
    struct iovec payload_bytes = {(void *)(uintptr_t)payload, payload_size};
    struct kl_frame_writer writer;
    CHECK_OK(kl_frame_write(&writer, form, 0x0102030405060708, &control_bytes,
            payload ? &payload_bytes : NULL));
    size_t remaining = kl_frame_remaining(&writer);
    struct sent sent = {.data = malloc(remaining)};
    uint8_t head[KL_FRAME_HEAD_MAX];
    struct iovec pieces[KL_FRAME_IOVECS];
    for (unsigned count; (count = kl_frame_next(&writer, head, pieces)) > 0;) {
        for (unsigned i = 0; i < count; i++) {
            CHECK(sent.size + pieces[i].iov_len <= remaining);
            memcpy(sent.data + sent.size, pieces[i].iov_base, pieces[i].iov_len);
            sent.size += pieces[i].iov_len;
        }
        sent.frames++;
        CHECK_INT(kl_frame_remaining(&writer), remaining - sent.size);
    }
    CHECK_INT(sent.size, remaining);
    return sent;
}

static void expect(struct sent sent, const char *expected, size_t size)
{
    CHECK_INT(sent.size, size);
    CHECK(memcmp(sent.data, expected, size) == 0);
    free(sent.data);
}
#define EXPECT(sent, text) expect(sent, text, sizeof(text) - 1)

TEST("the form of frames follows from the flags agreed")
{
    uint64_t otp = 0xD07DF7FBD;
    uint64_t agreed = kl_dist_flags_agreed(kl_dist_flags_offered(true), otp);
    CHECK_INT(kl_frame_form_of(agreed), KL_FRAME_HEADER);
    CHECK_INT(kl_frame_form_of(agreed & ~KL_FLAG_FRAGMENTS), KL_FRAME_PASS_THROUGH);
}

TEST("pass-through frames have a version byte before each term")
{
    EXPECT(write_all(KL_FRAME_PASS_THROUGH, "con", 3, "pay", 3), "\0\0\0\x09\x70\x83"
                                                                 "con"
                                                                 "\x83"
                                                                 "pay");
    EXPECT(write_all(KL_FRAME_PASS_THROUGH, "con", 3, NULL, 0), "\0\0\0\x05\x70\x83"
                                                                "con");
}

TEST("frames with a header have none")
{
    EXPECT(write_all(KL_FRAME_HEADER, "con", 3, "pay", 3), "\0\0\0\x09\x83\x44\0"
                                                           "conpay");
    EXPECT(write_all(KL_FRAME_HEADER, "con", 3, NULL, 0), "\0\0\0\x06\x83\x44\0"
                                                          "con");
}

TEST("a long message is cut, and its parts are counted down to one")
{
    size_t size = 2 * KL_FRAME_PART_BYTES;
    uint8_t *payload = malloc(size);
    for (size_t i = 0; i < size; i++) {
        payload[i] = (uint8_t)(i % 251);
    }
    struct sent sent = write_all(KL_FRAME_HEADER, "con", 3, payload, size);
    CHECK_INT(sent.frames, 3);
    const uint8_t *at = sent.data;
    CHECK_INT(kl_wire_get_32(at), 2 + 16 + 1 + KL_FRAME_PART_BYTES);
    CHECK(memcmp(at + 4,
                  "\x83\x45\1\2\3\4\5\6\7\x08\0\0\0\0\0\0\0\3\0"
                  "con",
                  22) == 0);
    CHECK(memcmp(at + 26, payload, KL_FRAME_PART_BYTES - 3) == 0);
    at += 4 + kl_wire_get_32(at);
    CHECK_INT(kl_wire_get_32(at), 2 + 16 + KL_FRAME_PART_BYTES);
    CHECK(memcmp(at + 4, "\x83\x46\1\2\3\4\5\6\7\x08\0\0\0\0\0\0\0\2", 18) == 0);
    CHECK(memcmp(at + 22, payload + KL_FRAME_PART_BYTES - 3, KL_FRAME_PART_BYTES) == 0);
    at += 4 + kl_wire_get_32(at);
    CHECK_INT(kl_wire_get_32(at), 2 + 16 + 3);
    CHECK(memcmp(at + 4, "\x83\x46\1\2\3\4\5\6\7\x08\0\0\0\0\0\0\0\1", 18) == 0);
    CHECK(memcmp(at + 22, payload + size - 3, 3) == 0);
    free(sent.data);

    sent = write_all(KL_FRAME_HEADER, "con", 3, payload, KL_FRAME_PART_BYTES - 3);
    CHECK_INT(sent.frames, 1);
    CHECK_INT(sent.data[5], 68);
    free(sent.data);
    sent = write_all(KL_FRAME_HEADER, "con", 3, payload, KL_FRAME_PART_BYTES - 2);
    CHECK_INT(sent.frames, 2);
    free(sent.data);
    sent = write_all(KL_FRAME_PASS_THROUGH, "con", 3, payload, size);
    CHECK_INT(sent.frames, 1);
    free(sent.data);
    free(payload);
}

TEST("a control term is never cut, however long")
{
    size_t size = KL_FRAME_PART_BYTES + 100;
    char *control = calloc(1, size);
    struct sent sent = write_all(KL_FRAME_HEADER, control, size, NULL, 0);
    CHECK_INT(sent.frames, 1);
    free(sent.data);
    sent = write_all(KL_FRAME_HEADER, control, size, "pay", 3);
    CHECK_INT(sent.frames, 2);
    CHECK_INT(kl_wire_get_32(sent.data), 2 + 16 + 1 + size);
    free(sent.data);
    free(control);
}

TEST("what no length of 32 bits can tell is refused")
{
    char text[] = "con";
    struct iovec control = {text, 3}, payload = {text, UINT32_MAX - 20};
    struct kl_frame_writer writer;
    CHECK_INT(kl_frame_write(&writer, KL_FRAME_PASS_THROUGH, 1, &control, &payload),
            KEEL_E_TOO_LARGE);
    CHECK_OK(kl_frame_write(&writer, KL_FRAME_HEADER, 1, &control, &payload));
    control.iov_len = UINT32_MAX;
    CHECK_INT(
            kl_frame_write(&writer, KL_FRAME_HEADER, 1, &control, NULL), KEEL_E_TOO_LARGE);
}

TEST("the length of a frame is four bytes")
{
    uint32_t length = 7;
    const uint8_t data[] = {1, 2, 3, 4};
    CHECK(!kl_frame_length(data, 3, &length));
    CHECK_INT(length, 7);
    CHECK(kl_frame_length(data, 4, &length));
    CHECK_INT(length, 0x01020304);
}
