#include "envelope.h"
#include <stddef.h>
#include <string.h>

// Who has opened such an envelope holds the body by a resource of the room `term`, as a
// process holds anything that others have as well. Envelopes, which are more and most of
// which are never opened, are only counted.
struct kl_shared_body {
    uint64_t uses; // atomic: by envelopes, and by the maker for those to come
    keel_term body; // points into `heap`
    keel_term handle; // the resource, in `holder`
    struct kl_fragment *holder; // until there are no uses
    struct kl_heap heap;
};

// An envelope with a shared body: made a fragment with a handle where it lies, when it is
// opened.
struct sharing_envelope {
    union {
        struct {
            char head[offsetof(struct kl_envelope, from)];
            struct kl_shared_body *shared;
        };
        char fragment[sizeof(struct kl_fragment) + 3 * sizeof(uint64_t)];
    };
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

static struct kl_shared_body *shared_of(struct kl_envelope *envelope)
{
    return ((struct sharing_envelope *)(void *)envelope)->shared;
}

void kl_envelope_free_other(struct kl_envelope *envelope)
{
    if ((envelope->flags & KL_STATIC) != 0) {
        return; // part of something else, which goes by itself
    }
    if ((envelope->flags & KL_SHARES) != 0) {
        struct kl_shared_body *shared = shared_of(envelope);
        kl_pool_free(envelope, sizeof(struct sharing_envelope));
        kl_shared_body_give_back(shared, 1);
        return;
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
    if ((envelope->flags & KL_SHARES) != 0) {
        struct kl_shared_body *shared = shared_of(envelope);
        struct kl_fragment *fragment = (struct kl_fragment *)(void *)envelope;
        kl_fragment_fill(fragment, sizeof(struct sharing_envelope), shared->handle);
        kl_heap_adopt(heap, fragment);
        kl_shared_body_give_back(shared, 1);
    } else if (envelope->flat) {
        if (!kl_is_immediate(body)) {
            body = kl_heap_copy_flat(heap, body, envelope->body_bytes);
        }
        kl_envelope_free(envelope);
    } else {
        kl_heap_adopt(heap, fragment_of(envelope));
    }
    return body;
}

// Nobody has the handle any more.
static void destroy_shared(void *pointer)
{
    struct kl_shared_body *shared = pointer;
    kl_heap_done(&shared->heap);
    kl_pool_free(shared, sizeof *shared);
}

struct kl_shared_body *kl_shared_body_new(keel_term body, size_t uses)
{
    struct kl_shared_body *shared = kl_pool_alloc(sizeof *shared);
    if (shared == NULL) {
        return NULL;
    }
    shared->uses = uses;
    kl_heap_init(&shared->heap, NULL, 0);
    shared->body = kl_heap_copy(&shared->heap, body);
    shared->holder = NULL;
    // On the caller's heap for a moment, from where it is copied.
    keel_scope scope = keel_scope_open();
    keel_term handle = keel_resource("broadcast", shared, destroy_shared);
    bool made = !keel_is_none(handle); // otherwise it is destroyed already
    if (made && !keel_is_none(shared->body)) {
        if (kl_fragment_bytes(handle) > sizeof(struct sharing_envelope)) {
            kl_panic("the handle of a shared body is larger than an envelope");
        }
        shared->holder = kl_fragment_new(handle, 0, &shared->handle);
    }
    made = made && shared->holder != NULL;
    keel_scope_close(&scope); // destroys it when it has no holder
    return made ? shared : NULL;
}

void kl_shared_body_give_back(struct kl_shared_body *shared, size_t uses)
{
    // Acquire and release: who ends the last use has seen what all others read before.
    if (uses > 0 && kl_add_acq_rel(&shared->uses, -(uint64_t)uses) == uses) {
        struct kl_fragment *holder = shared->holder;
        kl_fragment_release(holder);
        kl_pool_free(holder, holder->size);
    }
}

struct kl_envelope *kl_envelope_new_shared(
        enum kl_envelope_kind kind, struct kl_shared_body *shared)
{
    struct sharing_envelope *sharing = kl_pool_alloc(sizeof *sharing);
    if (sharing == NULL) {
        return NULL;
    }
    struct kl_envelope *envelope = (struct kl_envelope *)(void *)sharing;
    kl_envelope_begin(envelope, kind, sizeof *sharing - sizeof sharing->head, true, true);
    envelope->flags = KL_SHARES;
    envelope->body = shared->body;
    sharing->shared = shared;
    return envelope;
}
