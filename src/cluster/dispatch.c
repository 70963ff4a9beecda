// What other nodes ask for: control messages turned into signals of this node.

#include "node.h"
#include "rpc.h"

struct incoming {
    uint32_t connection;
    struct kl_peer *peer;
    const struct kl_control *control;
    const struct kl_raw *payload;
};

static keel_pid local_pid(keel_term term)
{
    keel_pid pid = keel_to_pid(term);
    return kl_pid_is_local(pid) ? pid : (keel_pid){0}; // of an earlier life of this node
}

// A reason, from the tuple or from behind it; none when it cannot be decoded.
static keel_term reason_of(const struct incoming *in)
{
    if (!in->control->payload) {
        return in->control->content;
    }
    keel_term reason;
    size_t used;
    keel_status status = kl_etf_decode(
            in->payload->data, in->payload->size, &kl_remote_limits, &used, &reason);
    return status == KEEL_OK && used == in->payload->size ? reason : KEEL_NONE;
}

static bool link_asked(const struct incoming *in)
{
    const struct kl_control *control = in->control;
    keel_pid to = local_pid(control->to), from = keel_to_pid(control->from);
    if (to.word != 0) {
        kl_remote_link(in->connection, from, to);
    } else {
        kl_route_to_peers.link_exit(
                in->connection, keel_to_pid(control->to), from, KL_ATOM(noproc));
    }
    return true;
}

static bool message_to(const struct incoming *in, keel_pid to)
{
    if (to.word == 0) {
        return true;
    }
    keel_status status = kl_remote_send(in->connection, to, in->payload);
    return status != KEEL_E_NOMEM;
}

static bool sent(const struct incoming *in)
{
    return message_to(in, local_pid(in->control->to));
}

static bool sent_to_name(const struct incoming *in)
{
    return message_to(in, keel_whereis_term(in->control->name));
}

static bool sent_to_alias(const struct incoming *in)
{
    keel_ref alias = keel_to_ref(in->control->ref);
    if (kl_ref_is_local(alias)) {
        kl_remote_send_alias(in->connection, alias, in->payload);
    }
    return true;
}

static bool link_broken(const struct incoming *in)
{
    keel_term reason = reason_of(in);
    keel_pid to = local_pid(in->control->to);
    if (to.word != 0 && !keel_is_none(reason)) {
        kl_remote_link_exit(in->connection, keel_to_pid(in->control->from), to, reason);
    }
    return !keel_is_none(reason);
}

static bool exit_asked(const struct incoming *in)
{
    keel_term reason = reason_of(in);
    keel_pid to = local_pid(in->control->to);
    if (to.word != 0 && !keel_is_none(reason)) {
        kl_remote_exit(keel_to_pid(in->control->from), to, reason);
    }
    return !keel_is_none(reason);
}

static bool leader_given(const struct incoming *in)
{
    keel_pid to = local_pid(in->control->to);
    if (to.word != 0) {
        kl_remote_leader(keel_to_pid(in->control->from), to);
    }
    return true;
}

static bool monitor_asked(const struct incoming *in)
{
    const struct kl_control *control = in->control;
    bool by_name = keel_is_none(control->to);
    keel_pid watcher = keel_to_pid(control->from);
    keel_pid to = by_name ? keel_whereis_term(control->name) : local_pid(control->to);
    if (to.word == 0) {
        kl_route_to_peers.down(in->connection, by_name ? control->name : control->to,
                watcher, control->ref, KL_ATOM(noproc));
        return true;
    }
    if (by_name && !kl_peer_named_put(in->peer, in->connection, control->ref, to)) {
        return false;
    }
    kl_remote_monitor(in->connection, watcher, to, control->ref, control->name);
    return true;
}

static bool demonitor_asked(const struct incoming *in)
{
    const struct kl_control *control = in->control;
    keel_pid to = keel_is_none(control->to) ? kl_peer_named_take(in->peer, control->ref)
                                            : local_pid(control->to);
    if (to.word != 0) {
        kl_remote_demonitor(in->connection, to, control->ref);
    }
    return true;
}

static bool watched_ended(const struct incoming *in)
{
    keel_term reason = reason_of(in);
    keel_pid to = local_pid(in->control->to);
    keel_ref ref = keel_to_ref(in->control->ref);
    if (to.word != 0 && kl_ref_is_local(ref) && !keel_is_none(reason)) {
        kl_remote_down(in->connection, to, ref, reason);
    }
    return !keel_is_none(reason);
}

static bool unlink_asked(const struct incoming *in)
{
    const struct kl_control *control = in->control;
    keel_pid to = local_pid(control->to), from = keel_to_pid(control->from);
    if (to.word != 0) {
        kl_remote_unlink(in->connection, from, to, control->id);
    } else {
        kl_route_to_peers.unlink_ack(
                in->connection, keel_to_pid(control->to), from, control->id);
    }
    return true;
}

static bool unlink_acknowledged(const struct incoming *in)
{
    keel_pid to = local_pid(in->control->to);
    if (to.word != 0) {
        kl_remote_unlink_ack(
                in->connection, keel_to_pid(in->control->from), to, in->control->id);
    }
    return true;
}

static bool spawn_asked(const struct incoming *in)
{
    return kl_rpc_spawn(
            in->connection, in->peer, in->control, in->payload->data, in->payload->size);
}

static bool spawn_answered(const struct incoming *in)
{
    (void)in; // nobody asked
    return true;
}

bool kl_dispatch(uint32_t connection, struct kl_peer *peer,
        const struct kl_control *control, const struct kl_raw *payload,
        const char **ret_why)
{
    static bool (*const done[KL_CONTROL_KINDS])(const struct incoming *) = {
            [KL_CONTROL_LINK] = link_asked,
            [KL_CONTROL_SEND] = sent,
            [KL_CONTROL_EXIT] = link_broken,
            [KL_CONTROL_REG_SEND] = sent_to_name,
            [KL_CONTROL_GROUP_LEADER] = leader_given,
            [KL_CONTROL_EXIT2] = exit_asked,
            [KL_CONTROL_MONITOR] = monitor_asked,
            [KL_CONTROL_DEMONITOR] = demonitor_asked,
            [KL_CONTROL_MONITOR_EXIT] = watched_ended,
            [KL_CONTROL_SPAWN_REQUEST] = spawn_asked,
            [KL_CONTROL_SPAWN_REPLY] = spawn_answered,
            [KL_CONTROL_ALIAS_SEND] = sent_to_alias,
            [KL_CONTROL_UNLINK] = unlink_asked,
            [KL_CONTROL_UNLINK_ACK] = unlink_acknowledged,
    };
    struct incoming in = {connection, peer, control, payload};
    if (control->payload != (payload->size > 0)) {
        *ret_why = control->payload ? "a payload is missing" : "an unexpected payload";
        return false;
    }
    if (!done[control->kind](&in)) {
        *ret_why = "a payload that cannot be decoded, or no memory for it";
        return false;
    }
    return true;
}
