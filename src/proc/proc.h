#ifndef KL_PROC_PROC_H
#define KL_PROC_PROC_H

// The face of the room `proc`: what `cluster` and `testing` may use of it besides the
// public headers.

#include "sched/sched.h"
#include "term/term.h"
#include <keel/gen.h>
#include <keel/inspect.h>
#include <keel/runtime.h>
#include <keel/timer.h>

// Starts the runtime under virtual time, with every choice from `seed`, on the caller's
// thread: nothing runs but in kl_sim_settle and kl_sim_advance. `config` may be NULL.
keel_status kl_runtime_start_simulated(uint64_t seed, const keel_config *config);

// How signals reach pids of other nodes; installed by `cluster`. Without it other nodes
// are out of reach: sends vanish, links and monitors end with noconnection.
struct kl_route_ops {
    keel_status (*send)(keel_pid from, keel_term to, keel_term message, bool nosuspend);
    void (*exit)(keel_pid from, keel_pid to, keel_term reason);
    bool (*link)(keel_pid from, keel_pid to);
    void (*unlink)(keel_pid from, keel_pid to, uint64_t id);
    bool (*monitor)(keel_pid from, keel_term target, keel_ref ref);
    void (*demonitor)(keel_pid from, keel_term target, keel_ref ref);
};
extern const struct kl_route_ops *kl_route;

#endif // KL_PROC_PROC_H
