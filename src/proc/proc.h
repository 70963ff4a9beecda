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

// --- other nodes ---
//
// What is tied to a process of another node hangs on one connection: a number that is
// given out once, never 0. Everything from one connection goes through the doors of
// processes in the order in which it came, so the order between two processes is kept
// across nodes too. The loss of the connection comes the same way (kl_remote_lost).

// How signals reach other nodes; installed by `cluster`. Without it they are out of reach:
// sends vanish, links and monitors end with noconnection. None of these waits, but for
// `send`. `self` is a local process, which may just be ending.
struct kl_route_ops {
    // May suspend the calling process, unless `nosuspend`. `from` none: from outside.
    keel_status (*send)(keel_pid from, keel_term to, keel_term message, bool nosuspend);
    void (*exit)(keel_pid from, keel_pid to, keel_term reason); // exit/2
    void (*leader)(keel_pid leader, keel_pid to);
    // Connects when there is no connection yet. Return the connection, to which `self` is
    // attached then, or 0.
    uint32_t (*link)(keel_pid self, keel_pid to);
    uint32_t (*monitor)(keel_pid self, keel_term target, keel_ref ref);
    // These go over that very connection, or nowhere.
    void (*unlink)(uint32_t connection, keel_pid self, keel_pid to, uint64_t id);
    void (*unlink_ack)(uint32_t connection, keel_pid self, keel_pid to, uint64_t id);
    void (*demonitor)(uint32_t connection, keel_pid self, keel_term target, keel_ref ref);
    void (*link_exit)(uint32_t connection, keel_pid self, keel_pid to, keel_term reason);
    // To a watcher: `watched` is the pid, or the name it is watched by.
    void (*down)(uint32_t connection, keel_term watched, keel_pid watcher, keel_term ref,
            keel_term reason);
    // Whoever is attached, once or more, hears of the connection's loss. False: it is lost.
    bool (*attach)(uint32_t connection, keel_pid self);
    void (*detach)(uint32_t connection, keel_pid self);
    // Whether the node has the older form of answers to get_state; may wait.
    bool (*bare_state)(keel_term node);
    // A message that came over it could not be decoded: it must close.
    void (*malformed)(uint32_t connection, keel_status why);
};
extern const struct kl_route_ops *kl_route;
// What decoding a message of another node may cost; set by `cluster` while no node runs.
extern keel_etf_limits kl_remote_limits;

// What a connection does on behalf of a remote process. The terms are borrowed. `to` is a
// local pid, dead ones included: whoever must hear of that is told through kl_route.
//
// A message stays as it came, in external format without version byte; its receiver
// decodes it.
struct kl_raw {
    const uint8_t *data;
    size_t size;
    keel_term binary; // with the same bytes, to be held on to; none: they are copied
};
keel_status kl_remote_send(uint32_t connection, keel_pid to, const struct kl_raw *payload);
void kl_remote_send_alias(
        uint32_t connection, keel_ref alias, const struct kl_raw *payload);
void kl_remote_link(uint32_t connection, keel_pid from, keel_pid to);
void kl_remote_unlink(uint32_t connection, keel_pid from, keel_pid to, uint64_t id);
void kl_remote_unlink_ack(uint32_t connection, keel_pid from, keel_pid to, uint64_t id);
void kl_remote_link_exit(uint32_t connection, keel_pid from, keel_pid to, keel_term reason);
// `ref` is the watcher's; `name` the name it gave, or none.
void kl_remote_monitor(
        uint32_t connection, keel_pid from, keel_pid to, keel_term ref, keel_term name);
void kl_remote_demonitor(uint32_t connection, keel_pid to, keel_term ref);
void kl_remote_down(uint32_t connection, keel_pid to, keel_ref ref, keel_term reason);
void kl_remote_exit(keel_pid from, keel_pid to, keel_term reason);
void kl_remote_leader(keel_pid leader, keel_pid to);
// Everything of `to` that hangs on the connection ends with noconnection.
void kl_remote_lost(uint32_t connection, keel_pid to);

// Waits, in a process, until `ready` gives true or the deadline has passed (false; also
// where the caller may not wait). Whoever makes it true calls kl_wake afterwards.
bool kl_wait_until(bool (*ready)(void *context), void *context, int64_t deadline);
void kl_wake(keel_pid pid);
// A thread outside waits here until a process has set `done` (a futex word), and drives the
// runtime meanwhile where no worker does. False, only simulated: nothing is left that could
// ever set it, or it would take too long.
bool kl_runtime_await(uint32_t *done);

#endif // KL_PROC_PROC_H
