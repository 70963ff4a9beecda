#include "blocking.h"

#include "sched_testing.h"

struct chore {
    struct kl_job job;
    struct signal_count *start, *let_go, *done;
    bool on_worker;
};

static void do_chore(struct kl_job *job)
{
    struct chore *chore = (struct chore *)job;
    chore->on_worker = kl_worker_current() != -1 || kl_task_current() != NULL;
    struct signal_count *done = chore->done;
    if (chore->start) {
        signal_add(chore->start);
        signal_wait(chore->let_go, 1);
    }
    signal_add(done);
}

TEST("jobs run on threads of their own, as many at once as may be")
{
    enum { THREADS = 4 };
    struct kl_sched_config config = {.workers = 1, .blocking_threads = THREADS};
    CHECK_OK(kl_sched_start(&config));
    struct signal_count start = {0}, let_go = {0}, done = {0};
    struct chore chores[THREADS + 1];
    for (int i = 0; i < THREADS + 1; i++) {
        chores[i] = (struct chore){{.work = do_chore}, &start, &let_go, &done, true};
        CHECK_OK(kl_blocking_submit(&chores[i].job));
    }
    signal_wait(&start, THREADS); // all at once, or this waits forever
    struct kl_sched_stats stats;
    kl_sched_stats(&stats);
    CHECK_INT(stats.blocking_threads, THREADS);
    CHECK_INT(stats.blocking_busy, THREADS);
    CHECK_INT(stats.blocking_queued, 1);
    signal_add(&let_go);
    signal_wait(&done, THREADS + 1);
    kl_sched_stop();
    for (int i = 0; i < THREADS + 1; i++) {
        CHECK(!chores[i].on_worker);
    }
}

TEST("a full queue refuses")
{
    struct kl_sched_config config = {
            .workers = 1, .blocking_threads = 1, .blocking_queue = 2};
    CHECK_OK(kl_sched_start(&config));
    struct signal_count start = {0}, let_go = {0}, done = {0};
    struct chore held = {{.work = do_chore}, &start, &let_go, &done, false};
    struct chore chores[3];
    CHECK_OK(kl_blocking_submit(&held.job));
    signal_wait(&start, 1);
    for (int i = 0; i < 3; i++) {
        chores[i] = (struct chore){{.work = do_chore}, NULL, NULL, &done, false};
    }
    CHECK_OK(kl_blocking_submit(&chores[0].job));
    CHECK_OK(kl_blocking_submit(&chores[1].job));
    CHECK_INT(kl_blocking_submit(&chores[2].job), KEEL_E_OVERLOAD);
    signal_add(&let_go);
    signal_wait(&done, 3);
    CHECK_OK(kl_blocking_submit(&chores[2].job));
    signal_wait(&done, 4);
    kl_sched_stop();
}

TEST("a stop does the jobs that wait, and later ones are refused")
{
    enum { JOBS = 200 };
    static struct chore chores[JOBS];
    for (int round = 0; round < 10; round++) {
        struct kl_sched_config config = {.workers = 1, .blocking_threads = 2};
        CHECK_OK(kl_sched_start(&config));
        struct signal_count done = {0};
        for (int i = 0; i < JOBS; i++) {
            chores[i] = (struct chore){{.work = do_chore}, NULL, NULL, &done, false};
            CHECK_OK(kl_blocking_submit(&chores[i].job));
        }
        kl_sched_stop();
        CHECK_INT(signal_get(&done), JOBS);
        CHECK_INT(kl_blocking_submit(&chores[0].job), KEEL_E_STOPPED);
    }
}

struct ask {
    struct kl_task task;
    struct kl_job job;
    int answers;
    struct signal_count done;
};

static void wake_sender(struct kl_job *job)
{
    struct ask *ask = KL_CONTAINER(job, struct ask, job);
    ask->answers++;
    kl_sched_wake(&ask->task);
}

static void run_asker(struct kl_task *task)
{
    struct ask *ask = (struct ask *)task;
    if (ask->answers < 100) {
        // Submitting is the last thing, as the job's thread wakes this task at once.
        CHECK_OK(kl_blocking_submit(&ask->job));
    } else {
        signal_add(&ask->done);
    }
}

TEST("a job wakes the task that waits for it")
{
    enum { ASKERS = 8 };
    static struct ask asks[ASKERS];
    start_workers(2);
    for (int i = 0; i < ASKERS; i++) {
        asks[i].task = (struct kl_task){.run = run_asker, .priority = KL_PRIORITY_NORMAL};
        asks[i].job.work = wake_sender;
        kl_sched_wake(&asks[i].task);
    }
    for (int i = 0; i < ASKERS; i++) {
        signal_wait(&asks[i].done, 1);
    }
    kl_sched_stop();
}

TEST("while simulated a job is done at once")
{
    start_simulated(1);
    struct signal_count done = {0};
    struct chore chore = {{.work = do_chore}, NULL, NULL, &done, false};
    CHECK_OK(kl_blocking_submit(&chore.job));
    CHECK_INT(signal_get(&done), 1);
    kl_sched_stop();
}
