// What ties a process to others: links, monitors from both ends, calls owed, requests.
// A few are a list; beyond that a hash table finds them.

#include "proc.h"
#include "process.h"

enum { INDEX_FROM = 12 };

static struct kl_relation *scan_for_key(struct kl_process *self, uint64_t key)
{
    struct kl_relation *relation = self->relations;
    while (relation != NULL && relation->key != key) {
        relation = relation->next;
    }
    return relation;
}

struct kl_relation *kl_relation_find(struct kl_process *self, uint64_t key)
{
    if (self->extras != NULL && self->extras->relation_index != NULL) {
        return kl_hash_get(self->extras->relation_index, key);
    }
    return scan_for_key(self, key);
}

// A key for what a relation is about: immediate pids and references are their words, boxed
// ones, of other nodes, are hashed. Low bits of 0 keep the two apart.
static uint64_t key_of(keel_term identity)
{
    return kl_is_immediate(identity) ? identity.word : keel_hash(identity) & ~(uint64_t)7;
}

static bool is_about(const struct kl_relation *relation, uint64_t key, keel_term identity)
{
    if (relation->key != key) {
        return false;
    }
    return kl_is_immediate(identity) ||
           keel_equal(relation->kind == KL_REL_LINK ? keel_from_pid(relation->pid)
                                                    : relation->tag,
                   identity);
}

struct kl_relation *kl_relation_find_term(struct kl_process *self, keel_term identity)
{
    uint64_t key = key_of(identity);
    struct kl_relation *relation = kl_relation_find(self, key);
    if (relation == NULL || is_about(relation, key, identity)) {
        return relation;
    }
    // Two of the same hash, which hardly ever happens: the index knows only one of them.
    for (relation = self->relations; relation != NULL; relation = relation->next) {
        if (is_about(relation, key, identity)) {
            return relation;
        }
    }
    return NULL;
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

struct kl_relation *kl_relation_add_term(struct kl_process *self, keel_term identity,
        enum kl_relation_kind kind, keel_pid pid)
{
    uint64_t key = key_of(identity);
    bool shared = !kl_is_immediate(identity) && kl_relation_find(self, key) != NULL;
    keel_pid kept = kl_pid_is_local(pid)
                            ? pid
                            : (keel_pid){kl_keep_for(self, keel_from_pid(pid)).word};
    struct kl_relation *relation = kl_relation_add(self, key, kind, kept);
    if (relation == NULL) {
        kl_drop_for(self, keel_from_pid(kept));
        return NULL;
    }
    if (shared) {
        for (struct kl_relation *at = self->relations; at != NULL; at = at->next) {
            at->flags |= at->key == key ? KL_REL_SHARES_KEY : 0;
        }
    }
    return relation;
}

static void remove_from_index(
        struct kl_process *self, struct kl_hash *index, struct kl_relation *relation)
{
    // Another with the same key takes the place: it has a place already, so nothing fails.
    struct kl_relation *other = (relation->flags & KL_REL_SHARES_KEY) == 0
                                        ? NULL
                                        : scan_for_key(self, relation->key);
    if (other == NULL) {
        kl_hash_remove(index, relation->key);
    } else if (kl_hash_get(index, relation->key) == relation) {
        bool replaced = kl_hash_put(index, relation->key, other);
        (void)replaced;
    }
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
        remove_from_index(self, index, relation);
        if (self->relation_count == 0) {
            kl_hash_done(index);
            kl_pool_free(index, sizeof *index);
            self->extras->relation_index = NULL;
        }
    }
    if (relation->connection != 0 && kl_route != NULL) {
        kl_route->detach(relation->connection, kl_process_pid(self));
    }
    kl_drop_for(self, relation->tag);
    kl_drop_for(self, relation->object);
    if (!kl_pid_is_local(relation->pid)) {
        kl_drop_for(self, keel_from_pid(relation->pid));
    }
    kl_pool_free(relation, sizeof *relation);
}
