#include "frame.h"
#include "flags.h"
#include "frame_tags.h"
#include "wire.h"

enum { LENGTH_BYTES = 4 };

enum kl_frame_form kl_frame_form_of(uint64_t agreed)
{
    return agreed & KL_FLAG_FRAGMENTS ? KL_FRAME_HEADER : KL_FRAME_PASS_THROUGH;
}

static size_t least(size_t left, size_t right)
{
    return left < right ? left : right;
}

keel_status kl_frame_write(struct kl_frame_writer *writer, enum kl_frame_form form,
        uint64_t sequence, const struct iovec *control, const struct iovec *payload)
{
    *writer = (struct kl_frame_writer){
            .form = form,
            .sequence = sequence,
            .left = 1,
            .control = control->iov_base,
            .control_size = control->iov_len,
            .payload = payload ? payload->iov_base : NULL,
            .payload_size = payload ? payload->iov_len : 0,
    };

    // The control term stands in the first part as a whole. The others have none, and the
    // first has as much of the payload as fits beside it.
    size_t first = KL_FRAME_PART_BYTES - least(writer->control_size, KL_FRAME_PART_BYTES);
    if (form == KL_FRAME_PASS_THROUGH || writer->payload_size <= first) {
        first = writer->payload_size;
    }
    uint64_t rest = writer->payload_size - first;
    writer->left += (rest + KL_FRAME_PART_BYTES - 1) / KL_FRAME_PART_BYTES;
    writer->piece = first;
    if (writer->control_size > UINT32_MAX - KL_FRAME_HEAD_MAX ||
            first > UINT32_MAX - KL_FRAME_HEAD_MAX - writer->control_size) {
        return KEEL_E_TOO_LARGE;
    }
    return KEEL_OK;
}

// Writes what stands before the terms, but for the length.
static uint8_t *put_head(const struct kl_frame_writer *writer, uint8_t *at)
{
    if (writer->form == KL_FRAME_PASS_THROUGH) {
        at = kl_wire_put_8(at, KL_FRAME_TAG_PASS_THROUGH);
        return kl_wire_put_8(at, KL_FRAME_TAG_VERSION);
    }

    at = kl_wire_put_8(at, KL_FRAME_TAG_VERSION);
    if (!writer->started && writer->left == 1) {
        at = kl_wire_put_8(at, KL_FRAME_TAG_HEADER);
        return kl_wire_put_8(at, 0); // no atoms are cached
    }
    at = kl_wire_put_8(at, writer->started ? KL_FRAME_TAG_PART : KL_FRAME_TAG_FIRST_PART);
    at = kl_wire_put_64(at, writer->sequence);
    at = kl_wire_put_64(at, writer->left);
    return writer->started ? at : kl_wire_put_8(at, 0);
}

// The version byte before a payload in pass-through form.
static const uint8_t version = KL_FRAME_TAG_VERSION;

static struct iovec piece_of(const uint8_t *data, size_t size)
{
    return (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = size};
}

unsigned kl_frame_next(struct kl_frame_writer *writer, uint8_t head[KL_FRAME_HEAD_MAX],
        struct iovec pieces[KL_FRAME_IOVECS])
{
    if (writer->left == 0) {
        return 0;
    }

    unsigned count = 1;
    size_t head_size = (size_t)(put_head(writer, head + LENGTH_BYTES) - head);
    pieces[0] = piece_of(head, head_size);
    size_t size = head_size - LENGTH_BYTES;
    if (!writer->started) {
        pieces[count++] = piece_of(writer->control, writer->control_size);
        size += writer->control_size;
        if (writer->form == KL_FRAME_PASS_THROUGH && writer->payload) {
            pieces[count++] = piece_of(&version, 1);
            size++;
        }
    }
    if (writer->piece > 0) {
        pieces[count++] = piece_of(writer->payload + writer->offset, writer->piece);
        size += writer->piece;
    }
    kl_wire_put_32(head, (uint32_t)size);

    writer->started = true;
    writer->left--;
    writer->offset += writer->piece;
    writer->piece = least(writer->payload_size - writer->offset, KL_FRAME_PART_BYTES);
    return count;
}

size_t kl_frame_remaining(const struct kl_frame_writer *writer)
{
    enum { PART_HEAD = LENGTH_BYTES + 2 + 8 + 8 };
    if (writer->left == 0) {
        return 0;
    }

    size_t payload = writer->payload_size - writer->offset;
    if (writer->started) {
        return payload + writer->left * PART_HEAD;
    }
    size_t bytes = writer->control_size + payload;
    if (writer->form == KL_FRAME_PASS_THROUGH) {
        return bytes + LENGTH_BYTES + 2 + (writer->payload ? 1 : 0);
    }
    return bytes + (writer->left == 1 ? LENGTH_BYTES + 3 : writer->left * PART_HEAD + 1);
}

bool kl_frame_length(const uint8_t *data, size_t size, uint32_t *ret_length)
{
    if (size < LENGTH_BYTES) {
        return false;
    }
    *ret_length = kl_wire_get_32(data);
    return true;
}
