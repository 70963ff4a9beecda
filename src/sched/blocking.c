#include "blocking.h"

#include "core.h"
#include "runner.h"

#include <errno.h>

// The pool for work that blocks: threads are started when jobs wait, and end when none has
// come for a while.

static const int64_t idle_ns = INT64_C(10000000000);

struct pool_thread {
    struct pool_thread *next;
    pthread_t thread;
};

static struct kl_lock lock; // guards all below
static struct kl_job *first, **end = &first;
static size_t queued;
static unsigned threads, idle;
static struct pool_thread *ended; // to be joined
static bool stopping;
static uint32_t events; // futex of idle threads: jobs and the end
static uint32_t endings; // futex of kl_blocking_stop()

static int start_thread(void);
static void *run(void *argument);
static struct kl_job *next_job(void);
static void join_ended(void);

void kl_blocking_start(void)
{
    stopping = false;
}

keel_status kl_blocking_submit(struct kl_job *job)
{
    kl_core_check_fork();
    if (kl_core_running() && kl_core.mode == KL_MODE_SIMULATED) {
        job->work(job);
        return KEEL_OK;
    }
    keel_status status = KEEL_OK;
    kl_lock_take(&lock);
    if (!kl_core_running() || stopping) {
        status = KEEL_E_STOPPED;
    } else if (queued >= kl_core.config.blocking_queue) {
        status = KEEL_E_OVERLOAD;
    } else if (queued >= idle && threads < kl_core.config.blocking_threads) {
        // Every idle thread has a job coming already.
        int error = start_thread();
        status = error && threads == 0 ? -error : KEEL_OK;
    }
    if (status == KEEL_OK) {
        job->next = NULL;
        *end = job;
        end = &job->next;
        queued++;
        kl_store_release(&events, events + 1);
    }
    bool wake = idle > 0;
    kl_lock_give(&lock);
    if (status == KEEL_OK && wake) {
        kl_futex_wake(&events, 1);
    }
    join_ended();
    return status;
}

void kl_blocking_stop(void)
{
    kl_lock_take(&lock);
    stopping = true;
    kl_store_release(&events, events + 1);
    kl_lock_give(&lock);
    kl_futex_wake(&events, INT32_MAX);
    for (;;) {
        kl_lock_take(&lock);
        uint32_t seen = endings;
        bool done = threads == 0;
        kl_lock_give(&lock);
        join_ended();
        if (done) {
            break;
        }
        kl_futex_wait(&endings, seen, -1);
    }
    KL_ASSERT(queued == 0);
}

void kl_blocking_stats(struct kl_sched_stats *ret)
{
    kl_lock_take(&lock);
    ret->blocking_threads = threads;
    ret->blocking_busy = threads - idle;
    ret->blocking_queued = queued;
    kl_lock_give(&lock);
}

// Under the lock.
static int start_thread(void)
{
    struct pool_thread *thread = kl_alloc_zero(sizeof *thread);
    if (!thread) {
        return ENOMEM;
    }
    int error = kl_runner_thread(&thread->thread, "keel/blocking", run, thread);
    if (error) {
        kl_free(thread, sizeof *thread);
    } else {
        threads++;
    }
    return error;
}

static void *run(void *argument)
{
    struct pool_thread *thread = argument;
    kl_lock_take(&lock);
    for (struct kl_job *job; (job = next_job());) {
        kl_lock_give(&lock);
        job->work(job);
        kl_lock_take(&lock);
    }
    threads--;
    thread->next = ended;
    kl_store_relaxed(&ended, thread);
    kl_store_release(&endings, endings + 1);
    kl_lock_give(&lock);
    kl_futex_wake(&endings, 1);
    return NULL;
}

// Under the lock, which it gives while it waits. NULL: the thread is to end.
static struct kl_job *next_job(void)
{
    while (!first) {
        if (stopping) {
            return NULL;
        }
        uint32_t seen = events;
        int64_t since = kl_clock_monotonic();
        idle++;
        kl_lock_give(&lock);
        kl_futex_wait(&events, seen, idle_ns);
        kl_lock_take(&lock);
        idle--;
        if (!first && kl_clock_monotonic() - since >= idle_ns) {
            return NULL;
        }
    }
    struct kl_job *job = first;
    first = job->next;
    end = first ? end : &first;
    queued--;
    return job;
}

static void join_ended(void)
{
    if (!kl_load_relaxed(&ended)) {
        return;
    }
    kl_lock_take(&lock);
    struct pool_thread *thread = ended;
    kl_store_relaxed(&ended, NULL);
    kl_lock_give(&lock);
    while (thread) {
        struct pool_thread *next = thread->next;
        pthread_join(thread->thread, NULL);
        kl_free(thread, sizeof *thread);
        thread = next;
    }
}
