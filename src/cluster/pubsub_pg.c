// Publish and subscribe between nodes, in the words of Phoenix.PubSub's adapter PG2: each
// instance has workers in process groups of the scope 'Elixir.Phoenix.PubSub', named as the
// workers are, and a broadcast goes to one group's members on other nodes as
// {forward_to_local, Topic, Message, Dispatcher}. A pool has several workers and groups: a
// sender keeps to one of them, so that what it broadcasts stays in order.

#include "proc/proc.h"
#include <keel/gen_server.h>
#include <keel/node.h>
#include <keel/pg.h>
#include <stdio.h>
#include <string.h>

#define SCOPE keel_atom_text("Elixir.Phoenix.PubSub")
// Metadata of an instance's registry: how many groups it sends to.
#define BROADCAST_POOL keel_atom(broadcast_pool_size)

// Workers are named <Instance>.Adapter, <Instance>.Adapter_2 and so on; in Elixir's way,
// which puts "Elixir." before what does not have it.
static keel_status worker_name(keel_term pubsub, int number, keel_term *ret_name)
{
    char text[4 * KEEL_ATOM_CHARS_MAX + 40];
    const char *name = keel_atom_name(pubsub);
    const char *prefix = strncmp(name, "Elixir.", 7) == 0 ? "" : "Elixir.";
    int length = number == 1 ? snprintf(text, sizeof text, "%s%s.Adapter", prefix, name)
                             : snprintf(text, sizeof text, "%s%s.Adapter_%d", prefix, name,
                                       number);
    return keel_atom_from(text, (size_t)length, ret_name);
}

// --- workers ---

static keel_result init(keel_term pubsub, void *state)
{
    keel_set(state, pubsub); // {Instance, Name of the worker}
    keel_status status = keel_pg_join(
            SCOPE, keel_element(pubsub, 1), keel_from_pid(keel_self()));
    return status == KEEL_OK ? keel_ok() : keel_stop_with(keel_atom(noproc));
}

// The dispatcher is a module of the other side, which this one does not have: subscribers
// here get the message itself.
static keel_result forward(keel_term message, void *state)
{
    keel_term topic, content;
    if (keel_match(message, "{forward_to_local, Topic, Message, _}", &topic, &content)) {
        keel_status status = keel_pubsub_local_broadcast(
                keel_element(*(keel_term *)state, 0), topic, content);
        (void)status; // an instance that just stops has no subscribers
    }
    return keel_noreply();
}

static const keel_gen_server worker = {
        .name = "pubsub_adapter",
        .state = KEEL_STATE_TERM,
        .init = init,
        .handle_info = forward,
};

static keel_started start_worker(keel_term names)
{
    return keel_gen_server_start_link(&worker, names, .name = keel_element(names, 1));
}

// The scope is shared by all instances: whoever comes first starts it, for good.
static keel_started start_workers(keel_term plan)
{
    enum { MOST = 1024 };
    keel_term pubsub = keel_element(plan, 0);
    int count = (int)keel_to_int(keel_element(plan, 1));
    keel_started scope = keel_pg_start(SCOPE);
    if (scope.status != KEEL_OK && scope.status != KEEL_E_TAKEN) {
        return scope;
    }
    int broadcast = (int)keel_to_int(keel_element(plan, 2));
    count = count > MOST ? MOST : count;
    broadcast = broadcast < 1 || broadcast > count ? count : broadcast;
    if (keel_registry_put_meta(pubsub, BROADCAST_POOL, keel_int(broadcast)) != KEEL_OK) {
        return keel_started_failed(keel_atom(system_limit));
    }
    keel_child_spec *children = keel_alloc((size_t)count * sizeof *children);
    for (int i = 0; i < count; i++) {
        keel_term name;
        if (worker_name(pubsub, i + 1, &name) != KEEL_OK) {
            return keel_started_failed(keel_atom(system_limit));
        }
        children[i] = (keel_child_spec){
                .id = name, .start = start_worker, .argument = keel_tuple_of(pubsub, name)};
    }
    keel_started started = keel_supervisor_start_link(children, (size_t)count);
    keel_free(children);
    return started;
}

static keel_child_spec child(keel_term pubsub, int pool_size, int broadcast_pool_size)
{
    return (keel_child_spec){
            .id = keel_atom(adapter),
            .start = start_workers,
            .argument = keel_make(
                    "{Name, Size, Broadcast}", pubsub, pool_size, broadcast_pool_size),
            .type = KEEL_SUPERVISOR,
    };
}

// --- broadcasting ---

static keel_term node_name(keel_term pubsub)
{
    (void)pubsub;
    return keel_node_self();
}

static keel_term forwarded(
        keel_term topic, keel_term message, const keel_pubsub_dispatcher *dispatcher)
{
    keel_term name = SCOPE; // the plain one, a module of the same name
    if (dispatcher != NULL && dispatcher->name != NULL &&
            keel_atom_from(dispatcher->name, strlen(dispatcher->name), &name) != KEEL_OK) {
        name = SCOPE;
    }
    return keel_make("{forward_to_local, Topic, Message, Name}", topic, message, name);
}

// Which of the groups this process sends to: one of the first broadcast_pool_size, which
// other nodes must have too, so that may be fewer than there are workers here.
static keel_term group_of_sender(keel_term pubsub)
{
    keel_term name = KEEL_NONE, count = keel_registry_get_meta(pubsub, BROADCAST_POOL);
    int number = 1;
    if (keel_is_int(count) && keel_to_int(count) > 1) {
        number += (int)keel_phash2(
                keel_from_pid(keel_self()), (uint64_t)keel_to_int(count));
    }
    keel_status status = worker_name(pubsub, number, &name);
    (void)status; // it was had when the workers were started
    return name;
}

static keel_status broadcast(keel_term pubsub, keel_term topic, keel_term message,
        const keel_pubsub_dispatcher *dispatcher)
{
    if (!keel_node_is_alive()) {
        return KEEL_OK;
    }
    keel_scope scope = keel_scope_open();
    keel_term members = keel_pg_members(SCOPE, group_of_sender(pubsub)), pid;
    keel_term forward_it = forwarded(topic, message, dispatcher);
    while (keel_list_next(&members, &pid)) {
        if (!kl_pid_is_local(keel_to_pid(pid))) {
            keel_send(pid, forward_it);
        }
    }
    keel_scope_close(&scope);
    return KEEL_OK;
}

static keel_status direct_broadcast(keel_term pubsub, keel_term node, keel_term topic,
        keel_term message, const keel_pubsub_dispatcher *dispatcher)
{
    if (node.word == keel_node_self().word) {
        return keel_pubsub_local_broadcast(
                pubsub, topic, message, .dispatcher = dispatcher);
    }
    return keel_send(keel_tuple_of(group_of_sender(pubsub), node),
            forwarded(topic, message, dispatcher));
}

const keel_pubsub_adapter *keel_pubsub_pg_adapter(void)
{
    static const keel_pubsub_adapter adapter = {
            .node_name = node_name,
            .broadcast = broadcast,
            .direct_broadcast = direct_broadcast,
            .child = child,
    };
    return &adapter;
}
