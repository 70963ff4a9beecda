#ifndef KL_PARTS_JOBS_QUEUE_H
#define KL_PARTS_JOBS_QUEUE_H

#include "cron.h"
#include "jobs_table.h"
#include <keel/parts/jobs.h>

// The queue's process. Everything that changes a job goes the same way: it is submitted,
// written by the store, and only then applied to the table, told to whoever waits, and
// acted on. Without a database it is applied at once.
//
// Rule 1: of one job one change at a time is on its way (`writing`); what comes up
// meanwhile
//         (a cancellation) is remembered in the job and looked at when that has arrived.
// Rule 2: a job's function runs only between the change to processing being written and the
//         change that ends this attempt being submitted.

struct kl_waiter {
    struct kl_waiter *next;
    keel_term from; // kept
    bool added; // it wanted to add the same unique job; else to cancel this one
};

enum kl_op_kind { KL_OP_ADD, KL_OP_CHANGE, KL_OP_FORGET, KL_OP_OTHER };

// A change on its way.
struct kl_op {
    struct kl_op *next;
    enum kl_op_kind kind;
    int64_t id;
    struct kl_job_state state; // of a change
    keel_term statements; // a kept list, for the database
    bool also; // with statements of the job itself
    keel_term from, reply; // kept; who is answered when it is done, and how
};

struct kl_queue {
    keel_jobs_opts opts; // defaults filled in; its terms kept
    keel_term name, queue, topic, store, workers; // queue: the name as a binary
    struct kl_jobs_table *table;
    struct kl_cron *cron; // opts.cron_count
    keel_pid workers_pid; // none: not up yet
    int running; // slots in use: jobs started or about to be
    struct kl_op *waiting, **waiting_end; // for the store
    struct kl_op *sent; // to the store, not answered yet
    int64_t number; // of the last transaction sent
    int callbacks; // since it last went on
    bool starting; // in init
    bool stalled; // the disk is full: the next attempt comes with a timer
    keel_ref timer;
    int64_t timer_at;
};

extern const keel_gen_server kl_jobs_queue;

// The argument of its init.
keel_term kl_jobs_argument(const keel_jobs_opts *opts);
// The options out of it, which live as long; false when it is none.
bool kl_jobs_read(keel_term argument, keel_jobs_opts *ret_opts);
// The atom "Name.Part".
keel_term kl_jobs_part(keel_term name, const char *part);
const keel_job_kind *kl_jobs_kind_of(const struct kl_queue *queue, keel_term name);
// Milliseconds since 1970.
int64_t kl_jobs_now(void);

// --- jobs_write.c: changes on their way ---

// A change without statements yet; for kl_jobs_submit.
struct kl_op *kl_jobs_op(enum kl_op_kind kind, int64_t id);
// `statement` {Sql, Parameters} goes with it, to the database.
void kl_jobs_with(struct kl_queue *queue, struct kl_op *op, keel_term statement);
void kl_jobs_answering(struct kl_op *op, keel_term from, keel_term reply);
void kl_jobs_submit(struct kl_queue *queue, struct kl_op *op);
// Submits a job's next state; takes the outcome over.
void kl_jobs_submit_state(struct kl_queue *queue, struct kl_job *job,
        const struct kl_job_state *state, keel_term also);
// Sends the store what has come up, if it is idle.
void kl_jobs_flush(struct kl_queue *queue);
// The store's answer.
void kl_jobs_written(struct kl_queue *queue, keel_term results);
// Submits that all finished jobs but the newest `keep` are forgotten; returns how many.
size_t kl_jobs_submit_prune(struct kl_queue *queue, size_t keep, keel_term from);

// --- jobs_run.c: from pending to finished ---

void kl_jobs_dispatch(struct kl_queue *queue);
// A change has been applied: what follows from it.
void kl_jobs_changed(struct kl_queue *queue, struct kl_job *job);
void kl_jobs_cancel_job(struct kl_queue *queue, struct kl_job *job);
// Messages of and about the processes that do the work.
void kl_jobs_done(struct kl_queue *queue, keel_term message);
void kl_jobs_down(struct kl_queue *queue, int64_t id, keel_ref monitor, keel_term reason);
void kl_jobs_timer(struct kl_queue *queue, keel_term what, int64_t id);
void kl_jobs_progress(struct kl_queue *queue, int64_t id, int percent);
// An attempt that failed: pending again, or failed.
void kl_jobs_fail_attempt(struct kl_queue *queue, struct kl_job *job, keel_term reason);
// A job that was processing when its queue died.
void kl_jobs_interrupted(struct kl_queue *queue, struct kl_job *job);

// --- jobs_view.c: what others see ---

keel_term kl_jobs_status_atom(enum kl_job_status status);
keel_term kl_jobs_view(const struct kl_job *job);
keel_term kl_jobs_view_list(const struct kl_queue *queue, keel_term request);
keel_term kl_jobs_view_stats(const struct kl_queue *queue);
void kl_jobs_tell(const struct kl_queue *queue, const struct kl_job *job);

// --- jobs_worker.c: in the job's own process ---

keel_started kl_jobs_start_work(struct kl_queue *queue, const struct kl_job *job);

#endif // KL_PARTS_JOBS_QUEUE_H
