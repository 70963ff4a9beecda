#ifndef KL_CLUSTER_GLOBAL_TABLES_H
#define KL_CLUSTER_GLOBAL_TABLES_H

#include "global_locks.h"
#include "global_names.h"
#include <keel/gen_server.h>

// What the name server of a node knows. Everything in it belongs to that process, which
// alone reads and writes it.

// Another node. A session with it begins when both are connected (each has sent the other
// init_connect and a tag for the session) and ends when the names of both are the same.
struct kl_global_member {
    struct kl_global_member *next;
    keel_term node; // atom
    int64_t version; // of its protocol; 0: not known yet
    bool connected; // there is a connection to it, visible on both sides
    bool known; // its names are ours
    bool synced; // and it knows that
    bool pending; // it has said init_connect, and we have; not yet known
    bool removing; // we have asked it to close the connection
    bool resolving; // we have said init_connect
    bool lock_is_set; // both lockers have the lock, and its names have not come yet
    keel_pid resolver; // compares the names of both; none when not
    // Kept, or none:
    keel_term my_tag, his_tag; // of the session
    keel_term early; // {Version, Tag, InitMsg}: its init_connect, before we knew of it
    keel_term names; // its names, before we have the lock
    keel_term ops; // what is to be changed here
    keel_term resolved; // {Known, Resolved}: what it has resolved, before we have
    keel_term lock_id; // {global, Lockers}
};

// A connection that others have lost, remembered so that each is acted on once.
struct kl_global_lost {
    struct kl_global_lost *next;
    keel_term from, to; // nodes
    keel_term creation; // of `from`; kept
    keel_term operation; // a number that grows; kept
};

// Who waits in keel_global_sync, and for whom.
struct kl_global_syncer {
    struct kl_global_syncer *next;
    keel_term from, nodes; // kept
};

struct kl_global {
    struct kl_global_names names;
    struct kl_global_locks locks;
    struct kl_global_member *members;
    struct kl_global_lost *lost;
    struct kl_global_syncer *syncers;
    keel_pid locker, registrar;
    int64_t last_tag, last_operation, creation;
    bool lock_died; // the last lock on `global` went because its holder did
};

enum { KL_GLOBAL_VERSION = 8 };

// --- names under the lock (global_server.c) ---

// Gives a name, whoever had it. `lock_id` is that of the nodes that have told us, else
// `holder` must have the lock on `global`: without it the name goes at once.
void kl_global_insert(struct kl_global *global, keel_term name, keel_term pid,
        keel_term method, keel_term holder, keel_term lock_id);
void kl_global_delete(struct kl_global *global, keel_term name);

// {insert, {Name, Pid, Method}} and {delete, Name}.
void kl_global_change(struct kl_global *global, keel_term ops, keel_term lock_id);

// --- nodes (global_roster.c) ---

struct kl_global_member *kl_global_member_find(struct kl_global *global, keel_term node);
struct kl_global_member *kl_global_member_make(struct kl_global *global, keel_term node);
// Lists of nodes; the second one's items are {Node, Version}.
keel_term kl_global_known(const struct kl_global *global);
keel_term kl_global_known_versions(const struct kl_global *global);
keel_term kl_global_synced(const struct kl_global *global);
// The node in an item of such a list, from another node; none when it is none.
keel_term kl_global_node_in(keel_term item, int64_t *ret_version);
// Adds nodes that others know; returns the list of those that were not known.
keel_term kl_global_add_known(struct kl_global *global, keel_term nodes);
// Connects to each, and says that its names are known here.
void kl_global_meet(keel_term nodes);
// No connection to the node was got, {extra_nodedown, Node}: it is lost, unless it has
// connected to us since.
void kl_global_not_met(struct kl_global *global, keel_term node);
// Answers when the nodes are synchronised, or gone.
void kl_global_sync(struct kl_global *global, keel_from from, keel_term nodes);
void kl_global_wake_syncers(struct kl_global *global);

// --- sessions (global_members.c) ---

void kl_global_nodeup(struct kl_global *global, keel_term node);
void kl_global_nodedown(struct kl_global *global, keel_term node);
// The end of a session, and of what was known; what is left is whether there is a
// connection.
void kl_global_forget(struct kl_global *global, struct kl_global_member *member);
// What other name servers, and the parts of this one, cast and send. False: not known.
bool kl_global_cast(struct kl_global *global, keel_term message);
bool kl_global_info(struct kl_global *global, keel_term message);

// --- overlapping partitions (global_partition.c) ---

// Tells all others that the connection to this one is lost.
void kl_global_tell_lost(struct kl_global *global, const struct kl_global_member *lost);
// {lost_connection, …}, {remove_connection, …}; false: another message.
bool kl_global_partition(struct kl_global *global, keel_term message);

#endif // KL_CLUSTER_GLOBAL_TABLES_H
