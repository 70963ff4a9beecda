// Trackers on several nodes of ours, each in a program of its own.

#include "nodes_testing.h"
#include "proc/proc_testing.h"
#include <keel/node.h>
#include <keel/pg.h>
#include <keel/tracker.h>
#include <string.h>

#define NEWS keel_atom(news)
#define ROOMS keel_atom(rooms)
#define LOBBY keel_string("lobby")

// --- a server that tracks others ---

static keel_result init(keel_term unused, void *state)
{
    (void)unused;
    (void)state;
    return keel_ok();
}

// Keys in the order of terms, as text.
static const char *keys_here(void)
{
    keel_term list = keel_tracker_list(ROOMS, LOBBY), item, keys = keel_make("#{}");
    CHECK(!keel_is_none(list));
    while (keel_list_next(&list, &item)) {
        keys = keel_map_put(keys, keel_element(item, 0),
                keel_map_get(keel_element(item, 1), keel_atom(n)));
    }
    return keel_show(keys);
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    keel_term key, number;
    (void)from;
    (void)state;
    if (keel_match(request, "{track, Key, N}", &key, &number)) {
        keel_pid pid = keel_spawn(wait_forever, keel_nil());
        return keel_reply(keel_int(keel_tracker_track(
                ROOMS, LOBBY, key, .pid = pid, .meta = keel_make("#{n => N}", number))));
    }
    if (keel_match(request, "{end_of, Key}", &key)) {
        keel_term pairs = keel_tracker_get_by_key(ROOMS, LOBBY, key);
        end_process(keel_to_pid(keel_element(keel_head(pairs), 0)));
    } else if (keel_match(request, "{update, Key, N}", &key, &number)) {
        keel_term pairs = keel_tracker_get_by_key(ROOMS, LOBBY, key);
        return keel_reply(keel_int(keel_tracker_update(ROOMS, LOBBY, key,
                .pid = keel_to_pid(keel_element(keel_head(pairs), 0)),
                .meta = keel_make("#{n => N}", number))));
    } else if (keel_match(request, "{connect, Node}", &key)) {
        return keel_reply(keel_int(keel_node_connect(key)));
    } else if (keel_is(request, farewell)) {
        return keel_reply(keel_int(keel_tracker_graceful_permdown(ROOMS)));
    }
    return keel_reply(keel_string(keys_here()));
}

static const keel_gen_server obedient = {
        .name = "obedient", .init = init, .handle_call = handle_call};

// A node is down when it has been silent for 3 s: a slow machine may make one seem so for a
// while, and then it comes back; nothing here depends on that it does not.
static void start_tracker(void)
{
    static const keel_tracker plain = {.name = "plain"};
    keel_trap_exit(true);
    CHECK_OK(keel_pubsub_start_link(.name = NEWS, .adapter = keel_pubsub_pg_adapter())
                     .status);
    CHECK_OK(keel_tracker_start_link(&plain, .name = ROOMS, .pubsub = NEWS,
            .broadcast_period = KEEL_MS(50), .max_silent_periods = 4,
            .down_period = KEEL_SECONDS(3))
                     .status);
}

// Waits until all of these nodes list the same.
static void agree(int nodes, const char *keys)
{
    KL_NODES_UNTIL(strcmp(keys_here(), keys) == 0);
    for (int node = 1; node < nodes; node++) {
        KL_NODES_UNTIL(
                strncmp((const char *)keel_to_bytes(kl_nodes_ask(node, keel_atom(keys)))
                                .data,
                        keys, strlen(keys)) == 0);
    }
}

// All with each other, as in a cluster.
static void connect_all(void)
{
    kl_nodes_connect(1);
    kl_nodes_connect(2);
    CHECK_TERM(kl_nodes_ask(1, keel_make("{connect, Node}", kl_nodes_name(2))), "0");
}

static void share(keel_term unused)
{
    (void)unused;
    CHECK_TERM(kl_nodes_ask(1, keel_make("{track, early, 1}")), "0");
    connect_all();
    agree(3, "#{early => 1}");
    CHECK_OK(keel_tracker_track(
            ROOMS, LOBBY, keel_atom(own), .meta = keel_make("#{n => 2}")));
    CHECK_TERM(kl_nodes_ask(2, keel_make("{track, third, 3}")), "0");
    agree(3, "#{early => 1,own => 2,third => 3}");
    CHECK_TERM(kl_nodes_ask(1, keel_make("{update, early, 7}")), "0");
    agree(3, "#{early => 7,own => 2,third => 3}");
    CHECK_TERM(kl_nodes_ask(2, keel_make("{end_of, third}")), "_");
    agree(3, "#{early => 7,own => 2}");
    // Cut off, each goes on, and after that all know all.
    CHECK_OK(keel_node_disconnect(kl_nodes_name(1)));
    CHECK_OK(keel_tracker_track(
            ROOMS, LOBBY, keel_atom(cut), .meta = keel_make("#{n => 4}")));
    KL_NODES_UNTIL(strcmp(keys_here(), "#{cut => 4,own => 2}") == 0);
    kl_nodes_connect(1);
    agree(3, "#{cut => 4,early => 7,own => 2}");
    kl_nodes_done();
}

TEST("trackers on several nodes know the same", .ids = "PB-064 PB-066 PB-073",
        .timeout_s = 120)
{
    kl_nodes_run(&(struct kl_nodes){
            .count = 3, .server = &obedient, .prepare = start_tracker, .body = share});
}

static void lose(keel_term unused)
{
    (void)unused;
    connect_all();
    CHECK_TERM(kl_nodes_ask(1, keel_make("{track, killed, 1}")), "0");
    CHECK_TERM(kl_nodes_ask(2, keel_make("{track, leaving, 2}")), "0");
    agree(3, "#{killed => 1,leaving => 2}");
    CHECK_TERM(kl_nodes_ask(2, keel_atom(farewell)), "0");
    agree(2, "#{killed => 1}");
    kl_nodes_kill(1);
    agree(1, "#{}");
    kl_nodes_done();
}

TEST("a node that is killed, or says farewell, takes its presences along",
        .ids = "PB-066 PB-070", .timeout_s = 120)
{
    kl_nodes_run(&(struct kl_nodes){
            .count = 3, .server = &obedient, .prepare = start_tracker, .body = lose});
}
