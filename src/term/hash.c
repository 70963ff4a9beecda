#include "mix.h"
#include "value.h"
#include "work.h"

// The hash for tables of this program: salted, so that nobody outside can aim at a bucket.

static uint64_t salt; // atomic; 0: not chosen yet

static uint64_t hash_flat(uint64_t hash, keel_term term);

void kl_hash_seed(uint64_t seed)
{
    kl_store_relaxed(&salt, seed | 1);
}

static uint64_t get_salt(void)
{
    uint64_t now = kl_load_relaxed(&salt);
    if (now == 0) {
        uint64_t chosen = kl_clock_entropy() | 1;
        // Who comes second takes the first one's. Nothing else hangs on it.
        now = kl_cas_acq_rel(&salt, &now, chosen) ? chosen : now;
    }
    return now;
}

uint64_t keel_hash(keel_term term)
{
    uint64_t hash = get_salt();
    struct kl_work work;
    kl_work_init(&work);
    const keel_term *next = &term;
    size_t left = 1;

    for (;;) {
        if (left == 0) {
            if (work.count == 0) {
                break;
            }
            left = kl_work_pop(&work);
            next = (const keel_term *)(uintptr_t)kl_work_pop(&work);
        }
        keel_term item = *next++;
        left--;
        bool cell = kl_is_cell(item);
        if (!cell && (!kl_is_boxed(item) || !kl_header_has_terms(kl_box_header(item)))) {
            hash = hash_flat(hash, item);
            continue;
        }
        if (left > 0) {
            if (!kl_work_has_room(&work, 2)) {
                kl_work_must_grow(&work, 2);
            }
            kl_work_put(&work, (uintptr_t)next);
            kl_work_put(&work, left);
        }
        uint64_t header = cell ? KL_TAG_CELL : kl_box_header(item);
        hash = kl_mix(hash, header);
        next = cell ? kl_cell(item) : kl_tuple(item)->item;
        left = cell ? 2 : kl_header_words(header) - 1;
    }
    kl_work_done(&work);
    return kl_mix(hash, 0);
}

// Equal terms, equal hashes: what compare_flat.c does not look at may not count here.
static uint64_t hash_flat(uint64_t hash, keel_term term)
{
    if (!kl_is_boxed(term)) {
        return kl_mix(hash, term.word);
    }
    const uint64_t *words = kl_box(term);
    uint64_t header = words[0];
    switch (kl_header_kind(header)) {
    case KL_KIND_FLOAT: {
        double value = kl_float_value(term) + 0.0; // -0.0 is 0.0
        return kl_mix_bytes(hash, &value, sizeof value);
    }
    case KL_KIND_BITS:
    case KL_KIND_SHARED: {
        size_t bits = kl_bits_size(term);
        return kl_mix_bytes(kl_mix(hash, ~bits), kl_bits_data(term), (bits + 7) / 8);
    }
    case KL_KIND_REF: {
        const struct kl_ref_box *box = kl_box(term);
        hash = kl_mix(kl_mix(hash, box->node.word), box->creation);
        return kl_mix_bytes(hash, box->word, sizeof box->word);
    }
    case KL_KIND_RESOURCE:
        return kl_mix(hash, (uintptr_t)((struct kl_resource *)kl_box(term))->counted.block);
    case KL_KIND_FUN:
        return kl_mix_bytes(hash, words + 1, kl_header_size(header));
    default:
        return kl_mix_bytes(
                kl_mix(hash, header), words + 1, (kl_header_words(header) - 1) * 8);
    }
}
