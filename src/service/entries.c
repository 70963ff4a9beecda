// Changes of a registry's table. Reading is in entries_read.c.

#include "bunch.h"

// What a process has in the table.
struct kl_owner {
    keel_pid pid;
    struct kl_link entries; // oldest first
};

// Which entries to remove: all under a key, or those of them with one of the ids.
struct chosen {
    uint64_t hash;
    keel_term key;
    const uint64_t *ids; // NULL: all
    size_t count;
};

static struct kl_owner_shard *shard_of(struct kl_entries *table, keel_pid pid);
static struct kl_owner *new_owner(struct kl_owner_shard *shard, keel_pid pid);
static keel_status add(struct kl_entries *table, struct kl_owner *owner, keel_term key,
        keel_term value, keel_pid *ret_holder);
static void remove_chosen(struct kl_entries *table, struct kl_owner *owner,
        const struct chosen *chosen, struct kl_link *gone);
static void take_out(
        struct kl_entries *table, struct kl_entry *entry, struct kl_link *gone);
static void take_out_all(
        struct kl_entries *table, struct kl_owner *owner, struct kl_link *gone);
static void drop_owner(struct kl_owner_shard *shard, struct kl_owner *owner);
static void free_all(struct kl_link *gone);

void kl_entries_open(struct kl_entries *table, bool unique, uint32_t partitions)
{
    // Both are read under an owner's lock, or only after the registry is seen running.
    for (size_t i = 0; i < KL_ENTRIES_OWNERS; i++) {
        kl_lock_take(&table->owners[i].lock);
    }
    kl_store_relaxed(&table->unique, unique);
    kl_store_relaxed(&table->partitions, partitions);
    for (size_t i = 0; i < KL_ENTRIES_OWNERS; i++) {
        kl_lock_give(&table->owners[i].lock);
    }
}

void kl_entries_close(struct kl_entries *table)
{
    kl_entries_open(table, kl_load_relaxed(&table->unique), 0);
    kl_entries_remove_partition(table, UINT32_MAX);
}

uint32_t kl_entries_partition(keel_pid pid, uint32_t partitions)
{
    // The multiplier is 2^64 divided by the golden ratio; it spreads pids that count up.
    return (uint32_t)((pid.word * 0x9e3779b97f4a7c15u) >> 32) % partitions;
}

keel_status kl_entries_add(struct kl_entries *table, keel_pid pid, keel_term key,
        keel_term value, keel_pid *ret_holder, bool *ret_first)
{
    struct kl_owner_shard *shard = shard_of(table, pid);
    kl_lock_take(&shard->lock);
    struct kl_owner *owner = kl_hash_get(&shard->owners, pid.word);
    *ret_first = owner == NULL;
    keel_status status = KEEL_E_NOMEM;
    if (kl_load_relaxed(&table->partitions) == 0) {
        status = KEEL_E_NOPROC;
    } else if (owner != NULL || (owner = new_owner(shard, pid)) != NULL) {
        status = add(table, owner, key, value, ret_holder);
        if (status != KEEL_OK && *ret_first) {
            drop_owner(shard, owner);
        }
    }
    kl_lock_give(&shard->lock);
    return status;
}

bool kl_entries_has(struct kl_entries *table, keel_pid pid)
{
    struct kl_owner_shard *shard = shard_of(table, pid);
    kl_lock_take(&shard->lock);
    bool has = kl_hash_get(&shard->owners, pid.word) != NULL;
    kl_lock_give(&shard->lock);
    return has;
}

bool kl_entries_remove(struct kl_entries *table, keel_pid pid, keel_term key,
        const uint64_t *ids, size_t count)
{
    struct kl_link gone;
    kl_ring_init(&gone);
    uint64_t hash = keel_hash(key);
    struct kl_owner_shard *shard = shard_of(table, pid);
    kl_lock_take(&shard->lock);
    struct kl_owner *owner = kl_hash_get(&shard->owners, pid.word);
    bool last = false;
    if (owner != NULL) {
        remove_chosen(table, owner, &(struct chosen){hash, key, ids, count}, &gone);
        last = kl_ring_empty(&owner->entries);
        if (last) {
            drop_owner(shard, owner);
        }
    }
    kl_lock_give(&shard->lock);
    free_all(&gone);
    return last;
}

void kl_entries_remove_owner(struct kl_entries *table, keel_pid pid)
{
    struct kl_link gone;
    kl_ring_init(&gone);
    struct kl_owner_shard *shard = shard_of(table, pid);
    kl_lock_take(&shard->lock);
    struct kl_owner *owner = kl_hash_get(&shard->owners, pid.word);
    if (owner != NULL) {
        take_out_all(table, owner, &gone);
        drop_owner(shard, owner);
    }
    kl_lock_give(&shard->lock);
    free_all(&gone);
}

void kl_entries_remove_partition(struct kl_entries *table, uint32_t partition)
{
    for (size_t i = 0; i < KL_ENTRIES_OWNERS; i++) {
        struct kl_link gone;
        kl_ring_init(&gone);
        struct kl_owner_shard *shard = &table->owners[i];
        kl_lock_take(&shard->lock);
        uint32_t partitions = kl_load_relaxed(&table->partitions);
        struct kl_hash_cursor at = {0};
        while (kl_hash_each(&shard->owners, &at)) {
            struct kl_owner *owner = at.value;
            if (partitions == 0 ||
                    kl_entries_partition(owner->pid, partitions) == partition) {
                take_out_all(table, owner, &gone);
                drop_owner(shard, owner);
            }
        }
        kl_lock_give(&shard->lock);
        free_all(&gone);
    }
}

keel_status kl_entries_update(
        struct kl_entries *table, keel_pid pid, keel_term key, keel_term value)
{
    struct kl_held held;
    if (!kl_held_init(&held, value)) {
        return KEEL_E_NOMEM;
    }
    uint64_t hash = keel_hash(key);
    struct kl_key_shard *shard = kl_bunch_shard(table, hash);
    kl_lock_take(&shard->lock);
    struct kl_bunch *bunch = kl_bunch_find(shard, hash, key);
    bool found = bunch != NULL && bunch->slots[0].pid.word == pid.word;
    if (found) {
        struct kl_held old = bunch->slots[0].entry->value;
        bunch->slots[0].entry->value = held;
        held = old;
    }
    kl_lock_give(&shard->lock);
    kl_held_unref(held);
    return found ? KEEL_OK : KEEL_E_NOPROC;
}

bool kl_entries_take_owner(struct kl_entries *table, keel_pid pid, struct kl_items *items)
{
    struct kl_owner_shard *shard = shard_of(table, pid);
    kl_lock_take(&shard->lock);
    struct kl_owner *owner = kl_hash_get(&shard->owners, pid.word);
    bool done = true;
    struct kl_link *at = owner == NULL ? NULL : owner->entries.next;
    while (done && at != NULL && at != &owner->entries) {
        const struct kl_entry *entry = KL_CONTAINER(at, struct kl_entry, of_owner);
        done = kl_items_add(items, (struct kl_item){.pid = pid,
                                           .id = entry->id,
                                           .key = kl_held_ref(entry->bunch->key)});
        at = at->next;
    }
    kl_lock_give(&shard->lock);
    return done;
}

// --- under the owner's lock ---

static struct kl_owner_shard *shard_of(struct kl_entries *table, keel_pid pid)
{
    return &table->owners[kl_entries_partition(pid, KL_ENTRIES_OWNERS)];
}

static struct kl_owner *new_owner(struct kl_owner_shard *shard, keel_pid pid)
{
    struct kl_owner *owner = kl_pool_alloc(sizeof *owner);
    if (owner == NULL) {
        return NULL;
    }
    owner->pid = pid;
    kl_ring_init(&owner->entries);
    if (!kl_hash_put(&shard->owners, pid.word, owner)) {
        kl_pool_free(owner, sizeof *owner);
        return NULL;
    }
    return owner;
}

static keel_status add(struct kl_entries *table, struct kl_owner *owner, keel_term key,
        keel_term value, keel_pid *ret_holder)
{
    uint64_t hash = keel_hash(key);
    struct kl_key_shard *shard = kl_bunch_shard(table, hash);
    keel_status status = KEEL_E_NOMEM;
    struct kl_entry *entry = NULL;
    kl_lock_take(&shard->lock);
    struct kl_bunch *bunch = kl_bunch_find(shard, hash, key);
    if (bunch != NULL && table->unique) {
        *ret_holder = bunch->slots[0].pid;
        status = KEEL_E_TAKEN;
    } else if ((entry = kl_pool_alloc(sizeof *entry)) != NULL) {
        *entry = (struct kl_entry){.id = kl_add_relaxed(&table->next_id, 1)};
        if (kl_held_init(&entry->value, value) &&
                kl_bunch_add(shard, hash, key, owner->pid, entry)) {
            kl_ring_append(&owner->entries, &entry->of_owner);
            status = KEEL_OK;
        }
    }
    kl_lock_give(&shard->lock);
    if (status == KEEL_E_NOMEM && entry != NULL) {
        kl_entry_free(entry);
    }
    return status;
}

static bool is_chosen(const struct kl_entry *entry, const struct chosen *chosen)
{
    if (entry->bunch->hash != chosen->hash ||
            !keel_equal(entry->bunch->key.term, chosen->key)) {
        return false;
    }
    bool is = chosen->ids == NULL;
    for (size_t i = 0; i < chosen->count && !is; i++) {
        is = chosen->ids[i] == entry->id;
    }
    return is;
}

// The one entry of a unique key, if the owner has it. It stays without the key's lock: only
// who has the owner's could remove it.
static struct kl_entry *only_entry(
        struct kl_entries *table, const struct kl_owner *owner, const struct chosen *chosen)
{
    struct kl_key_shard *shard = kl_bunch_shard(table, chosen->hash);
    kl_lock_take(&shard->lock);
    const struct kl_bunch *bunch = kl_bunch_find(shard, chosen->hash, chosen->key);
    struct kl_entry *entry = NULL;
    if (bunch != NULL && bunch->slots[0].pid.word == owner->pid.word) {
        entry = bunch->slots[0].entry;
    }
    kl_lock_give(&shard->lock);
    return entry;
}

// With unique keys in one step; else it takes a look at all that the owner has, which is
// usually less than what others have under the key.
static void remove_chosen(struct kl_entries *table, struct kl_owner *owner,
        const struct chosen *chosen, struct kl_link *gone)
{
    if (table->unique) {
        struct kl_entry *entry = only_entry(table, owner, chosen);
        if (entry != NULL && is_chosen(entry, chosen)) {
            take_out(table, entry, gone);
        }
        return;
    }
    struct kl_link *at = owner->entries.next;
    while (at != &owner->entries) {
        struct kl_entry *entry = KL_CONTAINER(at, struct kl_entry, of_owner);
        at = at->next;
        if (is_chosen(entry, chosen)) {
            take_out(table, entry, gone);
        }
    }
}

static void take_out(struct kl_entries *table, struct kl_entry *entry, struct kl_link *gone)
{
    struct kl_key_shard *shard = kl_bunch_shard(table, entry->bunch->hash);
    kl_lock_take(&shard->lock);
    kl_bunch_remove(shard, entry);
    kl_lock_give(&shard->lock);
    kl_ring_remove(&entry->of_owner);
    kl_ring_append(gone, &entry->of_owner);
}

static void take_out_all(
        struct kl_entries *table, struct kl_owner *owner, struct kl_link *gone)
{
    while (!kl_ring_empty(&owner->entries)) {
        struct kl_link *first = owner->entries.next;
        take_out(table, KL_CONTAINER(first, struct kl_entry, of_owner), gone);
    }
}

static void drop_owner(struct kl_owner_shard *shard, struct kl_owner *owner)
{
    kl_hash_remove(&shard->owners, owner->pid.word);
    kl_pool_free(owner, sizeof *owner);
}

// Without locks: destructors may run.
static void free_all(struct kl_link *gone)
{
    while (!kl_ring_empty(gone)) {
        struct kl_link *first = gone->next;
        kl_ring_remove(first);
        kl_entry_free(KL_CONTAINER(first, struct kl_entry, of_owner));
    }
}
