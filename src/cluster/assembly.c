#include "assembly.h"
#include "frame_tags.h"
#include "wire.h"

// A message of which not all parts have come. How long it will be nobody says before the
// end (how many parts is told, but not to be believed), so its memory is doubled as it
// grows, and counts against the limits by what it holds, filled or not.
struct kl_frame_pending {
    struct kl_frame_pending *next;
    uint64_t sequence;
    uint64_t left; // parts that are still to come
    uint8_t *body;
    size_t size, room;
};

enum { FIRST_ROOM = 64 << 10, PART_NUMBERS = 16 };

struct kl_frame_limits kl_frame_limits_or_default(const struct kl_frame_limits *limits)
{
    struct kl_frame_limits given = limits ? *limits : (struct kl_frame_limits){0};
    size_t message_bytes = given.message_bytes ? given.message_bytes : 64 << 20;
    return (struct kl_frame_limits){
            .frame_bytes = given.frame_bytes ? given.frame_bytes : 64 << 20,
            .message_bytes = message_bytes,
            .pending_bytes = given.pending_bytes ? given.pending_bytes : 2 * message_bytes,
            .pending_count = given.pending_count ? given.pending_count : 1024,
    };
}

void kl_assembly_init(struct kl_assembly *assembly, enum kl_frame_form form,
        const struct kl_frame_limits *limits)
{
    *assembly = (struct kl_assembly){
            .form = form, .limits = kl_frame_limits_or_default(limits)};
}

static void free_pending(struct kl_assembly *assembly, struct kl_frame_pending *pending)
{
    assembly->pending_count--;
    assembly->pending_bytes -= pending->room;
    kl_free(pending->body, pending->room);
    kl_free(pending, sizeof *pending);
}

void kl_assembly_done(struct kl_assembly *assembly)
{
    while (assembly->pending) {
        struct kl_frame_pending *pending = assembly->pending;
        assembly->pending = pending->next;
        free_pending(assembly, pending);
    }
}

static enum kl_frame_event bad(struct kl_assembly *assembly, const char *why)
{
    assembly->why = why;
    return KL_FRAME_BAD;
}

// --- parts ---

// Where the pointer to the message with this sequence is, or would be: at the end.
static struct kl_frame_pending **find_pending(
        struct kl_assembly *assembly, uint64_t sequence)
{
    struct kl_frame_pending **at = &assembly->pending;
    while (*at && (*at)->sequence != sequence) {
        at = &(*at)->next;
    }
    return at;
}

static enum kl_frame_event append(struct kl_assembly *assembly,
        struct kl_frame_pending *pending, const uint8_t *part, size_t size)
{
    if (size > assembly->limits.message_bytes - pending->size) {
        return bad(assembly, "a message in parts is longer than the limit");
    }
    if (size > pending->room - pending->size) {
        size_t room = pending->room ? pending->room : FIRST_ROOM;
        while (room < pending->size + size) {
            room *= 2;
        }
        if (room > assembly->limits.message_bytes) {
            room = assembly->limits.message_bytes;
        }
        size_t more = room - pending->room;
        if (more > assembly->limits.pending_bytes - assembly->pending_bytes) {
            return bad(assembly, "messages in parts take more memory than the limit");
        }
        uint8_t *body = kl_realloc(pending->body, pending->room, room);
        if (!body) {
            return KL_FRAME_NOMEM;
        }
        assembly->pending_bytes += more;
        pending->body = body;
        pending->room = room;
    }
    if (size > 0) {
        memcpy(pending->body + pending->size, part, size);
        pending->size += size;
    }
    return KL_FRAME_PART;
}

// The last part has come: the memory is the caller's from now on.
static enum kl_frame_event give_message(struct kl_assembly *assembly,
        struct kl_frame_pending **at, struct kl_frame_message *ret_message)
{
    struct kl_frame_pending *pending = *at;
    *ret_message = (struct kl_frame_message){
            .body = pending->body,
            .size = pending->size,
            .block = pending->body,
            .block_bytes = pending->room,
    };
    assembly->pending_bytes -= pending->room;
    pending->room = 0;
    pending->body = NULL;
    *at = pending->next;
    free_pending(assembly, pending);
    return KL_FRAME_MESSAGE;
}

static enum kl_frame_event read_first_part(struct kl_assembly *assembly,
        const uint8_t *data, size_t size, struct kl_frame_message *ret_message)
{
    if (size < PART_NUMBERS + 1) {
        return bad(assembly, "a frame is shorter than its header");
    }
    uint64_t sequence = kl_wire_get_64(data), left = kl_wire_get_64(data + 8);
    if (data[PART_NUMBERS] != 0) {
        return bad(assembly, "a frame refers to atoms of a cache that was not agreed");
    }
    data += PART_NUMBERS + 1;
    size -= PART_NUMBERS + 1;
    if (left == 0) {
        return bad(assembly, "a message in parts has no part");
    }
    if (left == 1) {
        *ret_message = (struct kl_frame_message){.body = data, .size = size};
        return KL_FRAME_MESSAGE;
    }

    struct kl_frame_pending **at = find_pending(assembly, sequence);
    if (*at) {
        return bad(assembly, "a message in parts starts twice");
    }
    if (assembly->pending_count >= assembly->limits.pending_count) {
        return bad(assembly, "too many messages are in parts at the same time");
    }
    struct kl_frame_pending *pending = kl_alloc(sizeof *pending);
    if (!pending) {
        return KL_FRAME_NOMEM;
    }
    *pending = (struct kl_frame_pending){.sequence = sequence, .left = left - 1};
    *at = pending;
    assembly->pending_count++;
    return append(assembly, pending, data, size);
}

static enum kl_frame_event read_part(struct kl_assembly *assembly, const uint8_t *data,
        size_t size, struct kl_frame_message *ret_message)
{
    if (size < PART_NUMBERS) {
        return bad(assembly, "a frame is shorter than its header");
    }
    struct kl_frame_pending **at = find_pending(assembly, kl_wire_get_64(data));
    if (!*at || (*at)->left != kl_wire_get_64(data + 8)) {
        return bad(assembly, "a part is not the one that was due");
    }
    enum kl_frame_event event = append(
            assembly, *at, data + PART_NUMBERS, size - PART_NUMBERS);
    if (event != KL_FRAME_PART) {
        return event;
    }
    (*at)->left--;
    return (*at)->left == 0 ? give_message(assembly, at, ret_message) : KL_FRAME_PART;
}

// --- frames ---

static enum kl_frame_event read_header(struct kl_assembly *assembly, const uint8_t *frame,
        size_t size, struct kl_frame_message *ret_message)
{
    if (size < 3 || frame[0] != KL_FRAME_TAG_VERSION) {
        return bad(assembly, "a frame has another form than was agreed");
    }
    switch (frame[1]) {
    case KL_FRAME_TAG_HEADER:
        if (frame[2] != 0) {
            return bad(assembly, "a frame refers to atoms of a cache that was not agreed");
        }
        *ret_message = (struct kl_frame_message){.body = frame + 3, .size = size - 3};
        return KL_FRAME_MESSAGE;
    case KL_FRAME_TAG_FIRST_PART:
        return read_first_part(assembly, frame + 2, size - 2, ret_message);
    case KL_FRAME_TAG_PART:
        return read_part(assembly, frame + 2, size - 2, ret_message);
    default:
        return bad(assembly, "a frame has another form than was agreed");
    }
}

enum kl_frame_event kl_assembly_read(struct kl_assembly *assembly, const uint8_t *frame,
        size_t size, struct kl_frame_message *ret_message)
{
    if (size == 0) {
        return KL_FRAME_TICK;
    }
    if (size > assembly->limits.frame_bytes) {
        return bad(assembly, "a frame is longer than the limit");
    }
    if (assembly->form == KL_FRAME_HEADER) {
        return read_header(assembly, frame, size, ret_message);
    }

    if (size < 2 || frame[0] != KL_FRAME_TAG_PASS_THROUGH ||
            frame[1] != KL_FRAME_TAG_VERSION) {
        return bad(assembly, "a frame has another form than was agreed");
    }
    *ret_message = (struct kl_frame_message){.body = frame + 2, .size = size - 2};
    return KL_FRAME_MESSAGE;
}

bool kl_assembly_payload(const struct kl_assembly *assembly,
        const struct kl_frame_message *message, size_t control_size,
        const uint8_t **ret_payload, size_t *ret_size)
{
    const uint8_t *payload = message->body + control_size;
    size_t size = message->size - control_size;
    if (size > 0 && assembly->form == KL_FRAME_PASS_THROUGH) {
        if (size < 2 || *payload != KL_FRAME_TAG_VERSION) {
            return false;
        }
        payload++;
        size--;
    }
    *ret_payload = payload;
    *ret_size = size;
    return true;
}
