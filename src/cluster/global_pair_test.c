// Nodes of ours alone, each in a program of its own: names are the same on all of them,
// without any BEAM node.

#include "cluster_testing.h"
#include "proc/proc_testing.h"
#include <keel/global.h>
#include <keel/node.h>
#include <keel/via.h>
#include <string.h>

#define ONE "one@127.0.0.1"
#define TWO "two@127.0.0.1"
#define THREE "xthree@127.0.0.1"

static struct kl_epmd_daemon epmd;
static pid_t others[2];

// --- a server that does as it is told ---

static void wait_for_end(keel_term unused)
{
    (void)unused;
    keel_receive();
}

static keel_term name_a_process(keel_term name)
{
    return keel_int(keel_global_register(name, keel_spawn(wait_for_end, keel_nil())));
}

static keel_result init(keel_term unused, void *state)
{
    (void)unused;
    (void)state;
    return keel_ok();
}

static const keel_gen_server plain = {.name = "plain", .init = init};
static keel_term watched_there;

static keel_result obey(keel_term request, keel_from from, void *state)
{
    keel_term what;
    (void)from;
    (void)state;
    if (keel_match(request, "{register, Name}", &what)) {
        return keel_reply(name_a_process(what));
    }
    if (keel_match(request, "{serve, Name}", &what)) {
        keel_started started = keel_gen_server_start(&plain, KEEL_NONE, .name = what);
        return keel_reply(keel_int(started.status));
    }
    if (keel_match(request, "{whereis, Name}", &what)) {
        keel_pid pid = keel_global_whereis(what);
        return keel_reply(pid.word == 0 ? keel_atom(none) : keel_from_pid(pid));
    }
    if (keel_match(request, "{unregister, Name}", &what)) {
        return keel_reply(keel_int(keel_global_unregister(what)));
    }
    if (keel_match(request, "{watch, Name}", &what)) {
        keel_term pid = keel_server_whereis(what);
        watched_there = keel_keep(pid);
        return keel_reply(keel_int(keel_monitor(pid).word != 0 ? 0 : 1));
    }
    if (keel_is(request, down)) {
        // {Whether it was about the pid, Reason}
        keel_term pid, why;
        CHECK_OK(keel_receive_match(
                KEEL_NEVER, "{'DOWN', _, process, Pid, Why}", &pid, &why));
        return keel_reply(keel_tuple_of(keel_bool(keel_equal(pid, watched_there)), why));
    }
    if (keel_is(request, sync)) {
        return keel_reply(keel_int(keel_global_sync()));
    }
    return keel_reply(keel_node_list(KEEL_NODES_VISIBLE));
}

static const keel_gen_server obedient = {
        .name = "obedient", .init = init, .handle_call = obey};

static void start(const char *name)
{
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    keel_started server = keel_gen_server_start(
            &obedient, KEEL_NONE, .name = keel_atom(server));
    CHECK_OK(server.status);
    CHECK_OK(keel_global_start());
    CHECK_OK(keel_node_start(&(keel_node_config){.name = name,
            .cookie = "monster",
            .epmd_port = epmd.port,
            .setup_time = KEEL_SECONDS(60), // else a slow machine is a partition
            .visible = true}));
}

static void with_three(keel_body body)
{
    keel_term ack;
    keel_pid pid;
    kl_testing_needs("epmd");
    kl_epmd_daemon_start(&epmd);
    others[0] = kl_testing_copy(start, TWO);
    others[1] = kl_testing_copy(start, THREE);
    start(ONE);
    CHECK_OK(keel_start_body(body, keel_nil(), NULL, KEEL_NEVER, &pid, NULL, &ack));
    CHECK_OK(keel_node_stop());
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
    kl_testing_kill(&others[0]);
    kl_testing_kill(&others[1]);
    kl_epmd_daemon_stop(&epmd);
}

static keel_term ask_node(const char *name, keel_term request)
{
    keel_term node, reply;
    CHECK_OK(keel_atom_from(name, strlen(name), &node));
    CHECK_OK(keel_call_within(keel_tuple_of(keel_atom(server), node), request,
            KEEL_IN(KEEL_SECONDS(60)), &reply));
    return reply;
}

static void connect_to(const char *name)
{
    keel_term node;
    CHECK_OK(keel_atom_from(name, strlen(name), &node));
    CHECK_OK(keel_node_ping(node));
    CHECK_OK(keel_global_sync());
    CHECK_STR(keel_show(ask_node(name, keel_atom(sync))), "0");
}

static keel_term whereis(keel_term name)
{
    keel_pid pid = keel_global_whereis(name);
    return pid.word == 0 ? keel_atom(none) : keel_from_pid(pid);
}

// Waits until a node says the same as we do.
static void agree(const char *node, keel_term name)
{
    for (int equal = 0; !equal;) {
        keel_scope scope = keel_scope_open();
        equal = keel_equal(
                ask_node(node, keel_make("{whereis, Name}", name)), whereis(name));
        keel_scope_close(&scope);
    }
}

static void share_names(keel_term unused)
{
    (void)unused;
    CHECK_STR(keel_show(ask_node(TWO, keel_make("{register, second}"))), "0");
    connect_to(TWO);
    connect_to(THREE);
    while (!keel_list_member(keel_atom_text(TWO), ask_node(THREE, keel_atom(nodes)))) {
        keel_yield(); // who is in sync with one connects to all others
    }
    CHECK_OK(keel_global_register(keel_atom(first), keel_self()));
    CHECK_STR(keel_show(ask_node(THREE, keel_make("{register, third}"))), "0");
    CHECK_INT(keel_to_int(ask_node(THREE, keel_make("{register, first}"))), KEEL_E_TAKEN);
    CHECK_INT(keel_to_int(ask_node(TWO, keel_make("{register, third}"))), KEEL_E_TAKEN);
    agree(TWO, keel_atom(third));
    agree(THREE, keel_atom(second));
    CHECK(keel_equal(
            ask_node(TWO, keel_make("{whereis, first}")), keel_from_pid(keel_self())));
    CHECK(keel_equal(
            ask_node(THREE, keel_make("{whereis, first}")), keel_from_pid(keel_self())));
    CHECK_STR(keel_show(ask_node(TWO, keel_make("{unregister, first}"))), "0");
    CHECK(keel_global_whereis(keel_atom(first)).word == 0);
    // A node dies: what was its is free, and can be taken.
    kl_testing_kill(&others[1]);
    while (keel_global_whereis(keel_atom(third)).word != 0) {
        keel_yield();
    }
    agree(TWO, keel_atom(third));
    CHECK_OK(keel_global_register(keel_atom(third), keel_self()));
    agree(TWO, keel_atom(third));
    keel_gen_ack(keel_atom(done));
}

TEST("nodes of ours have the same names, without a BEAM node",
        .ids = "GL-016 GL-017 GL-018 GL-019", .timeout_s = 120)
{
    with_three(share_names);
}

// As in OTP who watches a name watches who has it now: DOWN is about a pid.
static keel_ref watch(keel_term name, keel_term *ret_pid)
{
    *ret_pid = keel_server_whereis(name);
    CHECK(keel_is_pid(*ret_pid));
    return keel_monitor(*ret_pid);
}

static void expect_down(keel_ref watched, keel_term pid, const char *reason)
{
    keel_term why;
    CHECK_OK(keel_receive_match(
            KEEL_NEVER, "{'DOWN', ^Ref, process, ^Pid, Why}", watched, pid, &why));
    CHECK_STR(keel_show(why), reason);
}

static void watch_names(keel_term unused)
{
    (void)unused;
    keel_term far = keel_make("{global, far}"), near = keel_make("{via, global, near}");
    keel_term pid, other;
    connect_to(TWO);
    // A server with a global name is stopped from anywhere, and is nobody then.
    CHECK_STR(keel_show(ask_node(TWO, keel_make("{serve, {global, served}}"))), "0");
    agree(TWO, keel_atom(served));
    CHECK_OK(keel_gen_server_stop(
            keel_make("{global, served}"), keel_atom(normal), KEEL_NEVER));
    agree(TWO, keel_atom(served));
    CHECK_INT(keel_gen_server_stop(
                      keel_make("{global, served}"), keel_atom(normal), KEEL_NEVER),
            KEEL_E_NOPROC);
    CHECK_STR(keel_show(ask_node(TWO, keel_make("{register, far}"))), "0");
    keel_ref watched = watch(far, &pid);
    CHECK(keel_equal(keel_node_of(pid), keel_atom_text(TWO)));
    CHECK_OK(keel_process_exit(keel_to_pid(pid), keel_make("{go, away}")));
    expect_down(watched, pid, "{go,away}");
    agree(TWO, keel_atom(far));
    // The other node watches a name of this one.
    CHECK_OK(keel_global_register(keel_atom(near), keel_spawn(wait_for_end, keel_nil())));
    CHECK_STR(keel_show(ask_node(TWO, keel_make("{watch, Name}", near))), "0");
    CHECK_OK(keel_server_send(near, keel_atom(stop)));
    CHECK_STR(keel_show(ask_node(TWO, keel_atom(down))), "{true,normal}");
    agree(TWO, keel_atom(near));
    // A node goes, and all that had names on it.
    while (keel_to_int(ask_node(TWO, keel_make("{register, far}"))) != 0) {
        keel_yield(); // the name is free there a moment later
    }
    watched = watch(far, &pid);
    keel_ref again = watch(keel_make("{via, global, far}"), &other);
    CHECK(keel_equal(pid, other));
    kl_testing_kill(&others[0]);
    expect_down(watched, pid, "noconnection");
    expect_down(again, pid, "noconnection");
    while (!keel_is_none(keel_server_whereis(far))) {
        keel_yield();
    }
    keel_gen_ack(keel_atom(done));
}

TEST("who watches a global name of another node of ours hears how its process ended",
        .timeout_s = 120)
{
    with_three(watch_names);
}

// Two names each: one that both sides have when they meet again, one of this side alone.
static void heal(keel_term unused)
{
    (void)unused;
    connect_to(TWO);
    for (int round = 0; round < 3; round++) {
        keel_term both = keel_make("{both, Round}", round);
        keel_term mine = keel_make("{mine, Round}", round);
        keel_pid pid = keel_spawn(wait_for_end, keel_nil());
        keel_pid alone = keel_spawn(wait_for_end, keel_nil());
        // Nobody can reach TWO to ask it while it is cut off: it is told before.
        CHECK_STR(keel_show(ask_node(TWO, keel_make("{register, Name}", both))), "0");
        CHECK_OK(keel_node_disconnect(keel_atom_text(TWO)));
        while (keel_global_whereis(both).word != 0) {
            keel_yield();
        }
        CHECK_OK(keel_global_register_with(both, pid, keel_global_random_notify));
        CHECK_OK(keel_global_register(mine, alone));
        connect_to(TWO);
        agree(TWO, both);
        agree(TWO, mine);
        // This node has the lesser name: its process stays, and the other one is told.
        CHECK(keel_global_whereis(both).word == pid.word);
        CHECK(keel_global_whereis(mine).word == alone.word);
    }
    keel_gen_ack(keel_atom(done));
}

TEST("when a cut has healed all agree about every name", .ids = "GL-025 GL-030 GL-031",
        .timeout_s = 120)
{
    with_three(heal);
}

// A name is given up while the other node joins.
static void join(keel_term node)
{
    keel_node_connect(node);
}

static void lose_names(keel_term unused)
{
    (void)unused;
    for (int round = 0; round < 5; round++) {
        keel_term name = keel_make("{gone, Round}", round);
        keel_term two = keel_atom_text(TWO);
        CHECK_OK(keel_global_register(name, keel_spawn(wait_for_end, keel_nil())));
        keel_spawn(join, two);
        // In each round the name goes at another moment of it.
        for (int i = 0; round > 1 && i < 1 << (4 * round - 8); i++) {
            keel_yield();
        }
        if (round == 1) {
            CHECK_OK(keel_node_ping(two));
        }
        CHECK_OK(keel_global_unregister(name));
        connect_to(TWO);
        CHECK(keel_global_whereis(name).word == 0);
        CHECK_STR(keel_show(ask_node(TWO, keel_make("{whereis, Name}", name))), "none");
        CHECK_OK(keel_node_disconnect(two));
    }
    keel_gen_ack(keel_atom(done));
}

TEST("a name that is given up while a node joins does not come back", .ids = "GL-022",
        .timeout_s = 120)
{
    with_three(lose_names);
}
