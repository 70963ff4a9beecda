// What others see of a queue.

#include "jobs_queue.h"

#include <keel/pubsub.h>
#include <string.h>

keel_term kl_jobs_status_atom(enum kl_job_status status)
{
    keel_term atom = keel_atom(nil);
    const char *name = kl_job_status_name(status);
    keel_status made = keel_atom_from(name, strlen(name), &atom);
    (void)made; // five names, as old as the program
    return atom;
}

static keel_term or_nil(keel_term term)
{
    return keel_is_none(term) ? keel_atom(nil) : term;
}

static keel_term time_or_nil(int64_t at)
{
    return at == 0 ? keel_atom(nil) : keel_int(at);
}

keel_term kl_jobs_view(const struct kl_job *job)
{
    const struct kl_job_state *state = &job->state;
    const keel_term keys[] = {keel_atom(id), keel_atom(name), keel_atom(argument),
            keel_atom(status), keel_atom(priority), keel_atom(attempt),
            keel_atom(max_attempts), keel_atom(progress), keel_atom(outcome),
            keel_atom(unique), keel_atom(inserted_at), keel_atom(run_at),
            keel_atom(started_at), keel_atom(finished_at)};
    const keel_term values[] = {keel_int(job->id), job->name, job->argument,
            kl_jobs_status_atom(state->status), keel_int(job->priority),
            keel_int(state->attempt), keel_int(job->max_attempts), keel_int(job->progress),
            or_nil(state->outcome), or_nil(job->unique), keel_int(job->inserted_at),
            keel_int(state->run_at), time_or_nil(state->started_at),
            time_or_nil(state->finished_at)};
    return keel_map(keys, values, KEEL_COUNT(keys));
}

// {list, Status, Name, After, NewestFirst, Limit}
keel_term kl_jobs_view_list(const struct kl_queue *queue, keel_term request)
{
    keel_term status = keel_element(request, 1), name = keel_element(request, 2);
    int64_t after = keel_to_int(keel_element(request, 3));
    bool newest_first = keel_to_bool(keel_element(request, 4));
    int64_t left = keel_to_int(keel_element(request, 5));
    enum kl_job_status wanted = keel_is(status, nil)
                                        ? KL_JOB_STATUSES
                                        : kl_job_status_of(keel_atom_name(status));
    keel_term list = keel_nil();
    const struct kl_job *job = newest_first ? queue->table->newest : queue->table->oldest;
    for (; job != NULL && left > 0; job = newest_first ? job->older : job->newer) {
        bool fits = job->accepted && job->id > after &&
                    (keel_is(status, nil) || job->state.status == wanted) &&
                    (keel_is(name, nil) || keel_equal(job->name, name));
        if (fits) {
            list = keel_cons(kl_jobs_view(job), list);
            left--;
        }
    }
    return keel_list_reverse(list);
}

keel_term kl_jobs_view_stats(const struct kl_queue *queue)
{
    const struct kl_jobs_table *table = queue->table;
    const keel_term keys[] = {keel_atom(pending), keel_atom(processing),
            keel_atom(completed), keel_atom(failed), keel_atom(cancelled),
            keel_atom(scheduled), keel_atom(concurrency), keel_atom(paused)};
    const keel_term values[] = {keel_uint(table->counts[KL_JOB_PENDING]),
            keel_uint(table->counts[KL_JOB_PROCESSING]),
            keel_int((int64_t)table->counts[KL_JOB_COMPLETED] +
                     table->forgotten[KL_JOB_COMPLETED]),
            keel_int((int64_t)table->counts[KL_JOB_FAILED] +
                     table->forgotten[KL_JOB_FAILED]),
            keel_int((int64_t)table->counts[KL_JOB_CANCELLED] +
                     table->forgotten[KL_JOB_CANCELLED]),
            keel_uint(table->later.count), keel_int(queue->opts.concurrency),
            keel_bool(table->paused)};
    return keel_map(keys, values, KEEL_COUNT(keys));
}

void kl_jobs_tell(const struct kl_queue *queue, const struct kl_job *job)
{
    if (!keel_is_none(queue->opts.pubsub) && job->accepted) {
        keel_pubsub_broadcast(queue->opts.pubsub, queue->topic,
                keel_tuple_of(keel_atom(jobs), queue->name, kl_jobs_view(job)));
    }
}
