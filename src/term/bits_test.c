#include "value.h"

#include "testing/harness.h"
#include <string.h>

static uint8_t noise[1000];

__attribute__((constructor)) static void fill_noise(void)
{
    for (size_t i = 0; i < sizeof noise; i++) {
        noise[i] = (uint8_t)(i * 131 + 7);
    }
}

static bool holds(keel_term binary, const void *data, size_t size)
{
    keel_bytes bytes = keel_to_bytes(binary);
    return bytes.data && bytes.size == size && memcmp(bytes.data, data, size) == 0;
}

TEST("binaries of every size around the limit hold their bytes")
{
    for (size_t size = 0; size < 200; size++) {
        keel_term binary = keel_binary(noise, size);
        CHECK(holds(binary, noise, size));
        CHECK_INT(kl_is_kind(binary, KL_KIND_SHARED), size > KL_BITS_INLINE_MAX);
        CHECK_INT(keel_bit_size(binary), size * 8);
        uint8_t *data;
        keel_term empty = keel_binary_new(size, &data);
        memcpy(data, noise, size);
        CHECK(keel_equal(binary, empty));
    }
}

TEST("bits beyond the last of a bitstring are zero")
{
    uint8_t ones[100];
    memset(ones, 0xff, sizeof ones);
    for (size_t bits = 0; bits < 8 * sizeof ones; bits++) {
        keel_term term = keel_bitstring(ones, bits);
        CHECK_INT(keel_bit_size(term), bits);
        CHECK_INT(keel_is_binary(term), bits % 8 == 0);
        const uint8_t *data = keel_bits_data(term);
        for (size_t i = 0; i < bits / 8; i++) {
            CHECK_INT(data[i], 0xff);
        }
        if (bits % 8 != 0) {
            CHECK_INT(data[bits / 8], (uint8_t)(0xff00 >> bits % 8));
        }
    }
}

TEST("a part of a binary shares its bytes when they are many")
{
    keel_term whole = keel_binary(noise, sizeof noise);
    for (size_t offset = 0; offset < 300; offset += 7) {
        for (size_t size = 0; size < 200; size += 13) {
            keel_term part = keel_binary_part(whole, offset, size);
            CHECK(holds(part, noise + offset, size));
            CHECK_INT(keel_to_bytes(part).data == keel_to_bytes(whole).data + offset,
                    size > KL_BITS_INLINE_MAX);
        }
    }
    keel_term part = keel_binary_part(keel_binary_part(whole, 100, 500), 50, 400);
    CHECK(holds(part, noise + 150, 400));
    CHECK(holds(keel_binary_part(whole, 1000, 0), noise, 0));
    CHECK(keel_is_none(keel_binary_part(whole, 1001, 0)));
    CHECK(keel_is_none(keel_binary_part(whole, 1, 1000)));
    CHECK(keel_is_none(keel_binary_part(whole, 1, SIZE_MAX)));
    CHECK(keel_is_none(keel_binary_part(keel_int(1), 0, 0)));
    CHECK(keel_is_none(keel_binary_part(keel_bitstring(noise, 9), 0, 1)));
    CHECK(holds(keel_binary_part(keel_binary(noise, 20), 3, 10), noise + 3, 10));
}

TEST("a part outlives the scope's other holders of the same bytes")
{
    keel_scope scope = keel_scope_open();
    keel_term whole = keel_binary(noise, sizeof noise);
    keel_term part = keel_scope_close_with(&scope, keel_binary_part(whole, 200, 300));
    CHECK(holds(part, noise + 200, 300));
}

TEST("texts are formatted into binaries of any size")
{
    CHECK(holds(keel_string("text"), "text", 4));
    CHECK(holds(keel_string(""), "", 0));
    CHECK(holds(keel_format("%d and %s", 17, "four"), "17 and four", 11));
    char wide[1000];
    memset(wide, ' ', sizeof wide);
    wide[999] = 'x';
    CHECK(holds(keel_format("%1000s", "x"), wide, 1000));
    CHECK(holds(keel_format("%199s", "x"), wide + 801, 199));
    CHECK(holds(keel_format("%200s", "x"), wide + 800, 200));
}

TEST("a binary of impossible size is no term")
{
    uint8_t *data;
    CHECK(keel_is_none(keel_binary_new(SIZE_MAX, &data)));
    CHECK(keel_is_none(keel_binary_new(SIZE_MAX / 8, &data)));
    CHECK(keel_is_none(keel_binary_new((size_t)1 << 46, &data)));
}
