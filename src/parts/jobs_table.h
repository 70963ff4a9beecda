#ifndef KL_PARTS_JOBS_TABLE_H
#define KL_PARTS_JOBS_TABLE_H

#include <keel/process.h>
#include <pthread.h>

// The jobs a queue knows: by id, by unique key, those that are ready by priority, those for
// later by time, those that have finished by age. Plain bookkeeping, without a clock and
// without messages.
//
// It is memory that belongs to nobody, and its terms are shared ones: a queue without a
// database hangs its table up under its name, and the next process of that name goes on
// with it. So that it finds it in order wherever the last one was killed, a function here
// never sends or waits.

enum kl_job_status {
    KL_JOB_PENDING,
    KL_JOB_PROCESSING,
    KL_JOB_COMPLETED,
    KL_JOB_FAILED,
    KL_JOB_CANCELLED,
    KL_JOB_STATUSES,
};

// What changes of a job in the course of its life, as it is written to the database.
struct kl_job_state {
    enum kl_job_status status;
    int attempt, interruptions;
    int64_t run_at, started_at, finished_at; // milliseconds since 1970; 0: none
    keel_term outcome; // shared; KEEL_NONE: none
};

struct kl_job {
    int64_t id;
    struct kl_job *next_of_id, *next_of_unique; // of their buckets
    struct kl_job *older, *newer; // by id
    struct kl_job *finished_before, *finished_after; // by when it finished
    size_t place; // in `ready` or `later`, counted from 1; 0: in neither
    keel_term name, argument, unique; // shared; a binary, any, any or KEEL_NONE
    int priority, max_attempts, progress;
    int64_t inserted_at;
    struct kl_job_state state;
    bool accepted; // it is in the database, and others may see it

    // Of the queue's process, and void when that has ended.
    bool writing; // a change of it is on its way to the database
    bool cancelling, expired, working;
    keel_pid pid; // none: it does not run
    keel_ref monitor, timer;
    struct kl_waiter *waiters;
};

struct kl_job_heap {
    struct kl_job **items; // items[0] goes first
    size_t count, room;
};

struct kl_jobs_table {
    struct kl_job **by_id, **by_unique; // hash tables of `buckets`
    size_t buckets, jobs;
    struct kl_job *oldest, *newest;
    struct kl_job *finished_first, *finished_last;
    struct kl_job_heap ready, later;
    size_t counts[KL_JOB_STATUSES]; // of the jobs that are accepted
    int64_t forgotten[KL_JOB_STATUSES]; // ever
    int64_t next_id;
    int64_t cron_at; // the cron has been served up to this second
    bool paused;
};

// NULL: no memory.
struct kl_jobs_table *kl_jobs_table_new(void);
void kl_jobs_table_free(struct kl_jobs_table *table);

// The table hung up under a name, made when there is none; and its end.
struct kl_jobs_table *kl_jobs_table_of(keel_term name);
void kl_jobs_table_end(keel_term name);

// Adds a job, not accepted yet; the table takes its terms over, which must be shared ones.
// NULL: no memory, and the terms are dropped.
struct kl_job *kl_jobs_table_add(struct kl_jobs_table *table, const struct kl_job *job);
void kl_jobs_table_accept(struct kl_jobs_table *table, struct kl_job *job);
// Takes a job out and frees it, with its terms.
void kl_jobs_table_remove(struct kl_jobs_table *table, struct kl_job *job);
struct kl_job *kl_jobs_table_find(struct kl_jobs_table *table, int64_t id);
// An unfinished job with that key, or NULL.
struct kl_job *kl_jobs_table_find_unique(struct kl_jobs_table *table, keel_term unique);

// Gives a job its new state; the outcome moves to it.
void kl_jobs_table_change(
        struct kl_jobs_table *table, struct kl_job *job, const struct kl_job_state *state);
// Has a pending job wait for its time, or for its turn.
void kl_jobs_table_schedule(struct kl_jobs_table *table, struct kl_job *job, int64_t now);
void kl_jobs_table_unschedule(struct kl_jobs_table *table, struct kl_job *job);
// The job whose turn it is, taken out; NULL: none is ready.
struct kl_job *kl_jobs_table_next(struct kl_jobs_table *table);
// Makes those ready whose time has come; returns when that is so for the next, or 0.
int64_t kl_jobs_table_wake(struct kl_jobs_table *table, int64_t now);
// After the death of the process that worked with it: empties what belonged to that.
void kl_jobs_table_recover(struct kl_jobs_table *table);

static inline bool kl_job_finished(const struct kl_job *job)
{
    return job->state.status >= KL_JOB_COMPLETED;
}
const char *kl_job_status_name(enum kl_job_status status);
// KL_JOB_STATUSES: no such status.
enum kl_job_status kl_job_status_of(const char *name);

#endif // KL_PARTS_JOBS_TABLE_H
