// From pending to finished: which job runs next, what its end means.

#include "jobs_queue.h"

#include <keel/timer.h>

static void release(struct kl_queue *queue, struct kl_job *job);
static void submit_cancelled(struct kl_queue *queue, struct kl_job *job, keel_term reason);

// --- starting ---

void kl_jobs_dispatch(struct kl_queue *queue)
{
    kl_jobs_table_wake(queue->table, kl_jobs_now());
    while (queue->workers_pid.word != 0 && !queue->table->paused &&
            queue->running < queue->opts.concurrency) {
        struct kl_job *job = kl_jobs_table_next(queue->table);
        if (job == NULL) {
            break;
        }
        struct kl_job_state state = job->state;
        state.status = KL_JOB_PROCESSING;
        state.attempt++;
        state.started_at = kl_jobs_now();
        state.outcome = KEEL_NONE;
        job->working = true;
        queue->running++;
        kl_jobs_submit_state(queue, job, &state, keel_nil());
    }
}

static keel_ref timer_for(keel_duration duration, keel_term what, const struct kl_job *job)
{
    return keel_start_timer(
            duration, keel_from_pid(keel_self()), keel_tuple_of(what, keel_int(job->id)));
}

static void start(struct kl_queue *queue, struct kl_job *job)
{
    const keel_job_kind *kind = kl_jobs_kind_of(queue, job->name);
    if (kind == NULL) {
        release(queue, job);
        kl_jobs_fail_attempt(queue, job, keel_atom(unknown_kind));
        return;
    }
    job->progress = 0;
    keel_started started = kl_jobs_start_work(queue, job);
    if (started.status != KEEL_OK) {
        // Its supervisor is down: the next one will tell when it is up.
        queue->workers_pid = (keel_pid){0};
        release(queue, job);
        kl_jobs_interrupted(queue, job);
        return;
    }
    job->pid = started.pid;
    // Its end comes as {{job_down, Id}, Monitor, process, Pid, Reason}.
    keel_monitor_opts opts = {.tag = keel_tuple_of(keel_atom(job_down), keel_int(job->id))};
    keel_status status = keel_monitor_opt(keel_from_pid(job->pid), &opts, &job->monitor);
    KEEL_ASSERT(status == KEEL_OK);
    keel_send(job->pid, keel_tuple_of(keel_atom(job), keel_atom(go)));
    if (kind->timeout > 0) {
        job->timer = timer_for(kind->timeout, keel_atom(expire), job);
    }
    kl_jobs_tell(queue, job);
}

// Gives back what a job holds while it runs.
static void release(struct kl_queue *queue, struct kl_job *job)
{
    if (job->working) {
        job->working = false;
        queue->running--;
    }
    if (job->monitor.word != 0) {
        keel_demonitor(job->monitor, KEEL_DEMONITOR_FLUSH);
        job->monitor = (keel_ref){0};
    }
    if (job->timer.word != 0) {
        keel_cancel_timer(job->timer, NULL);
        job->timer = (keel_ref){0};
    }
    job->pid = (keel_pid){0};
}

// --- ending ---

static void submit_end(struct kl_queue *queue, struct kl_job *job,
        enum kl_job_status status, keel_term outcome, keel_term also)
{
    struct kl_job_state state = job->state;
    state.status = status;
    state.finished_at = kl_jobs_now();
    state.outcome = keel_keep_shared(outcome);
    kl_jobs_submit_state(queue, job, &state, also);
}

static void submit_again(struct kl_queue *queue, struct kl_job *job, int64_t delay,
        keel_term outcome, int attempt)
{
    struct kl_job_state state = job->state;
    state.status = KL_JOB_PENDING;
    state.attempt = attempt;
    state.run_at = kl_jobs_now() + delay;
    state.outcome = keel_keep_shared(outcome);
    kl_jobs_submit_state(queue, job, &state, keel_nil());
}

static void submit_cancelled(struct kl_queue *queue, struct kl_job *job, keel_term reason)
{
    submit_end(queue, job, KL_JOB_CANCELLED, reason, keel_nil());
}

// Doubled with each attempt, less up to a quarter, so that jobs that failed together do not
// come back together.
static int64_t backoff_of(const keel_job_kind *kind, int attempt)
{
    keel_duration delay = kind->backoff > 0 ? kind->backoff : KEEL_SECONDS(1);
    keel_duration most = kind->backoff_max > 0 ? kind->backoff_max : KEEL_MINUTES(60);
    for (int i = 1; i < attempt && delay < most; i++) {
        delay *= 2;
    }
    delay = delay > most ? most : delay;
    delay -= (keel_duration)(keel_random() % (uint64_t)(delay / 4 + 1));
    return delay / KEEL_MS(1);
}

void kl_jobs_fail_attempt(struct kl_queue *queue, struct kl_job *job, keel_term reason)
{
    const keel_job_kind *kind = kl_jobs_kind_of(queue, job->name);
    if (job->cancelling) {
        submit_cancelled(queue, job, keel_atom(cancelled));
    } else if (kind == NULL || job->state.attempt >= job->max_attempts) {
        submit_end(queue, job, KL_JOB_FAILED, reason, keel_nil());
    } else {
        submit_again(queue, job, backoff_of(kind, job->state.attempt), reason,
                job->state.attempt);
    }
}

void kl_jobs_interrupted(struct kl_queue *queue, struct kl_job *job)
{
    struct kl_job_state state = job->state;
    state.interruptions++;
    state.attempt = state.attempt > 0 ? state.attempt - 1 : 0;
    bool too_often = state.interruptions >= queue->opts.max_interruptions;
    state.status = too_often ? KL_JOB_FAILED : KL_JOB_PENDING;
    state.finished_at = too_often ? kl_jobs_now() : 0;
    state.outcome = too_often ? keel_atom(interrupted) : KEEL_NONE;
    kl_jobs_submit_state(queue, job, &state, keel_nil());
}

void kl_jobs_done(struct kl_queue *queue, keel_term message)
{
    int64_t id;
    int attempt;
    keel_term outcome, also, reason;
    uint64_t delay;
    if (!keel_match(message, "{job_done, Id, Attempt, Outcome, Also}", &id, &attempt,
                &outcome, &also)) {
        return;
    }
    struct kl_job *job = kl_jobs_table_find(queue->table, id);
    if (job == NULL || job->pid.word == 0 || job->state.attempt != attempt) {
        return; // of an attempt that has been given up
    }
    release(queue, job);
    if (job->cancelling) {
        submit_cancelled(queue, job, keel_atom(cancelled));
    } else if (keel_match(outcome, "{error, Reason}", &reason)) {
        kl_jobs_fail_attempt(queue, job, reason);
    } else if (keel_match(outcome, "{cancel, Reason}", &reason)) {
        submit_cancelled(queue, job, reason);
    } else if (keel_match(outcome, "{snooze, Milliseconds}", &delay)) {
        submit_again(queue, job, (int64_t)delay, KEEL_NONE, attempt - 1);
    } else {
        submit_end(queue, job, KL_JOB_COMPLETED, outcome, also);
    }
}

void kl_jobs_down(struct kl_queue *queue, int64_t id, keel_ref monitor, keel_term reason)
{
    struct kl_job *job = kl_jobs_table_find(queue->table, id);
    if (job == NULL || job->monitor.word != monitor.word) {
        return;
    }
    bool expired = job->expired;
    job->expired = false;
    job->monitor = (keel_ref){0};
    release(queue, job);
    bool with_workers = keel_is(reason, shutdown) ||
                        (keel_is(reason, killed) &&
                                !keel_process_alive(queue->workers_pid));
    if (with_workers && !expired && !job->cancelling) {
        kl_jobs_interrupted(queue, job);
    } else {
        kl_jobs_fail_attempt(queue, job, expired ? keel_atom(timeout) : reason);
    }
}

void kl_jobs_timer(struct kl_queue *queue, keel_term what, int64_t id)
{
    struct kl_job *job = kl_jobs_table_find(queue->table, id);
    if (job != NULL && job->pid.word != 0) {
        job->expired = keel_is(what, expire);
        job->timer = (keel_ref){0};
        keel_process_exit(job->pid, keel_atom(kill));
    }
}

void kl_jobs_progress(struct kl_queue *queue, int64_t id, int percent)
{
    struct kl_job *job = kl_jobs_table_find(queue->table, id);
    if (job != NULL && job->pid.word != 0 && job->progress != percent) {
        job->progress = percent;
        kl_jobs_tell(queue, job);
    }
}

// --- cancelling ---

void kl_jobs_cancel_job(struct kl_queue *queue, struct kl_job *job)
{
    if (job->cancelling) {
        return;
    }
    job->cancelling = true;
    if (job->writing) {
        return; // looked at when the change has arrived
    }
    if (job->state.status == KL_JOB_PENDING) {
        submit_cancelled(queue, job, keel_atom(cancelled));
    } else if (job->pid.word != 0) {
        keel_send(job->pid, keel_tuple_of(keel_atom(job), keel_atom(cancel)));
        if (job->timer.word != 0) {
            keel_cancel_timer(job->timer, NULL);
        }
        job->timer = timer_for(queue->opts.grace, keel_atom(kill), job);
    }
}

static void answer_cancellers(struct kl_job *job)
{
    keel_term finished = keel_tuple_of(keel_atom(error),
            keel_tuple_of(keel_atom(finished), kl_jobs_status_atom(job->state.status)));
    keel_term reply = job->state.status == KL_JOB_CANCELLED ? keel_atom(ok) : finished;
    while (job->waiters != NULL) {
        struct kl_waiter *waiter = job->waiters;
        job->waiters = waiter->next;
        keel_reply_to(keel_from_of_term(waiter->from), reply);
        keel_drop(waiter->from);
        keel_free(waiter);
    }
}

void kl_jobs_changed(struct kl_queue *queue, struct kl_job *job)
{
    if (kl_job_finished(job)) {
        job->cancelling = false;
        if (job->state.status == KL_JOB_COMPLETED) {
            job->progress = 100;
        }
        answer_cancellers(job);
        kl_jobs_tell(queue, job);
        if (!queue->starting) {
            kl_jobs_submit_prune(queue, queue->opts.keep, KEEL_NONE);
        }
    } else if (job->cancelling) {
        release(queue, job);
        submit_cancelled(queue, job, keel_atom(cancelled));
    } else if (job->state.status == KL_JOB_PROCESSING) {
        start(queue, job);
    } else {
        kl_jobs_table_schedule(queue->table, job, kl_jobs_now());
        kl_jobs_tell(queue, job);
    }
}
