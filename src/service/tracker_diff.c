#include "tracker_diff.h"

#include <keel/process.h>
#include <stdlib.h>

struct kl_diff_item {
    uint64_t hash; // of the topic
    size_t number; // as they came
    keel_term entry;
    bool joined;
};

static int compare_items(const void *left, const void *right);
static keel_term topic_of(const struct kl_diff_item *item);
static keel_term changes_of(const struct kl_diff_item *items, size_t count);

void kl_diff_note(void *context, bool joined, keel_term entry)
{
    struct kl_diff *diff = context;
    if (diff->count == diff->room) {
        diff->room = diff->room == 0 ? 4 : 2 * diff->room;
        diff->items = keel_realloc(diff->items, diff->room * sizeof *diff->items);
    }
    diff->items[diff->count] = (struct kl_diff_item){
            keel_hash(keel_element(entry, 0)), diff->count, keel_copy(entry), joined};
    diff->count++;
}

keel_term kl_diff_take(struct kl_diff *diff)
{
    if (diff->count == 0) {
        return KEEL_NONE;
    }
    qsort(diff->items, diff->count, sizeof *diff->items, compare_items);
    keel_term *topics = keel_alloc(2 * diff->count * sizeof *topics);
    keel_term *changes = topics + diff->count;
    size_t count = 0, end;
    for (size_t start = 0; start < diff->count; start = end) {
        keel_term topic = topic_of(&diff->items[start]);
        for (end = start + 1; end < diff->count; end++) {
            if (!keel_equal(topic_of(&diff->items[end]), topic)) {
                break;
            }
        }
        topics[count] = topic;
        changes[count++] = changes_of(&diff->items[start], end - start);
    }
    keel_term map = keel_map(topics, changes, count);
    keel_free(topics);
    keel_free(diff->items);
    *diff = (struct kl_diff){0};
    return map;
}

// Topics that are one stand together: by hash, since the order of terms takes 1 and 1.0
// for the same.
static int compare_items(const void *left, const void *right)
{
    const struct kl_diff_item *a = left, *b = right;
    if (a->hash != b->hash) {
        return a->hash < b->hash ? -1 : 1;
    }
    int order = keel_compare(topic_of(a), topic_of(b));
    return order != 0 ? order : a->number < b->number ? -1 : a->number > b->number;
}

static keel_term topic_of(const struct kl_diff_item *item)
{
    return keel_element(item->entry, 0);
}

// {Joins, Leaves} of one topic, as they came.
static keel_term changes_of(const struct kl_diff_item *items, size_t count)
{
    keel_term joins = keel_nil(), leaves = keel_nil();
    while (count-- > 0) {
        keel_term entry = items[count].entry;
        keel_term pair = keel_tuple_of(keel_element(entry, 2), keel_element(entry, 3));
        if (items[count].joined) {
            joins = keel_cons(pair, joins);
        } else {
            leaves = keel_cons(pair, leaves);
        }
    }
    return keel_tuple_of(joins, leaves);
}
