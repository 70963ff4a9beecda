// Who calls. A stranger's name is no atom, so that it may have no peer yet: such callers
// stand in a list where a peer that is made later finds them.

#include "callers.h"
#include "node.h"
#include "peers_inside.h"
#include <string.h>

static struct kl_caller *callers; // guarded by the lock of the table

// --- callers whose peer is not known ---

uint64_t kl_caller_of_locked(keel_term name)
{
    const char *text = keel_atom_name(name);
    const struct kl_caller *caller = callers;
    while (caller != NULL && strcmp(caller->name, text) != 0) {
        caller = caller->next;
    }
    return caller == NULL ? 0 : caller->ticket;
}

// The peer, or NULL: then the caller is put into the list.
static struct kl_peer *find_or_list(struct kl_caller *caller)
{
    keel_term name;
    struct kl_peer *peer = NULL;
    kl_peer_table_lock();
    if (keel_atom_existing(caller->name, strlen(caller->name), &name) == KEEL_OK) {
        peer = kl_peer_find_locked(name);
    }
    if (peer == NULL) {
        caller->next = callers;
        callers = caller;
    }
    kl_peer_table_unlock();
    return peer;
}

// Takes it out of the list; returns its peer when there is one by now.
static struct kl_peer *unlist(struct kl_caller *caller)
{
    keel_term name;
    struct kl_peer *peer = NULL;
    kl_peer_table_lock();
    struct kl_caller **link = &callers;
    while (*link != NULL && *link != caller) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = caller->next;
    }
    if (keel_atom_existing(caller->name, strlen(caller->name), &name) == KEEL_OK) {
        peer = kl_peer_find_locked(name);
    }
    kl_peer_table_unlock();
    return peer;
}

// --- answers ---

// The peer goes on under the caller's ticket; returns who is to be woken.
static struct kl_awaiting *let_in_locked(struct kl_peer *peer, uint64_t ticket)
{
    bool wanted = peer->state == KL_PEER_CONNECTING && (peer->wanted || !peer->called);
    if (!kl_peer_begin_locked(peer, ticket)) {
        peer->ticket = ticket; // our own attempt, or an older call of the same node
    }
    struct kl_awaiting *awaiting = peer->awaiting;
    peer->awaiting = NULL;
    peer->called = true;
    peer->wanted = wanted;
    return awaiting;
}

static enum kl_handshake_status answer_known(struct kl_caller *caller, struct kl_peer *peer)
{
    struct kl_awaiting *awaiting = NULL;
    kl_lock_take(&peer->lock);
    bool dialling = peer->state == KL_PEER_CONNECTING && !peer->called;
    enum kl_handshake_status status = kl_handshake_decide(
            kl_cluster.name, caller->name, peer->state == KL_PEER_UP, dialling);
    if (status == KL_STATUS_ALIVE) {
        peer->successor = caller->ticket;
    } else if (status != KL_STATUS_NOK) {
        awaiting = let_in_locked(peer, caller->ticket);
    }
    kl_lock_give(&peer->lock);
    kl_peer_wake_all(awaiting);
    return status;
}

enum kl_handshake_status kl_caller_answer(struct kl_caller *caller)
{
    caller->calls = true;
    struct kl_peer *peer = find_or_list(caller);
    return peer == NULL ? KL_STATUS_OK : answer_known(caller, peer);
}

// --- the end of a call ---

static void forget_successor(struct kl_peer *peer, uint64_t ticket)
{
    kl_lock_take(&peer->lock);
    if (peer->successor == ticket) {
        peer->successor = 0;
    }
    kl_lock_give(&peer->lock);
}

void kl_caller_proved(struct kl_caller *caller, struct kl_peer *peer)
{
    unlist(caller);
    forget_successor(peer, caller->ticket);
    caller->calls = false;
}

void kl_caller_failed(struct kl_caller *caller)
{
    if (!caller->calls) {
        return;
    }
    caller->calls = false;
    struct kl_peer *peer = unlist(caller);
    if (peer == NULL) {
        return;
    }
    forget_successor(peer, caller->ticket);
    uint64_t ticket = 0;
    kl_lock_take(&peer->lock);
    if (peer->state == KL_PEER_CONNECTING && peer->ticket == caller->ticket &&
            peer->wanted && kl_cluster_alive()) {
        ticket = kl_peer_ticket();
        peer->ticket = ticket;
        peer->called = false;
    }
    kl_lock_give(&peer->lock);
    if (ticket != 0) {
        kl_dial_start(peer, ticket);
    } else if (kl_peer_lost(peer, caller->ticket)) {
        kl_peer_left(peer); // nobody wanted it: there is no news
    }
}
