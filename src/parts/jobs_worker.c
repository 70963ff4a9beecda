// In the job's own process: running its function, and what that may ask for.

#include "jobs_queue.h"

#include <keel/function.h>
#include <keel/task_supervisor.h>
#include <string.h>

// {Queue, Id, Attempt, Durable} in the job's dictionary.
static keel_term context(void)
{
    return keel_in_process() ? keel_process_get(keel_atom_text("$job")) : KEEL_NONE;
}

// {Queue, Id, Attempt, Durable, Function, Argument}
static keel_term run_job(keel_term plan)
{
    keel_term job = keel_tuple_of(keel_element(plan, 0), keel_element(plan, 1),
            keel_element(plan, 2), keel_element(plan, 3));
    keel_term (*function)(keel_term) = keel_to_function(
            keel_term(*)(keel_term), keel_element(plan, 4));
    keel_process_put(keel_atom_text("$job"), job);
    // Not before the queue watches: it would not learn why a job ended that ends at once.
    keel_status status = keel_receive_match(KEEL_NEVER, "{job, go}");
    KEEL_ASSERT(status == KEEL_OK);
    keel_term outcome = function(keel_element(plan, 5));
    keel_term also = keel_process_get(keel_atom_text("$job_also"));
    keel_term done = keel_tuple_of(keel_atom(job_done), keel_element(job, 1),
            keel_element(job, 2), keel_is_none(outcome) ? keel_atom(ok) : outcome,
            keel_is_none(also) ? keel_nil() : keel_list_reverse(also));
    keel_send(keel_to_pid(keel_element(job, 0)), done);
    return keel_atom(ok);
}

keel_started kl_jobs_start_work(struct kl_queue *queue, const struct kl_job *job)
{
    const keel_job_kind *kind = kl_jobs_kind_of(queue, job->name);
    keel_term plan = keel_tuple_of(keel_from_pid(keel_self()), keel_int(job->id),
            keel_int(job->state.attempt), keel_bool(queue->opts.database != NULL),
            keel_function(kind->run), job->argument);
    return keel_task_supervisor_start_child_opt(queue->workers, run_job,
            kind->name != NULL ? kind->name : "job",
            &(const keel_supervised_task_opts){.argument = plan});
}

int64_t keel_job_id(void)
{
    return keel_to_int(keel_element(context(), 1));
}

int keel_job_attempt(void)
{
    return (int)keel_to_int(keel_element(context(), 2));
}

void keel_job_progress(int percent)
{
    keel_term job = context();
    percent = percent < 0 ? 0 : percent > 100 ? 100 : percent;
    if (!keel_is_none(job)) {
        keel_send(keel_to_pid(keel_element(job, 0)),
                keel_tuple_of(
                        keel_atom(job_progress), keel_element(job, 1), keel_int(percent)));
    }
}

bool keel_job_cancelled(void)
{
    keel_term flag = keel_atom_text("$job_cancelled");
    if (keel_is_none(context())) {
        return false;
    }
    if (keel_is_none(keel_process_get(flag)) &&
            keel_receive_match(KEEL_AT_ONCE, "{job, cancel}") == KEEL_OK) {
        keel_process_put(flag, keel_atom(true));
    }
    return !keel_is_none(keel_process_get(flag));
}

keel_status keel_job_sleep(keel_duration duration)
{
    keel_deadline end = KEEL_IN(duration);
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    if (keel_job_cancelled()) {
        return KEEL_E_CANCELED;
    }
    if (keel_receive_match(end, "{job, cancel}") == KEEL_OK) {
        keel_process_put(keel_atom_text("$job_cancelled"), keel_atom(true));
        return KEEL_E_CANCELED;
    }
    return KEEL_OK;
}

keel_status keel_job_also(const char *sql, keel_term parameters)
{
    keel_term job = context(), key = keel_atom_text("$job_also");
    if (keel_is_none(job)) {
        return KEEL_E_OUTSIDE;
    }
    if (!keel_is(keel_element(job, 3), true)) {
        return KEEL_E_UNSUPPORTED;
    }
    keel_term others = keel_process_get(key);
    keel_term statement = keel_tuple_of(
            keel_string(sql), keel_is_none(parameters) ? keel_nil() : parameters);
    keel_process_put(key, keel_cons(statement, keel_is_none(others) ? keel_nil() : others));
    return KEEL_OK;
}
