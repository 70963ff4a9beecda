#ifndef KL_CLUSTER_PG_H
#define KL_CLUSTER_PG_H

#include "groups.h"
#include <keel/pg.h>

// A scope: its state, and the two halves of what its process does. pg.c talks to the
// processes of this node, pg_peers.c to the scopes of others.

// A local member, watched once however often it has joined.
struct kl_pg_owner {
    keel_ref monitor;
    size_t joins;
};

// The scope's process on another node.
struct kl_pg_peer {
    struct kl_pg_peer *next;
    keel_term pid, node; // kept
    keel_ref monitor;
};

// Who hears of changes.
struct kl_pg_watcher {
    struct kl_pg_watcher *next;
    keel_pid pid;
    keel_ref ref; // in its messages; monitors it, too
    keel_term group; // kept; or none: all
};

struct kl_pg {
    keel_term scope;
    struct kl_groups groups;
    struct kl_hash owners; // word of a pid → struct kl_pg_owner
    struct kl_pg_peer *peers;
    struct kl_pg_watcher *watchers;
};

// Tells watchers: `what` is join or leave, `pids` a list.
void kl_pg_tell(struct kl_pg *pg, keel_term what, keel_term group, keel_term pids);

// A pid as a list of one, a list as it is.
keel_term kl_pg_as_list(keel_term pids);

// --- pg_peers.c ---
// Tells the other scopes what happened here.
void kl_pg_broadcast(struct kl_pg *pg, keel_term message);
// Looks for the scope on all nodes there are, but for those where it is known.
void kl_pg_discover(struct kl_pg *pg);
// Messages of other scopes, and of nodes; true when it was one.
bool kl_pg_peer_message(struct kl_pg *pg, keel_term message);
void kl_pg_peer_sync(struct kl_pg *pg, keel_term peer, keel_term groups);
bool kl_pg_peer_down(struct kl_pg *pg, keel_ref monitor);

#endif // KL_CLUSTER_PG_H
