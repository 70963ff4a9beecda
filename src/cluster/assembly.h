#ifndef KL_CLUSTER_ASSEMBLY_H
#define KL_CLUSTER_ASSEMBLY_H

#include "base/base.h"
#include "frame.h"

// Frames read: what came on one connection becomes messages again, within limits.

// What a peer may cost. Zeroed: the defaults.
struct kl_frame_limits {
    size_t frame_bytes; // of one frame; 64 MiB
    size_t message_bytes; // of one message put together from parts; 64 MiB
    size_t pending_bytes; // of all messages not yet whole; two messages
    size_t pending_count; // how many of them; 1024
};
struct kl_frame_limits kl_frame_limits_or_default(const struct kl_frame_limits *limits);

// A message: control and payload, one behind the other, in external format.
// kl_control_decode finds where the one ends, kl_assembly_payload where the other starts.
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
struct kl_assembly {
    enum kl_frame_form form;
    struct kl_frame_limits limits;
    struct kl_frame_pending *pending; // by sequence
    size_t pending_count, pending_bytes;
    const char *why; // static, after BAD
};
void kl_assembly_init(struct kl_assembly *assembly, enum kl_frame_form form,
        const struct kl_frame_limits *limits);
void kl_assembly_done(struct kl_assembly *assembly);
// Reads one frame, its length not included. Nothing of the terms in it is looked at.
enum kl_frame_event kl_assembly_read(struct kl_assembly *assembly, const uint8_t *frame,
        size_t size, struct kl_frame_message *ret_message);

// The payload behind `control_size` bytes of control term; false when the form is broken.
// No payload: *ret_size is 0. The term is not looked at.
bool kl_assembly_payload(const struct kl_assembly *assembly,
        const struct kl_frame_message *message, size_t control_size,
        const uint8_t **ret_payload, size_t *ret_size);

#endif // KL_CLUSTER_ASSEMBLY_H
