#ifndef KL_CLUSTER_GROUPS_H
#define KL_CLUSTER_GROUPS_H

#include "base/base.h"
#include "proc/proc.h"

// The groups of one scope: which processes are in which. Plain data of the process that
// owns it; terms in it are kept.

struct kl_member {
    keel_term pid;
    keel_term node; // none: this one
};

struct kl_group {
    struct kl_group *next; // of all
    struct kl_group *same; // of the same hash
    keel_term name;
    struct kl_member *members;
    size_t count, room;
};

struct kl_groups {
    struct kl_group *all;
    struct kl_hash by_hash;
};

struct kl_group *kl_group_find(struct kl_groups *groups, keel_term name); // or NULL
struct kl_group *kl_group_make(struct kl_groups *groups, keel_term name); // or found
// The member is added once more; `node` is none for one of this node.
void kl_group_add(struct kl_group *group, keel_term pid, keel_term node);
// Removes it once; false when it is no member.
bool kl_group_remove(struct kl_group *group, keel_term pid);
// Gives the group up when it has no members.
void kl_group_tidy(struct kl_groups *groups, struct kl_group *group);
// The members as a list, copied: of one node (KEEL_NONE: this one), or of all.
keel_term kl_group_list(const struct kl_group *group);
keel_term kl_group_list_of(const struct kl_group *group, keel_term node);

#endif // KL_CLUSTER_GROUPS_H
