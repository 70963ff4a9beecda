#ifndef KL_SERVICE_REGISTRIES_H
#define KL_SERVICE_REGISTRIES_H

#include "entries.h"
#include <keel/registry.h>

// What the files of the registry share: the record behind a registry's name.
//
// Records are made once a name and stay for good, as the atoms do that name them: so a
// reader needs no lock to find one, and one that is late finds an empty table. What is in
// them goes when the registry's supervisor ends.
struct kl_registry {
    struct kl_registry *next; // in its bucket of names
    keel_term name;
    uint32_t running; // set last, cleared first
    uint32_t kind; // keel_registry_keys
    uint32_t listener_count;
    struct kl_lock lock; // of what follows
    keel_pid supervisor;
    keel_pid *partition; // table.partitions of them
    uint32_t partition_count;
    keel_term *listener; // atoms
    struct kl_meta *meta;
    struct kl_entries table;
};

// The record of a running registry. When there is none the calling process ends, and
// outside a process the log says so and NULL is returned.
struct kl_registry *kl_registry_find(keel_term name);
// The same without complaint: NULL.
struct kl_registry *kl_registry_peek(keel_term name);
// The record, made if need be; NULL when memory is exhausted.
struct kl_registry *kl_registry_make(keel_term name);
// A mistake of the program: ends the calling process with {badarg, {What, About}}; outside
// a process logs and returns.
void kl_registry_mistake(const char *what, keel_term about);

// The partition `index`, or none when it does not run.
keel_pid kl_registry_partition(struct kl_registry *registry, uint32_t index);
uint32_t kl_registry_partition_count(struct kl_registry *registry);

// --- registry_partition.c ---
extern const keel_gen_server kl_registry_partition_server;

// --- registry_meta.c ---
// Puts a list of {Key, Value}; false when memory is exhausted.
bool kl_registry_put_all_meta(struct kl_registry *registry, keel_term list);
void kl_registry_drop_meta(struct kl_registry *registry);

// --- registry_items.c ---
// Items that are freed even when the calling process ends meanwhile, as building terms of
// them may make it. Close what was opened.
struct kl_items *kl_borrow_open(void);
void kl_borrow_close(struct kl_items *items);

// --- registry_via.c ---
void kl_registry_keep_names(void);

#endif // KL_SERVICE_REGISTRIES_H
