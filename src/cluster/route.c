// Signals of local processes to other nodes, as control messages: what `proc` asks for.

#include "node.h"

static struct kl_peer *peer_of_pid(keel_pid pid)
{
    struct kl_remote_pid remote;
    bool other = kl_pid_remote(pid, &remote) && remote.node.word != kl_node_name().word;
    return other ? kl_peer_of(remote.node) : NULL;
}

// Signals that need a sender come from net_kernel where a thread outside sends them.
static keel_term sender(keel_pid from)
{
    return keel_from_pid(from.word != 0 ? from : kl_cluster.kernel);
}

// Who is sent to, and in which form.
static struct kl_peer *address(keel_pid from, keel_term to, struct kl_control *control)
{
    if (keel_is_pid(to)) {
        *control = (struct kl_control){
                .kind = KL_CONTROL_SEND, .from = keel_from_pid(from), .to = to};
        return peer_of_pid(keel_to_pid(to));
    }
    if (keel_is_ref(to)) {
        struct kl_remote_ref remote;
        *control = (struct kl_control){
                .kind = KL_CONTROL_ALIAS_SEND, .from = sender(from), .ref = to};
        bool other = kl_ref_remote(keel_to_ref(to), &remote) &&
                     remote.node.word != kl_node_name().word;
        return other ? kl_peer_of(remote.node) : NULL;
    }
    *control = (struct kl_control){
            .kind = KL_CONTROL_REG_SEND, .from = sender(from), .name = keel_element(to, 0)};
    return kl_peer_of(keel_element(to, 1));
}

static keel_status send(keel_pid from, keel_term to, keel_term message, bool nosuspend)
{
    struct kl_control control;
    struct kl_peer *peer = kl_cluster_alive() ? address(from, to, &control) : NULL;
    if (peer == NULL) {
        return KEEL_OK; // nobody is there
    }
    if (nosuspend && kl_peer_busy(peer)) {
        return KEEL_E_OVERLOAD;
    }
    control.content = message;
    keel_status why;
    uint32_t connection = kl_peer_send(peer, 0, (keel_pid){0}, &control, &why);
    if (connection != 0 && !nosuspend && kl_peer_busy(peer)) {
        kl_peer_await_room(peer, connection);
    }
    return why == KEEL_E_NODEDOWN || why == KEEL_E_UNSUPPORTED ? KEEL_OK : why;
}

static void exit_process(keel_pid from, keel_pid to, keel_term reason)
{
    struct kl_peer *peer = peer_of_pid(to);
    if (peer != NULL) {
        kl_peer_send(peer, 0, (keel_pid){0},
                &(struct kl_control){.kind = KL_CONTROL_EXIT2,
                        .from = sender(from),
                        .to = keel_from_pid(to),
                        .content = reason},
                NULL);
    }
}

static void set_leader(keel_pid leader, keel_pid to)
{
    struct kl_peer *peer = peer_of_pid(to);
    if (peer != NULL) {
        kl_peer_send(peer, 0, (keel_pid){0},
                &(struct kl_control){.kind = KL_CONTROL_GROUP_LEADER,
                        .from = keel_from_pid(leader),
                        .to = keel_from_pid(to)},
                NULL);
    }
}

static uint32_t make_link(keel_pid self, keel_pid to)
{
    struct kl_peer *peer = peer_of_pid(to);
    return peer == NULL ? 0
                        : kl_peer_send(peer, 0, self,
                                  &(struct kl_control){.kind = KL_CONTROL_LINK,
                                          .from = keel_from_pid(self),
                                          .to = keel_from_pid(to)},
                                  NULL);
}

static struct kl_control about_monitor(
        enum kl_control_kind kind, keel_pid self, keel_term target, keel_ref ref)
{
    bool by_pid = keel_is_pid(target);
    return (struct kl_control){
            .kind = kind,
            .from = keel_from_pid(self),
            .to = by_pid ? target : KEEL_NONE,
            .name = by_pid ? KEEL_NONE : keel_element(target, 0),
            .ref = keel_from_ref(ref),
    };
}

static uint32_t monitor(keel_pid self, keel_term target, keel_ref ref)
{
    struct kl_peer *peer = keel_is_pid(target) ? peer_of_pid(keel_to_pid(target))
                                               : kl_peer_of(keel_element(target, 1));
    struct kl_control control = about_monitor(KL_CONTROL_MONITOR, self, target, ref);
    return peer == NULL ? 0 : kl_peer_send(peer, 0, self, &control, NULL);
}

// --- over one connection, or nowhere ---

static void send_over(uint32_t connection, const struct kl_control *control)
{
    struct kl_peer *peer = kl_peer_on(connection);
    if (peer != NULL) {
        kl_peer_send(peer, connection, (keel_pid){0}, control, NULL);
    }
}

static void send_unlink(uint32_t connection, keel_pid self, keel_pid to, uint64_t id)
{
    send_over(connection, &(struct kl_control){.kind = KL_CONTROL_UNLINK,
                                  .id = id,
                                  .from = keel_from_pid(self),
                                  .to = keel_from_pid(to)});
}

static void acknowledge_unlink(uint32_t connection, keel_pid self, keel_pid to, uint64_t id)
{
    send_over(connection, &(struct kl_control){.kind = KL_CONTROL_UNLINK_ACK,
                                  .id = id,
                                  .from = keel_from_pid(self),
                                  .to = keel_from_pid(to)});
}

static void demonitor(uint32_t connection, keel_pid self, keel_term target, keel_ref ref)
{
    struct kl_control control = about_monitor(KL_CONTROL_DEMONITOR, self, target, ref);
    send_over(connection, &control);
}

static void break_link(uint32_t connection, keel_pid self, keel_pid to, keel_term reason)
{
    send_over(connection, &(struct kl_control){.kind = KL_CONTROL_EXIT,
                                  .from = keel_from_pid(self),
                                  .to = keel_from_pid(to),
                                  .content = reason});
}

static void tell_watcher(uint32_t connection, keel_term watched, keel_pid watcher,
        keel_term ref, keel_term reason)
{
    bool by_pid = keel_is_pid(watched);
    struct kl_peer *peer = kl_peer_on(connection);
    if (!by_pid && peer != NULL) {
        kl_peer_named_take(peer, ref);
    }
    send_over(connection, &(struct kl_control){.kind = KL_CONTROL_MONITOR_EXIT,
                                  .from = by_pid ? watched : KEEL_NONE,
                                  .name = by_pid ? KEEL_NONE : watched,
                                  .to = keel_from_pid(watcher),
                                  .ref = ref,
                                  .content = reason});
}

static bool attach(uint32_t connection, keel_pid self)
{
    struct kl_peer *peer = kl_peer_on(connection);
    return peer != NULL && kl_peer_attach(peer, connection, self);
}

static void detach(uint32_t connection, keel_pid self)
{
    struct kl_peer *peer = kl_peer_on(connection);
    if (peer != NULL) {
        kl_peer_detach(peer, connection, self);
    }
}

static bool bare_state(keel_term node)
{
    struct kl_peer *peer = kl_peer_known(node);
    return peer != NULL && kl_peer_form_await(peer) == KL_PEER_FORM_BARE;
}

// A message whose receiver could not decode it: its sender breaks the protocol.
static void close_connection(uint32_t connection, keel_status why)
{
    struct kl_peer *peer = kl_peer_on(connection);
    if (peer == NULL) {
        return;
    }
    keel_pid reader = kl_peer_reader(peer);
    if (reader.word != 0 && kl_peer_connection(peer) == connection) {
        kl_log(KL_LOG_WARNING, "%s has sent a message that cannot be decoded: %s",
                keel_atom_name(peer->name), keel_status_text(why));
        keel_process_exit(reader, keel_atom(malformed));
    }
}

const struct kl_route_ops kl_route_to_peers = {
        .send = send,
        .exit = exit_process,
        .leader = set_leader,
        .link = make_link,
        .monitor = monitor,
        .unlink = send_unlink,
        .unlink_ack = acknowledge_unlink,
        .demonitor = demonitor,
        .link_exit = break_link,
        .down = tell_watcher,
        .attach = attach,
        .detach = detach,
        .bare_state = bare_state,
        .malformed = close_connection,
};
