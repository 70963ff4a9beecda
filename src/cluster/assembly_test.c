#include "assembly.h"
#include "testing/harness.h"
#include "wire.h"
#include <stdlib.h>

#define READ(assembly, text, ret)                                                          \
    kl_assembly_read(assembly, (const uint8_t *)(text), sizeof(text) - 1, ret)

static void expect_body(const struct kl_frame_message *message, const char *expected)
{
    CHECK_INT(message->size, strlen(expected));
    CHECK(memcmp(message->body, expected, message->size) == 0);
}

// A frame with one part of a message, in a buffer that the next call uses again.
static size_t part_of(uint8_t *at, bool first, uint64_t sequence, uint64_t left,
        const void *data, size_t size)
{
    uint8_t *end = kl_wire_put_8(at, 131);
    end = kl_wire_put_8(end, first ? 69 : 70);
    end = kl_wire_put_64(end, sequence);
    end = kl_wire_put_64(end, left);
    if (first) {
        end = kl_wire_put_8(end, 0);
    }
    return (size_t)(kl_wire_put_bytes(end, data, size) - at);
}

static enum kl_frame_event read_part(struct kl_assembly *assembly, bool first,
        uint64_t sequence, uint64_t left, const char *data, struct kl_frame_message *ret)
{
    uint8_t frame[200];
    size_t size = part_of(frame, first, sequence, left, data, strlen(data));
    return kl_assembly_read(assembly, frame, size, ret);
}

TEST("an empty frame is a tick, in both forms")
{
    struct kl_assembly assembly;
    struct kl_frame_message message;
    kl_assembly_init(&assembly, KL_FRAME_HEADER, NULL);
    CHECK_INT(READ(&assembly, "", &message), KL_FRAME_TICK);
    kl_assembly_init(&assembly, KL_FRAME_PASS_THROUGH, NULL);
    CHECK_INT(READ(&assembly, "", &message), KL_FRAME_TICK);
}

TEST("a whole message lies in its frame")
{
    struct kl_assembly assembly;
    struct kl_frame_message message;
    const uint8_t *payload;
    size_t size;
    kl_assembly_init(&assembly, KL_FRAME_HEADER, NULL);
    CHECK_INT(READ(&assembly,
                      "\x83\x44\0"
                      "conpay",
                      &message),
            KL_FRAME_MESSAGE);
    expect_body(&message, "conpay");
    CHECK(!message.block);
    CHECK(kl_assembly_payload(&assembly, &message, 3, &payload, &size));
    CHECK_INT(size, 3);
    CHECK(memcmp(payload, "pay", 3) == 0);
    CHECK(kl_assembly_payload(&assembly, &message, 6, &payload, &size));
    CHECK_INT(size, 0);
}

TEST("in pass-through form the payload has a version byte")
{
    struct kl_assembly assembly;
    struct kl_frame_message message;
    const uint8_t *payload;
    size_t size;
    kl_assembly_init(&assembly, KL_FRAME_PASS_THROUGH, NULL);
    CHECK_INT(READ(&assembly,
                      "\x70\x83"
                      "con\x83p",
                      &message),
            KL_FRAME_MESSAGE);
    CHECK(kl_assembly_payload(&assembly, &message, 3, &payload, &size));
    CHECK_INT(size, 1);
    CHECK_INT(*payload, 'p');
    CHECK(kl_assembly_payload(&assembly, &message, 5, &payload, &size));
    CHECK_INT(size, 0);
    CHECK(!kl_assembly_payload(&assembly, &message, 4, &payload, &size)); // a version alone
    CHECK(!kl_assembly_payload(&assembly, &message, 2, &payload, &size)); // none
}

static bool is_bad(enum kl_frame_form form, const char *frame, size_t size)
{
    struct kl_assembly assembly;
    struct kl_frame_message message;
    kl_assembly_init(&assembly, form, NULL);
    bool bad = kl_assembly_read(&assembly, (const uint8_t *)frame, size, &message) ==
               KL_FRAME_BAD;
    CHECK(!bad || assembly.why);
    CHECK_INT(assembly.pending_count, 0);
    return bad;
}

TEST("frames of another form than was agreed are refused")
{
#define BAD(form, text) CHECK(is_bad(KL_FRAME_##form, text, sizeof(text) - 1))
    BAD(HEADER, "\x83");
    BAD(HEADER, "\x83\x44");
    BAD(HEADER, "\x70\x83"
                "con");
    BAD(HEADER, "\x84\x44\0"
                "con");
    BAD(HEADER, "\x83\x43\0"
                "con");
    BAD(HEADER, "\x83\x44\1"
                "con"); // atoms of a cache
    BAD(HEADER, "\x83\x45\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\1"
                "con");
    BAD(HEADER, "\x83\x45\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2");
    BAD(HEADER, "\x83\x45\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0"
                "con"); // no part
    BAD(HEADER, "\x83\x46\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0");
    BAD(PASS_THROUGH, "\x70");
    BAD(PASS_THROUGH, "\x70\x44"
                      "con");
    BAD(PASS_THROUGH, "\x83\x44\0"
                      "con");
#undef BAD
}

TEST("parts become one message, between those of others")
{
    struct kl_assembly assembly;
    struct kl_frame_message message;
    kl_assembly_init(&assembly, KL_FRAME_HEADER, NULL);
    CHECK_INT(read_part(&assembly, true, 7, 3, "con", &message), KL_FRAME_PART);
    CHECK_INT(read_part(&assembly, true, 8, 2, "CON", &message), KL_FRAME_PART);
    CHECK_INT(READ(&assembly,
                      "\x83\x44\0"
                      "x",
                      &message),
            KL_FRAME_MESSAGE);
    CHECK_INT(READ(&assembly, "", &message), KL_FRAME_TICK);
    CHECK_INT(read_part(&assembly, false, 7, 2, "pa", &message), KL_FRAME_PART);
    CHECK_INT(read_part(&assembly, false, 8, 1, "PAY", &message), KL_FRAME_MESSAGE);
    expect_body(&message, "CONPAY");
    CHECK(message.block);
    kl_free(message.block, message.block_bytes);
    CHECK_INT(read_part(&assembly, false, 7, 1, "y", &message), KL_FRAME_MESSAGE);
    expect_body(&message, "conpay");
    kl_free(message.block, message.block_bytes);
    CHECK_INT(assembly.pending_count, 0);
    CHECK_INT(assembly.pending_bytes, 0);

    // A sequence is free for another message when its last part has come.
    CHECK_INT(read_part(&assembly, true, 7, 2, "a", &message), KL_FRAME_PART);
    kl_assembly_done(&assembly);
    CHECK_INT(assembly.pending_count, 0);
    CHECK_INT(assembly.pending_bytes, 0);
}

TEST("a message in one part is whole at once")
{
    struct kl_assembly assembly;
    struct kl_frame_message message;
    kl_assembly_init(&assembly, KL_FRAME_HEADER, NULL);
    CHECK_INT(READ(&assembly,
                      "\x83\x45\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\0"
                      "con",
                      &message),
            KL_FRAME_MESSAGE);
    expect_body(&message, "con");
    CHECK(!message.block);
    CHECK_INT(assembly.pending_count, 0);
}

TEST("a part that is not the one due is refused")
{
    struct kl_assembly assembly;
    struct kl_frame_message message;
    kl_assembly_init(&assembly, KL_FRAME_HEADER, NULL);
    CHECK_INT(read_part(&assembly, false, 7, 2, "con", &message), KL_FRAME_BAD);
    CHECK_INT(read_part(&assembly, true, 7, 4, "con", &message), KL_FRAME_PART);
    CHECK_INT(read_part(&assembly, false, 7, 2, "con", &message), KL_FRAME_BAD);
    CHECK_INT(read_part(&assembly, false, 7, 4, "con", &message), KL_FRAME_BAD);
    CHECK_INT(read_part(&assembly, false, 7, 0, "con", &message), KL_FRAME_BAD);
    CHECK_INT(read_part(&assembly, false, 8, 3, "con", &message), KL_FRAME_BAD);
    CHECK_INT(read_part(&assembly, true, 7, 3, "con", &message), KL_FRAME_BAD);
    CHECK_STR(assembly.why, "a message in parts starts twice");
    kl_assembly_done(&assembly);
}

TEST("long messages grow and keep every byte")
{
    enum { PART = 60000, PARTS = 20 };
    static uint8_t frame[PART + 40], data[PART];
    struct kl_assembly assembly;
    struct kl_frame_message message;
    kl_assembly_init(&assembly, KL_FRAME_HEADER, NULL);
    enum kl_frame_event event = KL_FRAME_PART;
    for (int i = 0; i < PARTS; i++) {
        CHECK_INT(event, KL_FRAME_PART);
        memset(data, i, PART);
        size_t size = part_of(frame, i == 0, 1, (uint64_t)(PARTS - i), data, PART);
        event = kl_assembly_read(&assembly, frame, size, &message);
    }
    CHECK_INT(event, KL_FRAME_MESSAGE);
    CHECK_INT(message.size, PART * PARTS);
    for (size_t i = 0; i < message.size; i++) {
        CHECK_INT(message.body[i], i / PART);
    }
    kl_free(message.block, message.block_bytes);
}

TEST("limits that are not given have defaults")
{
    struct kl_frame_limits limits = kl_frame_limits_or_default(
            &(struct kl_frame_limits){.frame_bytes = 5});
    CHECK_INT(limits.frame_bytes, 5);
    CHECK_INT(limits.message_bytes, 64 << 20);
    CHECK_INT(limits.pending_bytes, 128 << 20);
    CHECK_INT(limits.pending_count, 1024);
}

TEST("a frame beyond the limit is refused")
{
    struct kl_assembly assembly;
    struct kl_frame_message message;
    kl_assembly_init(
            &assembly, KL_FRAME_HEADER, &(struct kl_frame_limits){.frame_bytes = 6});
    CHECK_INT(READ(&assembly,
                      "\x83\x44\0"
                      "con",
                      &message),
            KL_FRAME_MESSAGE);
    CHECK_INT(READ(&assembly,
                      "\x83\x44\0"
                      "cons",
                      &message),
            KL_FRAME_BAD);
}

TEST("a message in parts may be as long as its limit, and not longer")
{
    for (int longer = 0; longer < 2; longer++) {
        struct kl_assembly assembly;
        struct kl_frame_message message;
        kl_assembly_init(
                &assembly, KL_FRAME_HEADER, &(struct kl_frame_limits){.message_bytes = 6});
        CHECK_INT(read_part(&assembly, true, 1, 3, "con", &message), KL_FRAME_PART);
        CHECK_INT(read_part(&assembly, false, 1, 2, "pay", &message), KL_FRAME_PART);
        enum kl_frame_event event = read_part(
                &assembly, false, 1, 1, longer ? "s" : "", &message);
        CHECK_INT(event, longer ? KL_FRAME_BAD : KL_FRAME_MESSAGE);
        if (!longer) {
            kl_free(message.block, message.block_bytes);
        }
        kl_assembly_done(&assembly);
        CHECK_INT(assembly.pending_bytes, 0);
    }
}

TEST("messages that are not whole take bounded memory together")
{
    struct kl_assembly assembly;
    struct kl_frame_message message;
    struct kl_frame_limits limits = {.message_bytes = 100, .pending_bytes = 250};
    kl_assembly_init(&assembly, KL_FRAME_HEADER, &limits);
    CHECK_INT(read_part(&assembly, true, 1, 1000, "a", &message), KL_FRAME_PART);
    CHECK_INT(read_part(&assembly, true, 2, 1000, "a", &message), KL_FRAME_PART);
    CHECK_INT(assembly.pending_bytes, 200);
    CHECK_INT(read_part(&assembly, true, 3, 1000, "a", &message), KL_FRAME_BAD);
    CHECK_STR(assembly.why, "messages in parts take more memory than the limit");
    kl_assembly_done(&assembly);
}

TEST("messages that are not whole are bounded in number, empty ones too")
{
    struct kl_assembly assembly;
    struct kl_frame_message message;
    kl_assembly_init(&assembly, KL_FRAME_HEADER, NULL);
    for (uint64_t i = 0; i < 1024; i++) {
        CHECK_INT(read_part(&assembly, true, i, UINT64_MAX, "", &message), KL_FRAME_PART);
    }
    CHECK_INT(read_part(&assembly, true, 5000, 2, "", &message), KL_FRAME_BAD);
    kl_assembly_done(&assembly);
    CHECK_INT(assembly.pending_count, 0);
}
