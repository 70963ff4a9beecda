// libFuzzer target: frames and control messages as they come on a connection.
//
// The first byte chooses the form, the rest is a stream of frames with lengths of two
// bytes, so that the fuzzer need not find out how to write long ones. Messages are decoded
// as far as a node would before it acts. The memory held for parts must stay within its
// limit, and what is understood must be understood again when it is sent on.

#include "cluster/assembly.h"
#include "cluster/control.h"
#include "cluster/flags.h"
#include "term/term.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct kl_frame_limits limits = {.frame_bytes = 4096,
        .message_bytes = 8192,
        .pending_bytes = 20000,
        .pending_count = 5};

static void require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "frame_fuzz: %s\n", what);
        abort();
    }
}

static keel_term atom(const char *text)
{
    keel_term term = KEEL_NONE;
    require(keel_atom_from(text, strlen(text), &term) == KEEL_OK, "an atom");
    return term;
}

// What we have understood, sent to ourselves as if we were the peer: it must be measured
// and written without a fault. (It cannot come back as it was: we live on another node.)
static void send_on(const struct kl_control *control, uint64_t agreed)
{
    struct kl_control_plan plan;
    struct kl_control copy = *control;
    if (keel_is_none(copy.content)) {
        copy.content = keel_nil();
    }
    if (kl_control_plan(&copy, agreed, &plan) != KEEL_OK) {
        require(agreed != ~UINT64_C(0), "who can do everything gets everything");
        return;
    }
    uint8_t *bytes = malloc(plan.bytes);
    require(kl_control_write(bytes, &plan) == KEEL_OK, "what is measured is written");
    size_t used = 0;
    require(kl_etf_walk(bytes, plan.bytes, NULL, &used, NULL) == KEEL_OK &&
                    used == plan.bytes,
            "what is written is a term");
    free(bytes);
}

static void take_message(
        const struct kl_assembly *assembly, const struct kl_frame_message *message)
{
    struct kl_control control;
    size_t used = 0, payload_size = 0;
    const char *why = NULL;
    const uint8_t *payload;
    keel_scope scope = keel_scope_open();
    keel_status status = kl_control_decode(
            message->body, message->size, atom("you@box"), NULL, &control, &used, &why);
    if (status == KEEL_OK) {
        require(used <= message->size, "no more is used than there is");
        send_on(&control, ~UINT64_C(0));
        send_on(&control, KL_FLAGS_MANDATORY_25);
        if (kl_assembly_payload(assembly, message, used, &payload, &payload_size)) {
            require(payload_size == 0 || (payload >= message->body + used &&
                                                 payload + payload_size ==
                                                         message->body + message->size),
                    "the payload lies behind the control message");
        }
    } else {
        require(why, "a refusal has a reason");
    }
    keel_scope_close(&scope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    kl_node_identity_set(atom("me@box"), 7);
    struct kl_assembly assembly;
    kl_assembly_init(
            &assembly, *data & 1 ? KL_FRAME_PASS_THROUGH : KL_FRAME_HEADER, &limits);
    data++;
    size--;
    while (size >= 2) {
        size_t length = (size_t)data[0] << 8 | data[1];
        data += 2;
        size -= 2;
        length = length < size ? length : size;
        // A copy of its own, so that a byte too many is seen.
        uint8_t *frame = malloc(length ? length : 1);
        memcpy(frame, data, length);
        data += length;
        size -= length;
        struct kl_frame_message message;
        enum kl_frame_event event = kl_assembly_read(&assembly, frame, length, &message);
        require(assembly.pending_bytes <= limits.pending_bytes &&
                        assembly.pending_count <= limits.pending_count,
                "parts stay within the limits");
        if (event == KL_FRAME_MESSAGE) {
            require(message.size <= limits.message_bytes,
                    "a message stays within the limit");
            take_message(&assembly, &message);
            kl_free(message.block, message.block_bytes);
        }
        free(frame);
        if (event == KL_FRAME_BAD) {
            require(assembly.why, "a refusal has a reason");
            break;
        }
    }
    kl_assembly_done(&assembly);
    require(assembly.pending_bytes == 0 && assembly.pending_count == 0, "nothing is left");
    return 0;
}
