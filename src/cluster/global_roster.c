// The nodes that the name server has heard of, and who waits for them.

#include "global.h"
#include "global_tables.h"
#include "node.h"

struct kl_global_member *kl_global_member_find(struct kl_global *global, keel_term node)
{
    struct kl_global_member *member = global->members;
    while (member != NULL && member->node.word != node.word) {
        member = member->next;
    }
    return member;
}

struct kl_global_member *kl_global_member_make(struct kl_global *global, keel_term node)
{
    struct kl_global_member *member = kl_global_member_find(global, node);
    if (member == NULL) {
        member = keel_alloc(sizeof *member);
        *member = (struct kl_global_member){.next = global->members, .node = node};
        global->members = member;
    }
    return member;
}

// --- lists ---

keel_term kl_global_known(const struct kl_global *global)
{
    keel_term list = keel_nil();
    for (const struct kl_global_member *at = global->members; at != NULL; at = at->next) {
        list = at->known ? keel_cons(at->node, list) : list;
    }
    return list;
}

keel_term kl_global_synced(const struct kl_global *global)
{
    keel_term list = keel_nil();
    for (const struct kl_global_member *at = global->members; at != NULL; at = at->next) {
        list = at->synced ? keel_cons(at->node, list) : list;
    }
    return list;
}

keel_term kl_global_known_versions(const struct kl_global *global)
{
    keel_term list = keel_nil();
    for (const struct kl_global_member *at = global->members; at != NULL; at = at->next) {
        if (at->known) {
            list = keel_cons(keel_tuple_of(at->node, keel_int(at->version)), list);
        }
    }
    return list;
}

keel_term kl_global_node_in(keel_term item, int64_t *ret_version)
{
    keel_term node = item;
    *ret_version = 0;
    if (keel_tuple_size(item) == 2) {
        node = keel_element(item, 0);
        keel_get_int(keel_element(item, 1), ret_version);
    }
    return keel_is_atom(node) ? node : KEEL_NONE;
}

// --- who waits for all to be synchronised ---

static bool is_connected(keel_term node)
{
    return keel_list_member(node, keel_node_list(KEEL_NODES_VISIBLE));
}

// One that is connected and of which we have not heard yet is none that is gone.
static bool are_synced(struct kl_global *global, keel_term nodes)
{
    keel_term node;
    if (!kl_cluster.visible) {
        return true; // whoever is hidden has no names in common with anybody
    }
    while (keel_list_next(&nodes, &node)) {
        const struct kl_global_member *member = kl_global_member_find(global, node);
        bool synced = member != NULL && member->synced;
        bool there = member != NULL && member->connected;
        if (!synced && (there || is_connected(node))) {
            return false;
        }
    }
    return true;
}

void kl_global_wake_syncers(struct kl_global *global)
{
    for (struct kl_global_syncer **link = &global->syncers; *link != NULL;) {
        struct kl_global_syncer *syncer = *link;
        if (!are_synced(global, syncer->nodes)) {
            link = &syncer->next;
            continue;
        }
        keel_gen_reply(keel_from_of_term(syncer->from), keel_atom(ok));
        *link = syncer->next;
        keel_drop(syncer->from);
        keel_drop(syncer->nodes);
        keel_free(syncer);
    }
}

void kl_global_sync(struct kl_global *global, keel_from from, keel_term nodes)
{
    struct kl_global_syncer *syncer = keel_alloc(sizeof *syncer);
    *syncer = (struct kl_global_syncer){.next = global->syncers,
            .from = keel_keep(keel_from_to_term(from)),
            .nodes = keel_keep(nodes)};
    global->syncers = syncer;
    kl_global_wake_syncers(global);
}

// --- known by hearsay ---

// The other side may have connected after we failed to: that the name server sees.
static void meet(keel_term node)
{
    if (keel_node_connect(node) == KEEL_OK || is_connected(node)) {
        keel_gen_cast(kl_global_server_on(node),
                keel_make("{in_sync, Me, true}", keel_node_self()));
    } else {
        keel_send(keel_atom(global_name_server),
                keel_tuple_of(keel_atom(extra_nodedown), node));
    }
}

void kl_global_not_met(struct kl_global *global, keel_term node)
{
    const struct kl_global_member *member = kl_global_member_find(global, node);
    if (member != NULL && member->connected) {
        keel_spawn(meet, node);
    } else {
        kl_global_nodedown(global, node);
    }
}

keel_term kl_global_add_known(struct kl_global *global, keel_term nodes)
{
    keel_term added = keel_nil(), item;
    while (keel_list_next(&nodes, &item)) {
        int64_t version;
        keel_term node = kl_global_node_in(item, &version);
        if (keel_is_none(node) || node.word == keel_node_self().word) {
            continue;
        }
        struct kl_global_member *member = kl_global_member_make(global, node);
        if (!member->known) {
            member->known = true;
            added = keel_cons(node, added);
        }
        member->version = version > 0 ? version : member->version;
    }
    keel_send(global->locker, keel_make("{add_to_known, Nodes}", added));
    return added;
}

void kl_global_meet(keel_term nodes)
{
    keel_term item;
    int64_t version;
    while (keel_list_next(&nodes, &item)) {
        keel_term node = kl_global_node_in(item, &version);
        if (!keel_is_none(node) && node.word != keel_node_self().word) {
            keel_spawn(meet, node);
        }
    }
}
