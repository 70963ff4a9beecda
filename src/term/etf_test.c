#include "etf.h"
#include "testing/harness.h"

// Every tag of the format, in the forms that are taken and in those that are refused.

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define ZEROS_8 0, 0, 0, 0, 0, 0, 0, 0
// The atom a@b as the name of a node.
#define NODE 119, 3, 'a', '@', 'b'

struct form {
    const char *what;
    const uint8_t *data;
    size_t size;
    // What we write for it; NULL: the same bytes.
    const uint8_t *written;
    size_t written_size;
};

#define SAME(what, ...)                                                                    \
    {                                                                                      \
        what, BYTES(__VA_ARGS__), NULL, 0                                                  \
    }
#define OTHER(what, bytes, written)                                                        \
    {                                                                                      \
        what, bytes, written                                                               \
    }

static const struct form accepted[] = {
        SAME("small integer 0", 131, 97, 0),
        SAME("small integer 255", 131, 97, 255),
        SAME("integer 256", 131, 98, 0, 0, 1, 0),
        SAME("integer -1", 131, 98, 255, 255, 255, 255),
        SAME("integer -2^31", 131, 98, 128, 0, 0, 0),
        OTHER("integer 5 in four bytes", BYTES(131, 98, 0, 0, 0, 5), BYTES(131, 97, 5)),
        SAME("2^31", 131, 110, 4, 0, 0, 0, 0, 128),
        SAME("-2^31-1", 131, 110, 4, 1, 1, 0, 0, 128),
        SAME("2^62-1, the largest small integer", 131, 110, 8, 0, 255, 255, 255, 255, 255,
                255, 255, 63),
        SAME("2^62", 131, 110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 64),
        SAME("-2^62, the smallest small integer", 131, 110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 64),
        SAME("-2^62-1", 131, 110, 8, 1, 1, 0, 0, 0, 0, 0, 0, 64),
        SAME("2^64", 131, 110, 9, 0, ZEROS_8, 1),
        SAME("-2^127", 131, 110, 16, 1, ZEROS_8, 0, 0, 0, 0, 0, 0, 0, 128),
        OTHER("big 0", BYTES(131, 110, 0, 0), BYTES(131, 97, 0)),
        OTHER("big -0", BYTES(131, 110, 0, 1), BYTES(131, 97, 0)),
        OTHER("big -0 with digits", BYTES(131, 110, 9, 1, ZEROS_8, 0), BYTES(131, 97, 0)),
        OTHER("big 5 with leading zeros", BYTES(131, 110, 4, 0, 5, 0, 0, 0),
                BYTES(131, 97, 5)),
        OTHER("big with a sign of 2", BYTES(131, 110, 1, 2, 5),
                BYTES(131, 98, 255, 255, 255, 251)),
        OTHER("2^64 with leading zeros", BYTES(131, 110, 18, 0, ZEROS_8, 1, ZEROS_8, 0),
                BYTES(131, 110, 9, 0, ZEROS_8, 1)),
        OTHER("large big that is small", BYTES(131, 111, 0, 0, 0, 1, 1, 7),
                BYTES(131, 98, 255, 255, 255, 249)),
        OTHER("large big 0", BYTES(131, 111, 0, 0, 0, 0, 0), BYTES(131, 97, 0)),
        SAME("float 1.5", 131, 70, 63, 248, 0, 0, 0, 0, 0, 0),
        SAME("float -0.0", 131, 70, 128, 0, 0, 0, 0, 0, 0, 0),
        SAME("smallest float", 131, 70, 0, 0, 0, 0, 0, 0, 0, 1),
        SAME("largest float", 131, 70, 127, 239, 255, 255, 255, 255, 255, 255),
        SAME("atom", 131, 119, 2, 'o', 'k'),
        SAME("empty atom", 131, 119, 0),
        SAME("atom with NUL", 131, 119, 3, 'a', 0, 'b'),
        SAME("atom beyond Latin-1", 131, 119, 3, 0xe2, 0x82, 0xac),
        SAME("atom of a noncharacter", 131, 119, 3, 0xef, 0xbf, 0xbe),
        OTHER("short atom in the long form", BYTES(131, 118, 0, 2, 'o', 'k'),
                BYTES(131, 119, 2, 'o', 'k')),
        OTHER("Latin-1 atom", BYTES(131, 100, 0, 3, 'a', 0xe4, 'b'),
                BYTES(131, 119, 4, 'a', 0xc3, 0xa4, 'b')),
        OTHER("small Latin-1 atom", BYTES(131, 115, 1, 0xff),
                BYTES(131, 119, 2, 0xc3, 0xbf)),
        SAME("empty tuple", 131, 104, 0),
        SAME("tuple", 131, 104, 2, 97, 1, 104, 1, 106),
        OTHER("small tuple in the large form", BYTES(131, 105, 0, 0, 0, 1, 97, 1),
                BYTES(131, 104, 1, 97, 1)),
        OTHER("empty large tuple", BYTES(131, 105, 0, 0, 0, 0), BYTES(131, 104, 0)),
        SAME("nil", 131, 106),
        SAME("list of atoms", 131, 108, 0, 0, 0, 2, 119, 1, 'a', 119, 1, 'b', 106),
        SAME("improper list", 131, 108, 0, 0, 0, 2, 97, 1, 97, 2, 97, 3),
        SAME("alias", 131, 108, 0, 0, 0, 1, 119, 5, 'a', 'l', 'i', 'a', 's', 90, 0, 1, NODE,
                0, 0, 0, 9, 0, 0, 0, 1),
        SAME("list in a list", 131, 108, 0, 0, 0, 1, 108, 0, 0, 0, 1, 106, 106, 106),
        SAME("string", 131, 107, 0, 3, 0, 255, 'x'),
        OTHER("empty string", BYTES(131, 107, 0, 0), BYTES(131, 106)),
        OTHER("bytes as a list", BYTES(131, 108, 0, 0, 0, 1, 97, 7, 106),
                BYTES(131, 107, 0, 1, 7)),
        OTHER("list of no items is its tail", BYTES(131, 108, 0, 0, 0, 0, 97, 7),
                BYTES(131, 97, 7)),
        OTHER("list whose tail is a list",
                BYTES(131, 108, 0, 0, 0, 1, 119, 0, 108, 0, 0, 0, 1, 119, 0, 106),
                BYTES(131, 108, 0, 0, 0, 2, 119, 0, 119, 0, 106)),
        OTHER("list whose tail is a string",
                BYTES(131, 108, 0, 0, 0, 1, 97, 1, 107, 0, 2, 2, 3),
                BYTES(131, 107, 0, 3, 1, 2, 3)),
        SAME("binary", 131, 109, 0, 0, 0, 2, 0, 255),
        SAME("empty binary", 131, 109, 0, 0, 0, 0),
        SAME("bitstring of 3 bits", 131, 77, 0, 0, 0, 1, 3, 0xe0),
        OTHER("bitstring with unused bits set", BYTES(131, 77, 0, 0, 0, 1, 3, 0xff),
                BYTES(131, 77, 0, 0, 0, 1, 3, 0xe0)),
        OTHER("bitstring of whole bytes", BYTES(131, 77, 0, 0, 0, 1, 8, 0xff),
                BYTES(131, 109, 0, 0, 0, 1, 0xff)),
        OTHER("empty bitstring", BYTES(131, 77, 0, 0, 0, 0, 0),
                BYTES(131, 109, 0, 0, 0, 0)),
        SAME("empty map", 131, 116, 0, 0, 0, 0),
        SAME("map", 131, 116, 0, 0, 0, 2, 97, 1, 119, 1, 'a', 97, 2, 106),
        OTHER("map out of order",
                BYTES(131, 116, 0, 0, 0, 3, 97, 3, 97, 30, 97, 1, 97, 10, 97, 2, 97, 20),
                BYTES(131, 116, 0, 0, 0, 3, 97, 1, 97, 10, 97, 2, 97, 20, 97, 3, 97, 30)),
        OTHER("map with 1.0 and 1",
                BYTES(131, 116, 0, 0, 0, 2, 70, 63, 240, 0, 0, 0, 0, 0, 0, 97, 2, 97, 1, 97,
                        3),
                BYTES(131, 116, 0, 0, 0, 2, 97, 1, 97, 3, 70, 63, 240, 0, 0, 0, 0, 0, 0, 97,
                        2)),
        SAME("pid", 131, 88, NODE, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7),
        SAME("pid of all ones", 131, 88, NODE, 255, 255, 255, 255, 255, 255, 255, 254, 255,
                255, 255, 253),
        OTHER("old pid", BYTES(131, 103, NODE, 0, 0, 0, 5, 0, 0, 0, 6, 3),
                BYTES(131, 88, NODE, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 3)),
        SAME("port", 131, 89, NODE, 15, 255, 255, 255, 0, 0, 0, 9),
        SAME("port of 64 bits", 131, 120, NODE, 255, 255, 255, 255, 255, 255, 255, 255, 0,
                0, 0, 9),
        OTHER("small port of 64 bits",
                BYTES(131, 120, NODE, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 9),
                BYTES(131, 89, NODE, 0, 0, 0, 5, 0, 0, 0, 9)),
        OTHER("port of 29 bits", BYTES(131, 89, NODE, 16, 0, 0, 0, 0, 0, 0, 9),
                BYTES(131, 120, NODE, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 9)),
        OTHER("old port", BYTES(131, 102, NODE, 0, 0, 0, 5, 3),
                BYTES(131, 89, NODE, 0, 0, 0, 5, 0, 0, 0, 3)),
        SAME("reference of 1 word", 131, 90, 0, 1, NODE, 0, 0, 0, 9, 0, 0, 0, 1),
        SAME("reference of 3 words", 131, 90, 0, 3, NODE, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0,
                2, 0, 0, 0, 3),
        SAME("reference of 5 words", 131, 90, 0, 5, NODE, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0,
                2, 0, 0, 0, 3, 0, 0, 0, 4, 255, 0, 0, 5),
        OTHER("reference with an old creation",
                BYTES(131, 114, 0, 2, NODE, 3, 0, 0, 0, 1, 0, 0, 0, 2),
                BYTES(131, 90, 0, 2, NODE, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2)),
        OTHER("oldest reference", BYTES(131, 101, NODE, 0, 0, 0, 5, 3),
                BYTES(131, 90, 0, 1, NODE, 0, 0, 0, 3, 0, 0, 0, 5)),
        SAME("export", 131, 113, 119, 1, 'm', 119, 1, 'f', 97, 3),
        OTHER("export with its arity in four bytes",
                BYTES(131, 113, 119, 1, 'm', 119, 1, 'f', 98, 0, 0, 0, 255),
                BYTES(131, 113, 119, 1, 'm', 119, 1, 'f', 97, 255)),
        SAME("fun", 131, 112, 0, 0, 0, 60, 1, ZEROS_8, ZEROS_8, 0, 0, 0, 1, 0, 0, 0, 1, 119,
                1, 'm', 97, 1, 98, 0, 0, 1, 0, 88, NODE, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7,
                104, 1, 106),
        SAME("fun without free values, with an atom in the long form", 131, 112, 0, 0, 0,
                58, 1, ZEROS_8, ZEROS_8, 0, 0, 0, 1, 0, 0, 0, 0, 118, 0, 1, 'm', 97, 1, 98,
                0, 0, 1, 0, 88, NODE, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7),
        SAME("old fun", 131, 117, 0, 0, 0, 1, 103, NODE, 0, 0, 0, 5, 0, 0, 0, 6, 3, 100, 0,
                1, 'm', 97, 1, 97, 2, 106),
        SAME("old fun inside a tuple, with an old fun inside", 131, 104, 2, 117, 0, 0, 0, 2,
                103, NODE, 0, 0, 0, 5, 0, 0, 0, 6, 3, 100, 0, 1, 'm', 97, 1, 97, 2, 117, 0,
                0, 0, 0, 103, NODE, 0, 0, 0, 5, 0, 0, 0, 6, 3, 100, 0, 1, 'm', 97, 1, 97, 2,
                97, 9, 97, 1),
};

struct refusal {
    const char *what;
    const uint8_t *data;
    size_t size;
    keel_status status;
};

#define REFUSED(what, ...)                                                                 \
    {                                                                                      \
        what, BYTES(__VA_ARGS__), KEEL_E_MALFORMED                                         \
    }

static const struct refusal refused[] = {
        REFUSED("only a version byte", 131),
        REFUSED("no version byte", 97, 1),
        REFUSED("another version byte", 130, 97, 1),
        REFUSED("two version bytes", 131, 131, 97, 1),
        REFUSED("version byte inside", 131, 104, 1, 131, 97, 1),
        REFUSED("tag 0", 131, 0),
        REFUSED("reference to an atom cache", 131, 82, 0),
        REFUSED("distribution header", 131, 68, 0),
        REFUSED("form for its own node alone", 131, 121, ZEROS_8, 97, 1),
        REFUSED("compressed term inside", 131, 104, 1, 80, 0, 0, 0, 1, 106),
        REFUSED("infinity", 131, 70, 127, 240, 0, 0, 0, 0, 0, 0),
        REFUSED("negative infinity", 131, 70, 255, 240, 0, 0, 0, 0, 0, 0),
        REFUSED("infinity among other floats", 131, 104, 3, 70, 63, 248, 0, 0, 0, 0, 0, 0,
                70, 127, 240, 0, 0, 0, 0, 0, 0, 70, 63, 248, 0, 0, 0, 0, 0, 0),
        REFUSED("not a number", 131, 70, 127, 248, 0, 0, 0, 0, 0, 1),
        REFUSED("atom that is no UTF-8", 131, 119, 1, 0xe4),
        REFUSED("atom cut inside a character", 131, 119, 2, 0xe2, 0x82),
        REFUSED("atom with an overlong character", 131, 119, 2, 0xc0, 0x80),
        REFUSED("atom with a surrogate", 131, 119, 3, 0xed, 0xa0, 0x80),
        REFUSED("atom with a character beyond Unicode", 131, 119, 4, 0xf4, 0x90, 0x80,
                0x80),
        REFUSED("more terms due than bytes left", 131, 104, 4, 97, 1, 106),
        REFUSED("tuple of 2^32-1 terms", 131, 105, 255, 255, 255, 255, 106),
        REFUSED("list of 2^32-1 terms", 131, 108, 255, 255, 255, 255, 106),
        REFUSED("map of 2^32-1 pairs", 131, 116, 255, 255, 255, 255, 106),
        REFUSED("binary of 2^32-1 bytes", 131, 109, 255, 255, 255, 255, 1),
        REFUSED("big of 2^32-1 bytes", 131, 111, 255, 255, 255, 255, 0, 1),
        REFUSED("fun of 2^32-1 free values", 131, 117, 255, 255, 255, 255, 103, NODE, 0, 0,
                0, 5, 0, 0, 0, 6, 3, 100, 0, 1, 'm', 97, 1, 97, 2, 106),
        REFUSED("list without a tail", 131, 108, 0, 0, 0, 1, 97, 1),
        REFUSED("equal keys", 131, 116, 0, 0, 0, 2, 97, 1, 97, 2, 97, 1, 97, 3),
        REFUSED("equal keys in two forms, out of order", 131, 116, 0, 0, 0, 3, 97, 2, 106,
                98, 0, 0, 0, 1, 106, 97, 1, 106),
        REFUSED("last bits but no bytes", 131, 77, 0, 0, 0, 0, 8),
        REFUSED("bytes but no last bits", 131, 77, 0, 0, 0, 1, 0, 0xff),
        REFUSED("9 last bits", 131, 77, 0, 0, 0, 1, 9, 0xff),
        REFUSED("pid whose node is no atom", 131, 88, 97, 1, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0,
                0, 7),
        REFUSED("old pid with a creation of 4", 131, 103, NODE, 0, 0, 0, 5, 0, 0, 0, 6, 4),
        REFUSED("old port with a creation of 4", 131, 102, NODE, 0, 0, 0, 5, 4),
        REFUSED("oldest reference with a creation of 4", 131, 101, NODE, 0, 0, 0, 5, 4),
        REFUSED("reference with a creation of 4 in 8 bits", 131, 114, 0, 1, NODE, 4, 0, 0,
                0, 1),
        REFUSED("reference of 0 words", 131, 90, 0, 0, NODE, 0, 0, 0, 9),
        REFUSED("reference of 6 words", 131, 90, 0, 6, NODE, 0, 0, 0, 9, ZEROS_8, ZEROS_8,
                ZEROS_8),
        REFUSED("export of arity 256", 131, 113, 119, 1, 'm', 119, 1, 'f', 98, 0, 0, 1, 0),
        REFUSED("export whose arity is no integer", 131, 113, 119, 1, 'm', 119, 1, 'f', 119,
                1),
        REFUSED("export whose module is no atom", 131, 113, 97, 1, 119, 1, 'f', 97, 1),
        REFUSED("fun whose size is one too small", 131, 112, 0, 0, 0, 59, 1, ZEROS_8,
                ZEROS_8, 0, 0, 0, 1, 0, 0, 0, 1, 119, 1, 'm', 97, 1, 98, 0, 0, 1, 0, 88,
                NODE, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7, 104, 1, 106),
        REFUSED("fun whose size is one too large", 131, 104, 2, 112, 0, 0, 0, 61, 1,
                ZEROS_8, ZEROS_8, 0, 0, 0, 1, 0, 0, 0, 1, 119, 1, 'm', 97, 1, 98, 0, 0, 1,
                0, 88, NODE, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7, 104, 1, 106, 106),
        REFUSED("fun of size 0", 131, 112, 0, 0, 0, 0, 1, ZEROS_8, ZEROS_8, 0, 0, 0, 1, 0,
                0, 0, 0, 119, 1, 'm', 97, 1, 97, 1, 88, NODE, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0,
                0, 7),
        REFUSED("fun with a tuple for its pid", 131, 112, 0, 0, 0, 43, 1, ZEROS_8, ZEROS_8,
                0, 0, 0, 1, 0, 0, 0, 1, 119, 1, 'm', 97, 1, 98, 0, 0, 1, 0, 104, 1, 106,
                106),
        {"tuple of 2^24 terms that are not there", BYTES(131, 105, 1, 0, 0, 0, 106),
                KEEL_E_MALFORMED},
};

static keel_term decode(const uint8_t *data, size_t size)
{
    keel_term term = KEEL_NONE;
    CHECK_OK(keel_etf_decode(data, size, NULL, NULL, &term));
    return term;
}

static keel_bytes encode(keel_term term)
{
    keel_term binary = KEEL_NONE;
    CHECK_OK(keel_etf_encode(term, NULL, &binary));
    return keel_to_bytes(binary);
}

static void check_bytes(
        const char *what, keel_bytes actual, const uint8_t *expected, size_t size)
{
    if (actual.size != size || memcmp(actual.data, expected, size) != 0) {
        kl_test_fail(__FILE__, __LINE__, "%s: %zu bytes written, the %zu expected differ",
                what, actual.size, size);
    }
}

TEST("every form that is accepted is written as OTP writes it")
{
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        const struct form *form = &accepted[i];
        keel_term term;
        keel_status status = keel_etf_decode(form->data, form->size, NULL, NULL, &term);
        if (status != KEEL_OK) {
            kl_test_fail(
                    __FILE__, __LINE__, "%s: %s", form->what, keel_status_name(status));
        }
        const uint8_t *written = form->written ? form->written : form->data;
        size_t size = form->written ? form->written_size : form->size;
        check_bytes(form->what, encode(term), written, size);
        CHECK(keel_equal(term, decode(written, size)));
    }
}

TEST("every form that is accepted is refused when it is cut off or followed by a byte")
{
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        const struct form *form = &accepted[i];
        keel_term term;
        for (size_t cut = 0; cut < form->size; cut++) {
            // A copy of just these bytes, so that a sanitizer sees a look beyond them.
            uint8_t *part = kl_alloc(cut + 1);
            memcpy(part, form->data, cut);
            kl_poison(part + cut, 1);
            keel_status status = keel_etf_decode(part, cut, NULL, NULL, &term);
            kl_unpoison(part + cut, 1);
            kl_free(part, cut + 1);
            if (status != KEEL_E_MALFORMED) {
                kl_test_fail(__FILE__, __LINE__, "%s, cut to %zu bytes: %s", form->what,
                        cut, keel_status_name(status));
            }
        }
        uint8_t longer[256] = {0};
        CHECK(form->size < sizeof longer);
        memcpy(longer, form->data, form->size);
        CHECK_INT(keel_etf_decode(longer, form->size + 1, NULL, NULL, &term),
                KEEL_E_MALFORMED);
        size_t used = 0;
        CHECK_OK(keel_etf_decode(longer, sizeof longer, NULL, &used, &term));
        CHECK_INT(used, form->size);
    }
}

TEST("what is no term is refused, and nothing stays on the heap")
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const struct refusal *refusal = &refused[i];
        struct kl_heap *heap = kl_heap_current();
        uint8_t *next = heap->next;
        struct kl_box_counted *counted = heap->counted;
        keel_term term = keel_nil();
        keel_status status = keel_etf_decode(
                refusal->data, refusal->size, NULL, NULL, &term);
        if (status != refusal->status) {
            kl_test_fail(__FILE__, __LINE__, "%s: %s", refusal->what,
                    status == KEEL_OK ? "accepted" : keel_status_name(status));
        }
        CHECK(keel_is_nil(term));
        CHECK(heap->next == next && heap->counted == counted);
    }
}

TEST("the walk counts the bytes and words that a term takes")
{
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        const struct form *form = &accepted[i];
        size_t used = 0, words = 0;
        CHECK_OK(kl_etf_walk(form->data + 1, form->size - 1, NULL, &used, &words));
        CHECK_INT(used, form->size - 1);
        keel_etf_limits limits = {.max_words = words};
        keel_term term;
        keel_status status = kl_etf_decode(form->data + 1, used, &limits, &used, &term);
        CHECK_OK(words == 0 ? KEEL_OK : status);
        if (words > 1) {
            limits.max_words = words - 1;
            CHECK_INT(kl_etf_decode(form->data + 1, used, &limits, &used, &term),
                    KEEL_E_TOO_LARGE);
        }
    }
}

TEST("the walk and the build refuse the same, but for equal keys")
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const struct refusal *refusal = &refused[i];
        if (refusal->data[0] != 131) {
            continue;
        }
        size_t used;
        keel_status status = kl_etf_walk(
                refusal->data + 1, refusal->size - 1, NULL, &used, NULL);
        bool is_about_keys = strncmp(refusal->what, "equal keys", 10) == 0;
        CHECK_INT(status, is_about_keys ? KEEL_OK : KEEL_E_MALFORMED);
    }
}

TEST("decoded terms are what they say")
{
    int64_t value;
    keel_term term = decode(BYTES(131, 110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 64));
    CHECK(keel_get_int(term, &value) && value == KL_SMALL_MIN && kl_is_small(term));
    CHECK(keel_to_float(decode(BYTES(131, 70, 63, 248, 0, 0, 0, 0, 0, 0))) == 1.5);
    CHECK_STR(keel_atom_name(decode(BYTES(131, 100, 0, 1, 0xe4))), "\xc3\xa4");
    term = decode(BYTES(131, 107, 0, 2, 1, 2));
    CHECK_INT(keel_to_int(keel_head(term)), 1);
    CHECK_INT(keel_to_int(keel_head(keel_tail(term))), 2);
    CHECK(keel_is_nil(keel_tail(keel_tail(term))));
    term = decode(BYTES(131, 108, 0, 0, 0, 1, 119, 1, 'a', 119, 1, 'b'));
    CHECK_STR(keel_atom_name(keel_head(term)), "a");
    CHECK_STR(keel_atom_name(keel_tail(term)), "b");
    term = decode(BYTES(131, 77, 0, 0, 0, 2, 1, 0xff, 0xff));
    CHECK_INT(keel_bit_size(term), 9);
    CHECK_INT(keel_bits_data(term)[1], 0x80);
    term = decode(BYTES(131, 116, 0, 0, 0, 2, 97, 9, 97, 90, 97, 8, 97, 80));
    CHECK_INT(keel_map_size(term), 2);
    CHECK_INT(keel_to_int(keel_map_get(term, keel_int(9))), 90);
    CHECK_INT(keel_to_int(keel_map_get(term, keel_int(8))), 80);
    struct kl_remote_pid pid;
    term = decode(BYTES(131, 88, NODE, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7));
    CHECK(kl_pid_remote(keel_to_pid(term), &pid));
    CHECK_STR(keel_atom_name(pid.node), "a@b");
    CHECK(pid.id == 5 && pid.serial == 6 && pid.creation == 7);
    struct kl_remote_ref ref;
    term = decode(BYTES(131, 90, 0, 2, NODE, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2));
    CHECK(kl_ref_remote(keel_to_ref(term), &ref));
    CHECK(ref.creation == 9 && ref.count == 2 && ref.word[0] == 1 && ref.word[1] == 2);
    term = decode(BYTES(131, 113, 119, 1, 'm', 119, 1, 'f', 97, 3));
    CHECK(keel_equal(term, keel_export(keel_atom(m), keel_atom(f), 3)));
}

TEST("floats written as text are read, whatever the locale, and other text is not")
{
    static const struct {
        const char *text;
        double value; // 0: refused
    } texts[] = {{"1.50000000000000000000e+00", 1.5}, {"1.5", 1.5}, {"-1.5E5", -1.5e5},
            {"+1.5", 1.5}, {"1,5", 1.5}, {"1.5e+00000000000000000000001", 15},
            {"-2.25e-3", -2.25e-3}, {"1.79769313486231570000e+308", 1.7976931348623157e308},
            {"4.94065645841246544177e-324", 5e-324},
            // Refused:
            {"", 0}, {"15", 0}, {"1.5e", 0}, {" 1.5", 0}, {"1.5x", 0}, {"1e5", 0},
            {".5", 0}, {"1.", 0}, {"1.e5", 0}, {"1.5e400", 0},
            {"1.5e99999999999999999999", 0}, {"0x1.8p0", 0}, {"nan", 0}, {"inf", 0},
            {"-", 0}, {"1.5e+-1", 0}, {"1.234500000000000000000000000000", 0}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint8_t data[2 + KL_ETF_FLOAT_TEXT] = {131, 99};
        // Without a NUL when the text is longer than the field.
        memcpy(data + 2, texts[i].text, strnlen(texts[i].text, KL_ETF_FLOAT_TEXT));
        keel_term term = KEEL_NONE;
        keel_status status = keel_etf_decode(data, sizeof data, NULL, NULL, &term);
        if (status != (texts[i].value != 0 ? KEEL_OK : KEEL_E_MALFORMED) ||
                (status == KEEL_OK && keel_to_float(term) != texts[i].value)) {
            kl_test_fail(__FILE__, __LINE__, "\"%s\": %s %g", texts[i].text,
                    keel_status_name(status), keel_to_float(term));
        }
    }
    CHECK_INT(
            keel_etf_decode(BYTES(131, 99, '1', '.', '5', 0), NULL, NULL, &(keel_term){0}),
            KEEL_E_MALFORMED);
    // Too small for a float, as in OTP: zero.
    uint8_t tiny[2 + KL_ETF_FLOAT_TEXT] = "\203c1.5e-400";
    CHECK(keel_to_float(decode(tiny, sizeof tiny)) == 0.0);
}

// Fills `data` with 131, `tag`, a count of `count_bytes` and `size` times `byte`.
static size_t fill(
        uint8_t *data, uint8_t tag, size_t count_bytes, uint8_t byte, uint32_t size)
{
    uint8_t *at = data;
    *at++ = 131;
    *at++ = tag;
    for (size_t i = count_bytes; i-- > 0;) {
        *at++ = (uint8_t)(size >> 8 * i);
    }
    memset(at, byte, size);
    return 2 + count_bytes + size;
}

TEST("atoms have up to 255 characters, however many bytes these take")
{
    static uint8_t data[2000];
    keel_term term;
    size_t size = fill(data, KL_ETF_SMALL_ATOM_UTF8, 1, 'x', 255);
    check_bytes("255 letters", encode(decode(data, size)), data, size);
    size = fill(data, KL_ETF_ATOM_UTF8, 2, 'x', 256);
    CHECK_INT(keel_etf_decode(data, size, NULL, NULL, &term), KEEL_E_MALFORMED);
    size = fill(data, KL_ETF_ATOM, 2, 'x', 256);
    CHECK_INT(keel_etf_decode(data, size, NULL, NULL, &term), KEEL_E_MALFORMED);

    size = fill(data, KL_ETF_ATOM, 2, 0xe4, 255);
    keel_bytes written = encode(decode(data, size));
    CHECK_INT(written.size, 4 + 2 * 255);
    CHECK_INT(written.data[1], KL_ETF_ATOM_UTF8);

    size = fill(data, KL_ETF_ATOM_UTF8, 2, 0, 1020);
    for (size_t i = 0; i < 255; i++) {
        memcpy(data + 4 + 4 * i, "\xf0\x9f\x98\x80", 4);
    }
    check_bytes("255 characters of 4 bytes", encode(decode(data, size)), data, size);
    kl_etf_put_16(data + 2, 1024);
    memcpy(data + 4 + 1020, "\xf0\x9f\x98\x80", 4);
    CHECK_INT(keel_etf_decode(data, size + 4, NULL, NULL, &term), KEEL_E_MALFORMED);
}

TEST("bytes up to 65535 are a string, more are a list")
{
    static keel_term items[65536];
    for (size_t i = 0; i < 65536; i++) {
        items[i] = keel_int((int)(i % 256));
    }
    keel_bytes string = encode(keel_list(items, 65535));
    CHECK_INT(string.size, 1 + 3 + 65535);
    CHECK_INT(string.data[1], KL_ETF_STRING);
    keel_term list = keel_list(items, 65536);
    keel_bytes long_list = encode(list);
    CHECK_INT(long_list.size, 1 + 5 + 2 * 65536 + 1);
    CHECK_INT(long_list.data[1], KL_ETF_LIST);
    CHECK(keel_equal(list, decode(long_list.data, long_list.size)));

    items[65534] = keel_int(256);
    CHECK_INT(encode(keel_list(items, 65535)).data[1], KL_ETF_LIST);
    items[65534] = keel_int(-1);
    CHECK_INT(encode(keel_list(items, 65535)).data[1], KL_ETF_LIST);
    CHECK_INT(encode(keel_cons(keel_int(1), keel_int(2))).data[1], KL_ETF_LIST);
}

TEST("tuples of 256 and binaries of 65 bytes take their larger forms")
{
    static keel_term items[256];
    for (size_t i = 0; i < 256; i++) {
        items[i] = keel_nil();
    }
    CHECK_INT(encode(keel_tuple(items, 255)).data[1], KL_ETF_SMALL_TUPLE);
    keel_term large = keel_tuple(items, 256);
    keel_bytes written = encode(large);
    CHECK_INT(written.data[1], KL_ETF_LARGE_TUPLE);
    CHECK(keel_equal(large, decode(written.data, written.size)));

    static uint8_t data[1000];
    for (uint32_t size = 0; size < 200; size++) {
        size_t bytes = fill(data, KL_ETF_BINARY, 4, 7, size);
        keel_term binary = decode(data, bytes);
        CHECK(kl_is_kind(
                binary, size > KL_BITS_INLINE_MAX ? KL_KIND_SHARED : KL_KIND_BITS));
        check_bytes("binary", encode(binary), data, bytes);
    }
    // Unused bits of a large bitstring are cleared in its shared block, too.
    size_t bytes = fill(data, KL_ETF_BIT_BINARY, 4, 0xff, 100);
    memmove(data + 7, data + 6, 100);
    data[6] = 3;
    written = encode(decode(data, bytes + 1));
    CHECK_INT(written.size, bytes + 1);
    CHECK_INT(written.data[bytes], 0xe0);
}

TEST("integers of more than 255 bytes take the large form and come back")
{
    static uint8_t data[2000];
    for (uint32_t size = 250; size < 270; size++) {
        uint8_t tag = size < 256 ? KL_ETF_SMALL_BIG : KL_ETF_LARGE_BIG;
        size_t count_bytes = size < 256 ? 1 : 4;
        size_t bytes = fill(data, tag, count_bytes, 0, size + 1);
        data[2 + count_bytes - 1] = (uint8_t)size;
        data[bytes - 1 - size] = 1; // the sign
        data[bytes - 1] = 3;
        check_bytes("big", encode(decode(data, bytes)), data, bytes);
    }
}

TEST("atoms that look alike are told apart, however often they come")
{
    // Texts that differ in length and in one place, and of one letter: decoding remembers
    // the atoms it met by parts of their texts.
    static uint8_t data[65536];
    uint8_t *at = data + 6;
    uint32_t count = 0;
    for (int round = 0; round < 3; round++) {
        for (uint8_t size = 0; size <= 20; size++) {
            for (uint8_t place = 0; place <= size; place++, count++) {
                *at++ = KL_ETF_SMALL_ATOM_UTF8;
                *at++ = size;
                memset(at, place < size ? 0 : 'x', size);
                at[place] = 'x'; // or behind the text
                at += size;
            }
        }
    }
    *at++ = KL_ETF_NIL;
    data[0] = KL_ETF_VERSION;
    data[1] = KL_ETF_LIST;
    kl_etf_put_32(data + 2, count);
    check_bytes(
            "atoms", encode(decode(data, (size_t)(at - data))), data, (size_t)(at - data));
}

TEST("the bytes behind a fun are zero, whatever was in that memory")
{
    static const uint8_t fun[] = {131, 117, 0, 0, 0, 0, 103, NODE, 0, 0, 0, 5, 0, 0, 0, 6,
            3, 100, 0, 1, 'm', 97, 1, 97, 2};
    keel_scope scope = keel_scope_open();
    keel_term ones = keel_int_from_bytes(false, (const uint8_t[200]){[199] = 1}, 200);
    memset(kl_big(ones)->limb, 0xff, 200);
    keel_scope_close(&scope);
    const struct kl_fun *box = kl_box(decode(fun, sizeof fun));
    size_t size = kl_header_size(box->header);
    CHECK_INT(size, sizeof fun - 1);
    CHECK(size % 8 != 0);
    for (; size % 8 != 0; size++) {
        CHECK_INT(box->data[size], 0);
    }
}
