#ifndef KL_CLUSTER_FRAME_H
#define KL_CLUSTER_FRAME_H

#include "base/base.h"
#include <keel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

// Frames: what follows the handshake. Each has a length of four bytes before it; length 0
// is a tick. A frame carries a *message*: a control term (control.h) and, by its kind, a
// payload term; or a part of one. Which form is legal was agreed in the handshake, any
// other makes a peer close the connection:
//
//   neither FRAGMENTS nor a cache agreed   112, 131, control, [131, payload]
//   FRAGMENTS agreed                       131, 68, 0, control, [payload]
//     in parts, the first                  131, 69, sequence:64, left:64, 0, control, part…
//     and the others                       131, 70, sequence:64, left:64, …part
//
// `left` counts down to 1. Parts of one message come in order, between those of others.

struct kl_frame_form {
    bool header; // 131,68 rather than pass-through
    bool fragments; // both ways
};
// From the flags agreed. Bounds of what is sent do not depend on it.
struct kl_frame_form kl_frame_form_of(uint64_t agreed);

// What a peer may cost. Zeroed: the defaults.
struct kl_frame_limits {
    size_t frame_bytes; // of one frame; 64 MiB
    size_t message_bytes; // of one message put together from parts; 64 MiB
    size_t pending_bytes; // of all messages not yet whole; 128 MiB
    size_t pending_count; // how many of them; 1024
};
struct kl_frame_limits kl_frame_limits_or_default(const struct kl_frame_limits *limits);

// --- writing ---

enum {
    KL_FRAME_HEAD_MAX = 4 + 2 + 8 + 8 + 1, // before the control term, length included
    KL_FRAME_PART_BYTES = 64 << 10, // longer messages are cut, so that ticks get through
    KL_FRAME_IOVECS = 4,
    KL_FRAME_TICK_BYTES = 4, // all zero
};

// Cuts one message into frames. Nothing is copied: control and payload are borrowed until
// the last frame is written.
struct kl_frame_writer {
    struct kl_frame_form form;
    uint64_t sequence;
    uint64_t left; // parts still to come, the next one included
    const uint8_t *control, *payload;
    size_t control_size, payload_size;
    size_t offset; // into the payload
    bool started;
};

// `control` and `payload` (NULL: none) have no version byte. `sequence` tells messages of
// one connection that are in flight at the same time apart. The status is
// KEEL_E_TOO_LARGE where a frame's length would not fit into 32 bits.
keel_status kl_frame_write(struct kl_frame_writer *writer, struct kl_frame_form form,
        uint64_t sequence, const struct iovec *control, const struct iovec *payload);
// The next frame, as the pieces to be sent one after another; 0: the message is written.
// `head` must live as long as the pieces.
unsigned kl_frame_next(struct kl_frame_writer *writer, uint8_t head[KL_FRAME_HEAD_MAX],
        struct iovec pieces[KL_FRAME_IOVECS]);
// All bytes that kl_frame_next will give from now on.
size_t kl_frame_remaining(const struct kl_frame_writer *writer);

// --- reading ---

// The length of the frame that `data` starts with; false while its four bytes are not
// there. A length beyond limits->frame_bytes must close the connection.
bool kl_frame_length(const uint8_t *data, size_t size, uint32_t *ret_length);

// A message: control and payload, one behind the other, in external format.
// kl_control_decode finds where the one ends, kl_frame_payload where the other starts.
struct kl_frame_message {
    const uint8_t *body;
    size_t size;
    // NULL: the body lies in the frame that was read. Else this block of `block_bytes` is
    // the caller's now, to be freed with kl_free.
    void *block;
    size_t block_bytes;
};

enum kl_frame_event {
    KL_FRAME_TICK,
    KL_FRAME_MESSAGE, // whole
    KL_FRAME_PART, // taken; the message is not whole yet
    KL_FRAME_BAD, // against the protocol or a limit: close the connection
    KL_FRAME_NOMEM, // close it too
};

// One connection's messages that are not yet whole.
struct kl_frames {
    struct kl_frame_form form;
    struct kl_frame_limits limits;
    struct kl_frame_pending *pending; // by sequence
    size_t pending_count, pending_bytes;
    const char *why; // static, after BAD
};
void kl_frames_init(struct kl_frames *frames, struct kl_frame_form form,
        const struct kl_frame_limits *limits);
void kl_frames_done(struct kl_frames *frames);
// Reads one frame, its length not included. Nothing of the terms in it is looked at.
enum kl_frame_event kl_frame_read(struct kl_frames *frames, const uint8_t *frame,
        size_t size, struct kl_frame_message *ret_message);

// The payload behind `control_size` bytes of control term; false when the form is broken.
// No payload: *ret_size is 0. The term is not looked at.
bool kl_frame_payload(const struct kl_frames *frames,
        const struct kl_frame_message *message, size_t control_size,
        const uint8_t **ret_payload, size_t *ret_size);

#endif // KL_CLUSTER_FRAME_H
