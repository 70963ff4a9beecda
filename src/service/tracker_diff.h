#ifndef KL_SERVICE_TRACKER_DIFF_H
#define KL_SERVICE_TRACKER_DIFF_H

#include <keel/term.h>

// What has changed, gathered and given to handle_diff as one map from topics to {Joins,
// Leaves}. Lives as terms do: within one callback. A zeroed struct is empty.
struct kl_diff {
    struct kl_diff_item *items;
    size_t count, room;
};

// A presence {Topic, Pid, Key, Meta} came or went. To be told by a struct
// kl_presence_ear whose context is the diff.
void kl_diff_note(void *diff, bool joined, keel_term entry);
// The map, or none when nothing has changed; the diff is empty then.
keel_term kl_diff_take(struct kl_diff *diff);

#endif // KL_SERVICE_TRACKER_DIFF_H
