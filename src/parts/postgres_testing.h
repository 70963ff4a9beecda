#ifndef KL_PARTS_POSTGRES_TESTING_H
#define KL_PARTS_POSTGRES_TESTING_H

#include "testing/harness.h"

#include <sys/types.h>

// A PostgreSQL server of a test's own: on a free port of the loopback interface, in a
// folder of its own, run by an unprivileged user. It ends with the test. Skips the test
// where PostgreSQL is not installed. Call it before the runtime starts, since it forks.

struct test_server {
    char folder[256];
    char url[128];
    pid_t pid;
};

void start_postgres(struct test_server *server);
void stop_postgres(struct test_server *server);

// A SQLite database in a folder of its own; `options` go behind the name of its file. Skips
// the test in a build without SQLite.
struct test_file {
    char folder[256];
    char url[300];
};

void make_sqlite(struct test_file *file, const char *options);
void remove_sqlite(const struct test_file *file);

#endif // KL_PARTS_POSTGRES_TESTING_H
