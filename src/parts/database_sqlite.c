// SQLite, through the blocking pool. A call hands a work order to a thread of the pool; its
// terms are shared ones, which that thread may read and make while the caller may be
// killed.
//
// Who holds a connection: the database, and each work order. One whose caller gave up works
// on to its end with a connection that is its alone by then; the next call makes another.

#include "database.h"

#include <errno.h>
#include <keel/blocking.h>
#include <keel/gen_server.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REMEMBERED = 48 }; // statements kept prepared

struct connection {
    unsigned holders; // counted down by the last one of either thread, with release
    sqlite3 *handle;
    sqlite3_stmt *prepared[REMEMBERED]; // found by their own text
    unsigned next; // the one to forget when another is needed
};

struct work {
    unsigned holders; // the caller and the pool
    struct connection *connection;
    char *script; // a text without parameters, or …
    keel_term statements; // … [{Sql, Parameters}], shared
    bool atomic;
    int patience_ms; // for locks
    keel_term answers; // shared
    int code, system_error;
    bool bad_parameter;
    char message[256];
};

static keel_status connect_sqlite(keel_database *db, keel_deadline deadline);
static void disconnect_sqlite(keel_database *db);
static keel_status run_statements(keel_database *db, keel_term statements, bool atomic,
        keel_deadline deadline, keel_term *ret_answers);
static keel_status run_script(keel_database *db, const char *sql, keel_deadline deadline);

static const struct kl_database_driver sqlite_driver = {
        .name = "sqlite",
        .connect = connect_sqlite,
        .disconnect = disconnect_sqlite,
        .run = run_statements,
        .script = run_script,
        .begin = "begin immediate",
};
const struct kl_database_driver *const kl_database_sqlite = &sqlite_driver;

static void drop_connection(struct connection *connection)
{
    // Acquires what the other holder did before its release.
    if (__atomic_sub_fetch(&connection->holders, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    for (int i = 0; i < REMEMBERED; i++) {
        sqlite3_finalize(connection->prepared[i]);
    }
    sqlite3_close(connection->handle);
    free(connection);
}

static void drop_work(void *context)
{
    struct work *work = context;
    // Acquires what the pool's thread has written before its release.
    if (__atomic_sub_fetch(&work->holders, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    drop_connection(work->connection);
    keel_drop_shared(work->statements);
    keel_drop_shared(work->answers);
    free(work->script);
    free(work);
}

// --- in a thread of the pool ---

static void note_failure(struct work *work, int code)
{
    sqlite3 *handle = work->connection->handle;
    work->code = code;
    work->system_error = handle == NULL ? 0 : sqlite3_system_errno(handle);
    snprintf(work->message, sizeof work->message, "%s",
            handle == NULL ? sqlite3_errstr(code) : sqlite3_errmsg(handle));
}

static bool run_text(struct work *work, const char *sql)
{
    int code = sqlite3_exec(work->connection->handle, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK) {
        note_failure(work, code);
    }
    return code == SQLITE_OK;
}

static sqlite3_stmt *prepare(struct work *work, keel_bytes sql)
{
    struct connection *connection = work->connection;
    for (int i = 0; i < REMEMBERED; i++) {
        sqlite3_stmt *known = connection->prepared[i];
        const char *text = known == NULL ? "" : sqlite3_sql(known);
        if (known != NULL && strncmp(text, (const char *)sql.data, sql.size) == 0 &&
                text[sql.size] == '\0') {
            return known;
        }
    }
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v3(connection->handle, (const char *)sql.data, (int)sql.size,
            SQLITE_PREPARE_PERSISTENT, &statement, NULL);
    if (code != SQLITE_OK || statement == NULL) {
        note_failure(work, code == SQLITE_OK ? SQLITE_MISUSE : code);
        return NULL;
    }
    unsigned place = connection->next++ % REMEMBERED;
    sqlite3_finalize(connection->prepared[place]);
    connection->prepared[place] = statement;
    return statement;
}

// Parameter `number` of the list; its bytes live with the work order.
static int bind(sqlite3_stmt *statement, int number, keel_term value, bool *ret_bad)
{
    char name[16];
    snprintf(name, sizeof name, "$%d", number);
    int index = sqlite3_bind_parameter_index(statement, name);
    int64_t integer;
    if (index == 0) {
        return SQLITE_RANGE;
    }
    if (keel_is_binary(value)) {
        keel_bytes text = keel_to_bytes(value);
        return sqlite3_bind_text64(statement, index,
                text.size == 0 ? "" : (const char *)text.data, text.size, SQLITE_STATIC,
                SQLITE_UTF8);
    }
    if (keel_get_int(value, &integer)) {
        return sqlite3_bind_int64(statement, index, integer);
    }
    if (keel_is_float(value)) {
        return sqlite3_bind_double(statement, index, keel_to_float(value));
    }
    if (keel_is(value, nil)) {
        return sqlite3_bind_null(statement, index);
    }
    if (keel_is_bool(value)) {
        return sqlite3_bind_int(statement, index, keel_to_bool(value));
    }
    if (keel_is_atom(value)) {
        return sqlite3_bind_text(
                statement, index, keel_atom_name(value), -1, SQLITE_STATIC);
    }
    keel_bytes bytes = keel_to_bytes(keel_element(value, 1));
    if (keel_tuple_size(value) == 2 && keel_is(keel_element(value, 0), blob) &&
            keel_is_binary(keel_element(value, 1))) {
        return sqlite3_bind_blob64(statement, index,
                bytes.size == 0 ? (const void *)"" : bytes.data, bytes.size, SQLITE_STATIC);
    }
    *ret_bad = true;
    return SQLITE_MISMATCH;
}

static keel_term value_of(sqlite3_stmt *statement, int column)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        return keel_int(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT: {
        keel_term real = keel_float(sqlite3_column_double(statement, column));
        return keel_is_none(real) ? keel_atom(nil) : real; // an infinity
    }
    case SQLITE_NULL:
        return keel_atom(nil);
    default: { // first the pointer, then the size, as SQLite asks for
        const void *data = sqlite3_column_blob(statement, column);
        return keel_binary(data, (size_t)sqlite3_column_bytes(statement, column));
    }
    }
}

static keel_term row_of(sqlite3_stmt *statement, keel_term (*value)(sqlite3_stmt *, int))
{
    int columns = sqlite3_column_count(statement);
    keel_term list = keel_nil();
    for (int column = columns - 1; column >= 0; column--) {
        list = keel_cons(value(statement, column), list);
    }
    return list;
}

static keel_term tuple_of(sqlite3_stmt *statement)
{
    enum { FEW = 32 };
    keel_term few[FEW];
    int columns = sqlite3_column_count(statement);
    keel_term *values = columns <= FEW ? few : calloc((size_t)columns, sizeof *values);
    if (values == NULL) {
        return KEEL_NONE;
    }
    for (int column = 0; column < columns; column++) {
        values[column] = value_of(statement, column);
    }
    keel_term tuple = keel_tuple(values, (size_t)columns);
    if (values != few) {
        free(values);
    }
    return tuple;
}

static keel_term name_of(sqlite3_stmt *statement, int column)
{
    return keel_string(sqlite3_column_name(statement, column));
}

// One statement: {Changed, Rows, Columns}, or KEEL_NONE when it failed.
static keel_term run_one(struct work *work, keel_term sql, keel_term parameters)
{
    sqlite3_stmt *statement = prepare(work, keel_to_bytes(sql));
    if (statement == NULL) {
        return KEEL_NONE;
    }
    sqlite3 *handle = work->connection->handle;
    int number = 1, code = SQLITE_OK;
    keel_term parameter, rows = keel_nil(), answer = KEEL_NONE;
    while (code == SQLITE_OK && keel_list_next(&parameters, &parameter)) {
        code = bind(statement, number++, parameter, &work->bad_parameter);
    }
    if (code == SQLITE_OK) {
        int64_t before = sqlite3_total_changes64(handle);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
            rows = keel_cons(tuple_of(statement), rows);
        }
        int64_t changed = sqlite3_total_changes64(handle) - before;
        answer = keel_tuple_of(
                keel_int(changed), keel_list_reverse(rows), row_of(statement, name_of));
        code = code == SQLITE_DONE ? SQLITE_OK : code;
    }
    if (code != SQLITE_OK) {
        note_failure(work, code);
        answer = KEEL_NONE;
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return answer;
}

static keel_term run_all(struct work *work)
{
    keel_term statements = work->statements, statement, answers = keel_nil();
    while (keel_list_next(&statements, &statement)) {
        keel_term answer = run_one(
                work, keel_element(statement, 0), keel_element(statement, 1));
        if (keel_is_none(answer)) {
            return KEEL_NONE;
        }
        answers = keel_cons(answer, answers);
    }
    return keel_list_reverse(answers);
}

static void work_statements(void *context)
{
    struct work *work = context;
    sqlite3_busy_timeout(work->connection->handle, work->patience_ms);
    if (work->script != NULL) {
        run_text(work, work->script);
        return;
    }
    keel_scope scope = keel_scope_open();
    if (!work->atomic || run_text(work, "begin immediate")) {
        keel_term answers = run_all(work);
        bool good = !keel_is_none(answers) && (!work->atomic || run_text(work, "commit"));
        if (good) {
            work->answers = keel_keep_shared(answers);
        } else if (work->atomic && !sqlite3_get_autocommit(work->connection->handle)) {
            sqlite3_exec(work->connection->handle, "rollback", NULL, NULL, NULL);
        }
    }
    keel_scope_close(&scope);
}

// sqlite:PATH?synchronous=LEVEL
static void work_open(void *context)
{
    struct work *work = context;
    char *path = work->script, *query = strchr(path, '?');
    const char *level = "full";
    if (query != NULL) {
        *query++ = '\0';
        if (strcmp(query, "synchronous=normal") == 0) {
            level = "normal";
        } else if (strcmp(query, "synchronous=full") != 0) {
            work->code = SQLITE_MISUSE;
            work->bad_parameter = true;
            snprintf(work->message, sizeof work->message, "unknown option %s", query);
            return;
        }
    }
    int code = sqlite3_open_v2(path, &work->connection->handle,
            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, NULL);
    if (code != SQLITE_OK) {
        note_failure(work, code);
        return;
    }
    sqlite3_extended_result_codes(work->connection->handle, 0);
    sqlite3_busy_timeout(work->connection->handle, work->patience_ms);
    char sql[128];
    snprintf(sql, sizeof sql,
            "pragma journal_mode = wal; pragma synchronous = %s; pragma foreign_keys = on",
            level);
    run_text(work, sql);
}

// --- in the owner's process ---

static keel_status status_of(keel_database *db, const struct work *work)
{
    static const struct {
        int code;
        keel_status status;
        const char *kind;
    } known[] = {
            {SQLITE_CONSTRAINT, KEEL_E_REFUSED, "constraint"},
            {SQLITE_BUSY, KEEL_E_TIMEOUT, "busy"},
            {SQLITE_LOCKED, KEEL_E_TIMEOUT, "busy"},
            {SQLITE_FULL, -ENOSPC, "full"},
            {SQLITE_IOERR, -EIO, "io"},
            {SQLITE_CANTOPEN, -EIO, "io"},
            {SQLITE_CORRUPT, -EIO, "corrupt"},
            {SQLITE_NOTADB, -EIO, "corrupt"},
            {SQLITE_NOMEM, KEEL_E_NOMEM, "io"},
            {SQLITE_TOOBIG, KEEL_E_REFUSED, "sql"},
    };
    int code = work->code & 0xff;
    keel_term shown = keel_int(code);
    if (work->bad_parameter) {
        return kl_database_fail(db, KEEL_E_BADARG, "parameter", shown,
                work->message[0] ? work->message : "a term without a form in the database");
    }
    if (code == SQLITE_IOERR && work->system_error == ENOSPC) {
        code = SQLITE_FULL;
    }
    for (size_t i = 0; i < KEEL_COUNT(known); i++) {
        if (known[i].code == code) {
            return kl_database_fail(
                    db, known[i].status, known[i].kind, shown, work->message);
        }
    }
    return kl_database_fail(db, KEEL_E_REFUSED, "sql", shown, work->message);
}

static keel_duration left_until(keel_deadline deadline)
{
    if (deadline.at == KEEL_NEVER.at) {
        return KEEL_FOREVER;
    }
    keel_duration left = deadline.at - KEEL_IN(0).at;
    return left < 0 ? 0 : left;
}

static struct work *new_work(struct connection *connection, keel_deadline deadline)
{
    struct work *work = calloc(1, sizeof *work);
    if (work == NULL) {
        return NULL;
    }
    __atomic_add_fetch(&connection->holders, 1, __ATOMIC_RELAXED);
    keel_duration left = left_until(deadline) / KEEL_MS(1);
    work->patience_ms = left > INT32_MAX ? INT32_MAX : (int)left;
    work->connection = connection;
    work->holders = 1;
    return work;
}

// Has the pool do it. The caller's hold on the work goes with its process, if need be.
static keel_status hand_over(
        keel_database *db, struct work *work, void (*fn)(void *), keel_deadline deadline)
{
    work->holders++;
    keel_defer(drop_work, work);
    // Locks are waited for in there, so that "busy" is told as such: hence the extra time.
    keel_duration left = left_until(deadline);
    keel_deadline last = left == KEEL_FOREVER ? KEEL_NEVER
                                              : KEEL_IN(left + KEEL_SECONDS(1));
    keel_status status = keel_blocking(fn, work, drop_work, last);
    if (status == KEEL_E_TIMEOUT) {
        // It is still at it: let it come to its end alone.
        sqlite3_interrupt(work->connection->handle);
        disconnect_sqlite(db);
        return kl_database_fail(db, status, "busy", keel_int(0), "it takes too long");
    }
    if (status != KEEL_OK) {
        return status;
    }
    return work->code == SQLITE_OK ? KEEL_OK : status_of(db, work);
}

static void let_go(struct work *work)
{
    keel_undefer(drop_work, work);
    drop_work(work);
}

static keel_status connect_sqlite(keel_database *db, keel_deadline deadline)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return KEEL_E_NOMEM;
    }
    struct work *work = new_work(connection, deadline);
    if (work == NULL || (work->script = strdup(db->url + strlen("sqlite:"))) == NULL) {
        free(work);
        free(connection);
        return KEEL_E_NOMEM;
    }
    // The database's own hold comes only when it is open: until then the work has it.
    keel_status status = hand_over(db, work, work_open, deadline);
    if (status == KEEL_OK) {
        __atomic_add_fetch(&connection->holders, 1, __ATOMIC_RELAXED);
        db->connection = connection;
    }
    let_go(work);
    return status;
}

static void disconnect_sqlite(keel_database *db)
{
    if (db->connection != NULL) {
        drop_connection(db->connection);
        db->connection = NULL;
    }
}

static keel_status run_statements(keel_database *db, keel_term statements, bool atomic,
        keel_deadline deadline, keel_term *ret_answers)
{
    struct work *work = new_work(db->connection, deadline);
    if (work == NULL) {
        return KEEL_E_NOMEM;
    }
    work->atomic = atomic;
    work->statements = keel_keep_shared(statements);
    keel_status status = hand_over(db, work, work_statements, deadline);
    if (status == KEEL_OK) {
        *ret_answers = keel_copy(work->answers);
    }
    let_go(work);
    return status;
}

static keel_status run_script(keel_database *db, const char *sql, keel_deadline deadline)
{
    struct work *work = new_work(db->connection, deadline);
    if (work == NULL || (work->script = strdup(sql)) == NULL) {
        if (work != NULL) {
            drop_work(work);
        }
        return KEEL_E_NOMEM;
    }
    keel_status status = hand_over(db, work, work_statements, deadline);
    let_go(work);
    return status;
}
