// Registering, unregistering, changing a value: always the calling process's own entries.
//
// Entries go with a deferred function of the process, so they are gone before its links,
// monitors and supervisor hear of its end. The link to the partition is there for the other
// direction, and because OTP has it.

#include "match_spec.h"
#include "registries.h"

static void registered(
        struct kl_registry *registry, keel_term key, keel_term value, keel_pid partition);
static void clean_up(void *record);
static void forget(struct kl_registry *registry);
static keel_pid own_partition(struct kl_registry *registry);
static void tell_listeners(struct kl_registry *registry, keel_term message);
static keel_term unregistered(const struct kl_registry *registry, keel_term key);

keel_status keel_registry_register(
        keel_term name, keel_term key, keel_term value, keel_pid *ret_owner)
{
    struct kl_registry *registry = kl_registry_find(name);
    if (registry == NULL || !keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    if (keel_is_none(key)) {
        return KEEL_E_BADARG;
    }
    value = keel_is_none(value) ? keel_atom(nil) : value;
    keel_pid partition = own_partition(registry);
    bool has_entries = kl_entries_has(&registry->table, keel_self());
    if (!has_entries) {
        keel_defer(clean_up, registry);
    }
    keel_pid holder = {0};
    bool first = false;
    keel_status status = kl_entries_add(
            &registry->table, keel_self(), key, value, &holder, &first);
    if (status != KEEL_OK && !has_entries) {
        keel_undefer(clean_up, registry);
    }
    if (status == KEEL_E_NOPROC) {
        kl_registry_mistake("unknown_registry", name); // it has just ended
    }
    if (status == KEEL_OK) {
        // A partition that ends first lets go of its place, then removes the entries. If
        // ours was there before and after, its end is still to come, and so is its signal.
        holder = own_partition(registry);
        if (partition.word == 0 || holder.word != partition.word) {
            kl_entries_remove_owner(&registry->table, keel_self());
            kl_registry_mistake("unknown_registry", name);
        }
        registered(registry, key, value, first ? holder : (keel_pid){0});
    }
    if (ret_owner != NULL && (status == KEEL_OK || status == KEEL_E_TAKEN)) {
        *ret_owner = holder;
    }
    return status;
}

keel_status keel_registry_unregister(keel_term name, keel_term key)
{
    struct kl_registry *registry = kl_registry_find(name);
    if (registry == NULL || !keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    if (keel_is_none(key)) {
        return KEEL_E_BADARG;
    }
    if (kl_entries_remove(&registry->table, keel_self(), key, NULL, 0)) {
        forget(registry);
    }
    if (kl_load_relaxed(&registry->listener_count) != 0) {
        tell_listeners(registry, unregistered(registry, key));
    }
    return KEEL_OK;
}

keel_status keel_registry_unregister_match(
        keel_term name, keel_term key, keel_term pattern, keel_term guards)
{
    struct kl_registry *registry = kl_registry_find(name);
    if (registry == NULL || !keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    if (keel_is_none(key) || !kl_match_is_valid(pattern, guards, KEEL_NONE)) {
        kl_registry_mistake("match_spec", pattern);
        return KEEL_E_BADARG;
    }
    struct kl_items *items = kl_borrow_open();
    if (items == NULL || !kl_entries_take_key(&registry->table, key, keel_self(), items)) {
        kl_borrow_close(items);
        return KEEL_E_NOMEM;
    }
    uint64_t *ids = keel_alloc(items->count * sizeof *ids + 1);
    size_t count = 0;
    for (size_t i = 0; i < items->count; i++) {
        struct kl_bindings bindings = {.object = items->item[i].value.term};
        if (kl_match_pattern(pattern, items->item[i].value.term, &bindings) &&
                kl_match_guards(guards, &bindings)) {
            ids[count++] = items->item[i].id;
        }
    }
    bool all = count == items->count;
    kl_borrow_close(items);
    if (count > 0 && kl_entries_remove(&registry->table, keel_self(), key, ids, count)) {
        forget(registry);
    }
    keel_free(ids);
    // As Elixir's: who keeps an entry under the key has not been unregistered.
    if (all && kl_load_relaxed(&registry->listener_count) != 0) {
        tell_listeners(registry, unregistered(registry, key));
    }
    return KEEL_OK;
}

keel_status keel_registry_update_value(keel_term name, keel_term key,
        keel_term (*update)(keel_term old, void *context), void *context,
        keel_term *ret_new, keel_term *ret_old)
{
    struct kl_registry *registry = kl_registry_find(name);
    if (registry == NULL || !keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    if (kl_load_relaxed(&registry->kind) != KEEL_UNIQUE || update == NULL) {
        kl_registry_mistake("duplicate_keys", name);
    }
    keel_term values = keel_registry_values(name, key, keel_self());
    if (!keel_is_list(values) || keel_is_nil(values)) {
        return KEEL_E_NOPROC;
    }
    keel_term old = keel_head(values);
    keel_term new = update(old, context);
    new = keel_is_none(new) ? keel_atom(nil) : new;
    keel_status status = kl_entries_update(&registry->table, keel_self(), key, new);
    if (status == KEEL_OK && ret_new != NULL) {
        *ret_new = new;
    }
    if (status == KEEL_OK && ret_old != NULL) {
        *ret_old = old;
    }
    return status;
}

// What comes after: the link to the partition, unless it is none, and the news.
static void registered(
        struct kl_registry *registry, keel_term key, keel_term value, keel_pid partition)
{
    if (partition.word != 0) {
        keel_link(partition);
    }
    if (kl_load_relaxed(&registry->listener_count) != 0) {
        tell_listeners(registry, keel_tuple_of(keel_atom(register), registry->name, key,
                                         keel_from_pid(keel_self()), value));
    }
}

// Runs as the process ends.
static void clean_up(void *record)
{
    struct kl_registry *registry = record;
    kl_entries_remove_owner(&registry->table, keel_self());
}

// The caller's last entry is gone.
static void forget(struct kl_registry *registry)
{
    keel_undefer(clean_up, registry);
    keel_pid partition = own_partition(registry);
    if (partition.word != 0) {
        keel_unlink(partition);
    }
}

static keel_pid own_partition(struct kl_registry *registry)
{
    keel_pid pid = {0};
    kl_lock_take(&registry->lock);
    if (registry->partition_count != 0) {
        pid = registry->partition[kl_entries_partition(
                keel_self(), registry->partition_count)];
    }
    kl_lock_give(&registry->lock);
    return pid;
}

static keel_term unregistered(const struct kl_registry *registry, keel_term key)
{
    return keel_tuple_of(
            keel_atom(unregister), registry->name, key, keel_from_pid(keel_self()));
}

static void tell_listeners(struct kl_registry *registry, keel_term message)
{
    // Sending may end the caller or give others a turn: not under the lock, and with a
    // copy that goes with the process.
    size_t room = kl_load_relaxed(&registry->listener_count);
    keel_term *listener = keel_alloc(room * sizeof *listener + 1);
    kl_lock_take(&registry->lock);
    size_t count = room < registry->listener_count ? room : registry->listener_count;
    for (size_t i = 0; i < count; i++) {
        listener[i] = registry->listener[i];
    }
    kl_lock_give(&registry->lock);
    for (size_t i = 0; i < count; i++) {
        (void)keel_send_term(listener[i], message); // a listener may be away
    }
    keel_free(listener);
}
