#ifndef KL_SERVICE_TRACKER_H
#define KL_SERVICE_TRACKER_H

#include "tracker_deltas.h"
#include "tracker_diff.h"
#include "tracker_replicas.h"
#include <keel/tracker.h>

// One shard of a tracker: tracker_shard.c answers the processes of this node,
// tracker_gossip.c speaks with the shards of the same name on others.
struct kl_tracker {
    const keel_tracker *module;
    void *user; // the module's state
    keel_tracker_opts opts; // with defaults; `name` is the shard's
    keel_term topic; // on which shards of this name hear each other; kept
    keel_term ref; // {Node, Version}; kept
    struct kl_presences presences;
    struct kl_presences delta; // since the last heartbeat
    struct kl_deltas deltas;
    struct kl_replicas replicas; // the others
    keel_term pending; // a set of clocks that were heard; kept
    int samples_left; // heartbeats until it is looked who has to be asked
    int silent; // periods without a heartbeat
    bool leaving; // has said farewell
};

extern const keel_gen_server kl_tracker_shard;

// --- tracker_start.c ---
// Metadata of a tracker's registry: how many shards there are.
#define KL_TRACKER_SHARDS keel_atom(shards)
// Names of a tracker's processes, <Tracker><Suffix><Number>; without a number below 0.
bool kl_tracker_name(
        keel_term tracker, const char *suffix, int number, keel_term *ret_name);
keel_tracker_opts kl_tracker_defaults(const keel_tracker_opts *given);
// Options as they travel to a child.
const keel_tracker *kl_tracker_unpack(keel_term packed, keel_tracker_opts *ret_opts);

// --- tracker_shard.c ---
// Calls handle_diff, when there is anything in it.
void kl_tracker_report(struct kl_tracker *tracker, struct kl_diff *diff);

// --- tracker_gossip.c ---
// Begins to listen and to speak; false when the instance of pubsub does not let it.
bool kl_tracker_gossip_start(struct kl_tracker *tracker);
// A message of this node's timer or of another shard; false when it is neither.
bool kl_tracker_gossip_heard(struct kl_tracker *tracker, keel_term message);
// Tells all others that this one goes.
void kl_tracker_gossip_leave(struct kl_tracker *tracker);

#endif // KL_SERVICE_TRACKER_H
