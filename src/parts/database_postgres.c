// PostgreSQL, through libpq's non-blocking interface and the poller; only the connecting
// itself, with its name service and its handshakes, is done by the blocking pool.
//
// Statements go out in pipeline mode: a batch takes one round trip, and what lies before
// one synchronisation point is one transaction for the server.

#include "database.h"

#include <errno.h>
#include <keel/blocking.h>
#include <keel/gen_server.h>
#include <keel/io.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REMEMBERED = 48 }; // statements kept prepared

// Types that are not shown as text, by their numbers in pg_type.
enum {
    TYPE_BOOL = 16,
    TYPE_BYTEA = 17,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_FLOAT4 = 700,
    TYPE_FLOAT8 = 701,
};

struct known {
    char *sql;
    unsigned number; // its name is k and this
};

struct connection {
    PGconn *handle;
    struct known known[REMEMBERED];
    unsigned next; // the one to forget when another is needed
    unsigned numbers; // given out
    unsigned confirmed; // the server knows the statements up to this number
};

static keel_status connect_postgres(keel_database *db, keel_deadline deadline);
static void disconnect_postgres(keel_database *db);
static keel_status run_statements(keel_database *db, keel_term statements, bool atomic,
        keel_deadline deadline, keel_term *ret_answers);
static keel_status run_script(keel_database *db, const char *sql, keel_deadline deadline);

static const struct kl_database_driver postgres_driver = {
        .name = "postgres",
        .connect = connect_postgres,
        .disconnect = disconnect_postgres,
        .run = run_statements,
        .script = run_script,
        .begin = "begin",
};
const struct kl_database_driver *const kl_database_postgres = &postgres_driver;

// --- connecting ---

struct attempt {
    unsigned holders; // the caller and the pool
    char *url;
    PGconn *handle;
};

static void drop_attempt(void *context)
{
    struct attempt *attempt = context;
    // Acquires what the pool's thread has written before its release.
    if (__atomic_sub_fetch(&attempt->holders, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    PQfinish(attempt->handle);
    free(attempt->url);
    free(attempt);
}

static void say_nothing(void *context, const char *notice)
{
    (void)context;
    (void)notice;
}

// In a thread of the pool.
static void work_connect(void *context)
{
    struct attempt *attempt = context;
    // What stands in the URL counts more than what stands before it.
    const char *const keys[] = {"connect_timeout", "application_name", "dbname", NULL};
    const char *const values[] = {"4", "keel", attempt->url, NULL};
    attempt->handle = PQconnectdbParams(keys, values, 1);
    if (attempt->handle != NULL) {
        PQsetNoticeProcessor(attempt->handle, say_nothing, NULL);
        PQsetnonblocking(attempt->handle, 1);
    }
}

static bool is_in_order(keel_database *db)
{
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(db->url, &why);
    if (options == NULL) {
        kl_database_fail(db, KEEL_E_BADARG, "parameter", keel_int(0), why ? why : "");
    }
    PQfreemem(why);
    PQconninfoFree(options);
    return options != NULL;
}

static keel_status connect_postgres(keel_database *db, keel_deadline deadline)
{
    if (!is_in_order(db)) {
        return KEEL_E_BADARG;
    }
    struct connection *connection = calloc(1, sizeof *connection);
    struct attempt *attempt = calloc(1, sizeof *attempt);
    if (connection == NULL || attempt == NULL || (attempt->url = strdup(db->url)) == NULL) {
        free(connection);
        free(attempt);
        return KEEL_E_NOMEM;
    }
    attempt->holders = 2;
    keel_defer(drop_attempt, attempt);
    keel_defer(free, connection);
    keel_status status = keel_blocking(work_connect, attempt, drop_attempt, deadline);
    keel_undefer(free, connection);
    if (status == KEEL_OK && PQstatus(attempt->handle) == CONNECTION_OK) {
        connection->handle = attempt->handle;
        attempt->handle = NULL;
        db->connection = connection;
    } else {
        free(connection);
        const char *why = status == KEEL_OK ? PQerrorMessage(attempt->handle)
                                            : "connecting takes too long";
        bool again = status == KEEL_OK || status == KEEL_E_TIMEOUT;
        status = kl_database_fail(
                db, again ? -ECONNREFUSED : status, "lost", keel_int(0), why);
    }
    keel_undefer(drop_attempt, attempt);
    drop_attempt(attempt);
    return status;
}

// Those with a number above `last`.
static void forget_after(struct connection *connection, unsigned last)
{
    for (int i = 0; i < REMEMBERED; i++) {
        if (connection->known[i].number > last) {
            free(connection->known[i].sql);
            connection->known[i].sql = NULL;
        }
    }
}

static void disconnect_postgres(keel_database *db)
{
    struct connection *connection = db->connection;
    if (connection != NULL) {
        db->connection = NULL;
        forget_after(connection, 0);
        PQfinish(connection->handle);
        free(connection);
    }
}

// --- results ---

static keel_status lost(keel_database *db)
{
    struct connection *connection = db->connection;
    keel_status status = kl_database_fail(
            db, -ECONNRESET, "lost", keel_int(0), PQerrorMessage(connection->handle));
    disconnect_postgres(db);
    return status;
}

// The next result, NULL between those of two statements. Sends meanwhile what is not sent.
static keel_status next_result(
        keel_database *db, keel_deadline deadline, PGresult **ret_result)
{
    struct connection *connection = db->connection;
    PGconn *handle = connection->handle;
    for (;;) {
        int unsent = PQflush(handle);
        if (unsent < 0) {
            return lost(db);
        }
        if (!PQisBusy(handle)) {
            *ret_result = PQgetResult(handle);
            return KEEL_OK;
        }
        int events = KEEL_READABLE | (unsent > 0 ? KEEL_WRITABLE : 0);
        keel_status status = keel_wait_fd(PQsocket(handle), events, deadline, &events);
        if (status == KEEL_E_TIMEOUT) {
            // Whoever goes on with this connection would get the late answer.
            disconnect_postgres(db);
            return kl_database_fail(db, status, "busy", keel_int(0), "it takes too long");
        }
        if (status != KEEL_OK || ((events & ~KEEL_WRITABLE) && !PQconsumeInput(handle))) {
            return lost(db);
        }
    }
}

static keel_status refused(keel_database *db, const PGresult *result)
{
    static const struct {
        const char *code; // begins so
        keel_status status;
        const char *kind;
    } known[] = {
            {"23", KEEL_E_REFUSED, "constraint"},
            {"40", KEEL_E_REFUSED, "conflict"},
            {"53100", -ENOSPC, "full"},
            {"53", KEEL_E_OVERLOAD, "full"},
            {"55P03", KEEL_E_TIMEOUT, "busy"},
            {"57014", KEEL_E_TIMEOUT, "busy"},
            {"57P", -ECONNRESET, "lost"},
            {"58", -EIO, "io"},
            {"08", -ECONNRESET, "lost"},
            {"XX", -EIO, "corrupt"},
    };
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    text = text != NULL ? text : PQresultErrorMessage(result);
    if (code == NULL) { // libpq's own: the connection is gone
        return kl_database_fail(db, -ECONNRESET, "lost", keel_int(0), text);
    }
    if (strcmp(code, "0A000") == 0 || strcmp(code, "26000") == 0) {
        // The tables have changed under a prepared statement, or it is gone.
        forget_after(db->connection, 0);
    }
    for (size_t i = 0; i < KEEL_COUNT(known); i++) {
        if (strncmp(code, known[i].code, strlen(known[i].code)) == 0) {
            return kl_database_fail(
                    db, known[i].status, known[i].kind, keel_string(code), text);
        }
    }
    return kl_database_fail(db, KEEL_E_REFUSED, "sql", keel_string(code), text);
}

static keel_term bytes_of(const char *hex, int length)
{
    size_t size = 0;
    unsigned char *data = PQunescapeBytea((const unsigned char *)hex, &size);
    keel_term bytes = data == NULL ? keel_binary(hex, (size_t)length)
                                   : keel_binary(data, size);
    PQfreemem(data);
    return bytes;
}

static keel_term value_of(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column)) {
        return keel_atom(nil);
    }
    const char *text = PQgetvalue(result, row, column);
    int length = PQgetlength(result, row, column);
    switch (PQftype(result, column)) {
    case TYPE_BOOL:
        return keel_bool(text[0] == 't');
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8:
        return keel_int(strtoll(text, NULL, 10));
    case TYPE_FLOAT4:
    case TYPE_FLOAT8: {
        keel_term real = keel_float(strtod(text, NULL));
        return keel_is_none(real) ? keel_atom(nil) : real; // an infinity
    }
    case TYPE_BYTEA:
        return bytes_of(text, length);
    default:
        return keel_binary(text, (size_t)length);
    }
}

static keel_term name_of(const PGresult *result, int row, int column)
{
    (void)row;
    return keel_string(PQfname(result, column));
}

static keel_term row_of(const PGresult *result, int row,
        keel_term (*value)(const PGresult *, int, int), bool tuple)
{
    enum { FEW = 32 };
    keel_term few[FEW];
    size_t columns = (size_t)PQnfields(result);
    keel_term *values = columns <= FEW ? few : keel_alloc(columns * sizeof *values);
    for (size_t column = 0; column < columns; column++) {
        values[column] = value(result, row, (int)column);
    }
    keel_term all = tuple ? keel_tuple(values, columns) : keel_list(values, columns);
    if (values != few) {
        keel_free(values);
    }
    return all;
}

static keel_term answer_of(PGresult *result)
{
    keel_term rows = keel_nil();
    for (int row = PQntuples(result) - 1; row >= 0; row--) {
        rows = keel_cons(row_of(result, row, value_of, true), rows);
    }
    // For a select PostgreSQL counts what it has read; nothing was changed by it.
    bool reads = strncmp(PQcmdStatus(result), "SELECT", 6) == 0;
    int64_t changed = reads ? 0 : strtoll(PQcmdTuples(result), NULL, 10);
    return keel_tuple_of(keel_int(changed), rows, row_of(result, 0, name_of, false));
}

// --- sending ---

// Why a term cannot be a parameter; NULL when it can.
static const char *objection(keel_term value)
{
    if (keel_is_binary(value)) {
        keel_bytes text = keel_to_bytes(value);
        return text.size > 0 && memchr(text.data, 0, text.size) != NULL
                       ? "a text with a zero byte; use {blob, Bytes}"
                       : NULL;
    }
    int64_t integer;
    bool blob = keel_tuple_size(value) == 2 && keel_is(keel_element(value, 0), blob) &&
                keel_is_binary(keel_element(value, 1));
    bool good = keel_is_atom(value) || keel_is_float(value) || blob ||
                keel_get_int(value, &integer);
    return good ? NULL : "a term without a form in the database";
}

static const char *objection_to_any(keel_term statements)
{
    keel_term statement, parameter;
    while (keel_list_next(&statements, &statement)) {
        keel_term parameters = keel_element(statement, 1);
        while (keel_list_next(&parameters, &parameter)) {
            const char *why = objection(parameter);
            if (why != NULL) {
                return why;
            }
        }
    }
    return NULL;
}

// The text of a parameter as a NUL-terminated string, NULL for nil. It lives as terms do.
static const char *text_of(keel_term value)
{
    if (keel_is(value, nil)) {
        return NULL;
    }
    if (keel_is_atom(value)) {
        return keel_atom_name(value);
    }
    if (keel_is_binary(value)) {
        keel_bytes bytes = keel_to_bytes(value);
        uint8_t *copy;
        keel_binary_new(bytes.size + 1, &copy);
        memcpy(copy, bytes.size == 0 ? (const uint8_t *)"" : bytes.data, bytes.size);
        copy[bytes.size] = '\0';
        return (const char *)copy;
    }
    keel_term text = keel_is_float(value)
                             ? keel_format("%.17g%c", keel_to_float(value), '\0')
                             : keel_format("%lld%c", (long long)keel_to_int(value), '\0');
    return (const char *)keel_to_bytes(text).data;
}

// Sends it; false when the connection is gone.
static bool send_execute(PGconn *handle, const char *name, keel_term parameters)
{
    enum { FEW = 32 };
    const char *few_values[FEW];
    int few_lengths[FEW], few_formats[FEW];
    size_t count = 0;
    keel_list_length(parameters, &count);
    bool many = count > FEW;
    const char **values = many ? keel_alloc(count * sizeof *values) : few_values;
    int *lengths = many ? keel_alloc(count * sizeof *lengths) : few_lengths;
    int *formats = many ? keel_alloc(count * sizeof *formats) : few_formats;
    keel_term value;
    for (size_t i = 0; keel_list_next(&parameters, &value); i++) {
        bool blob = keel_is_tuple(value);
        keel_bytes bytes = keel_to_bytes(keel_element(value, 1));
        values[i] = !blob             ? text_of(value)
                    : bytes.size == 0 ? ""
                                      : (const char *)bytes.data;
        lengths[i] = blob ? (int)bytes.size : 0;
        formats[i] = blob;
    }
    bool sent = PQsendQueryPrepared(handle, name, (int)count, values, lengths, formats, 0);
    if (many) {
        keel_free(values);
        keel_free(lengths);
        keel_free(formats);
    }
    return sent;
}

static struct known *find_known(struct connection *connection, keel_bytes sql)
{
    for (int i = 0; i < REMEMBERED; i++) {
        const char *text = connection->known[i].sql;
        if (text != NULL && strncmp(text, (const char *)sql.data, sql.size) == 0 &&
                text[sql.size] == '\0') {
            return &connection->known[i];
        }
    }
    return NULL;
}

// Has the server prepare a statement that is new to this connection.
static struct known *send_prepare(struct connection *connection, keel_bytes sql)
{
    struct known *place = &connection->known[connection->next++ % REMEMBERED];
    char text[32];
    if (place->sql != NULL) {
        snprintf(text, sizeof text, "deallocate k%u", place->number);
        if (!PQsendQueryParams(connection->handle, text, 0, NULL, NULL, NULL, NULL, 0)) {
            return NULL;
        }
        free(place->sql);
    }
    place->sql = malloc(sql.size + 1);
    if (place->sql != NULL) {
        memcpy(place->sql, sql.data, sql.size);
        place->sql[sql.size] = '\0';
    }
    place->number = ++connection->numbers;
    snprintf(text, sizeof text, "k%u", place->number);
    bool sent = place->sql != NULL &&
                PQsendPrepare(connection->handle, text, place->sql, 0, NULL);
    return sent ? place : NULL;
}

// Sends them all. `kinds` gets a letter for each thing that will be answered: e for a
// statement, p for its preparation, - for what only we care about.
static bool send_all(struct connection *connection, keel_term statements, char *kinds)
{
    keel_term statement;
    bool good = PQenterPipelineMode(connection->handle);
    while (good && keel_list_next(&statements, &statement)) {
        keel_bytes sql = keel_to_bytes(keel_element(statement, 0));
        struct known *known = find_known(connection, sql);
        if (known == NULL) {
            bool one_goes = connection->known[connection->next % REMEMBERED].sql != NULL;
            kinds = one_goes ? (*kinds = '-', kinds + 1) : kinds;
            *kinds++ = 'p';
            known = send_prepare(connection, sql);
        }
        char name[16];
        if (known != NULL) {
            snprintf(name, sizeof name, "k%u", known->number);
            *kinds++ = 'e';
        }
        keel_scope scope = keel_scope_open();
        good = known != NULL &&
               send_execute(connection->handle, name, keel_element(statement, 1));
        keel_scope_close(&scope);
    }
    *kinds = '\0';
    return good && PQpipelineSync(connection->handle);
}

// Takes one result: an answer, or the first failure.
static void take(keel_database *db, PGresult *result, const char *kind, keel_status *first,
        keel_term *answers)
{
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
        if (*kind == 'e') {
            *answers = keel_cons(answer_of(result), *answers);
        } else if (*kind == 'p') {
            ((struct connection *)db->connection)->confirmed++;
        }
        break;
    case PGRES_PIPELINE_ABORTED:
    case PGRES_PIPELINE_SYNC:
        break;
    default:
        if (*first == KEEL_OK) {
            *first = refused(db, result);
        }
    }
}

static keel_status run_statements(keel_database *db, keel_term statements, bool atomic,
        keel_deadline deadline, keel_term *ret_answers)
{
    (void)atomic; // one synchronisation point: one transaction, or part of the open one
    struct connection *connection = db->connection;
    const char *why = objection_to_any(statements);
    if (why != NULL) {
        return kl_database_fail(db, KEEL_E_BADARG, "parameter", keel_int(0), why);
    }
    size_t count = 0;
    keel_list_length(statements, &count);
    char *kinds = keel_alloc(3 * count + 1), *kind = kinds;
    keel_term answers = keel_nil();
    keel_status status = KEEL_OK, first = KEEL_OK;
    if (!send_all(connection, statements, kinds)) {
        status = lost(db);
    }
    bool done = false;
    while (status == KEEL_OK && !done) {
        PGresult *result = NULL;
        status = next_result(db, deadline, &result);
        if (status == KEEL_OK && result == NULL) {
            // The end of one statement, unless there are none left.
            if (PQstatus(connection->handle) != CONNECTION_OK) {
                status = lost(db);
            }
            kind += *kind != '\0';
        } else if (status == KEEL_OK) {
            take(db, result, kind, &first, &answers);
            done = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        }
        PQclear(result);
    }
    keel_free(kinds);
    if (status != KEEL_OK) {
        return status;
    }
    if (!PQexitPipelineMode(connection->handle)) {
        return lost(db);
    }
    // What was to be prepared after a failure was not.
    forget_after(connection, connection->confirmed);
    connection->numbers = connection->confirmed;
    if (first != KEEL_OK) {
        if (first == -ECONNRESET) {
            disconnect_postgres(db);
        }
        return first;
    }
    *ret_answers = keel_list_reverse(answers);
    return KEEL_OK;
}

static keel_status run_script(keel_database *db, const char *sql, keel_deadline deadline)
{
    struct connection *connection = db->connection;
    keel_status status = KEEL_OK, first = KEEL_OK;
    if (!PQsendQuery(connection->handle, sql)) {
        return lost(db);
    }
    PGresult *result = NULL;
    keel_term answers = keel_nil();
    do {
        PQclear(result);
        result = NULL;
        status = next_result(db, deadline, &result);
        if (status == KEEL_OK && result != NULL) {
            take(db, result, "-", &first, &answers);
            // The server answers so to a commit after a statement that failed.
            if (first == KEEL_OK && strcmp(sql, "commit") == 0 &&
                    strcmp(PQcmdStatus(result), "ROLLBACK") == 0) {
                first = kl_database_fail(db, KEEL_E_REFUSED, "sql", keel_int(0),
                        "a statement of the transaction has failed");
            }
        }
    } while (status == KEEL_OK && result != NULL);
    if (status == KEEL_OK && PQstatus(connection->handle) != CONNECTION_OK) {
        return lost(db);
    }
    if (first == -ECONNRESET) {
        disconnect_postgres(db);
    }
    return status != KEEL_OK ? status : first;
}
