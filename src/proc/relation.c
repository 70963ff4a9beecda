// What ties a process to others: links, monitors from both ends, calls owed, requests.
// A few are a list; beyond that a hash table finds them.

#include "process.h"

enum { INDEX_FROM = 12 };

struct kl_relation *kl_relation_find(struct kl_process *self, uint64_t key)
{
    if (self->extras != NULL && self->extras->relation_index != NULL) {
        return kl_hash_get(self->extras->relation_index, key);
    }
    struct kl_relation *relation = self->relations;
    while (relation != NULL && relation->key != key) {
        relation = relation->next;
    }
    return relation;
}

static bool make_index(struct kl_process *self)
{
    struct kl_extras *extras = kl_extras(self);
    struct kl_hash *index = kl_pool_alloc(sizeof *index);
    if (index == NULL) {
        return false;
    }
    kl_hash_init(index);
    for (struct kl_relation *at = self->relations; at != NULL; at = at->next) {
        if (!kl_hash_put(index, at->key, at)) {
            kl_hash_done(index);
            kl_pool_free(index, sizeof *index);
            return false;
        }
    }
    extras->relation_index = index;
    return true;
}

struct kl_relation *kl_relation_add(
        struct kl_process *self, uint64_t key, enum kl_relation_kind kind, keel_pid pid)
{
    struct kl_relation *relation = kl_pool_alloc(sizeof *relation);
    if (relation == NULL) {
        return NULL;
    }
    *relation = (struct kl_relation){.key = key, .kind = (uint8_t)kind, .pid = pid};
    relation->next = self->relations;
    if (relation->next != NULL) {
        relation->next->prev = relation;
    }
    self->relations = relation;
    self->relation_count++;
    struct kl_hash *index = self->extras == NULL ? NULL : self->extras->relation_index;
    bool indexed = index != NULL ? kl_hash_put(index, key, relation)
                                 : self->relation_count <= INDEX_FROM || make_index(self);
    if (!indexed && index != NULL) {
        kl_relation_remove(self, relation);
        return NULL;
    }
    return relation; // without an index the list still finds it, slowly
}

void kl_relation_remove(struct kl_process *self, struct kl_relation *relation)
{
    if (relation->prev != NULL) {
        relation->prev->next = relation->next;
    } else {
        self->relations = relation->next;
    }
    if (relation->next != NULL) {
        relation->next->prev = relation->prev;
    }
    self->relation_count--;
    if (self->extras != NULL && self->extras->relation_index != NULL) {
        struct kl_hash *index = self->extras->relation_index;
        kl_hash_remove(index, relation->key);
        if (self->relation_count == 0) {
            kl_hash_done(index);
            kl_pool_free(index, sizeof *index);
            self->extras->relation_index = NULL;
        }
    }
    kl_drop_for(self, relation->tag);
    kl_drop_for(self, relation->object);
    if (!kl_pid_is_local(relation->pid)) {
        kl_drop_for(self, keel_from_pid(relation->pid));
    }
    kl_pool_free(relation, sizeof *relation);
}
