// Changes on their way to the table, by the database or at once.

#include "jobs_queue.h"
#include "jobs_store.h"

#include <errno.h>
#include <keel/timer.h>

enum { MOST_AT_ONCE = 1000 }; // changes in one transaction

static void apply(struct kl_queue *queue, struct kl_op *op, keel_term result);

struct kl_op *kl_jobs_op(enum kl_op_kind kind, int64_t id)
{
    struct kl_op *op = keel_alloc(sizeof *op);
    op->kind = kind;
    op->id = id;
    return op;
}

void kl_jobs_with(struct kl_queue *queue, struct kl_op *op, keel_term statement)
{
    if (queue->opts.database != NULL) {
        keel_term others = keel_is_none(op->statements) ? keel_nil() : op->statements;
        // keel_set would drop the old list while the new one still stands on it.
        keel_term all = keel_keep(keel_list_append(others, keel_list_of(statement)));
        keel_drop(op->statements);
        op->statements = all;
    }
}

void kl_jobs_answering(struct kl_op *op, keel_term from, keel_term reply)
{
    op->from = keel_keep(from);
    op->reply = keel_keep(reply);
}

void kl_jobs_submit(struct kl_queue *queue, struct kl_op *op)
{
    if (queue->opts.database == NULL) {
        apply(queue, op, keel_atom(ok));
        return;
    }
    *queue->waiting_end = op;
    queue->waiting_end = &op->next;
}

void kl_jobs_submit_state(struct kl_queue *queue, struct kl_job *job,
        const struct kl_job_state *state, keel_term also)
{
    struct kl_op *op = kl_jobs_op(KL_OP_CHANGE, job->id);
    op->state = *state;
    if (queue->opts.database != NULL) {
        keel_term statement;
        kl_jobs_with(queue, op, kl_jobs_store_change(queue->queue, job->id, state));
        while (keel_list_next(&also, &statement)) {
            kl_jobs_with(queue, op, statement);
            op->also = true;
        }
    }
    job->writing = true;
    kl_jobs_table_unschedule(queue->table, job);
    kl_jobs_submit(queue, op);
}

size_t kl_jobs_submit_prune(struct kl_queue *queue, size_t keep, keel_term from)
{
    struct kl_jobs_table *table = queue->table;
    struct kl_job *job = table->finished_first;
    size_t finished = table->counts[KL_JOB_COMPLETED] + table->counts[KL_JOB_FAILED] +
                      table->counts[KL_JOB_CANCELLED];
    size_t count = finished > keep ? finished - keep : 0, pruned = 0;
    struct kl_op *op = NULL;
    for (size_t i = 0; i < count && job != NULL; i++) {
        struct kl_job *next = job->finished_after;
        if (!job->writing) {
            if (op != NULL) {
                kl_jobs_submit(queue, op);
            }
            op = kl_jobs_op(KL_OP_FORGET, job->id);
            job->writing = true;
            if (queue->opts.database != NULL) {
                op->statements = keel_keep(kl_jobs_store_forget(queue->queue, job));
            }
            pruned++;
        }
        job = next;
    }
    if (op == NULL) {
        op = keel_is_none(from) ? NULL : kl_jobs_op(KL_OP_OTHER, 0);
    }
    if (op != NULL) {
        if (!keel_is_none(from)) {
            kl_jobs_answering(op, from, keel_tuple_of(keel_atom(ok), keel_uint(pruned)));
        }
        kl_jobs_submit(queue, op);
    }
    return pruned;
}

// --- the store ---

void kl_jobs_flush(struct kl_queue *queue)
{
    if (queue->sent != NULL || queue->waiting == NULL || queue->stalled) {
        return;
    }
    keel_term operations = keel_nil();
    struct kl_op **at = &queue->waiting;
    for (int count = 0; count < MOST_AT_ONCE && *at != NULL; count++, at = &(*at)->next) {
        keel_term statements = (*at)->statements;
        operations = keel_cons(
                keel_is_none(statements) ? keel_nil() : statements, operations);
    }
    queue->sent = queue->waiting;
    queue->waiting = *at;
    *at = NULL;
    if (queue->waiting == NULL) {
        queue->waiting_end = &queue->waiting;
    }
    keel_cast(queue->store,
            keel_tuple_of(keel_atom(write), keel_int(++queue->number),
                    keel_int(queue->table->next_id), keel_list_reverse(operations)));
}

void kl_jobs_written(struct kl_queue *queue, keel_term results)
{
    struct kl_op *op = queue->sent;
    queue->sent = NULL;
    keel_term result;
    while (op != NULL && keel_list_next(&results, &result)) {
        struct kl_op *next = op->next;
        op->next = NULL;
        apply(queue, op, result);
        op = next;
    }
}

// --- applying ---

static void free_op(struct kl_op *op)
{
    keel_drop(op->statements);
    keel_drop(op->from);
    keel_drop(op->reply);
    keel_free(op);
}

static void answer(keel_term from, keel_term reply)
{
    if (!keel_is_none(from)) {
        keel_reply_to(keel_from_of_term(from), reply);
    }
}

static void answer_adders(struct kl_job *job, keel_term reply)
{
    struct kl_waiter **at = &job->waiters;
    while (*at != NULL) {
        struct kl_waiter *waiter = *at;
        if (waiter->added) {
            *at = waiter->next;
            answer(waiter->from, reply);
            keel_drop(waiter->from);
            keel_free(waiter);
        } else {
            at = &waiter->next;
        }
    }
}

static void apply_add(struct kl_queue *queue, struct kl_op *op, keel_term result)
{
    struct kl_job *job = kl_jobs_table_find(queue->table, op->id);
    if (!keel_is(result, ok)) {
        answer_adders(job, result);
        answer(op->from, result);
        kl_jobs_table_remove(queue->table, job);
        return;
    }
    job->writing = false;
    kl_jobs_table_accept(queue->table, job);
    kl_jobs_table_schedule(queue->table, job, kl_jobs_now());
    answer(op->from, op->reply);
    answer_adders(job, keel_tuple_of(keel_atom(taken), keel_int(job->id)));
    kl_jobs_tell(queue, job);
}

// Not written: the job's own statements are to blame, or the disk is full.
static void apply_failure(struct kl_queue *queue, struct kl_op *op, keel_term result)
{
    keel_status status = (keel_status)keel_to_int(keel_element(result, 1));
    struct kl_job *job = kl_jobs_table_find(queue->table, op->id);
    if (status == -ENOSPC || status == -EIO || status == KEEL_E_NOMEM) {
        op->next = queue->waiting;
        queue->waiting_end = queue->waiting == NULL ? &op->next : queue->waiting_end;
        queue->waiting = op;
        if (!queue->stalled) {
            queue->stalled = true;
            keel_send_after(KEEL_SECONDS(1), keel_self(), keel_atom(flush));
        }
        return;
    }
    if (!op->also) {
        keel_exit(keel_tuple_of(keel_atom(not_written), result));
    }
    keel_drop_shared(op->state.outcome);
    job->writing = false;
    kl_jobs_fail_attempt(
            queue, job, keel_tuple_of(keel_atom(also), keel_element(result, 2)));
    free_op(op);
}

static void apply_forget(struct kl_queue *queue, struct kl_op *op)
{
    struct kl_job *job = kl_jobs_table_find(queue->table, op->id);
    queue->table->forgotten[job->state.status]++;
    kl_jobs_table_remove(queue->table, job);
}

static void apply(struct kl_queue *queue, struct kl_op *op, keel_term result)
{
    if (op->kind != KL_OP_ADD && !keel_is(result, ok)) {
        apply_failure(queue, op, result);
        return;
    }
    struct kl_job *job;
    switch (op->kind) {
    case KL_OP_ADD:
        apply_add(queue, op, result);
        break;
    case KL_OP_CHANGE:
        job = kl_jobs_table_find(queue->table, op->id);
        job->writing = false;
        kl_jobs_table_change(queue->table, job, &op->state);
        kl_jobs_changed(queue, job);
        break;
    case KL_OP_FORGET:
        apply_forget(queue, op);
        answer(op->from, op->reply);
        break;
    case KL_OP_OTHER:
        answer(op->from, op->reply);
        break;
    }
    free_op(op);
}
