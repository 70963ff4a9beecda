#include "global_names.h"

static struct kl_global_name *chain_of(const struct kl_global_names *names, keel_term name)
{
    return kl_hash_get(&names->by_name, keel_hash(name));
}

static void free_name(struct kl_global_name *name)
{
    keel_drop(name->name);
    keel_drop(name->pid);
    keel_drop(name->method);
    kl_pool_free(name, sizeof *name);
}

void kl_global_names_done(struct kl_global_names *names)
{
    struct kl_hash_cursor at = {0};
    while (kl_hash_each(&names->by_name, &at)) {
        for (struct kl_global_name *name = at.value; name;) {
            struct kl_global_name *gone = name;
            name = name->next;
            free_name(gone);
        }
    }
    kl_hash_done(&names->by_name);
    kl_hash_done(&names->by_monitor);
    kl_hash_done(&names->by_pid);
}

const struct kl_global_name *kl_global_names_find(
        const struct kl_global_names *names, keel_term name)
{
    struct kl_global_name *at = chain_of(names, name);
    while (at && !keel_equal(at->name, name)) {
        at = at->next;
    }
    return at;
}

// --- how many names a process has ---

static uintptr_t count_of(const struct kl_global_names *names, keel_term pid)
{
    return (uintptr_t)kl_hash_get(&names->by_pid, keel_hash(pid));
}

static bool set_count(struct kl_global_names *names, keel_term pid, uintptr_t count)
{
    if (count == 0) {
        kl_hash_remove(&names->by_pid, keel_hash(pid));
        return true;
    }
    return kl_hash_put(&names->by_pid, keel_hash(pid), (void *)count);
}

bool kl_global_names_has(const struct kl_global_names *names, keel_term pid)
{
    return count_of(names, pid) > 0;
}

// --- changes ---

bool kl_global_names_add(struct kl_global_names *names, keel_term name, keel_term pid,
        keel_term method, keel_ref monitor)
{
    struct kl_global_name *added = kl_pool_alloc(sizeof *added);
    if (!added) {
        return false;
    }
    *added = (struct kl_global_name){.next = chain_of(names, name),
            .name = keel_keep(name),
            .pid = keel_keep(pid),
            .method = keel_keep(method),
            .monitor = monitor};
    if (!kl_hash_put(&names->by_monitor, monitor.word, added)) {
        free_name(added);
        return false;
    }
    if (!set_count(names, pid, count_of(names, pid) + 1)) {
        kl_hash_remove(&names->by_monitor, monitor.word);
        free_name(added);
        return false;
    }
    if (!kl_hash_put(&names->by_name, keel_hash(name), added)) {
        set_count(names, pid, count_of(names, pid) - 1);
        kl_hash_remove(&names->by_monitor, monitor.word);
        free_name(added);
        return false;
    }
    return true;
}

// Takes it out of its chain. Replacing the first of a chain takes no memory.
static void unchain(struct kl_global_names *names, struct kl_global_name *gone)
{
    uint64_t hash = keel_hash(gone->name);
    struct kl_global_name *at = kl_hash_get(&names->by_name, hash);
    if (at == gone) {
        if (!gone->next) {
            kl_hash_remove(&names->by_name, hash);
        } else if (!kl_hash_put(&names->by_name, hash, gone->next)) {
            kl_panic("a value of the map cannot be replaced");
        }
        return;
    }
    while (at->next != gone) {
        at = at->next;
    }
    at->next = gone->next;
}

static void remove_name(struct kl_global_names *names, struct kl_global_name *gone)
{
    unchain(names, gone);
    kl_hash_remove(&names->by_monitor, gone->monitor.word);
    set_count(names, gone->pid, count_of(names, gone->pid) - 1);
    free_name(gone);
}

keel_ref kl_global_names_remove(struct kl_global_names *names, keel_term name)
{
    const struct kl_global_name *found = kl_global_names_find(names, name);
    if (!found) {
        return (keel_ref){0};
    }
    keel_ref monitor = found->monitor;
    kl_global_names_remove_by(names, monitor);
    return monitor;
}

bool kl_global_names_remove_by(struct kl_global_names *names, keel_ref monitor)
{
    struct kl_global_name *gone = kl_hash_get(&names->by_monitor, monitor.word);
    if (gone) {
        remove_name(names, gone);
    }
    return gone != NULL;
}

// Of each name: itself, or all about it.
static keel_term list(struct kl_global_names *names, bool whole)
{
    keel_term list = keel_nil();
    struct kl_hash_cursor at = {0};
    while (kl_hash_each(&names->by_name, &at)) {
        for (const struct kl_global_name *name = at.value; name; name = name->next) {
            list = keel_cons(whole ? keel_tuple_of(name->name, name->pid, name->method)
                                   : keel_copy(name->name),
                    list);
        }
    }
    return list;
}

keel_term kl_global_names_list(struct kl_global_names *names)
{
    return list(names, false);
}

keel_term kl_global_names_entries(struct kl_global_names *names)
{
    return list(names, true);
}
