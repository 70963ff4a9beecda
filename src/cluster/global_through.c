#include "global_through.h"
#include "base/base.h"
#include <keel/global.h>
#include <keel/node.h>
#include <keel/rpc.h>
#include <string.h>

// A hidden node takes no part in `global`. What it asks and changes can go by rpc to a node
// that does: that one keeps the names of our processes as it keeps those of its own, and
// drops them when they end or we are lost.

enum { NODES_MAX = 16 };

static struct kl_lock lock;
static keel_term nodes[NODES_MAX]; // atoms; guarded by the lock
static uint32_t node_count; // written under the lock, atomic

keel_status keel_global_through(keel_term list)
{
    keel_term given[NODES_MAX], node;
    uint32_t count = 0;
    for (; keel_list_next(&list, &node); count++) {
        if (count == NODES_MAX || !keel_is_atom(node)) {
            return KEEL_E_BADARG;
        }
        given[count] = node;
    }
    if (!keel_is_nil(list)) {
        return KEEL_E_BADARG;
    }
    kl_lock_take(&lock);
    memcpy(nodes, given, count * sizeof *nodes);
    kl_store_relaxed(&node_count, count);
    kl_lock_give(&lock);
    return KEEL_OK;
}

bool kl_global_elsewhere(void)
{
    return kl_load_relaxed(&node_count) > 0;
}

static keel_term node_at(uint32_t index)
{
    kl_lock_take(&lock);
    keel_term node = index < node_count ? nodes[index] : KEEL_NONE;
    kl_lock_give(&lock);
    return node;
}

keel_term kl_global_call_there(const char *function, keel_term arguments)
{
    keel_term node, name, reason;
    if (keel_is_none(arguments)) {
        return KEEL_NONE;
    }
    if (keel_atom_from(function, strlen(function), &name) != KEEL_OK) {
        return KEEL_NONE;
    }
    for (uint32_t i = 0; !keel_is_none(node = node_at(i)); i++) {
        if (keel_node_connect(node) != KEEL_OK) {
            continue;
        }
        // To no other node after this: what it was asked may have been done.
        keel_term reply = keel_rpc_call(
                node, keel_atom(global), name, arguments, KEEL_NEVER);
        return keel_match(reply, "{badrpc, Reason}", &reason) ? KEEL_NONE : reply;
    }
    return KEEL_NONE;
}
