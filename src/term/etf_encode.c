#include "etf.h"
#include "heap.h"

// What the public function adds to measuring and writing: the version byte, compression,
// the binary to write into.

static keel_status encode_plain(
        keel_term term, const struct kl_etf_measure *measure, bool version, keel_term *ret);
static keel_status encode_compressed(
        keel_term term, const struct kl_etf_measure *measure, int level, keel_term *ret);
static keel_status new_binary(
        struct kl_heap *heap, size_t size, uint8_t **ret_data, keel_term *ret_binary);

keel_status keel_etf_encode(
        keel_term term, const keel_etf_opts *opts, keel_term *ret_binary)
{
    static const keel_etf_opts defaults;
    opts = opts ? opts : &defaults;
    if (!ret_binary || opts->compress < 0 || opts->compress > 9 ||
            (opts->compress && opts->no_version)) {
        return KEEL_E_BADARG;
    }

    struct kl_etf_measure measure;
    keel_status status = kl_etf_measure(term, &measure);
    if (status != KEEL_OK) {
        return status;
    }
    if (opts->compress != 0) {
        status = encode_compressed(term, &measure, opts->compress, ret_binary);
        if (status != KEEL_E_TOO_LARGE) {
            return status;
        }
    }
    return encode_plain(term, &measure, !opts->no_version, ret_binary);
}

static keel_status encode_plain(
        keel_term term, const struct kl_etf_measure *measure, bool version, keel_term *ret)
{
    struct kl_heap *heap = kl_heap_current();
    struct kl_heap_mark mark = kl_heap_mark(heap);
    uint8_t *at;
    keel_term binary;
    keel_status status = new_binary(heap, version + measure->bytes, &at, &binary);
    if (status != KEEL_OK) {
        return status;
    }
    if (version) {
        *at++ = KL_ETF_VERSION;
    }
    status = kl_etf_encode_into(at, term, measure);
    if (status != KEEL_OK) {
        kl_heap_rewind(heap, &mark);
        return status;
    }
    *ret = binary;
    return KEEL_OK;
}

// Fails with KEEL_E_TOO_LARGE when the compressed form is not smaller.
static keel_status encode_compressed(
        keel_term term, const struct kl_etf_measure *measure, int level, keel_term *ret)
{
    enum { HEAD = 1 + 1 + 4 }; // version, tag, size unpacked; a plain form has the first
    if (measure->bytes < HEAD || measure->bytes > UINT32_MAX) {
        return KEEL_E_TOO_LARGE;
    }
    size_t room = measure->bytes - HEAD;
    uint8_t *plain = kl_alloc(measure->bytes);
    uint8_t *packed = kl_alloc(HEAD + room);
    keel_status status = plain && packed ? KEEL_OK : KEEL_E_NOMEM;
    size_t packed_bytes = 0;
    if (status == KEEL_OK) {
        status = kl_etf_encode_into(plain, term, measure);
    }
    if (status == KEEL_OK) {
        status = kl_etf_deflate(
                level, plain, measure->bytes, packed + HEAD, room, &packed_bytes);
    }
    uint8_t *data;
    if (status == KEEL_OK) {
        packed[0] = KL_ETF_VERSION;
        packed[1] = KL_ETF_COMPRESSED;
        kl_etf_put_32(packed + 2, (uint32_t)measure->bytes);
        status = new_binary(kl_heap_current(), HEAD + packed_bytes, &data, ret);
    }
    if (status == KEEL_OK) {
        memcpy(data, packed, HEAD + packed_bytes);
    }
    kl_free(plain, measure->bytes);
    kl_free(packed, HEAD + room);
    return status;
}

// As keel_binary_new, but a failure is reported and ends no process.
static keel_status new_binary(
        struct kl_heap *heap, size_t size, uint8_t **ret_data, keel_term *ret_binary)
{
    enum kl_kind kind = size > KL_BITS_INLINE_MAX ? KL_KIND_SHARED : KL_KIND_BITS;
    uint64_t header = kl_header(kind, size * 8);
    size_t bytes = kl_header_words(header) * 8;
    struct kl_block *block = NULL;
    uint8_t *data = NULL;
    if (kind == KL_KIND_SHARED) {
        block = kl_block_new(size, &data);
        if (!block) {
            return KEEL_E_NOMEM;
        }
    }
    uint64_t *box = kl_heap_try_alloc(heap, bytes);
    if (!box) {
        if (block) {
            kl_block_unref(block);
        }
        return KEEL_E_NOMEM;
    }

    if (block) {
        kl_shared_write(box, &heap->counted, block, data, size * 8);
    } else {
        memset(box, 0, bytes); // the bytes up to the next word stay zero
        box[0] = header;
        data = ((struct kl_bits *)box)->data;
    }
    *ret_data = data;
    *ret_binary = kl_boxed(box);
    return KEEL_OK;
}
