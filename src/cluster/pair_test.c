// Two nodes of ours, in two programs: what one of them does while the other does the same.

#include "cluster_testing.h"
#include "testing/harness.h"
#include <keel/keel.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ONE "one@127.0.0.1"
#define TWO "two@127.0.0.1"

static struct kl_epmd_daemon epmd;
static pid_t other; // the second program
static keel_duration tick; // 0: the usual one

// --- a server that does as it is told ---

static void storm(keel_term unused);
static void hear_of_nodes(keel_term from);

static keel_result first_state(keel_term unused, void *data)
{
    (void)unused;
    (void)data;
    return keel_ok_in(keel_atom(idle));
}

static keel_result stay(const keel_event *event, void *data)
{
    (void)event;
    (void)data;
    return keel_keep_state();
}

static const keel_gen_statem idle = {
        .name = "idle", .init = first_state, .handle_event = stay};

static keel_result init(keel_term unused, void *state)
{
    (void)unused;
    (void)state;
    return keel_ok();
}

static keel_result obey(keel_term request, keel_from from, void *state)
{
    keel_term what;
    (void)from;
    (void)state;
    if (keel_is(request, storm)) {
        keel_spawn(storm, keel_from_to_term(from));
        return keel_noreply();
    }
    if (keel_is(request, hear_of_nodes)) {
        keel_spawn(hear_of_nodes, keel_from_to_term(from));
        return keel_noreply();
    }
    if (keel_is(request, silence)) {
        return keel_noreply();
    }
    if (keel_match(request, "{exit, What}", &what)) {
        keel_exit(what);
    }
    if (keel_match(request, "{start, What}", &what)) {
        keel_started started = keel_gen_statem_start(&idle, KEEL_NONE, .name = what);
        return keel_reply(keel_started_to_term(started));
    }
    return keel_reply(request);
}

static const keel_gen_server obedient = {
        .name = "obedient", .init = init, .handle_call = obey};

static void start(const char *name)
{
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    keel_started server = keel_gen_server_start(
            &obedient, KEEL_NONE, .name = keel_atom(server));
    CHECK_OK(server.status);
    CHECK_OK(keel_node_start(&(keel_node_config){.name = name,
            .cookie = "monster",
            .epmd_port = epmd.port,
            .busy_bytes = 1 << 16,
            .tick_time = tick}));
}

static void begin(void)
{
    kl_testing_needs("epmd");
    kl_epmd_daemon_start(&epmd);
    other = kl_testing_copy(start, TWO);
    start(ONE);
}

static void finish(void)
{
    CHECK_OK(keel_node_stop());
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
    kl_testing_kill(&other);
    kl_epmd_daemon_stop(&epmd);
}

// The other program stands still when this returns: a signal alone takes a while.
static void freeze(void)
{
    int status;
    CHECK(kill(other, SIGSTOP) == 0);
    CHECK(waitpid(other, &status, WUNTRACED) == other && WIFSTOPPED(status));
}

static keel_term node_two(void)
{
    return keel_atom_text(TWO);
}

static keel_term server_two(void)
{
    return keel_tuple_of(keel_atom(server), node_two());
}

static keel_status call_two(keel_term request, keel_term *ret_reply)
{
    return keel_call_within(server_two(), request, KEEL_IN(KEEL_SECONDS(20)), ret_reply);
}

TEST("nodes of ours call each other, and a crash there is its reason here")
{
    begin();
    keel_term reply;
    CHECK_OK(call_two(keel_make("{hello, [1, 2.5]}"), &reply));
    CHECK_STR(keel_show(reply), "{hello,[1,2.5]}");
    CHECK_STR(keel_show(keel_node_list(KEEL_NODES_CONNECTED)), "['" TWO "']");
    CHECK_INT(call_two(keel_make("{exit, boom}"), &reply), KEEL_E_EXIT);
    CHECK_STR(keel_show(reply), "boom");
    CHECK_INT(call_two(keel_atom(again), &reply), KEEL_E_NOPROC);
    CHECK_OK(keel_node_ping(node_two()));
    CHECK_INT(keel_node_ping(keel_atom_text("three@127.0.0.1")), KEEL_E_NODEDOWN);
    finish();
}

static keel_pid start_there(const char *name)
{
    keel_term reply, atom;
    keel_pid pid;
    CHECK_OK(keel_atom_from(name, strlen(name), &atom));
    CHECK_OK(call_two(keel_make("{start, Name}", atom), &reply));
    CHECK(keel_match(reply, "{ok, Pid}", &pid));
    return pid;
}

static void stop_there(keel_term unused)
{
    (void)unused;
    keel_term normal = keel_atom(normal);
    keel_pid pid = start_there("first");
    CHECK_OK(keel_gen_statem_stop(pid, normal, KEEL_NEVER));
    CHECK_INT(keel_gen_statem_stop(pid, normal, KEEL_NEVER), KEEL_E_NOPROC);
    start_there("second");
    keel_term name = keel_tuple_of(keel_atom(second), node_two());
    CHECK_OK(keel_gen_statem_stop(name, keel_atom(shutdown), KEEL_NEVER));
    CHECK_INT(keel_gen_statem_stop(name, normal, KEEL_NEVER), KEEL_E_NOPROC);
    pid = start_there("second"); // the name is free
    kl_testing_kill(&other);
    CHECK_INT(keel_gen_statem_stop(pid, normal, KEEL_NEVER), KEEL_E_NODEDOWN);
    CHECK_INT(keel_gen_statem_stop(name, normal, KEEL_NEVER), KEEL_E_NODEDOWN);
    keel_gen_ack(keel_atom(done));
}

TEST("a machine on another node is stopped by pid and by name, and not when its node is "
     "gone")
{
    begin();
    keel_term ack;
    keel_pid pid;
    CHECK_OK(keel_start_body(stop_there, keel_nil(), NULL, KEEL_NEVER, &pid, NULL, &ack));
    finish();
}

// --- who hears of nodes ---

// Watches nodes and tells the test, {From}, what it has heard.
static void watch(keel_term from)
{
    keel_term three = keel_atom_text("three@127.0.0.1"), heard = keel_nil(), message;
    keel_pid test = keel_to_pid(from);
    const keel_node_monitor_opts all = {.which = KEEL_NODES_CONNECTED, .info = true};
    // One that cannot be reached is down at once, as often as was asked for.
    CHECK_OK(keel_node_monitor(three, true));
    CHECK_OK(keel_node_monitor(three, true));
    for (int i = 0; i < 2; i++) {
        CHECK_OK(keel_receive_match(
                KEEL_IN(KEEL_SECONDS(20)), "{nodedown, 'three@127.0.0.1'}"));
    }
    CHECK_OK(keel_node_monitor(node_two(), true));
    CHECK_OK(keel_node_monitor(node_two(), true));
    CHECK_OK(keel_node_monitor(node_two(), false));
    CHECK_OK(keel_node_monitor_all(true, &all));
    CHECK_OK(keel_node_monitor_all(true, NULL)); // visible ones: there are none
    keel_send(test, keel_atom(watching));
    for (int i = 0; i < 3; i++) {
        message = keel_receive();
        heard = keel_cons(message, heard);
    }
    CHECK_OK(keel_node_monitor_all(false, &all));
    CHECK_OK(keel_node_monitor_all(false, NULL));
    keel_send(test, keel_list_reverse(heard));
}

// A process that starts the watcher, cuts the connection and makes it again.
static void hear_of_nodes(keel_term from)
{
    keel_term heard, reason, type, reply;
    CHECK_OK(keel_node_connect(node_two()));
    keel_spawn(watch, keel_from_pid(keel_self()));
    CHECK_OK(keel_receive_match(KEEL_IN(KEEL_SECONDS(20)), "watching"));
    CHECK_OK(keel_node_disconnect(node_two()));
    CHECK_OK(call_two(keel_atom(hello), &reply));
    heard = keel_receive();
    // The two wishes for its end in whatever order, then its return.
    keel_term end = keel_make("{nodedown, Node}", node_two());
    CHECK(keel_list_member(end, heard));
    keel_term last = keel_head(keel_tail(keel_tail(heard)));
    CHECK(keel_match(last, "{nodeup, 'two@127.0.0.1', #{node_type := Type}}", &type));
    CHECK(keel_is(type, hidden));
    keel_term rest = keel_head(heard);
    if (keel_equal(rest, end)) {
        rest = keel_head(keel_tail(heard));
    }
    CHECK(keel_match(
            rest, "{nodedown, 'two@127.0.0.1', #{nodedown_reason := Why}}", &reason));
    keel_gen_reply(keel_from_of_term(from), keel_atom(done));
}

TEST("who wants to hear of nodes hears of each coming and going as often as asked")
{
    begin();
    keel_term reply;
    CHECK_OK(keel_call_within(keel_atom(server), keel_atom(hear_of_nodes),
            KEEL_IN(KEEL_SECONDS(50)), &reply));
    CHECK(keel_is(reply, done));
    CHECK_INT(keel_node_monitor(node_two(), true), KEEL_E_OUTSIDE);
    CHECK_INT(keel_node_monitor_all(true, NULL), KEEL_E_OUTSIDE);
    finish();
}

TEST("a node is found at the address that was told, until that is taken back")
{
    begin();
    CHECK_INT(keel_node_set_address(node_two(), "", 1), KEEL_E_BADARG);
    CHECK_INT(keel_node_set_address(node_two(), "127.0.0.1", 0), KEEL_E_BADARG);
    CHECK_INT(keel_node_set_address(keel_atom(two), "127.0.0.1", 1), KEEL_E_BADARG);
    CHECK_OK(keel_node_set_address(node_two(), "127.0.0.1", 1)); // nobody listens there
    CHECK_INT(keel_node_connect(node_two()), KEEL_E_NODEDOWN);
    CHECK_OK(keel_node_set_address(node_two(), NULL, 0));
    CHECK_OK(keel_node_connect(node_two()));
    finish();
}

// --- both connect at the same time ---

enum { ROUNDS = 60 };

static keel_term the_other_node(void)
{
    bool one = strcmp(keel_atom_name(keel_node_self()), ONE) == 0;
    return one ? node_two() : keel_atom_text(ONE);
}

// Cuts and calls, again and again; {From} hears how many calls had an answer. A call may
// find the connection cut by the other side, but none may hang.
static void storm(keel_term from)
{
    keel_term peer = keel_tuple_of(keel_atom(server), the_other_node()), reply;
    int answered = 0, lost = 0;
    for (int i = 0; i < ROUNDS; i++) {
        keel_status status = keel_call_within(
                peer, keel_int(i), KEEL_IN(KEEL_SECONDS(15)), &reply);
        answered += status == KEEL_OK;
        lost += status == KEEL_E_NODEDOWN;
        keel_node_disconnect(the_other_node());
    }
    keel_gen_reply(keel_from_of_term(from), keel_make("{A, L}", answered, lost));
}

TEST("two that connect to each other at the same time end with one connection",
        .timeout_s = 120)
{
    begin();
    keel_term reply, here = keel_atom(server);
    // Whether the other side is through is told by nobody: its answer may be cut off.
    CHECK_OK(keel_send(server_two(),
            keel_make("{'$gen_call', {Pid, tag}, storm}", keel_whereis_term(here))));
    CHECK_OK(keel_call_within(here, keel_atom(storm), KEEL_IN(KEEL_SECONDS(100)), &reply));
    int64_t answered, lost;
    CHECK(keel_match(reply, "{Answered, Lost}", &answered, &lost));
    CHECK_INT(answered + lost, ROUNDS); // nothing timed out
    // When both have come to rest a call has its answer.
    keel_status status = KEEL_E_NODEDOWN;
    for (int i = 0; i < 1000 && status == KEEL_E_NODEDOWN; i++) {
        status = call_two(keel_atom(rest), &reply);
    }
    CHECK_OK(status);
    finish();
}

// --- slow peers, silent peers ---

// Nothing happens here for so long.
static void pass(keel_duration time)
{
    keel_term none;
    CHECK_INT(keel_call_within(keel_atom(server), keel_atom(silence), KEEL_IN(time), &none),
            KEEL_E_TIMEOUT);
}

static void flood(keel_term size)
{
    uint8_t *data;
    keel_term chunk = keel_binary_new((size_t)keel_to_int(size), &data);
    memset(data, 7, (size_t)keel_to_int(size));
    for (int i = 0; i < 400; i++) {
        keel_send(server_two(), chunk);
    }
}

TEST("a sender waits while the other side does not read, and goes on when it does",
        .timeout_s = 60)
{
    begin();
    keel_term reply;
    CHECK_OK(call_two(keel_atom(hello), &reply));
    freeze();
    keel_pid flooding = keel_spawn(flood, keel_int(100000)); // 40 MB in all
    while (keel_process_alive(flooding)) {
        keel_process_view view;
        // It waits for the connection, which has taken only what the sockets hold.
        if (keel_inspect_process(flooding, &view) && view.wait == KEEL_WAIT_DESCRIPTOR) {
            break;
        }
        pass(KEEL_MS(1));
    }
    CHECK(keel_process_alive(flooding));
    kill(other, SIGCONT);
    while (keel_process_alive(flooding)) {
        pass(KEEL_MS(1));
    }
    CHECK_OK(call_two(keel_atom(done), &reply));
    finish();
}

// A thread that has no process, and how far it got.
struct outsider {
    uint32_t sent; // atomic
    pthread_t thread;
};

static void *flood_outside(void *context)
{
    struct outsider *outsider = context;
    static uint8_t zeros[100000];
    for (int i = 0; i < 400; i++) {
        CHECK_OK(keel_send(server_two(), keel_binary(zeros, sizeof zeros)));
        __atomic_add_fetch(&outsider->sent, 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

TEST("a thread that sends too much waits as well, and goes on", .timeout_s = 60)
{
    begin();
    keel_term reply;
    CHECK_OK(call_two(keel_atom(hello), &reply));
    freeze();
    struct outsider outsider = {0};
    CHECK(pthread_create(&outsider.thread, NULL, flood_outside, &outsider) == 0);
    // Once it stands still it has sent what the sockets hold and little more.
    uint32_t sent = 0, before;
    do {
        before = sent;
        pass(KEEL_MS(300));
        sent = __atomic_load_n(&outsider.sent, __ATOMIC_ACQUIRE);
    } while (sent == 0 || sent != before);
    CHECK(sent < 400);
    kill(other, SIGCONT);
    CHECK(pthread_join(outsider.thread, NULL) == 0);
    CHECK_INT(outsider.sent, 400);
    CHECK_OK(call_two(keel_atom(done), &reply));

    // The end of the connection lets it go, too.
    freeze();
    outsider.sent = 0;
    CHECK(pthread_create(&outsider.thread, NULL, flood_outside, &outsider) == 0);
    while (__atomic_load_n(&outsider.sent, __ATOMIC_ACQUIRE) == 0) {
        pass(KEEL_MS(1));
    }
    kill(other, SIGKILL);
    CHECK(pthread_join(outsider.thread, NULL) == 0);
    finish();
}

TEST("a silent node is down after the time of ticks, an idle one stays", .timeout_s = 60)
{
    tick = KEEL_MS(800);
    begin();
    keel_term reply;
    CHECK_OK(call_two(keel_atom(hello), &reply));
    pass(KEEL_MS(2000)); // nothing is sent but ticks
    CHECK_STR(keel_show(keel_node_list(KEEL_NODES_CONNECTED)), "['" TWO "']");
    freeze();
    int64_t stopped = keel_now();
    CHECK_INT(call_two(keel_atom(hello), &reply), KEEL_E_NODEDOWN);
    CHECK(keel_now() - stopped < KEEL_SECONDS(5));
    kill(other, SIGCONT);
    finish();
}
