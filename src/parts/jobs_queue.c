#include "jobs_queue.h"

#include "jobs_store.h"
#include "options.h"
#include <keel/gen_server.h>
#include <keel/secret.h>
#include <keel/timer.h>
#include <string.h>

enum { MOST_CALLBACKS = 1000 }; // between two times of going on

static bool load(struct kl_queue *queue);
static void parse_cron(struct kl_queue *queue);
static void serve_cron(struct kl_queue *queue);
static void go_on(struct kl_queue *queue);
static void free_table(void *arg);

int64_t kl_jobs_now(void)
{
    return keel_system_time() / KEEL_MS(1);
}

const keel_job_kind *kl_jobs_kind_of(const struct kl_queue *queue, keel_term name)
{
    keel_bytes text = keel_to_bytes(name);
    const keel_job_kind *any = NULL;
    for (size_t i = 0; i < queue->opts.kind_count; i++) {
        const keel_job_kind *kind = &queue->opts.kinds[i];
        if (kind->name == NULL) {
            any = kind;
        } else if (strlen(kind->name) == text.size &&
                   memcmp(kind->name, text.data, text.size) == 0) {
            return kind;
        }
    }
    return any;
}

// --- the start ---

static const struct kl_options layout = KL_OPTIONS(
        keel_jobs_opts, offsetof(keel_jobs_opts, name), offsetof(keel_jobs_opts, pubsub));

// {Options, Database}: the address may hold a password, and is not static as the rest is.
keel_term kl_jobs_argument(const keel_jobs_opts *opts)
{
    keel_jobs_opts others = *opts;
    others.database = NULL;
    return keel_tuple_of(kl_options_pack(&layout, &others),
            opts->database == NULL ? keel_nil() : keel_secret(opts->database));
}

bool kl_jobs_read(keel_term argument, keel_jobs_opts *ret_opts)
{
    if (!kl_options_unpack(&layout, keel_element(argument, 0), ret_opts)) {
        return false;
    }
    ret_opts->database = keel_to_secret(keel_element(argument, 1)); // NULL for []
    return true;
}

static void read_argument(struct kl_queue *queue, keel_term argument)
{
    KEEL_ASSERT(kl_jobs_read(keel_keep(argument), &queue->opts));
    queue->name = queue->opts.name;
    const char *name = keel_atom_name(queue->name);
    keel_set(&queue->topic, keel_jobs_topic(queue->name));
    keel_set(&queue->queue, keel_string(name));
    queue->workers = kl_jobs_part(queue->name, "Workers");
    queue->store = kl_jobs_part(queue->name, "Store");
}

static keel_result init(keel_term argument, void *state)
{
    struct kl_queue *queue = state;
    read_argument(queue, argument);
    queue->waiting_end = &queue->waiting;
    keel_trap_exit(true); // so that its supervisor's shutdown reaches terminate
    if (!load(queue)) {
        return keel_stop_with(keel_atom(unreadable));
    }
    parse_cron(queue);
    queue->starting = true; // so that none of the jobs is forgotten under this loop's feet
    for (struct kl_job *job = queue->table->oldest, *next; job != NULL; job = next) {
        next = job->newer;
        if (!job->accepted) {
            kl_jobs_table_remove(queue->table, job); // nobody was told that it was
        } else if (job->state.status == KL_JOB_PROCESSING) {
            kl_jobs_interrupted(queue, job);
        } else if (job->state.status == KL_JOB_PENDING) {
            kl_jobs_table_schedule(queue->table, job, kl_jobs_now());
        }
    }
    queue->starting = false;
    kl_jobs_submit_prune(queue, queue->opts.keep, KEEL_NONE);
    go_on(queue);
    return keel_ok();
}

static bool load(struct kl_queue *queue)
{
    if (queue->opts.database == NULL) {
        queue->table = kl_jobs_table_of(queue->name);
        if (queue->table != NULL) {
            kl_jobs_table_recover(queue->table);
        }
        return queue->table != NULL;
    }
    queue->table = kl_jobs_table_new();
    if (queue->table == NULL) {
        return false;
    }
    keel_defer(free_table, queue->table);
    return kl_jobs_store_fill(queue->table,
            keel_call_or_exit_within(queue->store, keel_atom(load), KEEL_FOREVER));
}

static void free_table(void *arg)
{
    kl_jobs_table_free(arg);
}

// Without a database the table outlives a process that fails or is killed, and goes with
// one that is told to end.
static void terminate(keel_term reason, void *state)
{
    struct kl_queue *queue = state;
    bool told = keel_is(reason, normal) || keel_is(reason, shutdown) ||
                keel_is(keel_element(reason, 0), shutdown);
    if (told && queue->opts.database == NULL && queue->table != NULL) {
        kl_jobs_table_end(queue->name);
        queue->table = NULL;
    }
}

// --- cron ---

static void parse_cron(struct kl_queue *queue)
{
    enum { MADE_UP_FOR = 60 };
    int64_t now = kl_jobs_now() / 1000;
    queue->cron = keel_alloc(queue->opts.cron_count * sizeof *queue->cron + 1);
    for (size_t i = 0; i < queue->opts.cron_count; i++) {
        kl_cron_parse(queue->opts.cron[i].schedule, &queue->cron[i]);
    }
    if (queue->table->cron_at == 0) { // the first start of this queue: no minute is over
        queue->table->cron_at = now;
        struct kl_op *op = kl_jobs_op(KL_OP_OTHER, 0);
        if (queue->opts.database != NULL) {
            kl_jobs_with(queue, op, kl_jobs_store_cron(queue->queue, now));
        }
        kl_jobs_submit(queue, op);
    }
    // What was due while nobody was there is not made up for, but for the last minute: a
    // queue that is killed just before one begins and back just after has not been away.
    if (queue->table->cron_at < now - MADE_UP_FOR) {
        queue->table->cron_at = now - MADE_UP_FOR;
    }
}

static int64_t next_cron(const struct kl_queue *queue)
{
    int64_t next = 0;
    for (size_t i = 0; i < queue->opts.cron_count; i++) {
        int64_t at = kl_cron_next(&queue->cron[i], queue->table->cron_at);
        next = at != 0 && (next == 0 || at < next) ? at : next;
    }
    return next * 1000;
}

static struct kl_job *add_job(struct kl_queue *queue, keel_term name, keel_term argument,
        const keel_job_kind *kind, struct kl_job job)
{
    job.id = queue->table->next_id;
    job.name = keel_keep_shared(name);
    job.argument = keel_keep_shared(argument);
    job.inserted_at = kl_jobs_now();
    job.max_attempts = job.max_attempts > 0     ? job.max_attempts
                       : kind->max_attempts > 0 ? kind->max_attempts
                                                : 3;
    struct kl_job *added = kl_jobs_table_add(queue->table, &job);
    if (added != NULL) {
        queue->table->next_id++;
        added->writing = true;
    }
    return added;
}

static void serve_cron(struct kl_queue *queue)
{
    int64_t now = kl_jobs_now() / 1000, since = queue->table->cron_at;
    for (size_t i = 0; i < queue->opts.cron_count; i++) {
        const keel_job_cron *entry = &queue->opts.cron[i];
        int64_t at = kl_cron_next(&queue->cron[i], since);
        keel_term name = keel_string(entry->name), argument = keel_nil();
        const keel_job_kind *kind = kl_jobs_kind_of(queue, name);
        if (at == 0 || at > now || kind == NULL) {
            continue;
        }
        if (entry->argument != NULL) {
            keel_status parsed = keel_parse(
                    entry->argument, strlen(entry->argument), &argument, NULL);
            KEEL_ASSERT(parsed == KEEL_OK);
        }
        queue->table->cron_at = now;
        struct kl_job *job = add_job(
                queue, name, argument, kind, (struct kl_job){.state.run_at = at * 1000});
        if (job == NULL) {
            continue;
        }
        // That this minute is served is written together with the job.
        struct kl_op *op = kl_jobs_op(KL_OP_ADD, job->id);
        if (queue->opts.database != NULL) {
            kl_jobs_with(queue, op, kl_jobs_store_insert(queue->queue, job));
            kl_jobs_with(queue, op, kl_jobs_store_cron(queue->queue, now));
        }
        kl_jobs_submit(queue, op);
    }
}

// --- going on: when the mailbox is empty ---

static void arrange_timer(struct kl_queue *queue)
{
    enum { LONGEST_MS = 60 * 1000 }; // the wall clock may be set
    int64_t now = kl_jobs_now();
    int64_t next = kl_jobs_table_wake(queue->table, now), cron = next_cron(queue);
    next = next == 0 || (cron != 0 && cron < next) ? cron : next;
    if (next == queue->timer_at && queue->timer.word != 0) {
        return;
    }
    if (queue->timer.word != 0) {
        keel_cancel_timer(queue->timer, NULL);
        queue->timer = (keel_ref){0};
    }
    queue->timer_at = next;
    if (next != 0) {
        int64_t wait = next <= now ? 0 : next - now > LONGEST_MS ? LONGEST_MS : next - now;
        queue->timer = keel_start_timer(
                KEEL_MS(wait), keel_from_pid(keel_self()), keel_atom(wake));
    }
}

static void go_on(struct kl_queue *queue)
{
    queue->callbacks = 0;
    serve_cron(queue);
    kl_jobs_dispatch(queue);
    kl_jobs_flush(queue);
    arrange_timer(queue);
}

// Everything that has come already goes into one transaction: were the first of ten clients
// written at once, the other nine would wait for the next. A mailbox that is never empty
// must not put it off for ever.
static keel_result go_on_later(struct kl_queue *queue, keel_result result)
{
    if (++queue->callbacks >= MOST_CALLBACKS) {
        go_on(queue);
    }
    return queue->callbacks == 0 ? result : keel_then_timeout(result, 0);
}

// --- requests ---

static keel_term failure(keel_status status)
{
    return keel_tuple_of(keel_atom(error), keel_int(status), keel_nil());
}

static void wait_for(struct kl_job *job, keel_from from, bool added)
{
    struct kl_waiter *waiter = keel_alloc(sizeof *waiter);
    waiter->from = keel_keep(keel_from_to_term(from));
    waiter->added = added;
    waiter->next = job->waiters;
    job->waiters = waiter;
}

static size_t unfinished(const struct kl_jobs_table *table)
{
    return table->jobs - table->counts[KL_JOB_COMPLETED] - table->counts[KL_JOB_FAILED] -
           table->counts[KL_JOB_CANCELLED];
}

// {add, Name, Argument, Priority, Delay, At, Unique, MaxAttempts}; [] for no unique key.
static keel_result add(struct kl_queue *queue, keel_term request, keel_from from)
{
    keel_term name = keel_element(request, 1), argument = keel_element(request, 2);
    keel_term unique = keel_element(request, 6);
    unique = keel_is_nil(unique) ? KEEL_NONE : keel_head(unique);
    int64_t delay = keel_to_int(keel_element(request, 4));
    int64_t at = keel_to_int(keel_element(request, 5));
    const keel_job_kind *kind = kl_jobs_kind_of(queue, name);
    bool durable = queue->opts.database != NULL;
    if (kind == NULL ||
            (durable && !(kl_jobs_can_store(argument) && kl_jobs_can_store(unique)))) {
        return keel_reply(failure(KEEL_E_BADARG));
    }
    struct kl_job *same = keel_is_none(unique)
                                  ? NULL
                                  : kl_jobs_table_find_unique(queue->table, unique);
    if (same != NULL && same->accepted) {
        return keel_reply(keel_tuple_of(keel_atom(taken), keel_int(same->id)));
    }
    if (same != NULL) {
        wait_for(same, from, true);
        return keel_noreply();
    }
    if (unfinished(queue->table) >= queue->opts.limit) {
        return keel_reply(failure(KEEL_E_OVERLOAD));
    }
    struct kl_job *job = add_job(queue, name, argument, kind,
            (struct kl_job){
                    .priority = (int)keel_to_int(keel_element(request, 3)),
                    .max_attempts = (int)keel_to_int(keel_element(request, 7)),
                    .unique = keel_is_none(unique) ? KEEL_NONE : keel_keep_shared(unique),
                    .state.run_at = at > 0 ? at : kl_jobs_now() + delay,
            });
    if (job == NULL) {
        return keel_reply(failure(KEEL_E_NOMEM));
    }
    struct kl_op *op = kl_jobs_op(KL_OP_ADD, job->id);
    if (durable) {
        kl_jobs_with(queue, op, kl_jobs_store_insert(queue->queue, job));
    }
    kl_jobs_answering(
            op, keel_from_to_term(from), keel_tuple_of(keel_atom(ok), keel_int(job->id)));
    kl_jobs_submit(queue, op);
    return keel_noreply();
}

static keel_result cancel(struct kl_queue *queue, int64_t id, keel_from from)
{
    struct kl_job *job = kl_jobs_table_find(queue->table, id);
    if (job == NULL || !job->accepted) {
        return keel_reply(keel_make("{error, not_found}"));
    }
    if (kl_job_finished(job)) {
        return keel_reply(keel_make(
                "{error, {finished, S}}", kl_jobs_status_atom(job->state.status)));
    }
    wait_for(job, from, false);
    kl_jobs_cancel_job(queue, job);
    return keel_noreply();
}

static keel_result set_paused(struct kl_queue *queue, bool paused, keel_from from)
{
    struct kl_op *op = kl_jobs_op(KL_OP_OTHER, 0);
    queue->table->paused = paused;
    if (queue->opts.database != NULL) {
        kl_jobs_with(queue, op, kl_jobs_store_pause(queue->queue, paused));
    }
    kl_jobs_answering(op, keel_from_to_term(from), keel_atom(ok));
    kl_jobs_submit(queue, op);
    return keel_noreply();
}

static keel_result serve(struct kl_queue *queue, keel_term request, keel_from from)
{
    keel_term what = keel_is_tuple(request) ? keel_element(request, 0) : request;
    int64_t number = keel_to_int(keel_element(request, 1));
    if (keel_is(what, add)) {
        return add(queue, request, from);
    }
    if (keel_is(what, cancel)) {
        return cancel(queue, number, from);
    }
    if (keel_is(what, get)) {
        struct kl_job *job = kl_jobs_table_find(queue->table, number);
        bool known = job != NULL && job->accepted;
        return keel_reply(known ? keel_tuple_of(keel_atom(ok), kl_jobs_view(job))
                                : keel_make("{error, not_found}"));
    }
    if (keel_is(what, list)) {
        return keel_reply(kl_jobs_view_list(queue, request));
    }
    if (keel_is(what, stats)) {
        return keel_reply(kl_jobs_view_stats(queue));
    }
    if (keel_is(what, pause) || keel_is(what, resume)) {
        return set_paused(queue, keel_is(what, pause), from);
    }
    if (keel_is(what, concurrency)) {
        queue->opts.concurrency = (int)number;
        return keel_reply(keel_atom(ok));
    }
    if (keel_is(what, prune)) {
        kl_jobs_submit_prune(queue, (size_t)number, keel_from_to_term(from));
        return keel_noreply();
    }
    return keel_unexpected(request);
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    return go_on_later(state, serve(state, request, from));
}

// {ready, Workers}: the supervisor of the jobs is up.
static keel_result handle_cast(keel_term request, void *state)
{
    struct kl_queue *queue = state;
    keel_pid workers;
    if (!keel_match(request, "{ready, Workers}", &workers)) {
        return keel_unexpected(request);
    }
    queue->workers_pid = workers;
    return go_on_later(queue, keel_noreply());
}

static keel_result handle_info(keel_term message, void *state)
{
    struct kl_queue *queue = state;
    keel_term what = keel_element(message, 0), results, reason;
    int64_t id, number;
    int percent;
    keel_ref monitor, timer;
    if (keel_is(message, timeout)) {
        go_on(queue);
        return keel_noreply();
    }
    if (keel_is(what, job_done)) {
        kl_jobs_done(queue, message);
    } else if (keel_match(message, "{job_progress, Id, Percent}", &id, &percent)) {
        kl_jobs_progress(queue, id, percent);
    } else if (keel_match(message, "{{job_down, Id}, Monitor, process, _, Reason}", &id,
                       &monitor, &reason)) {
        kl_jobs_down(queue, id, monitor, reason);
    } else if (keel_match(message, "{written, Number, Results}", &number, &results)) {
        if (queue->sent != NULL && number == queue->number) {
            kl_jobs_written(queue, results);
        }
    } else if (keel_match(message, "{timeout, Timer, wake}", &timer)) {
        queue->timer = timer.word == queue->timer.word ? (keel_ref){0} : queue->timer;
    } else if (keel_match(message, "{timeout, _, {What, Id}}", &what, &id)) {
        kl_jobs_timer(queue, what, id);
    } else if (keel_is(message, flush)) {
        queue->stalled = false;
    }
    return go_on_later(queue, keel_noreply());
}

const keel_gen_server kl_jobs_queue = {
        .name = "jobs",
        .state = KEEL_STATE(struct kl_queue, name, running, number, stalled),
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
        .terminate = terminate,
};
