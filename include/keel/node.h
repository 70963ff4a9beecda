#ifndef KEEL_NODE_H
#define KEEL_NODE_H

#include <keel/gen.h>

// This program as a node of an Erlang or Elixir cluster. Once it is one, `{Name, Node}`
// names servers on other nodes wherever a server is named, and pids of other nodes are sent
// to, called, linked and monitored as local ones are. Nodes connect by themselves when
// something is sent to them.

KEEL_BEGIN_DECLS

/// What protects the connections of a node: <keel/tls.h> makes one.
typedef struct keel_transport keel_transport;

/// How this node appears; zeroed: the defaults given here, but for the name.
typedef struct keel_node_config {
    const char *name; ///< "counter@127.0.0.1": needed
    const char *cookie; ///< NULL: what stands in the cookie file
    const char *cookie_file; ///< NULL: .erlang.cookie in the home directory; made there
                             ///< with a random cookie when it is missing
    const char *address; ///< to listen at, numeric; NULL: 127.0.0.1
    uint16_t port; ///< 0: the system chooses
    bool visible; ///< as ordinary Erlang nodes are; else hidden
    bool no_epmd; ///< neither registers nor looks up: see keel_node_set_address
    bool no_listen; ///< others cannot connect to this node
    uint16_t epmd_port; ///< 0: ERL_EPMD_PORT of the environment, else 4369
    keel_duration tick_time; ///< silence after which a node is down; 0: 60 s
    size_t busy_bytes; ///< waiting to be sent to one node before senders wait; 0: 1 MiB
    const keel_transport *transport; ///< NULL: none, all goes in the clear; @borrows until
                                     ///< the node has stopped
    size_t max_message; ///< bytes of one message from another node; 0: 64 MiB
    size_t max_pending; ///< bytes of messages of which only a part has come, from one node;
                        ///< 0: twice max_message
    size_t max_parts; ///< how many such messages; 0: 1024
    size_t max_atoms; ///< other nodes make no new atom while there are so many; 0: seven
                      ///< eighths of what the table holds (keel_config)
    unsigned max_strangers; ///< connections that have not proved the cookie yet; 0: 128
    keel_duration setup_time; ///< for a handshake; 0: 7 s
    /// Who may connect and be connected to, of those who know the cookie; NULL: all. Called
    /// in some process; may not wait.
    bool (*allow)(const char *node);
} keel_node_config;

/// Makes this program a node: listens, registers with epmd, and is `net_kernel`. An epmd
/// that does not run is tried again for ever, with a warning in the log.
/// @param config  @borrows until the call returns
/// @return KEEL_OK, KEEL_E_RUNNING, KEEL_E_TAKEN (epmd knows another node of that name),
///         KEEL_E_BADARG (a field), KEEL_E_REFUSED (the cookie file; the log says why),
///         KEEL_E_NOMEM, KEEL_E_STOPPED, or -errno of what the system refused
/// OTP: net_kernel:start/2.
/// @thread any
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_node_start(const keel_node_config *config);
/// Disconnects from all nodes and is none any more. KEEL_OK, KEEL_E_STOPPED.
/// OTP: net_kernel:stop/0. @thread any @since 0.1
KEEL_API keel_status keel_node_stop(void);
/// True between the two. OTP: erlang:is_alive/0. @thread any @since 0.1
KEEL_API bool keel_node_is_alive(void);
/// The port others connect to; 0 when none. @thread any @since 0.1
KEEL_API uint16_t keel_node_port(void);

/// Which nodes are meant.
enum { KEEL_NODES_VISIBLE = 1, KEEL_NODES_HIDDEN = 2, KEEL_NODES_CONNECTED = 3 };

/// The list of the names of nodes there is a connection to. OTP: nodes/1.
/// @param which  KEEL_NODES_VISIBLE, KEEL_NODES_HIDDEN, or both
/// @thread any
/// @since 0.1
KEEL_API keel_term keel_node_list(int which);

/// Connects, or sees that there is a connection. KEEL_OK, KEEL_E_NODEDOWN, KEEL_E_BADARG
/// (no name of a node), KEEL_E_STOPPED (this is no node). OTP: net_kernel:connect_node/1.
/// @thread any
/// @since 0.1
KEEL_API keel_status keel_node_connect(keel_term node);
/// Closes the connection. KEEL_OK, KEEL_E_NODEDOWN (there was none), KEEL_E_STOPPED.
/// OTP: erlang:disconnect_node/1. @thread any @since 0.1
KEEL_API keel_status keel_node_disconnect(keel_term node);
/// KEEL_OK when the node answers, else KEEL_E_NODEDOWN. OTP: net_adm:ping/1.
/// @thread any @since 0.1
KEEL_API keel_status keel_node_ping(keel_term node);

/// Once, when there is no connection to the node (any more), the caller gets {nodedown,
/// Node}; `on` false takes one such wish back. Connects when there is no connection.
/// KEEL_OK, KEEL_E_BADARG, KEEL_E_OUTSIDE, KEEL_E_STOPPED. OTP: erlang:monitor_node/2.
/// @thread process
/// @since 0.1
KEEL_API keel_status keel_node_monitor(keel_term node, bool on);

/// What keel_node_monitor_all tells; zeroed: visible nodes, {nodeup, Node}, {nodedown,
/// Node}.
typedef struct keel_node_monitor_opts {
    int which; ///< KEEL_NODES_VISIBLE (0 means this), KEEL_NODES_HIDDEN, or both
    bool info; ///< {nodeup, Node, Info}: a map with node_type, and nodedown_reason
} keel_node_monitor_opts;

/// From now on (until taken back as often, with the same options) the caller gets a message
/// when a node comes, before anything else from it, and when it goes, after everything.
/// KEEL_OK, KEEL_E_OUTSIDE, KEEL_E_STOPPED. OTP: net_kernel:monitor_nodes/2.
/// @param opts  NULL: defaults
/// @thread process
/// @since 0.1
KEEL_API keel_status keel_node_monitor_all(bool on, const keel_node_monitor_opts *opts);

/// The cookie to use with a node; NULL: the node's own again. With this node's name: that
/// of all which have none of their own. KEEL_OK, KEEL_E_BADARG, KEEL_E_NOMEM. OTP:
/// erlang:set_cookie/2. @thread any @since 0.1
KEEL_API keel_status keel_node_set_cookie(keel_term node, const char *cookie);
/// Where a node is to be found without asking epmd. NULL: epmd is asked again.
/// @param host  numeric, or a name to be looked up; @borrows until the call returns
/// @return KEEL_OK, KEEL_E_BADARG, KEEL_E_NOMEM @thread any @since 0.1
KEEL_API keel_status keel_node_set_address(keel_term node, const char *host, uint16_t port);

KEEL_END_DECLS

#endif // KEEL_NODE_H
