#ifndef KEEL_DISCOVER_H
#define KEEL_DISCOVER_H

#include <keel/supervisor.h>

// Finds the other nodes of a cluster and stays at it: whoever is known and not connected is
// dialled again and again, at growing distances. Where to look is told by the options, any
// number of ways at once.

KEEL_BEGIN_DECLS

/// Where to look; zeroed fields: not there, or the defaults given.
typedef struct keel_discover_opts {
    const char *const *nodes; ///< names of nodes, ended by NULL
    const char *dns_host; ///< a host whose addresses are those of the nodes, each named
                          ///< dns_alive@ADDRESS: a headless service of Kubernetes, say
    const char *dns_alive; ///< needed with it
    const char *multicast; ///< address of the interface on which nodes tell each other of
                           ///< themselves by UDP multicast (IPv4), as libcluster's gossip
                           ///< does without a secret. Whoever can send there can have us
                           ///< dial: for networks of friends, or with TLS
    const char *multicast_group; ///< NULL: 230.1.1.251
    uint16_t multicast_port; ///< 0: 45892
    uint8_t multicast_ttl; ///< 0: 1, this network only
    bool (*allow)(const char *node); ///< who may be dialled of those found; NULL: all.
                                     ///< Called in the server's process
    keel_duration interval; ///< between two rounds; 0: 5 s
    size_t max_nodes; ///< known at a time, and found by multicast in all 16 times as many;
                      ///< 0: 256
} keel_discover_opts;

/// Starts a server that looks; this program must be a node (keel_node_start).
/// @param opts  @borrows, with all that it points to, for good
/// @return KEEL_E_EXIT with reason badarg when an option is no good
/// @thread process
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_started keel_discover_start_link(
        const keel_discover_opts *opts);
/// The same as a child, with the id `discover`. @thread any @since 0.1
KEEL_API keel_child_spec keel_discover_spec(const keel_discover_opts *opts);
/// What a server has found: a list of {Name, connected | dialling | waiting}, Name a
/// binary.
/// @return as keel_call
/// @thread any
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_discover_known(
        keel_pid server, keel_term *ret_known);

KEEL_END_DECLS

#endif // KEEL_DISCOVER_H
