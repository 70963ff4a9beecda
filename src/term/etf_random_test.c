#include "etf.h"
#include "generate.h"
#include "heap.h"
#include "testing/harness.h"

// Random terms through both directions, and random damage to their encodings.

static keel_bytes encode(keel_term term)
{
    keel_term binary = KEEL_NONE;
    CHECK_OK(keel_etf_encode(term, NULL, &binary));
    return keel_to_bytes(binary);
}

TEST("what is encoded decodes to an equal term, which has the same encoding",
        .seeded = true)
{
    kl_node_identity_set(keel_atom_text("keel@host"), 77);
    for (uint64_t i = 0; i < 1000; i++) {
        keel_scope scope = keel_scope_open();
        struct kl_generate generate = {.random = kl_test_seed() * 1000003 + i,
                .size = i % 50 == 0 ? 500 : 24,
                .map_max = i % 10 == 0 ? 200 : 8,
                .identifiers = true,
                .funs = true};
        keel_term term = kl_generate_term(&generate), again;
        keel_bytes bytes = encode(term);
        CHECK_OK(keel_etf_decode(bytes.data, bytes.size, NULL, NULL, &again));
        CHECK(keel_equal(term, again));
        keel_bytes written = encode(again);
        CHECK(written.size == bytes.size);
        CHECK(memcmp(written.data, bytes.data, bytes.size) == 0);
        keel_scope_close(&scope);
    }
}

enum { DAMAGED_MAX = 8192 };

static const uint8_t tags[] = {70, 77, 80, 82, 88, 89, 90, 97, 98, 99, 100, 101, 102, 103,
        104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120,
        121};

// Damages `*size` bytes in one place.
static void damage(struct kl_generate *random, uint8_t *data, size_t *size)
{
    size_t at = *size > 0 ? kl_generate_below(random, *size) : 0, left = *size - at;
    size_t some = 1 + kl_generate_below(random, 16);
    if (left == 0) {
        return;
    }
    switch (kl_generate_below(random, 8)) {
    case 0:
        data[at] ^= (uint8_t)(1u << kl_generate_below(random, 8));
        break;
    case 1:
        data[at] = (uint8_t)kl_generate_below(random, 256);
        break;
    case 2:
        data[at] = tags[kl_generate_below(random, sizeof tags)];
        break;
    case 3: // cut off
        *size = at;
        break;
    case 4: // remove
        some = some < left ? some : left;
        memmove(data + at, data + at + some, left - some);
        *size -= some;
        break;
    case 5: // repeat what is here
        some = some < left ? some : left;
        if (*size + some <= DAMAGED_MAX) {
            memmove(data + at + some, data + at, left);
            *size += some;
        }
        break;
    case 6: // a number that is one more or less, or very large
        if (left >= 4) {
            uint32_t number = kl_etf_get_32(data + at);
            uint32_t change = (uint32_t)kl_generate_below(random, 3);
            kl_etf_put_32(data + at, change == 2 ? UINT32_MAX : number + 1 - 2 * change);
        }
        break;
    default: // put one part over another
        if (left > some) {
            memmove(data + kl_generate_below(random, *size - some), data + at, some);
        }
    }
}

// Decodes from memory of just that size, so that sanitizers see each byte too far; what
// decodes must survive another round.
static bool try_decode(const uint8_t *data, size_t size, const keel_etf_limits *limits)
{
    keel_scope scope = keel_scope_open();
    struct kl_heap *heap = kl_heap_current();
    struct kl_box_counted *counted = heap->counted;
    uint8_t *next = heap->next;
    uint8_t *exact = kl_alloc(size + 1);
    memcpy(exact, data, size);
    kl_poison(exact + size, 1);
    size_t used = 0;
    keel_term term = KEEL_NONE, again;
    keel_status status = keel_etf_decode(exact, size, limits, &used, &term);
    kl_unpoison(exact + size, 1);
    kl_free(exact, size + 1);
    if (status == KEEL_OK) {
        CHECK(used <= size);
        keel_bytes bytes = encode(term);
        keel_etf_limits none = {.max_depth = SIZE_MAX};
        CHECK_OK(keel_etf_decode(bytes.data, bytes.size, &none, NULL, &again));
        CHECK(keel_equal(term, again));
    } else {
        CHECK(status == KEEL_E_MALFORMED || status == KEEL_E_TOO_DEEP ||
                status == KEEL_E_TOO_LARGE || status == KEEL_E_UNSUPPORTED);
        CHECK(heap->counted == counted && heap->next == next);
    }
    keel_scope_close(&scope);
    return status == KEEL_OK;
}

TEST("damaged encodings are refused or decode to sound terms, and nothing is left behind",
        .seeded = true, .timeout_s = 120)
{
    kl_node_identity_set(keel_atom_text("keel@host"), 77);
    struct kl_generate random = {.random = kl_test_seed() * 7919};
    static uint8_t data[DAMAGED_MAX];
    size_t accepted = 0, refused = 0;
    for (int i = 0; i < 100; i++) {
        keel_scope scope = keel_scope_open();
        struct kl_generate generate = {.random = kl_test_seed() * 1000003 + (uint64_t)i,
                .size = 16,
                .identifiers = true,
                .funs = true};
        keel_bytes bytes = encode(kl_generate_term(&generate));
        for (int times = 0; bytes.size <= DAMAGED_MAX && times < 20; times++) {
            size_t size = bytes.size;
            memcpy(data, bytes.data, size);
            for (uint64_t n = 1 + kl_generate_below(&random, 3); n > 0; n--) {
                damage(&random, data, &size);
            }
            keel_etf_limits limits = {
                    .max_depth = times == 0 ? 3 : 0, .max_words = times == 1 ? 50 : 0};
            *(try_decode(data, size, &limits) ? &accepted : &refused) += 1;
        }
        keel_scope_close(&scope);
    }
    // Both happen, so that both are tested.
    CHECK(accepted > 300 && refused > 300);
}

TEST("random bytes behind each tag do no harm", .seeded = true)
{
    struct kl_generate random = {.random = kl_test_seed()};
    uint8_t data[64] = {KL_ETF_VERSION};
    for (int i = 0; i < 6000; i++) {
        size_t size = 2 + kl_generate_below(&random, sizeof data - 1);
        size = size < sizeof data ? size : sizeof data;
        data[1] = tags[(size_t)i % sizeof tags];
        for (size_t at = 2; at < size; at++) {
            // Small numbers and tags, so that counts are often plausible.
            uint64_t kind = kl_generate_below(&random, 4);
            data[at] = kind == 0   ? (uint8_t)kl_generate_below(&random, 256)
                       : kind == 1 ? tags[kl_generate_below(&random, sizeof tags)]
                                   : (uint8_t)kl_generate_below(&random, 3);
        }
        try_decode(data, size, NULL);
    }
}
