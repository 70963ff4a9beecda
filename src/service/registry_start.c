// Starting a registry: its options, and its supervisor, whose init makes the record ready.

#include "registries.h"

struct options {
    keel_term name, listeners, meta;
    keel_registry_keys keys;
    int64_t partitions;
};

static keel_term terms_of(const keel_registry_opts *opts);
static keel_term parse(keel_term list, struct options *options);
static keel_term init(keel_term list);
static bool set_up(struct kl_registry *registry, const struct options *options);
static void tear_down(void *record);
static keel_started start_partitions(keel_term options);

static const keel_supervisor registry_supervisor = {.name = "registry", .init = init};

keel_started keel_registry_start_link_opt(const keel_registry_opts *opts)
{
    return keel_registry_start_link_term(opts == NULL ? KEEL_NONE : terms_of(opts));
}

keel_started keel_registry_start_link_term(keel_term list)
{
    struct options options;
    keel_term wrong = parse(list, &options);
    if (!keel_is_none(wrong)) {
        keel_term reason = keel_tuple_of(keel_atom(badarg), wrong);
        return (keel_started){.status = KEEL_E_BADARG, .reason = reason};
    }
    kl_registry_keep_names();
    return keel_supervisor_start_link_module(
            &registry_supervisor, list, .name = options.name);
}

keel_child_spec keel_registry_child_opt(const keel_registry_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_registry_opts){0};
    return (keel_child_spec){
            .id = opts->name,
            .start = start_partitions,
            .argument = terms_of(opts),
            .type = KEEL_SUPERVISOR,
    };
}

static keel_started start_partitions(keel_term options)
{
    return keel_registry_start_link_term(options);
}

// --- options ---

static keel_term terms_of(const keel_registry_opts *opts)
{
    keel_term list = keel_nil();
    if (opts->partitions != 0) {
        list = keel_cons(keel_make("{partitions, N}", opts->partitions), list);
    }
    if (!keel_is_none(opts->listeners)) {
        list = keel_cons(keel_make("{listeners, L}", opts->listeners), list);
    }
    if (!keel_is_none(opts->meta)) {
        list = keel_cons(keel_make("{meta, M}", opts->meta), list);
    }
    if (!keel_is_none(opts->name)) {
        list = keel_cons(keel_make("{name, N}", opts->name), list);
    }
    switch (opts->keys) {
    case KEEL_UNIQUE:
        return keel_cons(keel_make("{keys, unique}"), list);
    case KEEL_DUPLICATE:
        return keel_cons(keel_make("{keys, duplicate}"), list);
    case KEEL_DUPLICATE_BY_KEY:
        return keel_cons(keel_make("{keys, {duplicate, key}}"), list);
    default:
        return keel_cons(keel_make("{keys, K}", (int)opts->keys), list);
    }
}

// A proper list of what `is` accepts.
static bool is_list_of(keel_term list, bool (*is)(keel_term item))
{
    keel_term item;
    while (keel_list_next(&list, &item)) {
        if (!is(item)) {
            return false;
        }
    }
    return keel_is_nil(list);
}

static bool is_name(keel_term item)
{
    return keel_is_atom(item) && !keel_is_bool(item) && !keel_is(item, nil) &&
           !keel_is(item, undefined);
}

static bool is_meta(keel_term item)
{
    keel_term key = keel_element(item, 0);
    return keel_tuple_size(item) == 2 && (keel_is_atom(key) || keel_is_tuple(key));
}

static keel_registry_keys keys_of(keel_term keys)
{
    if (keel_is(keys, unique)) {
        return KEEL_UNIQUE;
    }
    if (keel_is(keys, duplicate) || keel_match(keys, "{duplicate, pid}")) {
        return KEEL_DUPLICATE;
    }
    return keel_match(keys, "{duplicate, key}") ? KEEL_DUPLICATE_BY_KEY : 0;
}

// Returns the option that is not in order, as {Option, Value}, or KEEL_NONE.
static keel_term parse(keel_term list, struct options *options)
{
    enum { MOST_PARTITIONS = 4096 };
    static const char *const names[] = {"keys", "name", "partitions", "listeners", "meta"};
    keel_term value[KEEL_COUNT(names)];
    keel_term name[KEEL_COUNT(names)];
    for (size_t i = 0; i < KEEL_COUNT(names); i++) {
        name[i] = KEEL_NONE;
        if (keel_atom_from(names[i], __builtin_strlen(names[i]), &name[i]) != KEEL_OK) {
            return keel_nil();
        }
        value[i] = keel_is_list(list) ? keel_proplist_get(list, name[i]) : KEEL_NONE;
    }
    *options = (struct options){
            .keys = keys_of(value[0]),
            .name = value[1],
            .partitions = 1,
            .listeners = keel_is_none(value[3]) ? keel_nil() : value[3],
            .meta = keel_is_none(value[4]) ? keel_nil() : value[4],
    };
    bool partitions = keel_is_none(value[2]) ||
                      keel_get_int(value[2], &options->partitions);
    const bool right[] = {
            options->keys != 0,
            is_name(options->name),
            partitions && options->partitions >= 1 &&
                    options->partitions <= MOST_PARTITIONS,
            is_list_of(options->listeners, is_name),
            is_list_of(options->meta, is_meta),
    };
    for (size_t i = 0; i < KEEL_COUNT(names); i++) {
        if (!right[i]) {
            return keel_tuple_of(name[i], keel_is_none(value[i]) ? keel_nil() : value[i]);
        }
    }
    return KEEL_NONE;
}

// --- in the supervisor ---

static keel_term init(keel_term list)
{
    struct options options;
    if (!keel_is_none(parse(list, &options))) {
        keel_error(keel_tuple_of(keel_atom(badarg), list));
    }
    struct kl_registry *registry = kl_registry_make(options.name);
    bool ready = registry != NULL;
    if (ready && registry->supervisor.word != keel_self().word) { // else a code change
        // Before anything is set up, so that nothing stays when it is cut short.
        ready = keel_defer(tear_down, registry) == KEEL_OK && set_up(registry, &options);
    }
    if (!ready) {
        keel_exit(keel_atom(system_limit));
    }
    size_t count = (size_t)options.partitions;
    keel_child_spec *children = keel_alloc(count * sizeof *children);
    for (size_t i = 0; i < count; i++) {
        children[i] = keel_child(&kl_registry_partition_server,
                keel_tuple_of(options.name, keel_uint(i)), .id = keel_uint(i));
    }
    // With unique keys the partitions fall together: a key that one of them let go could be
    // somebody else's before the others know.
    keel_term specification = keel_supervisor_init(children, count,
            .strategy = options.keys == KEEL_UNIQUE ? KEEL_ONE_FOR_ALL : KEEL_ONE_FOR_ONE);
    keel_free(children);
    return specification;
}

static bool set_up(struct kl_registry *registry, const struct options *options)
{
    size_t listeners = 0;
    keel_list_length(options->listeners, &listeners);
    uint32_t count = (uint32_t)options->partitions;
    keel_pid *partition = kl_alloc_zero(count * sizeof *partition);
    keel_term *listener = kl_alloc(listeners * sizeof *listener);
    keel_term rest = options->listeners;
    for (size_t i = 0; listener != NULL && i < listeners; i++) {
        keel_list_next(&rest, &listener[i]);
    }
    kl_lock_take(&registry->lock);
    registry->supervisor = keel_self();
    registry->partition = partition;
    registry->partition_count = partition == NULL ? 0 : count;
    registry->listener = listener;
    kl_store_relaxed(&registry->listener_count, listener == NULL ? 0 : (uint32_t)listeners);
    kl_lock_give(&registry->lock);
    kl_store_relaxed(&registry->kind, options->keys);
    kl_entries_open(&registry->table, options->keys == KEEL_UNIQUE, count);
    if (partition == NULL || listener == NULL ||
            !kl_registry_put_all_meta(registry, options->meta)) {
        return false;
    }
    // Release: pairs with the acquire in peek.
    kl_store_release(&registry->running, 1);
    return true;
}

// Runs as the supervisor ends, however it does, while it still has the registry's name.
static void tear_down(void *record)
{
    struct kl_registry *registry = record;
    if (registry->supervisor.word != keel_self().word) {
        return; // it was never set up
    }
    // Release: for symmetry; what comes below is guarded by locks.
    kl_store_release(&registry->running, 0);
    kl_lock_take(&registry->lock);
    keel_pid *partition = registry->partition;
    keel_term *listener = registry->listener;
    uint32_t partitions = registry->partition_count;
    uint32_t listeners = registry->listener_count;
    registry->supervisor = (keel_pid){0};
    registry->partition = NULL;
    registry->partition_count = 0;
    registry->listener = NULL;
    kl_store_relaxed(&registry->listener_count, 0);
    kl_lock_give(&registry->lock);
    kl_free(partition, partitions * sizeof *partition);
    kl_free(listener, listeners * sizeof *listener);
    kl_registry_drop_meta(registry);
    kl_entries_close(&registry->table);
}
