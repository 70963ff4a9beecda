#ifndef KL_SERVICE_TRACKER_CLOCKS_H
#define KL_SERVICE_TRACKER_CLOCKS_H

#include <keel/term.h>

// Whom to ask for what one has missed. A clock is a map from replicas to numbers; a set of
// clocks a list of {Replica, Clock}, in which none is covered by another one. Pure
// functions on terms.

// True when who has the clock `a` knows all that who has `b` does.
bool kl_clock_covers(keel_term a, keel_term b);
// The set with one more clock, without those that have become superfluous by it. A clock
// that all of the set together cover is not added.
keel_term kl_clockset_add(keel_term set, keel_term ref, keel_term clock);
// Those of the set who know what one with the clock `own` does not: a list of replicas.
keel_term kl_clockset_ahead(keel_term set, keel_term own);

#endif // KL_SERVICE_TRACKER_CLOCKS_H
