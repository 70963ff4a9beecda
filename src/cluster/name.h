#ifndef KL_CLUSTER_NAME_H
#define KL_CLUSTER_NAME_H

#include <stdbool.h>
#include <stddef.h>

// Names of nodes: "counter@host". Peers disagree about the encoding of anything beyond
// ASCII (latin-1 in the handshake, UTF-8 in terms), so a name is printable ASCII here, with
// exactly one '@' and something on both sides of it.
enum { KL_NODE_NAME_MAX = 255 }; // bytes of a whole name, as of an atom

// A name taken apart. Both parts point into the text it was made of.
struct kl_node_name {
    const char *alive; // what epmd knows
    size_t alive_size;
    const char *host;
    size_t host_size;
};

// Takes the name of a peer apart; `text` need not end in 0. False when it is no name.
bool kl_node_name_parse(const char *text, size_t size, struct kl_node_name *ret_name);
// The stricter rule for a name that this node is to bear, as OTP has it: letters, digits,
// '_' and '-' before the '@'; letters, digits, '.', '-', '_' and ':' behind it.
bool kl_node_name_parse_own(const char *text, struct kl_node_name *ret_name);
// Long names have a dot or are an address. Nodes with long and with short names do not
// talk to each other: neither could tell the other's name from its own.
bool kl_node_name_is_long(const struct kl_node_name *name);

#endif // KL_CLUSTER_NAME_H
