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

static size_t head_bytes(bool brief)
{
    return brief ? offsetof(struct kl_envelope, from) : sizeof(struct kl_envelope);
}

// A block for an envelope whose body is immediate or flat.
static struct kl_envelope *new_plain(keel_term body, size_t body_bytes, bool brief)
{
    size_t head = head_bytes(brief);
    char *block = kl_pool_alloc(head + body_bytes);
    if (block == NULL) {
        return NULL;
    }
    struct kl_envelope *envelope = (struct kl_envelope *)(void *)block;
    envelope->body = body_bytes == 0
                             ? body
                             : kl_flat_copy((uint64_t *)(void *)(block + head), body);
    envelope->body_bytes = body_bytes;
    envelope->flat = true;
    envelope->brief = brief;
    return envelope;
}

static struct kl_envelope *new_behind_fragment(keel_term body)
{
    struct kl_fragment *fragment = kl_fragment_new(body, sizeof(struct kl_envelope), &body);
    if (fragment == NULL) {
        return NULL;
    }
    size_t before = fragment->size - sizeof(struct kl_envelope);
    struct kl_envelope *envelope = (struct kl_envelope *)(void *)((char *)fragment +
                                                                  before);
    envelope->body = body;
    envelope->body_bytes = before;
    envelope->flat = false;
    envelope->brief = false;
    return envelope;
}

struct kl_envelope *kl_envelope_new(enum kl_envelope_kind kind, keel_term body)
{
    bool immediate = kl_is_immediate(body);
    size_t flat_bytes = immediate ? 0 : kl_flat_bytes(body);
    struct kl_envelope *envelope = immediate || flat_bytes > 0
                                           ? new_plain(body, flat_bytes,
                                                     kind == KL_MESSAGE || kind == KL_CAST)
                                           : new_behind_fragment(body);
    if (envelope == NULL) {
        return NULL;
    }
    envelope->next = NULL;
    envelope->generation = 0;
    envelope->slot = 0;
    envelope->kind = (uint8_t)kind;
    envelope->flags = 0;
    if (!envelope->brief) {
        envelope->from = 0;
        envelope->ref = 0;
        envelope->deadline = INT64_MAX;
    }
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

void kl_envelope_free(struct kl_envelope *envelope)
{
    if ((envelope->flags & KL_STATIC) != 0) {
        return;
    }
    if (envelope->flat) {
        kl_pool_free(envelope, head_bytes(envelope->brief) + envelope->body_bytes);
    } else {
        struct kl_fragment *fragment = fragment_of(envelope);
        kl_fragment_release(fragment);
        kl_pool_free(fragment, fragment->size);
    }
}

keel_term kl_envelope_open(struct kl_envelope *envelope, struct kl_heap *heap)
{
    keel_term body = envelope->body;
    if (envelope->flat) {
        body = kl_heap_copy(heap, body);
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
