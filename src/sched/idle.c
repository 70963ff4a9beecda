#include "worker.h"

#include "poll.h"
#include "seize.h"
#include "share.h"
#include "stall.h"

#include <sched.h>

// What a worker does that has nothing to run: it says so, looks at its own inbox for a few
// microseconds, and parks; in the poller, if descriptors are watched and nobody is there.
// Then it looks at these, too, and for longer if that has found something lately (eager.h).
// Before it parks it helps out one that is in a long turn with others waiting behind it:
// such a one cannot give by itself. The lines of busy workers are looked at once, not
// polled.

enum {
    PREPARE_BATCH = 64, // far timers moved nearer in one piece
    LOOKS_PER_CLOCK = 8, // looks at the inbox between two at the clock
    NEAR_NS = 30000, // a timer this near is not worth parking for
    BRIEF_TURN_NS = 100000, // the longest turn made of short messages
    AWAY_NS = 100000, // a poller that stays away longer should have handed over
    USEFUL_NS = 20000, // a worker that is roused for less was roused for nothing
    ROUSE_GAP_MIN_NS = 50000,
    ROUSE_GAP_MAX_NS = 2000000,
};

// A worker that has more than it can run at once, and where it was when we looked.
struct victim {
    struct kl_worker *worker;
    uint64_t turns;
};

static struct victim find_victim(const struct kl_worker *worker);
static bool watch_turn(const struct victim *victim, const struct kl_worker *worker);
static bool take_from(const struct victim *victim, struct kl_worker *worker);
static bool look_around(struct kl_worker *worker, int64_t since);
static bool look_for_long(struct kl_worker *worker, int64_t since);
static void park(struct kl_runner *runner, struct kl_worker *worker);
static void poll_here(struct kl_worker *worker, int64_t timeout);
static void judge_rousing(struct kl_worker *worker, int64_t busy);

static bool has_work(const struct kl_worker *worker, int64_t now)
{
    return kl_load_relaxed(&worker->inbox) != NULL ||
           kl_load_relaxed(&worker->wheel.next) <= now || kl_core_stopping();
}

void kl_worker_idle(struct kl_runner *runner, struct kl_worker *worker)
{
    kl_worker_refresh(runner, worker);
    if (worker->runq.queued > 0 || kl_load_relaxed(&worker->inbox)) {
        return;
    }
    if (kl_load_relaxed(&worker->wheel.behind)) {
        kl_wheel_prepare(&worker->wheel, PREPARE_BATCH);
        return; // to look again in between
    }
    int64_t busy = runner->now - worker->busy_since;
    kl_store_relaxed(&worker->busy_ns, worker->busy_ns + busy);
    kl_store_relaxed(&worker->working, 0);
    judge_rousing(worker, busy);

    struct victim victim = find_victim(worker);
    kl_share_announce(worker);
    if (!look_around(worker, runner->now) && !watch_turn(&victim, worker) &&
            !take_from(&victim, worker)) {
        kl_share_stop_spinning(worker);
        park(runner, worker);
    }
    kl_share_withdraw(worker);
    if (worker->poll_handover) {
        worker->poll_handover = false;
        kl_share_rouse_one();
    }

    runner->now = kl_now_exact();
    kl_store_relaxed(&worker->busy_since, runner->now);
    kl_store_relaxed(&worker->refreshed, runner->now);
    kl_store_relaxed(&worker->working, 1);
    worker->refreshed_turns = worker->turns;
}

static struct victim find_victim(const struct kl_worker *worker)
{
    if (kl_core.spin_ns == 0) {
        return (struct victim){0}; // no way to see that its turn is long
    }
    for (unsigned i = 1; i < kl_core.workers; i++) {
        struct kl_worker *other = kl_core.worker[(worker->index + i) % kl_core.workers];
        if (kl_runq_ready(&other->runq) > 0) {
            return (struct victim){other, kl_load_relaxed(&other->turns)};
        }
    }
    return (struct victim){0};
}

static bool is_in_turn(const struct victim *victim)
{
    return victim->worker && kl_load_relaxed(&victim->worker->turns) == victim->turns;
}

// Where turns are made of short messages they last no longer than some tens of
// microseconds, and those who wait there are better off together: it is worth seeing
// whether this turn is another one of them. True when there is something to do meanwhile.
static bool watch_turn(const struct victim *victim, const struct kl_worker *worker)
{
    if (!victim->worker || !kl_share_is_brief(victim->worker)) {
        return false;
    }
    int64_t since = kl_clock_monotonic();
    for (int64_t now = since; now - since < BRIEF_TURN_NS && is_in_turn(victim);
            now = kl_clock_monotonic()) {
        if (has_work(worker, now)) {
            return true;
        }
        kl_cpu_relax();
    }
    return false;
}

static bool take_from(const struct victim *victim, struct kl_worker *worker)
{
    return is_in_turn(victim) && kl_runq_ready(&victim->worker->runq) > 0 &&
           kl_seize_half(victim->worker, victim->turns, worker);
}

// Unless another worker does. The role is given back at once: between two looks this thread
// may lose its processor.
static bool look_at_descriptors(struct kl_worker *worker)
{
    if (!kl_poll_wanted() || !kl_poll_begin()) {
        return false;
    }
    bool found = kl_poll_wait(0) > 0;
    kl_poll_end();
    if (found) {
        kl_eager_found(&worker->eager);
    }
    return found;
}

// Spins for a while. True when there is something to do.
static bool look_around(struct kl_worker *worker, int64_t since)
{
    if (kl_core.spin_ns == 0) {
        return has_work(worker, since);
    }
    if (kl_eager_wants(&worker->eager) && kl_poll_wanted()) {
        return look_for_long(worker, since);
    }
    int64_t next = kl_load_relaxed(&worker->wheel.next);
    int64_t until = since + kl_core.spin_ns;
    if (next - since < NEAR_NS && next > until) {
        until = next;
    }
    for (int64_t now = since; now < until; now = kl_clock_monotonic()) {
        for (int i = 0; i < LOOKS_PER_CLOCK; i++) {
            if (has_work(worker, now)) {
                return true;
            }
            kl_cpu_relax();
        }
        if (look_at_descriptors(worker)) {
            return true;
        }
    }
    return false;
}

// The same for an eager worker. What it waits for may need this processor to come about, so
// between two looks it gives way to others. To do so costs nothing where nobody else wants
// to run; where others have more to do than that the worker had better sleep, since it is
// woken sooner than it would be its turn again.
static bool look_for_long(struct kl_worker *worker, int64_t since)
{
    for (int64_t now = since; now - since < KL_EAGER_NS;) {
        if (has_work(worker, now) || look_at_descriptors(worker)) {
            return true;
        }
        int64_t before = kl_clock_monotonic();
        sched_yield();
        now = kl_clock_monotonic();
        if (now - before > KL_EAGER_CROWDED_NS) {
            kl_eager_crowded(&worker->eager);
            return has_work(worker, now) || look_at_descriptors(worker);
        }
    }
    kl_eager_vain(&worker->eager);
    return false;
}

static void park(struct kl_runner *runner, struct kl_worker *worker)
{
    bool poller = kl_poll_wanted() && kl_poll_begin();
    kl_store_relaxed(&worker->sleep, poller ? KL_SLEEP_POLLING : KL_SLEEP_PARKED);
    // Either we see what was posted, or who posts sees that we sleep: pairs with the
    // fence in kl_worker_kick(), and in kl_poll_watch() for descriptors.
    kl_fence_full();
    bool unwatched = !poller && kl_poll_wanted() && !kl_poll_taken();
    runner->now = kl_now_exact();
    if (!unwatched && !has_work(worker, runner->now)) {
        kl_store_relaxed(&worker->parks, worker->parks + 1);
        int64_t next = kl_load_relaxed(&worker->wheel.next);
        int64_t timeout = next == INT64_MAX ? -1 : next - runner->now;
        if (poller) {
            poll_here(worker, timeout);
        } else {
            kl_futex_wait(&worker->sleep, KL_SLEEP_PARKED, timeout);
        }
    }
    // Sequentially consistent: the watcher looks at this word before it sleeps, and
    // kl_stall_rouse() looks whether it does.
    __atomic_store_n(&worker->sleep, KL_SLEEP_AWAKE, __ATOMIC_SEQ_CST);
    if (poller) {
        kl_poll_end();
    }
    kl_stall_rouse();
}

static void poll_here(struct kl_worker *worker, int64_t timeout)
{
    int64_t began = kl_now_exact();
    // The role is laid down by who leaves with something to do. If this one was away for
    // long the last time, an idle worker had better take it up.
    bool was_long = worker->away_since && began - worker->away_since > AWAY_NS;
    worker->away_since = 0;
    if (kl_poll_wait(timeout) > 0) {
        worker->away_since = kl_now_exact();
        worker->poll_handover = was_long;
        kl_eager_waited(&worker->eager, worker->away_since - began);
    }
}

// Tells the worker whose gift woke this one whether that was worth it: each wake costs it
// microseconds, so after vain ones it wakes less often.
static void judge_rousing(struct kl_worker *worker, int64_t busy)
{
    uint32_t by = kl_load_relaxed(&worker->roused_by);
    if (by == 0) {
        return;
    }
    kl_store_relaxed(&worker->roused_by, 0);
    struct kl_worker *giver = kl_core.worker[by - 1];
    uint32_t gap = kl_load_relaxed(&giver->rouse_gap);
    if (busy >= USEFUL_NS) {
        gap = ROUSE_GAP_MIN_NS;
    } else if (gap < ROUSE_GAP_MAX_NS) {
        gap *= 2;
    }
    // A race between two receivers loses one judgement, which does not matter.
    kl_store_relaxed(&giver->rouse_gap, gap);
}
