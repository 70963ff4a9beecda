// Registries by name.

#include "registries.h"

enum { BUCKETS = 64 };

static struct kl_registry *buckets[BUCKETS];
static struct kl_lock making;

static struct kl_registry **bucket_of(keel_term name)
{
    return &buckets[(name.word * 0x9e3779b97f4a7c15u) >> 58];
}

static struct kl_registry *find_record(keel_term name)
{
    // Acquire: pairs with the release in make, so the record is seen complete.
    struct kl_registry *registry = kl_load_acquire(bucket_of(name));
    while (registry != NULL && registry->name.word != name.word) {
        registry = registry->next;
    }
    return registry;
}

struct kl_registry *kl_registry_peek(keel_term name)
{
    struct kl_registry *registry = find_record(name);
    // Acquire: pairs with the release at the start, so the kind of keys is seen.
    return registry != NULL && kl_load_acquire(&registry->running) ? registry : NULL;
}

struct kl_registry *kl_registry_find(keel_term name)
{
    struct kl_registry *registry = kl_registry_peek(name);
    if (registry == NULL) {
        kl_registry_mistake("unknown_registry", name);
    }
    return registry;
}

struct kl_registry *kl_registry_make(keel_term name)
{
    kl_lock_take(&making);
    struct kl_registry *registry = find_record(name);
    if (registry == NULL && (registry = kl_alloc_zero(sizeof *registry + KL_CACHE_LINE))) {
        uintptr_t aligned = ((uintptr_t)registry + KL_CACHE_LINE - 1) &
                            ~(uintptr_t)(KL_CACHE_LINE - 1);
        registry = (struct kl_registry *)aligned;
        registry->name = name;
        registry->next = *bucket_of(name);
        kl_store_release(bucket_of(name), registry);
    }
    kl_lock_give(&making);
    return registry;
}

void kl_registry_mistake(const char *what, keel_term about)
{
    if (keel_in_process()) {
        keel_term name = KEEL_NONE;
        if (keel_atom_from(what, __builtin_strlen(what), &name) == KEEL_OK) {
            keel_error(keel_tuple_of(keel_atom(badarg),
                    keel_tuple_of(name, keel_is_none(about) ? keel_nil() : about)));
        }
    }
    keel_scope scope = keel_scope_open();
    const char *shown = keel_is_none(about) ? "nothing" : keel_show(about);
    kl_log(KL_LOG_ERROR, "registry: %s: %s", what, shown == NULL ? "?" : shown);
    keel_scope_close(&scope);
}

keel_pid kl_registry_partition(struct kl_registry *registry, uint32_t index)
{
    kl_lock_take(&registry->lock);
    keel_pid pid = {0};
    if (index < registry->partition_count) {
        pid = registry->partition[index];
    }
    kl_lock_give(&registry->lock);
    return pid;
}

uint32_t kl_registry_partition_count(struct kl_registry *registry)
{
    kl_lock_take(&registry->lock);
    uint32_t count = registry->partition_count;
    kl_lock_give(&registry->lock);
    return count;
}
