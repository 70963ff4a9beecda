#ifndef KL_CLUSTER_EPMD_H
#define KL_CLUSTER_EPMD_H

#include "name.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What is said to and by epmd, the daemon that knows the ports of a host's nodes, as bytes
// alone. Each question goes over a connection of its own. The one that registered must
// stay open: closing it gives the name up.
enum {
    KL_EPMD_PORT = 4369,
    KL_EPMD_REQUEST_MAX = 2 + 16 + KL_NODE_NAME_MAX, // no request is longer
    KL_EPMD_VERSION = 6, // of the distribution protocol, the only one we speak
};

// Requests: written to `at`, which has room for KL_EPMD_REQUEST_MAX bytes; the number of
// bytes is returned, 0 when the name is empty or too long. `alive` is the part of the name
// before the '@' and need not end in 0.
size_t kl_epmd_register(
        uint8_t *at, const char *alive, size_t size, uint16_t port, bool visible);
size_t kl_epmd_look_up(uint8_t *at, const char *alive, size_t size);
size_t kl_epmd_names(uint8_t *at);

// Answers are parsed from all bytes received so far, from the first one on.
enum kl_epmd_answer {
    KL_EPMD_MORE, // not all is there yet; malformed when the connection ends so
    KL_EPMD_OK,
    KL_EPMD_REFUSED, // the name is taken (register), nobody bears it (look up)
    KL_EPMD_MALFORMED,
};

// `ret_creation` tells this registration from earlier ones of the same name; a node puts
// it into its pids. `ret_used`: how many bytes the answer took, there may be none behind.
enum kl_epmd_answer kl_epmd_registered(
        const uint8_t *data, size_t size, uint32_t *ret_creation, size_t *ret_used);

struct kl_epmd_node {
    uint16_t port;
    bool visible; // as it says; the handshake decides
    uint16_t highest, lowest; // versions of the protocol it speaks
};
enum kl_epmd_answer kl_epmd_looked_up(
        const uint8_t *data, size_t size, struct kl_epmd_node *ret_node);

// The names of a host come until epmd closes the connection: `ended` tells that it has.
// Finds the next line from `*at` on (0 at first) and moves it. KL_EPMD_OK: `ret_name`,
// not ended by 0, points into `data`. KL_EPMD_REFUSED: there is no further name.
struct kl_epmd_name {
    const char *alive;
    size_t size;
    uint16_t port;
};
enum kl_epmd_answer kl_epmd_next_name(const uint8_t *data, size_t size, bool ended,
        size_t *at, struct kl_epmd_name *ret_name);

#endif // KL_CLUSTER_EPMD_H
