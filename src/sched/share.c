#include "share.h"

enum {
    GIFT_MAX = 256, // tasks in one gift
    SPINNER_NS = 1000, // queued work that is worth a line going to another core
    PATIENCE_TURNS = 8, // or so many turns with a surplus
    SLEEPER_NS = 20000, // queued work that is worth a system call and a wake
    PATIENCE_NS = 50000, // or a surplus that lasts so long
    COMPANY = 12, // tasks that may be a company
    COMPANY_NS = 400000, // and the most work a company may have
    COMPANY_TALK = 2, // eights of messages in the turn of one that may be of it
    COMPANY_STEP_NS = 150, // and the time that each may take
    CROSSING_STEP_NS = 500, // or takes while they are on two workers
    BRIEF_NS = 500, // a newborn that lives so long costs more to move than to run
    SAMPLE = 8, // so many newborns tell as much as all of them
    SAMPLE_TURNS = 4, // most turns between two looks at the clock while newborns stay
};

struct kl_idle_set kl_idle_set;

static struct kl_worker *claim(uint64_t *words);
static uint32_t equal_part(const struct kl_worker *worker);
static uint32_t sample_of(const struct kl_worker *worker);
static struct kl_worker *find_taker(struct kl_worker *worker, int64_t now);
static struct kl_worker *find_sampler(struct kl_worker *worker, int64_t now);
static bool may_try(const struct kl_worker *worker, int64_t now);
static struct kl_worker *claim_sleeper(struct kl_worker *worker, int64_t now);
static uint32_t count_idle(void);
static void give(struct kl_worker *worker, struct kl_worker *target, uint32_t count);

void kl_share_reset(void)
{
    for (unsigned i = 0; i < KL_SHARE_WORDS; i++) {
        kl_store_relaxed(&kl_idle_set.idle[i], 0);
        kl_store_relaxed(&kl_idle_set.spinning[i], 0);
    }
}

static uint64_t bit_of(const struct kl_worker *worker)
{
    return UINT64_C(1) << worker->index % 64;
}

void kl_share_announce(const struct kl_worker *worker)
{
    unsigned word = worker->index / 64;
    __atomic_fetch_or(&kl_idle_set.spinning[word], bit_of(worker), __ATOMIC_RELAXED);
    // Sequentially consistent, as the looks at the inbox that follow may not come before.
    __atomic_fetch_or(&kl_idle_set.idle[word], bit_of(worker), __ATOMIC_SEQ_CST);
}

void kl_share_stop_spinning(const struct kl_worker *worker)
{
    __atomic_fetch_and(
            &kl_idle_set.spinning[worker->index / 64], ~bit_of(worker), __ATOMIC_RELAXED);
}

void kl_share_withdraw(const struct kl_worker *worker)
{
    unsigned word = worker->index / 64;
    uint64_t bit = bit_of(worker);
    if (kl_load_relaxed(&kl_idle_set.idle[word]) & bit) {
        __atomic_fetch_and(&kl_idle_set.idle[word], ~bit, __ATOMIC_RELAXED);
    }
    if (kl_load_relaxed(&kl_idle_set.spinning[word]) & bit) {
        __atomic_fetch_and(&kl_idle_set.spinning[word], ~bit, __ATOMIC_RELAXED);
    }
}

struct kl_worker *kl_share_pick(void)
{
    struct kl_worker *worker = claim(kl_idle_set.spinning);
    if (!worker) {
        worker = claim(kl_idle_set.idle);
    }
    if (!worker) {
        static uint32_t turn; // nothing depends on its order
        worker = kl_core.worker[kl_add_relaxed(&turn, 1) % kl_core.workers];
    }
    return worker;
}

bool kl_share_rouse_one(void)
{
    struct kl_worker *worker = claim(kl_idle_set.idle);
    if (worker) {
        kl_worker_kick(worker);
    }
    return worker != NULL;
}

bool kl_share_is_brief(const struct kl_worker *worker)
{
    return kl_load_relaxed(&worker->step_ns) < COMPANY_STEP_NS;
}

// A few tasks whose turns are all made of short messages talk to each other: on one worker
// what they say stays warm, and it is said and heard in less time than one line takes to
// travel between cores. They are not worth separating until their work piles up.
static bool keeps_company(const struct kl_worker *worker)
{
    const struct kl_runq *queue = &worker->runq;
    if (queue->queued > COMPANY || queue->occupied != 1u << KL_PRIORITY_NORMAL ||
            !kl_share_is_brief(worker) ||
            (uint64_t)queue->queued * worker->turn_ns >= COMPANY_NS) {
        return false;
    }
    const struct kl_task *task = queue->class[KL_PRIORITY_NORMAL].head;
    while (task && task->talk >= COMPANY_TALK && task->talk != KL_NEWBORN) {
        task = task->next;
    }
    return !task;
}

uint32_t kl_share_movable(const struct kl_worker *worker, uint32_t count)
{
    const struct kl_runq *queue = &worker->runq;
    if (worker->usual_ns >= BRIEF_NS || queue->occupied != 1u << KL_PRIORITY_NORMAL) {
        return count;
    }
    const struct kl_task *task = queue->class[KL_PRIORITY_NORMAL].head;
    uint32_t movable = 0;
    while (movable < count && task->talk != KL_NEWBORN) {
        task = task->next;
        movable++;
    }
    return movable;
}

struct kl_worker *kl_share_company(struct kl_worker *worker, const struct kl_task *other)
{
    unsigned ran = kl_load_relaxed(&other->ran);
    if (ran == 0 || ran > kl_core.workers || ran == worker->runq.home) {
        return NULL;
    }
    // Hints, all of them; the lines are the other worker's, so this is asked seldom.
    struct kl_worker *target = kl_core.worker[ran - 1];
    bool brief = worker->step_ns < CROSSING_STEP_NS &&
                 kl_load_relaxed(&target->step_ns) < CROSSING_STEP_NS;
    return brief && kl_load_relaxed(&target->runq.queued) < COMPANY ? target : NULL;
}

void kl_share_surplus(struct kl_runner *runner, struct kl_worker *worker)
{
    int64_t now = runner->now;
    if (keeps_company(worker)) {
        worker->surplus = 0;
        return;
    }
    if (worker->surplus++ == 0) {
        worker->surplus_since = now;
    }
    while (kl_runq_ready(&worker->runq) >= 2) {
        bool movable = kl_share_movable(worker, 1) > 0;
        struct kl_worker *target = movable ? find_taker(worker, now)
                                           : find_sampler(worker, now);
        if (!target) {
            break;
        }
        give(worker, target,
                movable ? kl_share_movable(worker, equal_part(worker)) : sample_of(worker));
    }
    worker->share_at = worker->runq.queued + KL_SHARE_BURST;
}

// The same for this one, the one that gets it, and those still idle.
static uint32_t equal_part(const struct kl_worker *worker)
{
    uint32_t count = worker->runq.queued / (count_idle() + 2);
    return count < 1 ? 1 : count < GIFT_MAX ? count : GIFT_MAX;
}

static uint32_t sample_of(const struct kl_worker *worker)
{
    uint32_t half = worker->runq.queued / 2;
    return half < SAMPLE ? half : SAMPLE;
}

static struct kl_worker *find_taker(struct kl_worker *worker, int64_t now)
{
    uint64_t work_ns = (uint64_t)worker->runq.queued * worker->turn_ns;
    struct kl_worker *target = NULL;
    if (work_ns >= SPINNER_NS || worker->surplus >= PATIENCE_TURNS) {
        target = claim(kl_idle_set.spinning);
    }
    bool rouse = !target && (work_ns >= SLEEPER_NS ||
                                    (worker->surplus > 1 &&
                                            now - worker->surplus_since >= PATIENCE_NS) ||
                                    may_try(worker, now));
    return rouse ? claim_sleeper(worker, now) : target;
}

// For some newborns that had better stay here: nobody knows whether they are like the last
// ones, so the clock is read more often as well.
static struct kl_worker *find_sampler(struct kl_worker *worker, int64_t now)
{
    if (worker->refresh_in > SAMPLE_TURNS) {
        worker->refresh_in = SAMPLE_TURNS;
    }
    return may_try(worker, now) ? claim_sleeper(worker, now) : NULL;
}

// Takes one worker out of the idle set that has its bit in `words`.
static struct kl_worker *claim(uint64_t *words)
{
    for (unsigned word = 0; word < KL_SHARE_WORDS; word++) {
        uint64_t bits;
        while ((bits = kl_load_relaxed(&words[word]))) {
            uint64_t bit = bits & -bits;
            __atomic_fetch_and(&kl_idle_set.spinning[word], ~bit, __ATOMIC_RELAXED);
            if (__atomic_fetch_and(&kl_idle_set.idle[word], ~bit, __ATOMIC_ACQ_REL) & bit) {
                return kl_core.worker[word * 64 + (unsigned)__builtin_ctzll(bit)];
            }
        }
    }
    return NULL;
}

// Waking a parked worker costs microseconds here and tens of them until it runs. It is
// worth that when much is queued or has been for long; otherwise it is tried now and then,
// since nobody knows how long the next turns will be.
static bool may_try(const struct kl_worker *worker, int64_t now)
{
    return now - worker->roused_at >= (int64_t)kl_load_relaxed(&worker->rouse_gap);
}

static struct kl_worker *claim_sleeper(struct kl_worker *worker, int64_t now)
{
    struct kl_worker *target = claim(kl_idle_set.idle);
    if (target) {
        worker->roused_at = now;
        kl_store_relaxed(&target->roused_by, worker->index + 1);
    }
    return target;
}

static uint32_t count_idle(void)
{
    uint32_t count = 0;
    for (unsigned word = 0; word < KL_SHARE_WORDS; word++) {
        count += (uint32_t)__builtin_popcountll(kl_load_relaxed(&kl_idle_set.idle[word]));
    }
    return count;
}

static void give(struct kl_worker *worker, struct kl_worker *target, uint32_t count)
{
    struct kl_task *oldest;
    struct kl_task *newest = kl_runq_take(&worker->runq, count, &oldest);
    kl_store_relaxed(&worker->given, worker->given + count);
    kl_add_relaxed(&target->taken, count);
    kl_worker_post(target, newest, oldest);
}
