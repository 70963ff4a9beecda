#ifndef KL_CLUSTER_GLOBAL_NAMES_H
#define KL_CLUSTER_GLOBAL_NAMES_H

#include "base/base.h"
#include <keel/term.h>

// The names that the global name server knows. It owns the terms in it; who ends is found
// by the monitor that the server has on it.
struct kl_global_name {
    struct kl_global_name *next; // with the same hash
    keel_term name; // kept
    keel_term pid; // kept
    keel_term method; // kept: the fun that decides when two have the name
    keel_ref monitor;
};

struct kl_global_names {
    struct kl_hash by_name; // hash of the name → chain
    struct kl_hash by_monitor; // word of the reference
    struct kl_hash by_pid; // hash of the pid → how many names, as a pointer
};

// Releases everything. The struct may be zeroed.
void kl_global_names_done(struct kl_global_names *names);
const struct kl_global_name *kl_global_names_find(
        const struct kl_global_names *names, keel_term name);
bool kl_global_names_has(const struct kl_global_names *names, keel_term pid);
// Adds a name that is not there; false when memory is exhausted.
bool kl_global_names_add(struct kl_global_names *names, keel_term name, keel_term pid,
        keel_term method, keel_ref monitor);
// Removes one, if it is there, and gives the monitor in it; none when it was not.
keel_ref kl_global_names_remove(struct kl_global_names *names, keel_term name);
// Removes the one with this monitor; false when there is none.
bool kl_global_names_remove_by(struct kl_global_names *names, keel_ref monitor);
keel_term kl_global_names_list(struct kl_global_names *names);
// The same as {Name, Pid, Method}.
keel_term kl_global_names_entries(struct kl_global_names *names);

#endif // KL_CLUSTER_GLOBAL_NAMES_H
