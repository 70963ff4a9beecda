// Terms that are held by tables and their readers.

#include "held.h"

struct kl_held_count {
    uint32_t holders;
};

bool kl_held_init(struct kl_held *held, keel_term term)
{
    keel_term kept = keel_keep_shared(term);
    if (kept.word == term.word) {
        *held = (struct kl_held){.term = term};
        return true;
    }
    struct kl_held_count *count = keel_is_none(kept) ? NULL : kl_pool_alloc(sizeof *count);
    if (count == NULL) {
        keel_drop_shared(kept);
        return false;
    }
    count->holders = 1;
    *held = (struct kl_held){.term = kept, .count = count};
    return true;
}

struct kl_held kl_held_ref(struct kl_held held)
{
    if (held.count != NULL) {
        // Relaxed: whoever adds a holder is one, or has the lock of the table that is.
        kl_add_relaxed(&held.count->holders, 1);
    }
    return held;
}

void kl_held_unref(struct kl_held held)
{
    // Acquire and release: pairs with itself, so that the last holder frees the term only
    // after the others have read it.
    if (held.count != NULL && kl_add_acq_rel(&held.count->holders, (uint32_t)-1) == 1) {
        keel_drop_shared(held.term);
        kl_pool_free(held.count, sizeof *held.count);
    }
}
