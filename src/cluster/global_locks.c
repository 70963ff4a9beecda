#include "global_locks.h"

static void free_holder(struct kl_global_holder *holder)
{
    keel_drop(holder->pid);
    kl_pool_free(holder, sizeof *holder);
}

static void free_lock(struct kl_global_lock *lock)
{
    while (lock->holders) {
        struct kl_global_holder *gone = lock->holders;
        lock->holders = gone->next;
        free_holder(gone);
    }
    keel_drop(lock->resource);
    keel_drop(lock->requester);
    kl_pool_free(lock, sizeof *lock);
}

void kl_global_locks_done(struct kl_global_locks *locks)
{
    while (locks->first) {
        struct kl_global_lock *gone = locks->first;
        locks->first = gone->next;
        free_lock(gone);
    }
}

static struct kl_global_lock *find(const struct kl_global_locks *locks, keel_term resource)
{
    struct kl_global_lock *lock = locks->first;
    while (lock && !keel_equal(lock->resource, resource)) {
        lock = lock->next;
    }
    return lock;
}

const struct kl_global_lock *kl_global_locks_find(
        const struct kl_global_locks *locks, keel_term resource)
{
    return find(locks, resource);
}

bool kl_global_locks_is_free(
        const struct kl_global_locks *locks, keel_term resource, keel_term requester)
{
    const struct kl_global_lock *lock = find(locks, resource);
    return !lock || keel_equal(lock->requester, requester);
}

// Where the pointer to the holder is; NULL inside when it holds nothing.
static struct kl_global_holder **find_holder(struct kl_global_lock *lock, keel_term pid)
{
    struct kl_global_holder **at = &lock->holders;
    while (*at && !keel_equal((*at)->pid, pid)) {
        at = &(*at)->next;
    }
    return at;
}

bool kl_global_locks_holds(const struct kl_global_locks *locks, keel_term resource,
        keel_term requester, keel_term pid)
{
    struct kl_global_lock *lock = find(locks, resource);
    return lock && keel_equal(lock->requester, requester) && *find_holder(lock, pid);
}

bool kl_global_locks_add(struct kl_global_locks *locks, keel_term resource,
        keel_term requester, keel_term pid, keel_ref monitor)
{
    struct kl_global_lock *lock = find(locks, resource);
    struct kl_global_holder *holder = kl_pool_alloc(sizeof *holder);
    if (!holder) {
        return false;
    }
    if (!lock) {
        lock = kl_pool_alloc(sizeof *lock);
        if (!lock) {
            kl_pool_free(holder, sizeof *holder);
            return false;
        }
        *lock = (struct kl_global_lock){.next = locks->first,
                .resource = keel_keep(resource),
                .requester = keel_keep(requester)};
        locks->first = lock;
    }
    *holder = (struct kl_global_holder){
            .next = lock->holders, .pid = keel_keep(pid), .monitor = monitor};
    lock->holders = holder;
    return true;
}

// A lock that nobody holds any more goes.
static void drop_if_free(struct kl_global_locks *locks, struct kl_global_lock *lock)
{
    struct kl_global_lock **at = &locks->first;
    if (lock->holders) {
        return;
    }
    while (*at != lock) {
        at = &(*at)->next;
    }
    *at = lock->next;
    free_lock(lock);
}

keel_ref kl_global_locks_remove(struct kl_global_locks *locks, keel_term resource,
        keel_term requester, keel_term pid)
{
    if (!kl_global_locks_holds(locks, resource, requester, pid)) {
        return (keel_ref){0};
    }
    struct kl_global_lock *lock = find(locks, resource);
    struct kl_global_holder **at = find_holder(lock, pid), *gone = *at;
    keel_ref monitor = gone->monitor;
    *at = gone->next;
    free_holder(gone);
    drop_if_free(locks, lock);
    return monitor;
}

bool kl_global_locks_remove_by(struct kl_global_locks *locks, keel_ref monitor)
{
    for (struct kl_global_lock *lock = locks->first; lock; lock = lock->next) {
        for (struct kl_global_holder **at = &lock->holders; *at; at = &(*at)->next) {
            if ((*at)->monitor.word == monitor.word) {
                struct kl_global_holder *gone = *at;
                *at = gone->next;
                free_holder(gone);
                drop_if_free(locks, lock);
                return true;
            }
        }
    }
    return false;
}
