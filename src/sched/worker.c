#include "worker.h"

#include "fiber.h"
#include "poll.h"
#include "seize.h"
#include "share.h"

#include <sys/mman.h>

enum {
    FIRE_BATCH = 128, // timers fired between two turns
    PREPARE_BATCH = 16, // far timers moved nearer then
    REFRESH_TURNS = 16, // most turns between two looks at the clock
#if defined(KL_CALLGRIND) || KL_TSAN
    REFRESH_NS = 200000, // what is slow is to do what a fast machine does
#else
    REFRESH_NS = 2000, // most time meant to pass between them
#endif
    POLL_EVERY_NS = 100000, // how often a busy worker looks after descriptors
    FIRST_GUESS_NS = 1000, // of a turn's length
    USUAL_MAX_NS = 10000, // beyond which it does not matter how long turns usually are
    STEP_NS_MAX = 1024, // most that one look at the clock makes of a message
    ROUSE_GAP_NS = 50000,
};

static struct kl_task *next_task(struct kl_runner *runner, struct kl_worker *worker);

static inline bool turn(
        struct kl_runner *runner, struct kl_worker *worker, struct kl_task *task)
{
    kl_worker_begin_turn(runner, worker, task);
    kl_worker_leave(runner, 0);

    task->run(task);
    while (runner->next) {
        struct kl_stack *stack = runner->next;
        runner->next = NULL;
        // In the midst of the loop: no call is under way here that a switch would come
        // between, so the processor goes on predicting all returns.
        enum kl_fiber_end end = kl_fiber_enter(runner, stack);
        // The fiber may have gone on with other turns than it was entered for.
        runner->after(runner->running, end); // the task may be elsewhere now
    }

    kl_store_relaxed(&runner->busy, 1);
    kl_fence_light(); // both as in kl_worker_enter()
    kl_store_relaxed(&runner->running, NULL);
    if (__builtin_expect(kl_load_acquire(&runner->lost) != 0, 0) &&
            !kl_seize_survived(runner)) {
        return false;
    }
    if (__builtin_expect(worker->lender != NULL, 0)) {
        kl_worker_queue_lender(worker);
    }
    return true;
}

void kl_worker_queue_lender(struct kl_worker *worker)
{
    kl_runq_push_expecting(&worker->runq, worker->lender);
    kl_store_relaxed(&worker->lender, NULL); // the watcher looks
}

void kl_worker_loop(struct kl_runner *runner)
{
    uint32_t was;
    struct kl_worker *worker = kl_worker_enter(runner, &was);
    if (worker) {
        worker->refresh_in = 1;
        while (!kl_core_stopping()) {
            struct kl_task *task = next_task(runner, worker);
            if (!task) {
                kl_worker_idle(runner, worker);
                continue;
            }
            if (!turn(runner, worker, task)) {
                break;
            }
            if (kl_runq_ready(&worker->runq) >= 2 && kl_share_any_idle()) {
                kl_share_surplus(runner, worker);
            } else {
                worker->surplus = 0;
            }
        }
    }
    kl_worker_leave(runner, 0);
}

bool kl_worker_turn(
        struct kl_runner *runner, struct kl_worker *worker, struct kl_task *task)
{
    return turn(runner, worker, task);
}

static struct kl_task *next_task(struct kl_runner *runner, struct kl_worker *worker)
{
    if (--worker->refresh_in == 0) {
        kl_worker_refresh(runner, worker);
    }
    if (kl_worker_take_inbox(worker)) {
        // Who has woken these tasks has seen another clock: time must not run backwards
        // from there to here.
        runner->now = kl_now_exact();
    }
    return kl_runq_pop(&worker->runq);
}

// Notes how long turns take, and reads the clock again after as many of them as fit into
// REFRESH_NS: the reading costs as much as a short turn's fifth.
static void measure_turns(struct kl_worker *worker, int64_t now)
{
    uint64_t turns = worker->turns - worker->refreshed_turns;
    int64_t elapsed = now - worker->refreshed;
    kl_store_relaxed(&worker->refreshed, now); // read for figures
    worker->refreshed_turns = worker->turns;
    if (turns > 0) {
        int64_t mean = elapsed / (int64_t)turns;
        uint32_t usual = worker->usual_ns;
        usual = mean > usual ? usual + usual / 2 + 1 : usual - usual / 8;
        worker->usual_ns = usual < USUAL_MAX_NS ? usual : USUAL_MAX_NS;
        mean = (mean + worker->turn_ns) / 2;
        worker->turn_ns = mean < UINT32_MAX ? (uint32_t)mean : UINT32_MAX;
    }
    uint64_t steps = (worker->steps - worker->refreshed_steps) * 8;
    worker->refreshed_steps = worker->steps;
    // A thread that is held up for a while says nothing about messages.
    int64_t step_ns = elapsed / (int64_t)(steps + 1);
    uint32_t sample = step_ns < STEP_NS_MAX ? (uint32_t)step_ns : STEP_NS_MAX;
    kl_store_relaxed(&worker->step_ns, (3 * worker->step_ns + sample) / 4);
    uint64_t fitting = REFRESH_NS / ((uint64_t)worker->turn_ns + 1);
    worker->refresh_every = fitting < 1               ? 1
                            : fitting > REFRESH_TURNS ? REFRESH_TURNS
                                                      : (uint32_t)fitting;
    worker->refresh_in = worker->refresh_every;
}

bool kl_worker_refresh(struct kl_runner *runner, struct kl_worker *worker)
{
    int64_t now = kl_now_exact();
    runner->now = now;
    measure_turns(worker, now);
    size_t done = kl_worker_fire(runner, worker);
    if (kl_load_relaxed(&worker->wheel.behind)) {
        kl_wheel_prepare(&worker->wheel, PREPARE_BATCH);
    }
    if (now - worker->polled_at >= POLL_EVERY_NS && kl_poll_wanted() && kl_poll_begin()) {
        worker->polled_at = now;
        done += kl_poll_wait(0);
        kl_poll_end();
    }
    return done > 0;
}

size_t kl_worker_fire(struct kl_runner *runner, struct kl_worker *worker)
{
    if (__builtin_expect(runner->now < kl_load_relaxed(&worker->wheel.next), 1)) {
        return 0;
    }
    struct kl_link due;
    kl_ring_init(&due);
    size_t count = kl_wheel_collect(&worker->wheel, runner->now, FIRE_BATCH, &due);
    while (!kl_ring_empty(&due)) {
        struct kl_timer *timer = KL_CONTAINER(due.next, struct kl_timer, link);
        kl_ring_remove(&timer->link);
        timer->fire(timer); // the timer may be gone now
    }
    if (count == FIRE_BATCH) {
        worker->refresh_in = 1;
    }
    return count;
}

bool kl_worker_take_inbox(struct kl_worker *worker)
{
    // A plain look first: the line stays with this worker as long as nobody writes to it.
    if (__builtin_expect(!kl_load_relaxed(&worker->inbox), 1)) {
        return false;
    }
    // Acquire: pairs with the release in kl_worker_post().
    struct kl_task *newest = kl_exchange_acq_rel(&worker->inbox, NULL);
    struct kl_task *oldest = NULL;
    while (newest) {
        struct kl_task *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct kl_task *next = oldest->next;
        kl_runq_push(&worker->runq, oldest);
        oldest = next;
    }
    return true;
}

void kl_worker_post(struct kl_worker *worker, struct kl_task *first, struct kl_task *last)
{
    struct kl_task *newest = kl_load_relaxed(&worker->inbox);
    do {
        last->next = newest;
        // Release: pairs with the acquire in kl_worker_take_inbox().
    } while (!kl_cas_release(&worker->inbox, &newest, first));
    kl_worker_kick(worker);
}

void kl_worker_kick(struct kl_worker *worker)
{
    // Either the worker sees what we wrote before it sleeps, or we see that it sleeps:
    // pairs with the fence in park().
    kl_fence_full();
    uint32_t sleep = kl_load_relaxed(&worker->sleep);
    if (sleep == KL_SLEEP_AWAKE ||
            !kl_cas_acq_rel(&worker->sleep, &sleep, KL_SLEEP_AWAKE)) {
        return;
    }
    if (sleep == KL_SLEEP_PARKED) {
        kl_futex_wake(&worker->sleep, 1);
    } else {
        kl_poll_kick();
    }
}

bool kl_worker_prepare(unsigned index, int64_t now)
{
    struct kl_worker *worker = kl_core.worker[index];
    if (!worker) {
        worker = mmap(NULL, sizeof *worker, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (worker == MAP_FAILED) {
            return false;
        }
        kl_core.worker[index] = worker;
    }
    *worker = (struct kl_worker){
            .index = index,
            .runq.home = (uint16_t)(index + 1),
            .refresh_in = REFRESH_TURNS,
            .refresh_every = REFRESH_TURNS,
            .turn_ns = FIRST_GUESS_NS,
            .usual_ns = FIRST_GUESS_NS,
            .refreshed = now,
            .busy_since = now,
            .working = 1,
            .rouse_gap = ROUSE_GAP_NS,
    };
    kl_eager_init(&worker->eager);
    kl_wheel_init(&worker->wheel, now);
    return true;
}
