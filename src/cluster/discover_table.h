#ifndef KL_CLUSTER_DISCOVER_TABLE_H
#define KL_CLUSTER_DISCOVER_TABLE_H

#include "name.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The nodes that discovery knows, and whom to dial when. No clock, no processes: the caller
// passes the time, so that a test can replay any history.
struct kl_found {
    char name[KL_NODE_NAME_MAX + 1];
    bool fixed; // from the list: never forgotten
    bool connected; // as of the last round
    uint8_t failures; // since it was last connected
    int64_t heard; // when somebody last spoke of it
    int64_t next; // not to be dialled before
};

struct kl_discover_table {
    struct kl_found *nodes; // borrowed, room for `max`
    size_t count, max;
    int64_t interval;
    // Names that came from outside without proof, ever. Each becomes an atom when it is
    // dialled, and atoms stay: so there is an end to them.
    size_t strangers, max_strangers;
};

enum kl_found_by {
    KL_FOUND_FIXED, // the list
    KL_FOUND_DNS,
    KL_FOUND_STRANGER, // multicast: anybody may say anything
};

enum {
    KL_DISCOVER_FORGET = 12, // rounds without a word of a node until it is forgotten
    KL_DISCOVER_SLOWEST = 12, // rounds between two attempts at most
};

void kl_discover_init(struct kl_discover_table *table, struct kl_found *nodes, size_t max,
        int64_t interval);
// Somebody has spoken of a node. False when it is no name, or there are too many.
bool kl_discover_hear(struct kl_discover_table *table, const char *name, size_t size,
        enum kl_found_by by, int64_t now);
// One round: forgets whom nobody speaks of, and notes who is connected.
void kl_discover_round(struct kl_discover_table *table, int64_t now,
        bool (*connected)(const char *name, void *context), void *context);
// The next node to be dialled now, after index `*at` (start with 0; counts up); NULL: none.
// It will not come up again before its time.
const struct kl_found *kl_discover_due(
        struct kl_discover_table *table, size_t *at, int64_t now);

#endif // KL_CLUSTER_DISCOVER_TABLE_H
