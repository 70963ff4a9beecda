// What the scopes of several nodes tell each other, as OTP's pg does:
//
//   {discover, Peer}                 I am here; answered with sync, and with discover when
//   {discover, Peer, Version}        I was not known (the longer form from OTP 28 on)
//   '$gen_cast' {sync, Peer, [{Group, Pids}]}   all that are in groups on my node
//   {join, Peer, Group, PidOrPids}   {leave, Peer, PidOrPids, Groups}
//
// Only the short form of discover is sent: a scope of OTP 25 ends when it gets the other.

#include "node.h"
#include "pg.h"

static struct kl_pg_peer *find_peer(struct kl_pg *pg, keel_term pid)
{
    struct kl_pg_peer *peer = pg->peers;
    while (peer != NULL && !keel_equal(peer->pid, pid)) {
        peer = peer->next;
    }
    return peer;
}

void kl_pg_broadcast(struct kl_pg *pg, keel_term message)
{
    for (struct kl_pg_peer *peer = pg->peers; peer != NULL; peer = peer->next) {
        keel_send(peer->pid, message);
    }
}

static void send_discover(struct kl_pg *pg, keel_term to)
{
    (void)pg;
    keel_send(to, keel_make("{discover, Self}", keel_self()));
}

void kl_pg_discover(struct kl_pg *pg)
{
    keel_term nodes = keel_node_list(KEEL_NODES_CONNECTED), node;
    while (keel_list_next(&nodes, &node)) {
        struct kl_pg_peer *known = pg->peers;
        while (known != NULL && known->node.word != node.word) {
            known = known->next;
        }
        struct kl_peer *peer = known != NULL ? NULL : kl_peer_known(node);
        if (peer != NULL && kl_peer_is_full(peer)) {
            send_discover(pg, keel_tuple_of(pg->scope, node));
        }
    }
}

// All of this node's members, as {Group, Pids}.
static keel_term local_groups(const struct kl_pg *pg)
{
    keel_term list = keel_nil();
    for (const struct kl_group *group = pg->groups.all; group != NULL;
            group = group->next) {
        keel_term pids = kl_group_list_of(group, KEEL_NONE);
        if (!keel_is_nil(pids)) {
            list = keel_cons(keel_tuple_of(group->name, pids), list);
        }
    }
    return list;
}

// True when it was not known.
static bool meet(struct kl_pg *pg, keel_term pid)
{
    struct kl_remote_pid remote;
    if (find_peer(pg, pid) != NULL || !kl_pid_remote(keel_to_pid(pid), &remote)) {
        return false;
    }
    struct kl_pg_peer *peer = keel_alloc(sizeof *peer);
    *peer = (struct kl_pg_peer){.next = pg->peers,
            .pid = keel_keep(pid),
            .node = remote.node,
            .monitor = keel_monitor(pid)};
    pg->peers = peer;
    return true;
}

static void discovered(struct kl_pg *pg, keel_term pid)
{
    struct kl_remote_pid remote;
    if (!kl_pid_remote(keel_to_pid(pid), &remote)) {
        return; // ourselves
    }
    bool is_new = meet(pg, pid);
    keel_gen_cast(pid, keel_make("{sync, Self, Groups}", keel_self(), local_groups(pg)));
    if (is_new) {
        send_discover(pg, pid);
    }
}

// --- members of other nodes ---

static void join(
        struct kl_pg *pg, const struct kl_pg_peer *peer, keel_term name, keel_term pids)
{
    keel_term rest = pids, pid;
    if (keel_is_nil(pids)) {
        return;
    }
    struct kl_group *group = kl_group_make(&pg->groups, name);
    while (keel_list_next(&rest, &pid)) {
        kl_group_add(group, pid, peer->node);
    }
    kl_pg_tell(pg, keel_atom(join), name, pids);
}

static void leave(struct kl_pg *pg, keel_term name, keel_term pids)
{
    struct kl_group *group = kl_group_find(&pg->groups, name);
    keel_term gone = keel_nil(), pid;
    while (group != NULL && keel_list_next(&pids, &pid)) {
        if (kl_group_remove(group, pid)) {
            gone = keel_cons(pid, gone);
        }
    }
    if (!keel_is_nil(gone)) {
        kl_pg_tell(pg, keel_atom(leave), name, keel_list_reverse(gone));
        kl_group_tidy(&pg->groups, group);
    }
}

static void leave_groups(struct kl_pg *pg, keel_term pids, keel_term names)
{
    keel_term name;
    while (keel_list_next(&names, &name)) {
        leave(pg, name, kl_pg_as_list(pids));
    }
}

// Takes each item of `from` out of `list` once; what of `from` was not in it goes to
// `ret_more`.
static keel_term subtract(keel_term list, keel_term from, keel_term *ret_more)
{
    keel_term item;
    *ret_more = keel_nil();
    while (keel_list_next(&from, &item)) {
        keel_term kept = keel_nil(), other, rest = list;
        bool found = false;
        while (keel_list_next(&rest, &other)) {
            if (!found && keel_equal(other, item)) {
                found = true;
            } else {
                kept = keel_cons(other, kept);
            }
        }
        if (found) {
            list = kept;
        } else {
            *ret_more = keel_cons(item, *ret_more);
        }
    }
    return list;
}

static keel_term group_in(keel_term groups, keel_term name)
{
    keel_term entry;
    while (keel_list_next(&groups, &entry)) {
        if (keel_equal(keel_element(entry, 0), name)) {
            return keel_element(entry, 1);
        }
    }
    return keel_nil();
}

// What the peer's node has is now exactly this.
void kl_pg_peer_sync(struct kl_pg *pg, keel_term pid, keel_term groups)
{
    meet(pg, pid);
    struct kl_pg_peer *peer = find_peer(pg, pid);
    if (peer == NULL) {
        return;
    }
    for (struct kl_group *group = pg->groups.all; group != NULL;) {
        struct kl_group *next = group->next;
        keel_term had = kl_group_list_of(group, peer->node), more;
        if (!keel_is_nil(had)) {
            keel_term name = keel_copy(group->name);
            leave(pg, name, subtract(had, group_in(groups, name), &more));
        }
        group = next;
    }
    keel_term entry;
    while (keel_list_next(&groups, &entry)) {
        keel_term name = keel_element(entry, 0), more;
        struct kl_group *group = kl_group_find(&pg->groups, name);
        keel_term had = group == NULL ? keel_nil() : kl_group_list_of(group, peer->node);
        subtract(had, keel_element(entry, 1), &more);
        join(pg, peer, name, more);
    }
}

bool kl_pg_peer_down(struct kl_pg *pg, keel_ref monitor)
{
    struct kl_pg_peer **link = &pg->peers;
    while (*link != NULL && (*link)->monitor.word != monitor.word) {
        link = &(*link)->next;
    }
    struct kl_pg_peer *peer = *link;
    if (peer == NULL) {
        return false;
    }
    for (struct kl_group *group = pg->groups.all; group != NULL;) {
        struct kl_group *next = group->next;
        keel_term name = keel_copy(group->name);
        leave(pg, name, kl_group_list_of(group, peer->node));
        group = next;
    }
    *link = peer->next;
    keel_drop(peer->pid);
    keel_free(peer);
    return true;
}

bool kl_pg_peer_message(struct kl_pg *pg, keel_term message)
{
    keel_term pid, group, pids;
    if (keel_match(message, "{discover, Peer}", &pid) ||
            keel_match(message, "{discover, Peer, _}", &pid)) {
        discovered(pg, pid);
    } else if (keel_match(message, "{join, Peer, Group, Pids}", &pid, &group, &pids)) {
        const struct kl_pg_peer *peer = find_peer(pg, pid);
        if (peer != NULL) {
            join(pg, peer, group, kl_pg_as_list(pids));
        }
    } else if (keel_match(message, "{leave, Peer, Pids, Groups}", &pid, &pids, &group)) {
        if (find_peer(pg, pid) != NULL) {
            leave_groups(pg, pids, group);
        }
    } else if (keel_match(message, "{nodeup, _}")) {
        kl_pg_discover(pg);
    } else {
        return keel_match(message, "{nodedown, _}");
    }
    return true;
}
