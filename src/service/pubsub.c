// Publish and subscribe: a registry of duplicate keys, whose keys are topics and whose
// values are the subscribers' metadata, and an adapter that knows other nodes.

#include <keel/pubsub.h>

#include "registries.h"

struct dispatching {
    const keel_publication *publication;
    keel_pid from;
};

static bool is_complete(keel_term topic, const keel_publication *publication);
static const keel_pubsub_adapter *adapter_of(keel_term pubsub);
static keel_status serve(keel_term pubsub, keel_pid from, keel_term topic,
        const keel_publication *publication);
static keel_status send_to_each(
        struct kl_registry *registry, keel_pid from, keel_term topic, keel_term message);
static void call_dispatcher(keel_term entries, void *context);

keel_term keel_pubsub_node_name(keel_term pubsub)
{
    const keel_pubsub_adapter *adapter = adapter_of(pubsub);
    return adapter == NULL ? keel_node_self() : adapter->node_name(pubsub);
}

keel_status keel_pubsub_subscribe_opt(
        keel_term pubsub, const keel_subscription *subscription)
{
    return keel_registry_register(
            pubsub, subscription->topic, subscription->metadata, NULL);
}

keel_status keel_pubsub_unsubscribe(keel_term pubsub, keel_term topic)
{
    return keel_registry_unregister(pubsub, topic);
}

keel_status keel_pubsub_broadcast_opt(
        keel_term pubsub, keel_term topic, const keel_publication *publication)
{
    if (!is_complete(topic, publication)) {
        return KEEL_E_BADARG;
    }
    const keel_pubsub_adapter *adapter = adapter_of(pubsub);
    keel_status status = KEEL_OK;
    if (adapter != NULL) {
        status = adapter->broadcast(
                pubsub, topic, publication->message, publication->dispatcher);
    }
    return status == KEEL_OK ? serve(pubsub, (keel_pid){0}, topic, publication) : status;
}

keel_status keel_pubsub_broadcast_from_opt(keel_term pubsub, keel_pid from, keel_term topic,
        const keel_publication *publication)
{
    if (!is_complete(topic, publication) || from.word == 0) {
        return KEEL_E_BADARG;
    }
    const keel_pubsub_adapter *adapter = adapter_of(pubsub);
    keel_status status = KEEL_OK;
    if (adapter != NULL) {
        status = adapter->broadcast(
                pubsub, topic, publication->message, publication->dispatcher);
    }
    return status == KEEL_OK ? serve(pubsub, from, topic, publication) : status;
}

keel_status keel_pubsub_local_broadcast_opt(
        keel_term pubsub, keel_term topic, const keel_publication *publication)
{
    bool complete = is_complete(topic, publication);
    return complete ? serve(pubsub, (keel_pid){0}, topic, publication) : KEEL_E_BADARG;
}

keel_status keel_pubsub_local_broadcast_from_opt(keel_term pubsub, keel_pid from,
        keel_term topic, const keel_publication *publication)
{
    bool complete = is_complete(topic, publication) && from.word != 0;
    return complete ? serve(pubsub, from, topic, publication) : KEEL_E_BADARG;
}

keel_status keel_pubsub_direct_broadcast_opt(keel_term pubsub, keel_term node,
        keel_term topic, const keel_publication *publication)
{
    if (!is_complete(topic, publication) || !keel_is_atom(node)) {
        return KEEL_E_BADARG;
    }
    const keel_pubsub_adapter *adapter = adapter_of(pubsub);
    if (adapter != NULL) {
        return adapter->direct_broadcast(
                pubsub, node, topic, publication->message, publication->dispatcher);
    }
    bool here = node.word == keel_node_self().word;
    return here ? serve(pubsub, (keel_pid){0}, topic, publication) : KEEL_OK;
}

void keel_pubsub_or_exit(keel_status status)
{
    if (status == KEEL_OK) {
        return;
    }
    const char *name = keel_status_name(status);
    char lower[32];
    size_t length = 0;
    for (; name[length] != 0 && length < sizeof lower; length++) {
        bool capital = name[length] >= 'A' && name[length] <= 'Z';
        lower[length] = (char)(capital ? name[length] + ('a' - 'A') : name[length]);
    }
    keel_term why = keel_nil();
    if (keel_atom_from(lower, length, &why) != KEEL_OK) {
        why = keel_int(status);
    }
    keel_exit(keel_tuple_of(keel_atom(broadcast_error), why));
}

static bool is_complete(keel_term topic, const keel_publication *publication)
{
    return !keel_is_none(topic) && !keel_is_none(publication->message);
}

static const keel_pubsub_adapter *adapter_of(keel_term pubsub)
{
    keel_term adapter = keel_registry_get_meta(pubsub, keel_atom(pubsub));
    return keel_to_pointer(adapter, NULL);
}

// The subscribers on this node.
static keel_status serve(keel_term pubsub, keel_pid from, keel_term topic,
        const keel_publication *publication)
{
    if (publication->dispatcher != NULL) {
        struct dispatching dispatching = {publication, from};
        return keel_registry_dispatch(pubsub, topic, call_dispatcher, &dispatching);
    }
    struct kl_registry *registry = kl_registry_find(pubsub);
    if (registry == NULL) {
        return KEEL_E_BADARG;
    }
    return send_to_each(registry, from, topic, publication->message);
}

static keel_status send_to_each(
        struct kl_registry *registry, keel_pid from, keel_term topic, keel_term message)
{
    // The broadcast may give others a turn, and the caller may end in it: the pids lie in
    // memory that goes with the process, and that cannot be had under the table's lock.
    size_t count = kl_entries_pids(&registry->table, topic, NULL, 0);
    size_t room = 0;
    keel_pid *pids = NULL;
    while (count > room) {
        keel_free(pids);
        room = count + count / 8; // some may come meanwhile
        pids = keel_alloc(room * sizeof *pids);
        if (pids == NULL) {
            return KEEL_E_NOMEM;
        }
        count = kl_entries_pids(&registry->table, topic, pids, room);
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (pids[i].word != from.word) {
            pids[kept++] = pids[i];
        }
    }
    keel_status status = keel_broadcast(pids, kept, message);
    keel_free(pids);
    return status;
}

static void call_dispatcher(keel_term entries, void *context)
{
    const struct dispatching *dispatching = context;
    const keel_publication *publication = dispatching->publication;
    publication->dispatcher->dispatch(entries, dispatching->from, publication->message);
}
