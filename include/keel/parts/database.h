#ifndef KEEL_PARTS_DATABASE_H
#define KEEL_PARTS_DATABASE_H

#include <keel/term.h>
#include <keel/time.h>

// One small way to talk to SQLite and to PostgreSQL.
//
//   keel_database *database;
//   keel_status status = keel_database_open("sqlite:shop.db", &database);
//   keel_answer answer;
//   status = keel_database_query(database, "select name from users where id = $1",
//           keel_list_of(keel_int(7)), &answer);              // rows: [{<<"Ada">>}]
//
// A database belongs to the process that opened it, which alone may use it, and is closed
// when that process ends. Only that process waits: SQLite works on the blocking pool,
// PostgreSQL through the poller. A process that uses PostgreSQL, or SQLite under the
// simulator, wants a stack of 256 KiB.
//
// Parameters are $1, $2, … in both. As parameters and in rows:
//   integer, float       integer, real      binary       text
//   {blob, Binary}       bytes; in rows a plain binary
//   true, false          boolean; SQLite has 1 and 0
//   nil                  NULL               other atoms  their names as text
//
// A server that is lost is connected to again by the next call, with a back-off that
// doubles, until that call's time is over. SQLite files are opened in WAL mode and each
// commit is on the disk before it is reported: it survives kill -9 and a power failure.
// `sqlite:PATH?synchronous=normal` gives up the latter.

KEEL_BEGIN_DECLS

typedef struct keel_database keel_database;

/// What a statement gave.
typedef struct keel_answer {
    keel_term rows; ///< a list of tuples
    keel_term columns; ///< a list of binaries
    int64_t changed; ///< rows inserted, updated or deleted
} keel_answer;

/// How to open; zeroed: the defaults given here.
typedef struct keel_database_opts {
    const char *url; ///< sqlite:PATH, sqlite::memory:, postgres://…, postgresql://…
    keel_duration timeout; ///< of each call, waiting for a lock or a lost server included;
                           ///< 0: 5 s; KEEL_FOREVER
    keel_duration backoff, backoff_max; ///< between attempts to connect; 0: 50 ms, 5 s
} keel_database_opts;

/// Opens a database: keel_database_open("postgres://localhost/shop", &database); further
/// options by name before the last argument with keel_database_open_opt.
/// @param ret_database  valid until keel_database_close or the end of the process
/// @return KEEL_OK, KEEL_E_BADARG (the URL), KEEL_E_UNSUPPORTED (a build without this kind
///         of database), KEEL_E_OUTSIDE, KEEL_E_NOMEM, or as keel_database_query
/// @thread process
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_database_open(
        const char *url, keel_database **ret_database);
/// The same with options; `ret_reason` (may be NULL) tells why it failed.
/// @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_database_open_opt(const keel_database_opts *opts,
        keel_database **ret_database, keel_term *ret_reason);
/// Closes it; NULL is fine. @thread process @since 0.1
KEEL_API void keel_database_close(keel_database *database);

/// The atom sqlite or postgres. @thread any @since 0.1
KEEL_API keel_term keel_database_kind(const keel_database *database);
/// Why the last call failed: {Kind, Code, Message}. Kind is one of constraint, sql, busy,
/// conflict, full, lost, corrupt, io, parameter; Code the number or SQLSTATE of the
/// database; Message a binary. KEEL_NONE after a success. @thread process @since 0.1
KEEL_API keel_term keel_database_reason(const keel_database *database);

/// Runs one statement, prepared once and remembered.
/// @param parameters  a list; KEEL_NONE: none
/// @param ret_answer  may be NULL
/// @return KEEL_OK; KEEL_E_REFUSED: the database says no (bad SQL, a constraint);
///         KEEL_E_BADARG: a parameter it has no form for; KEEL_E_TIMEOUT: locked by others,
///         or too slow; -ENOSPC: the disk is full; -EIO: the disk or the file is broken;
///         -ECONNRESET: the server was lost, and whether the statement took place is not
///         known; -ECONNREFUSED: it cannot be reached, nothing took place; KEEL_E_NOMEM,
///         KEEL_E_OVERLOAD
/// @thread process, the one that opened it
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_database_query(keel_database *database,
        const char *sql, keel_term parameters, keel_answer *ret_answer);
/// Runs several statements as one transaction: all take place or none. PostgreSQL gets
/// them in one round trip. Inside keel_database_transaction they are part of that one.
/// @param statements   a list of {Sql, Parameters}, Sql a binary
/// @param ret_answers  a list of {Changed, Rows}; may be NULL
/// @return as keel_database_query
/// @thread process
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_database_batch(
        keel_database *database, keel_term statements, keel_term *ret_answers);
/// Runs fn(database, context) as one transaction: it is committed when fn returns KEEL_OK,
/// rolled back when it returns anything else or the process ends. A server that is lost in
/// it is not connected to again before its end. They do not nest.
/// @return what fn returned, or as keel_database_query
/// @thread process
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_database_transaction(keel_database *database,
        keel_status (*fn)(keel_database *database, void *context), void *context);

/// Brings a schema up to date: `steps` are numbered from 1, each one or several statements
/// with semicolons, and runs once, ever, in a transaction of its own. What has run stands
/// in the table keel_migrations. Programs that start together wait for each other.
/// @param name   whose steps these are
/// @param ret_number  the number the schema has; may be NULL
/// @return as keel_database_query; KEEL_E_BADARG when the schema is newer than `steps`
/// @thread process
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_database_migrate(keel_database *database,
        const char *name, const char *const *steps, size_t count, size_t *ret_number);

KEEL_END_DECLS

#endif // KEEL_PARTS_DATABASE_H
