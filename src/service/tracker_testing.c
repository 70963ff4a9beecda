#include "tracker_testing.h"

#include <stdio.h>
#include <string.h>

struct testing_node testing_nodes[TESTING_NODES];

static const char *const kinds[] = {
        "heartbeat", "transfer_req", "transfer_ack", "graceful_permdown"};
static size_t carried[KEEL_COUNT(kinds)]; // under the simulator, on one thread
static int node_count;

// --- the module ---

struct teller {
    keel_term name;
    keel_pid to;
};

static keel_result init(keel_term argument, void *state)
{
    struct teller *teller = state;
    teller->name = keel_element(argument, 0);
    teller->to = keel_to_pid(keel_element(argument, 1));
    return keel_ok();
}

static keel_result tell_diff(keel_term diff, void *state)
{
    const struct teller *teller = state;
    keel_send(teller->to, keel_make("{diff, Tracker, Diff}", teller->name, diff));
    return keel_ok();
}

static keel_result tell_info(keel_term message, void *state)
{
    const struct teller *teller = state;
    if (keel_is(message, bad)) {
        return keel_reply(message);
    }
    keel_send(teller->to, keel_make("{info, Tracker, Message}", teller->name, message));
    return keel_noreply();
}

static const keel_tracker module = {
        .name = "teller",
        .state = KEEL_STATE(struct teller, name, to),
        .init = init,
        .handle_diff = tell_diff,
        .handle_info = tell_info,
};

// --- the adapter ---

static struct testing_node *node_of(keel_term pubsub)
{
    for (int i = 0; i < node_count; i++) {
        if (testing_nodes[i].pubsub.word == pubsub.word) {
            return &testing_nodes[i];
        }
    }
    return NULL;
}

static void count(keel_term message)
{
    const char *kind = keel_atom_name(keel_element(message, 1));
    for (size_t i = 0; kind != NULL && i < KEEL_COUNT(kinds); i++) {
        carried[i] += strcmp(kind, kinds[i]) == 0;
    }
}

// Shards of one name have different ones here, since names are the program's.
static keel_term topic_at(const struct testing_node *node, keel_term topic)
{
    char text[64];
    keel_term shard;
    const char *name = keel_atom_name(keel_element(topic, 1));
    snprintf(text, sizeof text, "%c%s", keel_atom_name(node->pubsub)[0], name + 1);
    CHECK_OK(keel_atom_from(text, strlen(text), &shard));
    return keel_set_element(topic, 1, shard);
}

static keel_term node_name(keel_term pubsub)
{
    return pubsub;
}

static keel_status carry(const struct testing_node *from, const struct testing_node *to,
        keel_term topic, keel_term message)
{
    count(message);
    return to == NULL || from->cut || to->cut
                   ? KEEL_OK
                   : keel_pubsub_local_broadcast(to->pubsub, topic_at(to, topic), message);
}

static keel_status broadcast(keel_term pubsub, keel_term topic, keel_term message,
        const keel_pubsub_dispatcher *dispatcher)
{
    const struct testing_node *from = node_of(pubsub);
    keel_status status = KEEL_OK;
    (void)dispatcher;
    for (int i = 0; i < node_count; i++) {
        if (&testing_nodes[i] != from && status == KEEL_OK) {
            status = carry(from, &testing_nodes[i], topic, message);
        }
    }
    return status;
}

static keel_status direct_broadcast(keel_term pubsub, keel_term node, keel_term topic,
        keel_term message, const keel_pubsub_dispatcher *dispatcher)
{
    (void)dispatcher;
    return carry(node_of(pubsub), node_of(node), topic, message);
}

static const keel_pubsub_adapter adapter = {
        .node_name = node_name,
        .broadcast = broadcast,
        .direct_broadcast = direct_broadcast,
};

size_t testing_carried(const char *kind)
{
    for (size_t i = 0; i < KEEL_COUNT(kinds); i++) {
        if (strcmp(kind, kinds[i]) == 0) {
            return carried[i];
        }
    }
    return 0;
}

void testing_forget_carried(void)
{
    for (size_t i = 0; i < KEEL_COUNT(kinds); i++) {
        carried[i] = 0;
    }
}

// --- starting and stopping ---

void testing_start(int nodes, int trackers, const keel_tracker_opts *opts)
{
    static const char *const pubsubs[] = {"a_news", "b_news", "c_news"};
    static const char *const rooms[] = {"a_rooms", "b_rooms", "c_rooms"};
    keel_trap_exit(true);
    testing_forget_carried();
    node_count = nodes;
    for (int i = 0; i < nodes; i++) {
        struct testing_node *node = &testing_nodes[i];
        *node = (struct testing_node){.cut = false};
        CHECK_OK(keel_atom_from(pubsubs[i], strlen(pubsubs[i]), &node->pubsub));
        CHECK_OK(keel_atom_from(rooms[i], strlen(rooms[i]), &node->tracker));
        keel_started started = keel_pubsub_start_link(.name = node->pubsub,
                .adapter = &adapter);
        CHECK_OK(started.status);
        node->pubsub_pid = started.pid;
    }
    for (int i = 0; i < trackers; i++) {
        testing_start_tracker(i, opts);
    }
}

void testing_start_tracker(int index, const keel_tracker_opts *given)
{
    struct testing_node *node = &testing_nodes[index];
    keel_tracker_opts opts = *given;
    opts.name = node->tracker;
    opts.pubsub = node->pubsub;
    opts.argument = keel_make("{Name, To}", node->tracker, keel_self());
    keel_started started = keel_tracker_start_link_opt(&module, &opts);
    CHECK_OK(started.status);
    node->tracker_pid = started.pid;
}

static void stop(keel_pid pid, keel_term reason)
{
    keel_unlink(pid);
    if (keel_is(reason, kill)) {
        end_process(pid);
    } else if (keel_process_alive(pid)) {
        CHECK_OK(keel_gen_server_stop(pid, reason, SOON));
    }
}

// A supervisor that is killed does not wait for its children.
static void stop_and_wait(struct testing_node *node, keel_term reason)
{
    keel_term shard = topic_at(node, keel_make("{shard, x_rooms_shard0}"));
    const keel_pid pids[] = {
            keel_whereis_term(node->tracker), keel_whereis_term(keel_element(shard, 1))};
    keel_ref ends[KEEL_COUNT(pids)];
    for (size_t i = 0; i < KEEL_COUNT(pids); i++) {
        ends[i] = pids[i].word == 0 ? (keel_ref){0} : keel_monitor(pids[i]);
    }
    stop(node->tracker_pid, reason);
    for (size_t i = 0; i < KEEL_COUNT(pids); i++) {
        if (ends[i].word != 0) {
            await_down(ends[i]);
        }
    }
}

void testing_stop_tracker(int index, keel_term reason)
{
    struct testing_node *node = &testing_nodes[index];
    if (node->tracker_pid.word != 0) {
        stop_and_wait(node, reason);
        node->tracker_pid = (keel_pid){0};
    }
}

void testing_stop(void)
{
    for (int i = 0; i < node_count; i++) {
        testing_stop_tracker(i, keel_atom(normal));
    }
    for (int i = 0; i < node_count; i++) {
        stop(testing_nodes[i].pubsub_pid, keel_atom(normal));
    }
    keel_flush();
}
