#ifndef KL_SCHED_SEIZE_H
#define KL_SCHED_SEIZE_H

#include "runner.h"

// Takes the worker away from `runner`, which has been in turn number `turn` for too long,
// and hands it to a spare runner. False when the turn has ended meanwhile, when the runner
// has no worker any more, or when no spare can be had.
bool kl_seize(struct kl_runner *runner, uint64_t turn);

// For a runner that finds itself marked as lost at the end of a turn: true when the seizure
// was called off and it still has its worker.
bool kl_seize_survived(struct kl_runner *runner);

#endif // KL_SCHED_SEIZE_H
