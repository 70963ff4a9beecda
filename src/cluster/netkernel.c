// The process `net_kernel`: what keeps the node a node. It starts whoever listens, dials
// and registers with epmd, knows who wants to hear of nodes, and answers pings.

#include "netkernel.h"
#include "connection.h"
#include "rpc.h"
#include <errno.h>
#include <keel/gen_server.h>
#include <keel/io.h>
#include <string.h>
#include <unistd.h>

struct kl_cluster kl_cluster;

struct netkernel {
    int listener_fd; // -1: others cannot connect
    keel_pid listener, publisher, rex;
};

static keel_result init(keel_term argument, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_cast(keel_term request, void *state);
static keel_result handle_info(keel_term message, void *state);
static void terminate(keel_term reason, void *state);

const keel_gen_server kl_netkernel = {
        .name = "net_kernel",
        .state = KEEL_STATE(struct netkernel, listener_fd, listener, publisher, rex),
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
        .terminate = terminate,
};

// --- listening ---

static void listen_body(keel_term listener)
{
    int fd = (int)keel_to_int(listener);
    for (;;) {
        keel_scope scope = keel_scope_open();
        int stranger = kl_socket_accept(fd);
        if (stranger < 0) {
            // Out of descriptors or memory: others may give some back soon.
            bool none = stranger == -EAGAIN;
            keel_deadline soon = none ? KEEL_NEVER : KEEL_IN(KEEL_MS(100));
            keel_status status = none ? keel_wait_fd(fd, KEEL_READABLE, soon, NULL)
                                      : KEEL_OK;
            if (!none) {
                keel_sleep(KEEL_MS(100));
            }
            if (status != KEEL_OK) {
                return;
            }
        } else if (kl_add_relaxed(&kl_cluster.strangers, 1) >= kl_cluster.strangers_max) {
            kl_add_relaxed(&kl_cluster.strangers, (uint32_t)-1);
            close(stranger);
        } else {
            kl_connection_spawn(kl_greet_body, keel_int(stranger));
        }
        keel_scope_close(&scope);
    }
}

static void start_listener(struct netkernel *kernel)
{
    if (kernel->listener_fd >= 0) {
        kernel->listener = keel_spawn_link(listen_body, keel_int(kernel->listener_fd));
    }
}

static void start_rex(struct netkernel *kernel)
{
    keel_started rex = keel_gen_server_start_link(
            &kl_rpc_rex, KEEL_NONE, .name = keel_atom(rex));
    kernel->rex = rex.status == KEEL_OK ? rex.pid : (keel_pid){0};
}

// --- starting ---

static void set_limits(const keel_node_config *config)
{
    size_t atoms;
    keel_atom_count(&atoms);
    kl_cluster.limits = kl_frame_limits_or_default(
            &(struct kl_frame_limits){.frame_bytes = config->max_message,
                    .message_bytes = config->max_message,
                    .pending_bytes = config->max_pending,
                    .pending_count = config->max_parts});
    kl_remote_limits = (keel_etf_limits){.max_bytes = kl_cluster.limits.message_bytes,
            .max_atoms = config->max_atoms != 0 ? config->max_atoms : atoms / 8 * 7};
    kl_cluster.strangers_max = config->max_strangers != 0 ? config->max_strangers
                                                          : KL_STRANGERS_MAX;
    kl_cluster.setup_ns = config->setup_time > 0 ? config->setup_time
                                                 : KEEL_SECONDS(KL_SETUP_SECONDS);
    kl_cluster.allow = config->allow;
}

static keel_status configure(const keel_node_config *config)
{
    struct kl_node_name name;
    if (config->name == NULL || !kl_node_name_parse_own(config->name, &name)) {
        return KEEL_E_BADARG;
    }
    const char *address = config->address != NULL ? config->address : "127.0.0.1";
    if (strlen(address) >= sizeof kl_cluster.address) {
        return KEEL_E_BADARG;
    }
    memcpy(kl_cluster.name, config->name, strlen(config->name) + 1);
    memcpy(kl_cluster.address, address, strlen(address) + 1);
    kl_cluster.port = config->port;
    kl_cluster.epmd_port = config->epmd_port != 0 ? config->epmd_port : kl_epmd_port();
    kl_cluster.visible = config->visible;
    kl_cluster.no_epmd = config->no_epmd;
    kl_cluster.transport = config->transport;
    kl_cluster.tick_ns = config->tick_time > 0 ? config->tick_time : KEEL_SECONDS(60);
    kl_cluster.busy_bytes = config->busy_bytes != 0 ? config->busy_bytes : 1 << 20;
    set_limits(config);
    char cookie[KL_COOKIE_MAX + 1];
    keel_status status = KEEL_OK;
    if (config->cookie == NULL) {
        status = kl_cookie_read(config->cookie_file, cookie);
    }
    if (status == KEEL_OK) {
        status = kl_cookie_set(NULL, config->cookie != NULL ? config->cookie : cookie);
    }
    explicit_bzero(cookie, sizeof cookie);
    return status;
}

// Registers with epmd; the first try decides what this life of the node is numbered.
static keel_status publish(struct netkernel *kernel)
{
    do { // 0 to 3 have a meaning of their own
        kl_cluster.creation = (uint32_t)kl_clock_entropy();
    } while (kl_cluster.creation < 4);
    if (kl_cluster.no_epmd || kernel->listener_fd < 0) {
        return KEEL_OK;
    }
    kernel->publisher = keel_spawn_link(kl_publish_body, keel_from_pid(keel_self()));
    keel_term how;
    keel_status status = keel_receive_match(KEEL_NEVER, "{published, How}", &how);
    if (status == KEEL_OK && keel_is(how, taken)) {
        return KEEL_E_TAKEN;
    }
    int64_t creation;
    if (keel_get_int(how, &creation)) {
        kl_cluster.creation = (uint32_t)creation;
    }
    return status;
}

static keel_status become_node(struct netkernel *kernel, const keel_node_config *config)
{
    keel_status status = configure(config);
    if (status == KEEL_OK && !config->no_listen) {
        kernel->listener_fd = kl_socket_listen(kl_cluster.address, &kl_cluster.port);
        status = kernel->listener_fd < 0 ? kernel->listener_fd : KEEL_OK;
    } else {
        kl_cluster.port = 0;
    }
    if (status == KEEL_OK) {
        status = publish(kernel);
    }
    keel_term name;
    if (status == KEEL_OK) {
        status = keel_atom_from(kl_cluster.name, strlen(kl_cluster.name), &name);
    }
    if (status != KEEL_OK) {
        return status;
    }
    kl_cluster.kernel = keel_self();
    kl_node_identity_set(name, kl_cluster.creation);
    kl_route = &kl_route_to_peers;
    kl_store_release(&kl_cluster.alive, true); // pairs with kl_cluster_alive
    start_rex(kernel);
    start_listener(kernel);
    return KEEL_OK;
}

static keel_result init(keel_term argument, void *state)
{
    struct netkernel *kernel = state;
    struct kl_node_start *start = keel_to_pointer(argument, NULL);
    keel_trap_exit(true);
    kernel->listener_fd = -1;
    start->status = become_node(kernel, start->config);
    if (start->status == KEEL_OK) {
        return keel_ok();
    }
    if (kernel->listener_fd >= 0) {
        close(kernel->listener_fd);
    }
    if (kernel->publisher.word != 0) {
        keel_process_exit(kernel->publisher, keel_atom(kill));
    }
    return keel_stop_with(keel_atom(normal));
}

// --- stopping ---

static void disconnect(struct kl_peer *peer)
{
    keel_pid reader = kl_peer_reader(peer);
    if (reader.word == 0) {
        kl_peer_abandon(peer);
        return;
    }
    // What was sent before, the last reply of somebody perhaps, shall arrive.
    kl_peer_await_written(peer, KEEL_IN(KEEL_SECONDS(1)).at);
    keel_ref monitor = keel_monitor(reader);
    keel_process_exit(reader, keel_atom(kill));
    keel_status status = keel_receive_match(
            KEEL_IN(KEEL_SECONDS(5)), "{'DOWN', ^Ref, _, _, _}", monitor);
    (void)status; // a reader that is stuck is not waited for
}

static void terminate(keel_term reason, void *state)
{
    (void)reason;
    struct netkernel *kernel = state;
    kl_store_release(&kl_cluster.alive, false);
    if (kernel->listener.word != 0) {
        keel_process_exit(kernel->listener, keel_atom(kill));
    }
    if (kernel->publisher.word != 0) {
        keel_process_exit(kernel->publisher, keel_atom(kill));
    }
    if (kernel->rex.word != 0) {
        keel_process_exit(kernel->rex, keel_atom(kill));
    }
    struct kl_peer *peer;
    for (uint32_t i = 0; (peer = kl_peer_at(i)) != NULL; i++) {
        disconnect(peer);
    }
    if (kernel->listener_fd >= 0) {
        close(kernel->listener_fd);
    }
    kl_watchers_forget((keel_pid){0});
    kl_cluster.port = 0;
    kl_node_identity_set(keel_atom_text("nonode@nohost"), 0);
}

// --- what is asked ---

// Waits in a process of its own; {From, Index}.
static void await_body(keel_term argument)
{
    keel_from from = keel_from_of_term(keel_element(argument, 0));
    struct kl_peer *peer = kl_peer_at((uint32_t)keel_to_int(keel_element(argument, 1)));
    uint64_t ticket = kl_peer_ticket();
    if (kl_peer_begin(peer, ticket)) {
        kl_dial_start(peer, ticket);
    }
    keel_gen_reply(from, keel_bool(kl_peer_await_up(peer)));
}

static void disconnect_body(keel_term argument)
{
    keel_from from = keel_from_of_term(keel_element(argument, 0));
    struct kl_peer *peer = kl_peer_at((uint32_t)keel_to_int(keel_element(argument, 1)));
    bool connected = kl_peer_reader(peer).word != 0;
    if (connected) {
        disconnect(peer);
    }
    keel_gen_reply(from, keel_bool(connected));
}

static keel_result with_peer(keel_term node, keel_from from, keel_body body)
{
    struct kl_peer *peer = kl_peer_of(node);
    if (peer == NULL) {
        return keel_reply(keel_bool(false));
    }
    keel_spawn(body, keel_make("{From, Index}", keel_from_to_term(from), peer->index));
    return keel_noreply();
}

// One monitor a process, however often it wants to hear of nodes.
static void watch_watcher(keel_pid pid)
{
    if (keel_is_none(keel_process_get(keel_from_pid(pid)))) {
        keel_process_put(keel_from_pid(pid), keel_from_ref(keel_monitor(pid)));
    }
}

static keel_status watch_one(keel_pid pid, keel_term node, bool on)
{
    if (!on) {
        kl_watchers_remove(pid, node, 0, false);
        return KEEL_OK;
    }
    struct kl_peer *peer = kl_peer_of(node);
    keel_status status = peer == NULL ? KEEL_E_NOMEM : kl_watchers_add(pid, node, 0, false);
    if (status == KEEL_OK) {
        watch_watcher(pid);
        // Where there is no connection one is tried: its failure is the news.
        uint64_t ticket = kl_peer_ticket();
        if (kl_peer_begin(peer, ticket)) {
            kl_dial_start(peer, ticket);
        }
    }
    return status;
}

static keel_status watch_all(keel_pid pid, bool on, int which, bool info)
{
    if (!on) {
        kl_watchers_remove(pid, KEEL_NONE, which, info);
        return KEEL_OK;
    }
    watch_watcher(pid);
    return kl_watchers_add(pid, KEEL_NONE, which, info);
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    (void)state;
    keel_term node;
    bool on, info;
    int which;
    if (keel_match(request, "{is_auth, _}")) {
        return keel_reply(keel_atom(yes));
    }
    if (!kl_pid_is_local(from.pid)) {
        return keel_reply(keel_make("{error, refused}")); // the rest is for this node alone
    }
    if (keel_match(request, "{connect, Node}", &node)) {
        return with_peer(node, from, await_body);
    }
    if (keel_match(request, "{disconnect, Node}", &node)) {
        return with_peer(node, from, disconnect_body);
    }
    if (keel_match(request, "{monitor_node, Node, On}", &node, &on)) {
        return keel_reply(keel_int(watch_one(from.pid, node, on)));
    }
    if (keel_match(request, "{monitor_nodes, On, Which, Info}", &on, &which, &info)) {
        return keel_reply(keel_int(watch_all(from.pid, on, which, info)));
    }
    if (keel_is(request, stop)) {
        return keel_stop_with_reply(keel_atom(normal), keel_atom(ok));
    }
    return keel_reply(keel_make("{error, badarg}"));
}

static keel_result handle_cast(keel_term request, void *state)
{
    (void)state;
    keel_term index, ticket;
    if (keel_match(request, "{dial, Index, Ticket}", &index, &ticket)) {
        kl_connection_spawn(kl_dial_body, keel_tuple_of(index, ticket));
    }
    return keel_noreply();
}

static keel_result handle_info(keel_term message, void *state)
{
    struct netkernel *kernel = state;
    keel_pid pid;
    if (keel_match(message, "{'DOWN', _, process, Pid, _}", &pid)) {
        kl_watchers_forget(pid);
        keel_process_erase(keel_from_pid(pid));
    } else if (keel_match(message, "{'EXIT', Pid, _}", &pid)) {
        if (pid.word == kernel->listener.word) {
            start_listener(kernel);
        } else if (pid.word == kernel->rex.word) {
            start_rex(kernel);
        } else if (pid.word == kernel->publisher.word) {
            kernel->publisher = keel_spawn_link(
                    kl_publish_body, keel_from_pid((keel_pid){0}));
        }
    }
    return keel_noreply();
}
