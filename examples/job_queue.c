// A queue of jobs, one at a time, that tells everybody what it does. <keel/parts/jobs.h> is
// the ready-made one, which forgets nothing.

#include "job_queue.h"

struct job_queue {
    keel_term pubsub;
    keel_term jobs; // a map from ids to maps
    keel_term queue; // a list of ids, the oldest first
    int64_t processing; // an id; 0: none
    int64_t next_id;
    keel_pid worker; // of the job that is processing
    keel_ref monitor;
};

static keel_result init(keel_term pubsub, void *state)
{
    struct job_queue *queue = state;
    keel_set(&queue->pubsub, pubsub);
    keel_set(&queue->jobs, keel_make("#{}"));
    keel_set(&queue->queue, keel_nil());
    queue->next_id = 1;
    return keel_ok();
}

static keel_term status_of(const struct job_queue *queue)
{
    keel_term stats = keel_make("#{}"), id, job;
    for (size_t i = 0; keel_map_at(queue->jobs, i, &id, &job); i++) {
        keel_term status = keel_map_get(job, keel_atom(status));
        int64_t count = keel_to_int(keel_map_get(stats, status));
        stats = keel_map_put(stats, status, keel_int(count + 1));
    }
    return keel_make("#{jobs => Jobs, stats => Stats}", queue->jobs, stats);
}

static void change(struct job_queue *queue, int64_t id, keel_term key, keel_term value)
{
    keel_term job = keel_map_get(queue->jobs, keel_int(id));
    job = keel_map_put(job, key, value);
    keel_set(&queue->jobs, keel_map_put(queue->jobs, keel_int(id), job));
    keel_pubsub_broadcast(queue->pubsub, keel_atom(job_queue),
            keel_make("{queue_updated, Status}", status_of(queue)));
}

// The body of a worker; its argument is {Queue, Id, Seconds}.
static void work(keel_term arguments)
{
    keel_pid queue = keel_to_pid(keel_element(arguments, 0));
    keel_duration step = KEEL_SECONDS(keel_to_int(keel_element(arguments, 2))) / 10;
    for (int percent = 10; percent <= 100; percent += 10) {
        keel_sleep(step);
        keel_send(queue,
                keel_make("{progress, Id, Percent}", keel_element(arguments, 1), percent));
    }
}

static void process_next(struct job_queue *queue)
{
    keel_term rest;
    if (queue->processing != 0 ||
            !keel_match(queue->queue, "[Id | Rest]", &queue->processing, &rest)) {
        return;
    }
    keel_set(&queue->queue, rest);
    keel_term job = keel_map_get(queue->jobs, keel_int(queue->processing));
    queue->worker = keel_spawn_monitor(work,
            keel_make("{Self, Id, Seconds}", keel_self(), queue->processing,
                    keel_map_get(job, keel_atom(seconds))),
            &queue->monitor);
    change(queue, queue->processing, keel_atom(status), keel_atom(processing));
}

static keel_term add(struct job_queue *queue, keel_term name, int64_t seconds)
{
    keel_term id = keel_int(queue->next_id++);
    keel_term job = keel_make(
            "#{name => Name, seconds => Seconds, progress => 0}", name, seconds);
    keel_set(&queue->jobs, keel_map_put(queue->jobs, id, job));
    keel_set(&queue->queue, keel_list_append(queue->queue, keel_list_of(id)));
    change(queue, keel_to_int(id), keel_atom(status), keel_atom(pending));
    process_next(queue);
    return id;
}

static keel_term cancel(struct job_queue *queue, keel_term id)
{
    keel_term kept = keel_nil(), other, rest = keel_list_reverse(queue->queue);
    if (keel_to_int(id) == queue->processing) {
        keel_process_exit(queue->worker, keel_atom(cancelled)); // its end is noted below
        return keel_atom(ok);
    }
    if (!keel_list_member(id, queue->queue)) {
        return keel_atom(not_found);
    }
    while (keel_list_next(&rest, &other)) {
        kept = keel_equal(other, id) ? kept : keel_cons(other, kept);
    }
    keel_set(&queue->queue, kept);
    change(queue, keel_to_int(id), keel_atom(status), keel_atom(cancelled));
    return keel_atom(ok);
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    keel_term name, id;
    int64_t seconds;
    if (keel_match(request, "{add_job, Name, Seconds}", &name, &seconds)) {
        return keel_reply(add(state, name, seconds));
    }
    if (keel_match(request, "{cancel_job, Id}", &id)) {
        return keel_reply(cancel(state, id));
    }
    return keel_is(request, get_queue_status) ? keel_reply(status_of(state))
                                              : keel_unexpected(request);
}

static keel_result handle_info(keel_term message, void *state)
{
    struct job_queue *queue = state;
    keel_term percent, reason;
    if (keel_match(message, "{progress, ^Id, Percent}", queue->processing, &percent)) {
        change(queue, queue->processing, keel_atom(progress), percent);
    } else if (keel_match(message, "{'DOWN', ^Ref, process, _, Reason}", queue->monitor,
                       &reason)) {
        int64_t ended = queue->processing;
        queue->processing = 0;
        change(queue, ended, keel_atom(status),
                keel_is(reason, normal)      ? keel_atom(completed)
                : keel_is(reason, cancelled) ? reason
                                             : keel_atom(failed));
        process_next(queue);
    }
    return keel_noreply();
}

static const keel_gen_server job_queue = {
        .name = "job_queue",
        .state = KEEL_STATE(struct job_queue, pubsub, jobs, queue, processing, next_id,
                worker, monitor),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};

keel_started job_queue_start_link(keel_term pubsub)
{
    return keel_gen_server_start_link(&job_queue, pubsub, .name = keel_atom(job_queue));
}

int64_t job_queue_add(keel_term name, int64_t seconds)
{
    return keel_to_int(keel_call_or_exit(
            "job_queue", keel_make("{add_job, Name, Seconds}", name, seconds)));
}

keel_term job_queue_cancel(int64_t id)
{
    return keel_call_or_exit("job_queue", keel_make("{cancel_job, Id}", id));
}

keel_term job_queue_status(void)
{
    return keel_call_or_exit("job_queue", keel_atom(get_queue_status));
}
