#include "block.h"

#include "heap.h"
#include <string.h>

// The bytes of a shared binary lie behind the block, or elsewhere, with whom to tell.
struct binary_block {
    struct kl_block block;
    size_t bytes; // of this block
    void (*release)(void *context); // NULL: the bytes are ours
    void *context;
    uint8_t data[];
};

static uint64_t resource_serial; // atomic; the number of resources made so far

static void destroy_binary(struct kl_block *block)
{
    struct binary_block *binary = (struct binary_block *)block;
    if (binary->release) {
        binary->release(binary->context);
    }
    kl_free(binary, binary->bytes);
}

static struct binary_block *new_binary_block(size_t room)
{
    size_t bytes;
    if (__builtin_add_overflow(room, sizeof(struct binary_block), &bytes)) {
        return NULL;
    }
    struct binary_block *binary = kl_alloc(bytes);
    if (binary) {
        *binary = (struct binary_block){.block = {1, destroy_binary}, .bytes = bytes};
    }
    return binary;
}

struct kl_block *kl_block_new(size_t size, uint8_t **ret_data)
{
    struct binary_block *binary = new_binary_block(size);
    if (!binary) {
        return NULL;
    }
    *ret_data = binary->data;
    return &binary->block;
}

void kl_block_unref(struct kl_block *block)
{
    // Acquire and release: whoever counts down last has seen what all others did to the
    // block before they counted down.
    if (kl_add_acq_rel(&block->count, -(uint64_t)1) == 1) {
        block->destroy(block);
    }
}

void kl_counted_release(struct kl_box_counted **list, struct kl_box_counted *until)
{
    while (*list != until) {
        struct kl_box_counted *box = *list;
        *list = box->next;
        kl_block_unref(box->block);
    }
}

uint64_t *kl_shared_write(uint64_t *at, struct kl_box_counted **list,
        struct kl_block *block, const uint8_t *data, size_t bits)
{
    struct kl_shared *shared = (struct kl_shared *)at;
    shared->counted.header = kl_header(KL_KIND_SHARED, bits);
    shared->counted.block = block;
    shared->counted.next = *list;
    shared->data = data;
    *list = &shared->counted;
    return at + sizeof *shared / sizeof *at;
}

keel_term keel_binary_share(
        const void *data, size_t size, void (*release)(void *context), void *context)
{
    struct kl_heap *heap = kl_heap_current();
    struct binary_block *binary = NULL;
    struct kl_shared *shared = NULL;
    bool is_given = data || size == 0;
    if (is_given && size <= KL_BITS_SIZE_MAX / 8) {
        binary = new_binary_block(0);
    }
    if (binary) {
        shared = kl_heap_try_alloc(heap, sizeof *shared);
    }
    if (!shared) {
        // The caller has given the bytes away, so they go even though no term came of it.
        if (binary) {
            kl_free(binary, binary->bytes);
        }
        if (release) {
            release(context);
        }
        if (is_given) {
            kl_heap_refuse(heap);
        }
        return KEEL_NONE;
    }
    binary->release = release;
    binary->context = context;
    // Never a null pointer, not even for no bytes: readers hand it to memcmp and the like.
    kl_shared_write((uint64_t *)shared, &heap->counted, &binary->block,
            data ? data : binary->data, size * 8);
    return kl_boxed(shared);
}

static void destroy_resource(struct kl_block *block)
{
    struct kl_resource_block *resource = (struct kl_resource_block *)block;
    if (resource->destroy) {
        resource->destroy(resource->pointer);
    }
    kl_free(resource, resource->bytes);
}

keel_term keel_resource(const char *type, void *pointer, void (*destroy)(void *pointer))
{
    if (!type) {
        // The caller has given it away all the same.
        if (destroy) {
            destroy(pointer);
        }
        return KEEL_NONE;
    }
    struct kl_heap *heap = kl_heap_current();
    size_t type_bytes = strlen(type) + 1;
    size_t bytes = sizeof(struct kl_resource_block) + type_bytes;
    struct kl_resource_block *block = kl_alloc(bytes);
    struct kl_resource *box = block ? kl_heap_try_alloc(heap, sizeof *box) : NULL;
    if (!box) {
        kl_free(block, bytes);
        if (destroy) {
            destroy(pointer);
        }
        kl_heap_refuse(heap);
        return KEEL_NONE;
    }
    *block = (struct kl_resource_block){.block = {1, destroy_resource},
            .pointer = pointer,
            .destroy = destroy,
            .serial = kl_add_relaxed(&resource_serial, 1) + 1,
            .bytes = bytes};
    memcpy(block->type, type, type_bytes);
    box->counted = (struct kl_box_counted){
            kl_header(KL_KIND_RESOURCE, 0), heap->counted, &block->block};
    heap->counted = &box->counted;
    return kl_boxed(box);
}
