#include "discover.h"
#include <arpa/inet.h>
#include <keel/node.h>
#include <keel/timer.h>
#include <string.h>

// The server: brings together what the seekers find, and has those dialled who are not
// connected. It never waits for a node or for a name server itself.

enum { DEFAULT_SECONDS = 5, DEFAULT_NODES = 256 };

struct server {
    const keel_discover_opts *opts;
    struct kl_discover_table table;
    int64_t rounds;
};

static keel_result init(keel_term argument, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_cast(keel_term request, void *state);
static keel_result handle_info(keel_term message, void *state);

static const keel_gen_server discover = {
        .name = "discover",
        .state = KEEL_STATE(struct server, rounds),
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
};

keel_started keel_discover_start_link(const keel_discover_opts *opts)
{
    return keel_gen_server_start_link(&discover, keel_pointer(opts));
}

static keel_started start_child(keel_term opts)
{
    return keel_discover_start_link(keel_to_pointer(opts, NULL));
}

keel_child_spec keel_discover_spec(const keel_discover_opts *opts)
{
    return (keel_child_spec){.id = keel_atom(discover),
            .start = start_child,
            .argument = keel_pointer(opts)};
}

keel_status keel_discover_known(keel_pid server, keel_term *ret_known)
{
    return keel_call(server, keel_atom(known), ret_known);
}

// --- what the seekers use ---

keel_duration kl_discover_interval(const keel_discover_opts *opts)
{
    return opts->interval > 0 ? opts->interval : KEEL_SECONDS(DEFAULT_SECONDS);
}

const keel_discover_opts *kl_discover_argument(keel_term argument, keel_pid *ret_server)
{
    *ret_server = keel_to_pid(keel_element(argument, 0));
    return keel_to_pointer(keel_element(argument, 1), NULL);
}

void kl_discover_tell(keel_pid server, enum kl_found_by by, keel_term names)
{
    keel_cast(server, keel_make("{found, By, Names}", (int)by, names));
}

// --- the server ---

static bool is_address(const char *text)
{
    struct in_addr address;
    return inet_pton(AF_INET, text, &address) == 1;
}

static bool are_good(const keel_discover_opts *opts)
{
    struct kl_node_name name;
    for (const char *const *node = opts->nodes; node && *node; node++) {
        if (!kl_node_name_parse(*node, strlen(*node), &name)) {
            return false;
        }
    }
    return opts->interval >= 0 && (!opts->dns_host || opts->dns_alive) &&
           (!opts->multicast || is_address(opts->multicast)) &&
           (!opts->multicast_group || is_address(opts->multicast_group));
}

static keel_result init(keel_term argument, void *state)
{
    struct server *server = state;
    const keel_discover_opts *opts = keel_to_pointer(argument, NULL);
    if (!opts || !are_good(opts)) {
        return keel_stop_with(keel_atom(badarg));
    }
    server->opts = opts;
    size_t max = opts->max_nodes ? opts->max_nodes : DEFAULT_NODES;
    kl_discover_init(&server->table, keel_alloc(max * sizeof(struct kl_found)), max,
            kl_discover_interval(opts));
    for (const char *const *node = opts->nodes; node && *node; node++) {
        kl_discover_hear(&server->table, *node, strlen(*node), KL_FOUND_FIXED, keel_now());
    }
    keel_term seeker = keel_tuple_of(keel_from_pid(keel_self()), argument);
    if (opts->dns_host) {
        keel_spawn_link(kl_discover_dns_body, seeker);
    }
    if (opts->multicast) {
        keel_spawn_link(kl_discover_multicast_body, seeker);
    }
    keel_send(keel_self(), keel_atom(round));
    return keel_ok();
}

// Dials one node. It may take as long as a handshake may, so it is a process of its own,
// which nobody waits for: the next round sees what came of it. It ends with the server.
static void dial_body(keel_term node)
{
    // It stays unconnected, or it does not.
    keel_status status = keel_node_connect(node);
    (void)status;
}

static bool is_connected(const char *name, void *context)
{
    keel_term nodes = *(keel_term *)context, node, atom;
    // A name that was never an atom is no node we are connected to.
    if (keel_atom_existing(name, strlen(name), &atom) != KEEL_OK) {
        return false;
    }
    while (keel_list_next(&nodes, &node)) {
        if (keel_equal(node, atom)) {
            return true;
        }
    }
    return false;
}

static void reconcile(struct server *server)
{
    keel_term connected = keel_node_list(KEEL_NODES_CONNECTED), atom;
    const char *self = keel_atom_name(keel_node_self());
    const struct kl_found *node;
    size_t at = 0;
    kl_discover_round(&server->table, keel_now(), is_connected, &connected);
    while (keel_node_is_alive() &&
            (node = kl_discover_due(&server->table, &at, keel_now())) != NULL) {
        if (strcmp(node->name, self) != 0 &&
                (!server->opts->allow || server->opts->allow(node->name)) &&
                keel_atom_from(node->name, strlen(node->name), &atom) == KEEL_OK) {
            keel_spawn_link(dial_body, atom);
        }
    }
    server->rounds++;
}

static keel_result handle_info(keel_term message, void *state)
{
    struct server *server = state;
    if (!keel_is(message, round)) {
        return keel_noreply();
    }
    reconcile(server);
    keel_send_after(kl_discover_interval(server->opts), keel_self(), keel_atom(round));
    return keel_noreply();
}

static keel_result handle_cast(keel_term request, void *state)
{
    struct server *server = state;
    int by;
    keel_term names, name;
    if (!keel_match(request, "{found, By, Names}", &by, &names)) {
        return keel_unexpected(request);
    }
    bool fresh = false;
    while (keel_list_next(&names, &name)) {
        size_t before = server->table.count;
        keel_bytes text = keel_to_bytes(name);
        kl_discover_hear(&server->table, (const char *)text.data, text.size,
                (enum kl_found_by)by, keel_now());
        fresh = fresh || server->table.count > before;
    }
    if (fresh) {
        reconcile(server);
    }
    return keel_noreply();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    (void)from;
    struct server *server = state;
    if (!keel_is(request, known)) {
        return keel_unexpected(request);
    }
    keel_term known = keel_nil(), connected = keel_node_list(KEEL_NODES_CONNECTED);
    for (size_t i = server->table.count; i-- > 0;) {
        const char *name = server->table.nodes[i].name;
        keel_term is = is_connected(name, &connected) ? keel_atom(connected)
                                                      : keel_atom(waiting);
        known = keel_cons(keel_tuple_of(keel_string(name), is), known);
    }
    return keel_reply(known);
}
