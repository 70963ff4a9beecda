#include "envelope.h"

// Shared bodies are resources of the room `term`: the box that each envelope's fragment
// holds keeps the one copy alive.
struct kl_shared_body {
    keel_term body; // points into the block behind
    keel_term handle; // resource, in a heap of its own
    struct kl_heap heap;
};

struct kl_envelope *kl_envelope_new(enum kl_envelope_kind kind, keel_term body)
{
    struct kl_envelope *envelope;
    size_t before = 0;
    if (kl_is_immediate(body)) {
        envelope = kl_pool_alloc(sizeof *envelope);
        if (envelope == NULL) {
            return NULL;
        }
    } else {
        struct kl_fragment *fragment = kl_fragment_new(body, sizeof *envelope, &body);
        if (fragment == NULL) {
            return NULL;
        }
        before = fragment->size - sizeof *envelope;
        envelope = (struct kl_envelope *)(void *)((char *)fragment + before);
    }
    envelope->next = NULL;
    envelope->body = body;
    envelope->generation = 0;
    envelope->kind = (uint8_t)kind;
    envelope->flags = 0;
    envelope->slot = 0;
    envelope->fragment_bytes = before;
    envelope->from = 0;
    envelope->ref = 0;
    envelope->deadline = INT64_MAX;
    return envelope;
}

static struct kl_fragment *fragment_of(struct kl_envelope *envelope)
{
    return (struct kl_fragment *)(void *)((char *)envelope - envelope->fragment_bytes);
}

void kl_envelope_free(struct kl_envelope *envelope)
{
    if ((envelope->flags & KL_STATIC) != 0) {
        return;
    }
    if (envelope->fragment_bytes > 0) {
        struct kl_fragment *fragment = fragment_of(envelope);
        kl_fragment_release(fragment);
        kl_pool_free(fragment, fragment->size);
    } else {
        kl_pool_free(envelope, sizeof *envelope);
    }
}

keel_term kl_envelope_open(struct kl_envelope *envelope, struct kl_heap *heap)
{
    keel_term body = envelope->body;
    if (envelope->fragment_bytes > 0) {
        kl_heap_adopt(heap, fragment_of(envelope));
    } else {
        kl_envelope_free(envelope);
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
