// Unique registries as keepers of names.

#include "registries.h"

// The registry and key of {Registry, Key} or {Registry, Key, Value}; NULL after a mistake.
static struct kl_registry *parse(keel_term name, keel_term *ret_key)
{
    size_t size = keel_tuple_size(name);
    if (size != 2 && size != 3) {
        kl_registry_mistake("registry_key", name);
        return NULL;
    }
    struct kl_registry *registry = kl_registry_find(keel_element(name, 0));
    if (registry != NULL && kl_load_relaxed(&registry->kind) != KEEL_UNIQUE) {
        kl_registry_mistake("duplicate_keys", keel_element(name, 0));
        return NULL;
    }
    *ret_key = keel_element(name, 1);
    return registry;
}

static keel_pid whereis(keel_term name)
{
    keel_term key;
    struct kl_registry *registry = parse(name, &key);
    return registry == NULL ? (keel_pid){0} : kl_entries_whereis(&registry->table, key);
}

static bool register_name(keel_term name, keel_pid pid)
{
    keel_term key;
    return parse(name, &key) != NULL && pid.word == keel_self().word &&
           keel_registry_register(
                   keel_element(name, 0), key, keel_element(name, 2), NULL) == KEEL_OK;
}

static void unregister_name(keel_term name)
{
    keel_term key;
    if (parse(name, &key) != NULL) {
        keel_registry_unregister(keel_element(name, 0), key);
    }
}

static const keel_via_ops keeper = {
        .whereis = whereis,
        .register_name = register_name,
        .unregister_name = unregister_name,
};

void kl_registry_keep_names(void)
{
    keel_via_register(keel_atom_text("Elixir.Registry"), &keeper);
}

keel_pid keel_registry_whereis(keel_term registry, keel_term key)
{
    struct kl_registry *found = kl_registry_find(registry);
    if (found != NULL && kl_load_relaxed(&found->kind) != KEEL_UNIQUE) {
        kl_registry_mistake("duplicate_keys", registry);
        return (keel_pid){0};
    }
    bool usable = found != NULL && !keel_is_none(key);
    return usable ? kl_entries_whereis(&found->table, key) : (keel_pid){0};
}

keel_term keel_registry_via(keel_term registry, keel_term key)
{
    return keel_tuple_of(keel_atom(via), keel_atom_text("Elixir.Registry"),
            keel_tuple_of(registry, key));
}

keel_term keel_registry_via_value(keel_term registry, keel_term key, keel_term value)
{
    return keel_tuple_of(keel_atom(via), keel_atom_text("Elixir.Registry"),
            keel_tuple_of(registry, key, value));
}
