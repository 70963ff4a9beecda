// <keel/node.h>: what a program asks of the node it is.

#include "node.h"
#include "epmd.h"
#include "netkernel.h"
#include <stdlib.h>
#include <string.h>

uint16_t kl_epmd_port(void)
{
    const char *text = getenv("ERL_EPMD_PORT");
    long port = text == NULL ? 0 : strtol(text, NULL, 10);
    return port > 0 && port <= UINT16_MAX ? (uint16_t)port : KL_EPMD_PORT;
}

keel_status keel_node_start(const keel_node_config *config)
{
    if (config == NULL) {
        return KEEL_E_BADARG;
    }
    if (!keel_is_running()) {
        return KEEL_E_STOPPED;
    }
    struct kl_node_start start = {.config = config, .status = KEEL_E_STOPPED};
    keel_started started = keel_gen_server_start(
            &kl_netkernel, keel_pointer(&start), .name = keel_atom(net_kernel));
    if (started.status == KEEL_OK) {
        return KEEL_OK;
    }
    if (started.status == KEEL_E_TAKEN) {
        return KEEL_E_RUNNING;
    }
    return start.status == KEEL_OK ? started.status : start.status;
}

// A call to net_kernel that gives true or false, or nothing at all.
static keel_status ask(keel_term request, keel_term *ret_answer)
{
    keel_status status = kl_cluster_alive()
                                 ? keel_gen_call(keel_from_pid(kl_cluster.kernel), request,
                                           KEEL_NEVER, ret_answer)
                                 : KEEL_E_STOPPED;
    return status == KEEL_E_NOPROC || status == KEEL_E_EXIT ? KEEL_E_STOPPED : status;
}

keel_status keel_node_stop(void)
{
    keel_term answer;
    keel_pid kernel = kl_cluster.kernel;
    keel_status status = ask(keel_atom(stop), &answer);
    // The answer comes before the end: what is asked next waits for that.
    while (status == KEEL_OK && keel_process_alive(kernel)) {
        status = keel_gen_call(keel_from_pid(kernel), keel_atom(stop), KEEL_NEVER, &answer);
        status = status == KEEL_E_NOPROC || status == KEEL_E_EXIT ? KEEL_OK : status;
    }
    return status;
}

bool keel_node_is_alive(void)
{
    return kl_cluster_alive();
}

uint16_t keel_node_port(void)
{
    return kl_cluster_alive() ? kl_cluster.port : 0;
}

keel_term keel_node_list(int which)
{
    keel_term list = keel_nil();
    struct kl_peer *peer;
    for (uint32_t i = 0; (peer = kl_peer_at(i)) != NULL; i++) {
        kl_lock_take(&peer->lock);
        int kind = peer->hidden ? KEEL_NODES_HIDDEN : KEEL_NODES_VISIBLE;
        bool meant = peer->state == KL_PEER_UP && (which & kind) != 0;
        kl_lock_give(&peer->lock);
        if (meant) {
            list = keel_cons(peer->name, list);
        }
    }
    return list;
}

// KEEL_OK for an atom that may be the name of a node.
static keel_status check_name(keel_term node)
{
    struct kl_node_name name;
    const char *text = keel_atom_name(node);
    return text != NULL && kl_node_name_parse(text, strlen(text), &name) ? KEEL_OK
                                                                         : KEEL_E_BADARG;
}

static keel_status ask_about(keel_term node, keel_term request)
{
    keel_term answer;
    keel_status status = check_name(node);
    if (status == KEEL_OK) {
        status = ask(request, &answer);
    }
    if (status != KEEL_OK) {
        return status;
    }
    return keel_is(answer, true) ? KEEL_OK : KEEL_E_NODEDOWN;
}

keel_status keel_node_connect(keel_term node)
{
    if (node.word == kl_node_name().word && kl_cluster_alive()) {
        return KEEL_OK;
    }
    return ask_about(node, keel_make("{connect, Node}", node));
}

keel_status keel_node_disconnect(keel_term node)
{
    return ask_about(node, keel_make("{disconnect, Node}", node));
}

keel_status keel_node_ping(keel_term node)
{
    keel_term answer;
    keel_status status = check_name(node);
    if (status == KEEL_OK && !kl_cluster_alive()) {
        status = KEEL_E_STOPPED;
    }
    if (status != KEEL_OK || node.word == kl_node_name().word) {
        return status;
    }
    status = keel_gen_call(keel_tuple_of(keel_atom(net_kernel), node),
            keel_make("{is_auth, Node}", kl_node_name()),
            keel_deadline_in(kl_cluster.setup_ns + KEEL_SECONDS(5)), &answer);
    return status == KEEL_OK && keel_is(answer, yes) ? KEEL_OK : KEEL_E_NODEDOWN;
}

// A call whose answer is a status.
static keel_status order(keel_term request)
{
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    keel_term answer;
    keel_status status = ask(request, &answer);
    return status == KEEL_OK ? (keel_status)keel_to_int(answer) : status;
}

keel_status keel_node_monitor(keel_term node, bool on)
{
    keel_status status = check_name(node);
    return status == KEEL_OK ? order(keel_make("{monitor_node, Node, On}", node, on))
                             : status;
}

keel_status keel_node_monitor_all(bool on, const keel_node_monitor_opts *opts)
{
    int which = opts != NULL && opts->which != 0 ? opts->which : KEEL_NODES_VISIBLE;
    bool info = opts != NULL && opts->info;
    return order(keel_make("{monitor_nodes, On, Which, Info}", on, which, info));
}

keel_status keel_node_set_cookie(keel_term node, const char *cookie)
{
    if (node.word == kl_node_name().word) {
        return kl_cookie_set(NULL, cookie);
    }
    keel_status status = check_name(node);
    struct kl_peer *peer = status == KEEL_OK ? kl_peer_of(node) : NULL;
    return peer != NULL        ? kl_cookie_set(peer, cookie)
           : status == KEEL_OK ? KEEL_E_NOMEM
                               : status;
}

keel_status keel_node_set_address(keel_term node, const char *host, uint16_t port)
{
    size_t size = host == NULL ? 0 : strlen(host);
    keel_status status = check_name(node);
    if (status != KEEL_OK || size > KL_NODE_NAME_MAX ||
            (host != NULL && (size == 0 || port == 0))) {
        return KEEL_E_BADARG;
    }
    struct kl_peer *peer = kl_peer_of(node);
    char *copy = host == NULL ? NULL : kl_alloc(KL_NODE_NAME_MAX + 1);
    if (peer == NULL || (host != NULL && copy == NULL)) {
        kl_free(copy, KL_NODE_NAME_MAX + 1);
        return KEEL_E_NOMEM;
    }
    if (host != NULL) {
        memcpy(copy, host, size + 1);
    }
    kl_lock_take(&peer->lock);
    char *old = peer->host;
    peer->host = copy;
    peer->port = port;
    kl_lock_give(&peer->lock);
    kl_free(old, KL_NODE_NAME_MAX + 1);
    return KEEL_OK;
}
