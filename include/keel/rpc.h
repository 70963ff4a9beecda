#ifndef KEEL_RPC_H
#define KEEL_RPC_H

#include <keel/node.h>

// What other nodes may call here with rpc:call, erpc:call and their kin. At first nothing:
// they get {badrpc, notsup}, erpc raises notsup. Calls the other way are calls to the
// peer's server `rex`.

KEEL_BEGIN_DECLS

/// A function other nodes may call. It runs in a process of its own, may wait, and what it
/// returns is the result; keel_exit and keel_error in it are what the caller gets.
/// @param arguments  the list of them, of any length
typedef keel_term (*keel_rpc_function)(keel_term arguments);

/// Lets other nodes call `function` as module:name(…), and spawn it; NULL: no longer.
/// Whatever is not allowed stays notsup, be it there or not.
/// @return KEEL_OK, KEEL_E_BADARG (no atoms), KEEL_E_NOMEM @thread any @since 0.1
KEEL_API keel_status keel_rpc_allow(
        keel_term module, keel_term name, keel_rpc_function function);

/// Calls module:name(…) on another node. The result; {badrpc, Reason} when it failed there,
/// or could not be reached (nodedown).
/// @param arguments  a list
/// @thread any: a thread outside blocks
/// OTP: rpc:call/5. @since 0.1
KEEL_API keel_term keel_rpc_call(keel_term node, keel_term module, keel_term name,
        keel_term arguments, keel_deadline deadline);

KEEL_END_DECLS

#endif // KEEL_RPC_H
