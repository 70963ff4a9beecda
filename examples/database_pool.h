#ifndef DATABASE_POOL_H
#define DATABASE_POOL_H

#include <keel/keel.h>

/// How connections are made and closed.
struct database {
    void *(*connect)(const char *options);
    void (*close)(void *connection);
};

enum { DATABASE_POOL_SIZE = 10 };

/// Opens ten connections; they are closed when the server ends, by whatever but kill.
keel_started database_pool_start_link(const struct database *database);

#endif // DATABASE_POOL_H
