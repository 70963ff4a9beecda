#ifndef KL_SERVICE_TRACKER_REPLICAS_H
#define KL_SERVICE_TRACKER_REPLICAS_H

#include <keel/term.h>

// Which other replicas of a tracker there are, and when each was last heard. Pure: the
// caller passes the time. A replica is {Name, Version}; of one name there is one, since a
// tracker that is started anew on a node has a greater version.
struct kl_replicas {
    struct kl_replica_seen *first;
};

enum kl_replica_news {
    KL_REPLICA_NO_NEWS,
    KL_REPLICA_UP, // it is new, or was down
    KL_REPLICA_REPLACED, // it is new, and `ret_old` is not any more
    KL_REPLICA_STALE, // a later version is known: not to be believed
    KL_REPLICA_DOWN, // silent for some time
    KL_REPLICA_GONE, // silent for long; not known any more
};

void kl_replicas_done(struct kl_replicas *replicas);
// A replica was heard; `ret_old` belongs to the caller, to be dropped.
enum kl_replica_news kl_replicas_heard(
        struct kl_replicas *replicas, keel_term ref, int64_t now, keel_term *ret_old);
// Somebody who has been silent since `down_since` and was up, or since `gone_since`; to be
// called until there is none. `ret_ref` as above.
enum kl_replica_news kl_replicas_silent(struct kl_replicas *replicas, int64_t down_since,
        int64_t gone_since, keel_term *ret_ref);
// It has said that it goes. False when it is not known.
bool kl_replicas_remove(struct kl_replicas *replicas, keel_term ref);
// Known, and up or down.
bool kl_replicas_know(const struct kl_replicas *replicas, keel_term ref);

#endif // KL_SERVICE_TRACKER_REPLICAS_H
