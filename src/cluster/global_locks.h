#ifndef KL_CLUSTER_GLOBAL_LOCKS_H
#define KL_CLUSTER_GLOBAL_LOCKS_H

#include "base/base.h"
#include <keel/term.h>

// The locks of the global name server: a resource, who asks for it, and the processes that
// hold it. Those that give the same requester hold it together.
struct kl_global_holder {
    struct kl_global_holder *next;
    keel_term pid; // kept
    keel_ref monitor;
};
struct kl_global_lock {
    struct kl_global_lock *next;
    keel_term resource, requester; // kept
    struct kl_global_holder *holders;
};
struct kl_global_locks {
    struct kl_global_lock *first;
};

void kl_global_locks_done(struct kl_global_locks *locks);
// The lock on a resource, or NULL.
const struct kl_global_lock *kl_global_locks_find(
        const struct kl_global_locks *locks, keel_term resource);
// Whether the requester may have it.
bool kl_global_locks_is_free(
        const struct kl_global_locks *locks, keel_term resource, keel_term requester);
// Whether this process is among those who hold it for the requester.
bool kl_global_locks_holds(const struct kl_global_locks *locks, keel_term resource,
        keel_term requester, keel_term pid);
// Adds one who holds it, where it is free; false when memory is exhausted.
bool kl_global_locks_add(struct kl_global_locks *locks, keel_term resource,
        keel_term requester, keel_term pid, keel_ref monitor);
// Removes one who holds it, and gives the monitor; none when it does not.
keel_ref kl_global_locks_remove(struct kl_global_locks *locks, keel_term resource,
        keel_term requester, keel_term pid);
// Removes the one with this monitor; false when there is none.
bool kl_global_locks_remove_by(struct kl_global_locks *locks, keel_ref monitor);

#endif // KL_CLUSTER_GLOBAL_LOCKS_H
