#ifndef KL_CLUSTER_DISCOVER_BEAT_H
#define KL_CLUSTER_DISCOVER_BEAT_H

#include "name.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What nodes tell of themselves by multicast, as libcluster's gossip without a secret does:
// the text "heartbeat::" and the map #{node => Name} in external format. It comes from
// anybody, so it is read without making atoms.
enum { KL_BEAT_MAX = 11 + 2 + 4 + 6 + 3 + KL_NODE_NAME_MAX };

// Writes to `at` and returns the size; `name` is one of a node.
size_t kl_beat_write(uint8_t at[KL_BEAT_MAX], const char *name);
// Finds the name, which is not ended by 0; false when this is something else.
bool kl_beat_read(
        const uint8_t *data, size_t size, const char **ret_name, size_t *ret_name_size);

#endif // KL_CLUSTER_DISCOVER_BEAT_H
