#include "etf_map.h"

#include "atom.h"
#include "compare.h"
#include <string.h>

// What we and OTP write comes in key order (OTP: up to 32 pairs), so most maps are only
// looked at once. The others are sorted by merging, which compares no pair of keys twice:
// with keys of any depth from a stranger, a sort that does could be made to take for ever.

struct pair {
    keel_term key, value;
};

static bool is_sorted(const struct kl_map *map, size_t count);
static keel_status sort_pairs(struct pair *pairs, struct pair *spare, size_t count);

keel_status kl_etf_map_sort(struct kl_map *map)
{
    size_t count = kl_header_size(map->header);
    if (is_sorted(map, count)) {
        return KEEL_OK;
    }

    size_t bytes = 2 * count * sizeof(struct pair);
    struct pair *pairs = kl_alloc(bytes);
    if (!pairs) {
        return KEEL_E_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        pairs[i] = (struct pair){map->slot[i], map->slot[count + i]};
    }
    keel_status status = sort_pairs(pairs, pairs + count, count);
    for (size_t i = 0; i < count; i++) {
        map->slot[i] = pairs[i].key;
        map->slot[count + i] = pairs[i].value;
    }
    kl_free(pairs, bytes);
    return status;
}

// Most keys are atoms or small integers, and this is what sorting spends its time on.
static inline int compare_keys(keel_term left, keel_term right)
{
    if (kl_is_small(left) && kl_is_small(right)) {
        int64_t a = kl_small_value(left), b = kl_small_value(right);
        return (a > b) - (a < b);
    }
    return kl_is_atom(left) && kl_is_atom(right) ? kl_atom_compare(left, right)
                                                 : kl_compare_exact(left, right);
}

static bool is_sorted(const struct kl_map *map, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (compare_keys(map->slot[i - 1], map->slot[i]) >= 0) {
            return false;
        }
    }
    return true;
}

// Merges two sorted runs. Of equal keys the first pair found decides that the map is bad.
static keel_status merge(struct pair *to, const struct pair *left,
        const struct pair *left_end, const struct pair *right, const struct pair *right_end)
{
    while (left < left_end && right < right_end) {
        int order = compare_keys(left->key, right->key);
        if (order == 0) {
            return KEEL_E_MALFORMED;
        }
        // Which one comes is a toss: written so that nothing has to be predicted.
        bool is_left = order < 0;
        *to++ = *(is_left ? left : right);
        left += is_left;
        right += !is_left;
    }
    while (left < left_end) {
        *to++ = *left++;
    }
    while (right < right_end) {
        *to++ = *right++;
    }
    return KEEL_OK;
}

// Bottom up: runs of 1, 2, 4 … pairs. The result is copied back when it lands in `spare`.
static keel_status sort_pairs(struct pair *pairs, struct pair *spare, size_t count)
{
    struct pair *from = pairs, *to = spare;
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t start = 0; start < count; start += 2 * run) {
            size_t middle = count - start < run ? count : start + run;
            size_t end = count - middle < run ? count : middle + run;
            keel_status status = merge(
                    to + start, from + start, from + middle, from + middle, from + end);
            if (status != KEEL_OK) {
                return status;
            }
        }
        struct pair *swap = from;
        from = to;
        to = swap;
    }
    if (from != pairs) {
        memcpy(pairs, from, count * sizeof *pairs);
    }
    return KEEL_OK;
}
