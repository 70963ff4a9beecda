#ifndef KL_CLUSTER_GLOBAL_H
#define KL_CLUSTER_GLOBAL_H

#include <keel/global.h>
#include <keel/node.h>

// What the parts of global names share: the name server (global_server.c), which never
// waits; the locker, which waits for locks on behalf of it; the registrar, which changes
// names on all nodes under the lock; and the callers' functions (global.c, global_lock.c).

extern const keel_gen_server kl_global_server;

// Asks the name server of this node. Statuses as keel_gen_call.
keel_status kl_global_ask(keel_term request, keel_term *ret_reply);
// Waits a while, as OTP does: up to an eighth of a second the first time, then up to twice
// as long each time, 8 s at most.
void kl_global_pause(int times);

// The bodies of the two processes that wait. They are linked to the name server.
void kl_global_locker(keel_term unused);
void kl_global_registrar(keel_term unused);

// The name server of a node, to be called or sent to.
keel_term kl_global_server_on(keel_term node);
// Frees a lock on all these nodes, on the boss of them last.
void kl_global_unlock_all(keel_term id, keel_term nodes);
// The greatest name of a node in a list that is not empty: locks are taken there first.
keel_term kl_global_boss(keel_term nodes);
// The list without the items equal to this one.
keel_term kl_global_without(keel_term list, keel_term item);
// On which node a process is; local ones are on this node.
keel_term kl_global_node_of(keel_term pid);

#endif // KL_CLUSTER_GLOBAL_H
