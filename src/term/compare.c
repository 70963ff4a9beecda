#include "compare.h"

#include "work.h"

// Comparing goes along two terms at once. What is left beside the path lies on a stack, as
// frames of three words: where the items are on both sides, and how many with the way to
// compare them. The keys of maps are always compared exactly.

struct pair {
    const keel_term *left, *right;
    size_t count;
    bool exact;
};

static int compare(keel_term left, keel_term right, bool exact);
static bool descend(struct kl_work *work, struct pair *at, keel_term left, keel_term right,
        int *ret_order);

bool keel_equal(keel_term left, keel_term right)
{
    return left.word == right.word || compare(left, right, true) == 0;
}

bool keel_equal_value(keel_term left, keel_term right)
{
    return left.word == right.word || compare(left, right, false) == 0;
}

int keel_compare(keel_term left, keel_term right)
{
    return left.word == right.word ? 0 : compare(left, right, false);
}

int kl_compare_exact(keel_term left, keel_term right)
{
    return left.word == right.word ? 0 : compare(left, right, true);
}

static int compare(keel_term left, keel_term right, bool exact)
{
    if (kl_is_small(left) && kl_is_small(right)) {
        return kl_small_value(left) < kl_small_value(right) ? -1 : 1;
    }
    struct kl_work work;
    kl_work_init(&work);
    struct pair at = {&left, &right, 1, exact};
    int order = 0;

    for (;;) {
        if (at.count == 0) {
            if (work.count == 0) {
                break;
            }
            uint64_t count = kl_work_pop(&work);
            at.right = (const keel_term *)(uintptr_t)kl_work_pop(&work);
            at.left = (const keel_term *)(uintptr_t)kl_work_pop(&work);
            at.count = count >> 1;
            at.exact = (count & 1) != 0;
        }
        keel_term a = *at.left++;
        keel_term b = *at.right++;
        at.count--;
        if (a.word == b.word || descend(&work, &at, a, b, &order)) {
            continue;
        }
        if (order == 0) {
            order = kl_compare_flat(a, b, at.exact);
        }
        if (order != 0) {
            break;
        }
    }
    kl_work_done(&work);
    return order;
}

static void push(struct kl_work *work, const struct pair *pair)
{
    if (pair->count == 0) {
        return;
    }
    if (!kl_work_has_room(work, 3)) {
        kl_work_must_grow(work, 3);
    }
    kl_work_put(work, (uintptr_t)pair->left);
    kl_work_put(work, (uintptr_t)pair->right);
    kl_work_put(work, pair->count << 1 | pair->exact);
}

// When both are lists, tuples or maps of one size: puts what is left beside them on the
// stack and goes inside. Otherwise false, with the order when sizes tell it.
static bool descend(struct kl_work *work, struct pair *at, keel_term left, keel_term right,
        int *ret_order)
{
    if (kl_is_cell(left) && kl_is_cell(right)) {
        push(work, at);
        *at = (struct pair){kl_cell(left), kl_cell(right), 2, at->exact};
        return true;
    }
    if (!kl_is_boxed(left) || !kl_is_boxed(right)) {
        return false;
    }
    uint64_t a = kl_box_header(left);
    uint64_t b = kl_box_header(right);
    if (!kl_header_has_terms(a) || kl_header_kind(a) != kl_header_kind(b)) {
        return false;
    }
    if (a != b) {
        *ret_order = a < b ? -1 : 1; // of one kind, so the sizes differ
        return false;
    }
    push(work, at);
    size_t size = kl_header_size(a);
    struct pair inside = {kl_tuple(left)->item, kl_tuple(right)->item, size, at->exact};
    if (kl_header_kind(a) == KL_KIND_MAP) {
        struct pair values = {inside.left + size, inside.right + size, size, at->exact};
        push(work, &values);
        inside.exact = true;
    }
    *at = inside;
    return true;
}
