#include "stall.h"

#include "poll.h"
#include "seize.h"
#include "share.h"
#include "stack.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    QUIET_LOOKS = 10, // looks that find all workers asleep before the watcher sleeps too
    UNEVEN_NS = 1000000, // between looks while some wait and others are idle
};
static const int64_t trim_every_ns = 1000000000;

enum { WATCHING, ASLEEP, ENDING };
static uint32_t state; // futex
static pthread_t thread;
static bool started;

static void *watch(void *unused);
static int64_t look(int64_t now);
static int64_t look_at(struct kl_runner *runner, int64_t now);
static bool is_needed_elsewhere(struct kl_runner *runner, int64_t now);
static bool is_uneven(void);
static bool all_asleep(void);
static bool fall_asleep(void);

int kl_stall_start(void)
{
    kl_store_release(&state, WATCHING);
    int error = kl_runner_thread(&thread, "keel/watch", watch, NULL);
    started = error == 0;
    return error;
}

void kl_stall_stop(void)
{
    if (started) {
        kl_exchange_acq_rel(&state, ENDING);
        kl_futex_wake(&state, 1);
        pthread_join(thread, NULL);
        started = false;
    }
}

void kl_stall_rouse(void)
{
    // Pairs with fall_asleep(): the caller has marked its worker as awake before.
    uint32_t expected = ASLEEP;
    if (__atomic_load_n(&state, __ATOMIC_SEQ_CST) == ASLEEP &&
            kl_cas_acq_rel(&state, &expected, WATCHING)) {
        kl_futex_wake(&state, 1);
    }
}

static void *watch(void *unused)
{
    int64_t trimmed = kl_clock_monotonic();
    int quiet = 0;
    while (kl_load_acquire(&state) != ENDING) {
        int64_t now = kl_clock_monotonic();
        int64_t nap = look(now);
        bool trim = kl_slab_wants_trim();
        if (trim && now - trimmed >= trim_every_ns) {
            trimmed = now;
            kl_slab_trim(false);
        }
        quiet = all_asleep() ? quiet + 1 : 0;
        if (quiet > QUIET_LOOKS) {
            // Only a task on a lost thread or idle stacks are left to look after.
            if (nap == INT64_MAX && !trim && fall_asleep()) {
                quiet = 0;
                continue;
            }
            nap = nap < trim_every_ns ? nap : trim_every_ns;
        } else {
            nap = kl_core.config.stall_ns / 2;
            nap = is_uneven() && nap > UNEVEN_NS ? UNEVEN_NS : nap;
        }
        kl_futex_wait(&state, WATCHING, nap);
    }
    return unused;
}

// Looks at all runners; returns the time until the next report that may be due.
static int64_t look(int64_t now)
{
    int64_t next = INT64_MAX;
    unsigned count = kl_runner_count();
    for (unsigned i = 0; i < count; i++) {
        int64_t due = look_at(kl_runner_at(i), now);
        next = due < next ? due : next;
    }
    return next;
}

// What the runner's thread has computed so far, -1 when the system does not tell.
static int64_t computed_ns(const struct kl_runner *runner)
{
    clockid_t clock;
    struct timespec time;
    if (kl_load_acquire(&runner->tid) == 0 ||
            pthread_getcpuclockid(runner->thread, &clock) != 0 ||
            clock_gettime(clock, &time) != 0) {
        return -1;
    }
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void see(struct kl_runner *runner, int64_t now)
{
    runner->seen_since = now;
    runner->report_ns = kl_core.config.stall_ns;
    runner->seen_cpu_ns = computed_ns(runner);
}

// Whether the system has the thread down as waiting for a processor.
static bool wants_processor(const struct kl_runner *runner)
{
    char path[64];
    char line[128];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)runner->tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t length = read(fd, line, sizeof line - 1);
    close(fd);
    line[length > 0 ? length : 0] = '\0';
    const char *name_end = strrchr(line, ')'); // behind the name: " R "
    return name_end && name_end[1] == ' ' && name_end[2] == 'R';
}

// On a busy machine a turn of a microsecond lasts for tens of milliseconds when its thread
// loses the processor in it. Then nothing is stuck, and a spare thread would wait for a
// processor as well.
static bool is_starved(const struct kl_runner *runner, int64_t lasted)
{
    int64_t computed = computed_ns(runner);
    return runner->seen_cpu_ns >= 0 && computed >= 0 &&
           computed - runner->seen_cpu_ns < lasted / 2 && wants_processor(runner);
}

static int64_t look_at(struct kl_runner *runner, int64_t now)
{
    // Acquire: pairs with the release in kl_worker_begin_turn().
    struct kl_task *task = kl_load_acquire(&runner->running);
    uint64_t turn = kl_load_relaxed(&runner->turn);
    if (!task) {
        return INT64_MAX;
    }
    if (turn != runner->seen_turn) {
        runner->seen_turn = turn;
        see(runner, now);
        return runner->report_ns;
    }
    kl_store_relaxed(&runner->long_turn, turn);
    // The turn has lasted at least since it was first seen.
    int64_t lasted = now - runner->seen_since;
    if (lasted >= kl_core.config.stall_ns && is_starved(runner, lasted)) {
        see(runner, now); // it has hardly begun
        return runner->report_ns;
    }
    if (lasted >= runner->report_ns) {
        runner->report_ns = 2 * lasted;
        if (kl_core.config.stalled) {
            kl_core.config.stalled(task, lasted);
        }
    }
    if (lasted >= kl_core.config.stall_ns && is_needed_elsewhere(runner, now)) {
        kl_seize(runner, turn);
    } else {
        kl_share_rouse_one(); // to take what waits behind the turn, or to be the poller
    }
    return runner->report_ns - lasted;
}

// Whether something waits for the worker that a stuck runner has.
static bool is_needed_elsewhere(struct kl_runner *runner, int64_t now)
{
    kl_lock_take(&kl_hands);
    struct kl_worker *worker = runner->worker;
    bool needed = false;
    if (worker && !runner->hosted) {
        // The next look comes after half the stall time: what is due until then is late.
        int64_t soon = now + kl_core.config.stall_ns / 2;
        needed = kl_load_relaxed(&worker->runq.queued) > 0 ||
                 kl_load_relaxed(&worker->lender) != NULL ||
                 kl_load_relaxed(&worker->inbox) != NULL ||
                 kl_load_relaxed(&worker->wheel.next) <= soon ||
                 (kl_poll_wanted() && !kl_poll_taken() && !kl_share_any_idle());
    }
    kl_lock_give(&kl_hands);
    return needed;
}

// Whether tasks wait at one worker while another is idle. For a moment that is so after
// every wake; it matters if the turn in front of them is a long one.
static bool is_uneven(void)
{
    bool waiting = false;
    for (unsigned i = 0; i < kl_core.workers; i++) {
        waiting |= kl_runq_ready(&kl_core.worker[i]->runq) > 0;
    }
    return waiting && kl_share_any_idle();
}

static bool all_asleep(void)
{
    for (unsigned i = 0; i < kl_core.workers; i++) {
        if (__atomic_load_n(&kl_core.worker[i]->sleep, __ATOMIC_SEQ_CST) ==
                KL_SLEEP_AWAKE) {
            return false;
        }
    }
    return true;
}

// Sleeps until a worker wakes up; false when one just has, or the watcher is to end.
static bool fall_asleep(void)
{
    uint32_t expected = WATCHING;
    if (!__atomic_compare_exchange_n(
                &state, &expected, ASLEEP, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
        return false;
    }
    // Either we see the worker awake, or it sees us asleep: pairs with kl_stall_rouse().
    if (!all_asleep()) {
        expected = ASLEEP;
        kl_cas_acq_rel(&state, &expected, WATCHING);
        return false;
    }
    while (kl_load_acquire(&state) == ASLEEP) {
        kl_futex_wait(&state, ASLEEP, -1);
    }
    return true;
}
