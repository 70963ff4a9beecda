// Partitions that overlap, where A and B both see C but not each other, would each have
// names of their own. As in OTP: who loses a connection tells everybody, and all who hear
// of it close their connections to the node that was lost, so that what is left is
// partitions that do not overlap. They join again as ever.

#include "base/base.h"
#include "global.h"
#include "global_tables.h"

// The version that knows these messages.
enum { PARTITION_VERSION = 7 };

// To everyone who is known, or about to be, but one.
static void tell_all(struct kl_global *global, keel_term message, keel_term but)
{
    for (const struct kl_global_member *to = global->members; to != NULL; to = to->next) {
        if ((to->known || to->pending) && to->version >= PARTITION_VERSION &&
                to->node.word != but.word) {
            keel_send_nosuspend(kl_global_server_on(to->node), message);
        }
    }
}

void kl_global_tell_lost(struct kl_global *global, const struct kl_global_member *lost)
{
    tell_all(global,
            keel_make("{lost_connection, Me, Creation, Operation, Node}", keel_node_self(),
                    global->creation, ++global->last_operation, lost->node),
            lost->node);
}

// Where the pair of nodes is; NULL inside when it is not.
static struct kl_global_lost **find_lost(
        struct kl_global *global, keel_term from, keel_term to, size_t *ret_count)
{
    struct kl_global_lost **link = &global->lost;
    for (*ret_count = 0; *link != NULL; link = &(*link)->next, ++*ret_count) {
        if ((*link)->from.word == from.word && (*link)->to.word == to.word) {
            break;
        }
    }
    return link;
}

// True when it is news. Few are remembered: an old one that comes again does no harm.
static bool remember(struct kl_global *global, keel_term from, keel_term creation,
        keel_term operation, keel_term to)
{
    enum { MOST = 1024 };
    size_t count;
    struct kl_global_lost **link = find_lost(global, from, to, &count), *lost = *link;
    if (lost != NULL && keel_equal(lost->creation, creation) &&
            keel_compare(operation, lost->operation) <= 0) {
        return false;
    }
    if (lost == NULL) {
        lost = keel_alloc(sizeof *lost);
        *lost = (struct kl_global_lost){.from = from, .to = to};
        *link = lost;
    }
    keel_set(&lost->creation, creation);
    keel_set(&lost->operation, operation);
    if (count >= MOST) {
        struct kl_global_lost *oldest = global->lost;
        global->lost = oldest->next;
        keel_drop(oldest->creation);
        keel_drop(oldest->operation);
        keel_free(oldest);
    }
    return true;
}

static bool takes_part(const struct kl_global_member *member)
{
    return member != NULL && (member->known || member->pending);
}

static void disconnect(keel_term node)
{
    keel_node_disconnect(node);
}

static void lost_connection(struct kl_global *global, keel_term message)
{
    keel_term from, creation, operation, to;
    if (!keel_match(message, "{lost_connection, From, Creation, Operation, To}", &from,
                &creation, &operation, &to) ||
            !keel_is_atom(from) || !keel_is_atom(to) ||
            !remember(global, from, creation, operation, to)) {
        return;
    }
    tell_all(global, message, from);
    keel_term other = to.word == keel_node_self().word ? from : to;
    struct kl_global_member *member = kl_global_member_find(global, other);
    if (!takes_part(member)) {
        return;
    }
    kl_log(KL_LOG_WARNING,
            "global: asks %s to disconnect, which %s has lost: partitions may not overlap",
            keel_atom_name(other), keel_atom_name(other.word == to.word ? from : to));
    if (member->version >= PARTITION_VERSION) {
        keel_send_nosuspend(kl_global_server_on(other),
                keel_make("{remove_connection, Me}", keel_node_self()));
    } else {
        keel_spawn(disconnect, other);
    }
    kl_global_forget(global, member);
    member->removing = true;
}

static void remove_connection(struct kl_global *global, keel_term node)
{
    struct kl_global_member *member = kl_global_member_find(global, node);
    if (!takes_part(member)) {
        return;
    }
    kl_log(KL_LOG_WARNING, "global: disconnects from %s: partitions may not overlap",
            keel_atom_name(node));
    keel_spawn(disconnect, node); // waits for net_kernel, which the name server does not
    kl_global_forget(global, member);
    member->removing = true;
}

bool kl_global_partition(struct kl_global *global, keel_term message)
{
    keel_term node;
    if (keel_match(message, "{lost_connection, _, _, _, _}")) {
        lost_connection(global, message);
    } else if (keel_match(message, "{remove_connection, Node}", &node)) {
        remove_connection(global, node);
    } else {
        return false;
    }
    return true;
}
