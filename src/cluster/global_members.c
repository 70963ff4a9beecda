// What the name servers of two nodes tell each other when these have met, as OTP 25 does
// (version 8 of its protocol). Both send the same; all is cast but for what is marked:
//
//   {init_connect, {Version, MyTag}, Me, {locker, _, _, MyLocker}}
//   {init_connect_ack, Me, HisTag, MyTag}       sent: your tag is this, mine that
//     … the lockers agree (global_locker.c): both hold the lock on `global` …
//   {exchange, Me, Names, [], HisTag}           all my names
//   {resolved, Me, Resolved, Known, _, [], HisTag}   and what I say about names of both
//   {new_nodes, Me, Ops, [], Nodes, [{vsn, _}, {lock, _}]}   to the nodes known before
//   {in_sync, Me, true}                         to the nodes the other one knew before
//   {cancel_connect, Me, HisTag}                sent: this session is over, begin again
//
// What comes with another tag belongs to a session that is over.

#include "global.h"
#include "global_resolve.h"
#include "global_tables.h"
#include "node.h"

enum { VERSIONS_IN_LISTS = 7 }; // nodes are told as {Node, Version}

static keel_term server_of(const struct kl_global_member *member)
{
    return kl_global_server_on(member->node);
}

static bool is_tag(keel_term tag, keel_term other)
{
    return !keel_is_none(tag) && keel_equal(tag, other);
}

// --- sessions ---

static void reset(struct kl_global_member *member)
{
    keel_term *kept[] = {&member->my_tag, &member->his_tag, &member->early, &member->names,
            &member->ops, &member->resolved, &member->lock_id};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        keel_drop(*kept[i]);
        *kept[i] = KEEL_NONE;
    }
    member->lock_is_set = false;
}

static void send_cancel(const struct kl_global_member *member, keel_term his_tag)
{
    keel_send_nosuspend(server_of(member),
            keel_make("{cancel_connect, Me, Tag}", keel_node_self(), his_tag));
}

// The locker lets go of the session with this tag; before it frees the lock it casts
// `message` to the nodes.
static void cancel(struct kl_global *global, struct kl_global_member *member, keel_term tag,
        keel_term nodes, keel_term message)
{
    if (keel_is_none(tag)) {
        return;
    }
    keel_send(global->locker, keel_make("{sync, Node, cancel, Tag, Nodes, Message}",
                                      member->node, tag, nodes, message));
    if (!is_tag(member->my_tag, tag)) {
        return;
    }
    if (member->pending) {
        send_cancel(member, member->his_tag);
    }
    if (member->resolver.word != 0) {
        keel_process_exit(member->resolver, keel_atom(kill));
        member->resolver = (keel_pid){0};
    }
    member->resolving = false;
}

static void end_session(struct kl_global *global, struct kl_global_member *member,
        keel_term nodes, keel_term message)
{
    cancel(global, member, member->my_tag, nodes, message);
    reset(member);
}

static void init_connect(struct kl_global *global, struct kl_global_member *member,
        int64_t version, keel_term his_tag, keel_term init);

static void begin_session(struct kl_global *global, struct kl_global_member *member)
{
    int64_t version = 0;
    keel_term his_tag, init;
    if (member->known || member->resolving || !member->connected) {
        return;
    }
    keel_term early = keel_is_none(member->early) ? KEEL_NONE : keel_copy(member->early);
    reset(member);
    keel_set(&member->my_tag, keel_int(++global->last_tag));
    member->resolving = true;
    keel_gen_cast(server_of(member),
            keel_make("{init_connect, {Version, Tag}, Me,"
                      " {locker, no_longer_a_pid, #{}, Locker}}",
                    KL_GLOBAL_VERSION, member->my_tag, keel_node_self(), global->locker));
    if (!keel_is_none(early) &&
            keel_match(early, "{Version, Tag, Init}", &version, &his_tag, &init)) {
        init_connect(global, member, version, his_tag, init);
    }
}

static void restart(struct kl_global *global, struct kl_global_member *member)
{
    bool began = !keel_is_none(member->my_tag);
    end_session(global, member, keel_nil(), keel_nil());
    member->pending = false;
    if (began) {
        begin_session(global, member);
    }
}

static void init_connect(struct kl_global *global, struct kl_global_member *member,
        int64_t version, keel_term his_tag, keel_term init)
{
    keel_term his_locker;
    if (!keel_match(init, "{locker, _, _, Locker}", &his_locker) ||
            !keel_is_pid(his_locker) ||
            kl_global_node_of(his_locker).word != member->node.word) {
        return;
    }
    if (member->pending) { // it has begun again, and we have not
        send_cancel(member, his_tag);
        restart(global, member);
    }
    if (!member->resolving) {
        keel_set(&member->early, keel_tuple_of(keel_int(version), his_tag, init));
        return;
    }
    keel_set(&member->his_tag, his_tag);
    keel_send(global->locker, keel_make("{him, Node, Locker, HisTag, MyTag}", member->node,
                                      his_locker, his_tag, member->my_tag));
    keel_send_nosuspend(
            server_of(member), keel_make("{init_connect_ack, Me, HisTag, MyTag}",
                                       keel_node_self(), his_tag, member->my_tag));
    member->pending = true;
    member->version = version;
}

void kl_global_nodeup(struct kl_global *global, keel_term node)
{
    struct kl_global_member *member = kl_global_member_make(global, node);
    member->connected = true;
    if (kl_cluster.visible) {
        begin_session(global, member);
    }
}

void kl_global_forget(struct kl_global *global, struct kl_global_member *member)
{
    end_session(global, member, keel_nil(), keel_nil());
    keel_send(global->locker, keel_make("{remove_from_known, Node}", member->node));
    member->known = member->pending = member->synced = false;
    kl_global_wake_syncers(global);
}

void kl_global_nodedown(struct kl_global *global, keel_term node)
{
    struct kl_global_member *member = kl_global_member_find(global, node);
    if (member == NULL) {
        kl_global_wake_syncers(global);
        return;
    }
    bool took_part = member->known || member->pending;
    member->connected = false;
    kl_global_forget(global, member);
    if (took_part && !member->removing) {
        kl_global_tell_lost(global, member);
    }
    member->removing = false;
}

// --- both have the lock: names ---

static keel_term clash_of(
        const struct kl_global_name *ours, keel_term his_entry, keel_term his_pid)
{
    return keel_tuple_of(keel_element(his_entry, 0), his_pid, keel_element(his_entry, 2),
            ours->pid, ours->method);
}

// Names we do not have are taken over; about those of both the node with the lesser name
// decides.
static void compare_names(
        struct kl_global *global, struct kl_global_member *member, keel_term names)
{
    keel_term clashes = keel_nil(), ops = keel_nil(), entry, name, pid;
    bool we_decide = keel_compare(keel_node_self(), member->node) < 0;
    if (!member->resolving || member->resolver.word != 0) {
        return;
    }
    while (keel_list_next(&names, &entry)) {
        if (!keel_match(entry, "{Name, Pid, _}", &name, &pid) || !keel_is_pid(pid)) {
            continue;
        }
        const struct kl_global_name *ours = kl_global_names_find(&global->names, name);
        if (ours == NULL) {
            ops = keel_cons(keel_make("{insert, Entry}", entry), ops);
        } else if (!keel_equal(ours->pid, pid) && we_decide) {
            clashes = keel_cons(clash_of(ours, entry, pid), clashes);
        }
    }
    member->resolver = keel_spawn(
            kl_global_resolve, keel_list_of(member->node, member->my_tag, clashes, ops));
}

static void lock_is_set(
        struct kl_global *global, struct kl_global_member *member, keel_term lock_id)
{
    keel_gen_cast(server_of(member),
            keel_make("{exchange, Me, Names, [], Tag}", keel_node_self(),
                    kl_global_names_entries(&global->names), member->his_tag));
    keel_set(&member->lock_id, lock_id);
    member->lock_is_set = true;
    if (!keel_is_none(member->names)) {
        compare_names(global, member, member->names);
    }
}

static void exchange(
        struct kl_global *global, struct kl_global_member *member, keel_term names)
{
    keel_set(&member->names, names);
    if (member->lock_is_set) {
        compare_names(global, member, names);
    }
}

// Both have resolved: the names are the same now. The nodes we knew before hear of it from
// our locker, before it frees the lock.
static void finish_session(struct kl_global *global, struct kl_global_member *member)
{
    keel_term known, his, item, ops, lock_id = keel_copy(member->lock_id);
    if (!keel_match(member->resolved, "{Known, Resolved}", &known, &his)) {
        return;
    }
    known = keel_copy(known);
    ops = keel_list_append(keel_copy(member->ops), keel_copy(his));
    kl_global_meet(known);
    kl_global_change(global, ops, lock_id);
    keel_term rest = known;
    while (keel_list_next(&rest, &item)) {
        int64_t version;
        struct kl_global_member *other = kl_global_member_find(
                global, kl_global_node_in(item, &version));
        if (other != NULL && other != member) {
            other->pending = false;
            end_session(global, other, keel_nil(), keel_nil());
        }
    }
    keel_term nodes = keel_cons(
            keel_tuple_of(member->node, keel_int(member->version)), known);
    keel_term news = keel_make(
            "{new_nodes, Me, Ops, [], Nodes, [{vsn, Version}, {lock, Lock}]}",
            keel_node_self(), ops, nodes, member->version, lock_id);
    member->pending = false;
    end_session(global, member, kl_global_known(global), news);
    kl_global_add_known(global, nodes);
    member->synced = true;
    kl_global_wake_syncers(global);
}

static void resolved_here(struct kl_global *global, struct kl_global_member *member,
        keel_term ops, keel_term resolved)
{
    member->resolver = (keel_pid){0};
    keel_gen_cast(server_of(member),
            keel_make("{resolved, Me, Resolved, Known, unused, [], Tag}", keel_node_self(),
                    resolved,
                    member->version < VERSIONS_IN_LISTS ? kl_global_known(global)
                                                        : kl_global_known_versions(global),
                    member->his_tag));
    keel_set(&member->ops, ops);
    if (!keel_is_none(member->resolved)) {
        finish_session(global, member);
    }
}

static void resolved_there(struct kl_global *global, struct kl_global_member *member,
        keel_term known, keel_term resolved)
{
    keel_set(&member->resolved, keel_tuple_of(known, resolved));
    if (!keel_is_none(member->ops)) {
        finish_session(global, member);
    }
}

// --- what comes ---

// The member whose session the tag belongs to. Other tags are those of sessions that are
// over, for the locker to forget.
static struct kl_global_member *session(
        struct kl_global *global, keel_term node, keel_term tag)
{
    struct kl_global_member *member = kl_global_member_find(global, node);
    if (member == NULL) {
        return NULL;
    }
    if (is_tag(member->my_tag, tag)) {
        return member;
    }
    cancel(global, member, tag, keel_nil(), keel_nil());
    return NULL;
}

static void in_sync(struct kl_global *global, keel_term node)
{
    struct kl_global_member *member = kl_global_member_find(global, node);
    if (member != NULL) {
        member->synced = true;
        member->pending = false;
        end_session(global, member, keel_nil(), keel_nil());
        kl_global_wake_syncers(global);
    }
}

static void new_nodes(
        struct kl_global *global, keel_term ops, keel_term nodes, keel_term extra)
{
    kl_global_meet(kl_global_add_known(global, nodes));
    kl_global_change(global, ops, keel_proplist_get(extra, keel_atom(lock)));
}

// What a locker says about the lock, to ours; the short form belongs to no session.
static void lock_set(struct kl_global *global, keel_term pid, keel_term set, keel_term tag)
{
    if (!keel_is_pid(pid)) {
        return;
    }
    keel_term node = kl_global_node_of(pid);
    const struct kl_global_member *member = kl_global_member_find(global, node);
    bool any = keel_is(tag, undefined);
    if (member != NULL && (any || is_tag(member->my_tag, tag))) {
        keel_send(global->locker,
                keel_make("{sync, Node, lock_set, Tag, Set, Pid}", node, tag, set, pid));
    }
}

static bool cast_in_session(struct kl_global *global, keel_term message)
{
    keel_term node, tag, first, second;
    struct kl_global_member *member;
    if (keel_match(message, "{lock_is_set, Node, Tag, Id}", &node, &tag, &first)) {
        if ((member = session(global, node, tag)) != NULL) {
            lock_is_set(global, member, first);
        }
    } else if (keel_match(
                       message, "{exchange, Node, Names, _, Tag}", &node, &first, &tag)) {
        if ((member = session(global, node, tag)) != NULL) {
            exchange(global, member, first);
        }
    } else if (keel_match(message, "{exchange_ops, Node, Tag, Ops, Resolved}", &node, &tag,
                       &first, &second)) {
        if ((member = session(global, node, tag)) != NULL) {
            resolved_here(global, member, first, second);
        }
    } else if (keel_match(message, "{resolved, Node, Resolved, Known, _, _, Tag}", &node,
                       &first, &second, &tag)) {
        if ((member = session(global, node, tag)) != NULL) {
            resolved_there(global, member, second, first);
        }
    } else {
        return false;
    }
    return true;
}

bool kl_global_cast(struct kl_global *global, keel_term message)
{
    keel_term node, tag, first, second;
    int64_t version;
    if (keel_match(message, "{init_connect, {Version, Tag}, Node, Init}", &version, &tag,
                &node, &first)) {
        if (keel_is_atom(node) && kl_cluster.visible) {
            init_connect(global, kl_global_member_make(global, node),
                    version < KL_GLOBAL_VERSION ? version : KL_GLOBAL_VERSION, tag, first);
        }
    } else if (keel_match(message, "{lock_set, Pid, Set, _, Tag}", &node, &first, &tag)) {
        lock_set(global, node, first, tag);
    } else if (keel_match(message, "{lock_set, Pid, Set, _}", &node, &first)) {
        lock_set(global, node, first, keel_atom(undefined));
    } else if (keel_match(message, "{new_nodes, _, Ops, _, Nodes, Extra}", &first, &node,
                       &second)) {
        new_nodes(global, first, node, second);
    } else if (keel_match(message, "{in_sync, Node, _}", &node)) {
        in_sync(global, node);
    } else {
        return cast_in_session(global, message);
    }
    return true;
}

bool kl_global_info(struct kl_global *global, keel_term message)
{
    keel_term node, mine, his;
    struct kl_global_member *member;
    if (keel_match(message, "{nodeup, Node}", &node)) {
        kl_global_nodeup(global, node);
    } else if (keel_match(message, "{nodedown, Node}", &node)) {
        kl_global_nodedown(global, node);
    } else if (keel_match(message, "{extra_nodedown, Node}", &node)) {
        kl_global_not_met(global, node);
    } else if (keel_match(message, "{cancel_connect, Node, Tag}", &node, &mine)) {
        if ((member = session(global, node, mine)) != NULL) {
            restart(global, member);
        }
    } else if (keel_match(
                       message, "{init_connect_ack, Node, My, His}", &node, &mine, &his)) {
        member = kl_global_member_find(global, node);
        if (member != NULL &&
                (!is_tag(member->my_tag, mine) || !is_tag(member->his_tag, his))) {
            send_cancel(member, his);
            restart(global, member);
        }
    } else {
        return kl_global_partition(global, message);
    }
    return true;
}
