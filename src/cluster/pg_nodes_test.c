// Process groups, and publish and subscribe, between nodes of ours.

#include "nodes_testing.h"
#include "proc/proc_testing.h"
#include <keel/node.h>
#include <keel/pg.h>
#include <string.h>

enum { GROUPS = 40, ROUNDS = 3 };

#define NEWS keel_atom(news)
#define SPORT keel_string("sport")

// --- a server that joins, leaves, subscribes and says what it has got ---

static keel_result init(keel_term unused, void *state)
{
    (void)unused;
    keel_set(state, keel_nil());
    return keel_ok();
}

// Groups {Node, 0} to {Node, GROUPS - 1}, of which every `step`th.
static void change_groups(
        keel_status (*change)(keel_term, keel_term, keel_term), int first, int step)
{
    keel_term self = keel_from_pid(keel_self());
    for (int i = first; i < GROUPS; i += step) {
        CHECK_OK(change(KEEL_NONE, keel_make("{Node, I}", keel_node_self(), i), self));
    }
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    keel_term *got = state;
    (void)from;
    if (keel_is(request, groups)) {
        return keel_reply(keel_pg_groups(KEEL_NONE));
    }
    if (keel_is(request, join)) {
        change_groups(keel_pg_join, 0, 1);
    } else if (keel_is(request, subscribe)) {
        return keel_reply(keel_int(keel_pubsub_subscribe(NEWS, SPORT)));
    } else if (keel_is(request, got)) {
        return keel_reply(keel_list_reverse(*got));
    }
    return keel_reply(keel_atom(ok));
}

static keel_result handle_cast(keel_term request, void *state)
{
    (void)state;
    if (keel_is(request, leave_even)) {
        change_groups(keel_pg_leave, 0, 2);
    } else if (keel_is(request, leave_odd)) {
        change_groups(keel_pg_leave, 1, 2);
    }
    return keel_noreply();
}

static keel_result handle_info(keel_term message, void *state)
{
    keel_term *got = state;
    keel_set(got, keel_cons(message, *got));
    return keel_noreply();
}

static const keel_gen_server obedient = {
        .name = "obedient",
        .state = KEEL_STATE_TERM,
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
};

// --- groups ---

static void start_scope(void)
{
    CHECK_OK(keel_pg_start(KEEL_NONE).status);
}

static size_t group_count(keel_term groups)
{
    size_t count;
    CHECK(keel_list_length(groups, &count));
    return count;
}

// Both nodes know this many groups, and the same ones.
static bool both_know(size_t count)
{
    keel_term here = keel_pg_groups(KEEL_NONE), there = kl_nodes_ask(1, keel_atom(groups));
    keel_term rest = here, group;
    bool same = group_count(here) == count && group_count(there) == count;
    while (same && keel_list_next(&rest, &group)) {
        same = keel_list_member(group, there);
    }
    return same;
}

static void leave_while_meeting(keel_term unused)
{
    (void)unused;
    for (int round = 0; round < ROUNDS; round++) {
        kl_nodes_connect(1);
        change_groups(keel_pg_join, 0, 1);
        CHECK_TERM(kl_nodes_ask(1, keel_atom(join)), "ok");
        KL_NODES_UNTIL(both_know(2 * GROUPS));
        CHECK_OK(keel_node_disconnect(kl_nodes_name(1)));
        KL_NODES_UNTIL(group_count(keel_pg_groups(KEEL_NONE)) == GROUPS);
        // They tell each other what they have, and at the same time half of it goes.
        kl_nodes_connect(1);
        kl_nodes_tell(1, keel_atom(leave_even));
        change_groups(keel_pg_leave, 0, 2);
        KL_NODES_UNTIL(both_know(GROUPS));
        kl_nodes_tell(1, keel_atom(leave_odd));
        change_groups(keel_pg_leave, 1, 2);
        KL_NODES_UNTIL(both_know(0));
        CHECK_OK(keel_node_disconnect(kl_nodes_name(1)));
    }
    kl_nodes_done();
}

TEST("who leaves groups while nodes meet has left them on both in the end",
        .ids = "GL-078 GL-079 GL-083", .timeout_s = 120)
{
    kl_nodes_run(&(struct kl_nodes){.count = 2,
            .server = &obedient,
            .prepare = start_scope,
            .body = leave_while_meeting});
}

// --- publish and subscribe ---

static void start_news(void)
{
    CHECK_OK(keel_pubsub_start_link(.name = NEWS, .adapter = keel_pubsub_pg_adapter())
                     .status);
}

// Waits until the node has got these messages, which are all that it may get.
static void expect_got(int node, const char *messages)
{
    KL_NODES_UNTIL(strcmp(keel_show(kl_nodes_ask(node, keel_atom(got))), messages) == 0);
}

static void publish(keel_term unused)
{
    (void)unused;
    size_t count;
    for (int node = 1; node < 3; node++) {
        kl_nodes_connect(node);
        CHECK_TERM(kl_nodes_ask(node, keel_atom(subscribe)), "0");
    }
    CHECK_OK(keel_pubsub_subscribe(NEWS, SPORT));
    KL_NODES_UNTIL(keel_list_length(keel_pg_members(keel_atom_text("Elixir.Phoenix.PubSub"),
                                            keel_atom_text("Elixir.news.Adapter")),
                           &count) &&
                   count == 3);
    CHECK_OK(keel_pubsub_broadcast(NEWS, SPORT, keel_atom(all)));
    CHECK_OK(keel_pubsub_local_broadcast(NEWS, SPORT, keel_atom(here)));
    CHECK_OK(keel_pubsub_broadcast_from(NEWS, keel_self(), SPORT, keel_atom(others)));
    CHECK_OK(
            keel_pubsub_direct_broadcast(NEWS, kl_nodes_name(2), SPORT, keel_atom(second)));
    CHECK_OK(keel_pubsub_direct_broadcast(
            NEWS, keel_atom_text("none@127.0.0.1"), SPORT, keel_atom(nobody)));
    CHECK_OK(keel_pubsub_broadcast(NEWS, SPORT, keel_atom(last)));
    EXPECT_NEXT("all");
    EXPECT_NEXT("here");
    EXPECT_NEXT("last");
    expect_got(1, "[all,others,last]");
    expect_got(2, "[all,others,second,last]");
    kl_nodes_done();
}

TEST("broadcasts reach the nodes they are for, and only these",
        .ids = "PB-030 PB-040 PB-041 PB-042 PB-043", .timeout_s = 120)
{
    kl_nodes_run(&(struct kl_nodes){
            .count = 3, .server = &obedient, .prepare = start_news, .body = publish});
}
