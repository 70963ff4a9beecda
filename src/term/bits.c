#include "heap.h"
#include "value.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Making binaries and bitstrings: short ones inside the heap, long ones in a counted block
// that all copies share.

static size_t bytes_of(size_t bits)
{
    return (bits + 7) / 8;
}

// Clears what the last byte has beyond the last bit.
static void clear_rest(uint8_t *data, size_t bits)
{
    if (bits % 8 != 0) {
        data[bits / 8] &= (uint8_t)(0xff00 >> bits % 8);
    }
}

// A bitstring to be filled in.
static keel_term new_bits(struct kl_heap *heap, size_t bits, uint8_t **ret_data)
{
    size_t size = bytes_of(bits);
    if (size <= KL_BITS_INLINE_MAX) {
        struct kl_bits *box = kl_heap_alloc(heap, sizeof *box + (size + 7) / 8 * 8);
        if (!box) {
            return KEEL_NONE;
        }
        box->header = kl_header(KL_KIND_BITS, bits);
        if (size > 0) {
            memset(box->data + (size - 1) / 8 * 8, 0, 8);
        }
        *ret_data = box->data;
        return kl_boxed(box);
    }

    struct kl_block *block = bits <= KL_BITS_SIZE_MAX ? kl_block_new(size, ret_data) : NULL;
    struct kl_shared *box = block ? kl_heap_try_alloc(heap, sizeof *box) : NULL;
    if (!box) {
        if (block) {
            kl_block_unref(block);
        }
        kl_heap_refuse(heap);
        return KEEL_NONE;
    }
    kl_shared_write((uint64_t *)box, &heap->counted, block, *ret_data, bits);
    return kl_boxed(box);
}

uint64_t *kl_bits_write(uint64_t *at, const void *data, size_t bits)
{
    struct kl_bits *box = (struct kl_bits *)at;
    size_t size = bytes_of(bits);
    box->header = kl_header(KL_KIND_BITS, bits);
    if (size > 0) {
        memset(box->data + (size - 1) / 8 * 8, 0, 8);
        memcpy(box->data, data, size);
        clear_rest(box->data, bits);
    }
    return at + 1 + (bits + 63) / 64;
}

keel_term kl_bits_make(struct kl_heap *heap, const void *data, size_t bits)
{
    uint8_t *to;
    keel_term term = new_bits(heap, bits, &to);
    if (!keel_is_none(term) && bits > 0) {
        memcpy(to, data, bytes_of(bits));
        clear_rest(to, bits);
    }
    return term;
}

keel_term keel_bitstring(const void *data, size_t bits)
{
    return data || bits == 0 ? kl_bits_make(kl_heap_current(), data, bits) : KEEL_NONE;
}

keel_term keel_binary(const void *data, size_t size)
{
    return size <= SIZE_MAX / 8 && (data || size == 0)
                   ? kl_bits_make(kl_heap_current(), data, size * 8)
                   : KEEL_NONE;
}

keel_term keel_string(const char *text)
{
    return text ? keel_binary(text, strlen(text)) : KEEL_NONE;
}

keel_term keel_binary_new(size_t size, uint8_t **ret_data)
{
    return size <= SIZE_MAX / 8 && ret_data
                   ? new_bits(kl_heap_current(), size * 8, ret_data)
                   : KEEL_NONE;
}

keel_term keel_format(const char *format, ...)
{
    char small[200];
    if (!format) {
        return KEEL_NONE;
    }
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(small, sizeof small, format, args);
    va_end(args);

    keel_term term = KEEL_NONE;
    if (size >= 0 && (size_t)size < sizeof small) {
        term = keel_binary(small, (size_t)size);
    } else if (size >= 0) {
        // printf wants room for its NUL, which the binary has none for.
        size_t room = (size_t)size + 1;
        struct kl_heap *heap = kl_heap_current();
        char *text = kl_alloc(room);
        if (text) {
            vsnprintf(text, room, format, again);
            heap->quiet++;
            term = keel_binary(text, (size_t)size);
            heap->quiet--;
            kl_free(text, room);
        }
        if (keel_is_none(term)) {
            kl_heap_refuse(heap);
        }
    }
    va_end(again);
    return term;
}

keel_term keel_binary_part(keel_term binary, size_t offset, size_t size)
{
    keel_bytes whole = keel_to_bytes(binary);
    if (!whole.data || offset > whole.size || size > whole.size - offset) {
        return KEEL_NONE;
    }
    if (size <= KL_BITS_INLINE_MAX) {
        return keel_binary(whole.data + offset, size);
    }
    // Only a shared binary has a part so long.
    struct kl_heap *heap = kl_heap_current();
    struct kl_shared *part = kl_heap_alloc(heap, sizeof *part);
    if (!part) {
        return KEEL_NONE;
    }
    struct kl_block *block = ((struct kl_shared *)kl_box(binary))->counted.block;
    kl_block_ref(block);
    kl_shared_write((uint64_t *)part, &heap->counted, block, whole.data + offset, size * 8);
    return kl_boxed(part);
}
