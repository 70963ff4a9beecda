#include "groups.h"

static uint64_t key_of(keel_term name)
{
    return keel_hash(name) | 1;
}

struct kl_group *kl_group_find(struct kl_groups *groups, keel_term name)
{
    struct kl_group *group = kl_hash_get(&groups->by_hash, key_of(name));
    while (group != NULL && !keel_equal(group->name, name)) {
        group = group->same;
    }
    return group;
}

struct kl_group *kl_group_make(struct kl_groups *groups, keel_term name)
{
    struct kl_group *group = kl_group_find(groups, name);
    if (group != NULL) {
        return group;
    }
    group = keel_alloc(sizeof *group);
    *group = (struct kl_group){.next = groups->all, .name = keel_keep(name)};
    group->same = kl_hash_get(&groups->by_hash, key_of(name));
    if (!kl_hash_put(&groups->by_hash, key_of(name), group)) {
        keel_exit(keel_atom(system_limit));
    }
    groups->all = group;
    return group;
}

void kl_group_add(struct kl_group *group, keel_term pid, keel_term node)
{
    if (group->count == group->room) {
        group->room = group->room == 0 ? 4 : 2 * group->room;
        group->members = keel_realloc(group->members, group->room * sizeof *group->members);
    }
    group->members[group->count++] = (struct kl_member){keel_keep(pid), node};
}

bool kl_group_remove(struct kl_group *group, keel_term pid)
{
    for (size_t i = 0; i < group->count; i++) {
        if (keel_equal(group->members[i].pid, pid)) {
            keel_drop(group->members[i].pid);
            group->members[i] = group->members[--group->count];
            return true;
        }
    }
    return false;
}

void kl_group_tidy(struct kl_groups *groups, struct kl_group *group)
{
    if (group->count > 0) {
        return;
    }
    struct kl_group **link = &groups->all;
    while (*link != group) {
        link = &(*link)->next;
    }
    *link = group->next;
    struct kl_group *first = kl_hash_get(&groups->by_hash, key_of(group->name));
    struct kl_group **same = &first;
    while (*same != group) {
        same = &(*same)->same;
    }
    *same = group->same;
    if (first == NULL) {
        kl_hash_remove(&groups->by_hash, key_of(group->name));
    } else {
        bool put = kl_hash_put(&groups->by_hash, key_of(group->name), first);
        (void)put; // the key is there already
    }
    keel_drop(group->name);
    keel_free(group->members);
    keel_free(group);
}

keel_term kl_group_list(const struct kl_group *group)
{
    keel_term list = keel_nil();
    for (size_t i = 0; i < group->count; i++) {
        list = keel_cons(keel_copy(group->members[i].pid), list);
    }
    return list;
}

keel_term kl_group_list_of(const struct kl_group *group, keel_term node)
{
    keel_term list = keel_nil();
    for (size_t i = 0; i < group->count; i++) {
        if (group->members[i].node.word == node.word) {
            list = keel_cons(keel_copy(group->members[i].pid), list);
        }
    }
    return list;
}
