#include "tracker_deltas.h"

static bool fills(
        const struct kl_presences *lot, const struct kl_presences *set, keel_term clock);

void kl_deltas_done(struct kl_deltas *deltas)
{
    for (int i = 0; i < KL_DELTA_LOTS; i++) {
        kl_presences_done(&deltas->lots[i]);
    }
}

void kl_deltas_push(struct kl_deltas *deltas, keel_term part)
{
    for (int i = 0; i < KL_DELTA_LOTS; i++) {
        struct kl_presences *lot = &deltas->lots[i];
        kl_presences_merge(lot, part, true, NULL);
        if (kl_presences_size(lot) > deltas->limits[i]) {
            kl_presences_done(lot);
        }
    }
}

void kl_deltas_forget(struct kl_deltas *deltas, keel_term ref)
{
    for (int i = 0; i < KL_DELTA_LOTS; i++) {
        kl_presences_forget(&deltas->lots[i], ref, NULL);
    }
}

keel_term kl_deltas_since(const struct kl_deltas *deltas, const struct kl_presences *set,
        keel_term clock, int *ret_lot)
{
    int lot = 0;
    while (lot < KL_DELTA_LOTS && !fills(&deltas->lots[lot], set, clock)) {
        lot++;
    }
    if (ret_lot != NULL) {
        *ret_lot = lot;
    }
    return kl_presences_since(lot < KL_DELTA_LOTS ? &deltas->lots[lot] : set, clock);
}

// True when the lot has all that lies between the clock and that of the set.
static bool fills(
        const struct kl_presences *lot, const struct kl_presences *set, keel_term clock)
{
    static const struct kl_dots none;
    uint64_t known;
    for (const struct kl_replica *at = set->replicas; at != NULL; at = at->next) {
        if (!keel_get_uint(keel_map_get(clock, at->ref), &known)) {
            continue;
        }
        const struct kl_replica *there = kl_presences_replica(lot, at->ref);
        uint64_t upto = kl_dots_prefix(&at->dots);
        if (known < upto &&
                !kl_dots_have_all(there == NULL ? &none : &there->dots, known + 1, upto)) {
            return false;
        }
    }
    return true;
}
