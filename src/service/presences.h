#ifndef KL_SERVICE_PRESENCES_H
#define KL_SERVICE_PRESENCES_H

#include "dots.h"
#include "presence_index.h"

// What is known of presences: a set that grows by merging, in any order and as often as
// one likes. Pure data: no clock, no messages.
//
// Each tracker of each node, a *replica*, changes its own presences only, and numbers what
// happens to them from 1 on: that one comes is a dot, that it goes another. So whoever
// knows of a dot either has the presence that came with it, or knows that it is gone. What
// one knows is thus a set of dots and the presences alive among them, and the sum of two
// such parts is the union of their dots, with every presence that is alive in one and
// either alive in the other or unknown there. That is commutative, associative and
// idempotent, and it holds for parts of every size: what a tracker tells of the last
// moments (a *delta*), several of these together, or all that it knows.
//
// A part holds with the dot of a presence's end that of its beginning: it does not tell of
// an end without taking the presence away.
//
// Parts travel as terms, a list of {Replica, Dots, Alive}: Replica is {Name, Version}, Dots
// a list of {First, Last}, Alive a list of {Dot, {Topic, Pid, Key, Meta}}. A *clock* is a
// map from Replica to the number up to which all is known of it.

struct kl_replica {
    struct kl_replica *next;
    keel_term ref; // kept
    bool hidden; // it is silent: its presences are kept but not shown
    struct kl_dots dots;
    struct kl_hash alive; // dot → struct kl_presence
};

struct kl_presences {
    struct kl_replica *replicas;
    struct kl_replica *own; // merging does not change it; NULL: none
    struct kl_presence_index index; // of what is alive, hidden replicas' too
    size_t alive;
};

// Who hears what a change has brought; the entries are valid until the callback returns
// (but for one that came with a merged term: as long as that).
struct kl_presence_ear {
    void (*told)(void *context, bool joined, keel_term entry);
    void *context;
};

void kl_presences_done(struct kl_presences *set);

// --- replicas ---
struct kl_replica *kl_presences_replica(const struct kl_presences *set, keel_term ref);
// The same, made when it is not there.
struct kl_replica *kl_presences_meet(struct kl_presences *set, keel_term ref);
// Tells of all its presences that are shown, and forgets what it knows of the replica.
void kl_presences_forget(
        struct kl_presences *set, keel_term ref, const struct kl_presence_ear *ear);
// Its presences go, or come back.
void kl_presences_hide(struct kl_presences *set, keel_term ref, bool hide,
        const struct kl_presence_ear *ear);

// --- one's own replica: both number what happens, and write it into the delta, too ---
void kl_presences_add(
        struct kl_presences *set, struct kl_presences *delta, keel_term entry);
void kl_presences_remove(
        struct kl_presences *set, struct kl_presences *delta, struct kl_presence *presence);

// --- parts ---
// Adds what a part says. Replicas that are not met already are left out, unless `meet`. The
// term may come from another node: what is not in order is left out. `ear` may be NULL.
void kl_presences_merge(struct kl_presences *set, keel_term part, bool meet,
        const struct kl_presence_ear *ear);
// All of it as a part.
keel_term kl_presences_all(const struct kl_presences *set);
// What somebody with this clock lacks of the replicas in it; nil: nothing.
keel_term kl_presences_since(const struct kl_presences *set, keel_term clock);
keel_term kl_presences_clock(const struct kl_presences *set);
// Of how many dots, spans and presences it consists, about: to bound what is kept.
size_t kl_presences_size(const struct kl_presences *set);

#endif // KL_SERVICE_PRESENCES_H
