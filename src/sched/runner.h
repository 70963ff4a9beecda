#ifndef KL_SCHED_RUNNER_H
#define KL_SCHED_RUNNER_H

#include "sched.h"

#include "base/base.h"

#include <pthread.h>
#include <signal.h>

struct kl_worker;

enum { KL_STACK_CACHE = 64 };

// A thread of the runtime that can drive a worker. There are as many as workers, plus the
// spare ones, plus one record for the thread of the host in a foreign loop or simulation.
//
// A worker's data (its queue, its wheel, its inbox) belongs to the runner that drives it,
// which may lose it to another one while a task keeps it stuck; docs/decisions/
// 0010-seizure.md tells how. Every access to a worker's data is bracketed by
// kl_worker_enter() and kl_worker_leave().
struct kl_runner {
    // --- written by the runner itself, at every turn ---
    uint32_t busy; // inside a bracket; pairs with kl_seize()
    uint32_t critical; // depth of kl_fault_critical_enter()
    struct kl_task *running; // read by the watcher, which never dereferences it
    uint64_t turn; // turns begun; read by the watcher
    int64_t now; // cached time
    uint64_t now_turn; // the turn in which it was asked for by kl_now_turn()
    uint64_t random; // state of kl_random()

    // --- written by the runner itself, when it switches stacks ---
    struct kl_stack *fiber; // the stack it is on, NULL on its own
    struct kl_stack *rested; // the last one that came back rested
    uint32_t nested; // fibers entered otherwise than by the worker's loop
    bool crossed; // a fiber was entered from another fiber: for AddressSanitizer
    struct kl_stack *next; // what to enter when `run` or `after` has returned
    void (*after)(struct kl_task *task, enum kl_fiber_end end);
    void *host_sp; // its own stack, while it is on a fiber's
    const void *host_low; // its own stack's bounds, as AddressSanitizer knows them
    size_t host_bytes;
    void *host_fake; // what it wants back

    // --- the runner's own, rarely used ---
    struct kl_stack *kept; // whose fiber rests, or NULL
    struct kl_stack *stacks[KL_STACK_CACHE]; // idle stacks of the default size
    uint32_t stack_count; // read for figures
    uint32_t census_tokens; // samples of stack depth that may still be taken
    int64_t census_at; // no sample before
    int64_t census_filled; // when samples were last granted
    struct kl_fault fault;
    void *alternate; // signal stack
    stack_t alternate_before;
    pthread_t thread;
    pid_t tid; // of the kernel; 0: not ours
    unsigned number; // among all runners
    bool hosted; // a thread of the host: not ours to end

    // --- written by whoever hands workers over (under kl_hands) ---
    _Alignas(KL_CACHE_LINE) struct kl_worker *worker; // NULL: none
    uint32_t lost; // the worker is being taken away, or has been
    uint32_t assigned; // futex: a spare one waits here for 1
    uint64_t long_turn; // the turn in which `now` is too old; by the watcher, read with
                        // `lost`
    struct kl_runner *next_spare;

    // --- the watcher's ---
    uint64_t seen_turn;
    int64_t seen_since, report_ns;
    int64_t seen_cpu_ns; // what the thread had computed by then
};

// The calling thread's record, NULL outside the runtime. After a switch of stacks the
// thread may be another one.
static inline struct kl_runner *kl_runner_self(void)
{
    return kl_here()->runner;
}
static inline void kl_runner_set_self(struct kl_runner *runner)
{
    kl_here()->runner = runner;
}

// Guards which runner drives which worker, the spares, and the list of runners.
extern struct kl_lock kl_hands;

// The runners that exist, by number; entries stay until the runtime stops.
unsigned kl_runner_count(void);
struct kl_runner *kl_runner_at(unsigned number);

// Starts a thread whose runner drives `worker` at once, or waits as a spare one if NULL.
// NULL with errno when it cannot be had. The caller holds kl_hands.
struct kl_runner *kl_runner_start(struct kl_worker *worker);
// Hands `worker` to a waiting spare. The caller holds kl_hands.
void kl_runner_assign(struct kl_runner *spare, struct kl_worker *worker);
// Takes a waiting spare out of the list, or NULL; puts one there. Under kl_hands.
struct kl_runner *kl_runner_take_spare(void);
void kl_runner_put_spare(struct kl_runner *runner);
unsigned kl_runner_spares_idle(void);
// Waits for all threads to end (the runtime is stopping) and forgets the runners.
void kl_runner_join_all(void);

// Makes a record for the calling thread of the host. NULL: no memory.
struct kl_runner *kl_runner_new_host(void);
void kl_runner_free_host(struct kl_runner *runner);

// Starts a thread of the runtime: name, stack size and signal mask are ours, not the
// caller's. 0 or an errno.
int kl_runner_thread(
        pthread_t *ret_thread, const char *name, void *(*body)(void *), void *argument);

#endif // KL_SCHED_RUNNER_H
