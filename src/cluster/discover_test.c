#include "cluster_testing.h"
#include "testing/harness.h"
#include <keel/discover.h>
#include <keel/keel.h>
#include <keel/node.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HERE "c@127.0.0.1"
#define THERE "beam@127.0.0.1"

static struct kl_epmd_daemon epmd;
static struct kl_beam beam;

// --- a server without a cluster ---

// Owns a server until the runtime stops.
static void own(keel_term opts)
{
    keel_trap_exit(true);
    keel_started started = keel_discover_start_link(keel_to_pointer(opts, NULL));
    keel_gen_ack(keel_started_to_term(started));
    keel_receive(); // that the runtime stops
    keel_exit(keel_atom(shutdown));
}

static keel_term start(const keel_discover_opts *opts)
{
    keel_term ack = KEEL_NONE;
    keel_pid owner;
    CHECK_OK(
            keel_start_body(own, keel_pointer(opts), NULL, KEEL_NEVER, &owner, NULL, &ack));
    return ack;
}

static keel_pid server_of(const keel_discover_opts *opts)
{
    keel_pid server = {0};
    CHECK(keel_match(start(opts), "{ok, Pid}", &server));
    return server;
}

static const char *known(keel_pid server)
{
    keel_term known;
    CHECK_OK(keel_discover_known(server, &known));
    return keel_show(known);
}

// Waits until the server knows so: the other side may have heard of a connection first.
static void await_known(keel_pid server, const char *part)
{
    while (!strstr(known(server), part)) {
        sched_yield();
    }
}

// The same as the child of a supervisor.
static void own_child(keel_term opts)
{
    keel_trap_exit(true);
    keel_child_spec child = keel_discover_spec(keel_to_pointer(opts, NULL));
    CHECK(keel_is(child.id, discover));
    keel_gen_ack(keel_started_to_term(keel_supervisor_start_link(&child, 1)));
}

TEST("a supervisor starts it as its child, and is told of options that are no good")
{
    static const keel_discover_opts bad = {.interval = -1};
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    keel_pid owner;
    keel_term ack = KEEL_NONE;
    CHECK_OK(keel_start_body(
            own_child, keel_pointer(&bad), NULL, KEEL_NEVER, &owner, NULL, &ack));
    CHECK(keel_match(
            ack, "{error, {shutdown, {failed_to_start_child, discover, badarg}}}"));
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
}

TEST("options that are no good are refused")
{
    static const char *const no_name[] = {"nobody", NULL};
    static const keel_discover_opts bad[] = {
            {.nodes = no_name},
            {.dns_host = "localhost"},
            {.multicast = "localhost"},
            {.multicast = "127.0.0.1", .multicast_group = "nowhere"},
            {.interval = -1},
    };
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    for (size_t i = 0; i < KEEL_COUNT(bad); i++) {
        CHECK_STR(keel_show(start(&bad[i])), "{error,badarg}");
    }
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
}

TEST("what is listed is known, and nobody is dialled while this is no node")
{
    static const char *const nodes[] = {"a@127.0.0.1", "b@127.0.0.1", NULL};
    static const keel_discover_opts opts = {.nodes = nodes};
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    keel_term atom;
    CHECK_STR(known(server_of(&opts)),
            "[{<<\"a@127.0.0.1\">>,waiting},{<<\"b@127.0.0.1\">>,waiting}]");
    CHECK_INT(keel_atom_existing("b@127.0.0.1", 11, &atom), KEEL_E_BADARG);
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
}

// --- with a BEAM node ---

static void prepare(void)
{
    kl_testing_needs("erl");
    kl_testing_needs("epmd");
    kl_epmd_daemon_start(&epmd);
    kl_beam_start(&beam, &epmd, THERE, "biscuit", NULL);
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    const keel_node_config config = {
            .name = HERE, .cookie = "biscuit", .epmd_port = epmd.port};
    CHECK_OK(keel_node_start(&config));
}

static void finish(void)
{
    keel_node_stop();
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
    kl_beam_stop(&beam);
    kl_epmd_daemon_stop(&epmd);
}

TEST("a listed node is connected, and again when it comes back", .timeout_s = 120)
{
    static const char *const nodes[] = {THERE, HERE, NULL};
    static const keel_discover_opts opts = {.nodes = nodes, .interval = KEEL_MS(50)};
    prepare();
    keel_pid server = server_of(&opts);
    kl_beam_await(&beam, "up '" HERE "'");
    await_known(server, "[{<<\"" THERE "\">>,connected},{<<\"" HERE "\">>,waiting}]");
    // The news is out before net_kernel itself knows: until then it would disconnect
    // nobody.
    while (!strstr(kl_beam_eval(&beam, "net_kernel:node_info('" HERE "', state)"), "up")) {
        sched_yield();
    }
    kl_beam_ask(&beam, "erlang:disconnect_node('" HERE "')");
    kl_beam_await(&beam, "down '" HERE "'");
    kl_beam_await(&beam, "up '" HERE "'");
    kl_beam_stop(&beam);
    kl_beam_start(&beam, &epmd, THERE, "biscuit", NULL);
    // It may be connected before it watches who comes: so it is asked.
    while (!strstr(kl_beam_eval(&beam, "nodes(connected)"), HERE)) {
        sched_yield();
    }
    finish();
}

TEST("the addresses of a host are nodes", .timeout_s = 120)
{
    static const keel_discover_opts opts = {
            .dns_host = "127.0.0.1", .dns_alive = "beam", .interval = KEEL_MS(50)};
    prepare();
    server_of(&opts);
    kl_beam_await(&beam, "up '" HERE "'");
    finish();
}

static bool anybody_but(const char *node)
{
    return strcmp(node, "spy@127.0.0.1") != 0;
}

// The BEAM node speaks to the group as libcluster does.
TEST("who tells of itself by multicast is connected, and hears of us", .timeout_s = 120)
{
    static keel_discover_opts opts = {
            .multicast = "127.0.0.1", .interval = KEEL_MS(50), .allow = anybody_but};
    if (kl_test_is_emulated()) {
        kl_test_skip("no multicast");
    }
    char text[400];
    uint16_t port;
    prepare();
    close(kl_testing_listen(&port));
    opts.multicast_port = port;
    keel_pid server = server_of(&opts);
    snprintf(text, sizeof text,
            "begin {ok, S} = gen_udp:open(%u, [binary, {reuseaddr, true}, {active, false},"
            " {ip, {230,1,1,251}}, {multicast_if, {127,0,0,1}},"
            " {add_membership, {{230,1,1,251}, {127,0,0,1}}}]),"
            " {ok, {_, _, B}} = gen_udp:recv(S, 0, 20000), <<\"heartbeat::\", T/binary>> = "
            "B,"
            " register(udp, S), binary_to_term(T) end",
            port);
    CHECK_STR(kl_beam_eval(&beam, text), "#{node => '" HERE "'}");
    // Again and again, as datagrams may be lost.
    static const char say[] =
            "is_pid(spawn(fun Say() -> "
            "[gen_udp:send(whereis(udp), {230,1,1,251}, %u, [<<\"heartbeat::\">>,"
            " term_to_binary(#{node => N})]) || N <- ['spy@127.0.0.1', node()]], "
            "timer:sleep(50), Say() end))";
    snprintf(text, sizeof text, say, port);
    CHECK_STR(kl_beam_eval(&beam, text), "true");
    kl_beam_await(&beam, "up '" HERE "'");
    await_known(server, "{<<\"" THERE "\">>,connected}");
    await_known(server, "{<<\"spy@127.0.0.1\">>,waiting}");
    keel_term atom;
    CHECK_INT(keel_atom_existing("spy@127.0.0.1", 13, &atom), KEEL_E_BADARG);
    finish();
}
