#ifndef KL_PARTS_DATABASE_H
#define KL_PARTS_DATABASE_H

#include <keel/parts/database.h>

// What the kinds of database share. A driver's functions run in the owner's process and
// may wait; one is called at a time.

struct kl_database_driver {
    const char *name; // as an atom, keel_database_kind
    // Makes a connection of db->url; on success db->connection is set. A failure says why
    // with kl_database_fail.
    keel_status (*connect)(keel_database *db, keel_deadline deadline);
    // Lets the connection go, at once; called when the owner ends as well.
    void (*disconnect)(keel_database *db);
    // Runs {Sql, Parameters} after {Sql, Parameters}, as one transaction when `atomic`.
    // The answers are {Changed, Rows, Columns}.
    keel_status (*run)(keel_database *db, keel_term statements, bool atomic,
            keel_deadline deadline, keel_term *ret_answers);
    // Runs a text of several statements without parameters.
    keel_status (*script)(keel_database *db, const char *sql, keel_deadline deadline);
    const char *begin; // the statement that opens a transaction meant to write
};

struct keel_database {
    const struct kl_database_driver *driver;
    void *connection; // the driver's; NULL: none now
    char *url;
    keel_duration timeout, backoff, backoff_max;
    keel_duration next_backoff; // before the next attempt to connect; 0: at once
    keel_deadline retry_at; // no attempt before
    bool in_transaction;
    keel_term reason; // of the last failure, kept
};

// The drivers; NULL in a build without the library.
extern const struct kl_database_driver *const kl_database_sqlite;
extern const struct kl_database_driver *const kl_database_postgres;

// Remembers why a call failed, as keel_database_reason shows it; returns `status`.
keel_status kl_database_fail(keel_database *db, keel_status status, const char *kind,
        keel_term code, const char *message);

#endif // KL_PARTS_DATABASE_H
