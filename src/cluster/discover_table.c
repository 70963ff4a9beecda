#include "discover_table.h"
#include <string.h>

enum { STRANGERS_A_NODE = 16 };

void kl_discover_init(struct kl_discover_table *table, struct kl_found *nodes, size_t max,
        int64_t interval)
{
    *table = (struct kl_discover_table){.nodes = nodes,
            .max = max,
            .interval = interval,
            .max_strangers = max * STRANGERS_A_NODE};
}

static struct kl_found *find(struct kl_discover_table *table, const char *name, size_t size)
{
    for (size_t i = 0; i < table->count; i++) {
        struct kl_found *node = &table->nodes[i];
        if (strncmp(node->name, name, size) == 0 && node->name[size] == 0) {
            return node;
        }
    }
    return NULL;
}

bool kl_discover_hear(struct kl_discover_table *table, const char *name, size_t size,
        enum kl_found_by by, int64_t now)
{
    struct kl_node_name parts;
    if (!kl_node_name_parse(name, size, &parts)) {
        return false;
    }
    struct kl_found *node = find(table, name, size);
    if (!node) {
        bool stranger = by == KL_FOUND_STRANGER;
        if (table->count == table->max ||
                (stranger && table->strangers == table->max_strangers)) {
            return false;
        }
        table->strangers += stranger;
        node = &table->nodes[table->count++];
        *node = (struct kl_found){.next = now};
        memcpy(node->name, name, size);
    }
    node->fixed = node->fixed || by == KL_FOUND_FIXED;
    node->heard = now;
    return true;
}

void kl_discover_round(struct kl_discover_table *table, int64_t now,
        bool (*connected)(const char *name, void *context), void *context)
{
    size_t kept = 0;
    for (size_t i = 0; i < table->count; i++) {
        struct kl_found *node = &table->nodes[i];
        node->connected = connected(node->name, context);
        if (node->connected) {
            node->failures = 0;
            node->next = now; // when it is lost, it is dialled at once
        }
        bool silent = now - node->heard > KL_DISCOVER_FORGET * table->interval;
        if (node->fixed || node->connected || !silent) {
            memmove(&table->nodes[kept++], node, sizeof *node);
        }
    }
    table->count = kept;
}

const struct kl_found *kl_discover_due(
        struct kl_discover_table *table, size_t *at, int64_t now)
{
    while (*at < table->count) {
        struct kl_found *node = &table->nodes[(*at)++];
        if (node->connected || node->next > now) {
            continue;
        }
        int64_t rounds = node->failures < 4 ? 1 << node->failures : KL_DISCOVER_SLOWEST;
        node->next = now + rounds * table->interval;
        node->failures += node->failures < 4;
        return node;
    }
    return NULL;
}
