// A net that is cut and heals: nodes in network namespaces of their own, with virtual
// cables between them that are pulled. All of it goes with the test's processes.
//
//   one@10.77.0.1 and beam@10.77.0.1 on a bridge; two@10.77.0.2, three@10.77.0.3 by a cable

#include "cluster_testing.h"
#include "testing/harness.h"
#include <fcntl.h>
#include <keel/keel.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ONE "one@10.77.0.1"
#define TWO "two@10.77.0.2"
#define THREE "three@10.77.0.3"
#define BEAM "beam@10.77.0.1"
#define COOKIE "monster"
enum { EPMD_PORT = 4369, TICK_S = 4, FAR = 2 };

static struct kl_epmd_daemon epmd;
static struct kl_beam beam;

struct far_node {
    const char *name;
    int number; // of its cable, and its address
    pid_t pid;
    int ready[2], go[2];
};
static struct far_node far_nodes[FAR] = {
        {.name = TWO, .number = 2}, {.name = THREE, .number = 3}};

// --- the net ---

__attribute__((format(printf, 1, 2))) static bool ip(const char *format, ...)
{
    char arguments[200], command[256];
    va_list list;
    va_start(list, format);
    vsnprintf(arguments, sizeof arguments, format, list);
    va_end(list);
    snprintf(command, sizeof command, "ip %s 2>&1", arguments);
    return system(command) == 0;
}

static void needs_namespaces(void)
{
    kl_testing_needs("ip");
    kl_testing_needs("erl");
    kl_testing_needs("epmd");
    if (unshare(CLONE_NEWNET) != 0) {
        kl_test_skip("network namespaces are for root");
    }
    if (!ip("link set lo up") || !ip("link add name hub type bridge")) {
        kl_test_skip("the kernel has no virtual networks");
    }
    CHECK(ip("addr add 10.77.0.1/24 dev hub"));
    CHECK(ip("link set hub up"));
}

static void plug(const struct far_node *node)
{
    CHECK(ip("link add cable%d type veth peer name end%d netns %d", node->number,
            node->number, (int)node->pid));
    CHECK(ip("link set cable%d master hub", node->number));
    CHECK(ip("link set cable%d up", node->number));
}

// --- nodes ---

struct log {
    keel_term heard; // [{nodeup | nodedown, Node}], newest first
};

static keel_result init(keel_term unused, void *state)
{
    (void)unused;
    keel_set(&((struct log *)state)->heard, keel_nil());
    return keel_ok();
}

static keel_result answer(keel_term request, keel_from from, void *state)
{
    struct log *log = state;
    (void)from;
    if (keel_is(request, watch)) {
        const keel_node_monitor_opts all = {.which = KEEL_NODES_CONNECTED};
        return keel_reply(keel_int(keel_node_monitor_all(true, &all)));
    }
    if (keel_is(request, heard)) {
        return keel_reply(keel_list_reverse(log->heard));
    }
    return keel_is(request, silence) ? keel_noreply() : keel_reply(request);
}

static keel_result hear(keel_term message, void *state)
{
    struct log *log = state;
    keel_set(&log->heard, keel_cons(message, log->heard));
    return keel_noreply();
}

static const keel_gen_server listener = {
        .name = "listener",
        .state = KEEL_STATE(struct log, heard),
        .init = init,
        .handle_call = answer,
        .handle_info = hear,
};

static void start(const char *name)
{
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    keel_started server = keel_gen_server_start(
            &listener, KEEL_NONE, .name = keel_atom(server));
    CHECK_OK(server.status);
    CHECK_OK(keel_node_start(&(keel_node_config){.name = name,
            .cookie = COOKIE,
            .address = strchr(name, '@') + 1,
            .epmd_port = EPMD_PORT,
            .tick_time = KEEL_SECONDS(TICK_S)}));
}

// In a copy of this program, made before any thread is, with a namespace of its own.
static void live_far(struct far_node *node)
{
    char byte = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    CHECK(unshare(CLONE_NEWNET) == 0);
    CHECK(write(node->ready[1], &byte, 1) == 1);
    CHECK(read(node->go[0], &byte, 1) == 1); // the cable is plugged in
    CHECK(ip("link set lo up"));
    CHECK(ip("addr add 10.77.0.%d/24 dev end%d", node->number, node->number));
    CHECK(ip("link set end%d up", node->number));
    kl_epmd_daemon_start_at(&epmd, strchr(node->name, '@') + 1, EPMD_PORT);
    start(node->name);
    CHECK(write(node->ready[1], &byte, 1) == 1);
    for (;;) {
        pause();
    }
}

static void start_far(struct far_node *node)
{
    char byte = 0;
    CHECK(pipe2(node->ready, O_CLOEXEC) == 0);
    CHECK(pipe2(node->go, O_CLOEXEC) == 0);
    node->pid = fork();
    CHECK(node->pid >= 0);
    if (node->pid == 0) {
        live_far(node);
    }
    CHECK(read(node->ready[0], &byte, 1) == 1);
    plug(node);
    CHECK(write(node->go[1], &byte, 1) == 1);
    CHECK(read(node->ready[0], &byte, 1) == 1);
}

static void begin(void)
{
    static const char *const arguments[] = {
            "-hidden", "-kernel", "net_ticktime", "4", NULL};
    needs_namespaces();
    for (int i = 0; i < FAR; i++) {
        start_far(&far_nodes[i]);
    }
    kl_epmd_daemon_start_at(&epmd, "10.77.0.1", EPMD_PORT);
    kl_beam_start(&beam, &epmd, BEAM, COOKIE, arguments);
    start(ONE);
    // It listens on loopback alone, so it is the one that dials.
    CHECK_STR(kl_beam_eval(&beam, "[net_adm:ping(N) || N <- ['" ONE "', '" TWO "']]"),
            "[pong,pong]");
}

static void finish(void)
{
    CHECK_OK(keel_node_stop());
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
    for (int i = 0; i < FAR; i++) {
        kill(far_nodes[i].pid, SIGKILL);
        waitpid(far_nodes[i].pid, NULL, 0);
    }
    kl_beam_stop(&beam);
    kl_epmd_daemon_stop(&epmd);
}

static keel_status call(keel_term node, keel_term request, keel_term *ret_reply)
{
    return keel_call_within(keel_tuple_of(keel_atom(server), node), request,
            KEEL_IN(KEEL_SECONDS(30)), ret_reply);
}

// Whether the server of the node has heard of it; asked until it has.
static void await_heard(keel_term node, keel_term news)
{
    keel_term heard = keel_nil();
    while (!keel_list_member(news, heard)) {
        CHECK_OK(call(node, keel_atom(heard), &heard));
    }
}

TEST("a cut cable is nodedown on both sides of it alone, and its healing a new connection",
        .timeout_s = 120)
{
    begin();
    keel_term reply, two = keel_atom_text(TWO), three = keel_atom_text(THREE),
                     one = keel_atom_text(ONE);
    keel_term all[] = {one, two, three};
    for (int i = 0; i < 3; i++) {
        CHECK_OK(call(all[i], keel_atom(watch), &reply));
    }
    CHECK_STR(kl_beam_eval(&beam, "register(watcher, spawn(fun() -> R = monitor(process, "
                                  "{server, '" TWO "'}), ear ! set, receive {'DOWN', R, _, "
                                  "_, Why} -> ear ! {lost, Why} end end)), ok"),
            "ok");
    CHECK_STR(kl_beam_await(&beam, "heard "), "set");

    CHECK(ip("link set cable2 down"));
    // A call in the gap ends with the connection, not with its own time.
    CHECK_INT(call(two, keel_atom(silence), &reply), KEEL_E_NODEDOWN);
    await_heard(one, keel_make("{nodedown, Node}", two));
    CHECK_STR(kl_beam_await(&beam, "heard "), "{lost,noconnection}");
    CHECK_OK(call(three, keel_atom(hello), &reply)); // which is none of its business
    CHECK_STR(kl_beam_eval(&beam, "gen_server:call({server, '" ONE "'}, hello)"), "hello");

    CHECK(ip("link set cable2 up"));
    keel_status status = KEEL_E_NODEDOWN;
    while (status == KEEL_E_NODEDOWN) {
        status = call(two, keel_atom(hello), &reply);
    }
    CHECK_OK(status);
    await_heard(two, keel_make("{nodedown, Node}", one));
    await_heard(two, keel_make("{nodeup, Node}", one));
    CHECK_STR(kl_beam_eval(&beam, "(fun F() -> case catch gen_server:call("
                                  "{server, '" TWO "'}, hello) of hello -> again; _ -> "
                                  "F() end end)()"),
            "again");
    for (size_t count = 0; count != 3;) { // whoever a slow machine has kept silent is back
        CHECK_OK(call(three, keel_atom(hello), &reply));
        CHECK(keel_list_length(keel_node_list(KEEL_NODES_CONNECTED), &count));
    }
    finish();
}
