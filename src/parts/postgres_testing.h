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

// A folder for a test's files, and its end with all that is in it.
void make_folder(char *ret_path, size_t size);
void remove_folder(const char *path);

#endif // KL_PARTS_POSTGRES_TESTING_H
