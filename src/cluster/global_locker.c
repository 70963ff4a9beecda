// The locker: before two nodes that have just met may compare their names, both hold the
// lock on `global` on all nodes that either of them knows. Both sides ask for it in the
// name of the same pair of lockers, so they hold it together. Who comes too late tries
// again after a while; the node with the greatest name is locked first, so that of many
// lockers one goes on and the others do not stop each other halfway.
//
// What the name server tells it:
//
//   {him, Node, Locker, HisTag, MyTag}              a node to be synchronised with
//   {sync, Node, lock_set, MyTag, IsSet, Locker}    what its locker says
//   {sync, Node, cancel, MyTag, Nodes, Message}     it is over: cast the message to the
//                                                   nodes, then free the lock
//   {add_to_known, Nodes}   {remove_from_known, Node}

#include "global.h"
#include "term/term.h"

struct him {
    struct him *next;
    keel_term node; // atom
    keel_term locker, his_tag, my_tag; // kept
};

struct locker {
    struct him *hims;
    keel_term known; // kept: a list of nodes
    bool just_synced;
};

static void step(struct locker *locker);

void kl_global_locker(keel_term unused)
{
    (void)unused;
    struct locker *locker = keel_alloc(sizeof *locker);
    *locker = (struct locker){.known = keel_nil()};
    for (;;) {
        keel_scope scope = keel_scope_open();
        step(locker);
        keel_scope_close(&scope);
    }
}

// --- whom to synchronise with ---

static void remove_him(struct locker *locker, struct him **link)
{
    (void)locker;
    struct him *gone = *link;
    *link = gone->next;
    keel_drop(gone->locker);
    keel_drop(gone->his_tag);
    keel_drop(gone->my_tag);
    keel_free(gone);
}

static struct him **find_him(struct locker *locker, keel_term node, keel_term my_tag)
{
    struct him **link = &locker->hims;
    while (*link != NULL &&
            ((*link)->node.word != node.word || !keel_equal((*link)->my_tag, my_tag))) {
        link = &(*link)->next;
    }
    return link;
}

static void forget_him(struct locker *locker, keel_term node, keel_term my_tag)
{
    struct him **link = find_him(locker, node, my_tag);
    if (*link != NULL) {
        remove_him(locker, link);
    }
}

static void add_him(struct locker *locker, keel_term node, keel_term pid, keel_term his_tag,
        keel_term my_tag)
{
    struct him *him = keel_alloc(sizeof *him);
    *him = (struct him){.next = locker->hims,
            .node = node,
            .locker = keel_keep(pid),
            .his_tag = keel_keep(his_tag),
            .my_tag = keel_keep(my_tag)};
    locker->hims = him;
}

static void know(struct locker *locker, keel_term nodes)
{
    keel_term known = locker->known, node;
    while (keel_list_next(&nodes, &node)) {
        if (!keel_list_member(node, known)) {
            known = keel_cons(node, known);
        }
    }
    keel_set(&locker->known, keel_copy(known));
}

static void unknow(struct locker *locker, keel_term node)
{
    keel_set(&locker->known, keel_copy(kl_global_without(locker->known, node)));
}

// What has come meanwhile about known nodes.
static void catch_up(struct locker *locker)
{
    keel_term nodes;
    while (keel_receive_match(KEEL_AT_ONCE, "{add_to_known, Nodes}", &nodes) == KEEL_OK) {
        know(locker, nodes);
    }
    while (keel_receive_match(KEEL_AT_ONCE, "{remove_from_known, Node}", &nodes) ==
            KEEL_OK) {
        unknow(locker, nodes);
    }
}

// --- the lock ---

// {global, [Locker, Locker]}, the same on both sides.
static keel_term lock_id(keel_term his)
{
    keel_term mine = keel_from_pid(keel_self());
    bool first = keel_compare(mine, his) < 0;
    return keel_tuple_of(
            keel_atom(global), first ? keel_list_of(mine, his) : keel_list_of(his, mine));
}

static bool may_lock(keel_term id)
{
    keel_term reply;
    return kl_global_ask(keel_make("{keel, may_lock, Id}", id), &reply) == KEEL_OK &&
           keel_is(reply, true);
}

// On this node, `extra` and all known ones, the boss first; or on none.
static bool lock_all(struct locker *locker, keel_term id, keel_term extra)
{
    keel_term self = keel_node_self();
    keel_term boss = kl_global_boss(keel_cons(self, locker->known));
    keel_term first = keel_list_of(boss);
    if ((boss.word != self.word && !may_lock(id)) ||
            keel_global_lock(id, first, 0) != KEEL_OK) {
        return false;
    }
    catch_up(locker);
    keel_term second = kl_global_without(keel_cons(self, extra), boss);
    if (keel_global_lock(id, second, 0) != KEEL_OK) {
        keel_global_unlock(id, first);
        return false;
    }
    if (keel_global_lock(id, kl_global_without(locker->known, boss), 0) != KEEL_OK) {
        keel_global_unlock(id, second);
        keel_global_unlock(id, first);
        return false;
    }
    return true;
}

static void tell_him(
        struct locker *locker, keel_term his_locker, keel_term his_tag, bool is_set)
{
    keel_gen_cast(kl_global_server_on(kl_global_node_of(his_locker)),
            keel_make("{lock_set, Me, IsSet, Known, Tag}", keel_self(), is_set,
                    locker->known, his_tag));
}

static void cast_all(keel_term nodes, keel_term message)
{
    keel_term node;
    while (keel_list_next(&nodes, &node)) {
        keel_gen_cast(kl_global_server_on(node), message);
    }
}

// Both have the lock: names are compared, until the name server says that this is over.
static void while_locked(struct locker *locker, keel_term node, keel_term my_tag,
        keel_term id, keel_term nodes)
{
    keel_term to, message;
    keel_gen_cast(keel_atom(global_name_server),
            keel_make("{lock_is_set, Node, MyTag, Id}", node, my_tag, id));
    if (keel_receive_match(KEEL_NEVER, "{sync, ^Node, cancel, ^Tag, To, Message}", node,
                my_tag, &to, &message) == KEEL_OK) {
        cast_all(to, message);
    }
    kl_global_unlock_all(id, nodes);
    forget_him(locker, node, my_tag);
    locker->just_synced = true;
}

// --- he was first ---

static void answer(
        struct locker *locker, keel_term node, keel_term my_tag, keel_term his_locker)
{
    struct him *him = *find_him(locker, node, my_tag);
    if (him == NULL) {
        keel_gen_cast(kl_global_server_on(node),
                keel_make("{lock_set, Me, false, Known}", keel_self(), locker->known));
        return;
    }
    keel_term id = lock_id(his_locker);
    bool locked = lock_all(locker, id, keel_nil());
    tell_him(locker, his_locker, him->his_tag, locked);
    locker->just_synced = false;
    if (locked) {
        while_locked(locker, node, my_tag, id,
                keel_cons(keel_node_self(), keel_copy(locker->known)));
    }
}

// --- we are first ---

// Waits for his answer. True: he has the lock, too. Words of older sessions do not count.
static bool he_agrees(struct locker *locker, keel_term node, keel_term my_tag)
{
    keel_term what, tag, first, second;
    while (keel_receive_match(KEEL_NEVER, "{sync, ^Node, What, Tag, First, Second}", node,
                   &what, &tag, &first, &second) == KEEL_OK) {
        bool current = keel_equal(tag, my_tag);
        if (keel_is(what, cancel)) {
            cast_all(first, second);
            forget_him(locker, node, tag);
            if (current) {
                return false;
            }
        } else if (current || keel_is(tag, undefined)) {
            return keel_is(first, true);
        }
    }
    return false;
}

static void ask_him(struct locker *locker, const struct him *him)
{
    keel_term node = him->node, my_tag = keel_copy(him->my_tag);
    keel_term id = lock_id(keel_copy(him->locker));
    if (!lock_all(locker, id, keel_list_of(node))) {
        return;
    }
    keel_term nodes = keel_cons(
            keel_node_self(), keel_cons(node, keel_copy(locker->known)));
    tell_him(locker, him->locker, him->his_tag, true);
    if (he_agrees(locker, node, my_tag)) {
        while_locked(locker, node, my_tag, id, nodes);
    } else {
        kl_global_unlock_all(id, nodes);
    }
}

static void ask_somebody(struct locker *locker)
{
    size_t count = 0;
    for (struct him **link = &locker->hims; *link != NULL;) {
        if (keel_list_member((*link)->node, locker->known)) {
            remove_him(locker, link); // somebody else has brought us together
        } else {
            count++;
            link = &(*link)->next;
        }
    }
    if (count > 0) {
        const struct him *him = locker->hims;
        for (uint64_t skip = keel_random() % count; skip > 0; skip--) {
            him = him->next;
        }
        ask_him(locker, him);
    }
}

// --- one message, or none for a while ---

static void take(struct locker *locker, keel_term message)
{
    keel_term node, pid, his_tag, my_tag, set;
    if (keel_match(message, "{him, Node, Pid, His, My}", &node, &pid, &his_tag, &my_tag)) {
        add_him(locker, node, pid, his_tag, my_tag);
    } else if (keel_match(message, "{sync, Node, cancel, Tag, To, What}", &node, &my_tag,
                       &pid, &his_tag)) {
        forget_him(locker, node, my_tag);
        cast_all(pid, his_tag);
    } else if (keel_match(message, "{sync, Node, lock_set, Tag, Set, Pid}", &node, &my_tag,
                       &set, &pid)) {
        if (keel_is(set, true)) {
            answer(locker, node, my_tag, pid);
        }
    } else if (keel_match(message, "{add_to_known, Nodes}", &node)) {
        know(locker, node);
    } else if (keel_match(message, "{remove_from_known, Node}", &node)) {
        unknow(locker, node);
    }
}

// How long to listen before trying to lock; the more nodes, the longer, as in OTP.
static keel_deadline patience(const struct locker *locker)
{
    enum { FIRST_MS = 200, LEAST_MS = 1000, EACH_MS = 100, MOST_MS = 3000 };
    size_t known = 0;
    if (locker->hims == NULL) {
        return KEEL_NEVER;
    }
    if (locker->just_synced) {
        return KEEL_AT_ONCE;
    }
    if (!keel_list_length(locker->known, &known) || known == 0) {
        return KEEL_IN(KEEL_MS(FIRST_MS));
    }
    size_t ms = LEAST_MS + EACH_MS * known;
    return KEEL_IN(KEEL_MS((int64_t)(ms < MOST_MS ? ms : MOST_MS)));
}

static void step(struct locker *locker)
{
    keel_term message;
    if (keel_receive_until(patience(locker), &message) == KEEL_OK) {
        take(locker, message);
        return;
    }
    locker->just_synced = false;
    if (may_lock(keel_make("{global, {}}"))) {
        ask_somebody(locker);
    }
}
