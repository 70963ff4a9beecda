#ifndef KL_SERVICE_PRESENCE_INDEX_H
#define KL_SERVICE_PRESENCE_INDEX_H

#include "base/base.h"
#include <keel/process.h>

// Presences found by their topic, by topic and key, and by their process. Plain data of
// the process that owns it. A zeroed struct is an empty index.

enum { KL_PRESENCE_BY_TOPIC, KL_PRESENCE_BY_KEY, KL_PRESENCE_BY_PID, KL_PRESENCE_WAYS };

// That a process is there, under a key of a topic.
struct kl_presence {
    keel_term entry; // kept: {Topic, Pid, Key, Meta}
    uint64_t dot; // its number among those of its replica
    struct kl_replica *replica;
    struct kl_presence_place { // in the chain of those with the same hash
        struct kl_presence *next, *before;
        uint64_t hash;
    } place[KL_PRESENCE_WAYS];
};

static inline keel_term kl_presence_topic(const struct kl_presence *presence)
{
    return keel_element(presence->entry, 0);
}
static inline keel_term kl_presence_pid(const struct kl_presence *presence)
{
    return keel_element(presence->entry, 1);
}
static inline keel_term kl_presence_key(const struct kl_presence *presence)
{
    return keel_element(presence->entry, 2);
}
static inline keel_term kl_presence_meta(const struct kl_presence *presence)
{
    return keel_element(presence->entry, 3);
}

struct kl_presence_index {
    struct kl_hash heads[KL_PRESENCE_WAYS]; // hash → struct kl_presence
};

void kl_presence_index_done(struct kl_presence_index *index);
// Ends the process when memory is exhausted, as keel_alloc does.
void kl_presence_index_add(struct kl_presence_index *index, struct kl_presence *presence);
void kl_presence_index_remove(
        struct kl_presence_index *index, struct kl_presence *presence);

// The next presence, after `after` (NULL: the first), of the topic, of the topic and the
// key, or of the process; newest first. NULL: there is none.
struct kl_presence *kl_presence_of_topic(const struct kl_presence_index *index,
        keel_term topic, const struct kl_presence *after);
struct kl_presence *kl_presence_of_key(const struct kl_presence_index *index,
        keel_term topic, keel_term key, const struct kl_presence *after);
struct kl_presence *kl_presence_of_pid(const struct kl_presence_index *index, keel_term pid,
        const struct kl_presence *after);

#endif // KL_SERVICE_PRESENCE_INDEX_H
