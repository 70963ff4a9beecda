// Job queues: their supervision tree, and what clients call.
//
//   Name.Supervisor, rest_for_one
//     Name.Store      writes to the database, if there is one
//     Name            the queue
//     Name.Workers    a dynamic supervisor: each job is a child of it
//     (ready)         no process: tells the queue that its workers' supervisor is up

#include "jobs_queue.h"
#include "jobs_store.h"

#include <keel/task_supervisor.h>
#include <limits.h>
#include <string.h>

// --- options ---

static const keel_jobs_opts defaults = {
        .concurrency = 10,
        .limit = 1000000,
        .keep = 1000,
        .grace = KEEL_SECONDS(5),
        .max_interruptions = 20,
        .intensity = 3,
};

static keel_jobs_opts with_defaults(const keel_jobs_opts *given)
{
    keel_jobs_opts opts = given != NULL ? *given : (keel_jobs_opts){0};
    opts.concurrency = opts.concurrency == 0 ? defaults.concurrency : opts.concurrency;
    opts.limit = opts.limit == 0 ? defaults.limit : opts.limit;
    opts.keep = opts.keep == 0 ? defaults.keep : opts.keep;
    opts.grace = opts.grace == 0 ? defaults.grace : opts.grace;
    opts.max_interruptions = opts.max_interruptions == 0 ? defaults.max_interruptions
                                                         : opts.max_interruptions;
    opts.intensity = opts.intensity == 0 ? defaults.intensity : opts.intensity;
    return opts;
}

static keel_term bad_option(keel_term option, keel_term value)
{
    return keel_tuple_of(keel_atom(badarg), keel_tuple_of(option, value));
}

static bool has_kind(const keel_jobs_opts *opts, const char *name)
{
    for (size_t i = 0; i < opts->kind_count; i++) {
        const char *known = opts->kinds[i].name;
        if (known == NULL || strcmp(known, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_in_order(const keel_jobs_opts *opts, const keel_job_cron *entry)
{
    struct kl_cron cron;
    keel_term argument;
    const char *text = entry->argument;
    return entry->schedule != NULL && kl_cron_parse(entry->schedule, &cron) &&
           entry->name != NULL && has_kind(opts, entry->name) &&
           (text == NULL || keel_parse(text, strlen(text), &argument, NULL) == KEEL_OK);
}

// What is wrong with the options, or KEEL_NONE.
static keel_term objection(const keel_jobs_opts *opts)
{
    if (!keel_is_atom(opts->name)) {
        return bad_option(
                keel_atom(name), keel_is_none(opts->name) ? keel_nil() : opts->name);
    }
    if (opts->kinds == NULL || opts->kind_count == 0) {
        return bad_option(keel_atom(kinds), keel_nil());
    }
    for (size_t i = 0; i < opts->kind_count; i++) {
        if (opts->kinds[i].run == NULL) {
            return bad_option(keel_atom(kinds), keel_uint(i));
        }
    }
    if (opts->concurrency < 0) {
        return bad_option(keel_atom(concurrency), keel_int(opts->concurrency));
    }
    if (opts->grace < 0) {
        return bad_option(keel_atom(grace), keel_int(opts->grace));
    }
    for (size_t i = 0; i < opts->cron_count; i++) {
        if (!is_in_order(opts, &opts->cron[i])) {
            return bad_option(keel_atom(cron), keel_uint(i));
        }
    }
    return KEEL_NONE;
}

// --- the tree ---

keel_term kl_jobs_part(keel_term name, const char *part)
{
    keel_bytes text = keel_to_bytes(keel_format("%s.%s", keel_atom_name(name), part));
    keel_term atom = KEEL_NONE;
    keel_status made = keel_atom_from((const char *)text.data, text.size, &atom);
    return made == KEEL_OK ? atom : KEEL_NONE;
}

static keel_started tell_ready(keel_term names)
{
    keel_pid workers = keel_whereis(keel_element(names, 1));
    keel_cast(keel_element(names, 0),
            keel_tuple_of(keel_atom(ready), keel_from_pid(workers)));
    return keel_started_ignored();
}

// {Argument, Name}; libpq and SQLite want more of a stack than a process usually has.
static keel_started start_store(keel_term plan)
{
    return keel_gen_server_start_link(&kl_jobs_store, keel_element(plan, 0),
            .name = keel_element(plan, 1), .spawn.stack_bytes = 256 * 1024);
}

static keel_started start_tree(const keel_jobs_opts *opts)
{
    keel_term name = opts->name, workers = kl_jobs_part(name, "Workers");
    keel_child_spec children[4], *child = children;
    if (opts->database != NULL) {
        *child++ = keel_child_fn(start_store,
                keel_tuple_of(kl_jobs_store_argument(opts->database, name),
                        kl_jobs_part(name, "Store")),
                .id = keel_atom(store));
    }
    *child++ = keel_child(&kl_jobs_queue, kl_jobs_argument(opts), .name = name);
    *child++ = keel_child_dynamic_supervisor(.name = workers);
    *child++ = keel_child_fn(
            tell_ready, keel_tuple_of(name, workers), .id = keel_atom(ready));
    return keel_supervisor_start_link(children, (size_t)(child - children),
            .strategy = KEEL_REST_FOR_ONE, .intensity = opts->intensity,
            .name = kl_jobs_part(name, "Supervisor"));
}

keel_started keel_jobs_start_link_opt(const keel_jobs_opts *given)
{
    keel_jobs_opts opts = with_defaults(given);
    keel_term why = objection(&opts);
    if (!keel_is_none(why)) {
        return (keel_started){.status = KEEL_E_BADARG, .reason = why};
    }
    return start_tree(&opts);
}

// The start function of keel_child_jobs.
static keel_started start_child(keel_term argument)
{
    keel_jobs_opts opts;
    return kl_jobs_read(argument, &opts) ? keel_jobs_start_link_opt(&opts)
                                         : keel_started_failed(keel_atom(badarg));
}

keel_child_spec keel_jobs_spec(const keel_jobs_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_jobs_opts){0};
    return keel_child_fn(start_child, kl_jobs_argument(opts),
            .id = keel_is_none(opts->name) ? keel_atom(jobs) : opts->name,
            .type = KEEL_SUPERVISOR);
}

// --- clients ---

static keel_status status_of(keel_term reply)
{
    keel_term status = keel_element(reply, 1);
    return keel_is_int(status) ? (keel_status)keel_to_int(status) : KEEL_E_REFUSED;
}

static keel_status ask(keel_term queue, keel_term request, keel_term *ret_reply)
{
    return keel_call_term(queue, request, KEEL_ABOUT(KEEL_SECONDS(5)), ret_reply);
}

keel_status keel_jobs_add_opt(keel_term queue, const keel_new_job *job, int64_t *ret_id)
{
    if (job == NULL || job->name == NULL || job->priority < 0 || job->priority > 9 ||
            job->delay < 0 || job->at < 0 || job->max_attempts < 0) {
        return KEEL_E_BADARG;
    }
    keel_term unique = keel_is_none(job->unique) ? keel_nil() : keel_list_of(job->unique);
    keel_term request = keel_tuple_of(keel_atom(add), keel_string(job->name),
            keel_is_none(job->argument) ? keel_nil() : job->argument,
            keel_int(job->priority), keel_int((job->delay + KEEL_MS(1) - 1) / KEEL_MS(1)),
            keel_int(job->at), unique, keel_int(job->max_attempts));
    keel_term reply;
    keel_status status = ask(queue, request, &reply);
    if (status != KEEL_OK) {
        return status;
    }
    keel_term what = keel_element(reply, 0);
    if (keel_is(what, error)) {
        return status_of(reply);
    }
    if (ret_id != NULL) {
        *ret_id = keel_to_int(keel_element(reply, 1));
    }
    return keel_is(what, taken) ? KEEL_E_TAKEN : KEEL_OK;
}

keel_status keel_jobs_cancel_term(keel_term queue, int64_t id, keel_term *ret_reason)
{
    keel_term reply;
    // The job may use all of its grace.
    keel_status status = keel_call_term(queue,
            keel_tuple_of(keel_atom(cancel), keel_int(id)), KEEL_IN(KEEL_MINUTES(1)),
            &reply);
    if (status == KEEL_OK && !keel_is(reply, ok)) {
        status = KEEL_E_REFUSED;
        if (ret_reason != NULL) {
            *ret_reason = keel_element(reply, 1);
        }
    }
    return status;
}

keel_status keel_jobs_get_term(keel_term queue, int64_t id, keel_term *ret_job)
{
    keel_term reply;
    keel_status status = ask(queue, keel_tuple_of(keel_atom(get), keel_int(id)), &reply);
    if (status == KEEL_OK && keel_is(keel_element(reply, 0), error)) {
        return KEEL_E_REFUSED;
    }
    if (status == KEEL_OK) {
        *ret_job = keel_element(reply, 1);
    }
    return status;
}

keel_status keel_jobs_list_opt(
        keel_term queue, const keel_jobs_filter *filter, keel_term *ret_jobs)
{
    filter = filter != NULL ? filter : &(const keel_jobs_filter){0};
    if (!keel_is_none(filter->status) && !keel_is_atom(filter->status)) {
        return KEEL_E_BADARG;
    }
    keel_term request = keel_tuple_of(keel_atom(list),
            keel_is_none(filter->status) ? keel_atom(nil) : filter->status,
            filter->name == NULL ? keel_atom(nil) : keel_string(filter->name),
            keel_int(filter->after), keel_bool(filter->newest_first),
            keel_uint(filter->limit == 0 ? 100 : filter->limit));
    return ask(queue, request, ret_jobs);
}

keel_status keel_jobs_stats_term(keel_term queue, keel_term *ret_stats)
{
    return ask(queue, keel_atom(stats), ret_stats);
}

keel_status keel_jobs_steer(keel_term queue, keel_term request)
{
    keel_term reply;
    return ask(queue, request, &reply);
}

keel_status keel_jobs_set_concurrency_term(keel_term queue, int count)
{
    return count < 1 ? KEEL_E_BADARG
                     : keel_jobs_steer(queue,
                               keel_tuple_of(keel_atom(concurrency), keel_int(count)));
}

keel_status keel_jobs_prune_term(keel_term queue, size_t keep, size_t *ret_count)
{
    keel_term reply;
    keep = keep > INT64_MAX ? INT64_MAX : keep;
    keel_status status = ask(
            queue, keel_tuple_of(keel_atom(prune), keel_uint(keep)), &reply);
    if (status == KEEL_OK && ret_count != NULL) {
        *ret_count = (size_t)keel_to_int(keel_element(reply, 1));
    }
    return status;
}

keel_term keel_jobs_topic(keel_term name)
{
    return keel_tuple_of(keel_atom(jobs), name);
}
