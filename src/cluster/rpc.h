#ifndef KL_CLUSTER_RPC_H
#define KL_CLUSTER_RPC_H

#include "node.h"
#include <keel/gen_server.h>
#include <keel/rpc.h>

// Answers a request to spawn a process here: erpc's, for a function that is allowed, and no
// other. False when the arguments cannot be decoded.
bool kl_rpc_spawn(uint32_t connection, struct kl_peer *peer,
        const struct kl_control *control, const uint8_t *payload, size_t size);

// The server `rex`, which older clients ask.
extern const keel_gen_server kl_rpc_rex;

#endif // KL_CLUSTER_RPC_H
