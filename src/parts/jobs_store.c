#include "jobs_store.h"

#include <errno.h>
#include <fcntl.h>
#include <keel/parts/database.h>
#include <keel/secret.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

// [] for none: what a tuple can hold.
static keel_term or_nil(keel_term term)
{
    return keel_is_none(term) ? keel_nil() : term;
}

static void close_lock(void *arg)
{
    close((int)(intptr_t)arg);
}

struct store {
    keel_database *database;
    keel_term owner; // the queue's name, an atom
    keel_term queue; // the same as a binary, kept
    int64_t epoch, batch;
    keel_term loaded; // what `load` answers with, kept until it is asked for
};

static const char *const steps[] = {
        ("create table keel_queues (name text primary key, epoch bigint not null, "
         "batch bigint not null, next_id bigint not null, paused bigint not null, "
         "cron_at bigint not null, completed bigint not null, failed bigint not null, "
         "cancelled bigint not null);"
         "create table keel_jobs (queue text not null, id bigint not null, "
         "name text not null, argument bytea not null, status text not null, "
         "priority bigint not null, attempt bigint not null, max_attempts bigint not null, "
         "interruptions bigint not null, unique_key bytea, inserted_at bigint not null, "
         "run_at bigint not null, started_at bigint, finished_at bigint, outcome bytea, "
         "primary key (queue, id))"),
};

// --- taking the queue over ---

// Only one program may have the queue. The lock goes with its holder, however that ends:
// with PostgreSQL it belongs to the connection, beside SQLite there is a file for it.
static keel_status lock_file(struct store *store, const char *url)
{
    const char *path = url + strlen("sqlite:"), *end = strchr(path, '?');
    int length = end == NULL ? (int)strlen(path) : (int)(end - path);
    if (strncmp(path, ":memory:", (size_t)length) == 0) {
        return KEEL_OK;
    }
    keel_term name = keel_format("%.*s-%08x.lock%c", length, path,
            keel_phash2(store->queue, UINT64_C(1) << 32), '\0');
    int fd = open(
            (const char *)keel_to_bytes(name).data, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        return -errno;
    }
    keel_defer(close_lock, (void *)(intptr_t)fd);
    keel_deadline deadline = KEEL_IN(KEEL_SECONDS(5));
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (keel_deadline_passed(deadline)) {
            return KEEL_E_TAKEN;
        }
        keel_sleep(KEEL_MS(20));
    }
    return KEEL_OK;
}

static keel_status lock_queue(struct store *store, const char *url)
{
    if (keel_is(keel_database_kind(store->database), sqlite)) {
        return lock_file(store, url);
    }
    keel_status status = keel_database_query(store->database, "select pg_advisory_lock($1)",
            keel_list_of(keel_uint(keel_phash2(
                    keel_tuple_of(keel_atom(keel_jobs), store->queue), UINT64_C(1) << 32))),
            NULL);
    return status == KEEL_E_TIMEOUT ? KEEL_E_TAKEN : status;
}

// Whoever raises the epoch waits here for a transaction of the last owner that is under
// way, and reads what it left; that owner's next one fails.
static keel_status take_over(keel_database *db, void *context)
{
    struct store *store = context;
    keel_term name = keel_list_of(store->queue);
    keel_answer answer;
    keel_status status = keel_database_query(db,
            "insert into keel_queues values ($1, 0, 0, 1, 0, 0, 0, 0, 0) "
            "on conflict (name) do nothing",
            name, NULL);
    if (status == KEEL_OK) {
        status = keel_database_query(
                db, "update keel_queues set epoch = epoch + 1 where name = $1", name, NULL);
    }
    if (status == KEEL_OK) {
        status = keel_database_query(db,
                "select next_id, paused, cron_at, completed, failed, cancelled, epoch, "
                "batch "
                "from keel_queues where name = $1",
                name, &answer);
    }
    if (status != KEEL_OK) {
        return status;
    }
    keel_term queue = keel_head(answer.rows);
    store->epoch = keel_to_int(keel_element(queue, 6));
    store->batch = keel_to_int(keel_element(queue, 7));
    status = keel_database_query(db,
            "select id, name, argument, status, priority, attempt, max_attempts, "
            "interruptions, unique_key, inserted_at, run_at, started_at, finished_at, "
            "outcome "
            "from keel_jobs where queue = $1 order by id",
            name, &answer);
    if (status == KEEL_OK) {
        keel_set(&store->loaded, keel_tuple_of(queue, answer.rows));
    }
    return status;
}

static keel_result init(keel_term argument, void *state)
{
    struct store *store = state;
    keel_term reason = KEEL_NONE;
    store->owner = keel_element(argument, 1);
    keel_set(&store->queue, keel_string(keel_atom_name(store->owner)));
    keel_database_opts opts = {.url = keel_to_secret(keel_element(argument, 0))};
    keel_status status = keel_database_open_opt(&opts, &store->database, &reason);
    if (status == KEEL_OK) {
        status = keel_database_migrate(
                store->database, "keel_jobs", steps, KEEL_COUNT(steps), NULL);
    }
    if (status == KEEL_OK) {
        status = lock_queue(store, opts.url);
    }
    if (status == KEEL_OK) {
        status = keel_database_transaction(store->database, take_over, store);
    }
    if (status == KEEL_OK) {
        return keel_ok();
    }
    if (store->database != NULL) {
        reason = keel_database_reason(store->database);
    }
    keel_term name = keel_string(keel_status_name(status));
    return keel_stop_with(keel_tuple_of(keel_atom(database), name, or_nil(reason)));
}

static bool may_work_later(keel_status status)
{
    return status == -ECONNRESET || status == -ECONNREFUSED || status == KEEL_E_TIMEOUT ||
           status == KEEL_E_OVERLOAD;
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct store *store = state;
    (void)from;
    if (!keel_is(request, load)) {
        return keel_unexpected(request);
    }
    // The first time it was read by init. Later on it is a new process of the queue that
    // asks.
    while (keel_is_none(store->loaded)) {
        keel_status status = keel_database_transaction(store->database, take_over, store);
        if (status != KEEL_OK && !may_work_later(status)) {
            return keel_stop_with(keel_tuple_of(keel_atom(database),
                    keel_string(keel_status_name(status)),
                    or_nil(keel_database_reason(store->database))));
        }
    }
    keel_term loaded = keel_copy(store->loaded);
    keel_set(&store->loaded, KEEL_NONE);
    return keel_reply(loaded);
}

// --- writing ---

// Rule 1: breaks the constraint of `batch`, which is not null.
static keel_term guard_of(const struct store *store, keel_term next_id)
{
    return keel_tuple_of(
            keel_string("update keel_queues set next_id = $4, batch = case when epoch = $2 "
                        "and batch = $3 then batch + 1 else null end where name = $1"),
            keel_list_of(
                    store->queue, keel_int(store->epoch), keel_int(store->batch), next_id));
}

static void not_ours(void)
{
    keel_exit(keel_tuple_of(keel_atom(shutdown), keel_atom(superseded)));
}

// After a refusal: true when the transaction has taken place before. Ends the store when
// the queue is not ours any more.
static keel_status read_guard(struct store *store, bool *ret_done)
{
    keel_answer answer;
    keel_status status = keel_database_query(store->database,
            "select epoch, batch from keel_queues where name = $1",
            keel_list_of(store->queue), &answer);
    if (status != KEEL_OK) {
        return status;
    }
    keel_term row = keel_head(answer.rows);
    if (keel_to_int(keel_element(row, 0)) != store->epoch) {
        not_ours();
    }
    *ret_done = keel_to_int(keel_element(row, 1)) == store->batch + 1;
    return KEEL_OK;
}

// One transaction with the statements of all `operations`, a list of lists. Comes back when
// it has taken place, or never can.
static keel_status write_all(struct store *store, keel_term next_id, keel_term operations)
{
    keel_term statements = keel_nil(), operation, statement;
    keel_term rest = operations;
    while (keel_list_next(&rest, &operation)) {
        while (keel_list_next(&operation, &statement)) {
            statements = keel_cons(statement, statements);
        }
    }
    statements = keel_cons(guard_of(store, next_id), keel_list_reverse(statements));
    for (;;) {
        keel_scope scope = keel_scope_open();
        bool done = false;
        keel_status refusal = keel_database_batch(store->database, statements, NULL);
        keel_status status = refusal;
        keel_term reason = or_nil(keel_database_reason(store->database));
        if (refusal != KEEL_OK && !may_work_later(refusal)) {
            keel_process_put(keel_atom(refusal), reason);
            status = read_guard(store, &done);
        }
        keel_scope_close(&scope);
        if (refusal == KEEL_OK || done) {
            store->batch++;
            return KEEL_OK;
        }
        if (status == KEEL_OK) {
            return refusal;
        }
        keel_sleep(KEEL_MS(20));
    }
}

static keel_term result_of(keel_status status)
{
    return status == KEEL_OK ? keel_atom(ok)
                             : keel_tuple_of(keel_atom(error), keel_int(status),
                                       keel_process_get(keel_atom(refusal)));
}

static keel_result handle_cast(keel_term request, void *state)
{
    struct store *store = state;
    int64_t number;
    keel_term next_id, operations, operation, results = keel_nil();
    if (!keel_match(request, "{write, Number, NextId, Operations}", &number, &next_id,
                &operations)) {
        return keel_unexpected(request);
    }
    size_t count = 0;
    keel_list_length(operations, &count);
    keel_status status = write_all(store, next_id, operations);
    bool one_by_one = status != KEEL_OK && count > 1;
    while (keel_list_next(&operations, &operation)) {
        if (one_by_one) {
            // One of them is to blame; the others shall not suffer for it.
            status = write_all(store, next_id, keel_list_of(operation));
        }
        results = keel_cons(result_of(status), results);
    }
    keel_status sent = keel_send(
            store->owner, keel_tuple_of(keel_atom(written), keel_int(number),
                                  keel_list_reverse(results)));
    (void)sent; // an owner that has died takes its store along
    return keel_noreply();
}

const keel_gen_server kl_jobs_store = {
        .name = "jobs_store",
        .state = KEEL_STATE(struct store, queue, epoch, batch),
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
};

keel_term kl_jobs_store_argument(const char *url, keel_term owner)
{
    return keel_tuple_of(keel_secret(url), owner);
}
