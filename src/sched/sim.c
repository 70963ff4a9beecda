#include "sim.h"
#include "door.h"
#include "host.h"
#include "poll.h"

// The simulator: the host's thread alone runs everything, time stands still unless it is
// moved, and whatever could happen in several orders happens in the one that the seed
// chooses. docs/decisions/0012-simulator.md lists what is chosen.

enum {
    CHOICE_MAX = 64, // of how many runnable tasks the next is chosen
    YIELD_ONE_IN = 4, // a fiber gives way at one place of so many
};

static uint64_t choices; // state of the generator that the scheduler uses
static uint64_t trace;
static pthread_t home; // the thread that started the runtime
static size_t foreign_wakes; // atomic

static bool settle(struct kl_runner *runner, size_t max_turns);
static bool step(struct kl_runner *runner, struct kl_worker *worker, bool *ret_turn);
static struct kl_task *choose_task(struct kl_worker *worker);
static void fire_due(struct kl_runner *runner, struct kl_worker *worker);
static bool poll_descriptors(void);

void kl_sim_start(uint64_t seed)
{
    choices = seed;
    trace = 0;
    home = pthread_self();
    kl_store_relaxed(&foreign_wakes, 0);
    // Programs draw from a sequence of their own: one more draw there must not change
    // every choice after it.
    uint64_t other = seed;
    kl_door.random = kl_random_next(&other);
}

bool kl_sim_settle(size_t max_turns)
{
    struct kl_runner *runner = kl_host_attach("kl_sim_settle");
    bool settled = settle(runner, max_turns);
    kl_host_detach(runner);
    return settled;
}

void kl_sim_advance(int64_t ns)
{
    struct kl_runner *runner = kl_host_attach("kl_sim_advance");
    struct kl_wheel *wheel = &runner->worker->wheel;
    int64_t target = kl_door.now + ns;
    settle(runner, 0);
    for (int64_t at; (at = kl_wheel_earliest(wheel)) <= target;) {
        kl_door.now = at > kl_door.now ? at : kl_door.now;
        settle(runner, 0);
    }
    kl_door.now = target;
    settle(runner, 0);
    kl_host_detach(runner);
}

void kl_sim_skip(int64_t ns)
{
    if (__builtin_add_overflow(kl_door.now, ns, &kl_door.now)) {
        kl_door.now = INT64_MAX;
    }
}

void kl_sim_note_wake(void)
{
    if (!pthread_equal(home, pthread_self())) {
        kl_add_relaxed(&foreign_wakes, 1);
    }
}

size_t kl_sim_foreign_wakes(void)
{
    return kl_load_relaxed(&foreign_wakes);
}

int64_t kl_sim_next_timer(void)
{
    return kl_sim_running() ? kl_wheel_earliest(&kl_core.worker[0]->wheel) : INT64_MAX;
}

bool kl_sim_running(void)
{
    return kl_door.simulated;
}

bool kl_sim_should_yield(void)
{
    return __builtin_expect(kl_door.simulated, 0) && kl_sim_choose(YIELD_ONE_IN) == 0;
}

static void note(uint64_t value)
{
    trace = (trace ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    trace ^= trace >> 29;
}

void kl_sim_note_turn(const struct kl_worker *worker, struct kl_task *task)
{
    note(worker->turns);
    if (kl_core.config.turn) {
        note(kl_core.config.turn(task));
    }
}

size_t kl_sim_choose(size_t count)
{
    if (count < 2) {
        return 0;
    }
    KL_ASSERT(count <= UINT32_MAX);
    size_t choice = (size_t)((kl_random_next(&choices) >> 32) * count >> 32);
    note(choice + 1);
    return choice;
}

uint64_t kl_sim_trace(void)
{
    return trace;
}

static bool settle(struct kl_runner *runner, size_t max_turns)
{
    struct kl_worker *worker = runner->worker;
    runner->now = kl_door.now;
    size_t turns = 0;
    bool turn;
    while (step(runner, worker, &turn)) {
        turns += turn;
        if (max_turns > 0 && turns >= max_turns) {
            return worker->runq.queued == 0 &&
                   kl_wheel_earliest(&worker->wheel) > kl_door.now;
        }
    }
    return true;
}

// Does one thing that can be done now; false when there is none.
static bool step(struct kl_runner *runner, struct kl_worker *worker, bool *ret_turn)
{
    *ret_turn = false;
    kl_worker_take_inbox(worker);
    bool due = kl_load_relaxed(&worker->wheel.next) <= kl_door.now &&
               kl_wheel_earliest(&worker->wheel) <= kl_door.now;
    if (due && (worker->runq.queued == 0 || kl_sim_choose(2) == 0)) {
        fire_due(runner, worker);
        return true;
    }
    struct kl_task *task = choose_task(worker);
    if (!task) {
        return poll_descriptors();
    }
    kl_sim_note_turn(worker, task);
    kl_worker_turn(runner, worker, task);
    *ret_turn = true;
    return true;
}

// Priorities are kept; among equals the seed decides, and between normal and low too.
static struct kl_task *choose_task(struct kl_worker *worker)
{
    struct kl_runq *queue = &worker->runq;
    if (queue->occupied == 0) {
        return NULL;
    }
    unsigned class = (unsigned)__builtin_ctz(queue->occupied);
    if (class == KL_PRIORITY_NORMAL && queue->occupied & 1u << KL_PRIORITY_LOW &&
            kl_sim_choose(KL_RUNQ_LOW_SHARE) == 0) {
        class = KL_PRIORITY_LOW;
    }
    size_t count = kl_runq_count(queue, class, CHOICE_MAX);
    return kl_runq_pop_at(queue, class, kl_sim_choose(count));
}

struct kl_task *kl_sim_take_next(
        struct kl_worker *worker, bool (*fits)(struct kl_task *task))
{
    struct kl_runq *queue = &worker->runq;
    if (queue->occupied != 1u << KL_PRIORITY_NORMAL) {
        return NULL;
    }
    size_t count = kl_runq_count(queue, KL_PRIORITY_NORMAL, CHOICE_MAX);
    size_t position = kl_sim_choose(count);
    struct kl_task *task = queue->class[KL_PRIORITY_NORMAL].head;
    for (size_t i = 0; i < position; i++) {
        task = task->next;
    }
    if (!fits(task)) {
        return NULL;
    }
    return kl_runq_pop_at(queue, KL_PRIORITY_NORMAL, position);
}

// Fires all timers that are due, in an order of the seed's for those of the same time.
static void fire_due(struct kl_runner *runner, struct kl_worker *worker)
{
    struct kl_link due;
    kl_ring_init(&due);
    size_t count = kl_wheel_collect(&worker->wheel, runner->now, SIZE_MAX, &due);
    note(count);
    while (!kl_ring_empty(&due)) {
        // The earliest time among them comes first; the choice is among its timers.
        int64_t at = KL_CONTAINER(due.next, struct kl_timer, link)->at;
        size_t equal = 0;
        struct kl_link *link = due.next;
        while (link != &due && equal < CHOICE_MAX &&
                KL_CONTAINER(link, struct kl_timer, link)->at == at) {
            equal++;
            link = link->next;
        }
        link = due.next;
        for (size_t skip = kl_sim_choose(equal); skip > 0; skip--) {
            link = link->next;
        }
        kl_ring_remove(link);
        struct kl_timer *timer = KL_CONTAINER(link, struct kl_timer, link);
        timer->fire(timer);
    }
}

// Real descriptors are looked at when nothing else is left to do.
static bool poll_descriptors(void)
{
    if (!kl_poll_wanted()) {
        return false;
    }
    kl_poll_begin();
    size_t ready = kl_poll_wait(0);
    kl_poll_end();
    note(ready);
    return ready > 0;
}
