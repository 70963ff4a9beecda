#include "map.h"

#include "compare.h"
#include "heap.h"
#include <string.h>

static struct kl_map *new_map(size_t count)
{
    struct kl_map *map = NULL;
    if (count <= SIZE_MAX / (4 * sizeof(keel_term))) {
        map = kl_heap_alloc(kl_heap_current(), sizeof *map + 2 * count * sizeof(keel_term));
    }
    if (map) {
        map->header = kl_header(KL_KIND_MAP, count);
    }
    return map;
}

keel_term keel_map(const keel_term *keys, const keel_term *values, size_t count)
{
    bool given = count == 0 || (keys && values);
    struct kl_map *map = given ? new_map(count) : NULL;
    if (!map) {
        return KEEL_NONE;
    }
    bool whole = true;
    for (size_t i = 0; i < count; i++) {
        whole &= keys[i].word != 0 && values[i].word != 0;
        map->slot[i] = keys[i];
        map->slot[count + i] = values[i];
    }
    if (!whole) {
        return KEEL_NONE;
    }
    if (!kl_map_arrange(map, NULL)) {
        kl_heap_refuse(kl_heap_current());
        return KEEL_NONE;
    }
    return kl_boxed(map);
}

size_t keel_map_size(keel_term map)
{
    return kl_is_kind(map, KL_KIND_MAP) ? kl_map_count(map) : 0;
}

bool kl_map_find(const struct kl_map *map, keel_term key, size_t *ret_index)
{
    size_t low = 0;
    size_t high = kl_header_size(map->header);
    // A small map with an immediate key, the usual one: equal words are equal terms, and
    // another word may only be an equal term if it is boxed, which then is not immediate.
    if (high <= 8 && kl_is_immediate(key)) {
        for (size_t i = 0; i < high; i++) {
            if (map->slot[i].word == key.word) {
                *ret_index = i;
                return true;
            }
        }
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = kl_compare_exact(map->slot[middle], key);
        if (order == 0) {
            *ret_index = middle;
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_index = low;
    return false;
}

keel_term keel_map_get(keel_term map, keel_term key)
{
    size_t index;
    size_t count = keel_map_size(map);
    if (count == 0 || !kl_map_find(kl_map(map), key, &index)) {
        return KEEL_NONE;
    }
    return kl_map(map)->slot[count + index];
}

keel_term keel_map_get_or(keel_term map, keel_term key, keel_term otherwise)
{
    keel_term value = keel_map_get(map, key);
    return keel_is_none(value) ? otherwise : value;
}

// Copies `count` keys and values from slot `from_index` of one map to `to_index` of
// another.
static void copy_pairs(struct kl_map *to, size_t to_index, const struct kl_map *from,
        size_t from_index, size_t count)
{
    size_t to_size = kl_header_size(to->header);
    size_t from_size = kl_header_size(from->header);
    size_t bytes = count * sizeof(keel_term);
    memcpy(&to->slot[to_index], &from->slot[from_index], bytes);
    memcpy(&to->slot[to_size + to_index], &from->slot[from_size + from_index], bytes);
}

keel_term keel_map_put(keel_term map, keel_term key, keel_term value)
{
    if (!keel_is_map(map) || keel_is_none(key) || keel_is_none(value)) {
        return KEEL_NONE;
    }
    const struct kl_map *from = kl_map(map);
    size_t count = kl_map_count(map);
    size_t index;
    bool there = kl_map_find(from, key, &index);
    struct kl_map *to = new_map(there ? count : count + 1);
    if (!to) {
        return KEEL_NONE;
    }
    if (there) {
        copy_pairs(to, 0, from, 0, count);
        to->slot[count + index] = value;
        return kl_boxed(to);
    }
    copy_pairs(to, 0, from, 0, index);
    to->slot[index] = key;
    to->slot[count + 1 + index] = value;
    copy_pairs(to, index + 1, from, index, count - index);
    return kl_boxed(to);
}

keel_term keel_map_remove(keel_term map, keel_term key)
{
    if (!keel_is_map(map)) {
        return KEEL_NONE;
    }
    const struct kl_map *from = kl_map(map);
    size_t count = kl_map_count(map);
    size_t index;
    if (!kl_map_find(from, key, &index)) {
        return map;
    }
    struct kl_map *to = new_map(count - 1);
    if (!to) {
        return KEEL_NONE;
    }
    copy_pairs(to, 0, from, 0, index);
    copy_pairs(to, index, from, index + 1, count - index - 1);
    return kl_boxed(to);
}

bool keel_map_at(keel_term map, size_t index, keel_term *ret_key, keel_term *ret_value)
{
    size_t count = keel_map_size(map);
    if (index >= count) {
        return false;
    }
    if (ret_key) {
        *ret_key = kl_map(map)->slot[index];
    }
    if (ret_value) {
        *ret_value = kl_map(map)->slot[count + index];
    }
    return true;
}

// --- order ---

// Up to this many pairs are sorted by insertion, which needs no memory.
enum { INSERTION_MAX = 24 };

static bool in_order(const keel_term *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (kl_compare_exact(keys[i - 1], keys[i]) >= 0) {
            return false;
        }
    }
    return true;
}

static void sort_by_insertion(keel_term *keys, keel_term *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        keel_term key = keys[i];
        keel_term value = values[i];
        size_t to = i;
        for (; to > 0 && kl_compare_exact(keys[to - 1], key) > 0; to--) {
            keys[to] = keys[to - 1];
            values[to] = values[to - 1];
        }
        keys[to] = key;
        values[to] = value;
    }
}

struct entry {
    keel_term key, value;
};

// Merges pairs of sorted runs of `run` entries. Of equal keys the earlier stays before.
static void merge_runs(struct entry *to, const struct entry *from, size_t count, size_t run)
{
    for (size_t start = 0; start < count; start += 2 * run) {
        size_t left = start;
        size_t middle = start + run < count ? start + run : count;
        size_t right = middle;
        size_t end = middle + run < count ? middle + run : count;
        for (size_t i = start; i < end; i++) {
            bool take_left = left < middle &&
                             (right == end || kl_compare_exact(from[left].key,
                                                      from[right].key) <= 0);
            to[i] = take_left ? from[left++] : from[right++];
        }
    }
}

static bool sort_by_merging(keel_term *keys, keel_term *values, size_t count)
{
    size_t bytes = 2 * count * sizeof(struct entry);
    struct entry *entries = kl_alloc(bytes);
    if (!entries) {
        return false;
    }
    struct entry *from = entries;
    struct entry *to = entries + count;
    for (size_t i = 0; i < count; i++) {
        from[i] = (struct entry){keys[i], values[i]};
    }
    for (size_t run = 1; run < count; run *= 2) {
        merge_runs(to, from, count, run);
        struct entry *sorted = to;
        to = from;
        from = sorted;
    }
    for (size_t i = 0; i < count; i++) {
        keys[i] = from[i].key;
        values[i] = from[i].value;
    }
    kl_free(entries, bytes);
    return true;
}

// Leaves the last of each group of equal keys; returns how many there are then.
static size_t drop_doubles(keel_term *keys, keel_term *values, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && kl_compare_exact(keys[i], keys[i + 1]) == 0) {
            continue;
        }
        keys[kept] = keys[i];
        values[kept] = values[i];
        kept++;
    }
    return kept;
}

bool kl_map_arrange(struct kl_map *map, size_t *ret_count)
{
    size_t count = kl_header_size(map->header);
    keel_term *keys = map->slot;
    keel_term *values = map->slot + count;
    size_t distinct = count;
    if (!in_order(keys, count)) {
        if (count <= INSERTION_MAX) {
            sort_by_insertion(keys, values, count);
        } else if (!sort_by_merging(keys, values, count)) {
            return false;
        }
        distinct = drop_doubles(keys, values, count);
    }
    if (distinct < count) {
        memmove(keys + distinct, values, distinct * sizeof *values);
        map->header = kl_header(KL_KIND_MAP, distinct);
    }
    if (ret_count) {
        *ret_count = distinct;
    }
    return true;
}
