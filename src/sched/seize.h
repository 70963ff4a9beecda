#ifndef KL_SCHED_SEIZE_H
#define KL_SCHED_SEIZE_H

#include "worker.h"

// Takes the worker away from `runner`, which has been in turn number `turn` for too long,
// and hands it to a spare runner. False when the turn has ended meanwhile, when the runner
// has no worker any more, or when no spare can be had.
bool kl_seize(struct kl_runner *runner, uint64_t turn);

// Moves half of what is queued at `worker`, if it is still in its turn number `turns`, to
// the queue of `thief`, whose driver is the caller. True when there was something.
bool kl_seize_half(struct kl_worker *worker, uint64_t turns, struct kl_worker *thief);

// For a runner that finds itself marked as lost at the end of a turn: true when the seizure
// was called off and it still has its worker.
bool kl_seize_survived(struct kl_runner *runner);

#endif // KL_SCHED_SEIZE_H
