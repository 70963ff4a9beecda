#ifndef KL_CLUSTER_NETKERNEL_H
#define KL_CLUSTER_NETKERNEL_H

#include "node.h"
#include <keel/gen_server.h>

// The server; its argument is a pointer to this, which lives until the start has returned.
struct kl_node_start {
    const keel_node_config *config;
    keel_status status;
};
extern const keel_gen_server kl_netkernel;

// The port of epmd by the environment, or the usual one.
uint16_t kl_epmd_port(void);

#endif // KL_CLUSTER_NETKERNEL_H
