#ifndef KL_SCHED_SCHED_H
#define KL_SCHED_SCHED_H

// The face of the room `sched`: workers that resume *tasks*, stacks, timers, the poller,
// the blocking pool, and the one door through which time, chance and choices enter.
// It knows nothing of processes: `proc` embeds a task in each of its processes.

#include "base/base.h"

#include <keel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// --- tasks ---

enum kl_priority { KL_PRIORITY_MAX, KL_PRIORITY_HIGH, KL_PRIORITY_NORMAL, KL_PRIORITY_LOW };

// Something that can be resumed. `run` is called on a worker thread, on that thread's own
// stack, with no lock held; a task is never run by two threads at once, because whoever
// wakes it guarantees that it is neither queued nor running (the mailbox's door of `proc`
// gives that guarantee). It may enter a fiber. After a fiber came back the task may be on
// a thread that has lost its worker to a spare one: every function of this face works
// there too, so nothing of a worker may be remembered across kl_fiber_resume.
// A task that had no turn yet, and was made where it was woken.
enum { KL_NEWBORN = 255 };
struct kl_task {
    struct kl_task *next; // while queued
    void (*run)(struct kl_task *task);
    uint8_t priority; // enum kl_priority; may change while not queued
    uint8_t talk; // messages to and from others in its last turn, in eights; or KL_NEWBORN
    uint8_t expecting; // queued, but only for something that an earlier one there will do
    uint8_t mark; // for whom the task is part of; the scheduler does not look
    uint16_t home; // 1 + the worker in whose queue it is; 0: none. By who owns the queue
    uint16_t ran; // 1 + the worker that began its last turn; a hint
};

// Makes a task runnable. From a worker: on the worker's own queue, no lock and no shared
// line, and a share of the surplus goes to an idle worker if there is one. From any other
// thread: into a worker's inbox.
void kl_sched_wake(struct kl_task *task);
// The same for a task that has talked to `other` and to nobody else: it goes to the worker
// where that runs, if both are brief there and there are few (docs/decisions/0024).
void kl_sched_wake_beside(struct kl_task *task, const struct kl_task *other);
// Puts the running task behind all others of its worker, to look again whether one of them
// has done what it waits for. It is no surplus, and costs less than to be woken for it.
void kl_sched_wait_turn(struct kl_task *task);
// A hint: it waits in some worker's own queue.
static inline bool kl_task_is_queued(const struct kl_task *task)
{
    return kl_load_relaxed(&task->home) != 0;
}
// True when `task` waits in the queue of this thread's own worker. Until
// kl_sched_let_go() nobody else can run it or take it from there, so what belongs to
// whoever runs it belongs to the caller; a few stores, no more, and no fault is survived.
struct kl_hold {
    struct kl_runner *runner;
    uint32_t was;
};
bool kl_sched_hold(const struct kl_task *task, struct kl_hold *ret_hold);
void kl_sched_let_go(const struct kl_hold *hold);
// The tasks of ordinary priority that come next on this thread's worker, at most `max` of
// them, held as above until kl_sched_let_go(); 0 when there are none, and nothing is held.
// Who wants the worker for himself waits meanwhile: some ten microseconds, no more.
size_t kl_sched_hold_next(struct kl_task **ret_tasks, size_t max, struct kl_hold *ret_hold);
// Turns that follow each other without the worker's loop in between (relay.c). Both are
// called by a task on a fiber that the worker has entered, and say no whenever the loop is
// needed: to read the clock, to look after others, or because this is a host's thread.
//
// The running task, which has nothing left to do and belongs to nobody now or to somebody
// else, gives the turn to the one that has lent it or to the first in the queue; NULL when
// that does not fit. `fits` may look at the task as who holds it does (kl_sched_hold), and
// when it says yes the task belongs to the caller.
struct kl_task *kl_sched_relay(bool (*fits)(struct kl_task *task));
// `lender`, which runs, waits for `task`, which the caller owns and which runs from now on.
// Until it is given back the turn the lender is as one in the worker's queue, where it
// comes to be when the worker's loop gets to see it.
bool kl_sched_lend(struct kl_task *lender, struct kl_task *task);
// The task that this thread is running, NULL outside.
struct kl_task *kl_task_current(void);
// Number of the worker of this thread (from 0), -1 outside or when it was taken over.
int kl_worker_current(void);
// Number of this thread among all that run tasks (from 0, for as long as the runtime runs),
// -1 for any other: to keep something for each of them.
enum { KL_SCHED_THREADS_MAX = 512 };
int kl_sched_thread(void);

// --- starting and stopping ---

struct kl_sched_config {
    unsigned workers; // threads that run tasks; 0: none, the host calls kl_sched_run_once
    unsigned blocking_threads; // most threads of the blocking pool; 0: 64
    unsigned blocking_queue; // most jobs that wait for one; 0: 1,024
    unsigned spare_threads; // most threads that stand in for stuck ones; 0: 8
    int64_t stall_ns; // a turn longer than this is stuck; 0: 20 ms; negative: no watcher
    size_t stack_bytes; // usable bytes of a stack by default; 0: 64 KiB
    bool catch_faults; // install handlers of SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT
    bool simulated; // one thread (the caller's), virtual time, choices from `seed`
    uint64_t seed;
    // Simulated: called before each turn; what it returns enters the trace. May be NULL.
    uint64_t (*turn)(struct kl_task *task);
    // A turn of `task` has lasted `ns` already; called by the watcher thread, once when it
    // passes stall_ns and again each time the length has doubled. May be NULL. The turn may
    // end at the same moment: the task's memory must stay readable for a while after.
    void (*stalled)(struct kl_task *task, int64_t ns);
};

// KEEL_E_RUNNING when started, -errno when a thread or descriptor cannot be had.
keel_status kl_sched_start(const struct kl_sched_config *config);
// Ends all threads, after the turns they are in and the blocking jobs that wait; tasks
// still queued and timers still armed are forgotten: `proc` has ended its processes before.
// Called by a thread outside.
void kl_sched_stop(void);
bool kl_sched_running(void);

// For a foreign loop (workers = 0): runs what is runnable now, fires due timers and ready
// descriptors, waits no longer than until `deadline` for the first of them. Returns the
// number of turns run. One thread at a time.
size_t kl_sched_run_once(int64_t deadline);
// A descriptor that is readable when kl_sched_run_once has something to do.
int kl_sched_fd(void);

// --- the door of time and chance ---

// The runtime's clock: on workers read before the turn, or a few short turns ago (2 us if
// turns are as long as they were; in a sudden long one it lags behind until the watcher has
// seen that, after half the stall time). From
// who wakes to who is woken it never runs backwards; a task that meets a worker which lags
// more than its last one may see it do so. Exact elsewhere; virtual simulated. Costs a
// nanosecond.
int64_t kl_now(void);
// The same, but read at the first asking in a turn: never older than the turn.
int64_t kl_now_turn(void);
// The same, read now: for deadlines that are measured by somebody else's clock.
int64_t kl_now_exact(void);
int64_t kl_now_wall(void);
uint64_t kl_random(void);

// Simulation. All of these are called by the thread that started the runtime.
// Runs until nothing is runnable at the present virtual time; false when `max_turns` (0:
// no limit) were not enough.
bool kl_sim_settle(size_t max_turns);
// Settles, then moves time on by `ns`, firing timers in order and settling in between.
void kl_sim_advance(int64_t ns);
// Moves time on by `ns` and runs nothing.
void kl_sim_skip(int64_t ns);
// The time of the earliest armed timer, INT64_MAX if none.
int64_t kl_sim_next_timer(void);
// True when the running fiber should give way here, as the seed wills; false when not
// simulated. `proc` asks at every operation that others can observe.
bool kl_sim_should_yield(void);
bool kl_sim_running(void);
// A choice among `count` possibilities, from the seed.
size_t kl_sim_choose(size_t count);
// A running hash of every choice made, every turn run and what `turn` of the configuration
// said of it: equal for equal seeds.
uint64_t kl_sim_trace(void);
// How often threads other than the one that started the runtime have woken a task: when is
// not the seed's choice.
size_t kl_sim_foreign_wakes(void);

// --- stacks and fibers ---

// A stack and what runs on it. The record lies at the stack's upper end, next to what is
// touched anyway; `scratch` is memory beside it for the fiber's first terms.
struct kl_stack {
    void *sp; // saved stack pointer while switched out
    uint8_t *low, *high; // usable bytes; the guard lies below low
    void *scratch;
    size_t scratch_bytes; // 1,024 or more
    void *owner; // whose it is; for `proc`
    struct kl_stack *next; // for whoever holds it
    const void *site; // where its user was spawned, for the census; set by `proc`
    void *fake_stack; // AddressSanitizer's
    uint32_t valgrind;
    uint32_t slab;
    bool measured; // its depth goes to the census when it is released
};

// A stack with at least `bytes` usable (0: the default), from this thread's cache, from
// the slabs' free stacks, from a new slab. NULL when the system has no more (the log
// names the limit, e.g. vm.max_map_count).
struct kl_stack *kl_stack_acquire(size_t bytes);
void kl_stack_release(struct kl_stack *stack);

// How a fiber came back.
enum kl_fiber_end {
    KL_FIBER_YIELDED, // kl_fiber_yield: it can be resumed
    KL_FIBER_RESTED, // kl_fiber_rest: it can be resumed, for something new
    KL_FIBER_DONE, // its entry returned or kl_fiber_finish was called
    KL_FIBER_FAULTED, // it hit a fault; its frames are gone, see kl_fiber_fault
};

// Prepares `stack` so that the next resume calls entry(argument) on it.
void kl_fiber_prepare(
        struct kl_stack *stack, void (*entry)(void *argument), void *argument);
// Switches to the fiber until it yields, is done or faults. Only from a task's run.
enum kl_fiber_end kl_fiber_resume(struct kl_stack *stack);
// Has the worker itself do that, as soon as the task's `run` has returned, and then call
// after(task, end); which may ask for the next one likewise. Costs least, and is what a
// task does usually.
void kl_fiber_next(
        struct kl_stack *stack, void (*after)(struct kl_task *task, enum kl_fiber_end end));
// From a fiber: back to who resumed it. May return on another thread.
void kl_fiber_yield(void);
// The same, to say that its work is done and that it is ready for the like: who has such
// work resumes it, and is spared preparing another fiber.
void kl_fiber_rest(void);
// From a fiber: has it call work(argument) for ever once its entry has returned. In between
// it goes to the fiber of the stack that `work` has returned, which was left by a switch or
// is prepared; or, if that is NULL, rests. Costs less than to rest in a function that
// returns.
void kl_fiber_work(struct kl_stack *(*work)(void *argument), void *argument);
// From a fiber that the worker has entered (kl_fiber_next): straight to another one. The
// worker takes whichever comes back to it for the one that it has entered.
void kl_fiber_cross(struct kl_stack *to);
// The stack of the fiber that has just come back rested.
struct kl_stack *kl_fiber_rested(void);
// Keeps a stack whose fiber rests at hand for this thread: one of them. False: there is
// one already, or the stack is not an ordinary one; then it is to be released.
bool kl_stack_keep(struct kl_stack *stack);
// The one that was kept, or NULL; NULL as well when it is time to measure another one.
struct kl_stack *kl_stack_take_kept(void);
// From a fiber: ends it from any depth, without unwinding.
_Noreturn void kl_fiber_finish(void);
// The stack that this thread runs on now, NULL on a thread's own stack.
struct kl_stack *kl_fiber_current(void);
// Forgets a yielded fiber's frames, so that its stack may be released or prepared anew.
void kl_fiber_abandon(struct kl_stack *stack);

// Where a switched-out stack goes on and its frame pointer, as far as they can be read
// without stopping anybody: what they point to is to be checked against the stack's
// bounds. False when the switch does not tell.
bool kl_stack_parked(const struct kl_stack *stack, uintptr_t *ret_pc, uintptr_t *ret_frame);

// A fault caught in a fiber.
struct kl_fault {
    int signal; // SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT
    bool stack_overflow; // the address lay in the fiber's guard
    uintptr_t address;
    size_t frames;
    uintptr_t pcs[32]; // innermost first
};
// The last fault of the fiber that came back faulted; valid until the next resume on
// this thread.
const struct kl_fault *kl_fiber_fault(void);
// Brackets a section of the library in a fiber whose fault must stop the node: inside,
// the handler panics instead of ending the fiber. Nests. Cheap (a thread-local count).
void kl_fault_critical_enter(void);
void kl_fault_critical_leave(void);

// The census: how deep stacks were used, per site. Measured on a sample (the first 64 uses
// on each thread, then 100 a second), exact to a page.
struct kl_stack_census {
    const void *site;
    size_t uses, deepest_bytes;
};
// Fills `ret` with up to `max` sites, deepest first; returns how many sites there are.
size_t kl_stack_census(struct kl_stack_census *ret, size_t max);

// --- timers ---

// A timer lies in a wheel of the worker that armed it; any thread may cancel it.
struct kl_timer {
    struct kl_link link; // in the wheel's slot
    int64_t at;
    void (*fire)(struct kl_timer *timer); // on a worker's own stack, no lock held
    void *wheel; // whose it is while armed, else NULL
};
// Arms an idle timer to fire at `at` or a little later, never before. Outside the
// runtime's threads it goes to some worker's wheel.
void kl_timer_arm(struct kl_timer *timer, int64_t at);
// True when the timer was armed and will not fire. False: it has fired, is about to call
// or is calling `fire`, or was never armed. Any thread.
bool kl_timer_cancel(struct kl_timer *timer);
// The same, if `*word` is `expected` as well. For a timer in a record that is used again:
// the word changes between its tenants, never while the timer is armed.
bool kl_timer_cancel_if(struct kl_timer *timer, const uint32_t *word, uint32_t expected);
// Calls `fn` if the timer is armed and the word as expected; it can neither fire nor be
// cancelled meanwhile. A lock is held: `fn` does little, and nothing with timers.
bool kl_timer_while_armed(struct kl_timer *timer, const uint32_t *word, uint32_t expected,
        void (*fn)(struct kl_timer *timer, void *context), void *context);
// Moves the timer, if it is armed, to the time that `to` gives, which is called as `fn`
// above. To others it is armed all the while.
bool kl_timer_move(struct kl_timer *timer,
        int64_t (*to)(struct kl_timer *timer, void *context), void *context);
// How many are armed.
size_t kl_timer_count(void);

// --- waiting for descriptors ---

enum { KL_POLL_IN = 1, KL_POLL_OUT = 4, KL_POLL_ERROR = 8, KL_POLL_HANGUP = 16 };
// One wait for one descriptor; `ready` is called once, on a worker's own stack.
struct kl_watch {
    int fd;
    uint32_t events; // KL_POLL_IN | KL_POLL_OUT
    uint32_t revents; // what happened
    void (*ready)(struct kl_watch *watch);
    struct kl_watch *next; // of the poller
    uint32_t state;
};
// Begins to wait. Several watches of one descriptor may be open at once (one reads, one
// writes). -errno when the system refuses the descriptor (e.g. EPERM for plain files).
keel_status kl_poll_watch(struct kl_watch *watch);
// True when the watch was waiting and `ready` will not be called. To be done before the
// descriptor is closed: the system forgets a closed one silently, and who waits for it
// hears of it (KL_POLL_ERROR) only when its number is watched again.
bool kl_poll_cancel(struct kl_watch *watch);

// --- blocking work ---

struct kl_job {
    struct kl_job *next;
    void (*work)(struct kl_job *job); // on a thread of the pool
};
// KEEL_E_OVERLOAD when the queue is full. `work` wakes whoever waits by itself. While
// simulated `work` runs at once, on the caller's thread.
keel_status kl_blocking_submit(struct kl_job *job);

// --- figures ---

struct kl_worker_stats {
    uint64_t turns, given, taken, parks, stuck; // since the start
    int64_t busy_ns;
    size_t queued; // runnable now
    struct kl_task *running; // may be stale by the time it is read: never dereference
    int64_t running_ns;
};
struct kl_sched_stats {
    unsigned workers, spare_threads, blocking_busy, blocking_threads;
    size_t blocking_queued, timers, stacks, stacks_idle, stack_bytes_mapped;
};
void kl_sched_stats(struct kl_sched_stats *ret);
bool kl_worker_stats(unsigned worker, struct kl_worker_stats *ret);

#endif // KL_SCHED_SCHED_H
