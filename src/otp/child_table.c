#include "child_table.h"

static void release(void *table);
static void unindex_pid(struct kl_child_table *table, struct kl_child *child);

void kl_child_table_init(struct kl_child_table *table)
{
    kl_ring_init(&table->order);
    kl_hash_init(&table->by_id);
    kl_hash_init(&table->by_pid);
    table->count = 0;
    if (keel_defer(release, table) != KEEL_OK) {
        keel_exit(keel_atom(system_limit));
    }
}

static void release(void *context)
{
    struct kl_child_table *table = context;
    kl_hash_done(&table->by_id);
    kl_hash_done(&table->by_pid);
}

struct kl_child *kl_child_table_add(
        struct kl_child_table *table, const struct kl_child_spec *spec)
{
    struct kl_child *child = keel_alloc(sizeof *child);
    child->spec = kl_child_spec_read(keel_keep(spec->term));
    child->id_hash = keel_hash(spec->id);
    child->next_id = kl_hash_get(&table->by_id, child->id_hash);
    if (!kl_hash_put(&table->by_id, child->id_hash, child)) {
        keel_drop(child->spec.term);
        keel_free(child);
        return NULL;
    }
    kl_ring_append(&table->order, &child->order);
    table->count++;
    return child;
}

void kl_child_table_respec(struct kl_child *child, const struct kl_child_spec *spec)
{
    keel_term old = child->spec.term;
    child->spec = kl_child_spec_read(keel_keep(spec->term));
    keel_drop(old);
}

void kl_child_table_remove(struct kl_child_table *table, struct kl_child *child)
{
    kl_child_table_set_down(table, child);
    struct kl_child *first = kl_hash_get(&table->by_id, child->id_hash);
    if (first == child && child->next_id == NULL) {
        kl_hash_remove(&table->by_id, child->id_hash);
    } else if (first == child) {
        // In place of an entry that is there: cannot fail.
        (void)kl_hash_put(&table->by_id, child->id_hash, child->next_id);
    } else {
        while (first->next_id != child) {
            first = first->next_id;
        }
        first->next_id = child->next_id;
    }
    kl_ring_remove(&child->order);
    table->count--;
    keel_drop(child->spec.term);
    keel_free(child);
}

struct kl_child *kl_child_table_find(const struct kl_child_table *table, keel_term id)
{
    struct kl_child *child = kl_hash_get(&table->by_id, keel_hash(id));
    while (child != NULL && !keel_equal(child->spec.id, id)) {
        child = child->next_id;
    }
    return child;
}

struct kl_child *kl_child_table_find_pid(const struct kl_child_table *table, keel_pid pid)
{
    keel_term term = keel_from_pid(pid);
    struct kl_child *child = kl_hash_get(&table->by_pid, keel_hash(term));
    while (child != NULL && !keel_equal(keel_from_pid(child->pid), term)) {
        child = child->next_pid;
    }
    return child;
}

bool kl_child_table_set_up(
        struct kl_child_table *table, struct kl_child *child, keel_pid pid)
{
    kl_child_table_set_down(table, child);
    keel_term term = keel_from_pid(pid);
    child->pid_hash = keel_hash(term);
    child->next_pid = kl_hash_get(&table->by_pid, child->pid_hash);
    if (!kl_hash_put(&table->by_pid, child->pid_hash, child)) {
        return false;
    }
    child->pid = keel_to_pid(keel_keep(term));
    child->status = KL_CHILD_UP;
    child->ended = KEEL_NONE;
    return true;
}

void kl_child_table_set_down(struct kl_child_table *table, struct kl_child *child)
{
    if (child->status == KL_CHILD_UP) {
        unindex_pid(table, child);
        keel_drop(keel_from_pid(child->pid));
        child->pid = (keel_pid){0};
    }
    keel_drop(child->before);
    child->before = KEEL_NONE;
    keel_drop(child->ended);
    child->ended = KEEL_NONE;
    child->stopping = false;
    child->status = KL_CHILD_DOWN;
}

void kl_child_table_set_restarting(
        struct kl_child_table *table, struct kl_child *child, keel_term before)
{
    keel_term kept = keel_keep(before);
    kl_child_table_set_down(table, child);
    child->before = kept;
    child->status = KL_CHILD_RESTARTING;
}

static void unindex_pid(struct kl_child_table *table, struct kl_child *child)
{
    struct kl_child *first = kl_hash_get(&table->by_pid, child->pid_hash);
    if (first == child && child->next_pid == NULL) {
        kl_hash_remove(&table->by_pid, child->pid_hash);
    } else if (first == child) {
        (void)kl_hash_put(&table->by_pid, child->pid_hash, child->next_pid);
    } else {
        while (first->next_pid != child) {
            first = first->next_pid;
        }
        first->next_pid = child->next_pid;
    }
    child->next_pid = NULL;
}

static struct kl_child *child_at(const struct kl_child_table *table, struct kl_link *link)
{
    return link == &table->order ? NULL : KL_CONTAINER(link, struct kl_child, order);
}

struct kl_child *kl_child_table_next(
        const struct kl_child_table *table, const struct kl_child *child)
{
    return child_at(table, child == NULL ? table->order.next : child->order.next);
}

struct kl_child *kl_child_table_previous(
        const struct kl_child_table *table, const struct kl_child *child)
{
    return child_at(table, child == NULL ? table->order.prev : child->order.prev);
}

void kl_child_table_move_last(struct kl_child_table *table, struct kl_child *child)
{
    kl_ring_remove(&child->order);
    kl_ring_append(&table->order, &child->order);
}
