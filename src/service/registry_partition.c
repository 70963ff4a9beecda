// A partition: the process that the processes with entries are linked to, and that hands
// out the locks of a registry.
//
// It keeps no entries; when it ends, those of its processes are removed, and the links end
// the processes unless they trap exits.

#include "registries.h"

// One who has a lock, or waits for it. Those of one partition stand in one list, in order
// of arrival: the first of a key has the lock.
struct claim {
    struct claim *next;
    keel_term key; // kept
    keel_from from; // whose tag is kept
    keel_ref monitor;
    bool granted;
};

struct partition {
    struct claim *first;
    keel_term registry;
    int64_t index;
};

static void leave(void *record);
static void grant(struct partition *partition, keel_term key);
static void drop_claim(struct claim **place);

static keel_result init(keel_term argument, void *state)
{
    struct partition *partition = state;
    partition->registry = keel_element(argument, 0);
    partition->index = keel_to_int(keel_element(argument, 1));
    struct kl_registry *registry = kl_registry_peek(partition->registry);
    if (registry == NULL) {
        return keel_stop_with(keel_atom(shutdown));
    }
    keel_trap_exit(true);
    keel_defer(leave, registry);
    kl_lock_take(&registry->lock);
    if ((uint64_t)partition->index < registry->partition_count) {
        registry->partition[partition->index] = keel_self();
    }
    kl_lock_give(&registry->lock);
    return keel_ok();
}

// {lock, Key}: answered with ok when the caller has it.
static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct partition *partition = state;
    keel_term key;
    if (!keel_match(request, "{lock, Key}", &key)) {
        return keel_unexpected(request);
    }
    struct claim **place = &partition->first;
    while (*place != NULL) {
        place = &(*place)->next;
    }
    struct claim *claim = keel_alloc(sizeof *claim);
    claim->key = keel_keep(key);
    claim->from = (keel_from){from.pid, keel_keep(from.tag)};
    claim->monitor = keel_monitor(from.pid);
    *place = claim;
    grant(partition, key);
    return keel_noreply();
}

// {unlock, Pid, Key}, from the one who had it.
static keel_result handle_cast(keel_term request, void *state)
{
    struct partition *partition = state;
    keel_pid pid;
    keel_term key;
    if (!keel_match(request, "{unlock, Pid, Key}", &pid, &key)) {
        return keel_unexpected(request);
    }
    struct claim **place = &partition->first;
    while (*place != NULL &&
            !((*place)->from.pid.word == pid.word && keel_equal((*place)->key, key))) {
        place = &(*place)->next;
    }
    if (*place != NULL) {
        keel_demonitor((*place)->monitor, KEEL_DEMONITOR_FLUSH);
        drop_claim(place);
        grant(partition, key);
    }
    return keel_noreply();
}

// Processes with entries end, and their links tell; their entries have gone by themselves.
static keel_result handle_info(keel_term message, void *state)
{
    struct partition *partition = state;
    keel_ref monitor;
    if (!keel_match(message, "{'DOWN', Ref, process, _, _}", &monitor)) {
        return keel_noreply();
    }
    struct claim **place = &partition->first;
    while (*place != NULL &&
            !keel_equal(keel_from_ref((*place)->monitor), keel_from_ref(monitor))) {
        place = &(*place)->next;
    }
    if (*place != NULL) {
        keel_term key = keel_copy((*place)->key);
        drop_claim(place);
        grant(partition, key);
    }
    return keel_noreply();
}

const keel_gen_server kl_registry_partition_server = {
        .name = "registry_partition",
        .state = KEEL_STATE(struct partition, registry, index),
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
};

// --- locks ---

struct locked {
    keel_term (*fn)(void *context);
    void *context;
    keel_term value;
};

static void run_locked(void *context)
{
    struct locked *locked = context;
    locked->value = locked->fn(locked->context);
}

keel_term keel_registry_lock(
        keel_term name, keel_term key, keel_term (*fn)(void *context), void *context)
{
    struct kl_registry *registry = kl_registry_find(name);
    if (registry == NULL || !keel_in_process() || fn == NULL || keel_is_none(key)) {
        return KEEL_NONE;
    }
    uint32_t count = kl_registry_partition_count(registry);
    uint32_t index = count == 0 ? 0 : (uint32_t)(keel_hash(key) % count);
    keel_pid partition = kl_registry_partition(registry, index);
    keel_call_or_exit_within(partition, keel_tuple_of(keel_atom(lock), key), KEEL_FOREVER);
    struct locked locked = {fn, context, KEEL_NONE};
    keel_term reason;
    keel_status status = keel_try(run_locked, &locked, &reason);
    keel_cast(partition, keel_make("{unlock, Self, Key}", keel_self(), key));
    if (status != KEEL_OK) {
        keel_exit(reason);
    }
    return locked.value;
}

// Gives the lock of `key` to the first who waits, unless somebody has it.
static void grant(struct partition *partition, keel_term key)
{
    struct claim *claim = partition->first;
    while (claim != NULL && !keel_equal(claim->key, key)) {
        claim = claim->next;
    }
    if (claim != NULL && !claim->granted) {
        claim->granted = true;
        keel_gen_reply(claim->from, keel_atom(ok));
    }
}

static void drop_claim(struct claim **place)
{
    struct claim *claim = *place;
    *place = claim->next;
    keel_drop(claim->key);
    keel_drop(claim->from.tag);
    keel_free(claim);
}

// Runs as the partition ends. A registry that was started anew meanwhile has others.
static void leave(void *record)
{
    struct kl_registry *registry = record;
    kl_lock_take(&registry->lock);
    uint32_t index = 0;
    while (index < registry->partition_count &&
            registry->partition[index].word != keel_self().word) {
        index++;
    }
    bool ours = index < registry->partition_count;
    if (ours) {
        registry->partition[index] = (keel_pid){0};
    }
    kl_lock_give(&registry->lock);
    if (ours) {
        kl_entries_remove_partition(&registry->table, index);
    }
}
