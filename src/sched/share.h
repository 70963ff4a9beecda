#ifndef KL_SCHED_SHARE_H
#define KL_SCHED_SHARE_H

#include "worker.h"

// Who is idle, and what the busy give them. docs/decisions/0011-queues.md has the policy.

enum { KL_SHARE_WORDS = KL_WORKERS_MAX / 64 };

// Read by busy workers, hardly ever written: a worker sets its bits when it has nothing to
// do, and whoever has work for it clears them.
struct kl_idle_set {
    _Alignas(KL_CACHE_LINE) uint64_t idle[KL_SHARE_WORDS]; // a bit per worker
    uint64_t spinning[KL_SHARE_WORDS]; // those of them that are not parked yet
};
extern struct kl_idle_set kl_idle_set;

void kl_share_reset(void);
// The calling worker has nothing to do, and will look at its inbox for a while.
void kl_share_announce(const struct kl_worker *worker);
// It is about to park.
void kl_share_stop_spinning(const struct kl_worker *worker);
// It has something to do.
void kl_share_withdraw(const struct kl_worker *worker);

// A worker for something from outside: an idle one if there is any.
struct kl_worker *kl_share_pick(void);
// Wakes one parked worker, if there is one, for it to look around.
bool kl_share_rouse_one(void);
// Gives idle workers a share of the queue if the policy says so. Called after a turn that
// left two or more, and by a wake that makes the queue long.
void kl_share_surplus(struct kl_runner *runner, struct kl_worker *worker);

// How many of the oldest `count` in the queue may be given before the first that had better
// stay. All that a newborn is made of has just been written here, and if its life is short
// what is left of it is read here again: to fetch a dozen lines to another core and back
// takes longer than its turn. So where turns are short newborns stay where they were born.
uint32_t kl_share_movable(const struct kl_worker *worker, uint32_t count);

// The worker where a task of `worker`, which is one of short messages, would be in the
// company of `other`; NULL: it stays where it is.
struct kl_worker *kl_share_company(struct kl_worker *worker, const struct kl_task *other);

// Whether messages are handled and sent there in less time than one line takes to travel
// between cores. A hint.
bool kl_share_is_brief(const struct kl_worker *worker);

static inline bool kl_share_any_idle(void)
{
    // Relaxed: a hint; giving claims the bit with an atomic exchange.
    for (unsigned i = 0; i < KL_SHARE_WORDS; i++) {
        if (kl_load_relaxed(&kl_idle_set.idle[i])) {
            return true;
        }
    }
    return false;
}

#endif // KL_SCHED_SHARE_H
