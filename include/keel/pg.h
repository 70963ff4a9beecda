#ifndef KEEL_PG_H
#define KEEL_PG_H

#include <keel/pubsub.h>
#include <keel/start.h>

// Process groups: named sets of processes on all nodes that run the same scope, BEAM nodes
// (OTP's module pg) among them. A group is any term; it exists while it has members. What a
// node knows of the others is what they have told so far.
//
//   keel_pg_start_link(KEEL_NONE);                                  // the scope `pg`
//   keel_pg_join(KEEL_NONE, keel_atom(printers), keel_from_pid(keel_self()));
//   keel_term members = keel_pg_members(KEEL_NONE, keel_atom(printers));
//
// `scope` is an atom, the name of the scope's process; KEEL_NONE or [], as of children: pg.

KEEL_BEGIN_DECLS

/// Starts a scope linked to the caller. KEEL_E_TAKEN: it runs already, `pid` is who runs
/// it. OTP: pg:start_link/1. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_started keel_pg_start_link(keel_term scope);
/// The same without a link. OTP: pg:start/1. @thread any @since 0.1
KEEL_API KEEL_MUST_USE keel_started keel_pg_start(keel_term scope);

/// Adds a local process, or a list of them, to a group; a process may be in it several
/// times. One that has ended does not stay. KEEL_OK, KEEL_E_NOPROC (no such scope),
/// KEEL_E_BADARG (not local pids). OTP: pg:join/3. @thread any @since 0.1
KEEL_API keel_status keel_pg_join(keel_term scope, keel_term group, keel_term pids);
/// Takes each of them out once; those that are not members are passed over. KEEL_OK,
/// KEEL_E_CANCELED (none of them was one; OTP: not_joined), KEEL_E_NOPROC, KEEL_E_BADARG.
/// OTP: pg:leave/3. @thread any @since 0.1
KEEL_API keel_status keel_pg_leave(keel_term scope, keel_term group, keel_term pids);

/// Lists: the members on all nodes, in no order; those on this node; the groups there are.
/// Empty when there is no such scope or group. OTP: pg:get_members/2, get_local_members/2,
/// which_groups/1. @thread any @since 0.1
KEEL_API keel_term keel_pg_members(keel_term scope, keel_term group);
KEEL_API keel_term keel_pg_local_members(keel_term scope, keel_term group);
KEEL_API keel_term keel_pg_groups(keel_term scope);
/// The groups with members on this node. OTP: pg:which_local_groups/1. @thread any
/// @since 0.1
KEEL_API keel_term keel_pg_local_groups(keel_term scope);

/// Has the caller hear of a group: {Ref, join, Group, Pids} and {Ref, leave, Group, Pids},
/// one message for each change. KEEL_OK, KEEL_E_NOPROC, KEEL_E_OUTSIDE.
/// @param ret_members  those it has now; may be NULL
/// OTP: pg:monitor/2. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_pg_monitor(
        keel_term scope, keel_term group, keel_ref *ret_ref, keel_term *ret_members);
/// The same of all groups; `ret_groups` gets a map from groups to members. OTP:
/// pg:monitor_scope/1. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_pg_monitor_scope(
        keel_term scope, keel_ref *ret_ref, keel_term *ret_groups);
/// Ends either; changes that it has told already are taken out of the mailbox. False when
/// there is none of that reference. OTP: pg:demonitor/2. @thread process @since 0.1
KEEL_API bool keel_pg_demonitor(keel_term scope, keel_ref ref);

/// The adapter that lets instances of publish and subscribe on several nodes work as one,
/// those of Phoenix.PubSub with its PG2 adapter among them: give it as .adapter, or to
/// keel_pubsub_adapter_set. Instances belong together when their names are the same;
/// 'Elixir.MyApp.PubSub' is MyApp.PubSub in Elixir. The pool sizes should agree.
/// @thread any @since 0.1
KEEL_API const keel_pubsub_adapter *keel_pubsub_pg_adapter(void);

KEEL_END_DECLS

#endif // KEEL_PG_H
