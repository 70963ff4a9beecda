#include "base/base.h"
#include "global.h"
#include <keel/node.h>

// Locks, for who asks: on each of several nodes, or on none.

enum { FIRST_MS = 125, DOUBLINGS = 6 };

void kl_global_pause(int times)
{
    int64_t most = (int64_t)FIRST_MS << (times < DOUBLINGS ? times : DOUBLINGS);
    keel_sleep(KEEL_MS(1 + (int64_t)(keel_random() % (uint64_t)most)));
}

static keel_status ask_node(keel_term node, keel_term request, keel_term *ret_reply)
{
    return keel_gen_call(kl_global_server_on(node), request, KEEL_NEVER, ret_reply);
}

static void unlock_until(keel_term id, keel_term nodes, size_t count)
{
    keel_term node, reply;
    while (count-- > 0 && keel_list_next(&nodes, &node)) {
        // A node that cannot be reached has lost the lock, or will.
        keel_status status = ask_node(node, keel_make("{del_lock, Id}", id), &reply);
        (void)status;
    }
}

// One attempt. Nodes that do not answer do not count, as in OTP. They are asked in the
// order of their names, so that two who want the same do not stop each other halfway.
static bool try_lock(keel_term id, keel_term nodes)
{
    keel_term rest = nodes, node, reply;
    for (size_t asked = 0; keel_list_next(&rest, &node); asked++) {
        if (ask_node(node, keel_make("{set_lock, Id}", id), &reply) == KEEL_OK &&
                keel_is(reply, false)) {
            unlock_until(id, nodes, asked);
            return false;
        }
    }
    return true;
}

static keel_term insert(keel_term sorted, keel_term node)
{
    keel_term before = keel_nil(), at;
    while (!keel_is_nil(sorted) && keel_compare(keel_head(sorted), node) > 0) {
        keel_list_next(&sorted, &at);
        before = keel_cons(at, before);
    }
    sorted = keel_cons(node, sorted);
    while (keel_list_next(&before, &at)) {
        sorted = keel_cons(at, sorted);
    }
    return sorted;
}

// The nodes in order, the greatest name first; false when it is no list of names.
static bool order(keel_term nodes, keel_term *ret_nodes)
{
    keel_term sorted = keel_nil(), node;
    size_t length;
    if (!keel_list_length(nodes, &length)) {
        return false;
    }
    while (keel_list_next(&nodes, &node)) {
        if (!keel_is_atom(node)) {
            return false;
        }
        sorted = insert(sorted, node);
    }
    *ret_nodes = sorted;
    return true;
}

static keel_status check(keel_term id, keel_term nodes, int retries, keel_term *ret_nodes)
{
    if (keel_self().word == 0) {
        return KEEL_E_OUTSIDE;
    }
    if (keel_is_none(nodes)) {
        nodes = keel_cons(keel_node_self(), keel_node_list(KEEL_NODES_VISIBLE));
    }
    return keel_tuple_size(id) == 2 && retries >= KEEL_GLOBAL_FOREVER &&
                           order(nodes, ret_nodes)
                   ? KEEL_OK
                   : KEEL_E_BADARG;
}

keel_status keel_global_lock(keel_term id, keel_term nodes, int retries)
{
    keel_status status = check(id, nodes, retries, &nodes);
    for (int times = 0; status == KEEL_OK; times++) {
        keel_scope scope = keel_scope_open();
        bool locked = try_lock(id, nodes);
        keel_scope_close(&scope);
        if (locked) {
            break;
        }
        if (retries == 0) {
            return KEEL_E_TAKEN;
        }
        retries -= retries > 0;
        kl_global_pause(times);
    }
    return status;
}

keel_status keel_global_unlock(keel_term id, keel_term nodes)
{
    keel_status status = check(id, nodes, 0, &nodes);
    if (status == KEEL_OK) {
        keel_scope scope = keel_scope_open();
        unlock_until(id, nodes, SIZE_MAX);
        keel_scope_close(&scope);
    }
    return status;
}

keel_status keel_global_transaction(keel_term id, void (*fn)(void *context), void *context,
        keel_term nodes, int retries)
{
    if (fn == NULL) {
        return KEEL_E_BADARG;
    }
    keel_status status = keel_global_lock(id, nodes, retries);
    if (status != KEEL_OK) {
        return status;
    }
    keel_term reason;
    status = keel_try(fn, context, &reason);
    keel_global_unlock(id, nodes);
    if (status != KEEL_OK) {
        keel_exit(reason);
    }
    return KEEL_OK;
}
