#ifndef KL_SERVICE_TRACKER_TESTING_H
#define KL_SERVICE_TRACKER_TESTING_H

#include "proc/proc_testing.h"
#include <keel/tracker.h>

// For tests of trackers: several "nodes" in one program, each an instance of publish and
// subscribe with a tracker, tied together by an adapter that can cut them off from each
// other. Both are named <letter>_news and <letter>_rooms; the adapter says which node it
// is and brings what one tracker tells to those of the other letters.

enum { TESTING_NODES = 3 };

struct testing_node {
    keel_term pubsub, tracker; // their names
    keel_pid pubsub_pid, tracker_pid;
    bool cut; // it hears nobody, and nobody hears it
};
extern struct testing_node testing_nodes[TESTING_NODES];
// What the adapter has carried, by kind: "heartbeat", "transfer_req", …
size_t testing_carried(const char *kind);
void testing_forget_carried(void);

// Starts that many instances, and on each of the first `trackers` a tracker that sends
// each diff to the calling process as {diff, Tracker, Diff}, and what it gets to
// handle_info as {info, Tracker, Message}; "bad" has it return something wrong.
void testing_start(int nodes, int trackers, const keel_tracker_opts *opts);
void testing_start_tracker(int node, const keel_tracker_opts *opts);
// In order, or killed.
void testing_stop_tracker(int node, keel_term reason);
void testing_stop(void);

#endif // KL_SERVICE_TRACKER_TESTING_H
