// libFuzzer target: the decoder of the external format, and the encoder behind it.
//
// What decodes must encode, and that must decode to an equal term with the same encoding.
// What does not decode must leave nothing on the heap. The first byte chooses limits and
// whether a version byte comes next. Build it with clang's -fsanitize=fuzzer,address,
// undefined together with the sources of the rooms base and term.

#include "term/term.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "etf_fuzz: %s\n", what);
        abort();
    }
}

static keel_bytes encode(keel_term term, bool compress)
{
    keel_term binary;
    keel_etf_opts opts = {.compress = compress ? 6 : 0};
    require(keel_etf_encode(term, &opts, &binary) == KEEL_OK, "a decoded term encodes");
    return keel_to_bytes(binary);
}

static void check_term(keel_term term, bool compress)
{
    keel_etf_limits no_limits = {.max_depth = SIZE_MAX, .max_words = SIZE_MAX};
    keel_term again;
    keel_bytes bytes = encode(term, compress);
    keel_status status = keel_etf_decode(bytes.data, bytes.size, &no_limits, NULL, &again);
    require(status == KEEL_OK, "what is encoded decodes");
    require(keel_equal(term, again), "it decodes to an equal term");
    keel_bytes written = encode(again, compress);
    require(written.size == bytes.size && memcmp(written.data, bytes.data, bytes.size) == 0,
            "equal terms have the same encoding");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    uint8_t choice = *data++;
    size--;
    keel_etf_limits limits = {
            .max_depth = choice & 1 ? 4 : 0,
            .max_words = choice & 2 ? 64 : 0,
            .max_bytes = 1 << 20,
            .existing_atoms_only = (choice & 4) != 0,
    };
    keel_scope scope = keel_scope_open();
    struct kl_heap before = *kl_heap_current();
    keel_term term = KEEL_NONE;
    size_t used = 0;
    keel_status status = choice & 8 ? keel_etf_decode(data, size, &limits,
                                              choice & 16 ? NULL : &used, &term)
                                    : kl_etf_decode(data, size, &limits, &used, &term);
    if (status == KEEL_OK) {
        require(used <= size, "no more is used than there is");
        check_term(term, (choice & 32) != 0);
    } else {
        struct kl_heap *after = kl_heap_current();
        require(after->next == before.next && after->counted == before.counted &&
                        after->bytes == before.bytes,
                "a failed decoding leaves nothing behind");
    }
    keel_scope_close(&scope);
    return 0;
}
