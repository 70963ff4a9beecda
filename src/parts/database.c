// What is the same for every kind of database: opening by URL, connecting anew,
// transactions and migrations.

#include "database.h"

#include <errno.h>
#include <keel/gen_server.h>
#include <stdio.h>
#include <string.h>

static const struct kl_database_driver *driver_of(const char *url, keel_status *ret_status);
static keel_deadline deadline_of(const keel_database *db);
static keel_status ensure_connected(keel_database *db, keel_deadline deadline);
static keel_status run(
        keel_database *db, keel_term statements, bool atomic, keel_term *ret_answers);
static keel_status script(keel_database *db, const char *sql);
static void finish(void *arg);

keel_status keel_database_open(const char *url, keel_database **ret_database)
{
    return keel_database_open_opt(
            &(const keel_database_opts){.url = url}, ret_database, NULL);
}

keel_status keel_database_open_opt(
        const keel_database_opts *opts, keel_database **ret_database, keel_term *ret_reason)
{
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    if (opts == NULL || ret_database == NULL) {
        return KEEL_E_BADARG;
    }
    keel_status status = KEEL_E_BADARG;
    const struct kl_database_driver *driver = driver_of(opts->url, &status);
    if (driver == NULL) {
        return status;
    }
    keel_database *db = keel_alloc(sizeof *db);
    size_t length = strlen(opts->url) + 1;
    db->url = memcpy(keel_alloc(length), opts->url, length);
    db->driver = driver;
    db->timeout = opts->timeout == 0 ? KEEL_SECONDS(5) : opts->timeout;
    db->backoff = opts->backoff == 0 ? KEEL_MS(50) : opts->backoff;
    db->backoff_max = opts->backoff_max == 0 ? KEEL_SECONDS(5) : opts->backoff_max;
    keel_defer(finish, db);
    status = ensure_connected(db, deadline_of(db));
    if (status != KEEL_OK) {
        if (ret_reason != NULL) {
            *ret_reason = keel_is_none(db->reason) ? keel_atom_text("")
                                                   : keel_copy(db->reason);
        }
        keel_database_close(db);
        return status;
    }
    *ret_database = db;
    return KEEL_OK;
}

void keel_database_close(keel_database *database)
{
    if (database != NULL && keel_undefer(finish, database)) {
        finish(database);
        keel_drop(database->reason);
        keel_free(database->url);
        keel_free(database);
    }
}

keel_term keel_database_kind(const keel_database *database)
{
    if (database == NULL) {
        return KEEL_NONE;
    }
    keel_term kind = KEEL_NONE;
    keel_status status = keel_atom_from(
            database->driver->name, strlen(database->driver->name), &kind);
    return status == KEEL_OK ? kind : KEEL_NONE;
}

keel_term keel_database_reason(const keel_database *database)
{
    return database != NULL ? database->reason : KEEL_NONE;
}

keel_status keel_database_query(keel_database *database, const char *sql,
        keel_term parameters, keel_answer *ret_answer)
{
    if (database == NULL || sql == NULL) {
        return KEEL_E_BADARG;
    }
    keel_term statement = keel_tuple_of(
            keel_string(sql), keel_is_none(parameters) ? keel_nil() : parameters);
    keel_term answers;
    keel_status status = run(database, keel_list_of(statement), false, &answers);
    if (status == KEEL_OK && ret_answer != NULL) {
        keel_term answer = keel_head(answers);
        *ret_answer = (keel_answer){.rows = keel_element(answer, 1),
                .columns = keel_element(answer, 2),
                .changed = keel_to_int(keel_element(answer, 0))};
    }
    return status;
}

keel_status keel_database_batch(
        keel_database *database, keel_term statements, keel_term *ret_answers)
{
    if (database == NULL || !keel_is_list(statements)) {
        return KEEL_E_BADARG;
    }
    keel_term answers, answer, pairs = keel_nil();
    keel_status status = run(database, statements, !database->in_transaction, &answers);
    if (status != KEEL_OK || ret_answers == NULL) {
        return status;
    }
    while (keel_list_next(&answers, &answer)) {
        pairs = keel_cons(
                keel_tuple_of(keel_element(answer, 0), keel_element(answer, 1)), pairs);
    }
    *ret_answers = keel_list_reverse(pairs);
    return KEEL_OK;
}

keel_status keel_database_transaction(keel_database *database,
        keel_status (*fn)(keel_database *database, void *context), void *context)
{
    if (database == NULL || fn == NULL) {
        return KEEL_E_BADARG;
    }
    if (database->in_transaction) {
        return kl_database_fail(database, KEEL_E_BADARG, "sql", keel_int(0),
                "a transaction inside of a transaction");
    }
    keel_status status = script(database, database->driver->begin);
    if (status != KEEL_OK) {
        return status;
    }
    database->in_transaction = true;
    status = fn(database, context);
    database->in_transaction = false;
    if (status == KEEL_OK && database->connection == NULL) {
        return kl_database_fail(database, -ECONNRESET, "lost", keel_int(0),
                "the server was lost within the transaction");
    }
    if (status == KEEL_OK) {
        status = script(database, "commit");
    }
    if (status != KEEL_OK && database->connection != NULL) {
        // The reason to tell is the first one, not what the rollback has to say.
        keel_term reason = database->reason;
        database->reason = KEEL_NONE;
        if (script(database, "rollback") != KEEL_OK) {
            database->driver->disconnect(database);
        }
        keel_drop(database->reason);
        database->reason = reason;
    }
    return status;
}

// --- migrations ---

struct migration {
    const char *name;
    const char *const *steps;
    size_t count, done;
};

// Everybody who migrates takes the same lock first, and so reads what the last one has
// done.
static keel_status run_next_step(keel_database *db, void *context)
{
    struct migration *migration = context;
    keel_status status = KEEL_OK;
    if (db->driver == kl_database_postgres) {
        status = keel_database_query(
                db, "select pg_advisory_xact_lock(1801809260)", KEEL_NONE, NULL);
    }
    if (status == KEEL_OK) {
        status = script(db,
                "create table if not exists keel_migrations (name text not null, "
                "number bigint not null, primary key (name, number))");
    }
    keel_answer answer;
    if (status == KEEL_OK) {
        status = keel_database_query(db,
                "select coalesce(max(number), 0) from keel_migrations where name = $1",
                keel_list_of(keel_string(migration->name)), &answer);
    }
    if (status != KEEL_OK) {
        return status;
    }
    migration->done = (size_t)keel_to_int(keel_element(keel_head(answer.rows), 0));
    if (migration->done >= migration->count) {
        return KEEL_OK;
    }
    status = script(db, migration->steps[migration->done]);
    if (status == KEEL_OK) {
        status = keel_database_query(db,
                "insert into keel_migrations (name, number) values ($1, $2)",
                keel_list_of(keel_string(migration->name), keel_uint(migration->done + 1)),
                NULL);
    }
    migration->done += status == KEEL_OK;
    return status;
}

keel_status keel_database_migrate(keel_database *database, const char *name,
        const char *const *steps, size_t count, size_t *ret_number)
{
    if (database == NULL || name == NULL || (steps == NULL && count > 0)) {
        return KEEL_E_BADARG;
    }
    struct migration migration = {.name = name, .steps = steps, .count = count};
    size_t before;
    keel_status status;
    do {
        before = migration.done;
        status = keel_database_transaction(database, run_next_step, &migration);
    } while (status == KEEL_OK && migration.done != before && migration.done < count);
    if (status == KEEL_OK && migration.done > count) {
        return kl_database_fail(database, KEEL_E_BADARG, "sql", keel_uint(migration.done),
                "the schema is newer than this program");
    }
    if (status == KEEL_OK && ret_number != NULL) {
        *ret_number = migration.done;
    }
    return status;
}

// --- connecting ---

static const struct kl_database_driver *driver_of(const char *url, keel_status *ret_status)
{
    static const struct {
        const char *scheme;
        const struct kl_database_driver *const *driver;
    } known[] = {
            {"sqlite:", &kl_database_sqlite},
            {"postgres://", &kl_database_postgres},
            {"postgresql://", &kl_database_postgres},
    };
    for (size_t i = 0; url != NULL && i < KEEL_COUNT(known); i++) {
        if (strncmp(url, known[i].scheme, strlen(known[i].scheme)) == 0) {
            *ret_status = KEEL_E_UNSUPPORTED;
            return *known[i].driver;
        }
    }
    *ret_status = KEEL_E_BADARG;
    return NULL;
}

static keel_deadline deadline_of(const keel_database *db)
{
    return db->timeout == KEEL_FOREVER ? KEEL_NEVER : KEEL_IN(db->timeout);
}

static bool will_never_work(keel_status status)
{
    return status != -ECONNREFUSED && status != KEEL_E_OVERLOAD;
}

// Connects when there is no connection: again and again, until it works or the time is
// over.
static keel_status ensure_connected(keel_database *db, keel_deadline deadline)
{
    while (db->connection == NULL) {
        if (db->in_transaction) {
            return kl_database_fail(db, -ECONNRESET, "lost", keel_int(0),
                    "the server was lost within the transaction");
        }
        keel_deadline wait = db->retry_at;
        if (db->next_backoff > 0 && !keel_deadline_passed(wait)) {
            if (wait.at > deadline.at) {
                return -ECONNREFUSED; // for the reason of the last attempt
            }
            keel_sleep(wait.at - KEEL_IN(0).at);
        }
        keel_status status = db->driver->connect(db, deadline);
        if (status == KEEL_OK) {
            db->next_backoff = 0;
            return KEEL_OK;
        }
        if (will_never_work(status)) {
            return status;
        }
        // Between half of the back-off and all of it, so that those who lost the same
        // server do not come back together.
        keel_duration backoff = db->next_backoff == 0 ? db->backoff : db->next_backoff * 2;
        backoff = backoff > db->backoff_max ? db->backoff_max : backoff;
        db->next_backoff = backoff;
        uint64_t half = (uint64_t)backoff / 2 + 1;
        db->retry_at = KEEL_IN((keel_duration)(half + keel_random() % half));
    }
    return KEEL_OK;
}

static keel_status run(
        keel_database *db, keel_term statements, bool atomic, keel_term *ret_answers)
{
    keel_deadline deadline = deadline_of(db);
    keel_status status = ensure_connected(db, deadline);
    if (status == KEEL_OK) {
        keel_set(&db->reason, KEEL_NONE);
        status = db->driver->run(db, statements, atomic, deadline, ret_answers);
    }
    return status;
}

static keel_status script(keel_database *db, const char *sql)
{
    keel_deadline deadline = deadline_of(db);
    keel_status status = ensure_connected(db, deadline);
    if (status == KEEL_OK) {
        keel_set(&db->reason, KEEL_NONE);
        status = db->driver->script(db, sql, deadline);
    }
    return status;
}

// Runs at the end of the owner too, whatever ends it.
static void finish(void *arg)
{
    keel_database *db = arg;
    if (db->connection != NULL) {
        db->driver->disconnect(db);
    }
}

keel_status kl_database_fail(keel_database *db, keel_status status, const char *kind,
        keel_term code, const char *message)
{
    keel_term name = keel_atom(other);
    keel_status made = keel_atom_from(kind, strlen(kind), &name);
    size_t length = strlen(message);
    while (length > 0 && message[length - 1] == '\n') {
        length--;
    }
    if (made == KEEL_OK) {
        keel_set(&db->reason, keel_tuple_of(name, code, keel_binary(message, length)));
    }
    return status;
}
