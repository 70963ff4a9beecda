#ifndef KEEL_GLOBAL_H
#define KEEL_GLOBAL_H

#include <keel/gen_server.h>

// Names of any term, and locks: what OTP's module `global` keeps. A visible node of ours
// and the visible nodes it is connected to, BEAM nodes too, have the same names: what is
// registered on one is found on all of them, and goes with its process or node. A hidden
// node takes no part: its names are its own, or those of a node it asks. Locks reach as far
// as the nodes that are listed.
//
//   keel_gen_server_start_link(&counter, keel_int(0),
//           .name = keel_make("{global, {counter, Id}}", id));
//   keel_call(keel_make("{global, {counter, Id}}", id), keel_atom(value), &reply);

KEEL_BEGIN_DECLS

/// Starts the process `global_name_server` and makes {global, Name} a name of servers. It
/// is linked to nobody and ends with the runtime. KEEL_OK also when it runs already; else
/// as keel_gen_server_start. @thread any @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_global_start(void);

// The functions below return KEEL_E_NOPROC where it has not been started.

/// Has the names kept by other nodes: what is asked and changed here goes by rpc to the
/// first of `nodes` that can be reached, an Erlang or Elixir node, whose cluster then knows
/// the names of this node's processes as its own. For a hidden node. Locks stay as they
/// are. The functions below return KEEL_E_NODEDOWN, or find nobody, while none of the nodes
/// can be reached; resolvers are the three of OTP then, KEEL_E_BADARG for others.
/// @param nodes  a list of at most 16 names (copied); the empty list: names of its own
/// again
/// @return KEEL_OK, KEEL_E_BADARG @thread any @since 0.1
KEEL_API keel_status keel_global_through(keel_term nodes);

/// Which of two keeps a name that both have when their nodes meet; or none: the name goes.
/// Called once, on the node of one of the two, in a process of its own.
typedef keel_pid (*keel_global_resolver)(keel_term name, keel_pid first, keel_pid second);

/// Kills one. Where none is given this is the resolver. OTP: global:random_exit_name/3.
/// @thread process @since 0.1
KEEL_API keel_pid keel_global_random_exit(keel_term name, keel_pid first, keel_pid second);
/// Sends one {global_name_conflict, Name}. OTP: global:random_notify_name/3.
/// @thread process @since 0.1
KEEL_API keel_pid keel_global_random_notify(
        keel_term name, keel_pid first, keel_pid second);
/// Sends both {global_name_conflict, Name, OtherPid}; the name goes.
/// OTP: global:notify_all_name/3. @thread process @since 0.1
KEEL_API keel_pid keel_global_notify_all(keel_term name, keel_pid first, keel_pid second);

/// Gives a process a name, any term; the name goes when the process ends. A process has one
/// at most. Waits while somebody holds the lock on the resource `global`. When this
/// returns, all nodes know of it.
/// KEEL_OK, KEEL_E_TAKEN (the name is, or the process has another one), KEEL_E_BADARG (no
/// pid), KEEL_E_NOMEM. OTP: global:register_name/2. @thread process @since 0.1
KEEL_API keel_status keel_global_register(keel_term name, keel_pid pid);
/// The same with a resolver: one of those above, or any function, for a process of this
/// node. OTP: global:register_name/3. @thread process @since 0.1
KEEL_API keel_status keel_global_register_with(
        keel_term name, keel_pid pid, keel_global_resolver resolver);
/// As keel_global_register whoever has the name, which is never free meanwhile. KEEL_OK,
/// KEEL_E_BADARG. OTP: global:re_register_name/2. @thread process @since 0.1
KEEL_API keel_status keel_global_re_register(keel_term name, keel_pid pid);
/// The same with a resolver. OTP: global:re_register_name/3. @thread process @since 0.1
KEEL_API keel_status keel_global_re_register_with(
        keel_term name, keel_pid pid, keel_global_resolver resolver);
/// KEEL_OK, also when nobody has it. OTP: global:unregister_name/1. @thread process @since
/// 0.1
KEEL_API keel_status keel_global_unregister(keel_term name);
/// Who has the name, or none. OTP: global:whereis_name/1. @thread any @since 0.1
KEEL_API keel_pid keel_global_whereis(keel_term name);
/// The list of all names. OTP: global:registered_names/0. @thread any @since 0.1
KEEL_API keel_term keel_global_registered(void);
/// Sends to who has the name. KEEL_E_BADARG when nobody has; else as keel_send.
/// @thread any @since 0.1
KEEL_API keel_status keel_global_send(keel_term name, keel_term message);
/// The same, and gives the pid; when nobody has the name the caller exits with
/// {badarg, {Name, Message}}. OTP: global:send/2. @thread process @since 0.1
KEEL_API keel_pid keel_global_send_or_exit(keel_term name, keel_term message);

/// Waits until this node has the same names as all visible nodes connected now; a hidden
/// node has none to wait for. KEEL_OK. OTP: global:sync/0. @thread process @since 0.1
KEEL_API keel_status keel_global_sync(void);

#define KEEL_GLOBAL_FOREVER (-1)

/// Locks a resource for a requester, on each of the nodes or on none. Whoever gives the
/// same requester shares it. It is freed when the calling process ends.
/// @param id       {Resource, Requester}, any terms
/// @param nodes    a list of names; KEEL_NONE: this node and all visible ones connected
/// @param retries  how often to try again, after growing pauses; or KEEL_GLOBAL_FOREVER
/// @return KEEL_OK, KEEL_E_TAKEN, KEEL_E_BADARG, KEEL_E_OUTSIDE
/// OTP: global:set_lock/3. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_global_lock(
        keel_term id, keel_term nodes, int retries);
/// Frees what the caller has locked. KEEL_OK, also when it has not; KEEL_E_BADARG,
/// KEEL_E_OUTSIDE. OTP: global:del_lock/2. @thread process @since 0.1
KEEL_API keel_status keel_global_unlock(keel_term id, keel_term nodes);
/// Runs fn(context) under the lock, which is freed after it, also when it ends by an exit
/// or error. KEEL_OK, KEEL_E_BADARG (no function), and what keel_global_lock returns when
/// it does not get it. OTP:
/// global:trans/4. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_global_transaction(keel_term id,
        void (*fn)(void *context), void *context, keel_term nodes, int retries);

KEEL_END_DECLS

#endif // KEEL_GLOBAL_H
