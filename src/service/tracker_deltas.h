#ifndef KL_SERVICE_TRACKER_DELTAS_H
#define KL_SERVICE_TRACKER_DELTAS_H

#include "presences.h"

// What has happened lately, in lots that grow: whoever has missed a few messages gets the
// smallest lot that has all of them, instead of everything. A lot that outgrows its limit
// begins anew.
enum { KL_DELTA_LOTS = 3 };
struct kl_deltas {
    struct kl_presences lots[KL_DELTA_LOTS];
    size_t limits[KL_DELTA_LOTS];
};

void kl_deltas_done(struct kl_deltas *deltas);
void kl_deltas_push(struct kl_deltas *deltas, keel_term part);
void kl_deltas_forget(struct kl_deltas *deltas, keel_term ref);
// What one with this clock lacks of `set`, from a lot or from the set itself.
// `ret_lot` (may be NULL) gets which lot it was, KL_DELTA_LOTS for none of them.
keel_term kl_deltas_since(const struct kl_deltas *deltas, const struct kl_presences *set,
        keel_term clock, int *ret_lot);

#endif // KL_SERVICE_TRACKER_DELTAS_H
