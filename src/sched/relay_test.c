#include "sched_testing.h"

// Tasks whose turns follow each other on a fiber, or do not: the worker's loop is needed
// now and then, so each test tries until both have been seen to work. Where everything is
// so slow that the clock is read at every turn, no turn follows another, as it should be.

enum { FOLLOWERS = 3, ROUNDS = 2000 };

static void lose_patience(uint32_t rounds)
{
    if (rounds == ROUNDS) {
        kl_sched_stop();
        kl_test_skip("the clock is read at every turn here");
    }
}

static struct first {
    struct kl_task task;
    struct kl_stack *stack;
    struct signal_count done;
    bool willing; // what fits() says
    int asked; // how often it was asked
    int lent, back;
} first;

static struct follower {
    struct kl_task task;
    int relayed, looped;
} followers[FOLLOWERS];
static int order; // of the next follower

static struct signal_count ran; // followers of this round

static bool fits(struct kl_task *task)
{
    first.asked++;
    return first.willing && task != NULL;
}

static void note(struct kl_task *task, bool relayed)
{
    struct follower *follower = (struct follower *)task;
    CHECK(follower == &followers[order]);
    CHECK(kl_task_current() == task);
    CHECK(!kl_task_is_queued(task));
    order = (order + 1) % FOLLOWERS;
    follower->relayed += relayed;
    follower->looped += !relayed;
    signal_add(&ran);
}

static void run_follower(struct kl_task *task)
{
    note(task, false);
}

static void wake_and_relay(void *unused)
{
    (void)unused;
    for (int i = 0; i < FOLLOWERS; i++) {
        kl_sched_wake(&followers[i].task);
    }
    struct kl_task *next;
    while ((next = kl_sched_relay(fits)) != NULL) {
        note(next, true);
    }
    kl_fiber_rest();
}

static void lend_and_relay(void *unused)
{
    (void)unused;
    struct kl_task *other = &followers[0].task;
    if (kl_sched_lend(&first.task, other)) {
        first.lent++;
        CHECK(kl_task_current() == other);
        CHECK(!kl_sched_lend(other, &followers[1].task)); // one at a time
        struct kl_hold hold;
        CHECK(kl_sched_hold(&first.task, &hold)); // as if it were queued
        kl_sched_let_go(&hold);
        struct kl_task *next = kl_sched_relay(fits);
        if (next != NULL) {
            first.back++;
            CHECK(next == &first.task && kl_task_current() == next);
            CHECK(!kl_sched_hold(next, &hold));
            first.lent--;
        }
    }
    kl_fiber_rest();
}

static void came_back(struct kl_task *task, enum kl_fiber_end end)
{
    (void)task;
    CHECK_INT(end, KL_FIBER_RESTED);
    CHECK(kl_fiber_rested() == first.stack);
    kl_fiber_abandon(first.stack);
    kl_stack_release(first.stack);
    first.stack = NULL;
    if (first.lent == 0) {
        signal_add(&first.done);
    }
}

static void (*work)(void *);

static void run_first(struct kl_task *task)
{
    (void)task;
    if (first.lent > 0) {
        first.lent--; // it has lent its turn, and waited in the queue since
        signal_add(&first.done);
        return;
    }
    first.stack = kl_stack_acquire(0);
    kl_fiber_prepare(first.stack, work, NULL);
    kl_fiber_next(first.stack, came_back);
}

static void begin(void (*what)(void *), bool willing)
{
    first = (struct first){
            .task = {.run = run_first, .priority = KL_PRIORITY_NORMAL}, .willing = willing};
    for (int i = 0; i < FOLLOWERS; i++) {
        followers[i] = (struct follower){
                .task = {.run = run_follower, .priority = KL_PRIORITY_NORMAL}};
    }
    order = 0;
    ran = (struct signal_count){0};
    work = what;
    start_workers(1);
}

TEST("a fiber goes on with the turns of the queue, in order, or leaves them to the loop")
{
    begin(wake_and_relay, true);
    uint32_t rounds = 0;
    do {
        lose_patience(rounds);
        kl_sched_wake(&first.task);
        signal_wait(&first.done, ++rounds);
        signal_wait(&ran, rounds * FOLLOWERS);
    } while (followers[FOLLOWERS - 1].relayed == 0);
    for (int i = 0; i < FOLLOWERS; i++) {
        CHECK_INT(followers[i].relayed + followers[i].looped, (int)rounds);
    }
    struct kl_worker_stats stats;
    kl_worker_stats(0, &stats);
    CHECK_INT(stats.turns, rounds * (FOLLOWERS + 1)); // each is a turn all the same
    kl_sched_stop();
}

TEST("a task that does not fit stays in the queue")
{
    begin(wake_and_relay, false);
    uint32_t rounds = 0;
    do {
        lose_patience(rounds);
        kl_sched_wake(&first.task);
        signal_wait(&first.done, ++rounds);
        signal_wait(&ran, rounds * FOLLOWERS);
    } while (first.asked == 0);
    CHECK_INT(followers[0].relayed, 0);
    CHECK_INT(followers[0].looped, (int)rounds);
    kl_sched_stop();
}

// Wakes `first` once, and waits until it is done with, queued as a lender or not.
static uint32_t lend_once(uint32_t done)
{
    lose_patience(done);
    kl_sched_wake(&first.task);
    signal_wait(&first.done, done + 1);
    return done + 1;
}

TEST("a lent turn comes back at once")
{
    begin(lend_and_relay, true);
    uint32_t done = 0;
    while (first.back == 0) {
        done = lend_once(done);
    }
    CHECK(first.back > 0);
    kl_sched_stop();
}

TEST("who has lent its turn is in the queue when the loop is back")
{
    begin(lend_and_relay, false);
    uint32_t done = 0;
    while (first.asked == 0) {
        done = lend_once(done);
    }
    CHECK_INT(first.back, 0);
    CHECK_INT(first.lent, 0);
    kl_sched_stop();
}
