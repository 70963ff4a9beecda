#ifndef KL_OTP_CHILD_TABLE_H
#define KL_OTP_CHILD_TABLE_H

#include "base/base.h"
#include "child_spec.h"

// The children of one supervisor, in start order, found by id and by pid at once. Children
// are memory of the supervisor's process; the two indexes are not, and are released by
// keel_defer when it ends.

enum kl_child_status {
    KL_CHILD_DOWN, // terminated, or it declined to start: `undefined`
    KL_CHILD_UP, // `pid` runs
    KL_CHILD_RESTARTING, // an attempt failed, or waits
};

struct kl_child {
    struct kl_link order;
    struct kl_child *next_id, *next_pid; // with the same hash
    struct kl_child_spec spec; // its term is kept
    uint64_t id_hash, pid_hash;
    keel_pid pid; // KL_CHILD_UP; a remote one is kept
    keel_term before; // KL_CHILD_RESTARTING: the pid it had, if any; kept. Else none
    keel_term ended; // why it has ended, if its exit was read ahead; else none
    int64_t started_at; // of the last start, if there is a backoff
    uint32_t tries; // to restart it, since it last ran long enough
    uint8_t status; // enum kl_child_status
    bool stopping; // with others; its exit may be read ahead
};

struct kl_child_table {
    struct kl_link order; // ring of children
    struct kl_hash by_id, by_pid;
    size_t count;
};

void kl_child_table_init(struct kl_child_table *table);
// Adds a child last in order; `spec.term` is copied. NULL when memory is exhausted.
struct kl_child *kl_child_table_add(
        struct kl_child_table *table, const struct kl_child_spec *spec);
// Gives a child a new specification of the same id.
void kl_child_table_respec(struct kl_child *child, const struct kl_child_spec *spec);
void kl_child_table_remove(struct kl_child_table *table, struct kl_child *child);
struct kl_child *kl_child_table_find(const struct kl_child_table *table, keel_term id);
struct kl_child *kl_child_table_find_pid(const struct kl_child_table *table, keel_pid pid);
// False when memory is exhausted: the child is then not up.
bool kl_child_table_set_up(
        struct kl_child_table *table, struct kl_child *child, keel_pid pid);
// Not up any more, and nothing is tried.
void kl_child_table_set_down(struct kl_child_table *table, struct kl_child *child);
// Not up any more; it is to be started again in the place of the process `before` (none:
// of nobody), which is copied.
void kl_child_table_set_restarting(
        struct kl_child_table *table, struct kl_child *child, keel_term before);
// The neighbours in start order, NULL at the ends; `child` NULL: the first, the last.
struct kl_child *kl_child_table_next(
        const struct kl_child_table *table, const struct kl_child *child);
struct kl_child *kl_child_table_previous(
        const struct kl_child_table *table, const struct kl_child *child);
// Moves a child to the end of the order.
void kl_child_table_move_last(struct kl_child_table *table, struct kl_child *child);

#endif // KL_OTP_CHILD_TABLE_H
