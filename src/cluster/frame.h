#ifndef KL_CLUSTER_FRAME_H
#define KL_CLUSTER_FRAME_H

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

enum kl_frame_form { KL_FRAME_PASS_THROUGH, KL_FRAME_HEADER };
// From the flags agreed in the handshake.
enum kl_frame_form kl_frame_form_of(uint64_t agreed);

enum {
    KL_FRAME_HEAD_MAX = 4 + 2 + 8 + 8 + 1, // before the control term, length included
    KL_FRAME_PART_BYTES = 64 << 10, // longer messages are cut, so that ticks get through
    KL_FRAME_IOVECS = 4,
    KL_FRAME_TICK_BYTES = 4, // all zero
};

// Cuts one message into frames. Nothing is copied: control and payload are borrowed until
// the last frame is written.
struct kl_frame_writer {
    enum kl_frame_form form;
    uint64_t sequence;
    uint64_t left; // parts still to come, the next one included
    const uint8_t *control, *payload;
    size_t control_size, payload_size;
    size_t offset; // into the payload, from where the next part is
    size_t piece; // how much of it the next part takes
    bool started;
};

// `control` and `payload` (NULL: none) have no version byte. `sequence` tells messages of
// one connection that are in flight at the same time apart. The status is
// KEEL_E_TOO_LARGE where a frame's length would not fit into 32 bits.
keel_status kl_frame_write(struct kl_frame_writer *writer, enum kl_frame_form form,
        uint64_t sequence, const struct iovec *control, const struct iovec *payload);
// The next frame, as the pieces to be sent one after another; 0: the message is written.
// `head` must live as long as the pieces.
unsigned kl_frame_next(struct kl_frame_writer *writer, uint8_t head[KL_FRAME_HEAD_MAX],
        struct iovec pieces[KL_FRAME_IOVECS]);
// All bytes that kl_frame_next will give from now on.
size_t kl_frame_remaining(const struct kl_frame_writer *writer);

// The length of the frame that `data` starts with; false while its four bytes are not
// there. A length beyond the limit of frames must close the connection.
bool kl_frame_length(const uint8_t *data, size_t size, uint32_t *ret_length);

#endif // KL_CLUSTER_FRAME_H
