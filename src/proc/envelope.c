#include "envelope.h"
#include <stddef.h>
#include <string.h>

// Shared bodies are resources of the room `term`: the box that each envelope's fragment
// holds keeps the one copy alive.
struct kl_shared_body {
    keel_term body; // points into the block behind
    keel_term handle; // resource, in a heap of its own
    struct kl_heap heap;
};

// Any body: an ordinary fragment with the envelope at its end.
struct kl_envelope *kl_envelope_new_behind_fragment(
        enum kl_envelope_kind kind, keel_term body)
{
    struct kl_fragment *fragment = kl_fragment_new(body, sizeof(struct kl_envelope), &body);
    if (fragment == NULL) {
        return NULL;
    }
    size_t before = fragment->size - sizeof(struct kl_envelope);
    struct kl_envelope *envelope = (struct kl_envelope *)(void *)((char *)fragment +
                                                                  before);
    kl_envelope_begin(envelope, kind, before, false, false);
    envelope->body = body;
    return envelope;
}

struct kl_envelope *kl_envelope_new_bytes(
        enum kl_envelope_kind kind, const uint8_t *bytes, size_t size)
{
    struct kl_envelope *envelope = kl_pool_alloc(sizeof *envelope + size);
    if (envelope != NULL) {
        *envelope = (struct kl_envelope){.kind = (uint8_t)kind,
                .flat = true,
                .body_bytes = size,
                .deadline = INT64_MAX};
        memcpy(envelope + 1, bytes, size);
    }
    return envelope;
}

static struct kl_fragment *fragment_of(struct kl_envelope *envelope)
{
    return (struct kl_fragment *)(void *)((char *)envelope - envelope->body_bytes);
}

void kl_envelope_free_other(struct kl_envelope *envelope)
{
    if ((envelope->flags & KL_STATIC) != 0) {
        return; // part of something else, which goes by itself
    }
    if (envelope->flat) {
        kl_pool_free(
                envelope, kl_envelope_head_bytes(envelope->brief) + envelope->body_bytes);
        return;
    }
    struct kl_fragment *fragment = fragment_of(envelope);
    kl_fragment_release(fragment);
    kl_pool_free(fragment, fragment->size);
}

keel_term kl_envelope_open(struct kl_envelope *envelope, struct kl_heap *heap)
{
    keel_term body = envelope->body;
    if (envelope->flat) {
        if (!kl_is_immediate(body)) {
            body = kl_heap_copy_flat(heap, body, envelope->body_bytes);
        }
        kl_envelope_free(envelope);
    } else {
        kl_heap_adopt(heap, fragment_of(envelope));
    }
    return body;
}

static void shared_destroy(void *pointer)
{
    struct kl_shared_body *shared = pointer;
    kl_heap_done(&shared->heap);
    kl_pool_free(shared, sizeof *shared);
}

struct kl_shared_body *kl_shared_body_new(keel_term body)
{
    struct kl_shared_body *shared = kl_pool_alloc(sizeof *shared);
    if (shared == NULL) {
        return NULL;
    }
    kl_heap_init(&shared->heap, NULL, 0);
    shared->body = kl_heap_copy(&shared->heap, body);
    // The handle is built on the caller's heap, which holds one count until it is reset.
    shared->handle = keel_resource("broadcast", shared, shared_destroy);
    return shared;
}

struct kl_envelope *kl_envelope_new_shared(
        enum kl_envelope_kind kind, struct kl_shared_body *shared)
{
    struct kl_envelope *envelope = kl_envelope_new(kind, shared->handle);
    if (envelope != NULL) {
        envelope->body = shared->body;
    }
    return envelope;
}
