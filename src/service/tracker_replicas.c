#include "tracker_replicas.h"

#include <keel/process.h>

struct kl_replica_seen {
    struct kl_replica_seen *next;
    keel_term ref; // kept
    int64_t heard; // when last
    bool down;
};

static struct kl_replica_seen **find_name(struct kl_replicas *replicas, keel_term ref);
static keel_term take_out(struct kl_replica_seen **link);

void kl_replicas_done(struct kl_replicas *replicas)
{
    while (replicas->first != NULL) {
        keel_drop(take_out(&replicas->first));
    }
}

enum kl_replica_news kl_replicas_heard(
        struct kl_replicas *replicas, keel_term ref, int64_t now, keel_term *ret_old)
{
    enum kl_replica_news news = KL_REPLICA_UP;
    struct kl_replica_seen **link = find_name(replicas, ref), *seen = *link;
    if (seen != NULL) {
        int order = keel_compare(keel_element(ref, 1), keel_element(seen->ref, 1));
        if (order < 0) {
            return KL_REPLICA_STALE;
        }
        if (order == 0) {
            news = seen->down ? KL_REPLICA_UP : KL_REPLICA_NO_NEWS;
            seen->down = false;
            seen->heard = now;
            return news;
        }
        *ret_old = take_out(link);
        news = KL_REPLICA_REPLACED;
    }
    seen = keel_alloc(sizeof *seen);
    *seen = (struct kl_replica_seen){
            .next = replicas->first, .ref = keel_keep(ref), .heard = now};
    replicas->first = seen;
    return news;
}

enum kl_replica_news kl_replicas_silent(struct kl_replicas *replicas, int64_t down_since,
        int64_t gone_since, keel_term *ret_ref)
{
    for (struct kl_replica_seen **link = &replicas->first; *link != NULL;
            link = &(*link)->next) {
        if ((*link)->heard <= gone_since) {
            *ret_ref = take_out(link);
            return KL_REPLICA_GONE;
        }
        if ((*link)->heard <= down_since && !(*link)->down) {
            (*link)->down = true;
            *ret_ref = keel_keep((*link)->ref);
            return KL_REPLICA_DOWN;
        }
    }
    return KL_REPLICA_NO_NEWS;
}

bool kl_replicas_remove(struct kl_replicas *replicas, keel_term ref)
{
    struct kl_replica_seen **link = find_name(replicas, ref);
    if (*link == NULL || !keel_equal((*link)->ref, ref)) {
        return false;
    }
    keel_drop(take_out(link));
    return true;
}

bool kl_replicas_know(const struct kl_replicas *replicas, keel_term ref)
{
    const struct kl_replica_seen *seen = replicas->first;
    while (seen != NULL && !keel_equal(seen->ref, ref)) {
        seen = seen->next;
    }
    return seen != NULL;
}

static struct kl_replica_seen **find_name(struct kl_replicas *replicas, keel_term ref)
{
    keel_term name = keel_element(ref, 0);
    struct kl_replica_seen **link = &replicas->first;
    while (*link != NULL && !keel_equal(keel_element((*link)->ref, 0), name)) {
        link = &(*link)->next;
    }
    return link;
}

// Returns its ref, which is the caller's now.
static keel_term take_out(struct kl_replica_seen **link)
{
    struct kl_replica_seen *gone = *link;
    keel_term ref = gone->ref;
    *link = gone->next;
    keel_free(gone);
    return ref;
}
