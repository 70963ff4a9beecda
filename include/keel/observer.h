#ifndef KEEL_OBSERVER_H
#define KEEL_OBSERVER_H

#include <keel/rpc.h>

// Erlang's Observer, etop and whatever else looks at a node by rpc, looking at this one:
// its processes, their messages, dictionaries, stacks and states, its memory, load and
// applications. Nothing can be changed that way; code, tables and ports there are none.

KEEL_BEGIN_DECLS

/// Lets other nodes call what such tools call: functions of erlang, code, application,
/// proc_lib, sys, observer_backend and appmon_info, with keel_rpc_allow. Who knows the
/// cookie can then read what any process holds, so it is off until asked for. `on` false
/// takes all of them back.
/// @return KEEL_OK, KEEL_E_NOMEM @thread any @since 0.1
KEEL_API keel_status keel_observer_allow(bool on);

KEEL_END_DECLS

#endif // KEEL_OBSERVER_H
