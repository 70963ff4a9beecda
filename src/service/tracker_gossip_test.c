// Trackers of several nodes: what they tell each other, and that they come to know the
// same, whatever is lost.

#include <keel/tracker.h>

#include "tracker_testing.h"
#include <keel/sys.h>
#include <stdio.h>
#include <string.h>

#define NODE(i) (testing_nodes[i].tracker)
#define LOBBY keel_string("lobby")
#define ANN keel_string("ann")
#define PERIOD KEEL_MS(100)
#define SHARD_TOPIC(letter)                                                                \
    keel_tuple_of(keel_atom(keel_tracker), keel_atom_text(#letter "_rooms_shard0"))

// Down after 10 periods of silence, forgotten after 100; each may be silent for 3.
static const keel_tracker_opts usual = {
        .broadcast_period = PERIOD,
        .max_silent_periods = 3,
        .down_period = 10 * PERIOD,
        .permdown_period = 100 * PERIOD,
};

static size_t count_at(int node)
{
    size_t count;
    CHECK(keel_list_length(keel_tracker_list(NODE(node), LOBBY), &count));
    return count;
}

// --- heartbeats ---

// How many heartbeats of node a node b hears within a minute of virtual time.
static size_t heartbeats_heard(int max_silent_periods)
{
    size_t count = 0;
    keel_term message;
    testing_start(2, 1,
            &(keel_tracker_opts){.broadcast_period = KEEL_SECONDS(1),
                    .max_silent_periods = max_silent_periods});
    CHECK_OK(keel_pubsub_subscribe(testing_nodes[1].pubsub, SHARD_TOPIC(b)));
    keel_deadline end = KEEL_IN(KEEL_SECONDS(60));
    while (keel_receive_until(end, &message) == KEEL_OK) {
        CHECK_TERM(message, "{'$tracker', heartbeat, {a_news, _}, empty, #{}}");
        count++;
    }
    CHECK_OK(keel_pubsub_unsubscribe(testing_nodes[1].pubsub, SHARD_TOPIC(b)));
    testing_stop();
    return count;
}

SIMULATED_TEST("heartbeats come at each period, or after some silent ones, changes or not",
        .ids = "PB-063")
{
    size_t all = heartbeats_heard(KEEL_TRACKER_NEVER_SILENT);
    CHECK(all == 60 || all == 61);
    size_t some = heartbeats_heard(2);
    CHECK(some == 20 || some == 21);
}

// --- nodes that are played by the test ---

// Another node's tracker says something to that of node a.
static void say_to_a(keel_term message)
{
    CHECK_OK(keel_pubsub_local_broadcast(testing_nodes[0].pubsub, SHARD_TOPIC(a), message));
}

SIMULATED_TEST(
        "a node that is heard for the first time is asked for what it has", .ids = "PB-064")
{
    keel_term clock;
    testing_start(3, 1, &usual);
    CHECK_OK(keel_pubsub_subscribe(testing_nodes[2].pubsub, SHARD_TOPIC(c)));
    say_to_a(keel_make("{'$tracker', heartbeat, {c_news, 5}, empty, #{{c_news, 5} => 2}}"));
    EXPECT_MESSAGE("{'$tracker', transfer_req, {a_news, _}, Clock}", &clock);
    CHECK_TERM(clock, "#{{c_news, 5} := 0}");
    say_to_a(keel_make("{'$tracker', transfer_ack, {c_news, 5}, [{{c_news, 5}, [{1, 2}], "
                       "[{2, {Topic, Pid, Key, #{}}}]}]}",
            LOBBY, keel_self(), ANN));
    EXPECT_MESSAGE("{diff, a_rooms, #{<<\"lobby\">> := {[{<<\"ann\">>, #{}}], []}}}");
    CHECK_TERM(keel_tracker_get_by_key(NODE(0), LOBBY, ANN), "[{^P, _}]", keel_self());
    // Nothing is believed of one that was not heard itself, and nothing strange harms.
    say_to_a(keel_make("{'$tracker', transfer_ack, {c_news, 5}, [{{d_news, 5}, [{1, 2}], "
                       "[{2, {Topic, Pid, Key, #{}}}]}]}",
            LOBBY, keel_self(), ANN));
    say_to_a(keel_make("{'$tracker', heartbeat, x, y, z}"));
    say_to_a(keel_make("{'$tracker', heartbeat, {c_news, 5}, x, y}"));
    say_to_a(keel_make("{'$tracker', heartbeat, {c_news, 4}, empty, #{}}"));
    say_to_a(keel_make("{'$tracker', transfer_req, {c_news, 5}, x}"));
    say_to_a(keel_make("{'$tracker', what, {c_news, 5}}"));
    CHECK_INT(count_at(0), 1);
    CHECK_OK(keel_pubsub_unsubscribe(testing_nodes[2].pubsub, SHARD_TOPIC(c)));
    testing_stop();
}

SIMULATED_TEST("only those are asked whose clocks no other one covers", .ids = "PB-065")
{
    testing_start(3, 1, &usual);
    CHECK_OK(keel_pubsub_subscribe(testing_nodes[1].pubsub, SHARD_TOPIC(b)));
    CHECK_OK(keel_pubsub_subscribe(testing_nodes[2].pubsub, SHARD_TOPIC(c)));
    say_to_a(keel_make("{'$tracker', heartbeat, {b_news, 1}, empty, #{}}"));
    say_to_a(keel_make("{'$tracker', heartbeat, {c_news, 1}, empty, #{}}"));
    keel_sleep(3 * PERIOD); // it takes stock every two periods
    CHECK_INT(testing_carried("transfer_req"), 0);
    keel_flush();
    say_to_a(keel_make("{'$tracker', heartbeat, {c_news, 1}, empty, #{{c_news, 1} => 4}}"));
    say_to_a(keel_make("{'$tracker', heartbeat, {b_news, 1}, empty, #{{b_news, 1} => 3, "
                       "{c_news, 1} => 4}}"));
    EXPECT_MESSAGE("{'$tracker', transfer_req, {a_news, _}, _}");
    keel_sleep(3 * PERIOD);
    CHECK_INT(testing_carried("transfer_req"), 1);
    CHECK_OK(keel_pubsub_unsubscribe(testing_nodes[1].pubsub, SHARD_TOPIC(b)));
    CHECK_OK(keel_pubsub_unsubscribe(testing_nodes[2].pubsub, SHARD_TOPIC(c)));
    testing_stop();
}

// --- whole trackers ---

SIMULATED_TEST("what happens on one node is known on the others", .ids = "PB-073")
{
    testing_start(3, 3, &usual);
    keel_sleep(4 * PERIOD);
    CHECK_OK(keel_tracker_track(NODE(0), LOBBY, ANN));
    EXPECT_MESSAGE("{diff, a_rooms, #{<<\"lobby\">> := {[_], []}}}");
    EXPECT_MESSAGE("{diff, b_rooms, #{<<\"lobby\">> := {[{<<\"ann\">>, _}], []}}}");
    EXPECT_MESSAGE("{diff, c_rooms, #{<<\"lobby\">> := {[{<<\"ann\">>, _}], []}}}");
    CHECK_TERM(keel_tracker_get_by_key(NODE(1), LOBBY, ANN), "[{^P, _}]", keel_self());
    // Coming and going within one period is nothing to tell.
    CHECK_OK(keel_tracker_untrack(NODE(0), LOBBY, ANN));
    CHECK_OK(keel_tracker_track(NODE(0), LOBBY, ANN));
    CHECK_OK(keel_tracker_untrack(NODE(0), LOBBY, ANN));
    EXPECT_MESSAGE("{diff, b_rooms, #{<<\"lobby\">> := {[], [{<<\"ann\">>, _}]}}}");
    EXPECT_MESSAGE("{diff, c_rooms, #{<<\"lobby\">> := {[], [{<<\"ann\">>, _}]}}}");
    CHECK_INT(count_at(2), 0);
    testing_stop();
}

SIMULATED_TEST("an update is one diff on other nodes, too", .ids = "PB-055")
{
    testing_start(2, 2, &usual);
    CHECK_OK(keel_tracker_track(NODE(0), LOBBY, ANN, .meta = keel_make("#{age => 7}")));
    EXPECT_MESSAGE("{diff, b_rooms, #{<<\"lobby\">> := {[_], []}}}");
    CHECK_OK(keel_tracker_update(NODE(0), LOBBY, ANN, .meta = keel_make("#{age => 8}")));
    EXPECT_MESSAGE("{diff, b_rooms, #{<<\"lobby\">> := {[{_, #{age := 8}}], "
                   "[{_, #{age := 7}}]}}}");
    testing_stop();
}

SIMULATED_TEST("a node that is silent is down, and one that is heard again is back",
        .ids = "PB-066")
{
    testing_start(2, 2, &usual);
    CHECK_OK(keel_tracker_track(NODE(0), LOBBY, ANN));
    EXPECT_MESSAGE("{diff, b_rooms, #{<<\"lobby\">> := {[_], []}}}");
    testing_nodes[0].cut = true;
    keel_sleep(8 * PERIOD);
    CHECK_INT(count_at(1), 1);
    EXPECT_MESSAGE("{diff, b_rooms, #{<<\"lobby\">> := {[], [{<<\"ann\">>, _}]}}}");
    CHECK_INT(count_at(1), 0);
    CHECK_INT(count_at(0), 1);
    CHECK_TERM(keel_tracker_get_by_key(NODE(1), LOBBY, ANN), "[]");
    testing_nodes[0].cut = false;
    EXPECT_MESSAGE("{diff, b_rooms, #{<<\"lobby\">> := {[{<<\"ann\">>, _}], []}}}");
    CHECK_INT(count_at(1), 1);
    testing_stop();
}

static bool knows(const char *shard, const char *node)
{
    keel_term state, name, ref, number;
    CHECK_OK(keel_sys_get_state(shard, &state));
    CHECK_OK(keel_atom_from(node, strlen(node), &name));
    keel_term clock = keel_map_get(state, keel_atom(clock));
    for (size_t i = 0; keel_map_at(clock, i, &ref, &number); i++) {
        if (keel_equal(keel_element(ref, 0), name)) {
            return true;
        }
    }
    return false;
}

SIMULATED_TEST("a node that is silent for long is forgotten, and new when it comes back",
        .ids = "PB-069")
{
    testing_start(2, 2, &usual);
    CHECK_OK(keel_tracker_track(NODE(0), LOBBY, ANN));
    EXPECT_MESSAGE("{diff, b_rooms, #{<<\"lobby\">> := {[_], []}}}");
    testing_nodes[0].cut = true;
    EXPECT_MESSAGE("{diff, b_rooms, #{<<\"lobby\">> := {[], [_]}}}");
    keel_sleep(80 * PERIOD);
    CHECK(knows("b_rooms_shard0", "a_news"));
    keel_sleep(20 * PERIOD);
    CHECK(!knows("b_rooms_shard0", "a_news"));
    CHECK(knows("b_rooms_shard0", "b_news"));
    testing_nodes[0].cut = false;
    EXPECT_MESSAGE("{diff, b_rooms, #{<<\"lobby\">> := {[{<<\"ann\">>, _}], []}}}");
    testing_stop();
}

SIMULATED_TEST(
        "a tracker that says farewell is gone on the other nodes at once", .ids = "PB-070")
{
    keel_tracker_opts opts = usual;
    opts.pool_size = 4;
    testing_start(2, 2, &opts);
    for (int topic = 0; topic < 10; topic++) {
        CHECK_OK(keel_tracker_track(NODE(0), keel_int(topic), ANN));
    }
    keel_sleep(3 * PERIOD);
    size_t there = 0, length;
    for (int topic = 0; topic < 10; topic++) {
        CHECK(keel_list_length(keel_tracker_list(NODE(1), keel_int(topic)), &length));
        there += length;
    }
    CHECK_INT(there, 10);
    keel_flush();
    keel_unlink(testing_nodes[0].tracker_pid);
    CHECK_OK(keel_tracker_graceful_permdown(NODE(0)));
    // No time has passed, but what the messages took.
    for (int topic = 0; topic < 10; topic++) {
        CHECK_TERM(keel_tracker_list(NODE(1), keel_int(topic)), "[]");
    }
    CHECK(keel_whereis_term(keel_atom_text("a_rooms.Supervisor")).word == 0);
    for (int i = 0; i < 4; i++) {
        char shard[32];
        snprintf(shard, sizeof shard, "b_rooms_shard%d", i);
        CHECK(!knows(shard, "a_news"));
    }
    testing_nodes[0].tracker_pid = (keel_pid){0};
    testing_stop();
}

SIMULATED_TEST("a tracker that is started anew takes the place of the one before")
{
    testing_start(2, 2, &usual);
    CHECK_OK(keel_tracker_track(NODE(0), LOBBY, ANN));
    EXPECT_MESSAGE("{diff, b_rooms, #{<<\"lobby\">> := {[{<<\"ann\">>, _}], []}}}");
    keel_pid shard = keel_whereis_term(keel_atom(a_rooms_shard0));
    keel_process_exit(shard, keel_atom(kill));
    EXPECT_MESSAGE("{'EXIT', ^Shard, killed}", shard);
    EXPECT_MESSAGE("{diff, b_rooms, #{<<\"lobby\">> := {[], [{<<\"ann\">>, _}]}}}");
    CHECK_OK(keel_tracker_track(NODE(0), LOBBY, keel_string("bob")));
    EXPECT_MESSAGE("{diff, b_rooms, #{<<\"lobby\">> := {[{<<\"bob\">>, _}], []}}}");
    CHECK_INT(count_at(1), 1);
    testing_stop();
}

SIMULATED_TEST(
        "who has never heard of a node that is down does not ask for it again and again")
{
    testing_start(3, 2, &usual);
    CHECK_OK(keel_tracker_track(NODE(0), LOBBY, ANN));
    CHECK_OK(keel_tracker_track(NODE(1), LOBBY, keel_string("bob")));
    keel_sleep(6 * PERIOD);
    CHECK_INT(count_at(0), 2);
    testing_stop_tracker(1, keel_atom(kill));
    keel_sleep(12 * PERIOD);
    CHECK_INT(count_at(0), 1);
    CHECK(knows("a_rooms_shard0", "b_news")); // down, not forgotten
    testing_forget_carried();
    testing_start_tracker(2, &usual);
    keel_sleep(8 * PERIOD);
    size_t asked = testing_carried("transfer_req");
    CHECK(asked >= 1);
    CHECK_INT(count_at(2), 1);
    keel_sleep(16 * PERIOD);
    CHECK_INT(testing_carried("transfer_req"), asked);
    CHECK(!knows("c_rooms_shard0", "b_news"));
    keel_flush();
    testing_stop();
}

// --- chaos ---

enum { STEPS = 60, KEYS = 6 };

// What each node's diffs add up to: keys with their references, a map.
static keel_term shown[TESTING_NODES];

static void apply(int node, keel_term diff)
{
    keel_term changes = keel_map_get(diff, LOBBY), joins, leaves, item, ref;
    CHECK(keel_match(changes, "{Joins, Leaves}", &joins, &leaves));
    while (keel_list_next(&leaves, &item)) {
        ref = keel_map_get(keel_element(item, 1), keel_atom(phx_ref));
        CHECK(!keel_is_none(keel_map_get(shown[node], ref)));
        shown[node] = keel_map_remove(shown[node], ref);
    }
    while (keel_list_next(&joins, &item)) {
        ref = keel_map_get(keel_element(item, 1), keel_atom(phx_ref));
        CHECK(keel_is_none(keel_map_get(shown[node], ref)));
        shown[node] = keel_map_put(shown[node], ref, keel_element(item, 0));
    }
}

static void apply_diffs(void)
{
    keel_term message, name, diff;
    while (keel_receive_until(KEEL_AT_ONCE, &message) == KEEL_OK) {
        for (int i = 0; i < TESTING_NODES; i++) {
            if (keel_match(message, "{diff, Name, Diff}", &name, &diff) &&
                    name.word == NODE(i).word) {
                apply(i, diff);
            }
        }
    }
}

// The list of a node, as a map from references to keys.
static keel_term listed(int node)
{
    keel_term list = keel_tracker_list(NODE(node), LOBBY), map = keel_make("#{}"), item;
    CHECK(!keel_is_none(list));
    while (keel_list_next(&list, &item)) {
        keel_term ref = keel_map_get(keel_element(item, 1), keel_atom(phx_ref));
        map = keel_map_put(map, ref, keel_element(item, 0));
    }
    return map;
}

static void restart(int node)
{
    bool gently = keel_random() % 2 == 0;
    testing_stop_tracker(node, gently ? keel_atom(normal) : keel_atom(kill));
    apply_diffs();
    shown[node] = keel_make("#{}"); // what the one before had told is void
    testing_start_tracker(node, &usual);
}

static void step(keel_pid *puppets)
{
    int node = (int)(keel_random() % TESTING_NODES);
    keel_term key = keel_int((int)(keel_random() % KEYS));
    keel_pid *pid = &puppets[keel_random() % KEYS];
    keel_status status = KEEL_OK;
    if (!keel_process_alive(*pid)) {
        *pid = new_puppet();
    }
    switch (keel_random() % 12) {
    case 0:
    case 1:
    case 2:
    case 3:
        status = keel_tracker_track(NODE(node), LOBBY, key, .pid = *pid);
        CHECK(status == KEEL_OK || status == KEEL_E_TAKEN);
        break;
    case 4:
    case 5:
        status = keel_tracker_update(NODE(node), LOBBY, key, .pid = *pid);
        CHECK(status == KEEL_OK || status == KEEL_E_REFUSED);
        break;
    case 6:
        CHECK_OK(keel_tracker_untrack(NODE(node), LOBBY, key, .pid = *pid));
        break;
    case 7:
        end_process(*pid);
        break;
    case 8:
    case 9:
        testing_nodes[node].cut = !testing_nodes[node].cut;
        break;
    case 10:
        if (keel_random() % 8 == 0) {
            restart(node);
        }
        break;
    default:
        keel_sleep((keel_duration)(keel_random() % (30 * PERIOD)));
    }
    apply_diffs();
}

SIMULATED_TEST("once the nodes hear each other again all know the same", .ids = "PB-071")
{
    keel_pid puppets[KEYS];
    testing_start(TESTING_NODES, TESTING_NODES, &usual);
    for (int i = 0; i < KEYS; i++) {
        puppets[i] = new_puppet();
    }
    for (int i = 0; i < TESTING_NODES; i++) {
        shown[i] = keel_make("#{}");
    }
    for (int i = 0; i < STEPS; i++) {
        step(puppets);
    }
    for (int i = 0; i < TESTING_NODES; i++) {
        testing_nodes[i].cut = false;
    }
    keel_sleep(30 * PERIOD);
    apply_diffs();
    keel_term truth = listed(0);
    for (int i = 0; i < TESTING_NODES; i++) {
        CHECK_EQUAL(listed(i), truth);
        CHECK_EQUAL(shown[i], truth);
    }
    // Who is alive and tracked somewhere is there: nobody else is.
    for (int i = 0; i < KEYS; i++) {
        end_process(puppets[i]);
    }
    keel_sleep(10 * PERIOD);
    apply_diffs();
    for (int i = 0; i < TESTING_NODES; i++) {
        CHECK_INT(keel_map_size(listed(i)), 0);
        CHECK_INT(keel_map_size(shown[i]), 0);
    }
    testing_stop();
}
