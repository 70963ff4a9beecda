// Looking up and matching. Entries are taken along under a short lock and read without it:
// what is made of them may take as long as it likes, and may end the caller.

#include "match_spec.h"
#include "registries.h"
#include <keel/function.h>
#include <keel/task.h>

static struct kl_items *entries_of(
        struct kl_registry *registry, keel_term key, keel_pid pid);
static keel_term list_of(struct kl_items *items, keel_term (*make)(struct kl_item *item));
static keel_term make_entry(struct kl_item *item);
static keel_term make_key(struct kl_item *item);
static keel_term make_value(struct kl_item *item);
static void keep_matching(struct kl_items *items, keel_term pattern, keel_term guards);
static struct kl_items *matching(
        keel_term registry, keel_term key, keel_term pattern, keel_term guards);
static bool are_specifications(keel_term specifications);
static bool select_one(
        const struct kl_item *item, keel_term specifications, keel_term *ret_result);

keel_term keel_registry_lookup(keel_term name, keel_term key)
{
    struct kl_registry *registry = kl_registry_find(name);
    if (registry == NULL || keel_is_none(key)) {
        return KEEL_NONE;
    }
    struct kl_items *items = entries_of(registry, key, (keel_pid){0});
    keel_term list = list_of(items, make_entry);
    kl_borrow_close(items);
    return list;
}

keel_term keel_registry_keys_of(keel_term name, keel_pid pid)
{
    struct kl_registry *registry = kl_registry_find(name);
    struct kl_items *items = registry == NULL ? NULL : kl_borrow_open();
    if (items == NULL) {
        return KEEL_NONE;
    }
    keel_term list = KEEL_NONE;
    if (kl_entries_take_owner(&registry->table, pid, items)) {
        list = list_of(items, make_key);
    }
    kl_borrow_close(items);
    return list;
}

keel_term keel_registry_values(keel_term name, keel_term key, keel_pid pid)
{
    struct kl_registry *registry = kl_registry_find(name);
    if (registry == NULL || keel_is_none(key)) {
        return KEEL_NONE;
    }
    if (pid.word == 0) {
        return keel_nil();
    }
    struct kl_items *items = entries_of(registry, key, pid);
    keel_term list = list_of(items, make_value);
    kl_borrow_close(items);
    return list;
}

size_t keel_registry_count(keel_term name)
{
    struct kl_registry *registry = kl_registry_find(name);
    return registry == NULL ? 0 : kl_entries_count(&registry->table);
}

keel_term keel_registry_match(
        keel_term registry, keel_term key, keel_term pattern, keel_term guards)
{
    struct kl_items *items = matching(registry, key, pattern, guards);
    keel_term list = list_of(items, make_entry);
    kl_borrow_close(items);
    return list;
}

size_t keel_registry_count_match(
        keel_term registry, keel_term key, keel_term pattern, keel_term guards)
{
    struct kl_items *items = matching(registry, key, pattern, guards);
    size_t count = items == NULL ? 0 : items->count;
    kl_borrow_close(items);
    return count;
}

// Takes every entry along, for select.
static struct kl_items *all_entries(keel_term name, keel_term specifications)
{
    struct kl_registry *registry = kl_registry_find(name);
    if (registry == NULL) {
        return NULL;
    }
    if (!are_specifications(specifications)) {
        kl_registry_mistake("match_spec", specifications);
        return NULL;
    }
    struct kl_items *items = kl_borrow_open();
    if (items != NULL && !kl_entries_take_all(&registry->table, items)) {
        kl_borrow_close(items);
        items = NULL;
    }
    return items;
}

keel_term keel_registry_select(keel_term registry, keel_term specifications)
{
    struct kl_items *items = all_entries(registry, specifications);
    if (items == NULL) {
        return KEEL_NONE;
    }
    keel_term list = keel_nil();
    keel_term result;
    for (size_t i = items->count; i-- > 0;) {
        if (select_one(&items->item[i], specifications, &result)) {
            list = keel_cons(keel_copy(result), list);
        }
    }
    kl_borrow_close(items);
    return list;
}

size_t keel_registry_count_select(keel_term registry, keel_term specifications)
{
    struct kl_items *items = all_entries(registry, specifications);
    size_t count = 0;
    keel_term result;
    for (size_t i = 0; items != NULL && i < items->count; i++) {
        count += select_one(&items->item[i], specifications, &result) &&
                 keel_to_bool(result);
    }
    kl_borrow_close(items);
    return count;
}

// The entries of one partition as a list.
static keel_term list_of_partition(
        const struct kl_items *items, uint32_t partition, uint32_t partitions)
{
    keel_term list = keel_nil();
    for (size_t i = items->count; i-- > 0;) {
        if (kl_entries_partition(items->item[i].pid, partitions) == partition) {
            list = keel_cons(make_entry(&items->item[i]), list);
        }
    }
    return list;
}

// How many partitions may have entries under one key.
static uint32_t dispatched_partitions(struct kl_registry *registry)
{
    bool by_process = kl_load_relaxed(&registry->kind) == KEEL_DUPLICATE;
    return by_process ? kl_registry_partition_count(registry) : 1;
}

keel_status keel_registry_dispatch(keel_term name, keel_term key,
        void (*fn)(keel_term entries, void *context), void *context)
{
    struct kl_registry *registry = kl_registry_find(name);
    if (registry == NULL || keel_is_none(key) || fn == NULL) {
        return KEEL_E_BADARG;
    }
    uint32_t partitions = dispatched_partitions(registry);
    struct kl_items *items = entries_of(registry, key, (keel_pid){0});
    if (items == NULL) {
        return KEEL_E_NOMEM;
    }
    for (uint32_t i = 0; i < partitions && items->count > 0; i++) {
        keel_term entries = list_of_partition(items, i, partitions);
        if (!keel_is_nil(entries)) {
            fn(entries, context);
        }
    }
    kl_borrow_close(items);
    return KEEL_OK;
}

typedef void (*dispatch_function)(keel_term entries, void *context);

// A task's function. It lets go of the caller at the end: one that traps exits hears
// nothing of an orderly one.
static keel_term dispatch_partition(keel_term errand)
{
    dispatch_function fn = keel_to_function(dispatch_function, keel_element(errand, 1));
    fn(keel_element(errand, 3), keel_to_pointer(keel_element(errand, 2), NULL));
    keel_unlink(keel_to_pid(keel_element(errand, 0)));
    return keel_atom(ok);
}

keel_status keel_registry_dispatch_parallel(keel_term name, keel_term key,
        void (*fn)(keel_term entries, void *context), void *context)
{
    struct kl_registry *registry = kl_registry_find(name);
    if (registry == NULL || keel_is_none(key) || fn == NULL) {
        return KEEL_E_BADARG;
    }
    uint32_t partitions = dispatched_partitions(registry);
    if (partitions <= 1 || !keel_in_process()) {
        return keel_registry_dispatch(name, key, fn, context);
    }
    struct kl_items *items = entries_of(registry, key, (keel_pid){0});
    if (items == NULL) {
        return KEEL_E_NOMEM;
    }
    keel_task *tasks = keel_alloc(partitions * sizeof *tasks);
    size_t count = 0;
    for (uint32_t i = 0; i < partitions && items->count > 0; i++) {
        keel_term entries = list_of_partition(items, i, partitions);
        if (!keel_is_nil(entries)) {
            tasks[count++] = keel_task_async(dispatch_partition,
                    keel_tuple_of(keel_from_pid(keel_self()), keel_function(fn),
                            keel_pointer(context), entries));
        }
    }
    kl_borrow_close(items);
    for (size_t i = 0; i < count; i++) {
        keel_task_await_or_exit_within(tasks[i], KEEL_FOREVER);
    }
    keel_free(tasks);
    return KEEL_OK;
}

// --- entries ---

// NULL when memory is exhausted.
static struct kl_items *entries_of(
        struct kl_registry *registry, keel_term key, keel_pid pid)
{
    struct kl_items *items = kl_borrow_open();
    if (items != NULL && !kl_entries_take_key(&registry->table, key, pid, items)) {
        kl_borrow_close(items);
        items = NULL;
    }
    return items;
}

static keel_term list_of(struct kl_items *items, keel_term (*make)(struct kl_item *item))
{
    if (items == NULL) {
        return KEEL_NONE;
    }
    keel_term list = keel_nil();
    for (size_t i = items->count; i-- > 0;) {
        list = keel_cons(make(&items->item[i]), list);
    }
    return list;
}

static keel_term make_entry(struct kl_item *item)
{
    return keel_tuple_of(keel_from_pid(item->pid), keel_copy(item->value.term));
}

static keel_term make_key(struct kl_item *item)
{
    return keel_copy(item->key.term);
}

static keel_term make_value(struct kl_item *item)
{
    return keel_copy(item->value.term);
}

// --- matching ---

static struct kl_items *matching(
        keel_term name, keel_term key, keel_term pattern, keel_term guards)
{
    struct kl_registry *registry = kl_registry_find(name);
    if (registry == NULL || keel_is_none(key)) {
        return NULL;
    }
    if (!kl_match_is_valid(pattern, guards, KEEL_NONE)) {
        kl_registry_mistake("match_spec", pattern);
        return NULL;
    }
    struct kl_items *items = entries_of(registry, key, (keel_pid){0});
    if (items != NULL) {
        keep_matching(items, pattern, guards);
    }
    return items;
}

// Moves those that match to the front and lets the others go.
static void keep_matching(struct kl_items *items, keel_term pattern, keel_term guards)
{
    size_t kept = 0;
    for (size_t i = 0; i < items->count; i++) {
        struct kl_item *item = &items->item[i];
        struct kl_bindings bindings = {.object = item->value.term};
        if (kl_match_pattern(pattern, item->value.term, &bindings) &&
                kl_match_guards(guards, &bindings)) {
            struct kl_item other = items->item[kept];
            items->item[kept++] = *item;
            *item = other;
        }
    }
    for (size_t i = kept; i < items->count; i++) {
        kl_held_unref(items->item[i].key);
        kl_held_unref(items->item[i].value);
    }
    items->count = kept;
}

// A list of {{Key, Pid, Value}, Guards, Body}.
static bool are_specifications(keel_term specifications)
{
    keel_term one;
    while (keel_list_next(&specifications, &one)) {
        keel_term pattern = keel_element(one, 0);
        bool right = keel_tuple_size(one) == 3 && keel_tuple_size(pattern) == 3 &&
                     kl_match_is_valid(pattern, keel_element(one, 1), keel_element(one, 2));
        if (!right) {
            return false;
        }
    }
    return keel_is_nil(specifications);
}

static bool select_one(
        const struct kl_item *item, keel_term specifications, keel_term *ret_result)
{
    keel_term pid = keel_from_pid(item->pid);
    keel_term one;
    while (keel_list_next(&specifications, &one)) {
        keel_term pattern = keel_element(one, 0);
        struct kl_bindings bindings = {0};
        bool matches = kl_match_pattern(
                               keel_element(pattern, 0), item->key.term, &bindings) &&
                       kl_match_pattern(keel_element(pattern, 1), pid, &bindings) &&
                       kl_match_pattern(
                               keel_element(pattern, 2), item->value.term, &bindings);
        if (!matches) {
            continue;
        }
        bindings.object = keel_tuple_of(
                item->key.term, keel_tuple_of(pid, item->value.term));
        if (kl_match_guards(keel_element(one, 1), &bindings)) {
            *ret_result = kl_match_body(keel_element(one, 2), &bindings);
            return true;
        }
    }
    return false;
}
