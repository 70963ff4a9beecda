// What a queue's jobs look like in a database, both ways. Arguments, outcomes and unique
// keys stand there in Erlang's external format.

#include "jobs_store.h"

#include <keel/etf.h>
#include <keel/parts/database.h>
#include <string.h>

static keel_term blob_of(keel_term term)
{
    keel_term bytes;
    if (keel_is_none(term)) {
        return keel_atom(nil);
    }
    if (keel_etf_encode(term, NULL, &bytes) != KEEL_OK) {
        // An outcome that means something in this program only: its text is kept instead.
        keel_status status = keel_etf_encode(keel_string(keel_show(term)), NULL, &bytes);
        if (status != KEEL_OK) {
            return keel_atom(nil);
        }
    }
    return keel_tuple_of(keel_atom(blob), bytes);
}

bool kl_jobs_can_store(keel_term term)
{
    keel_term bytes;
    return keel_is_none(term) || keel_etf_encode(term, NULL, &bytes) == KEEL_OK;
}

static keel_term time_of(int64_t at)
{
    return at == 0 ? keel_atom(nil) : keel_int(at);
}

static keel_term status_of(const struct kl_job_state *state)
{
    return keel_string(kl_job_status_name(state->status));
}

static keel_term statement(const char *sql, keel_term parameters)
{
    return keel_tuple_of(keel_string(sql), parameters);
}

keel_term kl_jobs_store_insert(keel_term queue, const struct kl_job *job)
{
    return statement(
            "insert into keel_jobs (queue, id, name, argument, status, priority, attempt, "
            "max_attempts, interruptions, unique_key, inserted_at, run_at) values "
            "($1, $2, $3, $4, 'pending', $5, 0, $6, 0, $7, $8, $9)",
            keel_list_of(queue, keel_int(job->id), job->name, blob_of(job->argument),
                    keel_int(job->priority), keel_int(job->max_attempts),
                    blob_of(job->unique), keel_int(job->inserted_at),
                    keel_int(job->state.run_at)));
}

// That a finished job never changes again is the database's word as well.
keel_term kl_jobs_store_change(
        keel_term queue, int64_t id, const struct kl_job_state *state)
{
    return statement("update keel_jobs set status = $3, attempt = $4, interruptions = $5, "
                     "run_at = $6, started_at = $7, finished_at = $8, outcome = $9 "
                     "where queue = $1 and id = $2 and finished_at is null",
            keel_list_of(queue, keel_int(id), status_of(state), keel_int(state->attempt),
                    keel_int(state->interruptions), keel_int(state->run_at),
                    time_of(state->started_at), time_of(state->finished_at),
                    blob_of(state->outcome)));
}

keel_term kl_jobs_store_forget(keel_term queue, const struct kl_job *job)
{
    const char *count = job->state.status == KL_JOB_COMPLETED
                                ? "update keel_queues set completed = completed + 1 "
                                  "where name = $1"
                        : job->state.status == KL_JOB_FAILED
                                ? "update keel_queues set failed = failed + 1 "
                                  "where name = $1"
                                : "update keel_queues set cancelled = cancelled + 1 "
                                  "where name = $1";
    return keel_list_of(statement("delete from keel_jobs where queue = $1 and id = $2",
                                keel_list_of(queue, keel_int(job->id))),
            statement(count, keel_list_of(queue)));
}

keel_term kl_jobs_store_pause(keel_term queue, bool paused)
{
    return statement("update keel_queues set paused = $2 where name = $1",
            keel_list_of(queue, keel_int(paused)));
}

keel_term kl_jobs_store_cron(keel_term queue, int64_t cron_at)
{
    return statement("update keel_queues set cron_at = $2 where name = $1",
            keel_list_of(queue, keel_int(cron_at)));
}

// --- reading ---

static keel_term shared_of(keel_term bytes)
{
    keel_term term;
    if (!keel_is_binary(bytes)) {
        return KEEL_NONE;
    }
    keel_bytes data = keel_to_bytes(bytes);
    keel_status status = keel_etf_decode(data.data, data.size, NULL, NULL, &term);
    return status == KEEL_OK ? keel_keep_shared(term) : KEEL_NONE;
}

// The columns in the order of the store's select.
static bool fill_job(struct kl_jobs_table *table, keel_term row)
{
    keel_bytes name = keel_to_bytes(keel_element(row, 3));
    char text[16] = "";
    memcpy(text, name.data, name.size < sizeof text ? name.size : sizeof text - 1);
    enum kl_job_status status = kl_job_status_of(text);
    if (status == KL_JOB_STATUSES) {
        return false;
    }
    keel_term argument = shared_of(keel_element(row, 2));
    struct kl_job job = {.id = keel_to_int(keel_element(row, 0)),
            .name = keel_keep_shared(keel_element(row, 1)),
            .argument = keel_is_none(argument) ? keel_nil() : argument,
            .priority = (int)keel_to_int(keel_element(row, 4)),
            .max_attempts = (int)keel_to_int(keel_element(row, 6)),
            .unique = shared_of(keel_element(row, 8)),
            .inserted_at = keel_to_int(keel_element(row, 9)),
            .progress = status == KL_JOB_COMPLETED ? 100 : 0,
            .state = {
                    .status = status,
                    .attempt = (int)keel_to_int(keel_element(row, 5)),
                    .interruptions = (int)keel_to_int(keel_element(row, 7)),
                    .run_at = keel_to_int(keel_element(row, 10)),
                    .started_at = keel_to_int(keel_element(row, 11)),
                    .finished_at = keel_to_int(keel_element(row, 12)),
                    .outcome = shared_of(keel_element(row, 13)),
            }};
    struct kl_job *added = kl_jobs_table_add(table, &job);
    if (added != NULL) {
        kl_jobs_table_accept(table, added);
    }
    return added != NULL;
}

bool kl_jobs_store_fill(struct kl_jobs_table *table, keel_term answer)
{
    keel_term queue = keel_element(answer, 0), rows = keel_element(answer, 1), row;
    table->next_id = keel_to_int(keel_element(queue, 0));
    table->paused = keel_to_int(keel_element(queue, 1)) != 0;
    table->cron_at = keel_to_int(keel_element(queue, 2));
    for (int status = KL_JOB_COMPLETED; status < KL_JOB_STATUSES; status++) {
        table->forgotten[status] = keel_to_int(keel_element(queue, (size_t)status + 1));
    }
    while (keel_list_next(&rows, &row)) {
        keel_scope scope = keel_scope_open();
        bool good = fill_job(table, row);
        keel_scope_close(&scope);
        if (!good) {
            return false;
        }
    }
    if (table->newest != NULL && table->newest->id >= table->next_id) {
        table->next_id = table->newest->id + 1;
    }
    return true;
}
