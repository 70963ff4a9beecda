// Metadata of a registry: few terms, in a list.

#include "registries.h"

struct kl_meta {
    struct kl_meta *next;
    struct kl_held key, value;
};

static keel_status put(struct kl_registry *registry, keel_term key, keel_term value);
static struct kl_meta **find(struct kl_registry *registry, keel_term key);
static void free_meta(struct kl_meta *meta);

keel_status keel_registry_put_meta(keel_term name, keel_term key, keel_term value)
{
    struct kl_registry *registry = kl_registry_find(name);
    bool allowed = keel_is_atom(key) || keel_is_tuple(key);
    if (registry == NULL || !allowed || keel_is_none(value)) {
        return KEEL_E_BADARG;
    }
    return put(registry, key, value);
}

keel_term keel_registry_get_meta(keel_term name, keel_term key)
{
    struct kl_registry *registry = kl_registry_find(name);
    if (registry == NULL || keel_is_none(key)) {
        return KEEL_NONE;
    }
    struct kl_items *items = kl_borrow_open();
    bool done = items != NULL;
    kl_lock_take(&registry->lock);
    struct kl_meta *meta = *find(registry, key);
    if (meta != NULL && done) {
        done = kl_items_add(items, (struct kl_item){.value = kl_held_ref(meta->value)});
    }
    kl_lock_give(&registry->lock);
    keel_term value = KEEL_NONE;
    if (done && items->count == 1) {
        value = keel_copy(items->item[0].value.term);
    }
    kl_borrow_close(items);
    return value;
}

keel_status keel_registry_delete_meta(keel_term name, keel_term key)
{
    struct kl_registry *registry = kl_registry_find(name);
    if (registry == NULL || keel_is_none(key)) {
        return KEEL_E_BADARG;
    }
    kl_lock_take(&registry->lock);
    struct kl_meta **place = find(registry, key);
    struct kl_meta *meta = *place;
    if (meta != NULL) {
        *place = meta->next;
    }
    kl_lock_give(&registry->lock);
    free_meta(meta);
    return KEEL_OK;
}

bool kl_registry_put_all_meta(struct kl_registry *registry, keel_term list)
{
    keel_term pair;
    bool done = true;
    while (done && keel_list_next(&list, &pair)) {
        done = put(registry, keel_element(pair, 0), keel_element(pair, 1)) == KEEL_OK;
    }
    return done;
}

void kl_registry_drop_meta(struct kl_registry *registry)
{
    kl_lock_take(&registry->lock);
    struct kl_meta *meta = registry->meta;
    registry->meta = NULL;
    kl_lock_give(&registry->lock);
    while (meta != NULL) {
        struct kl_meta *next = meta->next;
        free_meta(meta);
        meta = next;
    }
}

static keel_status put(struct kl_registry *registry, keel_term key, keel_term value)
{
    struct kl_meta *made = kl_alloc_zero(sizeof *made);
    if (made == NULL || !kl_held_init(&made->key, key) ||
            !kl_held_init(&made->value, value)) {
        free_meta(made);
        return KEEL_E_NOMEM;
    }
    kl_lock_take(&registry->lock);
    // A registry that has ended meanwhile takes nothing: nobody would free it.
    struct kl_meta *replaced = made;
    if (registry->supervisor.word != 0) {
        struct kl_meta **place = find(registry, key);
        replaced = *place;
        made->next = replaced == NULL ? NULL : replaced->next;
        *place = made;
    }
    kl_lock_give(&registry->lock);
    free_meta(replaced);
    return KEEL_OK;
}

// Where the entry of `key` hangs, or the end.
static struct kl_meta **find(struct kl_registry *registry, keel_term key)
{
    struct kl_meta **place = &registry->meta;
    while (*place != NULL && !keel_equal((*place)->key.term, key)) {
        place = &(*place)->next;
    }
    return place;
}

static void free_meta(struct kl_meta *meta)
{
    if (meta != NULL) {
        kl_held_unref(meta->key);
        kl_held_unref(meta->value);
        kl_free(meta, sizeof *meta);
    }
}
