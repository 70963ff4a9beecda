// Reading a registry's table.

#include "bunch.h"

static bool add_slots(
        const struct kl_bunch *bunch, keel_pid pid, bool with_key, struct kl_items *items);
static bool reserve(struct kl_items *items, size_t more);

keel_pid kl_entries_whereis(struct kl_entries *table, keel_term key)
{
    keel_pid pid = {0};
    uint64_t hash = keel_hash(key);
    struct kl_key_shard *shard = kl_bunch_shard(table, hash);
    kl_lock_take(&shard->lock);
    const struct kl_bunch *bunch = kl_bunch_find(shard, hash, key);
    for (uint32_t i = 0; bunch != NULL && pid.word == 0; i++) {
        pid = bunch->slots[i].entry != NULL ? bunch->slots[i].pid : pid;
    }
    kl_lock_give(&shard->lock);
    return pid;
}

size_t kl_entries_count(struct kl_entries *table)
{
    size_t count = 0;
    for (size_t i = 0; i < KL_ENTRIES_KEYS; i++) {
        kl_lock_take(&table->keys[i].lock);
        count += table->keys[i].entries;
        kl_lock_give(&table->keys[i].lock);
    }
    return count;
}

bool kl_entries_take_key(
        struct kl_entries *table, keel_term key, keel_pid pid, struct kl_items *items)
{
    uint64_t hash = keel_hash(key);
    struct kl_key_shard *shard = kl_bunch_shard(table, hash);
    kl_lock_take(&shard->lock);
    const struct kl_bunch *bunch = kl_bunch_find(shard, hash, key);
    bool done = bunch == NULL || add_slots(bunch, pid, false, items);
    kl_lock_give(&shard->lock);
    return done;
}

bool kl_entries_take_all(struct kl_entries *table, struct kl_items *items)
{
    bool done = true;
    for (size_t i = 0; i < KL_ENTRIES_KEYS && done; i++) {
        struct kl_key_shard *shard = &table->keys[i];
        kl_lock_take(&shard->lock);
        done = reserve(items, shard->entries);
        for (uint32_t k = 0; k < shard->buckets && done; k++) {
            const struct kl_bunch *bunch = shard->bucket[k];
            while (bunch != NULL && done) {
                done = add_slots(bunch, (keel_pid){0}, true, items);
                bunch = bunch->next;
            }
        }
        kl_lock_give(&shard->lock);
    }
    return done;
}

size_t kl_entries_pids(struct kl_entries *table, keel_term key, keel_pid *pids, size_t room)
{
    uint64_t hash = keel_hash(key);
    struct kl_key_shard *shard = kl_bunch_shard(table, hash);
    kl_lock_take(&shard->lock);
    const struct kl_bunch *bunch = kl_bunch_find(shard, hash, key);
    size_t count = bunch == NULL ? 0 : bunch->used;
    if (count <= room) {
        size_t at = 0;
        for (uint32_t i = 0; bunch != NULL && i < bunch->filled; i++) {
            if (bunch->slots[i].entry != NULL) {
                pids[at++] = bunch->slots[i].pid;
            }
        }
    }
    kl_lock_give(&shard->lock);
    return count;
}

bool kl_items_add(struct kl_items *items, struct kl_item item)
{
    if (!reserve(items, 1)) {
        kl_held_unref(item.key);
        kl_held_unref(item.value);
        return false;
    }
    items->item[items->count++] = item;
    return true;
}

void kl_items_done(struct kl_items *items)
{
    for (size_t i = 0; i < items->count; i++) {
        kl_held_unref(items->item[i].key);
        kl_held_unref(items->item[i].value);
    }
    kl_free(items->item, items->capacity * sizeof *items->item);
    *items = (struct kl_items){0};
}

static bool add_slots(
        const struct kl_bunch *bunch, keel_pid pid, bool with_key, struct kl_items *items)
{
    if (pid.word == 0 && !reserve(items, bunch->used)) {
        return false;
    }
    for (uint32_t i = 0; i < bunch->filled; i++) {
        const struct kl_slot *slot = &bunch->slots[i];
        if (slot->entry == NULL || (pid.word != 0 && slot->pid.word != pid.word)) {
            continue;
        }
        struct kl_item item = {.pid = slot->pid, .id = slot->entry->id};
        item.value = kl_held_ref(slot->entry->value);
        if (with_key) {
            item.key = kl_held_ref(bunch->key);
        }
        if (!kl_items_add(items, item)) {
            return false;
        }
    }
    return true;
}

static bool reserve(struct kl_items *items, size_t more)
{
    if (items->capacity - items->count >= more) {
        return true;
    }
    size_t capacity = items->capacity * 2;
    if (capacity < items->count + more) {
        capacity = items->count + more;
    }
    struct kl_item *item = kl_realloc(items->item, items->capacity * sizeof *items->item,
            capacity * sizeof *items->item);
    if (item == NULL) {
        return false;
    }
    items->item = item;
    items->capacity = capacity;
    return true;
}
